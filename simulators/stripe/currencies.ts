/**
 * Which currencies the simulator takes and the smallest and largest amount of each.
 * Amounts are in the currency's minor unit; the table must never be used to convert.
 * Source: Stripe documentation, "Supported currencies" (minimum charge amounts).
 */
import { invalidParameter, invalidRequest } from './errors.ts';

/** Smallest charge by currency; a currency that is absent is refused. */
const AMOUNT_MINOR_MIN: ReadonlyMap<string, number> = new Map([
  ['usd', 50],
  ['aed', 200],
  ['aud', 50],
  ['bgn', 100],
  ['brl', 50],
  ['cad', 50],
  ['chf', 50],
  ['czk', 1500],
  ['dkk', 250],
  ['eur', 50],
  ['gbp', 30],
  ['hkd', 400],
  ['huf', 17_500],
  ['inr', 50],
  ['jpy', 50],
  ['mxn', 1000],
  ['myr', 200],
  ['nok', 300],
  ['nzd', 50],
  ['pln', 200],
  ['ron', 200],
  ['sek', 300],
  ['sgd', 50],
  ['thb', 1000],
]);

const AMOUNT_MINOR_MAX = 99_999_999;

/** The currency in lower case. Errors: StripeError when it is not served. */
export function checkCurrency(currency: string): string {
  const lower = currency.toLowerCase();
  if (AMOUNT_MINOR_MIN.has(lower)) return lower;
  const known = [...AMOUNT_MINOR_MIN.keys()].join(', ');
  throw invalidRequest(
    `Invalid currency: ${lower}. Stripe currently supports these currencies: ${known}`,
    'currency',
  );
}

/** Errors: `amount_too_small`, `amount_too_large`, `parameter_invalid_integer`. */
export function checkChargeAmount(amountMinor: number, currency: string): void {
  if (amountMinor < 1) {
    throw invalidParameter(
      'amount',
      'parameter_invalid_integer',
      'This value must be greater than or equal to 1.',
    );
  }
  const smallest = AMOUNT_MINOR_MIN.get(currency) ?? 1;
  if (amountMinor < smallest) {
    throw invalidParameter(
      'amount',
      'amount_too_small',
      `Amount must be at least ${String(smallest)} in the minor unit of ${currency}`,
    );
  }
  if (amountMinor > AMOUNT_MINOR_MAX) {
    throw invalidParameter(
      'amount',
      'amount_too_large',
      `Amount must be no more than ${String(AMOUNT_MINOR_MAX)} in the minor unit of ${currency}`,
    );
  }
}
