/** One use of a coupon, from the call that asked for it on: the same life as a member's reservation. Pure. */
import {
  begunAgain,
  begunAt,
  isKeyKnown,
  isUnsettled,
  lifeAfter,
  type GrantLife,
  type OutcomeState,
} from '../grant/grant-life.ts';
import type { EpochMs } from '../time.ts';

export interface Redemption extends GrantLife {
  /** The name that the shard knows the grant by; never given twice. */
  readonly id: string;
  /** hash(caller, shard, key) of the call. */
  readonly callId: string;
  readonly customerId: string;
  readonly ask: { readonly shardKey: string };
}

/** A use for a call; of one that came back, the same again. */
export function redemptionFor(
  made: Pick<Redemption, 'id' | 'callId' | 'customerId' | 'ask'>,
  before: Redemption | null,
  nowMs: EpochMs,
): Redemption {
  return before === null
    ? { ...made, ...begunAt(nowMs) }
    : { ...before, ...begunAgain(before, nowMs) };
}

/** What a shard told, applied; the same when it changes nothing. */
export function settledRedemption(
  redemption: Redemption,
  told: OutcomeState,
  times: { readonly askedAtMs: EpochMs; readonly nowMs: EpochMs },
): Redemption {
  const after = lifeAfter(redemption, told, times);
  if (after === null) return redemption;
  const isSame = after.state === redemption.state && after.dueAtMs === redemption.dueAtMs;
  return isSame ? redemption : { ...redemption, ...after };
}

/** True when nothing depends on it any more: it came back, and its key is forgotten. What a booking kept stays. */
export function isForgettable(redemption: Redemption, nowMs: EpochMs): boolean {
  if (isUnsettled(redemption) || isKeyKnown(redemption, nowMs)) return false;
  return redemption.state === 'returned';
}
