/** What a slot shows to those who look: worked out from the lanes of its resources. Pure; called by the inventory. */
import type { Interval } from '../time.ts';
import type { ResourceCard, Slot } from './cards.ts';
import type { FareAvailability } from './fare-levels.ts';
import type { Lane } from './occupancy.ts';

/** What a slot shows to those who look. */
export interface SlotAvailability {
  readonly resourceIds: readonly string[];
  readonly capacity: number;
  readonly remaining: number;
  readonly status: 'available' | 'held' | 'booked' | 'blocked' | 'past';
  readonly units:
    | readonly {
        readonly id: string;
        readonly status: 'available' | 'held' | 'booked' | 'blocked';
      }[]
    | null;
  readonly fares: readonly FareAvailability[] | null;
}

/** A resource with what is taken of it, as a whole and by unit. */
export interface ResourceLanes {
  readonly card: ResourceCard;
  readonly whole: Lane;
  readonly units: ReadonlyMap<string, Lane> | null;
}

/** How much of a resource is free over an interval. */
export function freeOf({ card, whole, units }: ResourceLanes, span: Interval): number {
  if (units === null) return whole.free(span);
  const free = whole.free(span);
  if (free === 0 || free === card.capacity) return free;
  return [...units.values()].filter((lane) => lane.free(span) > 0).length;
}

/** The first of these that applies. */
export function statusOf(
  slot: Slot,
  seen: { nowMs: number; remaining: number; isHeld: boolean; isBlocked: boolean },
): SlotAvailability['status'] {
  if (slot.startAtMs <= seen.nowMs) return 'past';
  if (seen.isBlocked) return 'blocked';
  if (seen.remaining > 0) return 'available';
  return seen.isHeld ? 'held' : 'booked';
}

/** The units of the first resource that has any; null where none has. */
export function unitsOf(
  lanes: readonly ResourceLanes[],
  span: Interval,
): SlotAvailability['units'] {
  const named = lanes.find(({ units }) => units !== null);
  if (named?.units === null || named?.units === undefined) return null;
  const isBlocked = named.whole.isBlocked(span);
  return [...named.units].map(([id, lane]) => {
    if (lane.free(span) > 0)
      return { id, status: isBlocked ? ('blocked' as const) : ('available' as const) };
    return { id, status: lane.hasHold(span) ? ('held' as const) : ('booked' as const) };
  });
}
