/** A booking as its papers need it: what was agreed, and how often and when it changed last. For calendars and tickets. */
import type { BookingState } from '../domain/booking/booking-machine.ts';
import type { TicketClaims } from '../domain/booking/ticket.ts';
import type { EpochMs } from '../domain/time.ts';
import type { Caller } from './calls.ts';

/** Who asks for papers: somebody signed in, or whoever has the secret of the booking's manage link. */
export type SheetReader = { readonly caller: Caller } | { readonly manageToken: string };

/** One slot of a booking. */
export interface SheetSlot {
  readonly slotId: string;
  /** The service's name as it was at the sale. */
  readonly label: string;
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  /** Cancelled by itself, while the booking goes on. */
  readonly isCancelled: boolean;
}

export interface BookingSheet {
  readonly id: string;
  readonly code: string;
  readonly state: BookingState;
  readonly slots: readonly SheetSlot[];
  /** Where it takes place; null when the service has gone. */
  readonly venueId: string | null;
  readonly manageUrl: string;
  readonly manageToken: string;
  /** Grows with every change. */
  readonly version: number;
  readonly changedAtMs: EpochMs;
  /** What a ticket for it says; null in a state that has none. */
  readonly ticket: TicketClaims | null;
}

/** One slot of a booking as a calendar shows it. */
export interface Appointment {
  /** The same for as long as the appointment is the same one. */
  readonly uid: string;
  /** Grows with every change, so that an older text never replaces a newer one. */
  readonly sequence: number;
  readonly changedAtMs: EpochMs;
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  readonly summary: string;
  readonly description: string;
  readonly url: string | null;
  readonly status: 'tentative' | 'confirmed' | 'cancelled';
}
