/** What a shard is asked of its waiting lines, and what it answers. Plain data: it crosses an RPC boundary. */
import type { EpochMs } from '../domain/time.ts';
import type { CallKey, Caller } from './calls.ts';

export interface JoinWaitlistCommand {
  readonly caller: Caller;
  /** Null for a call without a key. */
  readonly call: CallKey | null;
  readonly slotId: string;
  readonly quantity: number;
  readonly fareId: string | null;
}

/** One page of the line for a slot. */
export interface ReadLineQuery {
  readonly caller: Caller;
  readonly slotId: string;
  /** Place of arrival of the last entry seen; 0 for the beginning. */
  readonly afterSeq: number;
  readonly limit: number;
}

/** An offer of which its customer was not told yet. */
export interface UntoldOffer {
  readonly waitlistId: string;
  /** The hold that reserves it: an entry may be offered more than once. */
  readonly offerId: string;
  readonly customerId: string;
  readonly slotId: string;
  readonly serviceName: string;
  readonly startAtMs: EpochMs;
  readonly quantity: number;
  readonly expiresAtMs: EpochMs;
}
