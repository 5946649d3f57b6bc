/**
 * A price from the catalogue to the books: a class with fares and tax, sold with a coupon, paid by card, and given back. The
 * ledger explains every cent of it, the tax included, and differs from the processor in nothing.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectLedgerIsBooks } from './support/money.ts';
import {
  Api,
  card,
  span,
  type Booking,
  type Hold,
  type Person,
  type Slot,
} from './support/shop.ts';

interface Entry {
  readonly kind: string;
  readonly postings: readonly { readonly account: string; readonly amount: number }[];
}

let api: Api;
let operator: Person;

beforeAll(async () => {
  api = await Api.start();
  operator = await api.demo('operator');
}, 120_000);

afterAll(() => api.stop());

/** The sum of each account over what the ledger has of a booking. */
async function accountsOf(booking: Booking): Promise<Record<string, number>> {
  await api.reconcile(operator);
  const path = `GET /v1/ops/bookings/${booking.id}/money`;
  const { json } = await api.call<{ data: Entry[] }>(path, { as: operator });
  const sums: Record<string, number> = {};
  for (const { account, amount } of json.data.flatMap(({ postings }) => postings)) {
    const name = account.replace(/:prv_.*/, ':provider');
    sums[name] = (sums[name] ?? 0) + amount;
  }
  return sums;
}

it('sells a fare with tax and a coupon, and gives all of it back', async () => {
  const shop = await api.makeShop({
    resources: [{ name: 'Studio', kind: 'room', capacity: 10 }],
    service: { maxQuantity: 4 },
  });
  const tax = { rateBps: 1_000, inclusive: false };
  const venue = { as: shop.owner, body: { tax } };
  expect((await api.call(`PATCH /v1/venues/${shop.venueId}`, venue)).status).toBe(200);
  const fares = [
    { id: 'adult', name: 'Adult', price: { amount: 2_000, currency: 'usd' }, quota: 8 },
    { id: 'child', name: 'Child', price: { amount: 1_000, currency: 'usd' }, quota: 2 },
  ];
  const made = await api.call<{ data: Slot[] }>(`POST /v1/services/${shop.serviceId}/slots`, {
    as: shop.owner,
    body: { slots: [{ ...span(30, '10:00'), fares }] },
  });
  const slotId = made.json.data[0]?.id ?? '';
  const venueOf = await api.call<{ providerId: string }>(`GET /v1/venues/${shop.venueId}`);
  const { providerId } = venueOf.json;
  const coupon = { providerId, code: 'HALF', percentOff: 50, maxUses: 1 };
  const given = await api.call<{ id: string }>('POST /v1/coupons', {
    as: shop.owner,
    body: coupon,
  });
  expect(given.status, given.text).toBe(201);

  const [customer, late] = [await api.register(), await api.register()];
  const body = { slotIds: [slotId], fareId: 'adult', quantity: 2, couponCode: 'half' };
  const held = await api.call<Hold>('POST /v1/holds', { as: customer, body });
  expect(held.json.quote.total.amount, held.text).toBe(2_200);
  expect(held.json.quote.lines.map(({ amount }) => amount)).toEqual([4_000, -2_000, 200]);
  const refused = await api.call<{ code: string }>('POST /v1/holds', { as: late, body });
  expect(refused.json.code).toBe('coupon_exhausted');

  const booking = await api.mustBook(customer, { holdId: held.json.id, payment: card() });
  expect([booking.status, booking.payment?.amount.amount]).toEqual(['confirmed', 2_200]);
  expect(await accountsOf(booking)).toMatchObject({
    'platform:commission': -200,
    'provider:provider': -2_000,
    'tax:provider': -200,
    'tax:stripe': 200,
  });

  expect((await api.cancel(customer, booking)).status).toBe(200);
  expect(await accountsOf(booking)).toMatchObject({
    'platform:commission': 0,
    'provider:provider': 0,
    'tax:provider': 0,
    'tax:stripe': 0,
  });
  const again = await api.call<Hold>('POST /v1/holds', { as: late, body });
  expect(again.json.quote.total.amount, again.text).toBe(2_200);
  await expectLedgerIsBooks(api, operator, ['stripe']);
}, 120_000);
