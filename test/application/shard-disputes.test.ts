/** A payer's objection: nothing is refunded while it is open, what is lost is gone, what is won is kept. */
import { describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { card, codeOf, customer, given, NodeShop } from '../support/node-shop.ts';

async function disputed(amountMinor: number | null = null) {
  const shop = await NodeShop.open();
  const { id } = await shop.booked();
  shop.stripe.dispute('stripe_1', 'open', amountMinor);
  await shop.advance(id);
  return { shop, id };
}

function trailOf(shop: NodeShop): string[] {
  const types = shop.shard.store.events(0, 1_000).map(({ type }) => type);
  return types.filter((type) => type.startsWith('dispute.'));
}

async function kindsOf(shop: NodeShop): Promise<string[]> {
  return (await shop.facts()).map(({ kind, amountMinor }) => `${kind} ${amountMinor}`);
}

describe('a disputed payment', () => {
  test('stays captured, its booking confirmed, and is not refunded by anybody', async () => {
    const { shop, id } = await disputed();
    expect(shop.payment(id)).toMatchObject({ state: 'captured', lostMinor: 0 });
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(codeOf(await shop.refund(id))).toBe('invalid_transition');
    expect(shop.stripe.objectOf('stripe_1').refunds).toEqual([]);
    expect(await kindsOf(shop)).toEqual(['captured 2500', 'disputed 2500']);
  });

  test('of a cancelled booking waits for the decision, and goes back once it is won', async () => {
    const { shop, id } = await disputed();
    expect(codeOf(await shop.cancel(id))).toBe('accepted');
    for (let i = 0; i < 4; i++) await shop.pass(10 * MINUTE_MS);
    expect(shop.stripe.calls.filter(({ kind }) => kind === 'refund')).toEqual([]);
    shop.stripe.dispute('stripe_1', 'won');
    await shop.advance(id);
    await shop.pass(MINUTE_MS);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(2_500);
    expect(shop.bookingRow(id).state).toBe('refunded');
  });

  test('of a cancelled booking gives nothing back once it is lost: the payer has it', async () => {
    const { shop, id } = await disputed();
    await shop.cancel(id);
    shop.stripe.dispute('stripe_1', 'lost');
    await shop.advance(id);
    for (let i = 0; i < 4; i++) await shop.pass(10 * MINUTE_MS);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(0);
    expect(shop.payment(id)).toMatchObject({ refundedMinor: 0, lostMinor: 2_500 });
    expect(shop.shard.store.bookingsWithWork(null, 10)).toEqual([]);
  });

  test('that is only inquired about may be refunded, because nothing was taken', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    shop.stripe.dispute('stripe_1', 'inquiry');
    await shop.advance(id);
    expect(codeOf(await shop.refund(id))).toBe('accepted');
    expect(await kindsOf(shop)).toEqual(['captured 2500', 'refunded 2500']);
  });

  test('shows until when evidence counts', async () => {
    const { shop, id } = await disputed();
    const [dispute] = shop.shard.store.disputesOf(shop.payment(id).id);
    expect(dispute?.evidenceDueAtMs).toBeGreaterThan(shop.clock.nowMs());
    expect(dispute).toMatchObject({ state: 'open', amountMinor: 2_500, reason: 'fraudulent' });
  });
});

describe('a dispute that was lost', () => {
  test('is money gone, and ends the booking: its slot is free again', async () => {
    const { shop, id } = await disputed();
    shop.stripe.dispute('stripe_1', 'under_review');
    await shop.advance(id);
    shop.stripe.dispute('stripe_1', 'lost');
    await shop.advance(id);
    expect(trailOf(shop)).toEqual(['dispute.open', 'dispute.under_review', 'dispute.lost']);
    expect(shop.payment(id)).toMatchObject({ state: 'captured', lostMinor: 2_500 });
    expect(shop.bookingRow(id).state).toBe('cancelled');
    expect(await shop.slotStatus()).toBe('available');
    const history = given(await shop.shard.bookingHistory(customer(), id));
    expect(history.data.at(-1)).toMatchObject({ to: 'cancelled', reason: 'dispute lost' });
    expect(await kindsOf(shop)).toEqual(['captured 2500', 'disputed 2500', 'dispute_lost 2500']);
    expect(codeOf(await shop.refund(id))).toBe('refund_exceeds_captured');
  });

  test('and never seen before is told in steps, so that its money moves once', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    shop.stripe.dispute('stripe_1', 'lost');
    for (let i = 0; i < 3; i++) await shop.advance(id);
    expect(trailOf(shop)).toEqual(['dispute.open', 'dispute.lost']);
    expect(await kindsOf(shop)).toEqual(['captured 2500', 'disputed 2500', 'dispute_lost 2500']);
  });

  test('of a part leaves the rest to be given back, and no more', async () => {
    const { shop, id } = await disputed(1_000);
    shop.stripe.dispute('stripe_1', 'lost');
    await shop.advance(id);
    expect(shop.payment(id).lostMinor).toBe(1_000);
    expect(codeOf(await shop.refund(id, { amount: 1_501 }))).toBe('refund_exceeds_captured');
    expect(codeOf(await shop.refund(id, { amount: 1_500 }))).toBe('accepted');
  });

  test('over money that had gone back before breaks nothing', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    given(await shop.refund(id, { amount: 2_000 }));
    shop.stripe.dispute('stripe_1', 'lost', 2_500);
    await shop.advance(id);
    expect(shop.payment(id)).toMatchObject({ refundedMinor: 2_000, lostMinor: 500 });
  });

  test('and turned by an appeal is money that is kept again', async () => {
    const { shop, id } = await disputed();
    shop.stripe.dispute('stripe_1', 'lost');
    await shop.advance(id);
    shop.stripe.dispute('stripe_1', 'won');
    await shop.advance(id);
    expect(shop.payment(id).lostMinor).toBe(0);
    expect((await kindsOf(shop)).at(-1)).toBe('dispute_won 2500');
  });
});

describe('a dispute that was won', () => {
  test('gives back what it took, and the booking was never touched', async () => {
    const { shop, id } = await disputed();
    shop.stripe.dispute('stripe_1', 'won');
    await shop.advance(id);
    expect(await kindsOf(shop)).toEqual(['captured 2500', 'disputed 2500', 'dispute_won 2500']);
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(codeOf(await shop.refund(id))).toBe('accepted');
  });

  test('is not opened again by what is read late', async () => {
    const { shop, id } = await disputed();
    const late = await shop.stripe.fetch('stripe_1');
    shop.stripe.dispute('stripe_1', 'won');
    await shop.advance(id);
    const work = { kind: 'fetch', bookingId: id, paymentId: shop.payment(id).id } as const;
    const asked = { cause: 'webhook', tried: [], call: null } as const;
    await shop.shard.recordReply({
      ...asked,
      work: { ...work, processor: 'stripe', ref: 'stripe_1' },
      reply: late,
    });
    expect(trailOf(shop)).toEqual(['dispute.open', 'dispute.won']);
  });
});

describe('a dispute over money of a booking that is paid another way', () => {
  test('does not end the booking', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    const { id } = await shop.booked(hold.id, {
      processor: 'btcpay',
      paymentMethod: null,
      returnUrl: null,
    });
    await shop.booked(hold.id, card());
    shop.btcpay.payerApproves('btcpay_1');
    shop.btcpay.faultFor = ({ kind }) => (kind === 'refund' ? 'busy' : null);
    await shop.advance(id);
    shop.btcpay.dispute('btcpay_1', 'lost');
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('confirmed');
  });
});
