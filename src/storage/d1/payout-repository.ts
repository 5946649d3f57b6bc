/**
 * All SQL of payouts, their accounts and settings. A payout is written under the version that it follows; the triggers of
 * migrations/0013_create_payouts.sql keep what it is, and its history. Reads the ledger's postings to state them, and
 * never writes one. Callers: the payouts' use cases.
 */
import { and, asc, desc, eq, gt, lte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  PayoutAccount,
  PayoutMove,
  PayoutStore,
} from '../../application/payouts/payout-ports.ts';
import { providerAccount } from '../../domain/ledger/entry.ts';
import type { Payout, PayoutSettings } from '../../domain/payout/payout.ts';
import type { EpochMs } from '../../domain/time.ts';
import { payout, payoutAccount, payoutSetting } from './schema/payout.ts';

/** The postings that count for a payout and are in none yet; what counts is what `payable` of the ledger counts. */
const STATE_LINES = `
  INSERT INTO payout_line (transaction_id, line, payout_id)
  SELECT transaction_id, line, ?1 FROM ledger_posting AS posting
  WHERE posting.account = ?2 AND posting.currency = ?3
    AND (available_from_ms <= ?4 OR (amount_minor > 0 AND kind NOT IN ('refund', 'dispute')))
    AND EXISTS (SELECT 1 FROM payout WHERE payout.id = ?1 AND payout.version = 1)
  ON CONFLICT (transaction_id, line) DO NOTHING`;

// Written out, because a partial index serves only a query that says its condition in the same words.
const IS_LIVE = sql`${payout.state} IN ('scheduled', 'processing')`;
const IS_DUE = sql`${payout.nextAttemptAtMs} IS NOT NULL`;
const IS_MANUAL = sql`${payout.method} = 'manual'`;

/** Payouts of one database. */
export class PayoutRepository implements PayoutStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async insert(made: Payout, { actor, atMs }: PayoutMove): Promise<boolean> {
    const insert = this.#orm
      .insert(payout)
      .values({ ...made, movedBy: actor, movedAtMs: atMs })
      .onConflictDoNothing()
      .returning({ id: payout.id })
      .toSQL();
    const account = providerAccount(made.providerId);
    const [inserted] = await this.#database.batch<{ id: string }>([
      this.#database.prepare(insert.sql).bind(...insert.params),
      this.#database
        .prepare(STATE_LINES)
        .bind(made.id, account, made.currency, made.availableUntilMs),
    ]);
    return (inserted?.results.length ?? 0) > 0;
  }

  async save(next: Payout, move: PayoutMove | null): Promise<boolean> {
    const { id, version, ...values } = next;
    const moved = move === null ? {} : { movedBy: move.actor, movedAtMs: move.atMs };
    const rows = await this.#orm
      .update(payout)
      .set({ ...values, ...moved, version })
      .where(and(eq(payout.id, id), eq(payout.version, version - 1)))
      .returning({ id: payout.id });
    return rows.length > 0;
  }

  async byId(id: string): Promise<Payout | null> {
    const [row] = await this.#orm.select().from(payout).where(eq(payout.id, id));
    return row === undefined ? null : toPayout(row);
  }

  async live(providerId: string, currency: string): Promise<Payout | null> {
    const [row] = await this.#orm
      .select()
      .from(payout)
      .where(and(eq(payout.providerId, providerId), eq(payout.currency, currency), IS_LIVE));
    return row === undefined ? null : toPayout(row);
  }

  async ofPeriod(period: {
    readonly providerId: string;
    readonly currency: string;
    readonly name: string;
  }): Promise<Payout[]> {
    const rows = await this.#orm
      .select()
      .from(payout)
      .where(
        and(
          eq(payout.providerId, period.providerId),
          eq(payout.currency, period.currency),
          eq(payout.period, period.name),
        ),
      )
      .orderBy(asc(payout.sequence));
    return rows.map(toPayout);
  }

  async latest(providerId: string, currency: string): Promise<Payout | null> {
    const [row] = await this.#orm
      .select()
      .from(payout)
      .where(and(eq(payout.providerId, providerId), eq(payout.currency, currency)))
      .orderBy(desc(payout.period), desc(payout.sequence))
      .limit(1);
    return row === undefined ? null : toPayout(row);
  }

  async due(query: {
    readonly dueUntilMs: EpochMs;
    readonly nowMs: EpochMs;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<Payout[]> {
    const rows = await this.#orm
      .select()
      .from(payout)
      .where(
        and(
          gt(payout.id, query.afterId),
          IS_DUE,
          lte(payout.nextAttemptAtMs, query.dueUntilMs),
          lte(payout.leaseUntilMs, query.nowMs),
        ),
      )
      .orderBy(asc(payout.id))
      .limit(query.limit);
    return rows.map(toPayout);
  }

  async list(query: {
    readonly providerId: string;
    readonly before: { readonly createdAtMs: EpochMs; readonly id: string } | null;
    readonly limit: number;
  }): Promise<Payout[]> {
    const { before } = query;
    const { createdAtMs, id } = payout;
    const rows = await this.#orm
      .select()
      .from(payout)
      .where(
        and(
          eq(payout.providerId, query.providerId),
          before === null
            ? undefined
            : sql`(${createdAtMs}, ${id}) < (${before.createdAtMs}, ${before.id})`,
        ),
      )
      .orderBy(desc(createdAtMs), desc(id))
      .limit(query.limit);
    return rows.map(toPayout);
  }

  async manualOf(query: {
    readonly period: string;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<Payout[]> {
    const rows = await this.#orm
      .select()
      .from(payout)
      .where(and(eq(payout.period, query.period), gt(payout.id, query.afterId), IS_MANUAL))
      .orderBy(asc(payout.id))
      .limit(query.limit);
    return rows.map(toPayout);
  }

  async account(providerId: string): Promise<PayoutAccount | null> {
    const [row] = await this.#orm
      .select()
      .from(payoutAccount)
      .where(eq(payoutAccount.providerId, providerId));
    return row ?? null;
  }

  async saveAccount(account: PayoutAccount): Promise<void> {
    await this.#orm
      .insert(payoutAccount)
      .values(account)
      .onConflictDoUpdate({ target: payoutAccount.providerId, set: account });
  }

  async settings(providerId: string): Promise<PayoutSettings | null> {
    const [row] = await this.#orm
      .select()
      .from(payoutSetting)
      .where(eq(payoutSetting.providerId, providerId));
    if (row === undefined) return null;
    const { providerId: _, ...settings } = row;
    return settings;
  }

  async saveSettings(providerId: string, settings: PayoutSettings): Promise<void> {
    await this.#orm
      .insert(payoutSetting)
      .values({ providerId, ...settings })
      .onConflictDoUpdate({ target: payoutSetting.providerId, set: settings });
  }
}

function toPayout(row: typeof payout.$inferSelect): Payout {
  const { movedBy: _, movedAtMs: __, ...rest } = row;
  return rest;
}
