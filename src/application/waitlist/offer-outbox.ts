/**
 * The outbox of offers: those of which nobody was told yet. An offer is told of at least once, and one that is over is
 * not told of at all. Synchronous, inside the shard's transaction.
 */
import type { UntoldOffer } from '../../contracts/shard-waitlist.ts';
import { required } from '../../domain/assert.ts';
import { findLines } from '../hold-lines.ts';
import type { ShardState } from '../shard-state.ts';

/** The oldest offers that nobody was told of. */
export function untoldOffers(shard: ShardState, limit: number): UntoldOffer[] {
  return shard.waitlist.untold(limit).flatMap((entry) => {
    const [line] = findLines(shard, [entry.slotId]) ?? [];
    if (line === undefined || entry.offerEndsAtMs === null) return [];
    return {
      waitlistId: entry.id,
      offerId: required(entry.holdId, 'an offer has its hold'),
      customerId: entry.customerId,
      slotId: entry.slotId,
      serviceName: line.service.name,
      startAtMs: line.slot.startAtMs,
      quantity: entry.quantity,
      expiresAtMs: entry.offerEndsAtMs,
    };
  });
}

/** Customers were told of these offers; of one that is over by now that says nothing. */
export function markTold(shard: ShardState, offerIds: readonly string[]): void {
  const ids = new Set(offerIds);
  for (const entry of shard.waitlist.untold(Number.POSITIVE_INFINITY)) {
    if (entry.holdId === null || !ids.has(entry.holdId)) continue;
    const told = { ...entry, isTold: true };
    shard.store.updateEntry(told);
    shard.waitlist.put(told);
  }
}
