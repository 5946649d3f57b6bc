/**
 * Exact decimal numbers, as BTCPay writes amounts and rates: integers with a count of decimals, never floats.
 * Pure. Called by the files of this folder.
 */
import { invariant } from '../../domain/assert.ts';

/** `units` divided by 10 to the power of `scale`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

/** Longer numbers are none of BTCPay's, whose own have 28 digits. */
const DECIMAL = /^(-?)(\d{1,30})(?:\.(\d{1,30}))?$/;

/** A decimal text as a number; null for a text that is none. */
export function parseDecimal(text: string): Decimal | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  return { units: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length };
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, { units: -b.units, scale: b.scale });
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

/**
 * Whole minor units, rounded towards zero: what is worth less than one unit was not received, and is not given back
 * either. Errors: more than an exact integer can hold is a broken invariant.
 */
export function toMinor(value: Decimal, exponent: number): number {
  const units =
    value.scale >= exponent
      ? value.units / 10n ** BigInt(value.scale - exponent)
      : value.units * 10n ** BigInt(exponent - value.scale);
  const minor = Number(units);
  invariant(Number.isSafeInteger(minor), 'an amount of BTCPay is a safe integer of minor units');
  return minor;
}

/** Minor units as a decimal text with all decimals of the currency: 2500 of euros is "25.00", of yen "2500". */
export function fromMinor(amountMinor: number, exponent: number): string {
  invariant(
    Number.isSafeInteger(amountMinor) && amountMinor >= 0,
    'an amount is a whole number of minor units',
  );
  if (exponent === 0) return String(amountMinor);
  const digits = String(amountMinor).padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

function unitsAt({ units, scale }: Decimal, at: number): bigint {
  return units * 10n ** BigInt(at - scale);
}
