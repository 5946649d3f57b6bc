/**
 * Guests in the shard: they book where everybody may, what they booked is theirs and later their account's, crowds of them
 * from one place share one budget, and a manage link does what its customer could do and no more.
 */
import { describe, expect, test } from 'vitest';
import { SECOND_MS } from '../../src/domain/time.ts';
import { OWNER } from '../support/node-shard.ts';
import { codeOf, customer, given, guest, NodeShop } from '../support/node-shop.ts';

const EVE = guest();
/** Eve, once she has an account. */
const ACCOUNT = { ...customer('usr_eve'), guestId: EVE.id };
const STRANGER = customer('usr_bob');
const HALF_BACK = [
  { hoursBefore: 48, refundPercent: 100 },
  { hoursBefore: 0, refundPercent: 50 },
];

/** Who comes from there, where two holds may live at a time. */
const from = (key: string) => ({ origin: { key, budget: 2 } });

const tokenOf = (manageUrl: string): string => manageUrl.split('.').at(-1) ?? '';

describe('a guest', () => {
  test('books and pays what is open to all', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked([shop.slot()], undefined, { as: EVE });
    expect(booking.status).toBe('confirmed');
    expect(shop.bookingRow(booking.id).customerId).toBe(EVE.id);
  });

  test('has no plan, so that a service for subscribers is refused', async () => {
    const shop = await NodeShop.open({ service: { access: 'subscribers' } });
    const refused = await shop.admitted([shop.slot()], { as: EVE });
    expect(codeOf(refused)).toBe('subscription_required');
  });

  test('sees and cancels nothing of another guest', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held([shop.slot(1)], { as: EVE });
    const booking = await shop.booked([shop.slot()], undefined, { as: EVE });
    const other = guest('gst_mallory');
    expect(codeOf(await shop.shard.getBooking(other, booking.id))).toBe('not_found');
    expect(codeOf(await shop.shard.getHold(other, hold.id))).toBe('not_found');
    expect(codeOf(await shop.cancel(booking.id, { by: other }))).toBe('not_found');
  });
});

describe('an account that took a guest over', () => {
  test('reads what the guest booked, and cancels it as its customer', async () => {
    const shop = await NodeShop.open({ service: { cancellationPolicy: HALF_BACK } });
    const booking = await shop.booked([shop.slot()], undefined, { as: EVE });
    expect(codeOf(await shop.shard.getBooking(STRANGER, booking.id))).toBe('not_found');
    expect(given(await shop.shard.getBooking(ACCOUNT, booking.id)).view.id).toBe(booking.id);
    const cancelled = given(await shop.cancel(booking.id, { by: ACCOUNT }));
    expect(cancelled.status).toBe('cancelled');
    expect(cancelled.refunds.map(({ amount }) => amount.amount)).toEqual([1_250]);
  });

  test('goes on with a hold that was under way', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held([shop.slot()], { as: EVE });
    const booking = await shop.booked(hold.id, undefined, { as: ACCOUNT });
    expect(booking.status).toBe('confirmed');
    expect(given(await shop.shard.getBooking(EVE, booking.id)).view.id).toBe(booking.id);
  });

  test('has one allowance with the guest, not two', async () => {
    const shop = await NodeShop.open({ service: { maxPerCustomer: 1 } });
    await shop.booked([shop.slot()], undefined, { as: EVE });
    const again = await shop.hold([shop.slot(1)], { as: ACCOUNT });
    expect(codeOf(again)).toBe('customer_limit_reached');
    const budget = await NodeShop.open();
    await budget.held([budget.slot()], { as: EVE, budget: 1 });
    const more = await budget.hold([budget.slot(1)], { as: ACCOUNT, budget: 1 });
    expect(codeOf(more)).toBe('hold_limit_reached');
  });
});

describe('guests from one place', () => {
  test('share one budget of live holds, however many they are', async () => {
    const shop = await NodeShop.open();
    const first = { as: guest('gst_1'), key: 'first', ...from('here') };
    await shop.held([shop.slot(0)], first);
    await shop.held([shop.slot(1)], { as: guest('gst_2'), ...from('here') });
    const third = { as: guest('gst_3'), ...from('here') };
    expect(codeOf(await shop.hold([shop.slot(2)], third))).toBe('hold_limit_reached');
    shop.shard.crash();
    expect(codeOf(await shop.hold([shop.slot(2)], third))).toBe('hold_limit_reached');
    expect(await shop.hold([shop.slot(0)], first)).toMatchObject({ ok: true, replayed: true });
    const elsewhere = { as: guest('gst_4'), ...from('there') };
    expect(codeOf(await shop.hold([shop.slot(2)], elsewhere))).toBe('accepted');
  });

  test.each([
    ['given up', (shop: NodeShop, id: string) => shop.giveUp(id, 'gst_1')],
    ['expired', (shop: NodeShop) => shop.pass(301 * SECOND_MS)],
    ['booked', (shop: NodeShop, id: string) => shop.booked(id, undefined, { as: guest('gst_1') })],
  ])('have it back once a hold is %s, and nobody keeps where it came from', async (_how, end) => {
    const shop = await NodeShop.open();
    const { id } = await shop.held([shop.slot(0)], { as: guest('gst_1'), ...from('here') });
    await shop.held([shop.slot(1)], { as: guest('gst_1'), ...from('elsewhere') });
    expect(shop.holdRow(id).originKey).toBe('here');
    await end(shop, id);
    expect(JSON.stringify(shop.holdRow(id))).not.toContain('here');
    const fresh = { as: guest('gst_2'), origin: { key: 'here', budget: 1 } };
    expect(codeOf(await shop.hold([shop.slot(2)], fresh))).toBe('accepted');
  });
});

describe('a manage link', () => {
  test('cancels as the customer does, on the record as the link, and not twice', async () => {
    const shop = await NodeShop.open({ service: { cancellationPolicy: HALF_BACK } });
    const booking = await shop.booked();
    const link = { by: { id: 'link', roles: [] }, manageToken: tokenOf(booking.manageUrl) };
    const cancelled = given(await shop.cancel(booking.id, { ...link, key: 'form' }));
    expect(cancelled.refunds.map(({ amount }) => amount.amount)).toEqual([1_250]);
    expect(await shop.cancel(booking.id, { ...link, key: 'form' })).toMatchObject({
      ok: true,
      replayed: true,
    });
    const history = given(await shop.shard.bookingHistory(customer(), booking.id));
    expect(history.data.find(({ to }) => to === 'cancelled')?.actor).toBe(`link:${booking.id}`);
  });

  test('of another booking, or a guessed one, does nothing', async () => {
    const shop = await NodeShop.open();
    const [booking, other] = [await shop.booked(), await shop.booked([shop.slot(1)])];
    for (const manageToken of ['', 'a'.repeat(32), tokenOf(other.manageUrl)]) {
      const refused = await shop.cancel(booking.id, { by: STRANGER, manageToken });
      expect(codeOf(refused)).toBe('not_found');
    }
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
  });

  test.each([
    ['its customer', customer()],
    ['its provider', OWNER],
    ['an operator', { id: 'usr_op', roles: ['operator'] } as const],
  ])('is replaced by %s, and the old one is dead at once', async (_who, caller) => {
    const shop = await NodeShop.open();
    const booking = await shop.booked();
    const command = {
      caller,
      call: { key: 'rotate', fingerprint: 'rotate' },
      bookingId: booking.id,
    };
    const rotated = given(await shop.shard.rotateManageLink(command));
    const old = tokenOf(booking.manageUrl);
    expect(codeOf(await shop.shard.getManagedBooking(booking.id, old))).toBe('not_found');
    expect(codeOf(await shop.cancel(booking.id, { manageToken: old }))).toBe('not_found');
    const fresh = tokenOf(rotated.manageUrl);
    expect(codeOf(await shop.shard.getManagedBooking(booking.id, fresh))).toBe('accepted');
    expect(given(await shop.shard.rotateManageLink(command)).manageUrl).toBe(rotated.manageUrl);
    expect(given(await shop.shard.getManageUrl(booking.id))).toBe(rotated.manageUrl);
  });

  test('is replaced by nobody else', async () => {
    const shop = await NodeShop.open();
    const { id: bookingId, manageUrl } = await shop.booked();
    const call = { key: 'rotate', fingerprint: 'rotate' };
    const refused = await shop.shard.rotateManageLink({ caller: STRANGER, call, bookingId });
    expect(codeOf(refused)).toBe('not_found');
    expect(given(await shop.shard.getManageUrl(bookingId))).toBe(manageUrl);
  });
});
