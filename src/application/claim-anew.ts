/**
 * A new claim for a booking whose hold no longer has one: late money, or a provider's yes. A dead hold is never revived;
 * a new one takes its place, if the slots are still free and still ahead. Synchronous, inside the shard's transaction.
 */
import type { Booking } from '../domain/booking/booking.ts';
import type { Hold } from '../domain/hold/hold.ts';
import type { EpochMs } from '../domain/time.ts';
import { assignments, findLines } from './hold-lines.ts';
import type { ShardState } from './shard-state.ts';
import { handOverGrants } from './transitions.ts';
import { claimForCustomer, entriesOn, serveEntries } from './waitlist/claim-for-customer.ts';

/** What the new hold is for. */
export interface NewClaim {
  readonly actor: string;
  readonly expiresAtMs: EpochMs;
  /**
   * The booking kept its quota, and the use of its coupon, while it had no claim, and the new hold carries it on. Late money takes none: what its hold
   * took was given back when it died, and nobody can be asked again here.
   */
  readonly keepsQuota: boolean;
}

/** The new hold, active, with the booking's slots as they are assigned now; null where they cannot be had. */
export function claimAnew(shard: ShardState, booking: Booking, claim: NewClaim): Hold | null {
  const lines = findLines(
    shard,
    booking.items.map(({ slotId }) => slotId),
  );
  const dead = shard.store.hold(booking.holdId);
  if (dead === null || lines === null) return null;
  if (lines.some(({ slot }) => slot.startAtMs <= shard.nowMs)) return null;
  const ownerIds = [booking.customerId];
  const taken = claimForCustomer(shard, ownerIds, {
    slots: lines,
    quantity: dead.quantity,
    units: dead.units,
    fareId: dead.fareId,
  });
  if (!taken.ok) return null;
  serveEntries(shard, entriesOn(shard, ownerIds, lines), claim.actor);
  const assigned = assignments(lines, taken.claims);
  const items = booking.items.map((item, index) => ({
    ...item,
    resourceIds: assigned[index]?.resourceIds ?? [],
    units: assigned[index]?.units ?? [],
  }));
  const granted = claim.keepsQuota ? handOverGrants(shard, dead) : { quota: null, coupon: null };
  const hold: Hold = {
    ...dead,
    id: shard.ports.ids.mintInShard('hld', shard.shardKey),
    state: 'active',
    items,
    createdAtMs: shard.nowMs,
    expiresAtMs: claim.expiresAtMs,
    isOver: false,
    ...granted,
  };
  shard.openHold(hold, taken.claims);
  shard.saveBooking({ ...booking, items });
  shard.record({
    entityId: hold.id,
    parentId: booking.id,
    type: 'hold.active',
    from: null,
    to: 'active',
    actor: claim.actor,
    metadata: { replaces: dead.id },
  });
  return hold;
}
