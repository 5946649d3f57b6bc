/**
 * What the webhook routes, their consumer, the sweep and the operators need of the inbox and of dead letters.
 * Received is not handled: an event counts as handled only when its consumer says so.
 */
import type { Processor } from '../domain/payment/processor-reply.ts';
import type { EpochMs } from '../domain/time.ts';

/** A verified event as it is kept. */
export interface InboxEvent {
  readonly id: string;
  readonly processor: Processor;
  readonly dedupeKey: string;
  readonly type: string;
  readonly objectRef: string | null;
  /** Whose money the event is about, where the event itself says so: a booking's or a subscription's, never both. */
  readonly bookingId: string | null;
  readonly subscriptionId: string | null;
  /** The raw body, exactly the bytes that were signed; its digest alone where the event names nobody of ours. */
  readonly payload: string;
  /** False: kept and never acted upon. */
  readonly isExpected: boolean;
  readonly receivedAtMs: EpochMs;
  /** Null: received, not handled. */
  readonly handledAtMs: EpochMs | null;
  readonly attempts: number;
  readonly lastError: string | null;
  /** When the sweep may send the event to the queue again. */
  readonly nextAttemptAtMs: EpochMs;
}

/** What is known of an event when it comes in. */
export type NewInboxEvent = Omit<InboxEvent, 'handledAtMs' | 'attempts' | 'lastError'>;

/** An event without its payload, for lists. */
export type InboxEventSummary = Omit<InboxEvent, 'payload'>;

/** The place of a row in a list, newest first. */
export interface ReceivedPosition {
  readonly receivedAtMs: EpochMs;
  readonly id: string;
}

export interface ReceivedQuery {
  readonly after: ReceivedPosition | null;
  readonly limit: number;
}

/** The inbox of one database. */
export interface InboxStore {
  /** Keeps an event once. `inserted` is false for a redelivery; the id is that of the row that stands. */
  insert(event: NewInboxEvent): Promise<{ inserted: boolean; id: string; handled: boolean }>;
  byId(id: string): Promise<InboxEvent | null>;
  markHandled(id: string, nowMs: EpochMs): Promise<void>;
  /** Counts an attempt that failed and says when the sweep may try again. */
  markFailed(
    id: string,
    failure: { readonly error: string; readonly nextAttemptAtMs: EpochMs },
  ): Promise<void>;
  /** Unhandled events whose next attempt is due, earliest first. */
  due(nowMs: EpochMs, limit: number): Promise<InboxEventSummary[]>;
  list(query: ReceivedQuery): Promise<InboxEventSummary[]>;
}

/** A message that a consumer gave up on. */
export interface DeadLetter {
  /** The queue's id of the message. */
  readonly id: string;
  readonly queue: string;
  /** The message as JSON text. */
  readonly body: string;
  readonly error: string | null;
  readonly receivedAtMs: EpochMs;
  readonly replayedAtMs: EpochMs | null;
}

/** Dead letters; all in the global database, because messages carry ids alone. */
export interface DeadLetterStore {
  /** Keeps letters; one that is already there stays as it is. */
  insert(letters: readonly Omit<DeadLetter, 'replayedAtMs'>[]): Promise<void>;
  byId(id: string): Promise<DeadLetter | null>;
  markReplayed(id: string, nowMs: EpochMs): Promise<void>;
  list(query: ReceivedQuery): Promise<DeadLetter[]>;
}
