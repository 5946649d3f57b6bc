/**
 * What a ticket says of a booking, and whether one that is shown at the door still says the truth. A ticket is bound to
 * what it promises, the slots, the number of people, the seats, by a digest of them: whatever moves a booking to other
 * slots makes every earlier ticket worthless, and nobody has to remember to count versions.
 */
import type { ChainDigest } from '../chain.ts';
import { DAY_MS, type EpochMs } from '../time.ts';
import { standing } from './booked-items.ts';
import type { Booking } from './booking.ts';
import type { BookingState } from './booking-machine.ts';

/** How long before the first slot a ticket begins to be good, and how long after the last it still is. */
export const TICKET_MARGIN_MS = DAY_MS;
/** Hex digits of the digest: 64 bits, of a text that is signed as a whole. */
const PROMISE_LENGTH = 16;

/** States in which somebody may still come. */
const VALID_STATES: ReadonlySet<BookingState> = new Set(['confirmed', 'in_progress']);

/** What is signed. */
export interface TicketClaims {
  readonly bookingId: string;
  readonly code: string;
  readonly slots: readonly { readonly startAtMs: EpochMs; readonly endAtMs: EpochMs }[];
  readonly quantity: number;
  readonly units: readonly string[];
  /** The digest of everything that it promises. */
  readonly promise: string;
  readonly notBeforeMs: EpochMs;
  readonly expiresAtMs: EpochMs;
}

/** The ticket of a booking; null while it is not confirmed, and once it is over. */
export function ticketOf(booking: Booking, digest: ChainDigest): TicketClaims | null {
  if (!VALID_STATES.has(booking.state)) return null;
  const items = standing(booking.items);
  const slots = items.map(({ startAtMs, endAtMs }) => ({ startAtMs, endAtMs }));
  return {
    bookingId: booking.id,
    code: booking.code,
    slots,
    quantity: booking.quantity,
    units: [...new Set(items.flatMap(({ units }) => units))],
    promise: promiseOf(booking, digest),
    notBeforeMs: Math.min(...slots.map(({ startAtMs }) => startAtMs)) - TICKET_MARGIN_MS,
    expiresAtMs: Math.max(...slots.map(({ endAtMs }) => endAtMs)) + TICKET_MARGIN_MS,
  };
}

/** What a ticket must say to be one for this booking as it is now. */
export interface ShownTicket {
  readonly bookingId: string;
  readonly promise: string;
}

/** True when a genuine ticket is of this booking and promises what the booking still is. */
export function isTicketFor(booking: Booking, shown: ShownTicket, digest: ChainDigest): boolean {
  return shown.bookingId === booking.id && shown.promise === promiseOf(booking, digest);
}

function promiseOf({ id, quantity, items }: Booking, digest: ChainDigest): string {
  const slots = standing(items).map(({ slotId, startAtMs, endAtMs, units }) => ({
    slotId,
    startAtMs,
    endAtMs,
    units: [...units],
  }));
  return digest.sha256(digest.canonical({ id, quantity, slots })).slice(0, PROMISE_LENGTH);
}
