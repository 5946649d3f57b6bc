/** What is sold by the hour, for so long at least and at most, or at a price that its provider names later. */
import { describe, expect, test } from 'vitest';
import { quoteCustom } from '../../src/domain/hold/pricing.ts';
import { codeOf, NodeShop } from '../support/node-shop.ts';

/** Slots of half an hour at 24.00 an hour, held for an hour and a half at most and an hour at least. */
function openShop(): Promise<NodeShop> {
  return NodeShop.open({
    service: {
      priceType: 'hourly',
      price: { amount: 2_401, currency: 'usd' },
      minimumDurationMinutes: 60,
      maximumDurationMinutes: 90,
    },
    slots: [0, 30, 60, 90, 300].map((at) => ({ at, minutes: 30 })),
  });
}

describe('a service by the hour', () => {
  test('costs the hours that are held together, shared out over the slots', async () => {
    const shop = await openShop();
    const { id, quote } = await shop.held([shop.slot(0), shop.slot(1), shop.slot(2)]);
    expect(quote.total.amount).toBe(3_602);
    const prices = shop.holdRow(id).items.map(({ priceMinor }) => priceMinor);
    expect(prices).toEqual([1_201, 1_201, 1_200]);
  });

  test('is priced by the rate of the slot where it has its own', async () => {
    const shop = await NodeShop.open({
      service: { priceType: 'hourly' },
      slots: [{ at: 0, minutes: 30, priceMinor: 1_000 }],
    });
    expect((await shop.held()).quote.total.amount).toBe(500);
  });

  test.each([
    ['half an hour', [0], 'validation_failed'],
    ['an hour', [0, 1], 'accepted'],
    ['an hour and a half, in any order', [2, 0, 1], 'accepted'],
    ['two hours', [0, 1, 2, 3], 'validation_failed'],
    ['an hour, and half an hour apart from it', [0, 1, 4], 'validation_failed'],
  ])('held for %s', async (_, slots, code) => {
    const shop = await openShop();
    const reply = await shop.hold(slots.map((index) => shop.slot(index)));
    expect(codeOf(reply)).toBe(code);
    if (reply.ok) return;
    expect(reply.refusal.extra).toMatchObject({ errors: [{ pointer: '/slotIds' }] });
    expect(await shop.slotStatus()).toBe('available');
  });
});

test('what is quoted later costs nothing until its provider has named a price', async () => {
  const shop = await NodeShop.open({
    service: { priceType: 'custom', tax: { rateBps: 1_000, inclusive: false } },
  });
  const { id } = await shop.held([shop.slot(0), shop.slot(1)]);
  const hold = shop.holdRow(id);
  expect(hold).toMatchObject({ quote: { totalMinor: 0 }, items: [{ awaitsQuote: true }, {}] });
  const { items, quote } = quoteCustom(hold, 1_001);
  expect(items.map(({ priceMinor, taxMinor }) => [priceMinor, taxMinor])).toEqual([
    [551, 50],
    [550, 50],
  ]);
  expect(quote.lines).toEqual([
    { kind: 'slot', label: 'An hour of padel', amount: 501 },
    { kind: 'slot', label: 'An hour of padel', amount: 500 },
    { kind: 'tax', label: 'Tax 10%', amount: 100 },
  ]);
});
