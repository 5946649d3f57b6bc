/** Bookings that wait for their provider's yes: who gets the slot, and what becomes of the money and the quota. */
import { describe, expect, test } from 'vitest';
import type { SellerDeed } from '../../src/contracts/durable-rpc.ts';
import type { BookingView } from '../../src/contracts/http/booking.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/time.ts';
import { METHODS } from '../support/fake-processor.ts';
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

const APPROVE: SellerDeed = { kind: 'approve', price: null };
const DECLINE: SellerDeed = { kind: 'decline', reason: 'the hall is being painted' };
const ASKS: ShopOptions = { service: { requiresApproval: true } };
const FREE: ShopOptions = {
  service: { requiresApproval: true, price: { amount: 0, currency: 'usd' } },
};
const DAYS_AHEAD: ShopOptions = { ...ASKS, slots: [{ at: 10 * 24 * 60 }] };

function objectsOf(shop: NodeShop) {
  return [...shop.stripe.objects.values()].map(({ state }) => state);
}

function statusOf(shop: NodeShop, { id }: Pick<BookingView, 'id'>): string {
  return shop.bookingRow(id).state;
}

describe('a request', () => {
  test('reserves funds, claims nothing, and says until when it may be approved', async () => {
    const shop = await NodeShop.open(ASKS);
    const booking = await shop.booked();
    expect(booking).toMatchObject({
      status: 'awaiting_approval',
      payment: { status: 'authorized' },
      approveBy: new Date(TOMORROW_MS).toISOString().replace('.000Z', 'Z'),
    });
    expect(shop.calls()).toEqual(['open', 'authorize']);
    expect(await shop.slotStatus()).toBe('available');
    expect(shop.holdRow(booking.holdId).state).toBe('released');
    expect(shop.payment(booking.id).dueAtMs).toBeNull();
  });

  test('does not keep others from asking for the same slot', async () => {
    const shop = await NodeShop.open(ASKS);
    for (const by of ['usr_ann', 'usr_bob', 'usr_cyd'])
      expect((await shop.booked([shop.slot()], card(), { by })).status).toBe('awaiting_approval');
  });

  test.each([
    { until: '72 hours', options: DAYS_AHEAD, fundsForMs: 7 * DAY_MS, expectedMs: 72 * HOUR_MS },
    { until: 'the start of its slot', options: ASKS, fundsForMs: 7 * DAY_MS, expectedMs: DAY_MS },
    {
      until: 'an hour before its funds are let go',
      options: ASKS,
      fundsForMs: 5 * HOUR_MS,
      expectedMs: 4 * HOUR_MS,
    },
  ])('waits for $until', async ({ options, fundsForMs, expectedMs }) => {
    const shop = await NodeShop.open(options);
    shop.stripe.authorizationMs = fundsForMs;
    const startMs = shop.clock.nowMs();
    const { id } = await shop.booked();
    const byMs = shop.bookingRow(id).approval?.approveByMs ?? 0;
    expect(Math.abs(byMs - startMs - expectedMs)).toBeLessThan(MINUTE_MS);
  });

  test('after a 3-D Secure waits as well', async () => {
    const shop = await NodeShop.open(ASKS);
    const booking = await shop.booked([shop.slot()], card(METHODS.asksPayer));
    expect(booking.status).toBe('pending');
    shop.stripe.payerApproves('stripe_1');
    expect(given(await shop.confirm(booking.id)).status).toBe('awaiting_approval');
  });

  test('by an order of PayPal waits as well', async () => {
    const shop = await NodeShop.open(ASKS);
    const booking = await shop.booked([shop.slot()], ORDER);
    shop.paypal.payerApproves('paypal_1');
    await shop.advance(booking.id);
    expect(statusOf(shop, booking)).toBe('awaiting_approval');
    given(await shop.act(booking.id, APPROVE));
    expect(statusOf(shop, booking)).toBe('confirmed');
  });

  test('cannot be paid where funds cannot be reserved, whether it is held before or not', async () => {
    const shop = await NodeShop.open(ASKS);
    expect(codeOf(await shop.book([shop.slot()], CRYPTO))).toBe('processor_not_supported');
    const hold = await shop.held();
    expect(codeOf(await shop.book(hold.id, CRYPTO))).toBe('processor_not_supported');
    expect(codeOf(await shop.book(hold.id, null))).toBe('payment_required');
    expect((await shop.booked(hold.id)).status).toBe('awaiting_approval');
  });

  test('is shown again to whoever books its hold once more', async () => {
    const shop = await NodeShop.open(ASKS);
    const hold = await shop.held();
    const booking = await shop.booked(hold.id);
    expect(await shop.booked(hold.id)).toMatchObject({
      id: booking.id,
      status: 'awaiting_approval',
    });
    given(await shop.act(booking.id, APPROVE));
    expect((await shop.booked(hold.id)).status).toBe('confirmed');
    expect(shop.calls().filter((kind) => kind === 'open')).toHaveLength(1);
  });

  test('whose funds the processor lets go of has failed', async () => {
    const shop = await NodeShop.open(ASKS);
    const booking = await shop.booked();
    shop.stripe.expire('stripe_1');
    await shop.advance(booking.id);
    expect(statusOf(shop, booking)).toBe('payment_failed');
    expect(codeOf(await shop.act(booking.id, APPROVE))).toBe('invalid_transition');
  });
});

describe('a yes', () => {
  test('claims the slot first and takes the money after', async () => {
    const shop = await NodeShop.open(ASKS);
    const { id } = await shop.booked();
    const seen: unknown[] = [];
    shop.stripe.faultFor = ({ kind }) => {
      if (kind === 'capture') seen.push(...shop.shard.sql.rows('SELECT is_live FROM claim'));
      return null;
    };
    const view = given(await shop.act(id, APPROVE));
    expect(view).toMatchObject({ status: 'confirmed', approveBy: null, late: false });
    expect(view.payment?.status).toBe('captured');
    expect(seen).toEqual([{ is_live: 0 }, { is_live: 1 }]);
    expect(await shop.slotStatus()).toBe('booked');
    expect(shop.holdRow(view.holdId).state).toBe('committed');
  });

  test('to two at the same moment is a yes to one, and the other’s money is released', async () => {
    const shop = await NodeShop.open(ASKS);
    const ann = await shop.booked();
    const bob = await shop.booked([shop.slot()], card(), { by: 'usr_bob' });
    const replies = await Promise.all([shop.act(ann.id, APPROVE), shop.act(bob.id, APPROVE)]);
    expect(replies.map(codeOf).toSorted()).toEqual(['accepted', 'slot_unavailable']);
    expect([statusOf(shop, ann), statusOf(shop, bob)].toSorted()).toEqual([
      'cancelled',
      'confirmed',
    ]);
    expect(objectsOf(shop).toSorted()).toEqual(['captured', 'voided']);
    expect(shop.shard.sql.rows('SELECT * FROM refund')).toEqual([]);
  });

  test('that comes when the slot was sold names what is still free, and says the same again', async () => {
    const shop = await NodeShop.open({
      services: [{ requiresApproval: true }, { id: 'svc_walk_in' }],
      slots: [{ at: 0 }, { at: 60 }, { at: 0, serviceId: 'svc_walk_in' }],
    });
    const asked = await shop.booked();
    await shop.booked([shop.slot(2)], card(), { by: 'usr_bob' });
    const refused = await shop.act(asked.id, APPROVE, { key: 'yes' });
    expect(refused).toMatchObject({
      refusal: {
        code: 'slot_unavailable',
        extra: { conflicts: [shop.slot()], alternatives: [{ id: shop.slot(1) }] },
      },
    });
    expect(await shop.act(asked.id, APPROVE, { key: 'yes' })).toMatchObject({ replayed: true });
    expect(objectsOf(shop)).toEqual(['voided', 'captured']);
  });

  test('to a booking that was approved or declined is refused', async () => {
    const shop = await NodeShop.open(ASKS);
    const { id } = await shop.booked();
    given(await shop.act(id, APPROVE));
    expect(codeOf(await shop.act(id, APPROVE))).toBe('invalid_transition');
    expect(codeOf(await shop.act(id, DECLINE))).toBe('invalid_transition');
  });

  test('whose capture is refused for good frees the slot', async () => {
    const shop = await NodeShop.open(ASKS);
    const { id } = await shop.booked([shop.slot()], card(METHODS.captureRefused));
    expect(given(await shop.act(id, APPROVE)).status).toBe('payment_failed');
    expect(await shop.slotStatus()).toBe('available');
  });

  test('is the seller’s to give', async () => {
    const shop = await NodeShop.open(ASKS);
    const { id } = await shop.booked();
    for (const deed of [APPROVE, DECLINE]) {
      expect(codeOf(await shop.act(id, deed, { by: customer() }))).toBe('role_required');
      expect(codeOf(await shop.act(id, deed, { by: customer('usr_eve') }))).toBe('not_found');
    }
  });

  test('names no price where the price was agreed', async () => {
    const shop = await NodeShop.open(ASKS);
    const { id } = await shop.booked();
    const price = { amount: 1, currency: 'usd' };
    expect(codeOf(await shop.act(id, { kind: 'approve', price }))).toBe('validation_failed');
    expect(shop.bookingRow(id).state).toBe('awaiting_approval');
  });

  test.each(['capture', 'fetch'] as const)(
    'is finished by whoever comes next when the answer to a %s is lost',
    async (lost) => {
      const shop = await NodeShop.open(ASKS);
      const { id } = await shop.booked();
      shop.stripe.faultFor = ({ kind }) =>
        kind === lost || kind === 'capture' ? 'lost_after' : null;
      expect(['confirming', 'confirmed']).toContain(given(await shop.act(id, APPROVE)).status);
      shop.stripe.faultFor = () => null;
      shop.shard.crash();
      for (let pass = 0; pass < 4; pass++) await shop.pass(MINUTE_MS);
      expect(shop.bookingRow(id).state).toBe('confirmed');
      expect(shop.stripe.objectOf('stripe_1').capturedMinor).toBe(2_500);
    },
  );

  test('is resumed under its key after a crash between the claim and the capture', async () => {
    const shop = await NodeShop.open(ASKS);
    const { id } = await shop.booked();
    const call = { key: 'yes', fingerprint: `${id} ${JSON.stringify(APPROVE)}` };
    const caller = { id: 'usr_owner', roles: ['provider' as const] };
    // The shard decided, and its caller died with the answer.
    await shop.shard.actAsSeller({ caller, call, bookingId: id, deed: APPROVE });
    shop.shard.crash();
    shop.clock.advance(31 * SECOND_MS);
    expect(given(await shop.act(id, APPROVE, { key: 'yes' })).status).toBe('confirmed');
    expect(shop.calls().filter((kind) => kind === 'capture')).toHaveLength(1);
  });
});

describe('a no', () => {
  test('cancels the booking and releases its funds', async () => {
    const shop = await NodeShop.open(ASKS);
    const booking = await shop.booked();
    const view = given(await shop.act(booking.id, DECLINE));
    expect(view).toMatchObject({ status: 'cancelled', payment: { status: 'voided' } });
    expect(objectsOf(shop)).toEqual(['voided']);
    expect(shop.shard.store.eventsOf(booking.id)).toContainEqual(
      expect.objectContaining({ to: 'cancelled', reason: DECLINE.reason }),
    );
  });

  test.each([
    ['its customer', customer()],
    ['its provider', { id: 'usr_owner', roles: ['provider' as const] }],
  ])('is a cancellation by %s, too', async (_name, by) => {
    const shop = await NodeShop.open(ASKS);
    const { id } = await shop.booked();
    expect(given(await shop.cancel(id, { by })).status).toBe('cancelled');
    expect(objectsOf(shop)).toEqual(['voided']);
  });

  test('is said by the clock when nobody has answered in time', async () => {
    const shop = await NodeShop.open(DAYS_AHEAD);
    const { id } = await shop.booked();
    await shop.pass(72 * HOUR_MS - MINUTE_MS);
    expect(shop.bookingRow(id).state).toBe('awaiting_approval');
    await shop.pass(MINUTE_MS);
    expect(shop.bookingRow(id).state).toBe('expired');
    expect(objectsOf(shop)).toEqual(['voided']);
    expect(codeOf(await shop.act(id, APPROVE))).toBe('invalid_transition');
  });

  test('is said by the first call after a crash when the alarm was missed', async () => {
    const shop = await NodeShop.open(ASKS);
    const { id } = await shop.booked();
    shop.shard.crash();
    shop.clock.advance(2 * DAY_MS);
    expect(codeOf(await shop.act(id, APPROVE))).toBe('invalid_transition');
    await shop.drain();
    expect(objectsOf(shop)).toEqual(['voided']);
  });

  test('is not undone by funds that come after it', async () => {
    const shop = await NodeShop.open(ASKS);
    const booking = await shop.booked([shop.slot()], card(METHODS.asksPayer));
    given(await shop.cancel(booking.id));
    shop.stripe.payerApproves('stripe_1');
    await shop.advance(booking.id);
    expect(statusOf(shop, booking)).toBe('cancelled');
    expect(objectsOf(shop)).toEqual(['voided']);
  });
});

describe('money that was taken at the processor before anybody said yes', () => {
  test('goes back, and the booking has failed', async () => {
    const shop = await NodeShop.open(ASKS);
    const booking = await shop.booked();
    shop.stripe.captureByHand('stripe_1');
    await shop.advance(booking.id);
    expect(statusOf(shop, booking)).toBe('payment_failed');
    expect(shop.stripe.objectOf('stripe_1')).toMatchObject({ refundedMinor: 2_500 });
  });
});

describe('what is free', () => {
  test('waits for a yes without any processor', async () => {
    const shop = await NodeShop.open(FREE);
    const booking = await shop.booked([shop.slot()], null);
    expect(booking).toMatchObject({ status: 'awaiting_approval', payment: null });
    expect(await shop.slotStatus()).toBe('available');
    expect(given(await shop.act(booking.id, APPROVE)).status).toBe('confirmed');
    expect(await shop.slotStatus()).toBe('booked');
  });

  test('is declined, cancelled and forgotten like the rest', async () => {
    const shop = await NodeShop.open(FREE);
    const [one, two, three] = [
      await shop.booked([shop.slot(0)], null),
      await shop.booked([shop.slot(1)], null),
      await shop.booked([shop.slot(2)], null),
    ];
    expect(given(await shop.act(one.id, DECLINE)).status).toBe('cancelled');
    expect(given(await shop.cancel(two.id)).status).toBe('cancelled');
    await shop.pass(2 * DAY_MS);
    expect(statusOf(shop, three)).toBe('expired');
  });

  test('is refused once its slot has begun while it was held', async () => {
    const service = { ...FREE.service, holdTtlSeconds: 3_600 };
    const shop = await NodeShop.open({ service });
    await shop.pass(TOMORROW_MS - MINUTE_MS - shop.clock.nowMs());
    const hold = await shop.held();
    await shop.pass(2 * MINUTE_MS);
    expect(codeOf(await shop.book(hold.id, null))).toBe('slot_past');
  });
});
