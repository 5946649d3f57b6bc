/**
 * The tax of what is sold: worked out slot by slot, so that a slot that is given back takes its own tax with it, and
 * shown with one line per rate. Rounded to the nearest minor unit, a half up. Pure; part of a hold's price.
 */
import type { TaxRule } from '../inventory/cards.ts';
import { scaled } from '../money.ts';
import type { QuoteLine } from './hold.ts';

const WHOLE_BPS = 10_000;

/** A sum with its tax in it. */
export interface TaxedPrice {
  /** What is paid, tax and all. */
  readonly priceMinor: number;
  /** How much of it is tax. */
  readonly taxMinor: number;
}

/** What is paid for something at a price: the price itself where the tax is in it, else the price and the tax. */
export function taxed(amountMinor: number, tax: TaxRule | null): TaxedPrice {
  if (tax === null) return { priceMinor: amountMinor, taxMinor: 0 };
  const over = tax.inclusive ? WHOLE_BPS + tax.rateBps : WHOLE_BPS;
  const taxMinor = scaled(amountMinor, { by: tax.rateBps, over });
  return { priceMinor: tax.inclusive ? amountMinor : amountMinor + taxMinor, taxMinor };
}

/**
 * The lines of tax, one per rule, in the order in which the rules come. A tax that the prices hold already is first taken
 * out of them, so that the lines of a quote add up to its total whichever way its venues tax.
 */
export function taxLines(
  slots: readonly { readonly tax: TaxRule | null; readonly taxMinor: number }[],
): QuoteLine[] {
  const sums = new Map<string, { tax: TaxRule; amount: number }>();
  for (const { tax, taxMinor } of slots) {
    if (tax === null || taxMinor === 0) continue;
    const key = `${tax.rateBps} ${tax.inclusive}`;
    sums.set(key, { tax, amount: (sums.get(key)?.amount ?? 0) + taxMinor });
  }
  return [...sums.values()].flatMap(({ tax, amount }) => {
    const line = { kind: 'tax', label: `Tax ${percentOf(tax.rateBps)}`, amount };
    if (!tax.inclusive) return [line];
    return [{ kind: 'tax_included', label: 'Less tax in the prices above', amount: -amount }, line];
  });
}

/** True for the lines that `taxLines` makes. */
export function isTaxLine({ kind }: QuoteLine): boolean {
  return kind === 'tax' || kind === 'tax_included';
}

/** 1900 is 19%, 825 is 8.25%. */
function percentOf(rateBps: number): string {
  const whole = Math.trunc(rateBps / 100);
  const rest = String(rateBps % 100)
    .padStart(2, '0')
    .replace(/0+$/, '');
  return rest === '' ? `${whole}%` : `${whole}.${rest}%`;
}
