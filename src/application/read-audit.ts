/**
 * Reading the audit trail over all regions: a search by entity and time, and the whole of it for a check elsewhere.
 * Called by the operators' audit routes.
 */
import type { ChainBody } from '../domain/chain.ts';
import type { Result } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import { compareAuditRows, type AuditRow, type AuditStore } from './audit-ports.ts';
import { decodeCursor, mergePage, type Page } from './page-cursor.ts';

/** Rows exported at once. */
const EXPORT_PAGE_LENGTH = 500;

/** Streams listed at once. */
const STREAMS_PAGE_LENGTH = 500;

export interface AuditSearch {
  readonly entityId: string | null;
  readonly fromMs: EpochMs | null;
  readonly toMs: EpochMs | null;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** A page of rows, oldest first. Refusals: `validation_failed` for a cursor of another list. */
export async function searchAudit(
  stores: readonly AuditStore[],
  search: AuditSearch,
): Promise<Result<Page<AuditRow>>> {
  const cursor = decodeCursor(search.cursor, ['number', 'string', 'number']);
  if (!cursor.ok) return cursor;
  const [atMs, stream, seq] = cursor.value ?? [];
  const after =
    atMs === undefined || stream === undefined || seq === undefined ? null : { atMs, stream, seq };
  const { entityId, fromMs, toMs, limit } = search;
  const query = { entityId, fromMs, toMs, after, limit: limit + 1 };
  const lists = await Promise.all(stores.map((store) => store.search(query)));
  const value = mergePage(lists, {
    compare: compareAuditRows,
    place: (row) => [row.event.atMs, row.stream, row.event.seq],
    limit,
  });
  return { ok: true, value };
}

/**
 * One line of the export. `hash` is SHA-256 of `previousHash` followed by the canonical JSON (RFC 8785) of `event`,
 * so that anybody can check the chain with the export alone.
 */
export interface ExportLine {
  readonly stream: string;
  readonly previousHash: string;
  readonly hash: string;
  readonly event: ChainBody;
}

/** The lines of the whole trail, stream by stream in the order of the chain, a page at a time. */
export async function* exportAudit(stores: readonly AuditStore[]): AsyncGenerator<ExportLine[]> {
  for (const store of stores) {
    for await (const stream of streamNames(store)) yield* exportStream(store, stream);
  }
}

async function* exportStream(store: AuditStore, stream: string): AsyncGenerator<ExportLine[]> {
  for (let afterSeq = 0; ;) {
    const page = await store.readStream(stream, afterSeq, EXPORT_PAGE_LENGTH);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.map(({ previousHash, hash, ...event }) => ({ stream, previousHash, hash, event }));
    afterSeq = last.seq;
  }
}

async function* streamNames(store: AuditStore): AsyncGenerator<string> {
  for (let after = ''; ;) {
    const page = await store.streams(after, STREAMS_PAGE_LENGTH);
    const last = page.at(-1);
    if (last === undefined) return;
    yield* page.map((stream) => stream.stream);
    after = last.stream;
  }
}
