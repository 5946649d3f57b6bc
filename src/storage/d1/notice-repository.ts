/**
 * All SQL of sending the notices that billing wrote. A notice is sent at least once: it is marked after it went out.
 * Never writes one: billing does, in the transaction of the change that it tells of. Called by the sender of notices.
 */
import { and, asc, eq, isNull, lte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { Notice } from '../../domain/subscription/subscription.ts';
import type { EpochMs } from '../../domain/time.ts';
import { notice } from './schema/billing.ts';

/** An error's text is for an operator to read; a longer one is cut. */
const ERROR_CHARACTERS_MAX = 500;

/** A notice that waits to be sent. */
export interface StoredNotice extends Notice {
  readonly id: number;
  readonly createdAtMs: EpochMs;
  readonly attempts: number;
}

/** Notices of one database. */
export class NoticeRepository {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  /** Those whose time has come, the longest waiting first. */
  unsent(query: { readonly nowMs: EpochMs; readonly limit: number }): Promise<StoredNotice[]> {
    return this.#orm
      .select({
        id: notice.id,
        kind: notice.kind,
        subscriptionId: notice.subscriptionId,
        userId: notice.userId,
        invoiceId: notice.invoiceId,
        createdAtMs: notice.createdAtMs,
        attempts: notice.attempts,
      })
      .from(notice)
      .where(and(isNull(notice.sentAtMs), lte(notice.nextAttemptAtMs, query.nowMs)))
      .orderBy(asc(notice.nextAttemptAtMs), asc(notice.id))
      .limit(query.limit);
  }

  async markSent(id: number, nowMs: EpochMs): Promise<void> {
    await this.#orm
      .update(notice)
      .set({ sentAtMs: nowMs, lastError: null, attempts: sql`${notice.attempts} + 1` })
      .where(and(eq(notice.id, id), isNull(notice.sentAtMs)));
  }

  async markFailed(
    id: number,
    failure: { readonly error: string; readonly nextAttemptAtMs: EpochMs },
  ): Promise<void> {
    await this.#orm
      .update(notice)
      .set({
        attempts: sql`${notice.attempts} + 1`,
        lastError: failure.error.slice(0, ERROR_CHARACTERS_MAX),
        nextAttemptAtMs: failure.nextAttemptAtMs,
      })
      .where(and(eq(notice.id, id), isNull(notice.sentAtMs)));
  }
}
