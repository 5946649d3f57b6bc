/**
 * The waiting lines of a shard in memory, first come first served, and what has changed since somebody last looked for
 * free units. Holds live entries alone. It is a cache of storage: whoever changes it writes the same in the same
 * transaction. Called by the shard's commands.
 */
import { required } from '../assert.ts';
import type { ServiceCard, Slot } from '../inventory/cards.ts';
import type { Claim } from '../inventory/claim.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { InventoryObserver } from '../inventory/inventory-observer.ts';
import { MINUTE_MS, type EpochMs } from '../time.ts';
import { IN_LINE_STATES, type WaitlistState } from './waitlist-machine.ts';

/** Somebody in the line for a slot. */
export interface WaitlistEntry {
  readonly id: string;
  /** Place of arrival in the shard; it only grows. */
  readonly seq: number;
  readonly slotId: string;
  readonly serviceId: string;
  readonly customerId: string;
  readonly quantity: number;
  /** The fare that it waits for; null where the slot has none. */
  readonly fareId: string | null;
  readonly state: WaitlistState;
  /** The hold that reserves the units of its offer; null while there is none. */
  readonly holdId: string | null;
  readonly offerEndsAtMs: EpochMs | null;
  /** Its customer was told of the offer. */
  readonly isTold: boolean;
  readonly createdAtMs: EpochMs;
}

/** The last instant at which an offer of the slot may begin: its whole time ends while the slot can still be held. */
export function lastOfferAtMs(slot: Slot, service: ServiceCard, offerMs: number): EpochMs {
  return slot.startAtMs - service.minimumNoticeMinutes * MINUTE_MS - offerMs;
}

/** What changed in the inventory, before anybody has looked whether it freed units. */
interface Touched {
  readonly occupancy: Pick<Claim, 'resourceId' | 'span'>[];
  readonly slotIds: Set<string>;
  readonly serviceIds: Set<string>;
  readonly resourceIds: Set<string>;
}

export class Waitlist implements InventoryObserver {
  readonly #inventory: Inventory;
  readonly #entries = new Map<string, WaitlistEntry>();
  /** Ids by slot, in order of arrival. */
  readonly #lines = new Map<string, string[]>();
  /** Entries in a line, by service and by customer. */
  readonly #perService = new Map<string, number>();
  readonly #perCustomer = new Map<string, number>();
  readonly #untold = new Set<string>();
  /** The holds of offers. */
  readonly #offers = new Set<string>();
  #touched: Touched = nothingTouched();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    inventory.observe(this);
  }

  /** An entry that is in a line; null for one that is over. */
  entry(id: string): WaitlistEntry | null {
    return this.#entries.get(id) ?? null;
  }

  /** The line for a slot, those with an offer among them. */
  line(slotId: string): WaitlistEntry[] {
    return (this.#lines.get(slotId) ?? []).map((id) => this.#known(id));
  }

  /** A customer's entry in the line for a slot; null when there is none. */
  entryOf(slotId: string, customerId: string): WaitlistEntry | null {
    if (!this.#perCustomer.has(customerId)) return null;
    return this.line(slotId).find((entry) => entry.customerId === customerId) ?? null;
  }

  /** In how many lines a customer stands. */
  linesOf(customerId: string): number {
    return this.#perCustomer.get(customerId) ?? 0;
  }

  /** 1 for whoever gets the next offer; null for an entry that does not wait. */
  position({ id, slotId }: WaitlistEntry): number | null {
    const waiting = this.line(slotId).filter(({ state }) => state === 'waiting');
    const index = waiting.findIndex((entry) => entry.id === id);
    return index === -1 ? null : index + 1;
  }

  /** True for a hold that is an offer. */
  isOffer(holdId: string): boolean {
    return this.#offers.has(holdId);
  }

  /** True while somebody was not told of an offer. */
  get hasUntold(): boolean {
    return this.#untold.size > 0;
  }

  /** Offers that nobody was told of, oldest first. */
  untold(limit: number): WaitlistEntry[] {
    return [...this.#untold].slice(0, limit).map((id) => this.#known(id));
  }

  /** Adds an entry or replaces it; one that is over is forgotten. New entries come in order of arrival. */
  put(entry: WaitlistEntry): void {
    const isInLine = IN_LINE_STATES.has(entry.state);
    const known = this.entry(entry.id);
    const isKnown = known !== null;
    const formerOffer = known?.holdId ?? null;
    if (formerOffer !== null) this.#offers.delete(formerOffer);
    if (entry.holdId !== null) this.#offers.add(entry.holdId);
    if (isInLine && !isKnown) this.#count(entry, 1);
    if (!isInLine && isKnown) this.#count(entry, -1);
    const line = (this.#lines.get(entry.slotId) ?? []).filter((id) => isInLine || id !== entry.id);
    if (isInLine && !isKnown) line.push(entry.id);
    if (line.length === 0) this.#lines.delete(entry.slotId);
    else this.#lines.set(entry.slotId, line);
    if (isInLine) this.#entries.set(entry.id, entry);
    else this.#entries.delete(entry.id);
    if (entry.state === 'offered' && !entry.isTold) this.#untold.add(entry.id);
    else this.#untold.delete(entry.id);
  }

  /**
   * Those who wait for slots of which something may have become free since the last call, in order of arrival. Costs
   * nothing while nobody waits.
   */
  takeTouched(): WaitlistEntry[] {
    if (this.#lines.size === 0) {
      this.forgetTouched();
      return [];
    }
    const touched = this.#touched;
    this.#touched = nothingTouched();
    const slotIds = new Set(touched.slotIds);
    for (const serviceId of this.#perService.keys()) {
      const resourceIds = this.#inventory.service(serviceId)?.resourceIds ?? [];
      const isWhole =
        touched.serviceIds.has(serviceId) || resourceIds.some((id) => touched.resourceIds.has(id));
      for (const slotId of isWhole ? this.#slotsOf(serviceId) : []) slotIds.add(slotId);
      for (const change of touched.occupancy) {
        for (const { id } of this.#inventory.slotsOver(serviceId, change)) slotIds.add(id);
      }
    }
    return [...slotIds]
      .flatMap((slotId) => this.line(slotId))
      .filter(({ state }) => state === 'waiting')
      .toSorted((a, b) => a.seq - b.seq);
  }

  /** Forgets what changed: whoever made offers took units, and freed none. */
  forgetTouched(): void {
    this.#touched = nothingTouched();
  }

  occupancyChanging(change: Pick<Claim, 'resourceId' | 'span'>): void {
    if (this.#perService.size > 0) this.#touched.occupancy.push(change);
  }

  slotChanging(slot: Slot): void {
    if (this.#lines.has(slot.id)) this.#touched.slotIds.add(slot.id);
  }

  serviceChanging(id: string): void {
    if (this.#perService.has(id)) this.#touched.serviceIds.add(id);
  }

  resourceChanging(id: string): void {
    if (this.#perService.size > 0) this.#touched.resourceIds.add(id);
  }

  #known(id: string): WaitlistEntry {
    return required(this.#entries.get(id), 'a line holds entries that are live');
  }

  *#slotsOf(serviceId: string): Generator<string> {
    for (const slotId of this.#lines.keys()) {
      if (this.#inventory.slot(slotId)?.serviceId === serviceId) yield slotId;
    }
  }

  #count({ serviceId, customerId }: WaitlistEntry, by: 1 | -1): void {
    grow(this.#perService, serviceId, by);
    grow(this.#perCustomer, customerId, by);
  }
}

function nothingTouched(): Touched {
  return { occupancy: [], slotIds: new Set(), serviceIds: new Set(), resourceIds: new Set() };
}

function grow(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
