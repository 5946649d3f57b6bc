/**
 * The account's statement: one line per movement, and the search over them. Authorizations are lines
 * that do not affect the balance. Source: PayPal REST API specifications, reporting_transactions_v1;
 * event codes from PayPal's "Transaction event codes".
 */
import type { Json, JsonObject } from '../json.ts';
import {
  find,
  insert,
  isoTime,
  listOf,
  newId,
  nowMs,
  save,
  stamps,
  type PaypalContext,
} from './context.ts';
import { invalidRequest } from './errors.ts';
import { readInstant } from './events.ts';
import { showAmount } from './money.ts';
import type { TransactionRecord } from './records.ts';
import { link, MERCHANT } from './wire.ts';

/** PayPal's codes for the movements that happen here. */
export const CODES = {
  authorization: 'T0400',
  capture: 'T0006',
  refund: 'T1107',
  chargeback: 'T1201',
  hold: 'T1110',
  holdReleased: 'T1111',
} as const;

const PAGE_SIZE_DEFAULT = 100;
const PAGE_SIZE_MAX = 500;
const RANGE_SECONDS_MAX = 31 * 86_400;
/** PayPal answers RESULTSET_TOO_LARGE beyond this. */
const RESULT_MAX = 10_000;

/** A movement; amounts are signed as seen from the account. */
export interface Movement {
  readonly transactionId: string | null;
  readonly kind: keyof typeof CODES;
  readonly reference: { readonly type: 'ODR' | 'TXN'; readonly id: string } | null;
  readonly amountMinor: number;
  readonly feeMinor?: number;
  readonly currency: string;
  readonly isPending?: boolean;
  readonly invoiceId: string | null;
  readonly customId: string | null;
}

/** Writes one line. */
export function recordMovement(ctx: PaypalContext, movement: Movement): void {
  const transactionId = movement.transactionId ?? newId(ctx);
  insert(ctx, {
    id: lineId(transactionId),
    kind: 'transaction',
    ...stamps(ctx),
    transactionId,
    code: CODES[movement.kind],
    referenceId: movement.reference?.id ?? null,
    referenceType: movement.reference?.type ?? null,
    amountMinor: movement.amountMinor,
    feeMinor: movement.feeMinor ?? 0,
    currency: movement.currency,
    status: movement.isPending === true ? 'P' : 'S',
    isBalanceAffecting: movement.kind !== 'authorization',
    invoiceId: movement.invoiceId,
    customId: movement.customId,
  });
}

/** Moves a line on: a pending movement ended, an authorization was given up. */
export function settleMovement(
  ctx: PaypalContext,
  transactionId: string,
  status: TransactionRecord['status'],
): void {
  const line = find(ctx, 'transaction', lineId(transactionId));
  if (!line) return;
  line.status = status;
  save(ctx, line);
}

/** GET /v1/reporting/transactions, oldest first. Errors: 400 for the range and the paging. */
export function searchTransactions(ctx: PaypalContext, query: URLSearchParams): JsonObject {
  const from = readInstant(query, 'start_date');
  const to = readInstant(query, 'end_date');
  if (from === null || to === null) throw wrong(from === null ? 'start_date' : 'end_date');
  if (to < from || to - from > RANGE_SECONDS_MAX) throw wrong('end_date');
  const size = readCount(query, 'page_size', PAGE_SIZE_DEFAULT);
  if (size > PAGE_SIZE_MAX) throw wrong('page_size');
  const page = readCount(query, 'page', 1);
  const lines = matching(ctx, query, { from, to });
  const totalPages = Math.max(Math.ceil(lines.length / size), 1);
  const shown = lines.slice((page - 1) * size, page * size);
  return {
    transaction_details: shown.map((line): Json => ({ transaction_info: showLine(line) })),
    account_number: MERCHANT.merchant_id,
    start_date: isoTime(from * 1000),
    end_date: isoTime(to * 1000),
    last_refreshed_datetime: isoTime(nowMs(ctx)),
    page,
    total_items: lines.length,
    total_pages: totalPages,
    links: page < totalPages ? [nextLink(ctx, query, page + 1)] : [],
  };
}

function matching(
  ctx: PaypalContext,
  query: URLSearchParams,
  range: { readonly from: number; readonly to: number },
): TransactionRecord[] {
  const isAll = query.get('balance_affecting_records_only') === 'N';
  const transactionId = query.get('transaction_id');
  const currency = query.get('transaction_currency');
  const code = query.get('transaction_type');
  const lines = listOf(ctx, 'transaction', {
    limit: RESULT_MAX + 1,
    createdFrom: range.from,
    createdTo: range.to,
  });
  if (lines.length > RESULT_MAX) throw wrong('end_date', 'RESULTSET_TOO_LARGE');
  return lines
    .filter((line) => isAll || line.isBalanceAffecting)
    .filter((line) => transactionId === null || line.transactionId === transactionId)
    .filter((line) => currency === null || line.currency === currency)
    .filter((line) => code === null || line.code === code)
    .toReversed();
}

function showLine(line: TransactionRecord): JsonObject {
  const { currency } = line;
  const fee = showAmount({ amountMinor: -line.feeMinor, currency });
  return {
    transaction_id: line.transactionId,
    ...(line.referenceId === null
      ? {}
      : {
          paypal_reference_id: line.referenceId,
          paypal_reference_id_type: line.referenceType,
        }),
    transaction_event_code: line.code,
    transaction_initiation_date: isoTime(line.createdAtMs),
    transaction_updated_date: isoTime(line.updatedAtMs),
    transaction_amount: showAmount(line),
    ...(line.feeMinor === 0 ? {} : { fee_amount: fee }),
    transaction_status: line.status,
    ...(line.invoiceId === null ? {} : { invoice_id: line.invoiceId }),
    ...(line.customId === null ? {} : { custom_field: line.customId }),
    protection_eligibility: '01',
  };
}

function nextLink(ctx: PaypalContext, query: URLSearchParams, page: number): Json {
  const next = new URLSearchParams(query);
  next.set('page', String(page));
  return link(ctx, 'next', { path: `/v1/reporting/transactions?${next.toString()}` });
}

function readCount(query: URLSearchParams, name: string, otherwise: number): number {
  const count = Number(query.get(name) ?? otherwise);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw wrong(name);
}

function wrong(field: string, issue = 'INVALID_PARAMETER_VALUE'): Error {
  return invalidRequest(issue, { field, location: 'query' });
}

function lineId(transactionId: string): string {
  return `transaction:${transactionId}`;
}
