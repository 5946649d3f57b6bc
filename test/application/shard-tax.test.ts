/** Tax from the quote to the ledger: of each slot, kept with what was sold, and given back with it to the cent. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sharesOf } from '../../src/application/money-facts.ts';
import type { ServiceCard } from '../../src/domain/inventory/cards.ts';
import { OWNER } from '../support/node-shard.ts';
import { given, NodeShop } from '../support/node-shop.ts';

function openShop(service: Partial<ServiceCard> = {}): Promise<NodeShop> {
  return NodeShop.open({ service: { tax: { rateBps: 2_000, inclusive: false }, ...service } });
}

describe('a booking with tax', () => {
  test('is paid with its tax, and earns the platform its share of the price without it', async () => {
    const shop = await openShop();
    const booking = await shop.booked();
    expect(booking.quote.total.amount).toBe(3_000);
    expect(await shop.facts()).toMatchObject([
      { kind: 'captured', amountMinor: 3_000, taxMinor: 500, commissionMinor: 250 },
    ]);
  });

  test('keeps the tax that it was sold with when its venue has another', async () => {
    const shop = await openShop();
    const hold = await shop.held();
    const patch = { tax: { rateBps: 0, inclusive: true } };
    given(await shop.shard.patchService({ caller: OWNER, id: 'svc_hour', patch }));
    const { id, quote } = await shop.booked(hold.id);
    expect(quote.total.amount).toBe(3_000);
    expect(shop.bookingRow(id).items[0]).toMatchObject({ taxMinor: 500 });
    expect((await shop.held([shop.slot(1)])).quote.total.amount).toBe(2_500);
  });

  test('gives its tax back in parts that add up to the whole', async () => {
    const shop = await openShop();
    const { id } = await shop.booked();
    for (const amount of [333, 333, 1, 777]) given(await shop.refund(id, { amount }));
    given(await shop.refund(id));
    const refunds = (await shop.facts()).filter(({ kind }) => kind === 'refunded');
    expect(refunds.map(({ taxMinor }) => taxMinor)).toEqual([55, 56, 0, 129, 260]);
    expect(refunds.reduce((sum, { commissionMinor }) => sum + commissionMinor, 0)).toBe(250);
  });

  test('gives back the tax of what its ladder gives back', async () => {
    const shop = await openShop({
      cancellationPolicy: [{ hoursBefore: 0, refundPercent: 50 }],
    });
    const { id } = await shop.booked();
    await shop.cancel(id);
    expect((await shop.facts()).at(-1)).toMatchObject({
      kind: 'refunded',
      amountMinor: 1_500,
      taxMinor: 250,
      commissionMinor: 125,
    });
  });

  test('takes the tax back that a refund gave when the refund fails', async () => {
    const shop = await openShop();
    const { id } = await shop.booked();
    given(await shop.refund(id));
    shop.stripe.refundComesBack('stripe_1');
    await shop.advance(id);
    const facts = await shop.facts();
    expect(facts.map(({ kind, taxMinor }) => [kind, taxMinor])).toEqual([
      ['captured', 500],
      ['refunded', 500],
      ['refund_failed', 500],
    ]);
  });
});

test('shares of parts that follow one another add up to those of the whole, within what was paid', async () => {
  const shop = await openShop();
  const { id } = await shop.booked([shop.slot(0), shop.slot(1), shop.slot(2)]);
  const booking = shop.bookingRow(id);
  const items = fc.tuple(fc.nat(9_999), fc.nat(9_999), fc.integer({ min: 1, max: 9_999 }));
  fc.assert(
    fc.property(items, fc.nat(100), fc.nat(10_000), (prices, taxPercent, cut) => {
      const sold = {
        ...booking,
        items: booking.items.map((item, index) => {
          const priceMinor = prices[index] ?? 0;
          return { ...item, priceMinor, taxMinor: Math.floor((priceMinor * taxPercent) / 100) };
        }),
      };
      const whole = prices.reduce((sum, price) => sum + price, 0);
      const part = Math.floor((whole * cut) / 10_000);
      const payment = { earnedMinor: whole, shares: null };
      const [first, all] = [sharesOf(sold, payment, part), sharesOf(sold, payment, whole)];
      expect(all.taxMinor).toBe(sold.items.reduce((sum, { taxMinor }) => sum + taxMinor, 0));
      expect(first.taxMinor).toBeLessThanOrEqual(Math.min(part, all.taxMinor));
      expect(first.commissionMinor + first.taxMinor).toBeLessThanOrEqual(Math.max(part, 0));
      expect(all.commissionMinor + all.taxMinor).toBeLessThanOrEqual(whole);
    }),
  );
});
