/** Cancelling some slots of a booking: claims, quota and money of these go back once, and the others stay. */
import { describe, expect, test } from 'vitest';
import type { BookingView } from '../../src/contracts/http/booking.ts';
import { NO_USES, type QuotaUses } from '../../src/domain/hold/quota.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
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

const HALF_A_DAY_BEFORE = [
  { hoursBefore: 48, refundPercent: 100 },
  { hoursBefore: 12, refundPercent: 50 },
];

/** Four weekly hours at 25.00, booked by card. */
async function series(service: ShopOptions['service'] = {}) {
  const week = (7 * DAY_MS) / MINUTE_MS;
  const slots = [0, 1, 2, 3].map((index) => ({ at: index * week }));
  const shop = await NodeShop.open({ service, slots });
  const booking = await shop.booked(shop.slotIds);
  return { shop, id: booking.id };
}

function standingOf(view: BookingView): string[] {
  return view.slots.filter(({ cancelledAt }) => cancelledAt === null).map(({ id }) => id);
}

function minutes(at: unknown): number {
  return (Number(at) - TOMORROW_MS) / MINUTE_MS;
}

function spans(shop: NodeShop): { start: number; end: number }[] {
  return shop.shard.sql
    .rows('SELECT start_at_ms, end_at_ms FROM claim WHERE is_live = 1 ORDER BY start_at_ms')
    .map((row) => ({ start: minutes(row['start_at_ms']), end: minutes(row['end_at_ms']) }));
}

describe('one week of a series', () => {
  test('is cancelled by itself: its slot is free, its price goes back, the booking stays', async () => {
    const { shop, id } = await series();
    const view = given(await shop.cancel(id, { slotIds: [shop.slot(1)] }));
    expect(view.status).toBe('confirmed');
    expect(standingOf(view)).toEqual([shop.slot(0), shop.slot(2), shop.slot(3)]);
    expect(view.quote.total).toEqual({ amount: 7_500, currency: 'usd' });
    expect(view.quote.lines.at(-1)).toMatchObject({ kind: 'cancelled', amount: -2_500 });
    expect(view.refunds).toMatchObject([{ status: 'succeeded', amount: { amount: 2_500 } }]);
    expect(await shop.slotStatus(shop.slot(1))).toBe('available');
    expect(await shop.slotStatus(shop.slot(2))).toBe('booked');
    expect(codeOf(await shop.book([shop.slot(1)], card(), { by: 'usr_bob' }))).toBe('accepted');
  });

  test("gives back the part of its own policy, and the rest of its price stays the booking's", async () => {
    const { shop, id } = await series({ cancellationPolicy: HALF_A_DAY_BEFORE });
    const first = given(await shop.cancel(id, { slotIds: [shop.slot(0)] }));
    expect(first.refunds).toMatchObject([{ amount: { amount: 1_250 } }]);
    expect(first.quote.total.amount).toBe(8_750);
    const all = given(await shop.cancel(id, { by: OWNER }));
    expect(all.status).toBe('cancelled');
    expect(shop.payment(id)).toMatchObject({ capturedMinor: 10_000, refundedMinor: 8_750 });
  });

  test('is given back whole where the seller cancels it', async () => {
    const { shop, id } = await series({ cancellationPolicy: [] });
    given(await shop.cancel(id, { slotIds: [shop.slot(0)], by: OWNER }));
    expect(shop.payment(id).refundedMinor).toBe(2_500);
  });

  test('cancelled twice gives back once', async () => {
    const { shop, id } = await series();
    given(await shop.cancel(id, { slotIds: [shop.slot(1)], key: 'one' }));
    expect(await shop.cancel(id, { slotIds: [shop.slot(1)], key: 'one' })).toMatchObject({
      ok: true,
      replayed: true,
    });
    const again = await shop.cancel(id, { slotIds: [shop.slot(1), shop.slot(2)] });
    expect(codeOf(again)).toBe('invalid_transition');
    expect(shop.payment(id).refundedMinor).toBe(2_500);
    expect(await shop.slotStatus(shop.slot(2))).toBe('booked');
  });

  test('cancelled last cancels the booking, and everything has gone back once', async () => {
    const { shop, id } = await series();
    for (const slotId of shop.slotIds.slice(0, 3))
      given(await shop.cancel(id, { slotIds: [slotId] }));
    const view = given(await shop.cancel(id, { slotIds: [shop.slot(3)] }));
    expect(view.status).toBe('refunded');
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(10_000);
    expect(shop.stripe.objectOf('stripe_1').refunds).toHaveLength(4);
  });

  test('that has ended is not cancelled, and one that the booking has not is named', async () => {
    const { shop, id } = await series();
    await shop.pass(TOMORROW_MS + HOUR_MS - shop.clock.nowMs());
    expect(codeOf(await shop.cancel(id, { slotIds: [shop.slot(0)] }))).toBe('slot_past');
    expect(await shop.cancel(id, { slotIds: ['slt_other'] })).toMatchObject({
      refusal: { code: 'validation_failed', extra: { errors: [{ pointer: '/slotIds' }] } },
    });
    expect(codeOf(await shop.cancel(id, { slotIds: [shop.slot(2)] }))).toBe('accepted');
  });

  test('moves the end of the booking: with its last week gone it completes earlier', async () => {
    const { shop, id } = await series();
    given(await shop.cancel(id, { slotIds: [shop.slot(0), shop.slot(3)] }));
    await shop.pass(TOMORROW_MS + 2 * HOUR_MS - shop.clock.nowMs());
    expect(shop.bookingRow(id).state).toBe('confirmed');
    await shop.pass(14 * DAY_MS);
    expect(shop.bookingRow(id).state).toBe('completed');
    shop.shard.crash();
    expect(shop.shard.state.liveUnitsOf('usr_ann', 'svc_hour')).toBe(0);
  });

  test('is not cancelled by itself before the booking is confirmed, nor by a stranger', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot(0), shop.slot(1)], card(null));
    const wish = { slotIds: [shop.slot(0)] };
    expect(codeOf(await shop.cancel(id, wish))).toBe('invalid_transition');
    expect(codeOf(await shop.cancel(id, { ...wish, by: customer('usr_bob') }))).toBe('not_found');
  });

  test('makes room under the limit per customer at once, also after a restart', async () => {
    const { shop, id } = await series({ maxPerCustomer: 4 });
    given(await shop.cancel(id, { slotIds: [shop.slot(1)] }));
    expect(shop.shard.state.liveUnitsOf('usr_ann', 'svc_hour')).toBe(3);
    shop.shard.crash();
    expect(codeOf(await shop.book([shop.slot(1)]))).toBe('accepted');
  });
});

describe('a neighbour that goes', () => {
  test('leaves the buffers whole that were shared with it', async () => {
    const shop = await NodeShop.open({
      service: { bufferBeforeMinutes: 15, bufferAfterMinutes: 15 },
    });
    const { id } = await shop.booked([shop.slot(0), shop.slot(1), shop.slot(2)]);
    expect(spans(shop)).toEqual([
      { start: -15, end: 60 },
      { start: 60, end: 120 },
      { start: 120, end: 195 },
    ]);
    given(await shop.cancel(id, { slotIds: [shop.slot(1)] }));
    expect(spans(shop)).toEqual([
      { start: -15, end: 75 },
      { start: 105, end: 195 },
    ]);
    expect(codeOf(await shop.book([shop.slot(1)], card(), { by: 'usr_bob' }))).toBe(
      'slot_unavailable',
    );
  });

  test('leaves the others as they are where the resource was blocked meanwhile', async () => {
    const shop = await NodeShop.open({ service: { bufferBeforeMinutes: 15 } });
    const { id } = await shop.booked([shop.slot(0), shop.slot(1)]);
    const over = { startAtMs: TOMORROW_MS, endAtMs: TOMORROW_MS + 3 * HOUR_MS };
    given(
      await shop.shard.blockResource({
        caller: OWNER,
        call: { key: 'block', fingerprint: 'block' },
        resourceId: 'res_court',
        over,
        reason: 'flooded',
        cancelsBookings: false,
      }),
    );
    given(await shop.cancel(id, { slotIds: [shop.slot(0)] }));
    expect(spans(shop)).toEqual([{ start: 60, end: 120 }]);
  });
});

describe('the quota of a slot that is cancelled', () => {
  const uses: QuotaUses = { ...NO_USES, bookings: 2 };

  async function counted(policy: NonNullable<ShopOptions['service']>['cancellationPolicy']) {
    const shop = await NodeShop.open({ service: { cancellationPolicy: policy ?? [] } });
    const grant = {
      id: 'grant_1',
      memberId: 'usr_ann',
      validUntilMs: shop.clock.nowMs() + MINUTE_MS,
      uses,
      countsGuests: false,
      overagePrice: null,
    };
    const access = { isMember: true, planId: 'pln_1', benefits: null, grant, refusal: null };
    const hold = await shop.held([shop.slot(0), shop.slot(1)], { access });
    const { id } = await shop.booked(hold.id);
    return { shop, id, notice: () => shop.shard.store.quotaNoticeOf('grant_1')?.outcome };
  }

  test('goes back with it, and that of the others stays until they go', async () => {
    const { shop, id, notice } = await counted([{ hoursBefore: 0, refundPercent: 100 }]);
    given(await shop.cancel(id, { slotIds: [shop.slot(0)] }));
    expect(notice()).toMatchObject({ state: 'kept', uses: { ...NO_USES, bookings: 1 } });
    given(await shop.cancel(id));
    expect(notice()).toMatchObject({ state: 'returned' });
  });

  test('is spent where it was cancelled too late, also when the seller cancels the rest', async () => {
    const { shop, id, notice } = await counted([]);
    given(await shop.cancel(id, { slotIds: [shop.slot(0)] }));
    expect(notice()).toMatchObject({ state: 'kept', uses: uses });
    given(await shop.cancel(id, { by: OWNER }));
    expect(notice()).toMatchObject({ state: 'kept', uses: { ...NO_USES, bookings: 1 } });
  });
});
