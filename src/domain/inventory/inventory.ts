/**
 * What a shard sells and what of it is taken, in memory. Decides claims: all of a hold's slots or none,
 * exclusive, pooled and named resources alike, by the overlap of buffered intervals.
 * It is a cache of the shard's storage: whoever changes it writes the same in the same transaction.
 */
import { invariant, required } from '../assert.ts';
import { MINUTE_MS, overlaps, type Interval } from '../time.ts';
import { adjoin } from './adjoining.ts';
import type { ResourceCard, ServiceCard, Slot } from './cards.ts';
import { bufferedSpan } from './claim.ts';
import type { Claim, ClaimOutcome, ClaimWish, OwnClaims } from './claim.ts';
import { FareLevels } from './fare-levels.ts';
import type { InventoryObserver } from './inventory-observer.ts';
import { Lane } from './occupancy.ts';
import {
  freeOf,
  statusOf,
  unitsOf,
  type ResourceLanes,
  type SlotAvailability,
} from './slot-availability.ts';
import { firstAtOrAfter, SlotBook, type SlotLike } from './slot-book.ts';
import { bestUnits, hasRoom } from './unit-choice.ts';

/** One resource wanted for one slot, with what the same hold took before. */
interface ResourceRequest {
  readonly slot: Slot;
  readonly service: ServiceCard;
  readonly wish: ClaimWish;
  readonly taken: Claim[];
}

/** What a claim takes of a resource. */
type LaneWish = Pick<Claim, 'resourceId' | 'unit' | 'quantity'>;

interface SlotLevel {
  taken: number;
  held: number;
}

export class Inventory {
  readonly #resources = new Map<string, ResourceLanes>();
  readonly #services = new Map<string, ServiceCard>();
  readonly #slots = new SlotBook();
  readonly #levels = new Map<string, SlotLevel>();
  readonly #fares = new FareLevels();
  /** Where the next `any` claim of a service begins to look, so that no resource wears out first. */
  readonly #rotation = new Map<string, number>();
  readonly #observers = new Set<InventoryObserver>();

  /** Tells somebody of every change from now on. */
  observe(observer: InventoryObserver): void {
    this.#observers.add(observer);
  }

  /** Tells somebody of nothing more. */
  unobserve(observer: InventoryObserver): void {
    this.#observers.delete(observer);
  }

  resource(id: string): ResourceCard | null {
    return this.#resources.get(id)?.card ?? null;
  }

  service(id: string): ServiceCard | null {
    return this.#services.get(id) ?? null;
  }

  serviceIds(): Iterable<string> {
    return this.#services.keys();
  }

  slot(id: string): Slot | null {
    return this.#slots.get(id);
  }

  get slotCount(): number {
    return this.#slots.size;
  }

  /** A service's slots in order of start; the caller must not change the array. */
  schedule(serviceId: string): readonly Slot[] {
    return this.#slots.schedule(serviceId);
  }

  /** Adds a resource or replaces its card; capacity and units are fixed at creation, so its claims stay. */
  putResource(card: ResourceCard): void {
    for (const observer of this.#observers) observer.resourceChanging(card.id);
    const known = this.#resources.get(card.id);
    const units =
      card.units === null ? null : new Map(card.units.map((unit) => [unit, new Lane(1)]));
    this.#resources.set(card.id, {
      card,
      whole: known?.whole ?? new Lane(card.capacity),
      units: known?.units ?? units,
    });
  }

  putService(card: ServiceCard): void {
    for (const observer of this.#observers) observer.serviceChanging(card.id);
    this.#services.set(card.id, card);
  }

  putSlot(slot: Slot): void {
    for (const observer of this.#observers) observer.slotChanging(slot);
    this.#slots.put(slot);
  }

  /** Takes a slot from sale for good: it stays readable, and only those who booked it before will ask for it. */
  withdrawSlot(slot: Slot): void {
    for (const observer of this.#observers) observer.slotChanging(slot);
    this.#slots.withdraw(slot);
  }

  /** The slot of the same service, interval and resource that was withdrawn; null when there is none. */
  withdrawnSlot(serviceId: string, like: SlotLike): Slot | null {
    return this.#slots.withdrawn(serviceId, like);
  }

  isWithdrawn(slot: Slot): boolean {
    return this.#slots.isWithdrawn(slot);
  }

  /** Lets nobody new take a slot that somebody has, or anybody again: it is not wanted any more once it is given back. */
  setLeaving(slot: Slot, isLeaving: boolean): void {
    for (const observer of this.#observers) observer.slotChanging(slot);
    this.#slots.setLeaving(slot.id, isLeaving);
  }

  isLeaving(slotId: string): boolean {
    return this.#slots.isLeaving(slotId);
  }

  /** Who has some of a slot by a claim of this very slot; null when nobody has. */
  keeper(slotId: string): 'held' | 'booked' | null {
    const level = this.#levels.get(slotId);
    if (level === undefined) return null;
    return level.taken > level.held ? 'booked' : 'held';
  }

  /** Units of a slot that are taken without a deadline, by claims of this very slot. */
  committedUnits(slotId: string): number {
    const { taken, held } = this.#levels.get(slotId) ?? { taken: 0, held: 0 };
    return taken - held;
  }

  /** Keeps a resource from being claimed over an interval; what is taken there stays taken. */
  block(resourceId: string, span: Interval): void {
    for (const observer of this.#observers) observer.occupancyChanging({ resourceId, span });
    this.#lanes(resourceId).whole.block(span);
  }

  /** Ends one block of exactly this interval. */
  unblock(resourceId: string, span: Interval): void {
    for (const observer of this.#observers) observer.occupancyChanging({ resourceId, span });
    this.#lanes(resourceId).whole.unblock(span);
  }

  /** Adds many slots at once; for the start, when one by one would sort again and again. */
  putSlots(slots: readonly Slot[]): void {
    this.#slots.putAll(slots);
  }

  /** What a claim counts for against its slot's own capacity. */
  slotQuantity(claim: Claim): number {
    return this.#countsForSlot(claim) ? claim.quantity : 0;
  }

  /** The identity of a slot for one service: the same interval on the same resource is the same slot. */
  findSlot(serviceId: string, like: SlotLike): Slot | null {
    return this.#slots.find(serviceId, like);
  }

  /** The slots of a service whose buffered intervals a claim on a resource overlaps: what it takes is missing there. */
  *slotsOver(serviceId: string, claim: Pick<Claim, 'resourceId' | 'span'>): Generator<Slot> {
    const service = this.service(serviceId);
    if (service === null || !service.resourceIds.includes(claim.resourceId)) return;
    const schedule = this.schedule(serviceId);
    const backMs = this.#slots.longestMs(serviceId) + service.bufferAfterMinutes * MINUTE_MS;
    const beforeMs = service.bufferBeforeMinutes * MINUTE_MS;
    for (let i = firstAtOrAfter(schedule, claim.span.startAtMs - backMs); ; i++) {
      const slot = schedule[i];
      if (slot === undefined || slot.startAtMs - beforeMs >= claim.span.endAtMs) return;
      const isElsewhere = slot.resourceId !== null && slot.resourceId !== claim.resourceId;
      if (!isElsewhere && overlaps(bufferedSpan(slot, service), claim.span)) yield slot;
    }
  }

  /** Takes everything that the wish names, as holds, or nothing. Synchronous, so that nobody comes between. */
  claim(wish: ClaimWish): ClaimOutcome {
    return this.#take(wish, []);
  }

  /**
   * What the committed claims of a hold would become with other slots in the place of some: `kept` stay on what they were
   * assigned, and are cut anew as the neighbours of what the wish adds. The hold's own claims are not in its way. Changes
   * nothing: whoever asks writes what they take.
   */
  rearrange(own: OwnClaims, wish: ClaimWish): ClaimOutcome {
    for (const claim of own.before) this.release(claim, false);
    const kept = this.#cutAnew(own.kept);
    for (const claim of kept) this.restore(claim, true);
    const outcome = this.#take(wish, kept);
    if (outcome.ok) for (const claim of outcome.claims) this.release(claim, true);
    for (const claim of own.before) this.restore(claim, false);
    return outcome;
  }

  /** What is left of a hold's committed claims when some go: cut anew, without those as neighbours. Changes nothing. */
  keep(own: OwnClaims): readonly Claim[] {
    const outcome = this.rearrange(own, { slots: [], quantity: 1, units: null, fareId: null });
    invariant(outcome.ok, 'what stays has nothing in its way');
    return outcome.claims;
  }

  /** Puts back a claim that storage already has, at start. */
  restore(claim: Claim, isHold: boolean): void {
    for (const observer of this.#observers) observer.occupancyChanging(claim);
    for (const lane of this.#lanesOf(claim)) {
      lane.claim(claim.span, { quantity: claim.quantity, isHold });
    }
    this.#addLevel(claim, isHold, 1);
  }

  /** Turns a held claim into one without a deadline. */
  commit(claim: Claim): void {
    for (const observer of this.#observers) observer.occupancyChanging(claim);
    for (const lane of this.#lanesOf(claim)) lane.commit(claim.span, claim.quantity);
    if (this.#countsForSlot(claim)) this.#level(claim.slotId).held -= claim.quantity;
  }

  /** Gives a claim back. */
  release(claim: Claim, isHold: boolean): void {
    for (const observer of this.#observers) observer.occupancyChanging(claim);
    for (const lane of this.#lanesOf(claim)) {
      lane.release(claim.span, { quantity: claim.quantity, isHold });
    }
    this.#addLevel(claim, isHold, -1);
  }

  /** What a slot shows at an instant. */
  availability(slot: Slot, nowMs: number): SlotAvailability {
    const service = required(this.service(slot.serviceId), 'a slot has a service');
    const resourceIds = slot.resourceId === null ? service.resourceIds : [slot.resourceId];
    const span = bufferedSpan(slot, service);
    const lanes = resourceIds.map((id) => this.#lanes(id));
    const free = lanes.map((resource) => (resource.card.active ? freeOf(resource, span) : 0));
    const combine = isAll(slot, service) ? (n: number[]) => Math.min(...n) : sum;
    const level = this.#levels.get(slot.id) ?? { taken: 0, held: 0 };
    const ownCapacity = slot.capacity ?? Number.MAX_SAFE_INTEGER;
    const isOver = this.#isOver(slot);
    const left = isOver ? 0 : Math.max(0, Math.min(combine(free), ownCapacity - level.taken));
    const fares = this.#fares.availability(slot, left);
    // What no fare sells is not for sale.
    const remaining = fares === null ? left : Math.min(left, sum(fares.map((f) => f.remaining)));
    const isHeld = level.held > 0 || lanes.some(({ whole }) => whole.hasHold(span));
    const isKept = ({ whole }: ResourceLanes) => whole.isBlocked(span);
    const isBlocked =
      slot.blockedReason !== null ||
      (level.taken === 0 &&
        (isOver || (isAll(slot, service) ? lanes.some(isKept) : lanes.every(isKept))));
    return {
      resourceIds,
      capacity: this.capacityOf(slot),
      remaining,
      status: statusOf(slot, { nowMs, remaining, isHeld, isBlocked: isBlocked || !service.active }),
      units: unitsOf(lanes, span),
      fares,
    };
  }

  /** What a slot has when nothing of it is taken: the least of its resources', its own and its fares' capacity. */
  capacityOf(slot: Pick<Slot, 'serviceId' | 'resourceId' | 'capacity' | 'fares'>): number {
    const service = required(this.service(slot.serviceId), 'a slot has a service');
    const resourceIds = slot.resourceId === null ? service.resourceIds : [slot.resourceId];
    const capacities = resourceIds.map(
      (id) => required(this.#resources.get(id), 'a slot has its resources').card.capacity,
    );
    const whole = isAll(slot, service) ? Math.min(...capacities) : sum(capacities);
    return Math.min(whole, slot.capacity ?? whole, this.#fares.capacity(slot));
  }

  /**
   * True when a claim of this slot alone would be granted. Changes nothing; whether it has begun is not looked at.
   */
  canClaim({ slot, service }: ClaimWish['slots'][number], wish: Omit<ClaimWish, 'slots'>): boolean {
    if (!this.#isForSale(slot, service, wish)) return false;
    const span = bufferedSpan(slot, service);
    const fits = (id: string): boolean => hasRoom(this.#lanes(id), span, wish);
    if (slot.resourceId !== null) return fits(slot.resourceId);
    return service.allocation === 'all'
      ? service.resourceIds.every(fits)
      : service.resourceIds.some(fits);
  }

  /** Adds what the wish names to what the same hold took before, as holds; where something is in the way all of it goes. */
  #take(wish: ClaimWish, before: readonly Claim[]): ClaimOutcome {
    const taken = [...before];
    const conflicts: string[] = [];
    for (const line of wish.slots.toSorted((a, b) => a.slot.startAtMs - b.slot.startAtMs)) {
      if (!this.#claimSlot(line, wish, taken)) conflicts.push(line.slot.id);
    }
    if (conflicts.length === 0) return { ok: true, claims: taken };
    for (const claim of taken) this.release(claim, true);
    return { ok: false, conflicts };
  }

  #claimSlot(
    { slot, service }: ClaimWish['slots'][number],
    wish: ClaimWish,
    taken: Claim[],
  ): boolean {
    if (!this.#isForSale(slot, service, wish)) return false;
    if (slot.resourceId !== null)
      return this.#claimResource(slot.resourceId, { slot, service, wish, taken });
    if (service.allocation === 'all') {
      return service.resourceIds.every((id) =>
        this.#claimResource(id, { slot, service, wish, taken }),
      );
    }
    const start = this.#rotation.get(service.id) ?? 0;
    for (let i = 0; i < service.resourceIds.length; i++) {
      const index = (start + i) % service.resourceIds.length;
      const id = service.resourceIds[index] as string;
      if (!this.#claimResource(id, { slot, service, wish, taken })) continue;
      this.#rotation.set(service.id, index + 1);
      return true;
    }
    return false;
  }

  /** False where the slot refuses whatever its resources have: it is kept from sale, or its own limits are met. */
  #isForSale(slot: Slot, service: ServiceCard, wish: Omit<ClaimWish, 'slots'>): boolean {
    const isSold = slot.blockedReason === null && service.active && !this.#isOver(slot);
    if (!isSold && wish.isOwn !== true) return false;
    const level = this.#levels.get(slot.id)?.taken ?? 0;
    if (slot.capacity !== null && level + wish.quantity > slot.capacity) return false;
    return this.#fares.hasRoom(slot, wish);
  }

  /** Takes one resource for one slot into `taken`, or leaves everything as it was. */
  #claimResource(resourceId: string, request: ResourceRequest): boolean {
    const resource = this.#resources.get(resourceId);
    if (resource === undefined || !resource.card.active) return false;
    if (resource.units === null) {
      if (request.wish.units !== null) return false;
      return this.#claimLane({ resourceId, unit: null, quantity: request.wish.quantity }, request);
    }
    const named = request.wish.units;
    const before = [...request.taken];
    let missing = request.wish.quantity;
    const span = bufferedSpan(request.slot, request.service);
    const own = request.taken.flatMap((claim) =>
      claim.resourceId === resourceId && claim.unit !== null ? [claim.unit] : [],
    );
    for (const unit of named ?? bestUnits(resource.units, span, { quantity: missing, own })) {
      if (missing === 0) break;
      if (!resource.units.has(unit)) continue;
      if (this.#claimLane({ resourceId, unit, quantity: 1 }, request)) missing -= 1;
    }
    if (missing > 0) this.#replaceOwn(request.taken, before);
    return missing === 0;
  }

  /** Takes one lane for one slot, making room between the hold's own claims of it; or leaves everything as it was. */
  #claimLane(lane: LaneWish, { slot, service, wish, taken }: ResourceRequest): boolean {
    const before = [...taken];
    const { rest, beside, group } = this.#beside(taken, {
      ...lane,
      slotId: slot.id,
      fareId: slot.fares === null ? null : wish.fareId,
      span: bufferedSpan(slot, service),
    });
    for (const own of beside) this.release(own, true);
    taken.splice(0, taken.length, ...rest);
    for (const placed of group) {
      if (!this.#isFree(placed)) {
        this.#replaceOwn(taken, [...rest, ...beside]);
        taken.splice(0, taken.length, ...before);
        return false;
      }
      this.restore(placed, true);
      taken.push(placed);
    }
    return true;
  }

  /** True for a slot that nobody new may take, whatever is free of its resources. */
  #isOver(slot: Slot): boolean {
    return this.isLeaving(slot.id) || this.isWithdrawn(slot);
  }

  /**
   * A hold's claims of the lane that a new one comes to stand beside, all of them cut for it. Those that overlap it, or one
   * another, are uses of their own and stay as they are.
   */
  #beside(taken: readonly Claim[], newest: Claim) {
    const apart = taken.filter(
      (own) =>
        own.resourceId === newest.resourceId &&
        own.unit === newest.unit &&
        !overlaps(this.#ownInterval(own), this.#ownInterval(newest)),
    );
    const overlapped = (one: Claim): boolean =>
      apart.some((own) => own !== one && overlaps(this.#ownInterval(own), this.#ownInterval(one)));
    const beside = apart.filter((own) => !overlapped(own));
    const rest = taken.filter((own) => !beside.includes(own));
    const group = this.#inOrder([...beside, newest]);
    const spans = adjoin(
      group.map((claim) => ({ own: this.#ownInterval(claim), wide: this.#wideInterval(claim) })),
    );
    const cut = group.map((claim, index) => ({
      ...claim,
      span: required(spans[index], 'one span per claim'),
    }));
    return { rest, beside, group: cut };
  }

  /**
   * Claims as they would be cut if nothing else had ever been beside them; as they are where that cannot be had, because
   * the resource was blocked or the buffers of the service grew since.
   */
  #cutAnew(claims: readonly Claim[]): readonly Claim[] {
    let cut: Claim[] = [];
    for (const claim of this.#inOrder(claims)) {
      const { rest, group } = this.#beside(cut, claim);
      cut = [...rest, ...group];
    }
    const tried: Claim[] = [];
    for (const claim of cut) {
      if (!this.#isFree(claim)) break;
      this.restore(claim, true);
      tried.push(claim);
    }
    for (const claim of tried) this.release(claim, true);
    return tried.length === cut.length ? cut : claims;
  }

  #inOrder(claims: readonly Claim[]): Claim[] {
    return claims.toSorted(
      (a, b) => this.#ownInterval(a).startAtMs - this.#ownInterval(b).startAtMs,
    );
  }

  #lanes(resourceId: string): ResourceLanes {
    return required(this.#resources.get(resourceId), 'what is sold is on a resource of the shard');
  }

  #isFree(claim: Claim): boolean {
    return this.#lanesOf(claim).every((lane) => lane.free(claim.span) >= claim.quantity);
  }

  /** Puts the hold's own claims back to what they were. */
  #replaceOwn(taken: Claim[], before: readonly Claim[]): void {
    const kept = new Set(before);
    const present = new Set(taken);
    for (const claim of taken) if (!kept.has(claim)) this.release(claim, true);
    for (const claim of before) if (!present.has(claim)) this.restore(claim, true);
    taken.splice(0, taken.length, ...before);
  }

  #ownInterval(claim: Claim): Interval {
    return required(this.slot(claim.slotId), 'a claim has its slot');
  }

  #wideInterval(claim: Claim): Interval {
    const slot = required(this.slot(claim.slotId), 'a claim has its slot');
    return bufferedSpan(slot, required(this.service(slot.serviceId), 'a slot has its service'));
  }

  #lanesOf(claim: Claim): Lane[] {
    const resource = required(this.#resources.get(claim.resourceId), 'a claim has its resource');
    if (claim.unit === null) return [resource.whole];
    const lane = required(resource.units?.get(claim.unit), 'a claim has its unit');
    return [lane, resource.whole];
  }

  /** With several resources for one slot (`all`), the slot's own level counts the quantity once. */
  #countsForSlot(claim: Claim): boolean {
    const slot = required(this.slot(claim.slotId), 'a claim has its slot');
    const service = required(this.service(slot.serviceId), 'a slot has its service');
    return !isAll(slot, service) || claim.resourceId === service.resourceIds[0];
  }

  #addLevel(claim: Claim, isHold: boolean, sign: 1 | -1): void {
    if (!this.#countsForSlot(claim)) return;
    const level = this.#level(claim.slotId);
    level.taken += sign * claim.quantity;
    if (isHold) level.held += sign * claim.quantity;
    const { slotId, fareId } = claim;
    if (fareId !== null) this.#fares.add({ slotId, fareId }, sign * claim.quantity);
    if (level.taken === 0) this.#levels.delete(claim.slotId);
  }

  #level(slotId: string): SlotLevel {
    const known = this.#levels.get(slotId);
    if (known !== undefined) return known;
    const level = { taken: 0, held: 0 };
    this.#levels.set(slotId, level);
    return level;
  }
}

function isAll(slot: Pick<Slot, 'resourceId'>, service: ServiceCard): boolean {
  return slot.resourceId === null && service.allocation === 'all';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
