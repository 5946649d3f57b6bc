/** Moving to dearer slots: held first, paid then, switched last; whatever goes wrong leaves the booking as it was. */
import { describe, expect, test } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { METHODS, type CallKind, type Fault } from '../support/fake-processor.ts';
import { OWNER } from '../support/node-shard.ts';
import {
  card,
  codeOf,
  CRYPTO,
  customer,
  given,
  NodeShop,
  ORDER,
  TOMORROW_MS,
  type ShopOptions,
} from '../support/node-shop.ts';

/** An hour at 25.00, two at 40.00, and one at 60.00. */
const PRICED: ShopOptions = {
  slots: [
    { at: 0 },
    { at: 60, priceMinor: 4_000 },
    { at: 120, priceMinor: 4_000 },
    { at: 180, priceMinor: 6_000 },
  ],
};

async function sold(options: ShopOptions = PRICED) {
  const shop = await NodeShop.open(options);
  const { id } = await shop.booked();
  return { shop, id };
}

function slotsOf(shop: NodeShop, id: string) {
  return shop.bookingRow(id).items.map(({ slotId }) => slotId);
}

async function statuses(shop: NodeShop) {
  return Promise.all(shop.slotIds.map((slotId) => shop.slotStatus(slotId)));
}

/** Nothing of the move is left: one claim, no hold beside it, no money of it. */
async function expectUnmoved(shop: NodeShop, id: string): Promise<void> {
  expect(slotsOf(shop, id)).toEqual([shop.slot(0)]);
  expect(shop.bookingRow(id)).toMatchObject({ state: 'confirmed', change: null });
  expect(shop.shard.sql.rows('SELECT slot_id FROM claim WHERE is_live = 1')).toEqual([
    { slot_id: shop.slot(0) },
  ]);
  const [, ...supplements] = [...shop.stripe.objects.values()];
  for (const one of supplements) expect(one.capturedMinor - one.refundedMinor).toBe(0);
}

function failOnce(shop: NodeShop, kind: CallKind, fault: Fault): void {
  let isLeft = true;
  shop.stripe.faultFor = (call) => {
    if (!isLeft || call.kind !== kind) return null;
    isLeft = false;
    return fault;
  };
}

describe('a move to a dearer slot', () => {
  test('charges the difference alone, after the new slot was locked, and frees the old one', async () => {
    const { shop, id } = await sold();
    const view = given(await shop.reschedule(id, [shop.slot(1)], { payment: card() }));
    expect(view).toMatchObject({
      status: 'confirmed',
      quote: { total: { amount: 4_000 } },
      payment: { amount: { amount: 2_500 } },
      change: null,
    });
    expect(await statuses(shop)).toEqual(['available', 'booked', 'available', 'available']);
    expect(shop.payments(id)).toMatchObject([
      { purpose: 'sale', capturedMinor: 2_500, earnedMinor: 2_500 },
      { purpose: 'supplement', amountMinor: 1_500, capturedMinor: 1_500, earnedMinor: 1_500 },
    ]);
    const events = shop.shard.store.events(0, 1_000).map(({ type }) => type);
    expect(events.lastIndexOf('hold.committed')).toBeLessThan(
      events.lastIndexOf('payment.captured'),
    );
  });

  test('gives back both payments when it is cancelled, each within its capture', async () => {
    const { shop, id } = await sold();
    given(await shop.reschedule(id, [shop.slot(1)], { payment: card() }));
    given(await shop.reschedule(id, [shop.slot(3)], { payment: card() }));
    given(await shop.cancel(id, { by: OWNER }));
    expect(shop.payments(id).map(({ refundedMinor }) => refundedMinor)).toEqual([
      2_500, 1_500, 2_000,
    ]);
    expect(shop.bookingRow(id).state).toBe('refunded');
    const facts = await shop.facts();
    const share = facts.map(
      ({ kind, commissionMinor }) => (kind === 'captured' ? 1 : -1) * commissionMinor,
    );
    expect(share.reduce((sum, one) => sum + one, 0)).toBe(0);
  });

  test('and back to a cheaper one gives the difference back from the latest payment first', async () => {
    const { shop, id } = await sold();
    given(await shop.reschedule(id, [shop.slot(3)], { payment: card() }));
    given(await shop.reschedule(id, [shop.slot(0)]));
    expect(shop.payments(id).map(({ refundedMinor }) => refundedMinor)).toEqual([0, 3_500]);
    expect(shop.bookingRow(id).quote.totalMinor).toBe(2_500);
  });

  test('onto its own time on the same court holds only what it does not have', async () => {
    const { shop, id } = await sold({ slots: [{ at: 0 }, { at: 30, priceMinor: 4_000 }] });
    given(await shop.reschedule(id, [shop.slot(1)], { payment: card() }));
    expect(slotsOf(shop, id)).toEqual([shop.slot(1)]);
    const around = { slots: [{ at: 60 }, { at: 0, minutes: 180, priceMinor: 9_000 }] };
    const other = await sold(around);
    const wide = other.shop.reschedule(other.id, [other.shop.slot(1)], { payment: card() });
    expect(codeOf(await wide)).toBe('slot_unavailable');
  });

  test('that is declined is 402, and nothing has changed', async () => {
    const { shop, id } = await sold();
    const reply = await shop.reschedule(id, [shop.slot(1)], { payment: card(METHODS.declines) });
    expect(reply).toMatchObject({
      refusal: { code: 'payment_declined', extra: { bookingId: id } },
    });
    await expectUnmoved(shop, id);
    given(await shop.reschedule(id, [shop.slot(1)], { payment: card() }));
    expect(slotsOf(shop, id)).toEqual([shop.slot(1)]);
  });

  test('whose capture is refused frees the new slot and keeps the old one', async () => {
    const { shop, id } = await sold();
    const payment = card(METHODS.captureRefused);
    expect(codeOf(await shop.reschedule(id, [shop.slot(1)], { payment }))).toBe('payment_declined');
    await expectUnmoved(shop, id);
  });

  test.each(['lost_before', 'lost_after', 'fault_before', 'fault_after'] as const)(
    'whose capture is answered by silence or a fault (%s) is done once',
    async (fault) => {
      const { shop, id } = await sold();
      failOnce(shop, 'capture', fault);
      await shop.reschedule(id, [shop.slot(1)], { payment: card() });
      for (let i = 0; i < 4; i++) await shop.pass(MINUTE_MS);
      expect(slotsOf(shop, id)).toEqual([shop.slot(1)]);
      expect(shop.stripe.objectOf('stripe_2').capturedMinor).toBe(1_500);
      expect(await shop.slotStatus(shop.slot(0))).toBe('available');
    },
  );
});

describe('a move that waits for its payer', () => {
  test('holds both slots, says what has to be done, and is done when the payer has paid', async () => {
    const { shop, id } = await sold();
    const view = given(await shop.reschedule(id, [shop.slot(1)], { payment: ORDER }));
    expect(view).toMatchObject({
      status: 'confirmed',
      change: {
        slotIds: [shop.slot(1)],
        payment: { status: 'action_required', amount: { amount: 1_500 } },
      },
    });
    expect((await statuses(shop)).slice(0, 2)).toEqual(['booked', 'held']);
    shop.paypal.payerApproves('paypal_1');
    given(await shop.confirm(id));
    expect(slotsOf(shop, id)).toEqual([shop.slot(1)]);
  });

  test('ends with its deadline: the new slot is free, the old one stays, late money goes back', async () => {
    const { shop, id } = await sold();
    given(await shop.reschedule(id, [shop.slot(1)], { payment: CRYPTO }));
    for (let i = 0; i < 8; i++) await shop.pass(2 * MINUTE_MS);
    await expectUnmoved(shop, id);
    expect(await shop.slotStatus(shop.slot(1))).toBe('available');
    shop.btcpay.payerPushes('btcpay_1', 1_500);
    for (let i = 0; i < 3; i++) await shop.advance(id);
    await expectUnmoved(shop, id);
    const paid = shop.btcpay.objectOf('btcpay_1');
    expect(paid.refundedMinor).toBe(paid.capturedMinor);
  });

  test('keeps every other change of its slots out, and a cancellation ends it', async () => {
    const { shop, id } = await sold();
    given(await shop.reschedule(id, [shop.slot(1)], { payment: ORDER }));
    const again = shop.reschedule(id, [shop.slot(2)], { payment: card() });
    expect(codeOf(await again)).toBe('invalid_transition');
    const reassigned = shop.act(id, { kind: 'reassign', resourceId: 'res_other' });
    expect(codeOf(await reassigned)).toBe('invalid_transition');
    const { change } = shop.bookingRow(id);
    expect(codeOf(await shop.giveUp(change?.holdId ?? ''))).toBe('hold_committed');
    given(await shop.cancel(id));
    expect((await statuses(shop)).slice(0, 2)).toEqual(['available', 'available']);
    shop.paypal.payerApproves('paypal_1');
    await shop.advance(id);
    expect(shop.paypal.objectOf('paypal_1').capturedMinor).toBe(0);
    expect(shop.bookingRow(id).state).toBe('refunded');
  });

  test('is over once its old slot begins', async () => {
    const { shop, id } = await sold({ ...PRICED, service: { holdTtlSeconds: 3_600 } });
    await shop.pass(DAY_MS - MINUTE_MS);
    given(await shop.reschedule(id, [shop.slot(1)], { payment: CRYPTO }));
    await shop.pass(TOMORROW_MS + 2 * MINUTE_MS - shop.clock.nowMs());
    expect(shop.bookingRow(id)).toMatchObject({ state: 'in_progress', change: null });
  });
});

describe('at the same moment', () => {
  test('of two moves of one booking one wins, and the other changes nothing', async () => {
    const { shop, id } = await sold();
    const replies = await Promise.all([
      shop.reschedule(id, [shop.slot(1)], { payment: card() }),
      shop.reschedule(id, [shop.slot(2)], { payment: card() }),
    ]);
    expect(replies.map(codeOf).toSorted()).toEqual(['accepted', 'invalid_transition']);
    expect(shop.payments(id)).toHaveLength(2);
  });

  test('a move and a cancellation never leave a slot taken or money unaccounted for', async () => {
    const { shop, id } = await sold();
    await Promise.all([shop.reschedule(id, [shop.slot(1)], { payment: card() }), shop.cancel(id)]);
    for (let i = 0; i < 4; i++) await shop.pass(MINUTE_MS);
    expect(new Set(await statuses(shop))).toEqual(new Set(['available']));
    for (const one of shop.payments(id)) expect(one.refundedMinor).toBe(one.capturedMinor);
    expect(shop.shard.store.bookingsWithWork(null, 10)).toEqual([]);
  });

  test('a caller who vanishes leaves a move that is finished without them, and their key tells how', async () => {
    const { shop, id } = await sold();
    const command = {
      caller: customer(),
      call: { key: 'lost', fingerprint: `${id} ${shop.slot(1)}` },
      bookingId: id,
      slotIds: [shop.slot(1)],
      payment: card(),
      access: null,
    };
    const opened = await shop.shard.rescheduleBooking(command);
    expect(opened.kind).toBe('work');
    shop.shard.crash();
    for (let i = 0; i < 3; i++) await shop.pass(MINUTE_MS);
    const view = given(await shop.reschedule(id, [shop.slot(1)], { key: 'lost', payment: card() }));
    expect(view.slots.map((slot) => slot.id)).toEqual([shop.slot(1)]);
    expect(shop.payments(id)).toHaveLength(2);
  });
});
