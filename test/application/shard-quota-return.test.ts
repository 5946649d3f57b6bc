/** When what a hold took of a plan goes back, when it stays counted, and who is told, once and for all. */
import { describe, expect, test } from 'vitest';
import { NO_USES } from '../../src/domain/hold/quota.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/time.ts';
import { METHODS } from '../support/fake-processor.ts';
import { ann, openClub, outcomeOf } from '../support/node-club.ts';
import { OWNER } from '../support/node-shard.ts';
import { card, codeOf, CRYPTO, given, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';

const FREE = { price: { amount: 0, currency: 'usd' } };
const LADDER = [
  { hoursBefore: 20, refundPercent: 100 },
  { hoursBefore: 10, refundPercent: 1 },
];

describe('quota goes back', () => {
  test('with a hold that is given up, before the answer', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    const { id } = given(await shop.admitted());
    expect((await shop.giveUp(id)).ok).toBe(true);
    expect(ann(shop).used().bookings).toBe(0);
    expect((await shop.giveUp(id)).ok).toBe(true);
    expect(codeOf(await shop.admitted([shop.slot(1)]))).toBe('accepted');
  });

  test('with a hold that expires, as soon as anybody asks', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    given(await shop.admitted());
    shop.clock.advance(300 * SECOND_MS);
    expect(await outcomeOf(shop)).toMatchObject({ state: 'returned', uses: NO_USES });
    await shop.tellMembers();
    expect(ann(shop).used().bookings).toBe(0);
  });

  test('with a hold that closed while its payment was open', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    await shop.booked([shop.slot()], CRYPTO);
    await shop.pass(300 * SECOND_MS);
    shop.clock.advance(61 * SECOND_MS);
    expect(await outcomeOf(shop)).toMatchObject({ state: 'returned' });
  });

  test('when the capture is refused for good', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    const refused = await shop.book([shop.slot()], card(METHODS.captureRefused));
    expect(codeOf(refused)).toBe('payment_declined');
    expect(await shop.slotStatus()).toBe('available');
    expect(await outcomeOf(shop)).toMatchObject({ state: 'returned' });
  });

  test.each([
    ['within the policy', 10 * HOUR_MS, 0],
    ['a millisecond out of it', 10 * HOUR_MS - 1, 1],
  ])('with a booking that is cancelled %s', async (_, noticeMs, left) => {
    const shop = await openClub(
      { 'bookings.perPeriod': 1 },
      { service: { cancellationPolicy: LADDER } },
    );
    const { id } = await shop.booked();
    shop.clock.set(TOMORROW_MS - noticeMs);
    given(await shop.cancel(id));
    expect(ann(shop).used().bookings).toBe(left);
    expect((await outcomeOf(shop))?.state).toBe(left === 0 ? 'returned' : 'kept');
  });

  test.each([
    ['within the policy', 20 * HOUR_MS, 0],
    ['out of it', HOUR_MS, 1],
  ])('also with one that cost nothing, %s', async (_, noticeMs, left) => {
    const service = { ...FREE, cancellationPolicy: LADDER };
    const shop = await openClub({ 'bookings.perPeriod': 1 }, { service });
    const { id } = await shop.booked([shop.slot()], null);
    shop.clock.set(TOMORROW_MS - noticeMs);
    given(await shop.cancel(id));
    expect(ann(shop).used().bookings).toBe(left);
  });

  test('always when the seller cancels', async () => {
    const shop = await openClub(
      { 'bookings.perPeriod': 1 },
      { service: { cancellationPolicy: [] } },
    );
    const { id } = await shop.booked();
    given(await shop.cancel(id, { by: OWNER }));
    expect(ann(shop).used().bookings).toBe(0);
  });

  test('slot by slot: the one that is too near stays counted', async () => {
    const shop = await openClub(
      { 'bookings.perPeriod': 5, 'minutes.perPeriod': 500 },
      { service: { cancellationPolicy: LADDER }, slots: [{ at: 0 }, { at: 24 * 60, minutes: 30 }] },
    );
    const { id } = await shop.booked(shop.slotIds);
    await shop.tellMembers();
    expect(ann(shop).used()).toMatchObject({ bookings: 2, minutes: 90 });
    shop.clock.set(TOMORROW_MS - HOUR_MS);
    given(await shop.cancel(id));
    expect(ann(shop).used()).toMatchObject({ bookings: 1, minutes: 60 });
    expect(await outcomeOf(shop)).toMatchObject({ state: 'kept', uses: { bookings: 1 } });
  });

  test('with a booking that waits for its payer and is cancelled, whatever the ladder says', async () => {
    const shop = await openClub(
      { 'bookings.perPeriod': 1 },
      { service: { cancellationPolicy: [] } },
    );
    const { id } = await shop.booked([shop.slot()], card(METHODS.asksPayer));
    given(await shop.cancel(id));
    expect(ann(shop).used().bookings).toBe(0);
  });

  test('and a cancellation stands whose member cannot be told: the outbox tells later', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    const { id } = await shop.booked();
    ann(shop).isReachable = false;
    expect(given(await shop.cancel(id)).status).toBe('refunded');
    await expect(shop.tellMembers()).rejects.toThrow('1 notices');
    ann(shop).isReachable = true;
    expect(ann(shop).used().bookings).toBe(1);
    await shop.tellMembers();
    expect(ann(shop).used().bookings).toBe(0);
    expect(shop.shard.state.hasNotices).toBe(false);
  });

  test('never by late money, which takes a new claim and no quota', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    const booking = await shop.booked([shop.slot()], CRYPTO);
    await shop.pass(300 * SECOND_MS);
    await shop.pass(61 * SECOND_MS);
    expect(await outcomeOf(shop)).toMatchObject({ state: 'returned' });
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(booking.id);
    expect(shop.bookingRow(booking.id)).toMatchObject({ state: 'confirmed', isLate: true });
    expect(shop.holdRow(shop.bookingRow(booking.id).holdId).quota).toBeNull();
    expect(await outcomeOf(shop)).toMatchObject({ state: 'returned' });
    expect(given(await shop.cancel(booking.id)).status).toBe('refunded');
  });
});

describe('the outbox of notices', () => {
  test('tells that a booking has kept its quota, once for each grant and in order', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 3 });
    const first = await shop.booked([shop.slot(0)]);
    await shop.booked([shop.slot(1)]);
    const [one, two] = await shop.shard.readQuotaNotices(10);
    expect([one?.outcome.state, two?.outcome.state]).toEqual(['kept', 'kept']);
    await shop.cancel(first.id);
    const notices = await shop.shard.readQuotaNotices(10);
    expect(notices.map(({ outcome }) => outcome.state)).toEqual(['kept', 'returned']);
    expect(notices[0]).toEqual(two);
  });

  test('forgets what was acknowledged, and never what came after it was read', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    const { id } = await shop.booked();
    const read = await shop.shard.readQuotaNotices(10);
    await shop.cancel(id);
    await shop.shard.forgetQuotaNotices(read.map(({ seq }) => seq));
    const [left] = await shop.shard.readQuotaNotices(10);
    expect(left?.outcome.state).toBe('returned');
    await shop.shard.forgetQuotaNotices([left?.seq ?? 0]);
    expect(await shop.shard.readQuotaNotices(10)).toEqual([]);
  });

  test('is known again after a crash', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    await shop.booked();
    expect(shop.shard.state.hasNotices).toBe(true);
    shop.shard.crash();
    expect(shop.shard.state.hasNotices).toBe(true);
    await shop.tellMembers();
    shop.shard.crash();
    expect(shop.shard.state.hasNotices).toBe(false);
  });

  test('goes on with the others when one member cannot be told', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    shop.members.member('usr_bob').join({ 'bookings.perPeriod': 1 });
    await shop.booked([shop.slot(0)]);
    await shop.booked([shop.slot(1)], card(), { by: 'usr_bob' });
    ann(shop).isReachable = false;
    await expect(shop.tellMembers()).rejects.toThrow('1 notices');
    expect(shop.members.member('usr_bob').settled).toHaveLength(1);
    expect(await shop.shard.readQuotaNotices(10)).toHaveLength(1);
  });

  test('has nothing for holds that no plan counts', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked();
    await shop.cancel(booking.id);
    expect(await shop.shard.readQuotaNotices(10)).toEqual([]);
    expect(shop.holdRow(booking.holdId).quota).toBeNull();
  });
});

describe('what a member asks of a shard', () => {
  test('its live holds, which a booking and a hold that ended are not', async () => {
    const shop = await NodeShop.open();
    const { id } = await shop.held([shop.slot(0)]);
    await shop.booked([shop.slot(1)]);
    expect(await shop.shard.liveHoldsOf('usr_ann')).toBe(1);
    expect(await shop.shard.liveHoldsOf('usr_bob')).toBe(0);
    await shop.giveUp(id);
    expect(await shop.shard.liveHoldsOf('usr_ann')).toBe(0);
    await shop.held([shop.slot(2)]);
    shop.clock.advance(10 * MINUTE_MS);
    expect(await shop.shard.liveHoldsOf('usr_ann')).toBe(0);
  });
});
