/** How much of what was captured goes back when a booking is cancelled, by the ladder that was agreed at the sale. */
import type { CancellationRung } from '../inventory/cards.ts';
import { portion } from '../money.ts';
import { HOUR_MS, type EpochMs } from '../time.ts';

/** The ladder of a service that names none: everything back until the start. */
export const DEFAULT_CANCELLATION_POLICY: readonly CancellationRung[] = [
  { hoursBefore: 0, refundPercent: 100 },
];

/**
 * The refund in minor units for one slot: the best rung whose notice was kept; nothing when none was.
 * Notice is elapsed time, so a change of the clocks neither adds nor takes an hour. Rounded down: the rest is kept.
 */
export function refundDue(
  paidMinor: number,
  slot: { policy: readonly CancellationRung[]; startAtMs: EpochMs; cancelledAtMs: EpochMs },
): number {
  const noticeMs = slot.startAtMs - slot.cancelledAtMs;
  const kept = slot.policy.filter((rung) => noticeMs >= rung.hoursBefore * HOUR_MS);
  const percent = kept.reduce((best, rung) => Math.max(best, rung.refundPercent), 0);
  return portion(paidMinor, percent * 100);
}
