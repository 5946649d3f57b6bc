/**
 * The one rule of the hash chain. A shard links every event to the one before it, the audit trail keeps the links,
 * and a verifier walks them again: an edit, a deletion, a fork or a reordering shows at the first row that it touched.
 * Callers: the inventory shard while it writes, the verification of the trail, and anybody who checks an export.
 */
import type { Json } from './result.ts';
import type { EpochMs } from './time.ts';

/** The hash that precedes the first event of every chain. */
export const GENESIS_HASH = '0'.repeat(64);

/** Exactly the members that are hashed; adding one changes every hash, so none is ever added. */
export interface ChainBody {
  readonly seq: number;
  readonly id: string;
  readonly entityId: string;
  readonly parentId: string | null;
  readonly type: string;
  readonly from: string | null;
  readonly to: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly metadata: { readonly [key: string]: Json };
  readonly atMs: EpochMs;
}

/** A body with its place in the chain. */
export interface ChainLink extends ChainBody {
  readonly previousHash: string;
  readonly hash: string;
}

/** Synchronous digests, so that a link can be made inside a transaction. */
export interface ChainDigest {
  /** Lower-case hex SHA-256 of a UTF-8 text. */
  sha256(text: string): string;
  /** RFC 8785 canonical JSON. */
  canonical(value: unknown): string;
}

/** How far a chain has been walked. `firstBad` is the lowest sequence number that cannot be trusted. */
export interface ChainState {
  readonly rows: number;
  readonly head: string;
  readonly firstBad: number | null;
}

/** The state before the first link. */
export const CHAIN_START: ChainState = { rows: 0, head: GENESIS_HASH, firstBad: null };

/** SHA-256 (hex) of the previous hash followed by the canonical JSON of the event's body; other members are left out. */
export function chainHash(digest: ChainDigest, previousHash: string, event: ChainBody): string {
  const { seq, id, entityId, parentId, type, from, to, actor, reason, metadata, atMs } = event;
  const body = { seq, id, entityId, parentId, type, from, to, actor, reason, metadata, atMs };
  return digest.sha256(previousHash + digest.canonical(body));
}

/**
 * Takes one more link. Once a link is bad the state keeps its place: nothing after it can be trusted,
 * because every later hash rests on it. A missing row is reported at the number that is missing.
 */
export function verifyChain(digest: ChainDigest, state: ChainState, link: ChainLink): ChainState {
  if (state.firstBad !== null) return { ...state, rows: state.rows + 1 };
  const expectedSeq = state.rows + 1;
  const isGood =
    link.seq === expectedSeq &&
    link.previousHash === state.head &&
    link.hash === chainHash(digest, state.head, link);
  return isGood
    ? { rows: expectedSeq, head: link.hash, firstBad: null }
    : { rows: expectedSeq, head: state.head, firstBad: Math.min(expectedSeq, link.seq) };
}
