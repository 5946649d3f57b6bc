/**
 * The calendar of every IANA zone, from the platform's own zone data. Owns the one place that turns an instant into local
 * time and back; it must never read the clock. Billing and the shards are given it as the domain's Calendar.
 */
import { fromEpochMilliseconds, toZonedDateTimeISO } from 'temporal-polyfill/fns/Instant';
import { addDays, addMonths, addWeeks, addYears } from 'temporal-polyfill/fns/ZonedDateTime';
import type { Calendar } from '../domain/calendar.ts';
import type { Interval } from '../domain/subscription/plan.ts';

/** The last day of a shorter month stands in for a day that it does not have. */
const OVERFLOW = { overflow: 'constrain' } as const;

/** Dates are added, then the local time of day is kept: a period of days is not one of 24 hours each. */
const ADD = {
  day: addDays,
  week: addWeeks,
  month: addMonths,
  year: addYears,
} as const satisfies Record<Interval['unit'], unknown>;

/**
 * The calendar. A local time that the clocks skip moves on by the length of the gap, and one that comes twice is its first:
 * that is RFC 5545's rule and Temporal's `compatible`, which addition always uses.
 * Errors: an unknown zone is a RangeError, because zones are checked where they come in.
 */
export const platformCalendar: Calendar = {
  advance: ({ atMs, timeZone }, { unit, count }) => {
    const local = toZonedDateTimeISO(fromEpochMilliseconds(atMs), timeZone);
    return ADD[unit](local, count, OVERFLOW).epochMilliseconds;
  },
};
