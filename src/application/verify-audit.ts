/**
 * Verification of the audit trail: every hash is made again from the stored columns, every link followed, and the end
 * compared with the recorded cursor and with whoever made the chain. A shard keeps its whole chain and may be ahead of
 * the trail; a subscription keeps the head alone, and its links are written with it, so that it is never ahead.
 * Reads page by page, so that memory is bounded. Called by the operators' audit routes.
 */
import type { ChainDigest, ChainState } from '../domain/chain.ts';
import { CHAIN_START, verifyChain } from '../domain/chain.ts';
import type { AuditStore, AuditStream, ChainHead, ChainHeads } from './audit-ports.ts';

/** Links read at once. */
const PAGE_LENGTH = 1_000;

/** Streams listed at once. */
const STREAMS_PAGE_LENGTH = 500;

/** Streams of subscriptions and saved methods are named by their ids, all others by the key of a shard. */
const WITNESSED_STREAM = /^(sub|pmt)_/;

/** The trail of one region with the lists of the shards and subscriptions that ought to be in it. */
export interface VerifiableTrail {
  readonly audit: Pick<AuditStore, 'readStream' | 'streams'>;
  /** Keys of provisioned shards after `afterKey`, in order. */
  shardKeys(afterKey: string, limit: number): Promise<string[]>;
  readonly heads: ChainHeads;
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

/** A stream that ought to be there or is there: how far it was copied, and where its subscription said that it ends. */
interface ListedStream {
  readonly stream: string;
  readonly cursor: AuditStream | null;
  readonly head: ChainHead | null;
}

/** How far a stream was walked, and the first row in it that its maker does not vouch for. */
interface Walked {
  readonly state: ChainState;
  readonly firstBad: number | null;
}

/** Verifies every stream of every region; streams of shards that have no row yet are listed with 0 rows. */
export async function verifyAudit(deps: VerifyAuditDeps): Promise<TrailVerdict> {
  const streams: StreamVerdict[] = [];
  for (const trail of deps.trails) {
    for (const listed of await listStreams(trail)) {
      streams.push(await verifyStream(deps, trail, listed));
    }
  }
  return { valid: streams.every((verdict) => verdict.firstBad === undefined), streams };
}

async function verifyStream(
  deps: VerifyAuditDeps,
  trail: VerifiableTrail,
  listed: ListedStream,
): Promise<StreamVerdict> {
  const { stream, cursor } = listed;
  const read = await walk(deps, trail, { stream, state: CHAIN_START });
  const broken = read.firstBad ?? missingTail(read, cursor);
  const { state, firstBad } =
    broken === null
      ? await compareWithMaker(deps, trail, { listed, state: read })
      : { state: read, firstBad: broken };
  const verdict = { stream, rows: state.rows, head: state.head };
  return firstBad === null ? verdict : { ...verdict, firstBad };
}

/** Follows the links from where the state stands to the end of the stream. */
async function walk(
  { digest }: VerifyAuditDeps,
  trail: VerifiableTrail,
  from: { stream: string; state: ChainState },
): Promise<ChainState> {
  let { state } = from;
  let afterSeq = state.rows;
  for (;;) {
    const page = await trail.audit.readStream(from.stream, afterSeq, PAGE_LENGTH);
    for (const link of page) state = verifyChain(digest, state, link);
    afterSeq = page.at(-1)?.seq ?? afterSeq;
    if (page.length < PAGE_LENGTH) return state;
  }
}

/** Rows that the cursor vouches for and that are gone. */
function missingTail(state: ChainState, cursor: AuditStream | null): number | null {
  if (cursor === null) return state.rows === 0 ? null : 1;
  if (cursor.appliedSeq > state.rows) return state.rows + 1;
  return cursor.appliedSeq === state.rows && cursor.headHash !== state.head ? state.rows : null;
}

async function compareWithMaker(
  deps: VerifyAuditDeps,
  trail: VerifiableTrail,
  { listed, state }: { listed: ListedStream; state: ChainState },
): Promise<Walked> {
  const { stream } = listed;
  if (WITNESSED_STREAM.test(stream)) return compareWithHead(deps, trail, { listed, state });
  return { state, firstBad: await firstDifference(deps, trail, { stream, state }) };
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

/**
 * Whether a chain that is sound in itself ends where its subscription says. The subscription may have gone on since the
 * list was read, and its rows with it: only what it says after the rows were read can accuse them.
 */
async function compareWithHead(
  deps: VerifyAuditDeps,
  trail: VerifiableTrail,
  { listed, state }: { listed: ListedStream; state: ChainState },
): Promise<Walked> {
  const { stream } = listed;
  if (listed.head?.seq === state.rows && listed.head.hash === state.head) {
    return { state, firstBad: null };
  }
  const head = await trail.heads.of(stream);
  if (head === null) return { state, firstBad: state.rows === 0 ? null : 1 };
  if (head.seq < state.rows) return { state, firstBad: head.seq + 1 };
  const grown = head.seq === state.rows ? state : await walk(deps, trail, { stream, state });
  if (grown.firstBad !== null) return { state: grown, firstBad: grown.firstBad };
  if (grown.rows < head.seq) return { state: grown, firstBad: grown.rows + 1 };
  const [link] = await trail.audit.readStream(stream, head.seq - 1, 1);
  // The head alone is known, so nothing tells from which row on the trail was written anew.
  return { state: grown, firstBad: link?.hash === head.hash ? null : 1 };
}

/** Every stream that ought to be there or is there. Cursors come last, so that none is missed of what was listed. */
async function listStreams(trail: VerifiableTrail): Promise<ListedStream[]> {
  const listed = new Map<string, ListedStream>();
  for (let after = ''; ;) {
    const page = await trail.shardKeys(after, STREAMS_PAGE_LENGTH);
    for (const stream of page) listed.set(stream, { stream, cursor: null, head: null });
    const last = page.at(-1);
    if (last === undefined) break;
    after = last;
  }
  for (let after = ''; ;) {
    const page = await trail.heads.list(after, STREAMS_PAGE_LENGTH);
    for (const head of page) listed.set(head.stream, { stream: head.stream, cursor: null, head });
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.stream;
  }
  for (let after = ''; ;) {
    const page = await trail.audit.streams(after, STREAMS_PAGE_LENGTH);
    for (const cursor of page) {
      const { stream } = cursor;
      listed.set(stream, { stream, head: listed.get(stream)?.head ?? null, cursor });
    }
    const last = page.at(-1);
    if (last === undefined) return [...listed.values()];
    after = last.stream;
  }
}
