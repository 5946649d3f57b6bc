/**
 * Money on PayPal's wire: decimal strings, by the currency's own number of places. Integers and text only, never floats.
 * It decides nothing about money but what can be written. Used by the other files of this folder.
 */
import { CURRENCY_EXPONENTS, isCurrency, type Money } from '../../domain/money.ts';

/**
 * Currencies that PayPal takes, as far as they are on sale here. Whatever is not listed is refused before a call.
 * Source: PayPal documentation, "Currency codes".
 */
const TAKEN: ReadonlySet<string> = new Set([
  'aud',
  'brl',
  'cad',
  'chf',
  'czk',
  'dkk',
  'eur',
  'gbp',
  'hkd',
  'huf',
  'ils',
  'jpy',
  'mxn',
  'nok',
  'nzd',
  'pln',
  'sek',
  'sgd',
  'thb',
  'twd',
  'usd',
]);

/** Taken without decimals, though ISO 4217 gives them two: only whole units can be paid. */
const WHOLE_UNITS: ReadonlySet<string> = new Set(['huf', 'twd']);

/** An amount as PayPal writes it. */
export interface PaypalAmount {
  readonly currency_code: string;
  readonly value: string;
}

/** The amount in PayPal's words, or why it cannot be paid there. */
export function toPaypalAmount({
  amount,
  currency,
}: Money): PaypalAmount | { readonly refused: 'currency_not_supported' | 'amount_not_supported' } {
  if (!TAKEN.has(currency)) return { refused: 'currency_not_supported' };
  const value = decimalOf(amount, currency);
  const currencyCode = currency.toUpperCase();
  if (!WHOLE_UNITS.has(currency)) return { currency_code: currencyCode, value };
  const [whole = '', rest = ''] = value.split('.');
  return /^0*$/.test(rest)
    ? { currency_code: currencyCode, value: whole }
    : { refused: 'amount_not_supported' };
}

/** The amount in minor units; null for a text that is no amount of a currency on sale. */
export function fromPaypalAmount(amount: PaypalAmount): Money | null {
  const currency = amount.currency_code.toLowerCase();
  const match = /^(-?)(\d{1,15})(?:\.(\d{1,6}))?$/.exec(amount.value);
  const [, sign, whole, fraction = ''] = match ?? [];
  if (!isCurrency(currency) || whole === undefined) return null;
  const exponent = CURRENCY_EXPONENTS[currency] ?? 0;
  // More places than the currency has are noughts (12.00 JPY), or the text means another currency.
  if (!/^0*$/.test(fraction.slice(exponent))) return null;
  const minor = Number(`${whole}${fraction.slice(0, exponent).padEnd(exponent, '0')}`);
  if (!Number.isSafeInteger(minor)) return null;
  return { amount: sign === '-' && minor !== 0 ? -minor : minor, currency };
}

function decimalOf(amountMinor: number, currency: string): string {
  const exponent = CURRENCY_EXPONENTS[currency] ?? 0;
  if (exponent === 0) return String(amountMinor);
  const digits = String(amountMinor).padStart(exponent + 1, '0');
  return `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
