/**
 * The next slot of a service that could be held, for those who search. Synchronous, inside the shard; bounded, because the
 * search asks for many services at once.
 */
import type { Reply } from '../contracts/calls.ts';
import type { SlotView } from '../contracts/http/catalogue.ts';
import type { NextSlotsQuery } from '../contracts/shard-catalogue.ts';
import { firstAtOrAfter } from '../domain/inventory/slot-book.ts';
import { ok } from '../domain/result.ts';
import { DAY_MS, MINUTE_MS } from '../domain/time.ts';
import { canBeHad, viewSlot } from './hold-lines.ts';
import type { ShardState } from './shard-state.ts';

/** Slots of one service that are looked at: weeks of a full schedule. Beyond them nothing free is known of. */
const LOOKS_MAX = 2_000;

/** For each service the next slot that a customer without a plan could hold, or null. */
export function nextFreeSlots(
  shard: ShardState,
  query: NextSlotsQuery,
): Reply<(SlotView | null)[]> {
  return ok(query.serviceIds.map((id) => nextFreeSlot(shard, id, query)));
}

function nextFreeSlot(
  shard: ShardState,
  serviceId: string,
  { fromMs, toMs, quantity }: NextSlotsQuery,
): SlotView | null {
  const service = shard.inventory.service(serviceId);
  const { nowMs } = shard;
  if (service?.active !== true || (service.saleStartsAtMs ?? nowMs) > nowMs) return null;
  const earliestMs = Math.max(fromMs ?? nowMs, nowMs + service.minimumNoticeMinutes * MINUTE_MS);
  const latestMs = nowMs + service.bookingWindowDays * DAY_MS;
  const schedule = shard.inventory.schedule(serviceId);
  const first = firstAtOrAfter(schedule, earliestMs);
  for (const slot of schedule.slice(first, first + LOOKS_MAX)) {
    if (slot.startAtMs > latestMs || (toMs !== null && slot.startAtMs >= toMs)) return null;
    if (canBeHad(shard, { slot, service }, { quantity, units: null, fareId: null }))
      return viewSlot(shard, slot);
  }
  return null;
}
