/**
 * What the audit use cases need of the trail's storage, and the one order in which its rows are listed.
 */
import type { ChainEvent } from '../contracts/shard-streams.ts';
import type { EpochMs } from '../domain/time.ts';

/** A row of the trail: an event and the stream (shard key or subscription) whose chain it belongs to. */
export interface AuditRow {
  readonly stream: string;
  readonly event: ChainEvent;
}

/** How far a stream was copied. */
export interface AuditStream {
  readonly stream: string;
  readonly appliedSeq: number;
  readonly headHash: string;
}

/** The place of a row in the order of a search. */
export interface AuditPosition {
  readonly atMs: EpochMs;
  readonly stream: string;
  readonly seq: number;
}

/** Rows from `fromMs` on and before `toMs`; of an entity or of what belongs to it, or of all where it is null. */
export interface AuditQuery {
  readonly entityId: string | null;
  readonly fromMs: EpochMs | null;
  readonly toMs: EpochMs | null;
  readonly after: AuditPosition | null;
  readonly limit: number;
}

/** The trail of one database, as its readers see it. */
export interface AuditStore {
  /** The links after `afterSeq`, in order. */
  readStream(stream: string, afterSeq: number, limit: number): Promise<ChainEvent[]>;
  /** The streams after `afterStream` in the order of their names. */
  streams(afterStream: string, limit: number): Promise<AuditStream[]>;
  search(query: AuditQuery): Promise<AuditRow[]>;
}

/** Where a subscription says that its chain ends. */
export interface ChainHead {
  readonly stream: string;
  readonly seq: number;
  readonly hash: string;
}

/** The heads of the subscriptions' chains in one database; what has no event yet has no head. */
export interface ChainHeads {
  /** Those after `afterStream`, in the order of their names. */
  list(afterStream: string, limit: number): Promise<ChainHead[]>;
  of(stream: string): Promise<ChainHead | null>;
}

/** Orders rows as a search does: by instant, then stream, then sequence number. */
export function compareAuditRows(a: AuditRow, b: AuditRow): number {
  if (a.event.atMs !== b.event.atMs) return a.event.atMs - b.event.atMs;
  if (a.stream !== b.stream) return a.stream < b.stream ? -1 : 1;
  return a.event.seq - b.event.seq;
}
