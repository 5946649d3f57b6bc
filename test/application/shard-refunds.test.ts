/** Money that a provider or an operator gives back: once, never more than came, and never guessed. */
import { describe, expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { METHODS, type CallKind, type Fault } from '../support/fake-processor.ts';
import { OWNER } from '../support/node-shard.ts';
import { card, codeOf, customer, given, NodeShop } from '../support/node-shop.ts';

/** The first call of a kind goes wrong; all others pass. */
function failOnce(shop: NodeShop, kind: CallKind, fault: Fault): void {
  let isLeft = true;
  shop.stripe.faultFor = (call) => {
    if (!isLeft || call.kind !== kind) return null;
    isLeft = false;
    return fault;
  };
}

describe('a refund by the seller', () => {
  test('without an amount gives back all that is left, and leaves the booking as it is', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    given(await shop.refund(id, { amount: 900 }));
    const refund = given(await shop.refund(id));
    expect(refund).toMatchObject({
      status: 'succeeded',
      amount: { amount: 1_600, currency: 'usd' },
      bookingId: id,
      paymentId: shop.payment(id).id,
      reason: 'goodwill',
    });
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(2_500);
    expect(shop.payment(id)).toMatchObject({ state: 'refunded', refundedMinor: 2_500 });
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(await shop.slotStatus()).toBe('booked');
  });

  test('is shown with the booking', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const refund = given(await shop.refund(id, { amount: 900 }));
    const shown = given(await shop.shard.getBooking(customer(), id));
    expect(shown.view.refunds).toEqual([refund]);
    expect(shown.view.payment?.refunded).toEqual({ amount: 900, currency: 'usd' });
  });

  test('of 60 percent twice at the same moment is made once', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const replies = await Promise.all([
      shop.refund(id, { amount: 1_500 }),
      shop.refund(id, { amount: 1_500, by: { id: 'usr_op', roles: ['operator'] } }),
    ]);
    expect(replies.map(codeOf).toSorted()).toEqual(['accepted', 'refund_exceeds_captured']);
    expect(shop.stripe.objectOf('stripe_1').refunds).toMatchObject([{ amountMinor: 1_500 }]);
  });

  test('of more than was captured is refused, and of exactly that is made', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    expect(codeOf(await shop.refund(id, { amount: 2_501 }))).toBe('refund_exceeds_captured');
    expect(codeOf(await shop.refund(id, { amount: 2_500 }))).toBe('accepted');
    expect(codeOf(await shop.refund(id))).toBe('refund_exceeds_captured');
  });

  test('of a booking that nobody has paid for is refused', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot()], card(METHODS.asksPayer));
    expect(codeOf(await shop.refund(id))).toBe('refund_exceeds_captured');
  });

  test('in another currency is refused', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const reply = await shop.refund(id, { amount: 100, currency: 'eur' });
    expect(codeOf(reply)).toBe('validation_failed');
  });

  test('is not for the customer, and not found for anybody else', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const stranger = { id: 'usr_other', roles: ['provider'] as const };
    expect(codeOf(await shop.refund(id, { by: customer() }))).toBe('role_required');
    expect(codeOf(await shop.refund(id, { by: stranger }))).toBe('not_found');
  });

  test('with the same key is the same refund', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const first = await shop.refund(id, { amount: 100, key: 'one' });
    const again = await shop.refund(id, { amount: 100, key: 'one' });
    expect(again).toEqual({ ...first, replayed: true });
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(100);
  });

  test('whose caller died goes on under its key, and is made once', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const call = { key: 'lost', fingerprint: `${id} 100` };
    const command = { caller: OWNER, call, bookingId: id, reason: 'goodwill' };
    const amount = { amount: 100, currency: 'usd' };
    const opened = await shop.shard.openRefund({ ...command, amount });
    if (opened.kind !== 'work' || opened.step.kind !== 'work') throw new Error('no work');
    const { work } = opened.step;
    if (work.kind !== 'refund') throw new Error('another kind of work');
    const { idempotencyKey: key, amountMinor, refundId } = work;
    await shop.stripe.refund({ key, ref: 'stripe_1', amountMinor, refundId: refundId ?? '' });
    shop.shard.crash();
    shop.clock.advance(MINUTE_MS);
    const refund = given(await shop.refund(id, { amount: 100, key: 'lost' }));
    expect(refund).toMatchObject({ id: refundId, status: 'succeeded' });
    expect(shop.stripe.objectOf('stripe_1').refunds).toHaveLength(1);
  });

  test('that the processor works on for days keeps no other refund waiting', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot()], card(METHODS.refundPending));
    given(await shop.refund(id, { amount: 1_000 }));
    given(await shop.refund(id, { amount: 1_000 }));
    expect(shop.stripe.objectOf('stripe_1').refunds).toHaveLength(2);
    shop.stripe.finishPending('stripe_1');
    await shop.advance(id);
    expect(shop.payment(id).refundedMinor).toBe(2_000);
    expect(shop.shard.store.bookingsWithWork(null, 10)).toEqual([]);
  });

  test('makes a cancelled booking refunded also when it had all gone back before', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    given(await shop.refund(id));
    await shop.cancel(id);
    expect(shop.bookingRow(id).state).toBe('refunded');
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(2_500);
  });
});

describe('a refund whose answer was lost', () => {
  const LOSSES = ['lost_before', 'lost_after', 'fault_before', 'fault_after'] as const;

  test.each(LOSSES)(
    '(%s) is looked up by its own id and made once, also when partial',
    async (fault) => {
      const shop = await NodeShop.open();
      const { id } = await shop.booked([shop.slot()], card(METHODS.refundPending));
      failOnce(shop, 'refund', fault);
      await shop.refund(id, { amount: 500 });
      for (let i = 0; i < 4; i++) await shop.pass(MINUTE_MS);
      expect(shop.stripe.objectOf('stripe_1').refunds).toMatchObject([{ amountMinor: 500 }]);
      shop.stripe.finishPending('stripe_1');
      await shop.pass(2 * HOUR_MS);
      expect(shop.payment(id).refundedMinor).toBe(500);
    },
  );

  test('is never taken for another one of the same amount', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    failOnce(shop, 'refund', 'lost_before');
    await shop.refund(id, { amount: 500 });
    shop.stripe.refundByHand('stripe_1', 500);
    for (let i = 0; i < 4; i++) await shop.pass(MINUTE_MS);
    await shop.advance(id);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(1_000);
    expect(shop.payment(id).refundedMinor).toBe(1_000);
  });

  test('is given up where somebody gave all of it back by hand meanwhile', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    failOnce(shop, 'refund', 'lost_before');
    await shop.refund(id, { amount: 2_000 });
    shop.stripe.refundByHand('stripe_1', 2_500);
    for (let i = 0; i < 4; i++) await shop.pass(MINUTE_MS);
    const [ours, ...byHand] = shop.shard.store.refundsOf(id);
    expect(ours).toMatchObject({ isExternal: false, state: 'failed' });
    expect(byHand.reduce((total, { amountMinor }) => total + amountMinor, 0)).toBe(2_500);
    expect(shop.payment(id)).toMatchObject({ state: 'refunded', refundedMinor: 2_500 });
    expect(shop.shard.store.bookingsWithWork(null, 10)).toEqual([]);
  });

  test('is not made again by a search that is older than another call', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    failOnce(shop, 'refund', 'lost_before');
    const reply = { kind: 'missing' } as const;
    await shop.refund(id, { amount: 500 });
    shop.clock.advance(MINUTE_MS);
    const look = { bookingId: id, cause: 'queue', look: true, looked: [] } as const;
    const fetching = await shop.shard.takeStep(look);
    if (fetching.kind !== 'work') throw new Error('no work');
    const seen = await shop.stripe.fetch('stripe_1');
    const asked = { cause: 'queue', tried: [], call: null } as const;
    const search = await shop.shard.recordReply({ ...asked, work: fetching.work, reply: seen });
    if (search.kind !== 'work') throw new Error('no search');
    shop.clock.advance(MINUTE_MS);
    failOnce(shop, 'refund', 'fault_after');
    await shop.advance(id);
    await shop.shard.recordReply({ ...asked, work: search.work, reply });
    for (let i = 0; i < 4; i++) await shop.pass(MINUTE_MS);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(500);
    expect(shop.payment(id).refundedMinor).toBe(500);
  });
});

describe('a refund that comes back after it had gone', () => {
  test('is money that is kept again, and somebody has to look', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    await shop.cancel(id);
    expect(shop.bookingRow(id).state).toBe('refunded');
    shop.clock.advance(72 * HOUR_MS);
    shop.stripe.refundComesBack('stripe_1');
    await shop.advance(id);
    expect(shop.shard.store.refundsOf(id)).toMatchObject([{ state: 'failed' }]);
    expect(shop.payment(id)).toMatchObject({
      state: 'captured',
      refundedMinor: 0,
      review: 'a refund failed',
    });
    const trail = shop.shard.store.events(0, 100).map(({ type }) => type);
    expect(trail).toContain('refund.failed');
    const kinds = (await shop.facts()).map(({ kind }) => kind);
    expect(kinds).toEqual(['captured', 'refunded', 'refund_failed']);
  });

  test('may be given back another time', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    await shop.cancel(id);
    shop.stripe.refundComesBack('stripe_1');
    await shop.advance(id);
    expect(given(await shop.refund(id))).toMatchObject({ status: 'succeeded' });
    expect(shop.payment(id)).toMatchObject({ state: 'refunded', refundedMinor: 2_500 });
  });
});

describe('a refund made at the processor by hand', () => {
  test('ends a refund of ours that asks for more than it left, and keeps no other one waiting', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    shop.stripe.refundByHand(shop.payment(id).ref ?? '', 150);
    const tooMuch = { kind: 'misconfigured', reason: 'more than is left' } as const;
    let first: string | null = null;
    shop.stripe.faultFor = ({ kind, key }) => {
      if (kind !== 'refund') return null;
      first ??= key;
      return key === first ? tooMuch : null;
    };
    given(await shop.refund(id));
    await shop.pass(MINUTE_MS);
    const refunds = shop.shard.store.refundsOf(id);
    expect(refunds.map(({ state, amountMinor }) => [state, amountMinor])).toEqual([
      ['failed', 2_500],
      ['succeeded', 150],
    ]);
    expect(given(await shop.refund(id))).toMatchObject({ status: 'succeeded' });
    expect(shop.payment(id).refundedMinor).toBe(2_500);
  });

  test('is recorded, counted and told to the ledger once', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    shop.stripe.refundByHand('stripe_1', 700);
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(shop.shard.store.refundsOf(id)).toMatchObject([{ amountMinor: 700, isExternal: true }]);
    expect(shop.payment(id).refundedMinor).toBe(700);
    const refunds = (await shop.facts()).filter(({ kind }) => kind === 'refunded');
    expect(refunds).toMatchObject([{ amountMinor: 700, isEarned: true }]);
    expect(codeOf(await shop.refund(id, { amount: 1_801 }))).toBe('refund_exceeds_captured');
  });

  test('that comes back is money that is kept again', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    given(await shop.refund(id, { amount: 100 }));
    shop.stripe.refundByHand('stripe_1', 700);
    await shop.advance(id);
    shop.stripe.refundComesBack('stripe_1');
    await shop.advance(id);
    expect(shop.payment(id).refundedMinor).toBe(100);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(100);
  });
});
