/**
 * All SQL of the inbox of processors' events. A second delivery of an event is the same row.
 * Callers: the webhook routes and consumer, the sweep of unhandled events, the operators' routes.
 */
import { and, asc, desc, eq, getTableColumns, isNull, lte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  InboxEvent,
  InboxEventSummary,
  InboxStore,
  NewInboxEvent,
  ReceivedQuery,
} from '../../application/inbox-ports.ts';
import { required } from '../../domain/assert.ts';
import type { EpochMs } from '../../domain/time.ts';
import { webhookEvent } from './schema/inbox.ts';

/** An error's text is for an operator to read; a longer one is cut. */
const ERROR_CHARACTERS_MAX = 500;

const { payload: _payload, ...summaryColumns } = getTableColumns(webhookEvent);

/** The inbox of one database. */
export class WebhookEventRepository implements InboxStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(event: NewInboxEvent): Promise<{ inserted: boolean; id: string; handled: boolean }> {
    const [, stored] = await this.#orm.batch([
      this.#orm
        .insert(webhookEvent)
        .values({ ...event, attempts: 0 })
        .onConflictDoNothing(),
      this.#orm
        .select({ id: webhookEvent.id, handledAtMs: webhookEvent.handledAtMs })
        .from(webhookEvent)
        .where(
          and(
            eq(webhookEvent.processor, event.processor),
            eq(webhookEvent.dedupeKey, event.dedupeKey),
          ),
        ),
    ]);
    const { id, handledAtMs } = required(stored[0], 'an event just received is there');
    return { inserted: id === event.id, id, handled: handledAtMs !== null };
  }

  async byId(id: string): Promise<InboxEvent | null> {
    const [row] = await this.#orm.select().from(webhookEvent).where(eq(webhookEvent.id, id));
    return row ?? null;
  }

  async markHandled(id: string, nowMs: EpochMs): Promise<void> {
    await this.#orm
      .update(webhookEvent)
      .set({ handledAtMs: nowMs, lastError: null, attempts: sql`${webhookEvent.attempts} + 1` })
      .where(and(eq(webhookEvent.id, id), isNull(webhookEvent.handledAtMs)));
  }

  async markFailed(
    id: string,
    failure: { readonly error: string; readonly nextAttemptAtMs: EpochMs },
  ): Promise<void> {
    await this.#orm
      .update(webhookEvent)
      .set({
        attempts: sql`${webhookEvent.attempts} + 1`,
        lastError: failure.error.slice(0, ERROR_CHARACTERS_MAX),
        nextAttemptAtMs: failure.nextAttemptAtMs,
      })
      .where(and(eq(webhookEvent.id, id), isNull(webhookEvent.handledAtMs)));
  }

  due(nowMs: EpochMs, limit: number): Promise<InboxEventSummary[]> {
    return this.#orm
      .select(summaryColumns)
      .from(webhookEvent)
      .where(and(isNull(webhookEvent.handledAtMs), lte(webhookEvent.nextAttemptAtMs, nowMs)))
      .orderBy(asc(webhookEvent.nextAttemptAtMs), asc(webhookEvent.id))
      .limit(limit);
  }

  list({ after, limit }: ReceivedQuery): Promise<InboxEventSummary[]> {
    // A condition even on the first page, so that the walk begins at a place of the index.
    const from = after ?? { receivedAtMs: Number.MAX_SAFE_INTEGER, id: '' };
    return this.#orm
      .select(summaryColumns)
      .from(webhookEvent)
      .where(
        sql`(${webhookEvent.receivedAtMs}, ${webhookEvent.id}) < (${from.receivedAtMs}, ${from.id})`,
      )
      .orderBy(desc(webhookEvent.receivedAtMs), desc(webhookEvent.id))
      .limit(limit);
  }
}
