/** When a session that has a minimum is decided, and when funds that wait for it have to be reserved anew. Pure. */
import type { PledgeRule } from '../inventory/cards.ts';
import { DAY_MS, HOUR_MS, type EpochMs } from '../time.ts';
import type { Booking, Payment } from './booking.ts';

/** How long before their end funds are reserved anew: a payer who has to agree again has a day for it. */
export const RENEW_BEFORE_MS = DAY_MS;

/** Funds have to outlive the decision by this much, so that the capture that follows comes in time. */
const CAPTURE_AFTER_MS = HOUR_MS;

/** Until when the minimum has to be reached. */
export function pledgeDeadlineMs(rule: PledgeRule, startAtMs: EpochMs): EpochMs {
  return startAtMs - rule.decideHoursBefore * HOUR_MS;
}

/** When the reserved funds of a pledge have to be reserved anew; null where they last until the decision. */
export function renewalDueMs(
  { approval }: Pick<Booking, 'approval'>,
  { captureBeforeMs, state }: Pick<Payment, 'captureBeforeMs' | 'state'>,
): EpochMs | null {
  if (approval === null || approval.approveByMs === null || approval.kind !== 'pledge') return null;
  if (captureBeforeMs === null || state !== 'authorized') return null;
  const isLasting = captureBeforeMs >= approval.approveByMs + CAPTURE_AFTER_MS;
  return isLasting ? null : captureBeforeMs - RENEW_BEFORE_MS;
}
