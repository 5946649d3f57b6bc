/** Slots of a hold with their services: how they are found, shown and assigned. Called by the commands of the shard. */
import type { SlotView } from '../contracts/http/catalogue.ts';
import { slotView } from '../contracts/http/views.ts';
import type { HoldItem } from '../domain/hold/hold.ts';
import type { ServiceCard, Slot } from '../domain/inventory/cards.ts';
import type { Claim } from '../domain/inventory/inventory.ts';
import type { ShardState } from './shard-state.ts';

/** A slot with its service. */
export interface SlotLine {
  readonly slot: Slot;
  readonly service: ServiceCard;
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
