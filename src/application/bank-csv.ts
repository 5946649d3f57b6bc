/**
 * Reads a bank statement of our own small kind of CSV (RFC 4180, UTF-8, comma, a header of exactly these columns):
 * `account,bookedOn,amount,currency,reference,entryRef`. One account per file; `bookedOn` is `2026-11-21`; `amount` is
 * signed, with a point. Anything else is refused with the line that is wrong. Pure.
 */
import { entryOf, refuseStatement, statementOf } from './bank-entry.ts';
import type { ReadStatement } from './bank-ports.ts';
import type { Result } from '../domain/result.ts';

const HEADER = ['account', 'bookedOn', 'amount', 'currency', 'reference', 'entryRef'];

/** Refusals: `validation_failed`. */
export function readCsv(text: string): Result<ReadStatement> {
  const rows = readRows(text.replace(/^\uFEFF/, ''));
  if (rows === null) return refuseStatement('has a quote that does not end');
  const [header, ...lines] = rows;
  if (header?.join() !== HEADER.join())
    return refuseStatement(`must begin with the line ${HEADER.join()}`);
  const accounts = new Set<string>();
  const entries = [];
  for (const [index, fields] of lines.entries()) {
    const [account = '', bookedOn = '', amount = '', currency = '', reference = ''] = fields;
    const entryRef = fields[5] ?? '';
    const isWhole = fields.length === HEADER.length && account !== '';
    const entry = isWhole ? entryOf({ bookedOn, amount, currency, reference, entryRef }) : null;
    if (entry === null) return refuseStatement(`is wrong in row ${index + 2}`);
    accounts.add(account);
    entries.push(entry);
  }
  return statementOf([...accounts], entries);
}

/** The fields of each row; null where a quoted field does not end. Empty rows are none. */
function readRows(text: string): string[][] | null {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length || row.length > 0) {
    const match = field.exec(text);
    if (match === null) return null;
    const [, quoted, plain = '', end] = match;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
    if (field.lastIndex >= text.length) break;
  }
  return rows;
}
