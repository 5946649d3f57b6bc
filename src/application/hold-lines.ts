/** Slots of a hold with their services: how they are found, shown and assigned. Called by the commands of the shard. */
import type { ClaimRequest, SeriesRequest } from '../contracts/durable-rpc.ts';
import type { SlotView } from '../contracts/http/catalogue.ts';
import { slotView } from '../contracts/http/views.ts';
import type { HoldItem } from '../domain/hold/hold.ts';
import { fareOf } from '../domain/hold/slot-price.ts';
import type { ServiceCard, Slot } from '../domain/inventory/cards.ts';
import type { Claim, ClaimWish } from '../domain/inventory/claim.ts';
import type { EpochMs } from '../domain/time.ts';
import type { ShardState } from './shard-state.ts';

/** A slot with its service. */
export interface SlotLine {
  readonly slot: Slot;
  readonly service: ServiceCard;
}

/** What a claim names: the slots that there are, and when those would start that nobody has published. */
export interface FoundLines {
  readonly lines: readonly SlotLine[];
  readonly missing: readonly EpochMs[];
}

/** The slots of a claim; null when one that it names does not exist. */
export function linesOf(shard: ShardState, claim: ClaimRequest): FoundLines | null {
  if ('series' in claim) return seriesLines(shard, claim.series);
  const lines = findLines(shard, claim.slotIds);
  return lines === null ? null : { lines, missing: [] };
}

/**
 * The same local time every week in the venue's zone, so that 09:00 stays 09:00 when the clocks change; as long as the
 * first slot and, where that is pinned, on the same resource.
 */
function seriesLines(shard: ShardState, { firstSlotId, count }: SeriesRequest): FoundLines | null {
  const [first] = findLines(shard, [firstSlotId]) ?? [];
  if (first === undefined) return null;
  const { slot, service } = first;
  const from = { atMs: slot.startAtMs, timeZone: service.timeZone };
  const lines: SlotLine[] = [first];
  const missing: EpochMs[] = [];
  for (let week = 1; week < count; week += 1) {
    const startAtMs = shard.ports.calendar.advance(from, { unit: 'week', count: week });
    const endAtMs = startAtMs + slot.endAtMs - slot.startAtMs;
    const { resourceId } = slot;
    const found = shard.inventory.findSlot(service.id, { startAtMs, endAtMs, resourceId });
    if (found === null) missing.push(startAtMs);
    else lines.push({ slot: found, service });
  }
  return { lines, missing };
}

/** The slots of the wish with their services; null when one does not exist. */
export function findLines(shard: ShardState, slotIds: readonly string[]): SlotLine[] | null {
  const lines: SlotLine[] = [];
  for (const id of slotIds) {
    const slot = shard.inventory.slot(id);
    const service = slot === null ? null : shard.inventory.service(slot.serviceId);
    if (slot === null || service === null) return null;
    lines.push({ slot, service });
  }
  return lines;
}

/** What a slot shows now. */
export function viewSlot(shard: ShardState, slot: Slot, timeZone: string | null = null): SlotView {
  const service = shard.inventory.service(slot.serviceId) as ServiceCard;
  return slotView(slot, service, {
    availability: shard.inventory.availability(slot, shard.nowMs),
    timeZone,
  });
}

/** What each line of a hold was assigned by its claims. */
export function assignments(
  lines: readonly SlotLine[],
  claims: readonly Claim[],
): Pick<HoldItem, 'resourceIds' | 'units'>[] {
  return lines.map(({ slot }) => {
    const own = claims.filter((claim) => claim.slotId === slot.id);
    return {
      resourceIds: [...new Set(own.map(({ resourceId }) => resourceId))],
      units: own.flatMap(({ unit }) => (unit === null ? [] : [unit])),
    };
  });
}

/**
 * True when a slot could be held for so many now: at the fare where the slot has that one, else at any of its fares.
 * Whether the rules let a customer is another question.
 */
export function canBeHad(
  shard: ShardState,
  line: SlotLine,
  wish: Omit<ClaimWish, 'slots'>,
): boolean {
  const { slot } = line;
  if (slot.startAtMs <= shard.nowMs) return false;
  const isNamed = slot.fares === null || fareOf(slot, wish.fareId) !== null;
  const fareIds = isNamed ? [wish.fareId] : (slot.fares ?? []).map(({ id }) => id);
  return fareIds.some((fareId) => shard.inventory.canClaim(line, { ...wish, fareId }));
}
