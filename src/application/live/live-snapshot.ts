/**
 * What a topic shows as a whole, as JSON: the beginning of a stream, and what takes the place of a history that is gone.
 * Bounded: a reader that needs more than the nearest slots lists them, and hears of their changes all the same.
 */
import { formatInstant } from '../../contracts/http/views.ts';
import type { Slot } from '../../domain/inventory/cards.ts';
import { firstAtOrAfter } from '../../domain/inventory/slot-book.ts';
import { required } from '../../domain/assert.ts';
import { viewBooking } from '../read-booking.ts';
import { viewSlot } from '../hold-lines.ts';
import type { ShardState } from '../shard-state.ts';

/** Slots in a snapshot at most: about two days of a venue with ten courts, a millisecond of work per hundred. */
export const SNAPSHOT_SLOTS_MAX = 500;

/** The slots of one service, or of all, that have not begun, nearest first. `isComplete` is false where there are more. */
export function slotsSnapshot(shard: ShardState, serviceIds: Iterable<string>): string {
  const found: Slot[] = [];
  let isComplete = true;
  for (const serviceId of serviceIds) {
    const schedule = shard.inventory.schedule(serviceId);
    const first = firstAtOrAfter(schedule, shard.nowMs);
    found.push(...schedule.slice(first, first + SNAPSHOT_SLOTS_MAX));
    isComplete &&= schedule.length - first <= SNAPSHOT_SLOTS_MAX;
  }
  found.sort((a, b) => a.startAtMs - b.startAtMs || (a.id < b.id ? -1 : 1));
  isComplete &&= found.length <= SNAPSHOT_SLOTS_MAX;
  const slots = found.slice(0, SNAPSHOT_SLOTS_MAX).map((slot) => viewSlot(shard, slot));
  return JSON.stringify({ slots, isComplete, at: formatInstant(shard.nowMs) });
}

/** A booking as its people read it. */
export function bookingSnapshot(shard: ShardState, bookingId: string): string {
  const booking = required(shard.store.booking(bookingId), 'a watched booking is there');
  return JSON.stringify(viewBooking(shard, booking));
}
