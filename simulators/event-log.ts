/**
 * Events and their deliveries as stored rows: written in the transaction of the effect they tell of,
 * so that none is lost between an effect and its webhook. Owns the `event` and `delivery` tables;
 * must never send anything, which webhooks.ts does.
 */
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import type { Clock } from './clock.ts';
import type { Row, Store } from './store.ts';

/** Where a delivery stands. `failed` is after the last retry; `dropped` was eaten by the fault script. */
export type DeliveryStatus = 'pending' | 'delivered' | 'failed' | 'dropped';

/** How an event is to be sent: how often, and not before when (milliseconds from now). */
export interface DeliveryPlan {
  readonly isDropped: boolean;
  readonly copies: number;
  readonly delayMs: number;
}

/** An event to record. `body` is its JSON, stored as short as can be. */
export interface NewEvent {
  readonly id: string;
  readonly processor: string;
  readonly type: string;
  readonly objectId: string;
  readonly body: string;
  readonly delivery: DeliveryPlan | null;
}

/** A delivery as the scheduler needs it. */
export interface Delivery {
  readonly eventId: string;
  readonly processor: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly copies: number;
  readonly nextAttemptAtMs: number | null;
  readonly body: string;
}

/** What changes on a delivery after an attempt. */
export interface DeliveryUpdate {
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly copies: number;
  readonly lastStatus: number | null;
  readonly nextAttemptAtMs: number | null;
}

/** Filters of an event list, newest first. */
export interface EventQuery {
  readonly processor: string;
  readonly limit: number;
  readonly startingAfter?: string | undefined;
  readonly endingBefore?: string | undefined;
  readonly types?: readonly string[] | undefined;
  readonly createdFrom?: number | undefined;
  readonly createdTo?: number | undefined;
  readonly isDelivered?: boolean | undefined;
}

const DELIVERY_SELECT = `SELECT delivery.*, event.processor, event.body FROM delivery
  JOIN event ON event.id = delivery.event_id`;

/** Reads and writes events inside the store's current call. */
export class EventLog {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Records an event and, where a receiver is subscribed, its delivery. */
  append(event: NewEvent): void {
    const nowMs = this.#clock.nowMs();
    this.#store
      .statement(
        `INSERT INTO event (id, processor, type, object_id, created_at_ms, body)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(event.id, event.processor, event.type, event.objectId, nowMs, event.body);
    if (event.delivery === null) return;
    const isDropped = event.delivery.isDropped;
    this.#store
      .statement(
        `INSERT INTO delivery (event_id, status, attempts, copies, last_status, next_attempt_at_ms)
         VALUES (?, ?, 0, ?, NULL, ?)`,
      )
      .run(
        event.id,
        isDropped ? 'dropped' : 'pending',
        event.delivery.copies,
        isDropped ? null : nowMs + event.delivery.delayMs,
      );
  }

  /** One delivery, or null when there is none for this event. */
  delivery(eventId: string): Delivery | null {
    const row = this.#store.statement(`${DELIVERY_SELECT} WHERE event_id = ?`).get(eventId);
    return row ? readDelivery(row) : null;
  }

  /** Identifiers and instants of every delivery still to be made, in order of their events. */
  pending(): { readonly eventId: string; readonly nextAttemptAtMs: number }[] {
    return this.#store
      .statement(
        `SELECT event_id, next_attempt_at_ms FROM delivery JOIN event ON event.id = event_id
         WHERE status = 'pending' ORDER BY event.seq`,
      )
      .all()
      .map((row) => ({
        eventId: String(row['event_id']),
        nextAttemptAtMs: Number(row['next_attempt_at_ms']),
      }));
  }

  /** Writes the outcome of an attempt; adds the row for an event that never had a receiver. */
  saveDelivery(eventId: string, update: DeliveryUpdate): void {
    this.#store
      .statement(
        `INSERT INTO delivery (event_id, status, attempts, copies, last_status, next_attempt_at_ms)
         VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (event_id) DO UPDATE SET status = excluded.status, attempts = excluded.attempts,
           copies = excluded.copies, last_status = excluded.last_status,
           next_attempt_at_ms = excluded.next_attempt_at_ms`,
      )
      .run(
        eventId,
        update.status,
        update.attempts,
        update.copies,
        update.lastStatus,
        update.nextAttemptAtMs,
      );
  }

  /** The JSON of an event, or null. */
  body(eventId: string): string | null {
    const row = this.#store.statement('SELECT body FROM event WHERE id = ?').get(eventId);
    return row ? String(row['body']) : null;
  }

  /** The newest deliveries, as the control routes show them. */
  deliveryRows(limit: number): Json[] {
    return this.#store
      .statement(
        `SELECT event.*, delivery.status, delivery.attempts, delivery.last_status,
           delivery.next_attempt_at_ms FROM delivery JOIN event ON event.id = delivery.event_id
         ORDER BY event.seq DESC LIMIT ?`,
      )
      .all(limit)
      .toReversed()
      .map((row) => ({
        id: String(row['id']),
        objectId: String(row['object_id']),
        type: String(row['type']),
        processor: String(row['processor']),
        status: String(row['status']),
        attempts: Number(row['attempts']),
        lastStatus: row['last_status'] === null ? null : Number(row['last_status']),
        createdAt: instant(row['created_at_ms']),
        nextAttemptAt: row['status'] === 'pending' ? instant(row['next_attempt_at_ms']) : null,
      }));
  }

  /** A page of event bodies, newest first, with one more than `limit` when there is a next page. */
  list(query: EventQuery): JsonObject[] {
    const wheres = ['processor = ?'];
    const values: (string | number)[] = [query.processor];
    const add = (where: string, value: string | number | undefined): void => {
      if (value === undefined) return;
      wheres.push(where);
      values.push(value);
    };
    add('seq < (SELECT seq FROM event WHERE id = ?)', query.startingAfter);
    add('seq > (SELECT seq FROM event WHERE id = ?)', query.endingBefore);
    add(
      'created_at_ms >= ?',
      query.createdFrom === undefined ? undefined : query.createdFrom * 1000,
    );
    add(
      'created_at_ms < ?',
      query.createdTo === undefined ? undefined : (query.createdTo + 1) * 1000,
    );
    if (query.types) {
      wheres.push(`type IN (${query.types.map(() => '?').join(', ')})`);
      values.push(...query.types);
    }
    if (query.isDelivered !== undefined) {
      const undelivered = `SELECT event_id FROM delivery WHERE status <> 'delivered'`;
      wheres.push(`id ${query.isDelivered ? 'NOT IN' : 'IN'} (${undelivered})`);
    }
    const order = query.endingBefore === undefined ? 'DESC' : 'ASC';
    return this.#store
      .statement(
        `SELECT body FROM event WHERE ${wheres.join(' AND ')} ORDER BY seq ${order} LIMIT ?`,
      )
      .all(...values, query.limit + 1)
      .map((row) => parseBody(String(row['body'])));
  }
}

/** Reads an event's text back. */
export function parseBody(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error('The state file holds an event that is not an object.');
  return value;
}

function instant(atMs: unknown): string | null {
  return atMs === null ? null : new Date(Number(atMs)).toISOString();
}

function readDelivery(row: Row): Delivery {
  const status = String(row['status']);
  return {
    eventId: String(row['event_id']),
    processor: String(row['processor']),
    status:
      status === 'pending' || status === 'delivered' || status === 'failed' ? status : 'dropped',
    attempts: Number(row['attempts']),
    copies: Number(row['copies']),
    nextAttemptAtMs: row['next_attempt_at_ms'] === null ? null : Number(row['next_attempt_at_ms']),
    body: String(row['body']),
  };
}
