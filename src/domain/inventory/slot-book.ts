/**
 * The slots of a shard in memory: by id, by service in order of start, and those that were withdrawn by what makes them
 * the same slot. It knows nothing of what is taken.
 */
import type { Slot } from './cards.ts';
import type { Interval } from '../time.ts';

/** What makes two slots of a service the same one. */
export type SlotLike = Interval & Pick<Slot, 'resourceId'>;

export class SlotBook {
  readonly #slots = new Map<string, Slot>();
  /** Slots of a service in order of start, then id. */
  readonly #schedule = new Map<string, Slot[]>();
  /** The longest slot that each service ever had. */
  readonly #longestMs = new Map<string, number>();
  /** Slots that are for sale no more; bookings of the past still name them. */
  readonly #withdrawn = new Map<string, Slot>();

  /** Slots that nobody new may take, and that go once those who have them give them back. */
  readonly #leaving = new Set<string>();

  get(id: string): Slot | null {
    return this.#slots.get(id) ?? null;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** A service's slots in order of start; the caller must not change the array. */
  schedule(serviceId: string): readonly Slot[] {
    return this.#schedule.get(serviceId) ?? [];
  }

  /** How far before an instant a slot of the service may begin that has not ended by then. */
  longestMs(serviceId: string): number {
    return this.#longestMs.get(serviceId) ?? 0;
  }

  /** Adds a slot or replaces it; one that was withdrawn is for sale again. */
  put(slot: Slot): void {
    this.#measure(slot);
    const schedule = this.#takeOut(slot);
    this.#withdrawn.delete(nameOf(slot.serviceId, slot));
    schedule.splice(placeInSchedule(schedule, slot), 0, slot);
    this.#schedule.set(slot.serviceId, schedule);
    this.#slots.set(slot.id, slot);
  }

  /** Adds many slots at once; for the start, when one by one would sort again and again. */
  putAll(slots: readonly Slot[]): void {
    for (const slot of slots) {
      this.#measure(slot);
      this.#slots.set(slot.id, slot);
      const schedule = this.#schedule.get(slot.serviceId);
      if (schedule === undefined) this.#schedule.set(slot.serviceId, [slot]);
      else schedule.push(slot);
    }
    for (const schedule of this.#schedule.values()) {
      schedule.sort((a, b) => a.startAtMs - b.startAtMs || (a.id < b.id ? -1 : 1));
    }
  }

  /** Takes a slot out of its schedule; it stays readable by its id. */
  withdraw(slot: Slot): void {
    this.#takeOut(slot);
    this.#leaving.delete(slot.id);
    this.#slots.set(slot.id, slot);
    this.#withdrawn.set(nameOf(slot.serviceId, slot), slot);
  }

  /** The slot like this one that was withdrawn; null when there is none. */
  withdrawn(serviceId: string, like: SlotLike): Slot | null {
    return this.#withdrawn.get(nameOf(serviceId, like)) ?? null;
  }

  isWithdrawn(slot: Slot): boolean {
    return this.#withdrawn.size > 0 && this.withdrawn(slot.serviceId, slot)?.id === slot.id;
  }

  /** Lets nobody new take a slot, or anybody again. */
  setLeaving(id: string, isLeaving: boolean): void {
    if (isLeaving) this.#leaving.add(id);
    else this.#leaving.delete(id);
  }

  isLeaving(id: string): boolean {
    return this.#leaving.has(id);
  }

  /** The slot like this one that is for sale; null when there is none. */
  find(serviceId: string, like: SlotLike): Slot | null {
    const schedule = this.schedule(serviceId);
    for (let i = firstAtOrAfter(schedule, like.startAtMs); i < schedule.length; i++) {
      const slot = schedule[i] as Slot;
      if (slot.startAtMs !== like.startAtMs) break;
      if (slot.endAtMs === like.endAtMs && slot.resourceId === like.resourceId) return slot;
    }
    return null;
  }

  #measure({ serviceId, startAtMs, endAtMs }: Slot): void {
    if (endAtMs - startAtMs > this.longestMs(serviceId))
      this.#longestMs.set(serviceId, endAtMs - startAtMs);
  }

  /** Takes a slot out of its service's schedule, which is then ready to take it in again. */
  #takeOut({ id, serviceId }: Slot): Slot[] {
    const schedule = this.#schedule.get(serviceId) ?? [];
    const known = this.#slots.get(id);
    const index = known === undefined ? -1 : placeInSchedule(schedule, known) - 1;
    if (index >= 0 && schedule[index] === known) schedule.splice(index, 1);
    return schedule;
  }
}

/** Index of the first slot that starts at or after the instant. */
export function firstAtOrAfter(schedule: readonly Slot[], startAtMs: number): number {
  let low = 0;
  let high = schedule.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((schedule[middle] as Slot).startAtMs < startAtMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the slot belongs: after all that start earlier, after those of its start with a smaller id, and after itself. */
function placeInSchedule(schedule: readonly Slot[], slot: Slot): number {
  let index = firstAtOrAfter(schedule, slot.startAtMs);
  while (index < schedule.length) {
    const other = schedule[index] as Slot;
    if (other.startAtMs !== slot.startAtMs || other.id > slot.id) break;
    index += 1;
  }
  return index;
}

function nameOf(serviceId: string, like: SlotLike): string {
  return `${serviceId} ${like.startAtMs} ${like.endAtMs} ${like.resourceId ?? ''}`;
}
