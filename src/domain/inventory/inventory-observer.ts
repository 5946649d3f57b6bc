/** Who watches what a shard sells: told by the inventory, so that live availability and waiting lines see every change. */
import type { Slot } from './cards.ts';
import type { Claim } from './claim.ts';

/**
 * Told before memory changes, so that what slots showed until then can still be seen. Whoever sees nothing for a while
 * stays away, so that it costs nothing.
 */
export interface InventoryObserver {
  /** What is free of a resource: a claim is taken, committed or given back, a block begins or ends. */
  occupancyChanging(change: Pick<Claim, 'resourceId' | 'span'>): void;
  /** A slot is added, replaced or withdrawn. */
  slotChanging(slot: Slot): void;
  serviceChanging(id: string): void;
  resourceChanging(id: string): void;
}
