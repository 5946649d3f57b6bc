/**
 * A small shop for the inventory's tests, and what ought to be free in it, counted minute by minute from the list of
 * claims alone. It knows nothing of lanes, levels or trimmed buffers.
 */
import type { ResourceCard, ServiceCard, Slot } from '../../src/domain/inventory/cards.ts';
import type { Claim } from '../../src/domain/inventory/claim.ts';
import { Inventory } from '../../src/domain/inventory/inventory.ts';
import { MINUTE_MS, type Interval } from '../../src/domain/time.ts';
import { makeResourceCard, makeServiceCard } from '../support/cards.ts';

/** A claim set that is live, as the test remembers it. */
export interface Live {
  readonly claims: readonly Claim[];
  isHold: boolean;
}

export const COURT_ONE = makeResourceCard({ id: 'res_one' });
export const COURT_TWO = makeResourceCard({ id: 'res_two' });
export const POOL = makeResourceCard({ id: 'res_pool', capacity: 3 });
export const HALL = makeResourceCard({ id: 'res_hall', capacity: 3, units: ['A', 'B', 'C'] });
export const RESOURCES: readonly ResourceCard[] = [COURT_ONE, COURT_TWO, POOL, HALL];

export const ANY_COURT = makeServiceCard({
  id: 'svc_any',
  resourceIds: ['res_one', 'res_two'],
  bufferBeforeMinutes: 10,
  bufferAfterMinutes: 20,
});
export const COURT_AND_POOL = makeServiceCard({
  id: 'svc_all',
  resourceIds: ['res_one', 'res_pool'],
  allocation: 'all',
  bufferAfterMinutes: 30,
});
export const SWIM = makeServiceCard({
  id: 'svc_swim',
  resourceIds: ['res_pool'],
  bufferBeforeMinutes: 10,
});
export const SEATS = makeServiceCard({
  id: 'svc_seats',
  resourceIds: ['res_hall'],
  bufferAfterMinutes: 10,
});
export const SERVICES: readonly ServiceCard[] = [ANY_COURT, COURT_AND_POOL, SWIM, SEATS];

/** A slot of a service; times in minutes from the epoch. */
export function makeSlot(
  service: ServiceCard,
  from: number,
  overrides: Partial<Slot> & { minutes?: number } = {},
): Slot {
  const { minutes = 60, ...rest } = overrides;
  return {
    id: `slt_${service.id}_${from}_${minutes}_${rest.resourceId ?? 'any'}_${rest.capacity ?? ''}`,
    serviceId: service.id,
    startAtMs: from * MINUTE_MS,
    endAtMs: (from + minutes) * MINUTE_MS,
    resourceId: null,
    capacity: null,
    price: null,
    fares: null,
    ruleId: null,
    blockedReason: null,
    version: 1,
    ...rest,
  };
}

/** An inventory with all of the shop and these slots. */
export function stock(
  slots: readonly Slot[],
  services: readonly ServiceCard[] = SERVICES,
): Inventory {
  const inventory = new Inventory();
  for (const card of RESOURCES) inventory.putResource(card);
  for (const card of services) inventory.putService(card);
  inventory.putSlots(slots);
  return inventory;
}

/** The interval that keeps others away from a slot. */
export function keptFree(slot: Slot, service: ServiceCard): Interval {
  return {
    startAtMs: slot.startAtMs - service.bufferBeforeMinutes * MINUTE_MS,
    endAtMs: slot.endAtMs + service.bufferAfterMinutes * MINUTE_MS,
  };
}

/** An interval in which nobody may take a resource anew. */
export interface Block {
  readonly resourceId: string;
  readonly span: Interval;
}

/** What the list of live claims and the blocks leave free. */
export class Count {
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #services: ReadonlyMap<string, ServiceCard>;
  readonly live: readonly Live[];
  readonly blocks: readonly Block[];

  constructor(inventory: Inventory, live: readonly Live[], blocks: readonly Block[] = []) {
    this.live = live;
    this.blocks = blocks;
    this.#services = new Map(SERVICES.map((card) => [card.id, card]));
    const slots = SERVICES.flatMap((card) => inventory.schedule(card.id));
    this.#slots = new Map(slots.map((slot) => [slot.id, slot]));
  }

  service(slot: Slot): ServiceCard {
    const service = this.#services.get(slot.serviceId);
    if (service === undefined) throw new Error('no such service');
    return service;
  }

  /** The slots that a live set took on a resource or one of its units. */
  slotsOn(set: Live, where: { resourceId: string; unit: string | null }): Slot[] {
    return set.claims
      .filter((claim) => claim.resourceId === where.resourceId)
      .filter((claim) => where.unit === null || claim.unit === where.unit)
      .map(({ slotId }) => this.#slots.get(slotId) as Slot);
  }

  /** How much of a resource a live set takes at a minute: within one hold, buffers count for nothing. */
  takenBy(set: Live, where: { resourceId: string; unit: string | null; atMs: number }): number {
    const { resourceId, unit, atMs } = where;
    const own = set.claims.filter(
      (claim) => claim.resourceId === resourceId && (unit === null || claim.unit === unit),
    );
    const inside = (span: Interval) => span.startAtMs <= atMs && atMs < span.endAtMs;
    const cores = own.filter(({ slotId }) => inside(this.#slots.get(slotId) as Slot));
    const kept = own.filter(({ slotId }) => {
      const slot = this.#slots.get(slotId) as Slot;
      return inside(keptFree(slot, this.service(slot)));
    });
    const perSlot = new Map<string, Claim[]>();
    for (const claim of kept)
      perSlot.set(claim.slotId, [...(perSlot.get(claim.slotId) ?? []), claim]);
    const bufferOnly = Math.max(0, ...[...perSlot.values()].map(totalOf));
    return Math.max(totalOf(cores), bufferOnly);
  }

  /** The most that is taken of a resource, or of one unit, at any minute of the interval. */
  peak(where: { resourceId: string; unit: string | null }, over: Interval): number {
    let highest = 0;
    for (let atMs = over.startAtMs; atMs < over.endAtMs; atMs += 10 * MINUTE_MS) {
      const level = this.live.reduce((n, set) => n + this.takenBy(set, { ...where, atMs }), 0);
      highest = Math.max(highest, level);
    }
    return highest;
  }

  /** True when some of the interval is kept from sale. */
  isBlocked(card: ResourceCard, over: Interval): boolean {
    return this.blocks.some(
      ({ resourceId, span }) =>
        resourceId === card.id && span.startAtMs < over.endAtMs && over.startAtMs < span.endAtMs,
    );
  }

  /** Units of a resource that nobody has during the interval. */
  freeUnits(card: ResourceCard, over: Interval): string[] {
    if (this.isBlocked(card, over)) return [];
    return (card.units ?? []).filter(
      (unit) => this.peak({ resourceId: card.id, unit }, over) === 0,
    );
  }

  /** How much of a resource is left for a slot. */
  freeOf(card: ResourceCard, slot: Slot): number {
    const over = keptFree(slot, this.service(slot));
    if (this.isBlocked(card, over)) return 0;
    if (card.units !== null) return this.freeUnits(card, over).length;
    return card.capacity - this.peak({ resourceId: card.id, unit: null }, over);
  }

  /** What a slot's own capacity still allows. */
  ownLeft(slot: Slot): number {
    if (slot.capacity === null) return Number.MAX_SAFE_INTEGER;
    const isAll = slot.resourceId === null && this.service(slot).allocation === 'all';
    const first = this.service(slot).resourceIds[0];
    const taken = this.live
      .flatMap(({ claims }) => claims)
      .filter((claim) => claim.slotId === slot.id && (!isAll || claim.resourceId === first))
      .reduce((n, { quantity }) => n + quantity, 0);
    return slot.capacity - taken;
  }

  /** The resources that a slot may use. */
  candidates(slot: Slot): ResourceCard[] {
    const ids = slot.resourceId === null ? this.service(slot).resourceIds : [slot.resourceId];
    return RESOURCES.filter(({ id }) => ids.includes(id));
  }

  /** Whether a slot alone could be had now. */
  fits(slot: Slot, wish: { quantity: number; units: readonly string[] | null }): boolean {
    if (this.ownLeft(slot) < wish.quantity) return false;
    const can = (card: ResourceCard): boolean => {
      if (wish.units === null) return this.freeOf(card, slot) >= wish.quantity;
      const free = this.freeUnits(card, keptFree(slot, this.service(slot)));
      return wish.units.every((unit) => free.includes(unit));
    };
    const cards = this.candidates(slot);
    return this.#isAll(slot) ? cards.every(can) : cards.some(can);
  }

  /** What a slot ought to show before its start. */
  shown(slot: Slot): { remaining: number; status: string } {
    const free = this.candidates(slot).map((card) => this.freeOf(card, slot));
    const all = this.#isAll(slot) ? Math.min(...free) : free.reduce((n, one) => n + one, 0);
    const remaining = Math.max(0, Math.min(all, this.ownLeft(slot)));
    if (this.#isKeptFromSale(slot)) return { remaining, status: 'blocked' };
    if (remaining > 0) return { remaining, status: 'available' };
    const isHeld = this.live.some((set) => set.isHold && this.#isInTheWay(set, slot));
    return { remaining, status: isHeld ? 'held' : 'booked' };
  }

  /** Nobody has any of the slot, and nothing of it can be had for the blocks. */
  #isKeptFromSale(slot: Slot): boolean {
    if (this.live.some(({ claims }) => claims.some(({ slotId }) => slotId === slot.id)))
      return false;
    const over = keptFree(slot, this.service(slot));
    const isBlocked = (card: ResourceCard) => this.isBlocked(card, over);
    const cards = this.candidates(slot);
    return this.#isAll(slot) ? cards.some(isBlocked) : cards.every(isBlocked);
  }

  #isAll(slot: Slot): boolean {
    return slot.resourceId === null && this.service(slot).allocation === 'all';
  }

  #isInTheWay(set: Live, slot: Slot): boolean {
    const over = keptFree(slot, this.service(slot));
    if (set.claims.some(({ slotId }) => slotId === slot.id)) return true;
    return this.candidates(slot).some(({ id }) =>
      this.slotsOn(set, { resourceId: id, unit: null }).some((other) => {
        const kept = keptFree(other, this.service(other));
        return kept.startAtMs < over.endAtMs && over.startAtMs < kept.endAtMs;
      }),
    );
  }
}

function totalOf(claims: readonly Claim[]): number {
  return claims.reduce((total, { quantity }) => total + quantity, 0);
}
