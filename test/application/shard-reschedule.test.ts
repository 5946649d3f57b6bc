/** Moving a booking: the new slots are its own before the old ones are free, and only the difference moves. */
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { memberVerdict } from '../support/node-members.ts';
import { OWNER } from '../support/node-shard.ts';
import {
  card,
  codeOf,
  customer,
  given,
  NodeShop,
  TOMORROW_MS,
  type ShopOptions,
} from '../support/node-shop.ts';

/** Hours at 25.00, one at 20.00 and one at 40.00. */
const PRICED: ShopOptions = {
  slots: [{ at: 0 }, { at: 60 }, { at: 120, priceMinor: 2_000 }, { at: 180, priceMinor: 4_000 }],
};
const DAY_BEFORE_HALF = [
  { hoursBefore: 48, refundPercent: 100 },
  { hoursBefore: 1, refundPercent: 50 },
];

function liveClaims(shop: NodeShop) {
  return shop.shard.sql
    .rows(
      'SELECT slot_id, start_at_ms, end_at_ms FROM claim WHERE is_live = 1 ORDER BY start_at_ms, end_at_ms',
    )
    .map((row) => ({
      slot: row['slot_id'],
      from: (Number(row['start_at_ms']) - TOMORROW_MS) / MINUTE_MS,
      to: (Number(row['end_at_ms']) - TOMORROW_MS) / MINUTE_MS,
    }));
}

describe('a booking that moves', () => {
  test('to a slot of the same price costs nothing and frees the old one', async () => {
    const shop = await NodeShop.open(PRICED);
    const { id } = await shop.booked();
    const view = given(await shop.reschedule(id, [shop.slot(1)]));
    expect(view).toMatchObject({ status: 'confirmed', quote: { total: { amount: 2_500 } } });
    expect(view.slots.map((slot) => slot.id)).toEqual([shop.slot(1)]);
    expect(view.rescheduledAt).not.toBeNull();
    expect(await shop.slotStatus(shop.slot(0))).toBe('available');
    expect(await shop.slotStatus(shop.slot(1))).toBe('booked');
    expect(shop.calls()).toEqual(['open', 'authorize', 'capture']);
    expect(shop.payments(id)).toHaveLength(1);
  });

  test('to a cheaper slot gets the difference back, once', async () => {
    const shop = await NodeShop.open(PRICED);
    const { id } = await shop.booked();
    const first = given(await shop.reschedule(id, [shop.slot(2)], { key: 'one' }));
    expect(await shop.reschedule(id, [shop.slot(2)], { key: 'one' })).toMatchObject({
      ok: true,
      replayed: true,
    });
    expect(first.quote.total.amount).toBe(2_000);
    expect(first.quote.lines.reduce((sum, { amount }) => sum + amount, 0)).toBe(2_000);
    expect(shop.payment(id)).toMatchObject({ capturedMinor: 2_500, refundedMinor: 500 });
    given(await shop.cancel(id));
    expect(shop.payment(id).refundedMinor).toBe(2_500);
    expect(shop.bookingRow(id).state).toBe('refunded');
  });

  test('to a dearer slot without a payment is refused, and nothing has changed', async () => {
    const shop = await NodeShop.open(PRICED);
    const { id } = await shop.booked();
    const before = liveClaims(shop);
    expect(await shop.reschedule(id, [shop.slot(3)])).toMatchObject({
      refusal: { code: 'payment_required', extra: { amount: { amount: 1_500, currency: 'usd' } } },
    });
    expect(liveClaims(shop)).toEqual(before);
    expect(await shop.slotStatus(shop.slot(3))).toBe('available');
  });

  test('keeps its place in the booking, so that a series moves one week and keeps the others', async () => {
    const shop = await NodeShop.open(PRICED);
    const { id } = await shop.booked([shop.slot(0), shop.slot(2)]);
    given(await shop.reschedule(id, [shop.slot(1), shop.slot(2)]));
    expect(shop.bookingRow(id).items.map(({ slotId }) => slotId)).toEqual([
      shop.slot(1),
      shop.slot(2),
    ]);
  });

  test('onto the time that it has itself is not in its own way', async () => {
    const shop = await NodeShop.open({
      service: { bufferBeforeMinutes: 15, bufferAfterMinutes: 15 },
      slots: [{ at: 0 }, { at: 30 }],
    });
    const { id } = await shop.booked();
    given(await shop.reschedule(id, [shop.slot(1)]));
    expect(liveClaims(shop)).toEqual([{ slot: shop.slot(1), from: 15, to: 105 }]);
  });

  test('to a slot that somebody else has is refused with what is free, and stays where it is', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    await shop.held([shop.slot(1)], { by: 'usr_bob' });
    expect(await shop.reschedule(id, [shop.slot(1)])).toMatchObject({
      refusal: {
        code: 'slot_unavailable',
        extra: { conflicts: [shop.slot(1)], alternatives: [{ id: shop.slot(2) }] },
      },
    });
    expect(await shop.slotStatus(shop.slot(0))).toBe('booked');
    expect(shop.bookingRow(id).rescheduledAtMs).toBeNull();
  });

  test('shows in its history what it was and what it became, and the chain still verifies', async () => {
    const shop = await NodeShop.open(PRICED);
    const { id } = await shop.booked();
    given(await shop.reschedule(id, [shop.slot(2)]));
    const history = given(await shop.shard.bookingHistory(customer(), id)).data;
    expect(history.find(({ metadata }) => 'slotsAfter' in metadata)).toMatchObject({
      from: 'confirmed',
      to: 'confirmed',
      actor: 'customer:usr_ann',
      metadata: { slotsBefore: [shop.slot(0)], slotsAfter: [shop.slot(2)], refunded: 500 },
    });
  });

  test('is found moved by a shard that starts again', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    given(await shop.reschedule(id, [shop.slot(2)]));
    shop.shard.crash();
    expect(await shop.slotStatus(shop.slot(0))).toBe('available');
    expect(await shop.slotStatus(shop.slot(2))).toBe('booked');
    await shop.pass(TOMORROW_MS + HOUR_MS - shop.clock.nowMs());
    expect(shop.bookingRow(id).state).toBe('confirmed');
    await shop.pass(2 * HOUR_MS);
    expect(shop.bookingRow(id).state).toBe('completed');
  });
});

describe('what a customer may not', () => {
  const cases: readonly {
    code: string;
    service?: NonNullable<ShopOptions['service']>;
    to: number[];
    afterMs?: number;
  }[] = [
    { code: 'slot_past', to: [1], afterMs: DAY_MS },
    {
      code: 'notice_too_short',
      service: { minimumNoticeMinutes: 120 },
      to: [1],
      afterMs: DAY_MS - 30 * MINUTE_MS,
    },
    { code: 'validation_failed', to: [1, 2] },
    { code: 'validation_failed', to: [0] },
    { code: 'invalid_transition', service: { requiresApproval: true }, to: [1] },
  ];

  test.each(cases)('$code', async ({ code, service = {}, to, afterMs = 0 }) => {
    const shop = await NodeShop.open({ service });
    const { id } = await shop.booked();
    if (service.requiresApproval) given(await shop.act(id, { kind: 'approve', price: null }));
    await shop.pass(afterMs);
    expect(
      codeOf(
        await shop.reschedule(
          id,
          to.map((index) => shop.slot(index)),
        ),
      ),
    ).toBe(code);
  });

  test('the booking of somebody else, and one that is not confirmed or is over', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const stranger = { by: customer('usr_eve') };
    expect(codeOf(await shop.reschedule(id, [shop.slot(1)], stranger))).toBe('not_found');
    const open = await shop.booked([shop.slot(1)], card(null));
    expect(codeOf(await shop.reschedule(open.id, [shop.slot(2)]))).toBe('invalid_transition');
    given(await shop.cancel(id));
    expect(codeOf(await shop.reschedule(id, [shop.slot(2)]))).toBe('invalid_transition');
  });

  test("a members' slot once the plan has lapsed, and a member takes no more quota for it", async () => {
    const shop = await NodeShop.open({ service: { access: 'subscribers' } });
    shop.members.member('usr_ann').join({ 'bookings.perPeriod': 1 });
    const booking = await shop.booked();
    given(await shop.reschedule(booking.id, [shop.slot(1)]));
    expect(shop.members.member('usr_ann').used().bookings).toBe(1);
    const guest = await shop.held([shop.slot(2)], { by: 'usr_bob', access: memberVerdict() });
    const other = await shop.booked(guest.id, card(), { by: 'usr_bob' });
    const moved = shop.reschedule(other.id, [shop.slot(0)], { by: customer('usr_bob') });
    expect(codeOf(await moved)).toBe('subscription_required');
  });

  test('escape a ladder: what comes back is what the old slot would have given, and moving late stays late', async () => {
    const shop = await NodeShop.open({
      service: { cancellationPolicy: DAY_BEFORE_HALF },
      slots: [{ at: 0 }, { at: 14 * 24 * 60, priceMinor: 2_000 }],
    });
    const { id } = await shop.booked();
    const view = given(await shop.reschedule(id, [shop.slot(1)]));
    expect(shop.payment(id).refundedMinor).toBe(250);
    expect(view.quote.total.amount).toBe(2_250);
    given(await shop.cancel(id));
    expect(shop.payment(id).refundedMinor).toBe(250 + 1_125);
  });
});

describe('a provider', () => {
  test('moves a booking at the price that was agreed, also where the customer may not', async () => {
    const shop = await NodeShop.open({
      service: { minimumNoticeMinutes: 48 * 60 },
      slots: [{ at: 3 * 24 * 60 }, { at: 0, priceMinor: 9_900 }],
    });
    const { id } = await shop.booked();
    expect(codeOf(await shop.reschedule(id, [shop.slot(1)]))).toBe('payment_required');
    const view = given(await shop.reschedule(id, [shop.slot(1)], { by: OWNER }));
    expect(view.quote.total.amount).toBe(2_500);
    expect(shop.payments(id)).toHaveLength(1);
  });

  test('gives all of it back when it cancels what was moved', async () => {
    const shop = await NodeShop.open({ ...PRICED, service: { cancellationPolicy: [] } });
    const { id } = await shop.booked();
    given(await shop.reschedule(id, [shop.slot(1)]));
    given(await shop.cancel(id, { by: OWNER }));
    expect(shop.payment(id).refundedMinor).toBe(2_500);
  });
});

describe("the platform's share", () => {
  test("of money that goes back stays what it was when the money came, whatever the new slot's rate is", async () => {
    const shop = await NodeShop.open(PRICED);
    const { id } = await shop.booked();
    const { version, ...known } = given(await shop.shard.getService('svc_hour'));
    expect(version).toBe(1);
    given(await shop.shard.putService({ caller: OWNER, card: { ...known, commissionBps: 5_000 } }));
    given(await shop.reschedule(id, [shop.slot(2)]));
    given(await shop.cancel(id));
    const facts = await shop.facts();
    const net = facts.reduce(
      (sum, { kind, commissionMinor }) => sum + (kind === 'captured' ? 1 : -1) * commissionMinor,
      0,
    );
    expect(facts.filter(({ kind }) => kind === 'refunded')).toHaveLength(2);
    expect(net).toBe(0);
  });
});
