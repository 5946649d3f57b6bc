/**
 * Verification of the audit trail: every hash is made again from the stored columns, every link followed, and the end
 * compared with the shard's own chain and with the recorded cursor. Reads page by page, so that memory is bounded.
 * Called by the operators' audit routes.
 */
import type { ChainDigest, ChainState } from '../domain/chain.ts';
import { CHAIN_START, verifyChain } from '../domain/chain.ts';
import type { AuditStore, AuditStream } from './audit-ports.ts';

/** Links read at once. */
const PAGE_LENGTH = 1_000;

/** Streams listed at once. */
const STREAMS_PAGE_LENGTH = 500;

/** The trail of one region with the list of the shards that ought to be in it. */
export interface VerifiableTrail {
  readonly audit: Pick<AuditStore, 'readStream' | 'streams'>;
  /** Keys of provisioned shards after `afterKey`, in order. */
  shardKeys(afterKey: string, limit: number): Promise<string[]>;
}

export interface VerifyAuditDeps {
  readonly digest: ChainDigest;
  readonly trails: readonly VerifiableTrail[];
  /** The shard's own hash at a place of its chain; null beyond its head. */
  chainHashAt(shardKey: string, seq: number): Promise<string | null>;
}

/** The verdict on one stream. `firstBad`: the lowest sequence number that cannot be trusted. */
export interface StreamVerdict {
  readonly stream: string;
  readonly rows: number;
  /** The hash of the last row that can be trusted. */
  readonly head: string;
  readonly firstBad?: number;
}

export interface TrailVerdict {
  readonly valid: boolean;
  readonly streams: StreamVerdict[];
}

/** Verifies every stream of every region; streams of shards that have no row yet are listed with 0 rows. */
export async function verifyAudit(deps: VerifyAuditDeps): Promise<TrailVerdict> {
  const streams: StreamVerdict[] = [];
  for (const trail of deps.trails) {
    const cursors = await listStreams(trail);
    for (const [stream, cursor] of cursors) {
      streams.push(await verifyStream(deps, trail, { stream, cursor }));
    }
  }
  return { valid: streams.every((verdict) => verdict.firstBad === undefined), streams };
}

async function verifyStream(
  deps: VerifyAuditDeps,
  trail: VerifiableTrail,
  { stream, cursor }: { stream: string; cursor: AuditStream | null },
): Promise<StreamVerdict> {
  let state: ChainState = CHAIN_START;
  let afterSeq = 0;
  for (;;) {
    const page = await trail.audit.readStream(stream, afterSeq, PAGE_LENGTH);
    for (const link of page) state = verifyChain(deps.digest, state, link);
    const last = page.at(-1);
    if (last === undefined) break;
    afterSeq = last.seq;
  }
  const firstBad =
    state.firstBad ??
    missingTail(state, cursor) ??
    (await firstDifference(deps, trail, { stream, state }));
  const verdict = { stream, rows: state.rows, head: state.head };
  return firstBad === null ? verdict : { ...verdict, firstBad };
}

/** Rows that the cursor vouches for and that are gone. */
function missingTail(state: ChainState, cursor: AuditStream | null): number | null {
  if (cursor === null) return state.rows === 0 ? null : 1;
  if (cursor.appliedSeq > state.rows) return state.rows + 1;
  return cursor.appliedSeq === state.rows && cursor.headHash !== state.head ? state.rows : null;
}

/**
 * Where a chain that is sound in itself leaves the shard's: a trail that was rewritten from some row on.
 * Two chains that differ at one place differ at every later one, so the place is found by halving.
 */
async function firstDifference(
  deps: VerifyAuditDeps,
  trail: VerifiableTrail,
  { stream, state }: { stream: string; state: ChainState },
): Promise<number | null> {
  if (state.rows === 0) return null;
  if ((await deps.chainHashAt(stream, state.rows)) === state.head) return null;
  let same = 0;
  let different = state.rows;
  while (different - same > 1) {
    const middle = Math.floor((same + different) / 2);
    const [link] = await trail.audit.readStream(stream, middle - 1, 1);
    const isSame = link?.hash === (await deps.chainHashAt(stream, middle));
    if (isSame) same = middle;
    else different = middle;
  }
  return different;
}

/** Every stream that ought to be there or is there, with its cursor where it has one. */
async function listStreams(trail: VerifiableTrail): Promise<Map<string, AuditStream | null>> {
  const cursors = new Map<string, AuditStream | null>();
  for (let after = ''; ;) {
    const page = await trail.shardKeys(after, STREAMS_PAGE_LENGTH);
    for (const shardKey of page) cursors.set(shardKey, null);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last;
  }
  for (let after = ''; ;) {
    const page = await trail.audit.streams(after, STREAMS_PAGE_LENGTH);
    for (const stream of page) cursors.set(stream.stream, stream);
    const last = page.at(-1);
    if (last === undefined) return cursors;
    after = last.stream;
  }
}
