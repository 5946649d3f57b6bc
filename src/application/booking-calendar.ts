/** A booking as appointments: one per slot, the same ones for as long as the booking lives. */
import type { Appointment, BookingSheet } from '../contracts/booking-sheet.ts';
import type { BookingState } from '../domain/booking/booking-machine.ts';
import type { EpochMs } from '../domain/time.ts';

const CALLED_OFF: ReadonlySet<BookingState> = new Set([
  'cancelled',
  'expired',
  'payment_failed',
  'refunded',
]);
const NOT_YET: ReadonlySet<BookingState> = new Set(['pending', 'awaiting_approval', 'confirming']);

/** How a calendar shows a booking in this state. */
export function appointmentStatus(state: BookingState): Appointment['status'] {
  if (CALLED_OFF.has(state)) return 'cancelled';
  return NOT_YET.has(state) ? 'tentative' : 'confirmed';
}

/** The name of a slot's entry, by the slot's place in its booking; the same in the booking's file and in every feed. */
export function appointmentUid(at: { bookingId: string; place: number; host: string }): string {
  return `${at.bookingId}-${at.place + 1}@${at.host}`;
}

/** The appointments of a booking. A slot keeps its entry by its place in the booking, so that one that moves is moved. */
export function appointmentsOf(
  booking: Pick<BookingSheet, 'id' | 'code' | 'state' | 'version' | 'changedAtMs'> & {
    readonly slots: readonly {
      readonly label: string;
      readonly startAtMs: EpochMs;
      readonly endAtMs: EpochMs;
      readonly isCancelled: boolean;
    }[];
    readonly url: string | null;
  },
  host: string,
): Appointment[] {
  const { id, code, state, version, changedAtMs, slots, url } = booking;
  return slots.map(({ label, startAtMs, endAtMs, isCancelled }, index) => ({
    uid: appointmentUid({ bookingId: id, place: index, host }),
    sequence: version,
    changedAtMs,
    startAtMs,
    endAtMs,
    summary: label,
    description: `Booking ${code}`,
    url,
    status: isCancelled ? 'cancelled' : appointmentStatus(state),
  }));
}
