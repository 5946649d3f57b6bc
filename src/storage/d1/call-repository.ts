/**
 * All SQL of keyed calls that reach no inventory shard: claiming a key, recording the answer, giving the key back.
 * Each change is one statement that states its condition, so that two tries at once cannot both own a key.
 */
import { and, eq, lt, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { CallKey } from '../../contracts/calls.ts';
import { required } from '../../domain/assert.ts';
import { CALL_LEASE_MS, CALL_RETENTION_MS, decideCall } from '../../domain/idempotency.ts';
import type { EpochMs } from '../../domain/time.ts';
import { call as callTable } from './schema/idempotency.ts';

/** A recorded answer; the body is empty for one without. */
export interface RecordedAnswer {
  readonly status: number;
  readonly body: string;
}

/** The ownership of a key by one try. */
export interface CallLease {
  readonly callerId: string;
  readonly key: string;
  readonly leaseUntilMs: EpochMs;
}

/**
 * What the key says: go on and own it, or the answer for the caller. `isResumed`: an earlier try died without an answer,
 * and may have had its effect.
 */
export type CallClaim =
  | ({ readonly kind: 'run'; readonly isResumed: boolean } & CallLease)
  | { readonly kind: 'replay'; readonly answer: RecordedAnswer }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in_progress' };

/** Keyed calls of one database. */
export class CallRepository {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  /** Claims the key, or tells what became of it. A lease that lapsed, and a record past its time, are taken over. */
  async claim(asked: {
    readonly callerId: string;
    readonly call: CallKey;
    readonly nowMs: EpochMs;
  }): Promise<CallClaim> {
    const { callerId, call, nowMs } = asked;
    const leaseUntilMs = nowMs + CALL_LEASE_MS;
    const row = {
      fingerprint: call.fingerprint,
      state: 'running' as const,
      leaseUntilMs,
      status: null,
      body: null,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + CALL_RETENTION_MS,
    };
    const [[before], claimed, [stored]] = await this.#orm.batch([
      this.#orm
        .select({ expiresAtMs: callTable.expiresAtMs })
        .from(callTable)
        .where(this.#byKey(callerId, call.key)),
      this.#orm
        .insert(callTable)
        .values({ callerId, key: call.key, ...row })
        .onConflictDoUpdate({
          target: [callTable.callerId, callTable.key],
          set: row,
          setWhere: sql`${callTable.expiresAtMs} <= ${nowMs} or (${callTable.state} = 'running'
            and ${callTable.leaseUntilMs} <= ${nowMs} and ${callTable.fingerprint} = ${call.fingerprint})`,
        })
        .returning({ leaseUntilMs: callTable.leaseUntilMs }),
      this.#orm.select().from(callTable).where(this.#byKey(callerId, call.key)),
    ]);
    const found = required(stored, 'a claimed key is there');
    if (claimed.length > 0) {
      const isResumed = before !== undefined && before.expiresAtMs > nowMs;
      return { kind: 'run', isResumed, callerId, key: call.key, leaseUntilMs };
    }
    const decision = decideCall(
      { ...found, recoveryId: null },
      { fingerprint: call.fingerprint, nowMs },
    );
    if (decision === 'mismatch') return { kind: 'mismatch' };
    if (decision !== 'replay') return { kind: 'in_progress' };
    return {
      kind: 'replay',
      answer: {
        status: required(found.status, 'a finished call has a status'),
        body: required(found.body, 'a finished call has an answer'),
      },
    };
  }

  /** Records the answer; false when a later try has taken the key over. */
  async finish(
    lease: CallLease,
    done: { readonly answer: RecordedAnswer; readonly nowMs: EpochMs },
  ): Promise<boolean> {
    const rows = await this.#orm
      .update(callTable)
      .set({
        state: 'done',
        status: done.answer.status,
        body: done.answer.body,
        expiresAtMs: done.nowMs + CALL_RETENTION_MS,
      })
      .where(this.#ownedBy(lease))
      .returning({ key: callTable.key });
    return rows.length > 0;
  }

  /** Gives the key back unused, so that the next try runs at once. */
  async release(lease: CallLease): Promise<void> {
    await this.#orm.delete(callTable).where(this.#ownedBy(lease));
  }

  /** Forgets up to `limit` records that are past their time; answers how many. */
  async forgetExpired(nowMs: EpochMs, limit: number): Promise<number> {
    const due = await this.#orm
      .select({ callerId: callTable.callerId, key: callTable.key })
      .from(callTable)
      .where(lt(callTable.expiresAtMs, nowMs))
      .limit(limit);
    for (const { callerId, key } of due) {
      await this.#orm
        .delete(callTable)
        .where(and(this.#byKey(callerId, key), lt(callTable.expiresAtMs, nowMs)));
    }
    return due.length;
  }

  #byKey(callerId: string, key: string) {
    return and(eq(callTable.callerId, callerId), eq(callTable.key, key));
  }

  #ownedBy(lease: CallLease) {
    return and(
      this.#byKey(lease.callerId, lease.key),
      eq(callTable.state, 'running'),
      eq(callTable.leaseUntilMs, lease.leaseUntilMs),
    );
  }
}
