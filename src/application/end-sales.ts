/**
 * Ending what a shard sells, where nobody has anything of it any more. Synchronous, inside the shard's transaction: nobody can
 * hold between the count and the end. Repeating it changes nothing.
 */
import type { Reply } from '../contracts/calls.ts';
import type { EndSalesCommand, SalesEnd } from '../contracts/shard-catalogue.ts';
import type { BookingState } from '../domain/booking/booking-machine.ts';
import { ok, refuse } from '../domain/result.ts';
import { patchResource, patchService } from './catalogue-commands.ts';
import type { ShardState } from './shard-state.ts';

/** Bookings that are somebody's to come to, or are on their way there. */
const LIVE_BOOKINGS: ReadonlySet<BookingState> = new Set([
  'pending',
  'awaiting_approval',
  'confirming',
  'confirmed',
  'in_progress',
]);

/** Takes every service and resource off sale, or only says whether it could be done. Refusals: `not_found`. */
export function endSales(shard: ShardState, command: EndSalesCommand): Reply<SalesEnd> {
  if (!shard.isManagedBy(command.caller)) return refuse('not_found', 'There is no such provider.');
  const live = countLive(shard);
  if (live.liveBookings + live.liveHolds > 0 || command.isDryRun)
    return ok({ ...live, services: [], resources: [] });
  const { caller } = command;
  const services = shard.store.services().map((card) => {
    if (!card.active) return card;
    return given(patchService(shard, { caller, id: card.id, patch: { active: false } }));
  });
  const resources = shard.store.resources().map((card) => {
    if (!card.active) return card;
    return given(patchResource(shard, { caller, id: card.id, patch: { active: false } }));
  });
  return ok({ ...live, services, resources });
}

/** Bookings by the holds that keep somebody out, and by what time will bring: a request that waits keeps nobody out. */
function countLive(shard: ShardState): Pick<SalesEnd, 'liveBookings' | 'liveHolds'> {
  // Holds and bookings of calls that share this transaction wait to be written, and count.
  shard.store.flush();
  const ids = new Set(shard.store.dueBookings().map(({ bookingId }) => bookingId));
  let liveHolds = 0;
  for (const { bookingId, state } of shard.store.liveHolds()) {
    if (bookingId !== null) ids.add(bookingId);
    else if (state !== 'committed') liveHolds += 1;
  }
  const liveBookings = [...ids].filter((id) => {
    const booking = shard.store.booking(id);
    return booking !== null && LIVE_BOOKINGS.has(booking.state);
  }).length;
  return { liveBookings, liveHolds };
}

function given<T>(reply: Reply<T>): T {
  if (!reply.ok) throw new Error(`a card of this shard cannot be changed: ${reply.refusal.code}`);
  return reply.value;
}
