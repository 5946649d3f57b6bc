/** Wire shapes of the operators' view of money: sums, differences, entries of the ledger, bank statements. */
import { z } from '@hono/zod-openapi';
import { LEDGER_KINDS, type LedgerEntry } from '../../domain/ledger/entry.ts';
import { PROCESSORS, type Processor } from '../../domain/payment/processor-reply.ts';
import type { EpochMs } from '../../domain/time.ts';
import { currencySchema, instantSchema, moneySchema } from './common.ts';
import { formatInstant } from './views.ts';

/** A sum of the ledger may be larger than any price, and negative. */
const amountSchema = z.int();

const sumsShape = {
  processor: z.enum(PROCESSORS),
  currency: z.string(),
  captured: amountSchema,
  refunded: amountSchema,
  fees: amountSchema,
};

export const moneyOverviewSchema = z
  .strictObject({
    unmatched: z.strictObject({
      amount: amountSchema,
      count: z.int(),
      byCurrency: z.record(z.string(), amountSchema),
    }),
    processors: z.array(z.strictObject({ ...sumsShape, unmatched: amountSchema })),
  })
  .openapi('MoneyOverview');

export const dailyMoneyQuerySchema = z.strictObject({ from: instantSchema, to: instantSchema });

export const dailyMoneySchema = z
  .strictObject({
    data: z.array(
      z.strictObject({ day: z.string(), ...sumsShape, disputed: amountSchema, tax: amountSchema }),
    ),
  })
  .openapi('DailyMoney');

export const unmatchedQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

export const unmatchedSchema = z
  .strictObject({
    data: z.array(
      z.strictObject({
        processor: z.enum(PROCESSORS),
        processorId: z.string(),
        kind: z.enum(['captured', 'refunded']),
        currency: z.string(),
        ours: amountSchema,
        theirs: amountSchema,
        bookingId: z.string().nullable(),
        subscriptionId: z.string().nullable(),
        isCounted: z.boolean(),
        firstSeenAt: instantSchema,
        lastSeenAt: instantSchema,
      }),
    ),
  })
  .openapi('UnmatchedMoney');

export const ledgerEntrySchema = z
  .strictObject({
    id: z.string(),
    kind: z.enum(LEDGER_KINDS),
    currency: z.string(),
    postings: z.array(z.strictObject({ account: z.string(), amount: amountSchema })),
    processor: z.enum(PROCESSORS).nullable(),
    processorId: z.string().nullable(),
    at: instantSchema,
  })
  .openapi('LedgerEntry');

export const bookingMoneySchema = z
  .strictObject({ data: z.array(ledgerEntrySchema) })
  .openapi('BookingMoney');

export const settlementRequestSchema = z
  .strictObject({
    processor: z.enum(PROCESSORS),
    processorId: z.string().trim().min(6).max(100),
    amount: moneySchema.extend({ amount: z.int().min(1).max(99_999_999_999) }),
    paidAt: instantSchema,
  })
  .openapi('SettlementRequest');

export const statementQuerySchema = z.strictObject({ format: z.enum(['csv', 'camt053']) });

const bankLineSchema = z.strictObject({
  entryRef: z.string(),
  bookedOn: z.string(),
  amount: amountSchema,
  currency: currencySchema,
  reference: z.string(),
  /** The entry of the ledger that it is. */
  entryId: z.string().nullable(),
});

export const statementSchema = z
  .strictObject({
    id: z.string(),
    account: z.string(),
    from: z.string(),
    to: z.string(),
    /** Lines that were new with this call. */
    added: z.int().optional(),
    matched: z.int(),
    unmatched: z.array(bankLineSchema),
    /** In the ledger and not on the statement. */
    missing: z.array(
      z.strictObject({
        entryId: z.string(),
        at: instantSchema,
        amount: amountSchema,
        currency: z.string(),
      }),
    ),
  })
  .openapi('BankStatement');

export type StatementView = z.infer<typeof statementSchema>;

interface Sums {
  readonly processor: Processor;
  readonly currency: string;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  readonly feesMinor: number;
}

/** Sums on the wire. */
export function toSumsView({ processor, currency, ...sums }: Sums) {
  return {
    processor,
    currency,
    captured: sums.capturedMinor,
    refunded: sums.refundedMinor,
    fees: sums.feesMinor,
  };
}

/** `2026-11-21`. */
export function toDay(atMs: EpochMs): string {
  return formatInstant(atMs).slice(0, 10);
}

/** An entry of the ledger on the wire. */
export function toEntryView(
  entry: Pick<
    LedgerEntry,
    'id' | 'kind' | 'currency' | 'postings' | 'processor' | 'processorRef' | 'atMs'
  >,
): z.infer<typeof ledgerEntrySchema> {
  const { id, kind, currency, processor, processorRef, atMs } = entry;
  const postings = entry.postings.map(({ account, amountMinor }) => ({
    account,
    amount: amountMinor,
  }));
  const at = formatInstant(atMs);
  return { id, kind, currency, postings, processor, processorId: processorRef, at };
}

interface StatementStanding {
  readonly statement: {
    readonly id: string;
    readonly account: string;
    readonly fromAtMs: EpochMs;
    readonly toAtMs: EpochMs;
  };
  readonly lines: readonly {
    readonly entryRef: string;
    readonly bookedAtMs: EpochMs;
    readonly amountMinor: number;
    readonly currency: string;
    readonly reference: string;
    readonly transactionId: string | null;
  }[];
  readonly missing: readonly {
    readonly transactionId: string;
    readonly atMs: EpochMs;
    readonly amountMinor: number;
    readonly currency: string;
  }[];
  readonly added?: number;
}

/** A statement on the wire: how many lines match, and everything that does not. */
export function toStatementView(standing: StatementStanding): StatementView {
  const { statement, lines, missing, added } = standing;
  const unmatched = lines.filter(({ transactionId }) => transactionId === null);
  return {
    id: statement.id,
    account: statement.account,
    from: toDay(statement.fromAtMs),
    to: toDay(statement.toAtMs),
    ...(added === undefined ? {} : { added }),
    matched: lines.length - unmatched.length,
    unmatched: unmatched.map(({ bookedAtMs, amountMinor, transactionId, ...line }) => ({
      entryRef: line.entryRef,
      bookedOn: toDay(bookedAtMs),
      amount: amountMinor,
      currency: line.currency,
      reference: line.reference,
      entryId: transactionId,
    })),
    missing: missing.map(({ transactionId, atMs, amountMinor, currency }) => ({
      entryId: transactionId,
      at: formatInstant(atMs),
      amount: amountMinor,
      currency,
    })),
  };
}
