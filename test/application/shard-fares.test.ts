/** Fares: parts of a slot's capacity with prices of their own, through holds, restarts, late money and the guard. */
import { describe, expect, test } from 'vitest';
import type { Fare } from '../../src/domain/inventory/cards.ts';
import { makeServiceCard } from '../support/cards.ts';
import { OWNER } from '../support/node-shard.ts';
import { codeOf, CRYPTO, given, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';

const FARES: readonly Fare[] = [
  { id: 'adult', name: 'Adult', price: { amount: 2_000, currency: 'usd' }, quota: 3 },
  { id: 'child', name: 'Child', price: { amount: 900, currency: 'usd' }, quota: 1 },
];

function openShop(): Promise<NodeShop> {
  return NodeShop.open({
    resources: [{ capacity: 4 }],
    service: { maxQuantity: 4 },
    slots: [{ at: 0, fares: FARES }, { at: 60 }, { at: 120, fares: FARES }],
  });
}

async function faresOf(shop: NodeShop): Promise<unknown> {
  const { remaining, fares } = given(await shop.shard.getSlot(shop.slot()));
  return [remaining, ...(fares ?? []).map((fare) => fare.remaining)];
}

async function createWith(shop: NodeShop, fares: readonly Fare[], capacity: number | null = null) {
  return shop.shard.createSlots({
    caller: OWNER,
    call: null,
    serviceId: makeServiceCard().id,
    slots: [
      {
        startAtMs: TOMORROW_MS - 3_600_000,
        endAtMs: TOMORROW_MS,
        resourceId: null,
        capacity,
        priceMinor: null,
        priceCurrency: null,
        fares,
      },
    ],
  });
}

describe('a slot with fares', () => {
  test('sells each at its own price, and shows what is left of each', async () => {
    const shop = await openShop();
    const hold = await shop.held([shop.slot()], { fareId: 'adult', quantity: 2 });
    expect(hold).toMatchObject({
      fareId: 'adult',
      quote: {
        total: { amount: 4_000 },
        lines: [{ kind: 'slot', label: 'An hour of padel, Adult × 2', amount: 4_000 }],
      },
    });
    expect(await faresOf(shop)).toEqual([2, 1, 1]);
  });

  test('refuses a fare whose quota is used up, while another is still sold', async () => {
    const shop = await openShop();
    await shop.held([shop.slot()], { fareId: 'child', by: 'usr_bob' });
    const refused = await shop.hold([shop.slot()], { fareId: 'child' });
    expect(refused).toMatchObject({
      ok: false,
      refusal: { code: 'slot_unavailable', extra: { conflicts: [shop.slot()] } },
    });
    expect(codeOf(await shop.hold([shop.slot()], { fareId: 'adult' }))).toBe('accepted');
  });

  test('offers instead only slots where the fare is free', async () => {
    const shop = await openShop();
    for (const index of [0, 2])
      await shop.held([shop.slot(index)], { fareId: 'child', by: 'usr_b' });
    const refused = await shop.hold([shop.slot()], { fareId: 'child' });
    const offered = refused.ok ? [] : refused.refusal.extra?.['alternatives'];
    expect(offered).toMatchObject([{ id: shop.slot(1) }]);
  });

  test('gives a fare back once with its hold', async () => {
    const shop = await openShop();
    const { id } = await shop.held([shop.slot()], { fareId: 'child' });
    await shop.giveUp(id);
    await shop.giveUp(id);
    expect(await faresOf(shop)).toEqual([4, 3, 1]);
    expect(shop.shard.sql.rows('SELECT DISTINCT taken FROM slot_fare')).toEqual([{ taken: 0 }]);
  });

  test('knows after a restart what of each fare is taken', async () => {
    const shop = await openShop();
    await shop.held([shop.slot()], { fareId: 'child' });
    await shop.held([shop.slot()], { fareId: 'adult', quantity: 2, by: 'usr_bob' });
    shop.shard.crash();
    expect(await faresOf(shop)).toEqual([1, 1, 0]);
    expect(codeOf(await shop.hold([shop.slot()], { fareId: 'child' }))).toBe('slot_unavailable');
  });

  test.each([
    ['no fare', undefined, 0, 'validation_failed'],
    ['an unknown fare', 'senior', 0, 'validation_failed'],
    ['a fare of a slot that has none', 'adult', 1, 'validation_failed'],
    ['a fare that is there', 'adult', 0, 'accepted'],
    ['no fare of a slot that has none', undefined, 1, 'accepted'],
  ])('asked for %s', async (...[, fareId, index, code]) => {
    const shop = await openShop();
    const reply = await shop.hold([shop.slot(index)], fareId === undefined ? {} : { fareId });
    expect(codeOf(reply)).toBe(code);
    if (!reply.ok) expect(reply.refusal.extra).toMatchObject({ errors: [{ pointer: '/fareId' }] });
  });

  test.each([
    ['as much as it has', 4, null, 'accepted'],
    ['more than its resources have', 5, null, 'validation_failed'],
    ['as much as its own capacity', 2, 2, 'accepted'],
    ['more than its own capacity', 3, 2, 'validation_failed'],
  ])('may share out %s', async (...[, quota, capacity, code]) => {
    const shop = await openShop();
    const fares = FARES.slice(0, 1).map((fare) => ({ ...fare, quota }));
    const reply = await createWith(shop, fares, capacity);
    expect(codeOf(reply)).toBe(code);
    if (!reply.ok)
      expect(reply.refusal.extra).toMatchObject({ errors: [{ pointer: '/slots/0/fares' }] });
  });

  test('has the currency of its service', async () => {
    const shop = await openShop();
    const fares = FARES.map((fare) => ({ ...fare, price: { amount: 1, currency: 'eur' } }));
    expect(await createWith(shop, fares)).toMatchObject({
      refusal: {
        extra: {
          errors: [
            { pointer: '/slots/0/fares/0/price/currency' },
            { pointer: '/slots/0/fares/1/price/currency' },
          ],
        },
      },
    });
  });

  test('shows no more than its fares sell together', async () => {
    const shop = await openShop();
    const reply = await createWith(shop, FARES.slice(1));
    expect(given(reply).data[0]).toMatchObject({ capacity: 1, remaining: 1 });
  });
});

describe('late money for a fare', () => {
  test.each([
    ['is free', false, 'confirmed'],
    ['was sold meanwhile', true, 'expired'],
  ])('books where the fare %s', async (_, isSold, status) => {
    const shop = await openShop();
    const hold = await shop.held([shop.slot()], { fareId: 'child' });
    const { id } = await shop.booked(hold.id, CRYPTO);
    shop.btcpay.faultFor = () => 'lost_before';
    for (let i = 0; i < 4; i++) await shop.pass(300_000);
    shop.btcpay.faultFor = () => null;
    expect(shop.bookingRow(id).state).toBe('expired');
    if (isSold) await shop.held([shop.slot()], { fareId: 'child', by: 'usr_bob' });
    shop.btcpay.payerApproves('btcpay_1');
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe(status);
    expect(await faresOf(shop)).toEqual([3, 3, 0]);
  });
});

describe('the guard of the storage', () => {
  test.each([
    ['child', 1, null],
    ['child', 2, /CHECK/],
    ['senior', 1, /no such fare/],
    [null, 1, /no such fare/],
  ])('meets %s × %i past the check in memory', async (fareId, quantity, refused) => {
    const shop = await openShop();
    const { id } = await shop.held([shop.slot(1)]);
    const insert = () =>
      shop.shard.sql.transactionSync(() =>
        shop.shard.store.insertClaims(id, [
          {
            slotId: shop.slot(),
            resourceId: 'res_court',
            unit: null,
            quantity,
            slotQuantity: quantity,
            fareId,
            span: { startAtMs: TOMORROW_MS, endAtMs: TOMORROW_MS + 3_600_000 },
          },
        ]),
      );
    if (refused === null) expect(insert).not.toThrow();
    else expect(insert).toThrow(refused);
  });

  test('refuses a fare to a slot that has none', async () => {
    const shop = await openShop();
    const { id } = await shop.held([shop.slot()], { fareId: 'child' });
    const sql = `UPDATE claim SET is_live = 0`;
    shop.shard.sql.rows(sql);
    const span = { startAtMs: TOMORROW_MS, endAtMs: TOMORROW_MS + 1 };
    const claim = { slotId: shop.slot(1), resourceId: 'res_court', unit: null, quantity: 1, span };
    expect(() =>
      shop.shard.store.insertClaims(id, [{ ...claim, slotQuantity: 1, fareId: 'child' }]),
    ).toThrow(/no such fare/);
  });
});
