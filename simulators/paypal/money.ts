/**
 * Amounts: PayPal's decimal strings on the wire, whole minor units of ISO 4217 within. No floats.
 * Owns PayPal's currencies and its fee; called by every operation that reads or shows an amount.
 * Source: PayPal developer documentation, "Currency codes".
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { invalidRequest, unprocessable } from './errors.ts';

/** Currencies with two decimals at PayPal. */
const TWO_DECIMALS = new Set(
  'AUD BRL CAD CNY CZK DKK EUR HKD ILS MYR MXN NZD NOK PHP PLN GBP SGD SEK CHF THB USD'.split(' '),
);

/** Currencies that PayPal takes without decimals, with how many minor units of ISO 4217 one of them is. */
const WITHOUT_DECIMALS: Readonly<Record<string, number>> = { HUF: 100, JPY: 1, TWD: 100 };

const VALUE_LENGTH_MAX = 32;
const VALUE_PATTERN = /^((-?\d+)|(-?(\d+)?[.]\d+))$/;

/** 3.49 % and a fixed part, as for a checkout with PayPal in the United States. */
const FEE_PER_TEN_THOUSAND = 349;
const FEE_FIXED_UNITS = { decimals: 49, whole: 40 } as const;

/** An amount in the minor unit; `currency` is in capitals, as on the wire. */
export interface Amount {
  readonly amountMinor: number;
  readonly currency: string;
}

/** The amount in a request. Errors: missing, malformed (400); currency, decimals, not above zero (422). */
export function readAmount(value: Json | undefined, field: string): Amount {
  if (!isJsonObject(value)) throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field });
  const { currency_code: currency, value: text } = value;
  if (typeof currency !== 'string' || currency.length !== 3) {
    throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: `${field}/currency_code` });
  }
  if (typeof text !== 'string' || text.length > VALUE_LENGTH_MAX || !VALUE_PATTERN.test(text)) {
    throw invalidRequest('INVALID_PARAMETER_SYNTAX', { field: `${field}/value` });
  }
  if (!TWO_DECIMALS.has(currency) && !Object.hasOwn(WITHOUT_DECIMALS, currency)) {
    const parts = { field: `${field}/currency_code`, value: currency };
    throw unprocessable('CURRENCY_NOT_SUPPORTED', parts);
  }
  return { amountMinor: toMinor(text, currency, `${field}/value`), currency };
}

/** The amount as it is sent. */
export function showAmount(amount: Amount): JsonObject {
  const { amountMinor, currency } = amount;
  const sign = amountMinor < 0 ? '-' : '';
  const units = Math.abs(amountMinor) / minorPerUnit(currency);
  if (!TWO_DECIMALS.has(currency))
    return { currency_code: currency, value: `${sign}${String(units)}` };
  const digits = String(units).padStart(3, '0');
  return { currency_code: currency, value: `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}` };
}

/** What PayPal keeps of a capture, rounded half up to what it can express; never more than the capture. */
export function feeMinor(amount: Amount): number {
  const perUnit = minorPerUnit(amount.currency);
  const units = amount.amountMinor / perUnit;
  const fixed = TWO_DECIMALS.has(amount.currency)
    ? FEE_FIXED_UNITS.decimals
    : FEE_FIXED_UNITS.whole;
  const fee = Math.floor((units * FEE_PER_TEN_THOUSAND + 5000) / 10_000) + fixed;
  return Math.min(fee, units) * perUnit;
}

/** Minor units of ISO 4217 in the smallest amount that PayPal can express. */
function minorPerUnit(currency: string): number {
  return WITHOUT_DECIMALS[currency] ?? 1;
}

function toMinor(text: string, currency: string, field: string): number {
  const [whole = '', fraction = ''] = text.split('.');
  const hasDecimals = TWO_DECIMALS.has(currency);
  if (!hasDecimals && /[1-9]/.test(fraction)) {
    throw unprocessable('DECIMALS_NOT_SUPPORTED', { field, value: text });
  }
  if (hasDecimals && fraction.length > 2) {
    throw unprocessable('DECIMAL_PRECISION', { field, value: text });
  }
  const units = Number(hasDecimals ? `${whole}${fraction.padEnd(2, '0')}` : whole);
  if (!(units > 0)) throw unprocessable('CANNOT_BE_ZERO_OR_NEGATIVE', { field, value: text });
  const amountMinor = units * minorPerUnit(currency);
  if (Number.isSafeInteger(amountMinor)) return amountMinor;
  throw invalidRequest('INVALID_PARAMETER_VALUE', { field });
}
