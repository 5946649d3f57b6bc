/**
 * All SQL of look-ups of bookings that wait to be answered, in the global database alone. Every one is written before the
 * caller is answered, whether or not there is such a booking. Called by the look-up and by its sweep.
 */
import { and, asc, eq, isNotNull, isNull, lte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { Lookup, LookupStore, WaitingLookup } from '../../application/look-up-booking.ts';
import type { EpochMs } from '../../domain/time.ts';
import { bookingLookup } from './schema/people.ts';

/** Look-ups of the one database that has them. */
export class LookupRepository implements LookupStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async add(
    lookup: Lookup,
    when: { readonly nowMs: EpochMs; readonly notSinceMs: EpochMs },
  ): Promise<void> {
    const fresh = {
      requestedAtMs: when.nowMs,
      attempts: 0,
      nextAttemptAtMs: when.nowMs,
      finishedAtMs: null,
    };
    await this.#orm
      .insert(bookingLookup)
      .values({ ...lookup, ...fresh })
      .onConflictDoUpdate({
        target: [bookingLookup.code, bookingLookup.emailKey],
        set: fresh,
        setWhere: lte(bookingLookup.finishedAtMs, when.notSinceMs),
      });
  }

  due(query: { readonly nowMs: EpochMs; readonly limit: number }): Promise<Lookup[]> {
    return this.#orm
      .select({ code: bookingLookup.code, emailKey: bookingLookup.emailKey })
      .from(bookingLookup)
      .where(
        and(isNull(bookingLookup.finishedAtMs), lte(bookingLookup.nextAttemptAtMs, query.nowMs)),
      )
      .orderBy(asc(bookingLookup.nextAttemptAtMs))
      .limit(query.limit);
  }

  async take(
    lookup: Lookup,
    { nowMs, untilMs }: { readonly nowMs: EpochMs; readonly untilMs: EpochMs },
  ): Promise<WaitingLookup | null> {
    const [row] = await this.#orm
      .update(bookingLookup)
      .set({ attempts: sql`${bookingLookup.attempts} + 1`, nextAttemptAtMs: untilMs })
      .where(
        and(
          ...isThe(lookup),
          isNull(bookingLookup.finishedAtMs),
          lte(bookingLookup.nextAttemptAtMs, nowMs),
        ),
      )
      .returning({ attempts: bookingLookup.attempts, requestedAtMs: bookingLookup.requestedAtMs });
    return row === undefined ? null : { ...lookup, ...row };
  }

  async postpone(lookup: Lookup, nextAttemptAtMs: EpochMs): Promise<void> {
    await this.#orm
      .update(bookingLookup)
      .set({ nextAttemptAtMs })
      .where(and(...isThe(lookup), isNull(bookingLookup.finishedAtMs)));
  }

  async finish(lookup: Lookup, nowMs: EpochMs): Promise<void> {
    await this.#orm
      .update(bookingLookup)
      .set({ finishedAtMs: nowMs })
      .where(and(...isThe(lookup)));
  }

  async forgetFinished(beforeMs: EpochMs): Promise<void> {
    await this.#orm
      .delete(bookingLookup)
      .where(and(isNotNull(bookingLookup.finishedAtMs), lte(bookingLookup.finishedAtMs, beforeMs)));
  }
}

function isThe({ code, emailKey }: Lookup) {
  return [eq(bookingLookup.code, code), eq(bookingLookup.emailKey, emailKey)];
}
