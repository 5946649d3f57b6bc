/** What keeping a schedule needs of a shard's storage: slots that come and go, versions of rules, blocks of resources. */
import type { ResourceBlock } from '../contracts/shard-schedule.ts';
import type { ServiceCard, Slot } from '../domain/inventory/cards.ts';
import type { EpochMs, Interval } from '../domain/time.ts';

/** open: anybody may take it. leaving: those who have it keep it, and nobody new may take it. withdrawn: it is gone. */
export type SlotSale = 'open' | 'leaving' | 'withdrawn';

/** Live claims of a service's slots that start in an interval; where units have names, those of these slots. */
export interface LiveUnitsQuery {
  readonly service: Pick<ServiceCard, 'id' | 'resourceIds' | 'bufferBeforeMinutes'>;
  readonly starts: Interval;
  readonly slotIds: readonly string[];
}

/** Units of one live claim. */
export interface LiveUnits {
  readonly holdId: string;
  readonly callerId: string | null;
  readonly startAtMs: EpochMs;
  readonly quantity: number;
}

export interface ScheduleStore {
  /** Without the withdrawn ones. */
  slots(): Iterable<Slot>;
  insertSlot(slot: Slot): void;
  /** Slots that no rule wants any more; bookings of the past still name them. */
  withdrawnSlots(): Iterable<Slot>;
  /** Replaces what may change of a slot. */
  updateSlot(slot: Slot, sale: SlotSale): void;
  /** Ids of slots that nobody new may take. */
  leavingSlots(): string[];
  /** The version of the rules that a service's slots were made by last; 0 for none. */
  scheduleVersion(serviceId: string): number;
  saveScheduleVersion(serviceId: string, version: number): void;
  /** What is live of a service's slots that start in an interval; the caller is null for a hold of this transaction. */
  liveUnitsIn(query: LiveUnitsQuery): LiveUnits[];
  blocks(): ResourceBlock[];
  insertBlock(block: ResourceBlock): void;
  deleteBlock(id: string): void;
  /** Holds, committed ones too, with a live claim on a resource for a slot that overlaps the interval; in order of start. */
  holdsOn(resourceId: string, over: Interval): string[];
}
