/**
 * The time of a booking's own slots: when they move it on, until when somebody may say that nobody came, and what is kept
 * then. Pure; called by the shard's commands, its clock and its storage.
 */
import type { HoldItem } from '../hold/hold.ts';
import { DAY_MS, type EpochMs } from '../time.ts';
import { keptMinor, standing } from './booked-items.ts';
import type { Booking } from './booking.ts';

/**
 * How long after the last slot's end a no-show can still be marked: venues go through their lists in the evening or the
 * next day. Earnings are in escrow for longer than this. Later the booking stays completed.
 */
export const NO_SHOW_AFTER_END_MS = DAY_MS;

/** What the time of a booking depends on. */
type BookedTime = Pick<Booking, 'state' | 'items' | 'approval'>;

/** When time alone moves a booking on; null for never. */
export function bookingDueAtMs(booking: BookedTime): EpochMs | null {
  const { state, approval } = booking;
  if (state === 'awaiting_approval') return approval?.approveByMs ?? null;
  if (state === 'confirmed') return firstStartMs(booking);
  return state === 'in_progress' ? lastEndMs(booking) : null;
}

/** When the first of the booking's slots begins. */
export function firstStartMs({ items }: Pick<Booking, 'items'>): EpochMs {
  return Math.min(...standing(items).map(({ startAtMs }) => startAtMs));
}

/** When the last of the booking's slots ends. */
export function lastEndMs({ items }: Pick<Booking, 'items'>): EpochMs {
  return Math.max(...standing(items).map(({ endAtMs }) => endAtMs));
}

/** Why a no-show cannot be marked now; null where it can, as far as the booking's state allows it. */
export function noShowObstacle(
  booking: Pick<Booking, 'items' | 'checkedInAtMs'>,
  nowMs: EpochMs,
): string | null {
  if (booking.checkedInAtMs !== null) return 'The customer has come.';
  if (nowMs < firstStartMs(booking)) return 'The slot has not begun.';
  if (nowMs >= lastEndMs(booking) + NO_SHOW_AFTER_END_MS)
    return 'The slot ended more than a day ago.';
  return null;
}

/** What is kept of a booking that nobody came to: of each slot its fee, or its price; and what cancelled slots had kept. */
export function keptOfNoShow(
  items: readonly Pick<HoldItem, 'priceMinor' | 'noShowFeeMinor' | 'cancelled'>[],
): number {
  return standing(items).reduce(
    (kept, { noShowFeeMinor, priceMinor }) =>
      kept + Math.min(noShowFeeMinor ?? priceMinor, priceMinor),
    keptMinor(items),
  );
}
