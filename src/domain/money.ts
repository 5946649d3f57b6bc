/**
 * Money as integers in the currency's minor unit. No floats, no division that loses a unit:
 * whatever is split is allocated, and the parts add up to the whole.
 */
import { invariant } from './assert.ts';

/** An amount in minor units (cents, yen, fils) with its lower-case ISO 4217 currency. */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/**
 * Currencies on sale, with the decimal places of their minor unit (ISO 4217).
 * A currency that is not listed is refused, because a wrong exponent charges a hundred times too much.
 */
export const CURRENCY_EXPONENTS: Readonly<Record<string, number>> = {
  aud: 2,
  bhd: 3,
  brl: 2,
  cad: 2,
  chf: 2,
  clp: 0,
  czk: 2,
  dkk: 2,
  eur: 2,
  gbp: 2,
  hkd: 2,
  huf: 2,
  ils: 2,
  inr: 2,
  jod: 3,
  jpy: 0,
  krw: 0,
  kwd: 3,
  mxn: 2,
  nok: 2,
  npr: 2,
  nzd: 2,
  omr: 3,
  pln: 2,
  ron: 2,
  sek: 2,
  sgd: 2,
  thb: 2,
  tnd: 3,
  try: 2,
  twd: 2,
  usd: 2,
  zar: 2,
};

/** True for a currency in the table above. */
export function isCurrency(code: string): boolean {
  return Object.hasOwn(CURRENCY_EXPONENTS, code);
}

/** Builds an amount; a fraction or an unknown currency is a broken invariant (input is validated before). */
export function money(amount: number, currency: string): Money {
  invariant(Number.isSafeInteger(amount), 'money is a whole number of minor units');
  invariant(isCurrency(currency), `unknown currency ${currency}`);
  return { amount, currency };
}

/** Adds amounts of one currency. */
export function add(a: Money, b: Money): Money {
  invariant(a.currency === b.currency, `cannot add ${a.currency} and ${b.currency}`);
  return money(a.amount + b.amount, a.currency);
}

/** Multiplies by a whole count. */
export function times(a: Money, count: number): Money {
  invariant(Number.isSafeInteger(count), 'a count is a whole number');
  return money(a.amount * count, a.currency);
}

/**
 * The part of an amount that a rate in basis points names, rounded down:
 * the remainder stays with the other side, so both parts add up to the whole.
 */
export function portion(amountMinor: number, rateBps: number): number {
  invariant(
    Number.isSafeInteger(amountMinor) && amountMinor >= 0,
    'a portion is of a whole amount',
  );
  invariant(
    Number.isInteger(rateBps) && rateBps >= 0 && rateBps <= 10_000,
    'a rate is 0 to 10000 bps',
  );
  return Number((BigInt(amountMinor) * BigInt(rateBps)) / 10_000n);
}

/** An amount times a ratio of whole numbers, to the nearest minor unit; a half is rounded up. */
export function scaled(amountMinor: number, ratio: { by: number; over: number }): number {
  invariant(Number.isSafeInteger(amountMinor) && amountMinor >= 0, 'scale a whole amount');
  const { by, over } = ratio;
  invariant(Number.isSafeInteger(by) && by >= 0 && Number.isSafeInteger(over) && over > 0, 'ratio');
  const [doubled, divisor] = [2n * BigInt(amountMinor) * BigInt(by), 2n * BigInt(over)];
  return Number((doubled + BigInt(over)) / divisor);
}

/**
 * Splits an amount by integer weights with the largest-remainder method.
 * Shape: as many parts as weights, in their order, adding up to the amount exactly.
 */
export function allocate(amountMinor: number, weights: readonly number[]): number[] {
  invariant(Number.isSafeInteger(amountMinor) && amountMinor >= 0, 'allocate a whole amount');
  const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
  invariant(
    total > 0n && weights.every((weight) => weight >= 0),
    'weights are not negative and not all zero',
  );
  const exact = weights.map((weight) => BigInt(amountMinor) * BigInt(weight));
  const parts = exact.map((share) => Number(share / total));
  const left = amountMinor - parts.reduce((sum, part) => sum + part, 0);
  const byRemainder = exact
    .map((share, index) => ({ index, remainder: share % total }))
    .toSorted((a, b) =>
      a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
    );
  for (const { index } of byRemainder.slice(0, left)) parts[index] = (parts[index] ?? 0) + 1;
  return parts;
}
