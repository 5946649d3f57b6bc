/** One entry of a bank statement from the texts of a file, whatever its format. Pure; called by the readers of formats. */
import { formatInstant, parseInstant } from '../contracts/http/views.ts';
import { CURRENCY_EXPONENTS, isCurrency } from '../domain/money.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import type { BankEntry, ReadStatement } from './bank-ports.ts';

/** Digits before the point: far beyond any payment, and a whole number still. */
const AMOUNT = /^([+-]?)(\d{1,12})(?:\.(\d{1,4}))?$/;
const TEXT_MAX = 500;

/** Null where a text is not what it should be. */
export function entryOf(texts: {
  readonly bookedOn: string;
  readonly amount: string;
  readonly currency: string;
  readonly reference: string;
  readonly entryRef: string;
}): BankEntry | null {
  const currency = texts.currency.toLowerCase();
  const bookedAtMs = dayOf(texts.bookedOn);
  const amountMinor = minorOf(texts.amount, currency);
  const entryRef = texts.entryRef.trim();
  const isNamed = entryRef !== '' && entryRef.length <= TEXT_MAX;
  if (bookedAtMs === null || amountMinor === null || !isNamed) return null;
  const reference = texts.reference.trim().slice(0, TEXT_MAX);
  return { entryRef, bookedAtMs, amountMinor, currency, reference };
}

/** A statement is of one account, has entries, and names each of them once. */
export function statementOf(
  accounts: readonly string[],
  entries: readonly BankEntry[],
): Result<ReadStatement> {
  const [account, ...others] = accounts;
  if (account === undefined || entries.length === 0) return refuseStatement('has no entries');
  if (others.length > 0) return refuseStatement('is of more than one account');
  if (new Set(entries.map(({ entryRef }) => entryRef)).size < entries.length)
    return refuseStatement('names two entries alike');
  return ok({ account, entries });
}

/** The refusal of a file, as a fault of the body. */
export function refuseStatement(detail: string) {
  return refuse('validation_failed', 'The statement cannot be read.', {
    errors: [{ pointer: '', detail }],
  });
}

function dayOf(text: string): EpochMs | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const atMs = parseInstant(`${text}T00:00:00Z`);
  if (Number.isNaN(atMs) || formatInstant(atMs).slice(0, 10) !== text) return null;
  return atMs;
}

/** Decimal text as minor units, without a float on the way; null for what is none, and for zero. */
function minorOf(text: string, currency: string): number | null {
  const [, sign = '', whole, fraction = ''] = AMOUNT.exec(text) ?? [];
  if (whole === undefined || !isCurrency(currency)) return null;
  const exponent = CURRENCY_EXPONENTS[currency] ?? 0;
  if (/[1-9]/.test(fraction.slice(exponent))) return null;
  const amountMinor = Number(whole + fraction.slice(0, exponent).padEnd(exponent, '0'));
  if (amountMinor === 0) return null;
  return sign === '-' ? -amountMinor : amountMinor;
}
