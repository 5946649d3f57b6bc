/** Bookings as those who may see them see them. Somebody else's does not exist for them. */
import { isOwnedBy, type Caller, type Reply } from '../contracts/calls.ts';
import type { BookingState } from '../contracts/durable-rpc.ts';
import type { BookingView, HistoryView } from '../contracts/http/booking.ts';
import { bookingView, historyView } from '../contracts/http/views.ts';
import { required } from '../domain/assert.ts';
import type { Booking } from '../domain/booking/booking.ts';
import type { Slot } from '../domain/inventory/cards.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { viewSlot } from './hold-lines.ts';
import { viewPledge } from './pledges.ts';
import type { ShardState } from './shard-state.ts';

/** `GET /v1/bookings/{id}`: for its customer, its provider and operators. */
export function readBooking(shard: ShardState, caller: Caller, id: string): Reply<BookingState> {
  const booking = visibleBooking(shard, caller, id);
  if (booking === null) return refuse('not_found', 'There is no such booking.');
  const payment = shard.store.currentPayment(booking.id);
  return ok({
    view: viewBooking(shard, booking),
    paymentState: payment?.state ?? null,
    declineCode: payment?.declineCode ?? null,
    holdExpiresAtMs: shard.store.hold(booking.holdId)?.expiresAtMs ?? null,
  });
}

/** The booking behind a manage link; its secret is the only credential. */
export function readManagedBooking(
  shard: ShardState,
  id: string,
  token: string,
): Reply<BookingView> {
  const booking = managedBooking(shard, id, token);
  if (booking === null) return refuse('not_found', 'There is no such booking.');
  return ok(viewBooking(shard, booking));
}

/** The booking whose manage link has this secret; digests are compared, so that the time taken tells nothing. */
export function managedBooking(shard: ShardState, id: string, token: string): Booking | null {
  const { digest } = shard.ports;
  const booking = shard.store.booking(id);
  const isGenuine = booking !== null && digest.sha256(booking.manageToken) === digest.sha256(token);
  return isGenuine ? booking : null;
}

/** `GET /v1/bookings/{id}/history`: its transitions, oldest first. */
export function readHistory(shard: ShardState, caller: Caller, id: string): Reply<HistoryView> {
  const booking = visibleBooking(shard, caller, id);
  if (booking === null) return refuse('not_found', 'There is no such booking.');
  return ok(historyView(shard.store.eventsOf(id)));
}

/** The booking if the caller may see it; somebody else's does not exist for them. */
export function visibleBooking(shard: ShardState, caller: Caller, id: string): Booking | null {
  const booking = shard.store.booking(id);
  if (booking === null) return null;
  return isOwnedBy(caller, booking.customerId) || shard.isManagedBy(caller) ? booking : null;
}

/**
 * The booking for a call of its seller. Its customer knows it and is told who may do this; for anybody else it does not
 * exist.
 */
export function sellersBooking(shard: ShardState, caller: Caller, id: string): Result<Booking> {
  const booking = shard.store.booking(id);
  if (booking !== null && shard.isManagedBy(caller)) return ok(booking);
  return booking !== null && isOwnedBy(caller, booking.customerId)
    ? refuse('role_required', 'This call is for the provider of the booking and operators.')
    : refuse('not_found', 'There is no such booking.');
}

export function viewBooking(shard: ShardState, booking: Booking): BookingView {
  const slots = booking.items.map(({ slotId }) =>
    viewSlot(shard, shard.inventory.slot(slotId) as Slot),
  );
  const payment = shard.store.currentPayment(booking.id);
  // Nothing goes back of a booking that nobody paid for, and most are read before they are cancelled.
  const isUnpaid = payment === null && booking.rescheduledAtMs === null;
  const refunds = isUnpaid ? [] : refundsOf(shard, booking.id);
  const { change } = booking;
  const supplement = change === null ? null : shard.store.payment(change.paymentId);
  const pledge = viewPledge(shard, booking);
  const { publicUrl } = shard.ports;
  return bookingView(booking, payment, { slots, refunds, pledge, supplement, publicUrl });
}

function refundsOf(shard: ShardState, bookingId: string) {
  return shard.store.refundsOf(bookingId).map((refund) => ({
    refund,
    currency: required(shard.store.payment(refund.paymentId), 'a refund has its payment').currency,
  }));
}

export function actorOf(shard: ShardState, caller: Caller): string {
  if (caller.roles.includes('operator')) return `operator:${caller.id}`;
  return shard.provider.owners.includes(caller.id)
    ? `provider:${caller.id}`
    : `customer:${caller.id}`;
}
