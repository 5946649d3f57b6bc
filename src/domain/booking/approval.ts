/** Bookings that wait for their provider's yes: until when, and for how long a price that was named stands. Pure. */
import { HOUR_MS, type EpochMs } from '../time.ts';
import type { Booking } from './booking.ts';

/** The longest that a provider may take; PayPal honours an authorisation for as long, cards for longer. */
const APPROVAL_WAIT_MS = 72 * HOUR_MS;

/** Funds are not waited for up to their last moment: the capture that follows a yes has to come in time. */
const AUTHORIZATION_MARGIN_MS = HOUR_MS;

/** How long a customer has to pay the price that was named; they are not there when it is. */
export const QUOTE_STANDS_MS = 24 * HOUR_MS;

/** Until when a request may be approved, asked at `nowMs`; no later than its slot begins or its funds are let go. */
export function approvalDeadlineMs(request: {
  readonly nowMs: EpochMs;
  readonly startAtMs: EpochMs;
  readonly captureBeforeMs: EpochMs | null;
}): EpochMs {
  const { nowMs, startAtMs, captureBeforeMs } = request;
  const fundsUntilMs =
    captureBeforeMs === null ? Number.POSITIVE_INFINITY : captureBeforeMs - AUTHORIZATION_MARGIN_MS;
  return Math.min(nowMs + APPROVAL_WAIT_MS, startAtMs, fundsUntilMs);
}

/** True for a booking that may not take its slot before its provider has said yes. */
export function isUngranted({ approval }: Pick<Booking, 'approval'>): boolean {
  return approval !== null && !approval.isGranted;
}
