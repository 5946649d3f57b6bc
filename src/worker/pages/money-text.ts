/** Money as people read it. Called by the pages. */
import { CURRENCY_EXPONENTS } from '../../domain/money.ts';

/** Minor units by the currency's own number of decimals, such as `-12.50 USD`. */
export function formatAmount(amountMinor: number, currency: string): string {
  const decimals = CURRENCY_EXPONENTS[currency] ?? 2;
  const sign = amountMinor < 0 ? '-' : '';
  const digits = String(Math.abs(amountMinor)).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const amount = decimals === 0 ? digits : `${whole}.${digits.slice(-decimals)}`;
  return `${sign}${amount} ${currency.toUpperCase()}`;
}
