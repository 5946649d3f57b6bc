/** A booking's papers, for those who may see it and for whoever has the secret of its manage link. */
import type { BookingSheet, SheetReader } from '../contracts/booking-sheet.ts';
import type { Reply } from '../contracts/calls.ts';
import { manageUrl } from '../contracts/http/views.ts';
import type { Booking } from '../domain/booking/booking.ts';
import { ticketOf } from '../domain/booking/ticket.ts';
import { ok, refuse } from '../domain/result.ts';
import { managedBooking, visibleBooking } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';

/** Refusals: `not_found`, also for a wrong secret. */
export function readSheet(shard: ShardState, reader: SheetReader, id: string): Reply<BookingSheet> {
  const booking =
    'caller' in reader
      ? visibleBooking(shard, reader.caller, id)
      : managedBooking(shard, id, reader.manageToken);
  if (booking === null) return refuse('not_found', 'There is no such booking.');
  return ok(sheetOf(shard, booking));
}

function sheetOf(shard: ShardState, booking: Booking): BookingSheet {
  const [first] = booking.items;
  const service = first === undefined ? null : shard.inventory.service(first.serviceId);
  return {
    id: booking.id,
    code: booking.code,
    state: booking.state,
    slots: booking.items.map(({ slotId, label, startAtMs, endAtMs, cancelled }) => ({
      slotId,
      label,
      startAtMs,
      endAtMs,
      isCancelled: cancelled !== null,
    })),
    venueId: service?.venueId ?? null,
    manageUrl: manageUrl(shard.ports.publicUrl, booking),
    manageToken: booking.manageToken,
    version: booking.version,
    changedAtMs: shard.store.eventsOf(booking.id).at(-1)?.atMs ?? booking.createdAtMs,
    ticket: ticketOf(booking, shard.ports.digest),
  };
}
