/**
 * How many units of each fare of a slot are taken, in memory. A fare is a part of its slot's capacity: what is sold at it
 * counts against its quota and against the slot. Owned by the inventory, which says when something is taken.
 */
import { invariant } from '../assert.ts';
import type { Fare, Slot } from './cards.ts';

/** A fare with what is left of it: never more than is left of the slot. */
export interface FareAvailability extends Fare {
  readonly remaining: number;
}

export class FareLevels {
  readonly #taken = new Map<string, number>();

  /** Counts units of a fare; a negative quantity gives back. */
  add(of: { slotId: string; fareId: string }, quantity: number): void {
    const key = keyOf(of);
    const taken = (this.#taken.get(key) ?? 0) + quantity;
    invariant(taken >= 0, 'a fare cannot give back more than it sold');
    if (taken === 0) this.#taken.delete(key);
    else this.#taken.set(key, taken);
  }

  /** True when the slot sells so many units more under the name; a slot without fares sells under none. */
  hasRoom(slot: Slot, wish: { fareId: string | null; quantity: number }): boolean {
    if (slot.fares === null) return true;
    const fare = slot.fares.find(({ id }) => id === wish.fareId);
    return fare !== undefined && this.#left(slot, fare) >= wish.quantity;
  }

  /** The fares of a slot, where it has any, when so many of its units are free. */
  availability(slot: Slot, free: number): FareAvailability[] | null {
    if (slot.fares === null) return null;
    return slot.fares.map((fare) => ({
      ...fare,
      remaining: Math.min(this.#left(slot, fare), free),
    }));
  }

  /** The units that the slot's fares sell together; without a bound where it has none. */
  capacity({ fares }: Pick<Slot, 'fares'>): number {
    if (fares === null) return Number.MAX_SAFE_INTEGER;
    return fares.reduce((total, { quota }) => total + quota, 0);
  }

  #left(slot: Slot, fare: Fare): number {
    const taken = this.#taken.get(keyOf({ slotId: slot.id, fareId: fare.id })) ?? 0;
    return Math.max(0, fare.quota - taken);
  }
}

function keyOf({ slotId, fareId }: { slotId: string; fareId: string }): string {
  return `${slotId} ${fareId}`;
}
