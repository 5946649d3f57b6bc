/**
 * What is free instead, for a refusal that says the slot is gone: the nearest slots of the same service, then of services
 * of its kind at its venue. Bounded, because a crowd must stay cheap to refuse.
 */
import type { SlotView } from '../contracts/http/catalogue.ts';
import { formatInstant } from '../contracts/http/views.ts';
import {
  accessRefusal,
  NO_ACCESS,
  quantityRefusal,
  refusalAfterClaim,
  type HoldAccess,
  type HoldFacts,
} from '../domain/hold/hold.ts';
import type { ServiceCard, Slot } from '../domain/inventory/cards.ts';
import { firstAtOrAfter } from '../domain/inventory/slot-book.ts';
import { refuse } from '../domain/result.ts';
import type { Json, Refusal } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import { holdFacts } from './hold-facts.ts';
import { canBeHad, viewSlot } from './hold-lines.ts';
import type { SlotLine } from './hold-lines.ts';
import type { ShardState } from './shard-state.ts';

/** How many other slots a refusal offers. */
const ALTERNATIVES_MAX = 3;

/** Slots of the service itself, and of all that are like it together, that are looked at: a crowd stays cheap to refuse. */
const OWN_LOOKS_MAX = 120;
const SIBLING_LOOKS_MAX = 60;

/** Services of its kind whose slots are looked at. */
const SIBLINGS_MAX = 10;

/** What was asked for, and what of it cannot be had. */
interface Wanted {
  readonly lines: readonly SlotLine[];
  readonly quantity: number;
  readonly units?: readonly string[] | null;
  readonly fareId: string | null;
  readonly conflicts: readonly string[];
  /** When slots would start that nobody has published. */
  readonly missing?: readonly EpochMs[];
  /** Who asks; what they may not hold is no alternative. */
  readonly ownerIds: readonly string[];
  /** Left out for a booking, whose customer was asked when it was made. */
  readonly access?: HoldAccess;
}

/** 409 with what stands in the way and what is free instead. */
export function slotUnavailable(
  shard: ShardState,
  wanted: Wanted,
): { readonly ok: false; readonly refusal: Refusal } {
  const { conflicts, missing = [] } = wanted;
  const detail =
    conflicts.length === 0 && missing.length > 0
      ? 'Not every week has such a slot.'
      : 'Somebody else has the slot.';
  return refuse('slot_unavailable', detail, {
    conflicts,
    ...(missing.length === 0 ? {} : { missing: missing.map(formatInstant) }),
    alternatives: alternatives(shard, wanted) as unknown as Json,
  });
}

/** The nearest free slots of the first service that was in the way, by their distance from what was asked, then of its siblings. */
function alternatives(shard: ShardState, wanted: Wanted): SlotView[] {
  const line =
    wanted.lines.find(({ slot }) => wanted.conflicts.includes(slot.id)) ?? wanted.lines[0];
  if (line === undefined) return [];
  const found: Slot[] = [];
  const search = { shard, wanted, startAtMs: line.slot.startAtMs, found };
  lookAt([line.service], { ...search, looks: OWN_LOOKS_MAX });
  if (found.length < ALTERNATIVES_MAX)
    lookAt(siblings(shard, line.service), { ...search, looks: SIBLING_LOOKS_MAX });
  return found.map((slot) => viewSlot(shard, slot));
}

/** Adds what is free of some services, nearest first over all of them. */
function lookAt(
  services: readonly ServiceCard[],
  search: { shard: ShardState; wanted: Wanted; startAtMs: number; found: Slot[]; looks: number },
): void {
  const { shard, wanted, startAtMs, found } = search;
  const asked = new Set(wanted.lines.map(({ slot }) => slot.id));
  const schedules = services.map(({ id }) => shard.inventory.schedule(id));
  let looks = 0;
  for (const slot of nearest(schedules, { startAtMs, nowMs: shard.nowMs })) {
    if (found.length === ALTERNATIVES_MAX || looks++ === search.looks) return;
    const service = shard.inventory.service(slot.serviceId);
    if (service === null || asked.has(slot.id)) continue;
    if (isAlternative(shard, wanted, { slot, service })) found.push(slot);
  }
}

/** Active services of the same venue and category; a shard has one provider. */
function siblings(shard: ShardState, service: ServiceCard): ServiceCard[] {
  const found: ServiceCard[] = [];
  for (const id of shard.inventory.serviceIds()) {
    const other = shard.inventory.service(id);
    if (other === null || other.id === service.id || !other.active) continue;
    if (other.venueId !== service.venueId || other.category !== service.category) continue;
    if (found.push(other) === SIBLINGS_MAX) break;
  }
  return found;
}

/** True when the customer could hold the slot now, for as many. What memory knows is asked first. */
function isAlternative(shard: ShardState, wanted: Wanted, line: SlotLine): boolean {
  const { quantity, ownerIds } = wanted;
  const units = unitsWanted(shard, wanted, line);
  if (!canBeHad(shard, line, { quantity, units, fareId: wanted.fareId })) return false;
  // What the plan has left was decided for what was asked; an alternative is asked for anew.
  const access = { ...(wanted.access ?? NO_ACCESS), grant: null, refusal: null };
  const facts = holdFacts(shard, { ownerIds, quantity, access, lines: [line] });
  return isOpenTo(wanted, facts) && (quantityRefusal(facts) ?? refusalAfterClaim(facts)) === null;
}

/** Where Membership was not asked, the customer has booked such a service before: what is open to that is open to them. */
function isOpenTo({ access, lines }: Wanted, facts: HoldFacts): boolean {
  if (access !== undefined) return accessRefusal(facts) === null;
  return lines.some(({ service }) => facts.lines.every((line) => isAsOpen(line.service, service)));
}

function isAsOpen(service: ServiceCard, asked: ServiceCard): boolean {
  return service.access === 'open' || service.id === asked.id;
}

/** The same units where they exist, else as many. */
function unitsWanted(
  shard: ShardState,
  { units = null }: Wanted,
  { slot, service }: SlotLine,
): readonly string[] | null {
  if (units === null) return null;
  const resourceIds = slot.resourceId === null ? service.resourceIds : [slot.resourceId];
  const known = new Set(resourceIds.flatMap((id) => shard.inventory.resource(id)?.units ?? []));
  return units.every((unit) => known.has(unit)) ? units : null;
}

/** The slots of some schedules that have not begun, nearest start first; of two as near, the earlier. */
function* nearest(
  schedules: readonly (readonly Slot[])[],
  { startAtMs, nowMs }: { startAtMs: EpochMs; nowMs: EpochMs },
): Generator<Slot> {
  const places = schedules.map((schedule) => {
    const after = firstAtOrAfter(schedule, startAtMs);
    return { schedule, after, before: after - 1 };
  });
  for (;;) {
    let best: { slot: Slot; take: () => void } | null = null;
    for (const place of places) {
      const earlier = place.schedule[place.before];
      const later = place.schedule[place.after];
      if (
        earlier !== undefined &&
        earlier.startAtMs > nowMs &&
        isNearer(earlier, best?.slot, startAtMs)
      )
        best = { slot: earlier, take: () => (place.before -= 1) };
      if (later !== undefined && isNearer(later, best?.slot, startAtMs))
        best = { slot: later, take: () => (place.after += 1) };
    }
    if (best === null) return;
    best.take();
    yield best.slot;
  }
}

function isNearer(slot: Slot, than: Slot | undefined, startAtMs: number): boolean {
  if (than === undefined) return true;
  const [own, other] = [slot, than].map((one) => Math.abs(one.startAtMs - startAtMs));
  return (own ?? 0) < (other ?? 0);
}
