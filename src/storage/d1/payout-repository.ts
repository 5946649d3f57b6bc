/**
 * All SQL of payouts, their accounts, settings and recoveries. A payout is written under the version that it follows; the triggers of
 * migrations/0013_create_payouts.sql and 0015_create_payout_recovery.sql keep what it is, and its history. Reads the ledger's postings to state them, and
 * never writes one. Callers: the payouts' use cases.
 */
import { and, asc, desc, eq, exists, gt, lte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  PayoutAccount,
  PayoutMove,
  PayoutStore,
} from '../../application/payouts/payout-ports.ts';
import { providerAccount } from '../../domain/ledger/entry.ts';
import type { Payout, PayoutSettings } from '../../domain/payout/payout.ts';
import type { Recovery, StatedLine, StatedPayout } from '../../domain/payout/recovery.ts';
import type { EpochMs } from '../../domain/time.ts';
import { payout, payoutAccount, payoutRecovery, payoutSetting } from './schema/payout.ts';

/** The postings that count for a payout and are in none yet; what counts is what `payable` of the ledger counts. */
const STATE_LINES = `
  INSERT INTO payout_line (transaction_id, line, payout_id)
  SELECT transaction_id, line, ?1 FROM ledger_posting AS posting
  WHERE posting.account = ?2 AND posting.currency = ?3
    AND (available_from_ms <= ?4 OR (amount_minor > 0 AND kind NOT IN ('refund', 'dispute')))
    AND EXISTS (SELECT 1 FROM payout WHERE payout.id = ?1 AND payout.version = 1)
  ON CONFLICT (transaction_id, line) DO NOTHING`;

/** An entry has at most one posting per account. */
const STATED_OF = `
  SELECT -posting.amount_minor AS amountMinor, payout.id AS id, payout.state AS state, payout.method AS method,
    payout.amount_minor - payout.reversed_minor AS leftMinor
  FROM ledger_transaction AS entry
  JOIN ledger_posting AS posting ON posting.transaction_id = entry.id AND posting.account = ?2
  LEFT JOIN payout_line AS stated ON stated.transaction_id = posting.transaction_id AND stated.line = posting.line
  LEFT JOIN payout ON payout.id = stated.payout_id
  WHERE entry.booking_id = ?1 AND entry.booking_id IS NOT NULL`;

// Written out, because a partial index serves only a query that says its condition in the same words.
const IS_LIVE = sql`${payout.state} IN ('scheduled', 'processing')`;
const IS_UNSETTLED = sql`${payout.nextAttemptAtMs} IS NOT NULL`;
const IS_REVERSING = sql`${payout.reversalTargetMinor} IS NOT NULL`;
const IS_OPEN = sql`${payoutRecovery.state} = 'open'`;
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

  async save(
    next: Payout,
    move: PayoutMove | null,
    recovery: Recovery | null = null,
  ): Promise<boolean> {
    const { id, version, ...values } = next;
    const moved = move === null ? {} : { movedBy: move.actor, movedAtMs: move.atMs };
    const update = this.#orm
      .update(payout)
      .set({ ...values, ...moved, version })
      .where(and(eq(payout.id, id), eq(payout.version, version - 1)))
      .returning({ id: payout.id });
    if (recovery === null) return (await update).length > 0;
    const [rows] = await this.#orm.batch([update, this.#moveWithPayout(recovery, next)]);
    return rows.length > 0;
  }

  /** Moves a recovery where the payout that it goes with was just written, and leaves it where that lost. */
  #moveWithPayout(
    { id, state, payoutId, reversedMinor, reason, settledAtMs }: Recovery,
    next: Payout,
  ) {
    const isWritten = this.#orm
      .select({ id: payout.id })
      .from(payout)
      .where(
        and(
          eq(payout.id, next.id),
          eq(payout.version, next.version),
          eq(payout.recoveryId, id),
          sql`${payout.reversalTargetMinor} IS ${next.reversalTargetMinor}`,
        ),
      );
    return this.#orm
      .update(payoutRecovery)
      .set({ state, payoutId, reversedMinor, reason, settledAtMs })
      .where(and(eq(payoutRecovery.id, id), exists(isWritten)));
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

  async unsettled(query: {
    readonly nowMs: EpochMs;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<Payout[]> {
    const rows = await this.#orm
      .select()
      .from(payout)
      .where(and(gt(payout.id, query.afterId), IS_UNSETTLED, lte(payout.leaseUntilMs, query.nowMs)))
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

  async isReversing(providerId: string, currency: string): Promise<boolean> {
    const rows = await this.#orm
      .select({ id: payout.id })
      .from(payout)
      .where(and(eq(payout.providerId, providerId), eq(payout.currency, currency), IS_REVERSING))
      .limit(1);
    return rows.length > 0;
  }

  async recovery(id: string): Promise<Recovery | null> {
    const [row] = await this.#orm.select().from(payoutRecovery).where(eq(payoutRecovery.id, id));
    return row ?? null;
  }

  openRecoveries({
    after,
    limit,
  }: {
    readonly after: { readonly providerId: string; readonly id: string };
    readonly limit: number;
  }): Promise<Recovery[]> {
    const { providerId, id } = payoutRecovery;
    return this.#orm
      .select()
      .from(payoutRecovery)
      .where(and(IS_OPEN, sql`(${providerId}, ${id}) > (${after.providerId}, ${after.id})`))
      .orderBy(asc(providerId), asc(id))
      .limit(limit);
  }

  async carryRecovery({ id, state, reason, settledAtMs }: Recovery): Promise<boolean> {
    const rows = await this.#orm
      .update(payoutRecovery)
      .set({ state, reason, settledAtMs })
      .where(and(eq(payoutRecovery.id, id), IS_OPEN))
      .returning({ id: payoutRecovery.id });
    return rows.length > 0;
  }

  async statedOf({
    bookingId,
    providerId,
  }: Pick<Recovery, 'bookingId' | 'providerId'>): Promise<StatedLine[]> {
    const { results } = await this.#database
      .prepare(STATED_OF)
      .bind(bookingId, providerAccount(providerId))
      .all<StatedRow>();
    return results.map(({ amountMinor, id, state, method, leftMinor }) => ({
      amountMinor,
      payout: id === null ? null : { id, state, method, leftMinor },
    }));
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

/** A line of the ledger beside the payout that states it; without one, all but the amount is null. */
type StatedRow = { readonly amountMinor: number } & (
  | StatedPayout
  | { readonly [name in keyof StatedPayout]: null }
);

function toPayout(row: typeof payout.$inferSelect): Payout {
  const { movedBy: _, movedAtMs: __, ...rest } = row;
  return rest;
}
