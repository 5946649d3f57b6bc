/**
 * What a shard tells of the grants that its holds used: to a member's object that asks, and through the outbox of
 * notices. Synchronous, inside the shard's transaction; the notices themselves are written where a hold moves.
 */
import type { ClaimRequest } from '../contracts/durable-rpc.ts';
import type { GrantOutcome, QuotaNotice } from '../contracts/membership-rpc.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { minutesOf, outcomeOf, type HeldGrant } from '../domain/hold/quota.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { linesOf } from './hold-lines.ts';
import type { ShardState } from './shard-state.ts';

/** What became of grants, in the order asked. */
export function grantOutcomes(shard: ShardState, grantIds: readonly string[]): GrantOutcome[] {
  return grantIds.map((grantId) => outcomeOfGrant(shard, grantId));
}

/** For a grant of which nothing is known: it was never used, or its hold was refused. */
export function unknownGrant(grantId: string): GrantOutcome {
  return { grantId, state: 'unknown', uses: null };
}

/** Notices about a hold that its member has not acknowledged; most holds have none and cost nothing here. */
export function openNotices(shard: ShardState, hold: Hold | null): readonly QuotaNotice[] {
  return [hold?.quota ?? null, hold?.coupon ?? null].flatMap((granted) => {
    const notice = granted === null ? null : shard.store.quotaNoticeOf(granted.grantId);
    return notice === null ? [] : [notice];
  });
}

/** How many minutes the slots of a claim have together. Refusals: not_found. */
export function measureClaim(shard: ShardState, claim: ClaimRequest): Result<{ minutes: number }> {
  const found = linesOf(shard, claim);
  if (found === null) return refuse('not_found', 'There is no such slot.');
  return ok({ minutes: found.lines.reduce((total, { slot }) => total + minutesOf(slot), 0) });
}

/** A grant that was given back may have been used again: what still counts is what it came to. */
function outcomeOfGrant(shard: ShardState, grantId: string): GrantOutcome {
  const taken: HeldGrant[] = shard.store
    .holdsOfGrant(grantId)
    .map(({ quota, coupon }) => (coupon?.grantId === grantId ? coupon : quota))
    .filter((granted) => granted !== null);
  const granted = taken.find(({ state }) => state !== 'returned') ?? taken[0];
  return granted === undefined ? unknownGrant(grantId) : outcomeOf(granted);
}
