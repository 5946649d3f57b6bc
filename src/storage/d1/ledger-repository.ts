/**
 * All SQL of the ledger's entries. Entries only ever come in, each once and balanced: the triggers of
 * migrations/0011_create_ledger.sql see to that, unfold them into postings and keep the sums.
 * Callers: the money consumer, billing (in its own batch), payouts, the reconciliation, the operators' routes.
 */
import { asc, eq, sql, type SQL } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { LedgerStore, LedgerTransaction } from '../../application/ledger-ports.ts';
import { providerAccount, type LedgerEntry } from '../../domain/ledger/entry.ts';
import type { Recovery } from '../../domain/payout/recovery.ts';
import type { EpochMs } from '../../domain/time.ts';
import { recoveryStatements } from './payout-recovery-rows.ts';
import { bindRows, insertRowsSql } from './row-statements.ts';
import { ledgerStream, ledgerTransaction } from './schema/ledger.ts';

// A repeat is left out before the triggers, which refuse a second row of an id, could see it.
const INSERT_ENTRIES = insertRowsSql(ledgerTransaction).replace(
  'WHERE true',
  "WHERE NOT EXISTS (SELECT 1 FROM ledger_transaction AS known WHERE known.id = value ->> 'id')",
);

const ADVANCE_STREAM = `
  INSERT INTO ledger_stream (shard_key, applied_seq) VALUES (?1, ?2)
  ON CONFLICT (shard_key) DO UPDATE SET applied_seq = excluded.applied_seq
  WHERE excluded.applied_seq > ledger_stream.applied_seq`;

/**
 * What a refund or dispute takes counts from the instant on from which its capture counts; whatever else a provider is
 * charged with counts at once.
 */
const PAYABLE = `
  SELECT -coalesce(sum(amount_minor), 0) AS owedMinor FROM ledger_posting
  WHERE account = ?1 AND currency = ?2
    AND (available_from_ms <= ?3 OR (amount_minor > 0 AND kind NOT IN ('refund', 'dispute')))`;

/** Accounts in the order of their names; ';' is the character after ':'. */
const PROVIDERS_WITH_BALANCE = `
  SELECT account, currency FROM ledger_balance
  WHERE account > ?1 AND account < 'provider;'
    AND account <= coalesce((
      SELECT max(account) FROM (
        SELECT account FROM ledger_balance
        WHERE account > ?1 AND account < 'provider;'
        GROUP BY account, currency
        HAVING sum(amount_minor) <> 0
        ORDER BY account, currency LIMIT ?2
      )
    ), '')
  GROUP BY account, currency
  HAVING sum(amount_minor) <> 0
  ORDER BY account, currency`;

// Written out, because a partial index serves only a query that says its condition in the same words.
const OF_BOOKING = sql`${ledgerTransaction.bookingId} IS NOT NULL`;
const OF_SUBSCRIPTION = sql`${ledgerTransaction.subscriptionId} IS NOT NULL`;

/** What may be posted: a payment's id may be left out where the entry belongs to none. */
export type PostedTransaction = LedgerTransaction & Partial<Pick<LedgerEntry, 'paymentRef'>>;

/** The writes of entries, for a caller that commits them together with its own. */
export function ledgerStatements(
  database: D1Database,
  entries: readonly PostedTransaction[],
): D1PreparedStatement[] {
  const unique = new Map(entries.map((entry) => [entry.id, { paymentRef: null, ...entry }]));
  return bindRows(database.prepare(INSERT_ENTRIES), ledgerTransaction, [...unique.values()]);
}

/** The ledger of one database. */
export class LedgerRepository implements LedgerStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async post(transactions: readonly PostedTransaction[]): Promise<void> {
    const statements = ledgerStatements(this.#database, transactions);
    if (statements.length > 0) await this.#database.batch(statements);
  }

  /** How far a shard's facts are posted; 0 before the first. */
  async appliedSeq(shardKey: string): Promise<number> {
    const [row] = await this.#orm
      .select({ appliedSeq: ledgerStream.appliedSeq })
      .from(ledgerStream)
      .where(eq(ledgerStream.shardKey, shardKey));
    return row?.appliedSeq ?? 0;
  }

  /** Posts what a stretch of a shard's chain tells, with what is to be recovered, and moves the cursor, in one transaction. */
  async apply(
    batch: { readonly shardKey: string; readonly throughSeq: number },
    entries: readonly LedgerEntry[],
    recoveries: readonly Recovery[],
  ): Promise<void> {
    await this.#database.batch([
      ...ledgerStatements(this.#database, entries),
      ...recoveryStatements(this.#database, recoveries),
      this.#database.prepare(ADVANCE_STREAM).bind(batch.shardKey, batch.throughSeq),
    ]);
  }

  transactionsOf(
    subject: { bookingId: string } | { subscriptionId: string },
  ): Promise<LedgerEntry[]> {
    const condition: SQL =
      'bookingId' in subject
        ? sql`${eq(ledgerTransaction.bookingId, subject.bookingId)} AND ${OF_BOOKING}`
        : sql`${eq(ledgerTransaction.subscriptionId, subject.subscriptionId)} AND ${OF_SUBSCRIPTION}`;
    return this.#orm
      .select()
      .from(ledgerTransaction)
      .where(condition)
      .orderBy(asc(ledgerTransaction.atMs), asc(ledgerTransaction.id));
  }

  async payable(query: {
    providerId: string;
    currency: string;
    availableUntilMs: EpochMs;
  }): Promise<number> {
    const owedMinor = await this.#database
      .prepare(PAYABLE)
      .bind(providerAccount(query.providerId), query.currency, query.availableUntilMs)
      .first<number>('owedMinor');
    return owedMinor ?? 0;
  }

  async providersWithBalance(
    afterProviderId: string,
    limit: number,
  ): Promise<{ providerId: string; currency: string }[]> {
    const { results } = await this.#database
      .prepare(PROVIDERS_WITH_BALANCE)
      .bind(providerAccount(afterProviderId), limit)
      .all<{ account: string; currency: string }>();
    return results.map(({ account, currency }) => ({
      providerId: account.slice(providerAccount('').length),
      currency,
    }));
  }
}
