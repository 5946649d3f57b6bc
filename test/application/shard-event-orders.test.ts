/**
 * Events are wake-ups: in whatever order they come, with one of them twice and one three days late, a payment ends as it
 * does when they come in order. Every order of six events, for each kind of processor.
 */
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { METHODS, type FakeProcessor, type ProcessorObject } from '../support/fake-processor.ts';
import { card, CRYPTO, NodeShop, ORDER, TOMORROW_MS } from '../support/node-shop.ts';

/** What happens at the processor, in this order; each is an event, and false when it cannot happen yet. */
type Change = (processor: FakeProcessor, object: ProcessorObject) => boolean;

const isPaid = ({ capturedMinor }: ProcessorObject): boolean => capturedMinor > 0;

const approves: Change = (processor, { ref }) => {
  processor.payerApproves(ref);
  return true;
};
const tellsAgain: Change = (_, object) => isPaid(object);
const refundsByHand: Change = (processor, object) => {
  if (isPaid(object)) processor.refundByHand(object.ref, 300);
  return isPaid(object);
};
const disputes =
  (status: 'inquiry' | 'open' | 'under_review' | 'won' | 'lost'): Change =>
  (processor, object) => {
    if (isPaid(object)) processor.dispute(object.ref, status, 1_000);
    return isPaid(object);
  };
const paysAgain: Change = (processor, object) => {
  processor.payerPushes(object.ref, 500);
  return true;
};
const seesMoney: Change = (_, object) => {
  object.state = 'pending';
  return true;
};
const claims: Change = (processor, object) => {
  processor.finishPending(object.ref);
  return true;
};

const SCRIPTS = {
  stripe: [
    approves,
    tellsAgain,
    refundsByHand,
    disputes('open'),
    disputes('under_review'),
    disputes('lost'),
  ],
  paypal: [approves, tellsAgain, tellsAgain, disputes('inquiry'), disputes('won'), refundsByHand],
  btcpay: [seesMoney, approves, tellsAgain, paysAgain, refundsByHand, claims],
} as const satisfies Record<string, readonly Change[]>;

const CHOICES = { stripe: card(METHODS.asksPayer), paypal: ORDER, btcpay: CRYPTO };

function ordersOf(length: number): number[][] {
  if (length === 0) return [[]];
  return ordersOf(length - 1).flatMap((order) =>
    Array.from({ length }, (_, at) => [...order.slice(0, at), length - 1, ...order.slice(at)]),
  );
}

/** A slot that lies ahead also once the late event has come. */
function slotAhead(shop: NodeShop): Promise<string> {
  return shop.addSlot({ at: (shop.clock.nowMs() - TOMORROW_MS + 10 * DAY_MS) / MINUTE_MS });
}

/** Plays one payment whose events come in this order, and says how everything stands at the end. */
async function play(
  shop: NodeShop,
  { name, order }: { name: keyof typeof SCRIPTS; order: readonly number[] },
) {
  const processor = shop[name];
  const before = shop.shard.state.headSeq;
  const { id } = await shop.booked([await slotAhead(shop)], CHOICES[name]);
  const object = processor.objectOf(shop.payment(id).ref ?? '');
  let done = 0;
  const happenUntil = (last: number): void => {
    while (done <= last) {
      const change = SCRIPTS[name][done];
      if (change === undefined || !change(processor, object)) return;
      done += 1;
    }
  };
  const late = order.at(-1) ?? 0;
  const twice = order[order.indexOf(0) % (order.length - 1)] ?? 0;
  for (const event of [...order.slice(0, -1), twice]) {
    happenUntil(event);
    await shop.advance(id);
  }
  happenUntil(order.length);
  shop.clock.advance(3 * DAY_MS);
  happenUntil(late);
  await shop.advance(id);
  // What the shard itself wants to look at again.
  for (let i = 0; i < 2; i++) {
    processor.finishPending(object.ref);
    await shop.pass(2 * HOUR_MS);
  }
  return outcomeOf(shop, { id, object, before });
}

async function outcomeOf(
  shop: NodeShop,
  played: { id: string; object: ProcessorObject; before: number },
) {
  const { id, object, before } = played;
  const payment = shop.payment(id);
  const { state, capturedMinor, refundedMinor, lostMinor, earnedMinor, feeMinor } = payment;
  const batch = await shop.shard.readMoney({ afterSeq: before, limit: 100 });
  const sign = {
    captured: 1,
    refund_failed: 1,
    dispute_won: 1,
    refunded: -1,
    disputed: -1,
    dispute_lost: 0,
  };
  return {
    booking: shop.bookingRow(id).state,
    payment: { state, capturedMinor, refundedMinor, lostMinor, earnedMinor, feeMinor },
    disputes: shop.shard.store.disputesOf(payment.id).map((one) => one.state),
    refunds: shop.shard.store
      .refundsOf(id)
      .map((one) => `${one.state} ${one.amountMinor} ${one.isExternal}`)
      .toSorted(),
    attempts: shop.payments(id).length,
    there: [object.capturedMinor, object.refundedMinor, object.refunds.length],
    net: batch.facts.reduce((total, { kind, amountMinor }) => total + sign[kind] * amountMinor, 0),
    fees: batch.facts.reduce((total, { feeMinor: fee }) => total + (fee ?? 0), 0),
    open: shop.shard.store.operationsOf(payment.id).filter((one) => one.state === 'unknown').length,
  };
}

/** A shop looks at all that is unfinished in it: a small one keeps every play as cheap as the first. */
const ORDERS_PER_SHOP = 15;

async function openShop(): Promise<NodeShop> {
  const shop = await NodeShop.open();
  shop.btcpay.areRefundsClaimed = true;
  return shop;
}

describe('six events of one payment', () => {
  test.each(['stripe', 'paypal', 'btcpay'] as const)(
    'of %s end alike in every order, with one twice and one three days late',
    async (name) => {
      const inOrder = await play(await openShop(), { name, order: [0, 1, 2, 3, 4, 5] });
      expect(inOrder).toMatchObject({ attempts: 1, open: 0 });
      expect(inOrder.payment.capturedMinor).toBeGreaterThan(0);
      const { payment, net } = inOrder;
      expect(net).toBe(payment.capturedMinor - payment.refundedMinor - payment.lostMinor);
      let shop = await openShop();
      for (const [index, order] of ordersOf(6).entries()) {
        if (index % ORDERS_PER_SHOP === 0) shop = await openShop();
        const played = await play(shop, { name, order });
        if (JSON.stringify(played) === JSON.stringify(inOrder)) continue;
        expect({ order, ...played }).toEqual({ order, ...inOrder });
      }
    },
    120_000,
  );
});
