/** How much of what was captured goes back when a booking is cancelled, by the ladder that was agreed at the sale. */
import type { CancellationRung } from '../inventory/cards.ts';
import { portion } from '../money.ts';
import { HOUR_MS, type EpochMs } from '../time.ts';

/** The ladder of a service that names none: everything back until the start. */
export const DEFAULT_CANCELLATION_POLICY: readonly CancellationRung[] = [
  { hoursBefore: 0, refundPercent: 100 },
];

/** A slot of a booking that is cancelled: what was agreed, and when it ends. */
export interface CancelledSlot {
  readonly policy: readonly CancellationRung[];
  readonly startAtMs: EpochMs;
  readonly cancelledAtMs: EpochMs;
}

/**
 * The refund in minor units for one slot: the best rung whose notice was kept; nothing when none was.
 * Notice is elapsed time, so a change of the clocks neither adds nor takes an hour. Rounded down: the rest is kept.
 */
export function refundDue(paidMinor: number, slot: CancelledSlot): number {
  return portion(paidMinor, refundPercent(slot) * 100);
}

/** True when the ladder gives anything back at that time, also for what cost nothing. */
export function isWithinPolicy(slot: CancelledSlot): boolean {
  return refundPercent(slot) > 0;
}

/** The part that goes back at that time, in percent. */
export function refundPercent({ policy, startAtMs, cancelledAtMs }: CancelledSlot): number {
  const noticeMs = startAtMs - cancelledAtMs;
  const kept = policy.filter((rung) => noticeMs >= rung.hoursBefore * HOUR_MS);
  return kept.reduce((best, rung) => Math.max(best, rung.refundPercent), 0);
}
