/**
 * Claims for a customer: units that are offered to them are not in the way of their own hold, which an offer is for, and
 * whoever has the slot has what they waited for. Synchronous; called wherever a customer is to get slots.
 */
import { required } from '../../domain/assert.ts';
import type { Claim, ClaimOutcome, ClaimWish } from '../../domain/inventory/claim.ts';
import type { WaitlistEntry } from '../../domain/waitlist/waitlist.ts';
import type { ShardState } from '../shard-state.ts';
import { moveHold } from '../transitions.ts';
import { moveEntry } from './move-entry.ts';

type Slots = readonly { readonly slot: { readonly id: string } }[];

/** Takes all that the wish names in memory, or nothing. Kept by `serveEntries` before they are written, or dropped. */
export function claimForCustomer(
  shard: ShardState,
  ownerIds: readonly string[],
  wish: ClaimWish,
): ClaimOutcome {
  return withoutOffers(shard, entriesOn(shard, ownerIds, wish.slots), () =>
    shard.inventory.claim(wish),
  );
}

/** Gives back what memory took for a hold that is not to be. */
export function dropClaims(shard: ShardState, claims: readonly Claim[]): void {
  for (const claim of claims) shard.inventory.release(claim, true);
}

/** A customer's entries in the lines for some slots, under every id that is theirs. */
export function entriesOn(
  shard: ShardState,
  ownerIds: readonly string[],
  slots: Slots,
): WaitlistEntry[] {
  return slots.flatMap(({ slot }) =>
    ownerIds.flatMap((ownerId) => shard.waitlist.entryOf(slot.id, ownerId) ?? []),
  );
}

/** Tries something while what is offered to these entries is free; the offers stand again after it, whatever came of it. */
export function withoutOffers<T>(
  shard: ShardState,
  entries: readonly WaitlistEntry[],
  attempt: () => T,
): T {
  const offered = entries.flatMap(({ holdId }) =>
    holdId === null ? [] : shard.store.claimsOf(holdId),
  );
  for (const claim of offered) shard.inventory.release(claim, true);
  const outcome = attempt();
  for (const claim of offered) shard.inventory.restore(claim, true);
  return outcome;
}

/** The customer gets the slots: their entries are over, and offers make room. Before the claims are written. */
export function serveEntries(
  shard: ShardState,
  entries: readonly WaitlistEntry[],
  actor: string,
): void {
  for (const entry of entries) {
    moveEntry(shard, entry, { event: 'take', actor });
    if (entry.holdId === null) continue;
    const hold = required(shard.store.hold(entry.holdId), 'an offer has its hold');
    moveHold(shard, hold, { event: 'release', actor, reason: 'the offer was taken' });
  }
}
