/**
 * Amounts of the BTCPay simulator: decimal strings of the wire, integers inside, one made-up rate for each number
 * of decimals. Exact throughout: must never use a floating-point number for money.
 * Called by the files of this folder.
 */

/** Satoshis are what is counted in; a bitcoin has 10^8 of them. */
const BITCOIN_DIGITS = 8;

/**
 * Decimals of the currencies that do not have two. Written out, because the runtime's own table follows usage (no
 * decimals for the forint) and BTCPay's follows ISO 4217.
 */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ['BTC', BITCOIN_DIGITS],
  ['CLP', 0],
  ['JPY', 0],
  ['KRW', 0],
  ['BHD', 3],
  ['JOD', 3],
  ['KWD', 3],
  ['OMR', 3],
  ['TND', 3],
]);

/**
 * What a bitcoin costs, by the decimals of the currency it is priced in. One satoshi is worth less than one minor
 * unit in each of them, so that an amount sent in satoshis is worth that amount again when it is rounded down.
 */
const RATES: ReadonlyMap<number, string> = new Map([
  [0, '9812345'],
  [2, '64392.23'],
  [3, '19850.125'],
  [BITCOIN_DIGITS, '1'],
]);

/** A decimal number as an integer and how many of its digits are behind the point. */
interface Decimal {
  readonly units: bigint;
  readonly digits: number;
}

/** Decimals of a currency's minor unit; `currency` in capitals. */
export function digitsOf(currency: string): number {
  return DIGITS.get(currency) ?? 2;
}

/** What one bitcoin costs in that currency, as the wire writes it. */
export function rateOf(currency: string): string {
  const rate = RATES.get(digitsOf(currency));
  if (rate === undefined) throw new Error(`There is no rate for ${currency}.`);
  return rate;
}

/** Minor units of a decimal string; null when it is none, is negative, or has more decimals than the currency. */
export function parseAmount(text: string, currency: string): number | null {
  const digits = digitsOf(currency);
  const match = /^(\d{1,15})(?:\.(\d{1,28}))?$/.exec(text);
  if (!match) return null;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > digits) return null;
  const minor = BigInt(`${match[1] ?? ''}${fraction.padEnd(digits, '0')}`);
  return minor > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(minor);
}

/** Minor units as a decimal string with all decimals of the currency: "25.00". */
export function formatAmount(amountMinor: number, currency: string): string {
  return formatDecimal({ units: BigInt(amountMinor), digits: digitsOf(currency) });
}

/** Satoshis that pay an amount: rounded up, because less would not pay it. */
export function satoshisOf(amountMinor: number, currency: string): number {
  const rate = readRate(currency);
  const dividend = BigInt(amountMinor) * tenTo(BITCOIN_DIGITS + rate.digits);
  const divisor = rate.units * tenTo(digitsOf(currency));
  return Number((dividend + divisor - 1n) / divisor);
}

/** What satoshis are worth in whole minor units, rounded down. */
export function minorOf(satoshis: number, currency: string): number {
  const rate = readRate(currency);
  const dividend = BigInt(satoshis) * rate.units * tenTo(digitsOf(currency));
  return Number(dividend / tenTo(BITCOIN_DIGITS + rate.digits));
}

/** What satoshis are worth, unrounded and without trailing zeros, as BTCPay writes `paidAmount`. */
export function worthOf(satoshis: number, currency: string): string {
  const rate = readRate(currency);
  const digits = BITCOIN_DIGITS + rate.digits;
  const text = formatDecimal({ units: BigInt(satoshis) * rate.units, digits });
  return text.replace(/\.?0+$/, '') || '0';
}

/** Satoshis as a decimal string of bitcoins. */
export function formatBitcoin(satoshis: number): string {
  return formatDecimal({ units: BigInt(satoshis), digits: BITCOIN_DIGITS });
}

/** `amountMinor` less a percentage such as "2.5", rounded down; null when it is no percentage. */
export function lessPercentage(amountMinor: number, percentage: string): number | null {
  const match = /^(\d{1,3})(?:\.(\d{1,6}))?$/.exec(percentage);
  if (!match) return null;
  const millionths = BigInt(`${match[1] ?? ''}${(match[2] ?? '').padEnd(6, '0')}`);
  const whole = 100_000_000n;
  if (millionths > whole) return null;
  return Number((BigInt(amountMinor) * (whole - millionths)) / whole);
}

function readRate(currency: string): Decimal {
  const [whole = '', fraction = ''] = rateOf(currency).split('.');
  return { units: BigInt(whole + fraction), digits: fraction.length };
}

function formatDecimal({ units, digits }: Decimal): string {
  const sign = units < 0n ? '-' : '';
  const text = String(units < 0n ? -units : units).padStart(digits + 1, '0');
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function tenTo(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}
