/**
 * All SQL of the ledger as it is compared with the processors and shown to operators: sums by payment, by processor and
 * by day, and the differences that the reconciliation found.
 * Callers: the reconciliation, the operators' routes.
 */
import { and, asc, desc, eq, gte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { BankMovement } from '../../application/bank-ports.ts';
import type {
  Comparison,
  KnownUnmatched,
  MoneyStore,
  PaymentBooks,
  ProcessorSums,
  TouchedPayment,
} from '../../application/ledger-money-ports.ts';
import { processorAccount, taxAccount, type LedgerKind } from '../../domain/ledger/entry.ts';
import { PROCESSORS, type Processor } from '../../domain/payment/processor-reply.ts';
import type { EpochMs } from '../../domain/time.ts';
import { ledgerTransaction, unmatched } from './schema/ledger.ts';

/** The parameter is the outer loop: the planner must not turn it round. */
const BOOKS_OF = `
  SELECT entry.payment_ref AS ref, entry.currency, entry.kind, sum(line.amount_minor) AS amountMinor
  FROM json_each(?2)
  CROSS JOIN ledger_transaction AS entry
    ON entry.processor = ?1 AND entry.payment_ref = json_each.value AND entry.payment_ref IS NOT NULL
  CROSS JOIN ledger_posting AS line
    ON line.transaction_id = entry.id AND line.account = 'processor:' || ?1
  GROUP BY entry.payment_ref, entry.currency, entry.kind`;

const FORGET_MATCHED = `
  DELETE FROM unmatched
  WHERE processor = ?1 AND ref IN (SELECT value FROM json_each(?2))
    AND NOT EXISTS (
      SELECT 1 FROM json_each(?3) WHERE value ->> 'ref' = unmatched.ref AND value ->> 'kind' = unmatched.kind
    )`;

const PUT_UNMATCHED = `
  INSERT INTO unmatched (
    processor, ref, kind, our_minor, their_minor, currency, booking_id, subscription_id, first_seen_at_ms,
    last_seen_at_ms, is_counted
  )
  SELECT
    ?1, value ->> 'ref', value ->> 'kind', value ->> 'ourMinor', value ->> 'theirMinor', value ->> 'currency',
    value ->> 'bookingId', value ->> 'subscriptionId', ?3, ?3, value ->> 'isCounted'
  FROM json_each(?2)
  WHERE true
  ON CONFLICT (processor, ref, kind) DO UPDATE SET
    our_minor = excluded.our_minor, their_minor = excluded.their_minor, currency = excluded.currency,
    last_seen_at_ms = excluded.last_seen_at_ms, is_counted = excluded.is_counted`;

const UNMATCHED_SUMS = `
  SELECT processor, currency, sum(abs(our_minor - their_minor)) AS amountMinor, count(DISTINCT ref) AS count
  FROM unmatched
  WHERE processor IN ('stripe', 'paypal', 'btcpay') AND is_counted = 1
  GROUP BY processor, currency`;

const BANK_MOVEMENTS = `
  SELECT entry.id AS transactionId, entry.at_ms AS atMs, line.amount_minor AS amountMinor, entry.currency,
    entry.processor_ref AS processorRef, entry.payout_id AS payoutId
  FROM ledger_posting AS line
  CROSS JOIN ledger_transaction AS entry ON entry.id = line.transaction_id
  WHERE line.account = 'platform:bank' AND line.at_ms >= ?1 AND line.at_ms < ?2
  ORDER BY line.at_ms`;

const PROCESSOR_ACCOUNTS = PROCESSORS.flatMap((name) => [processorAccount(name), taxAccount(name)])
  .map((account) => `'${account}'`)
  .join(', ');

const SUMS = `
  SELECT account, currency, kind, amount_minor AS amountMinor FROM ledger_balance
  WHERE account IN (${PROCESSOR_ACCOUNTS}) ORDER BY account, currency`;

const SUMS_BY_DAY = `
  SELECT account, day_at_ms AS dayAtMs, currency, kind, amount_minor AS amountMinor FROM ledger_day
  WHERE account IN (${PROCESSOR_ACCOUNTS}) AND day_at_ms >= ?1 AND day_at_ms < ?2`;

interface KindSum {
  readonly currency: string;
  readonly kind: LedgerKind;
  readonly amountMinor: number;
}

/** The money of one database. */
export class MoneyRepository implements MoneyStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async booksOf(processor: Processor, refs: readonly string[]): Promise<PaymentBooks[]> {
    const { results } = await this.#database
      .prepare(BOOKS_OF)
      .bind(processor, JSON.stringify([...new Set(refs)]))
      .all<KindSum & { ref: string }>();
    const groups = Map.groupBy(results, ({ ref, currency }) => JSON.stringify([ref, currency]));
    return [...groups.values()].flatMap((rows) => {
      const [first] = rows;
      if (first === undefined) return [];
      const { capturedMinor, refundedMinor } = amountsOf(rows);
      const hasFee = rows.some(({ kind }) => kind === 'fee');
      return [{ ref: first.ref, currency: first.currency, capturedMinor, refundedMinor, hasFee }];
    });
  }

  async touchedSince(query: {
    processor: Processor;
    sinceMs: EpochMs;
    limit: number;
  }): Promise<TouchedPayment[]> {
    const { paymentRef, bookingId, subscriptionId, processor, atMs } = ledgerTransaction;
    const rows = await this.#orm
      .select({ ref: paymentRef, bookingId, subscriptionId })
      .from(ledgerTransaction)
      .where(
        and(
          eq(processor, query.processor),
          gte(atMs, query.sinceMs),
          sql`${paymentRef} IS NOT NULL`,
        ),
      )
      .orderBy(desc(atMs))
      .limit(query.limit);
    const touched = rows.flatMap(({ ref, ...of }) => (ref === null ? [] : [{ ref, ...of }]));
    return [...new Map(touched.map((row) => [row.ref, row])).values()];
  }

  async recordComparison(comparison: Comparison): Promise<void> {
    const { processor, refs, nowMs } = comparison;
    const rows = JSON.stringify(
      comparison.unmatched.map((row) => ({ ...row, isCounted: row.isCounted ? 1 : 0 })),
    );
    await this.#database.batch([
      this.#database.prepare(FORGET_MATCHED).bind(processor, JSON.stringify(refs), rows),
      this.#database.prepare(PUT_UNMATCHED).bind(processor, rows, nowMs),
    ]);
  }

  unmatchedOf(processor: Processor, limit: number): Promise<KnownUnmatched[]> {
    return this.#orm
      .select()
      .from(unmatched)
      .where(eq(unmatched.processor, processor))
      .orderBy(asc(unmatched.firstSeenAtMs), asc(unmatched.ref), asc(unmatched.kind))
      .limit(limit);
  }

  async unmatchedSums(): Promise<
    { processor: Processor; currency: string; amountMinor: number; count: number }[]
  > {
    const { results } = await this.#database.prepare(UNMATCHED_SUMS).all<{
      processor: Processor;
      currency: string;
      amountMinor: number;
      count: number;
    }>();
    return results;
  }

  async bankMovements(interval: { fromMs: EpochMs; toMs: EpochMs }): Promise<BankMovement[]> {
    const { results } = await this.#database
      .prepare(BANK_MOVEMENTS)
      .bind(interval.fromMs, interval.toMs)
      .all<
        Omit<BankMovement, 'references'> & { processorRef: string | null; payoutId: string | null }
      >();
    return results.map(({ processorRef, payoutId, ...movement }) => ({
      ...movement,
      references: [processorRef, payoutId].filter((word) => word !== null),
    }));
  }

  async sums(): Promise<ProcessorSums[]> {
    const { results } = await this.#database.prepare(SUMS).all<KindSum & { account: string }>();
    return sumsOf(results);
  }

  async sumsByDay(interval: {
    fromMs: EpochMs;
    toMs: EpochMs;
  }): Promise<(ProcessorSums & { dayAtMs: EpochMs })[]> {
    const { results } = await this.#database
      .prepare(SUMS_BY_DAY)
      .bind(interval.fromMs, interval.toMs)
      .all<KindSum & { account: string; dayAtMs: number }>();
    const days = [...Map.groupBy(results, ({ dayAtMs }) => dayAtMs)].toSorted(([a], [b]) => a - b);
    return days.flatMap(([dayAtMs, rows]) => sumsOf(rows).map((sums) => ({ dayAtMs, ...sums })));
  }
}

function sumsOf(rows: readonly (KindSum & { account: string })[]): ProcessorSums[] {
  return PROCESSORS.flatMap((processor) => {
    const [held, tax] = [processorAccount(processor), taxAccount(processor)];
    const own = rows.filter(({ account }) => account === held || account === tax);
    return [...Map.groupBy(own, ({ currency }) => currency)].map(([currency, sums]) => ({
      processor,
      currency,
      ...amountsOf(sums.filter(({ account }) => account === held)),
      taxMinor: sums
        .filter(({ account }) => account === tax)
        .reduce((sum, { amountMinor }) => sum + amountMinor, 0),
    }));
  });
}

/** What debits and credits of a processor's account mean, kind by kind. */
function amountsOf(rows: readonly KindSum[]) {
  const of = (...kinds: LedgerKind[]) =>
    rows
      .filter(({ kind }) => kinds.includes(kind))
      .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  // Taken from 0, so that nothing is never minus nothing.
  return {
    capturedMinor: of('capture'),
    refundedMinor: 0 - of('refund', 'refund_failed'),
    feesMinor: 0 - of('fee'),
    disputedMinor: 0 - of('dispute', 'dispute_won'),
  };
}
