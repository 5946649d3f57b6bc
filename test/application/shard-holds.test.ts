/** Placing, reading and giving up holds, with the shipping commands over the shipping storage. */
import { describe, expect, test } from 'vitest';
import { CLOSING_GRACE_MS } from '../../src/domain/hold/hold.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { NOON_MS } from '../support/fake-clock.ts';
import { METHODS } from '../support/fake-processor.ts';
import { card, codeOf, customer, given, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';

const TTL_MS = 300_000;

/** The starts of the slots that a refusal offers, in minutes after the slot that was asked for. */
async function offered(at: readonly number[]): Promise<string[]> {
  const shop = await NodeShop.open({ slots: [{ at: 0 }, ...at.map((one) => ({ at: one }))] });
  await shop.held([shop.slot(0)], { by: 'usr_bob' });
  const reply = await shop.hold([shop.slot(0)]);
  const extra = reply.ok ? {} : (reply.refusal.extra ?? {});
  const slots = extra['alternatives'] as unknown as { startAt: string; status: string }[];
  expect(slots.every(({ status }) => status === 'available')).toBe(true);
  return slots.map(({ startAt }) => String((Date.parse(startAt) - TOMORROW_MS) / MINUTE_MS));
}

describe('a hold', () => {
  test('takes the slot from everybody else and from nobody twice', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held();
    expect(hold).toMatchObject({ status: 'active', slotIds: [shop.slot()], quantity: 1 });
    expect(hold.quote).toEqual({
      total: { amount: 2_500, currency: 'usd' },
      lines: [{ kind: 'slot', label: 'An hour of padel', amount: 2_500 }],
    });
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_bob' }))).toBe('slot_unavailable');
    expect(codeOf(await shop.hold([shop.slot()]))).toBe('slot_unavailable');
    expect(await shop.slotStatus()).toBe('held');
  });

  test('of several slots is all or nothing', async () => {
    const shop = await NodeShop.open();
    await shop.held([shop.slot(1)], { by: 'usr_bob' });
    const refused = await shop.hold([shop.slot(0), shop.slot(1), shop.slot(2)]);
    expect(refused).toMatchObject({
      ok: false,
      refusal: { code: 'slot_unavailable', extra: { conflicts: [shop.slot(1)] } },
    });
    expect([await shop.slotStatus(shop.slot(0)), await shop.slotStatus(shop.slot(2))]).toEqual([
      'available',
      'available',
    ]);
    expect(shop.shard.sql.rows('SELECT * FROM claim WHERE is_live = 1')).toHaveLength(1);
  });

  test.each([
    [-1, 'active'],
    [0, 'expired'],
    [1, 'expired'],
  ])('is judged when it is read: %i ms from its deadline it is %s', async (offMs, status) => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    shop.clock.advance(TTL_MS + offMs);
    expect(given(await shop.shard.getHold(customer(), id)).status).toBe(status);
  });

  test.each([
    [-1, 'slot_unavailable'],
    [0, 'accepted'],
    [1, 'accepted'],
  ])(
    'is judged when somebody decides: %i ms from its deadline another is %s',
    async (offMs, code) => {
      const shop = await NodeShop.open();
      const { id } = await shop.held();
      shop.clock.advance(TTL_MS + offMs);
      expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_bob' }))).toBe(code);
      expect(shop.holdRow(id).state).toBe(code === 'accepted' ? 'expired' : 'active');
    },
  );

  test('writes an expiry before the decision that relies on it, with the clock as its cause', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    shop.clock.advance(TTL_MS);
    const next = await shop.held([shop.slot()], { by: 'usr_bob' });
    const [expired, placed] = shop.shard.store.events(0, 100).slice(-2);
    expect(expired).toMatchObject({ entityId: id, to: 'expired', actor: 'system:clock' });
    expect(placed).toMatchObject({ entityId: next.id, to: 'active', actor: 'customer:usr_bob' });
  });

  test('expires although no alarm rang and memory was lost meanwhile', async () => {
    const shop = await NodeShop.open();
    await shop.held();
    shop.shard.crash();
    shop.clock.advance(TTL_MS);
    expect(await shop.slotStatus()).toBe('available');
  });

  test('is given up once, and giving it up again changes nothing', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    expect((await shop.giveUp(id)).ok).toBe(true);
    const events = shop.shard.state.headSeq;
    expect((await shop.giveUp(id)).ok).toBe(true);
    expect(shop.shard.state.headSeq).toBe(events);
    expect(shop.holdRow(id).state).toBe('released');
    expect(await shop.slotStatus()).toBe('available');
  });

  test('of somebody else does not exist', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    expect(codeOf(await shop.shard.getHold(customer('usr_bob'), id))).toBe('not_found');
    expect(codeOf(await shop.giveUp(id, 'usr_bob'))).toBe('not_found');
    expect(codeOf(await shop.book(id, card(), { by: 'usr_bob' }))).toBe('not_found');
    expect(shop.holdRow(id).state).toBe('active');
  });

  test('that a booking has taken is not given up, and has no deadline', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    await shop.booked(id);
    expect(codeOf(await shop.giveUp(id))).toBe('hold_committed');
    shop.clock.advance(10 * TTL_MS);
    expect(given(await shop.shard.getHold(customer(), id))).toMatchObject({
      status: 'committed',
      expiresAt: null,
    });
  });
});

describe('the deadline of a hold', () => {
  test('moves once, to a full time to live from when a payment waits for its payer', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    shop.clock.advance(TTL_MS - 1_000);
    await shop.booked(id, card(METHODS.asksPayer));
    const moved = shop.clock.nowMs() + TTL_MS;
    expect(shop.holdRow(id)).toMatchObject({ isExtended: true, expiresAtMs: moved });
    shop.clock.advance(TTL_MS - 1_000);
    await shop.book(id, card('pm_other'));
    expect(shop.holdRow(id).expiresAtMs).toBe(moved);
  });

  test.each([
    [-1, 'active'],
    [0, 'closing'],
    [CLOSING_GRACE_MS - 1, 'closing'],
    [CLOSING_GRACE_MS, 'expired'],
  ])('with an open payment: %i ms after it the hold is %s', async (offMs, state) => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    const booking = await shop.booked(id, card(METHODS.asksPayer));
    shop.clock.advance(TTL_MS + offMs);
    expect(given(await shop.shard.getHold(customer(), id)).status).toBe(state);
    expect(await shop.slotStatus()).toBe(state === 'expired' ? 'available' : 'held');
    expect(shop.bookingRow(booking.id).state).toBe(state === 'expired' ? 'expired' : 'pending');
  });

  test('while it closes, no payment is begun and somebody is asked to end the one that is open', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    const booking = await shop.booked(id, card(METHODS.asksPayer));
    shop.clock.advance(TTL_MS);
    expect(codeOf(await shop.book(id, card('pm_other')))).toBe('hold_expired');
    expect(shop.shard.wakeUps).toEqual([booking.id]);
    await shop.drain();
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
    expect(shop.holdRow(id).state).toBe('expired');
    expect(shop.bookingRow(booking.id).state).toBe('expired');
    expect(await shop.slotStatus()).toBe('available');
  });

  test('a payer who pays while it closes gets the slot', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held();
    const booking = await shop.booked(id, card(METHODS.asksPayer));
    shop.clock.advance(TTL_MS + 1);
    await shop.shard.wake();
    shop.stripe.payerApproves('stripe_1');
    await shop.drain();
    expect(shop.bookingRow(booking.id)).toMatchObject({ state: 'confirmed', isLate: false });
  });
});

describe('limits of a customer', () => {
  test('no more holds at a time than the budget, and a refused one is not remembered', async () => {
    const shop = await NodeShop.open();
    const first = await shop.held([shop.slot(0)], { budget: 1 });
    const wish = { budget: 1, key: 'again' };
    expect(codeOf(await shop.hold([shop.slot(1)], wish))).toBe('hold_limit_reached');
    expect(await shop.slotStatus(shop.slot(1))).toBe('available');
    await shop.giveUp(first.id);
    expect(codeOf(await shop.hold([shop.slot(1)], wish))).toBe('accepted');
  });

  test('a replay costs no budget, and neither does a hold that became a booking', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held([shop.slot(0)], { budget: 1, key: 'first' });
    const again = await shop.hold([shop.slot(0)], { budget: 1, key: 'first' });
    expect(again).toMatchObject({ ok: true, replayed: true, value: hold });
    await shop.booked(hold.id);
    expect(codeOf(await shop.hold([shop.slot(1)], { budget: 1 }))).toBe('accepted');
  });

  test('units of a service are counted over holds and bookings, and come back when they end', async () => {
    const shop = await NodeShop.open({ service: { maxPerCustomer: 2 } });
    const booking = await shop.booked([shop.slot(0)]);
    const hold = await shop.held([shop.slot(1)]);
    expect(codeOf(await shop.hold([shop.slot(2)]))).toBe('customer_limit_reached');
    expect(codeOf(await shop.hold([shop.slot(2)], { by: 'usr_bob' }))).toBe('accepted');
    shop.shard.crash();
    await shop.giveUp(hold.id);
    expect(codeOf(await shop.hold([shop.slot(1)]))).toBe('accepted');
    await shop.cancel(booking.id);
    expect(codeOf(await shop.hold([shop.slot(0)]))).toBe('accepted');
  });
});

describe('alternatives', () => {
  test('are the nearest free slots on both sides', async () => {
    expect((await offered([-120, -60, 60, 120])).toSorted()).toEqual(
      ['-120', '-60', '60'].toSorted(),
    );
  });

  test('come nearest first, also where the gaps differ', async () => {
    expect(await offered([-600, 60, 120, 180])).toEqual(['60', '120', '180']);
  });

  test('are never in the past', async () => {
    const inThePast = (NOON_MS - TOMORROW_MS) / MINUTE_MS - 60;
    expect(await offered([inThePast, 300])).toEqual(['300']);
  });

  test('are none where nothing is free', async () => {
    expect(await offered([])).toEqual([]);
  });
});
