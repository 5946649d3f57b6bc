/**
 * When payouts are due, in UTC: the day that names a period, the instant up to which earnings are in it, and when one that
 * was refused is tried again. Pure arithmetic on instants.
 */
import { required } from '../assert.ts';
import { civilOf, dateOfDay } from '../local-date.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, type EpochMs } from '../time.ts';

export const PAYOUT_INTERVALS = ['day', 'week', 'month'] as const;
export type PayoutInterval = (typeof PAYOUT_INTERVALS)[number];

/** In the order of the days after 1 January 1970, which was a Thursday. */
export const WEEKDAYS = [
  'thursday',
  'friday',
  'saturday',
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Definite noes after which a payout fails; what it was for is in the next one. */
export const TRIES_MAX = 5;

/** Waits after each definite no: together they cover a day of a processor's trouble. */
const RETRY_DELAYS_MS = [30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS] as const;

/** Looks at a call whose outcome nobody knows: soon, because the provider's next payout waits for it. */
export const LOOK_DELAY_MS = 5 * MINUTE_MS;

/** The payout day that was reached last, and its name. */
export interface PayoutPeriod {
  /** Such as 2026-11-23. */
  readonly name: string;
  readonly startAtMs: EpochMs;
}

/** The period that an instant is in: it begins at midnight UTC of the payout day. */
export function periodAt(
  nowMs: EpochMs,
  schedule: { readonly interval: PayoutInterval; readonly weekday: Weekday },
): PayoutPeriod {
  const startAtMs = periodStartMs(nowMs, schedule);
  return { name: dateOfDay(startAtMs / DAY_MS), startAtMs };
}

/** When the next period begins. */
export function nextPeriodAtMs(
  nowMs: EpochMs,
  schedule: { readonly interval: PayoutInterval; readonly weekday: Weekday },
): EpochMs {
  const startAtMs = periodStartMs(nowMs, schedule);
  if (schedule.interval === 'day') return startAtMs + DAY_MS;
  if (schedule.interval === 'week') return startAtMs + 7 * DAY_MS;
  // Thirty-one days after the first of any month are in the month after it.
  return monthStartMs(startAtMs + 31 * DAY_MS);
}

/** What became available by this instant is paid out at `atMs`. */
export function availableUntilMs(atMs: EpochMs, escrowDays: number): EpochMs {
  return atMs - escrowDays * DAY_MS;
}

/** When a payout that had so many definite noes is tried again; null when it is not. */
export function retryAtMs(tries: number, nowMs: EpochMs): EpochMs | null {
  if (tries >= TRIES_MAX) return null;
  return nowMs + required(RETRY_DELAYS_MS[tries - 1], 'every try but the last has a wait');
}

function periodStartMs(
  nowMs: EpochMs,
  { interval, weekday }: { readonly interval: PayoutInterval; readonly weekday: Weekday },
): EpochMs {
  const day = Math.floor(nowMs / DAY_MS);
  switch (interval) {
    case 'day':
      return day * DAY_MS;
    case 'week':
      return (day - ((day - WEEKDAYS.indexOf(weekday) + 7) % 7)) * DAY_MS;
    case 'month':
      return monthStartMs(nowMs);
  }
}

/** Midnight of the first of the month. */
function monthStartMs(atMs: EpochMs): EpochMs {
  const day = Math.floor(atMs / DAY_MS);
  return (day - (civilOf(day).day - 1)) * DAY_MS;
}
