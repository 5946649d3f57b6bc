/** What the rules of a hold look at, read from the shard. Synchronous; called wherever somebody is to get slots. */
import type { HoldAccess, HoldFacts } from '../domain/hold/hold.ts';
import { unitsOnDateOf, venueDate } from './daily-units.ts';
import type { SlotLine } from './hold-lines.ts';
import type { ShardState } from './shard-state.ts';

/** The facts for a customer who wants so much of each line. */
export function holdFacts(
  shard: ShardState,
  wish: {
    /** All ids that are the customer's. */
    readonly ownerIds: readonly string[];
    readonly access: HoldAccess;
    readonly quantity: number;
    readonly lines: readonly SlotLine[];
  },
): HoldFacts {
  const { ownerIds, access, quantity, lines } = wish;
  const sumOver = (count: (ownerId: string) => number): number =>
    ownerIds.reduce((total, ownerId) => total + count(ownerId), 0);
  return {
    nowMs: shard.nowMs,
    quantity,
    access,
    lines,
    liveUnits: (serviceId) => sumOver((ownerId) => shard.liveUnitsOf(ownerId, serviceId)),
    dateOf: venueDate,
    unitsOnDateOf: (line) => sumOver((ownerId) => unitsOnDateOf(shard, ownerId, line)),
  };
}
