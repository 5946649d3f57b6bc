/** The customer came, or did not: by hand and by the clock, and what becomes of the money and of memory. */
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import type { Caller } from '../../src/contracts/calls.ts';
import type { SellerDeed } from '../../src/contracts/durable-rpc.ts';
import { FOLLOW_BOOKING_TIME } from '../../src/storage/durable/shard-migration-booking-time.ts';
import { METHODS } from '../support/fake-processor.ts';
import { card, codeOf, customer, given, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';

const CHECK_IN: SellerDeed = { kind: 'check_in' };
const COMPLETE: SellerDeed = { kind: 'complete' };
const NO_SHOW: SellerDeed = { kind: 'no_show' };
const OPERATOR: Caller = { id: 'usr_op', roles: ['operator'] };

/** A shop in which the first slot is booked and paid, some time after its start. */
async function begun(
  afterMs: number,
  service: Parameters<typeof NodeShop.open>[0] = {},
): Promise<{ shop: NodeShop; id: string }> {
  const shop = await NodeShop.open(service);
  const { id } = await shop.booked();
  await shop.pass(TOMORROW_MS + afterMs - shop.clock.nowMs());
  return { shop, id };
}

function stateOf(shop: NodeShop, id: string): string {
  return shop.bookingRow(id).state;
}

function historyOf(shop: NodeShop, id: string) {
  return shop.shard.store
    .eventsOf(id)
    .filter(({ entityId }) => entityId === id)
    .map(({ type, actor }) => `${type} by ${actor}`);
}

describe('by the clock alone', () => {
  test('a booking begins with its first slot and completes with its last', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked([shop.slot(0), shop.slot(2)]);
    for (const [atMs, state] of [
      [-1, 'confirmed'],
      [0, 'in_progress'],
      [3 * HOUR_MS - 1, 'in_progress'],
      [3 * HOUR_MS, 'completed'],
    ] as const) {
      await shop.pass(TOMORROW_MS + atMs - shop.clock.nowMs());
      expect(stateOf(shop, id)).toBe(state);
    }
    expect(historyOf(shop, id).slice(-2)).toEqual([
      'booking.in_progress by system:clock',
      'booking.completed by system:clock',
    ]);
    expect(shop.shard.store.refundsOf(id)).toEqual([]);
  });

  test('a shard that slept through both catches up by its first read', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    shop.shard.crash();
    shop.clock.advance(30 * DAY_MS);
    const read = given(await shop.shard.getBooking(customer(), id));
    expect(read.view).toMatchObject({ status: 'completed', checkedInAt: null });
    expect(historyOf(shop, id)).toContain('booking.in_progress by system:clock');
  });

  test('nobody becomes a no-show', async () => {
    const { shop, id } = await begun(DAY_MS);
    expect(historyOf(shop, id).join()).not.toContain('no_show');
  });

  test('a booking that was cancelled in time is left alone', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    given(await shop.cancel(id));
    await shop.pass(3 * DAY_MS);
    // All was paid back, and the slot's time says nothing more.
    expect(stateOf(shop, id)).toBe('refunded');
  });
});

describe('check-in', () => {
  test('begins a booking, also early, and is said on the record', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const view = given(await shop.act(id, CHECK_IN));
    expect(view.status).toBe('in_progress');
    expect(view.checkedInAt).not.toBeNull();
    expect(historyOf(shop, id).slice(-2)).toEqual([
      'booking.checked_in by provider:usr_owner',
      'booking.in_progress by provider:usr_owner',
    ]);
  });

  test('counts once, whoever asks again', async () => {
    const { shop, id } = await begun(MINUTE_MS);
    expect(given(await shop.act(id, CHECK_IN, { key: 'door' })).status).toBe('in_progress');
    expect(await shop.act(id, CHECK_IN, { key: 'door' })).toMatchObject({ replayed: true });
    expect(codeOf(await shop.act(id, CHECK_IN, { by: OPERATOR }))).toBe('invalid_transition');
  });

  test('is refused for what is not confirmed', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    given(await shop.cancel(id));
    for (const deed of [CHECK_IN, COMPLETE, NO_SHOW])
      expect(codeOf(await shop.act(id, deed))).toBe('invalid_transition');
  });

  test('is for the seller: its customer is told so, for others there is no such booking', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    expect(codeOf(await shop.act(id, CHECK_IN, { by: customer() }))).toBe('role_required');
    expect(codeOf(await shop.act(id, CHECK_IN, { by: customer('usr_eve') }))).toBe('not_found');
    expect(given(await shop.act(id, CHECK_IN, { by: OPERATOR })).status).toBe('in_progress');
  });
});

describe('completion by hand', () => {
  test('comes after the beginning, and once', async () => {
    const { shop, id } = await begun(MINUTE_MS);
    expect(given(await shop.act(id, COMPLETE)).status).toBe('completed');
    expect(codeOf(await shop.act(id, COMPLETE))).toBe('invalid_transition');
  });

  test('is refused before the beginning', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    expect(codeOf(await shop.act(id, COMPLETE))).toBe('invalid_transition');
  });
});

describe('no-show', () => {
  const FEE = { service: { noShowFee: { amount: 1_000, currency: 'usd' } } };

  test('keeps the fee that was agreed at the sale and gives the rest back, once', async () => {
    const { shop, id } = await begun(MINUTE_MS, FEE);
    await shop.shard.patchService({
      caller: { id: 'usr_owner', roles: ['provider'] },
      id: 'svc_hour',
      patch: { noShowFee: { amount: 2_000, currency: 'usd' } },
    });
    const view = given(await shop.act(id, NO_SHOW, { key: 'absent' }));
    expect(view).toMatchObject({ status: 'no_show', refunds: [{ amount: { amount: 1_500 } }] });
    expect(await shop.act(id, NO_SHOW, { key: 'absent' })).toMatchObject({ replayed: true });
    expect(codeOf(await shop.act(id, NO_SHOW))).toBe('invalid_transition');
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(1_500);
    expect(shop.payment(id)).toMatchObject({ earnedMinor: 2_500, earnedRefundedMinor: 1_500 });
  });

  test('keeps all where no fee was agreed', async () => {
    const { shop, id } = await begun(MINUTE_MS);
    expect(given(await shop.act(id, NO_SHOW)).refunds).toEqual([]);
    expect(stateOf(shop, id)).toBe('no_show');
  });

  test('gives everything back where the fee is nothing, and says that it is refunded', async () => {
    const service = { noShowFee: { amount: 0, currency: 'usd' } };
    const { shop, id } = await begun(MINUTE_MS, { service });
    given(await shop.act(id, NO_SHOW));
    expect(stateOf(shop, id)).toBe('refunded');
  });

  test('does not give back twice what went back before', async () => {
    const { shop, id } = await begun(MINUTE_MS, FEE);
    given(await shop.refund(id, { amount: 1_200 }));
    given(await shop.act(id, NO_SHOW));
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(1_500);
  });

  test('gives nothing back where less than the fee is left', async () => {
    const { shop, id } = await begun(MINUTE_MS, FEE);
    given(await shop.refund(id, { amount: 2_000 }));
    given(await shop.act(id, NO_SHOW));
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(2_000);
  });

  test('keeps a fee for each slot, and of no slot more than was paid for it', async () => {
    const slots = [{ at: 0, priceMinor: 600 }, { at: 60 }];
    const shop = await NodeShop.open({ ...FEE, slots });
    const { id } = await shop.booked([shop.slot(0), shop.slot(1)]);
    await shop.pass(TOMORROW_MS - shop.clock.nowMs());
    given(await shop.act(id, NO_SHOW));
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(3_100 - 600 - 1_000);
  });

  test.each([
    ['is refused a moment before the start', -1, 'invalid_transition'],
    ['is taken from the start on', 0, 'accepted'],
    ['is taken after the end', HOUR_MS, 'accepted'],
    ['is taken for a day after the end', HOUR_MS + DAY_MS - 1, 'accepted'],
    ['is refused from then on', HOUR_MS + DAY_MS, 'invalid_transition'],
  ] as const)('%s', async (_name, atMs, expected) => {
    const { shop, id } = await begun(atMs);
    expect(codeOf(await shop.act(id, NO_SHOW))).toBe(expected);
  });

  test.each([CHECK_IN, COMPLETE])('is refused of somebody who was seen: $kind', async (deed) => {
    const { shop, id } = await begun(MINUTE_MS);
    given(await shop.act(id, deed));
    expect(codeOf(await shop.act(id, NO_SHOW))).toBe('invalid_transition');
    await shop.pass(HOUR_MS);
    expect(codeOf(await shop.act(id, NO_SHOW))).toBe('invalid_transition');
  });

  test('is finished after a crash in the middle by whoever comes next', async () => {
    const { shop, id } = await begun(MINUTE_MS, FEE);
    shop.stripe.faultFor = ({ kind }) => (kind === 'refund' ? 'lost_after' : null);
    await shop.act(id, NO_SHOW);
    shop.stripe.faultFor = () => null;
    shop.shard.crash();
    for (let pass = 0; pass < 6; pass++) await shop.pass(15 * MINUTE_MS);
    expect(shop.stripe.objectOf('stripe_1').refundedMinor).toBe(1_500);
    expect(shop.shard.store.refundsOf(id)).toMatchObject([{ state: 'succeeded' }]);
  });
});

describe('what has passed', () => {
  test('is in nobody’s way and no longer in memory, and stays in storage', async () => {
    const service = { bufferAfterMinutes: 15, maxPerCustomer: 1 };
    const { shop, id } = await begun(HOUR_MS, { service });
    const live = () => [...shop.shard.store.liveClaims()].length;
    expect(live()).toBe(1);
    expect(codeOf(await shop.book([shop.slot(2)]))).toBe('customer_limit_reached');
    await shop.pass(15 * MINUTE_MS);
    expect(live()).toBe(0);
    expect(shop.shard.sql.rows('SELECT is_live FROM claim')).toEqual([{ is_live: 1 }]);
    expect(shop.holdRow(shop.bookingRow(id).holdId)).toMatchObject({
      state: 'committed',
      isOver: true,
    });
    expect(shop.shard.state.liveUnitsOf('usr_ann', 'svc_hour')).toBe(0);
    expect((await shop.booked([shop.slot(2)])).status).toBe('confirmed');
  });

  test('is the same in memory and after a restart', async () => {
    const { shop } = await begun(HOUR_MS);
    for (const index of [0, 1, 2]) {
      const one = shop.shard.state.inventory.slot(shop.slot(index));
      if (one === null) throw new Error('a slot of the shop');
      const fresh = shop.shard.load();
      expect(fresh.inventory.availability(one, 0)).toEqual(
        shop.shard.state.inventory.availability(one, 0),
      );
    }
  });

  test('is given up without an effect on memory where its capture fails long after the end', async () => {
    const shop = await NodeShop.open();
    shop.stripe.faultFor = ({ kind }) =>
      ['capture', 'fetch'].includes(kind) ? 'lost_before' : null;
    const { id } = await shop.booked([shop.slot()], card(METHODS.captureRefused));
    expect(stateOf(shop, id)).toBe('confirming');
    await shop.pass(TOMORROW_MS + HOUR_MS - shop.clock.nowMs());
    expect(shop.holdRow(shop.bookingRow(id).holdId).isOver).toBe(true);
    shop.stripe.faultFor = () => null;
    for (let pass = 0; pass < 5; pass++) await shop.pass(HOUR_MS);
    expect(stateOf(shop, id)).toBe('payment_failed');
    expect(shop.shard.sql.rows('SELECT is_live FROM claim')).toEqual([{ is_live: 0 }]);
  });
});

describe('a shard from before bookings followed their time', () => {
  test('lets what is long over complete when it wakes', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.booked();
    const { sql } = shop.shard;
    // As the earlier schema had left it.
    for (const noun of ['hold', 'booking'])
      sql.rows(`UPDATE ${noun} SET body = json_remove(body, '$.isOver', '$.approval', '$.checkedInAtMs',
        '$.items[0].noShowFeeMinor')`);
    sql.rows('DROP INDEX booking_due');
    sql.rows('ALTER TABLE booking DROP COLUMN due_at_ms');
    sql.rows('DROP INDEX hold_live');
    sql.rows('ALTER TABLE hold DROP COLUMN is_over');
    sql.rows("CREATE INDEX hold_live ON hold (state) WHERE state IN ('active')");
    sql.sql.exec(FOLLOW_BOOKING_TIME.sql);
    shop.shard.crash();
    expect(shop.bookingRow(id)).toMatchObject({ approval: null, checkedInAtMs: null });
    expect(shop.bookingRow(id).items[0]).toMatchObject({ noShowFeeMinor: null, priceMinor: 2_500 });
    await shop.pass(10 * DAY_MS);
    expect(stateOf(shop, id)).toBe('completed');
    expect(shop.holdRow(shop.bookingRow(id).holdId).isOver).toBe(true);
  });
});
