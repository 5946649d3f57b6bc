/**
 * The calendar of every IANA zone, from the platform's own zone data. Owns the one place that turns an instant into local
 * time and back; it must never read the clock. Billing and the shards are given it as the domain's Calendar, availability
 * as its ZoneData.
 */
import { fromEpochMilliseconds, toZonedDateTimeISO } from 'temporal-polyfill/fns/Instant';
import {
  addDays,
  addMonths,
  addWeeks,
  addYears,
  getTimeZoneTransition,
  offsetNanoseconds,
} from 'temporal-polyfill/fns/ZonedDateTime';
import type { OffsetStep, ZoneData } from '../domain/availability/wall-clock.ts';
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

const NANOSECONDS_PER_MS = 1_000_000;

/** The offsets of zones, whole milliseconds of them. Errors: an unknown zone is a RangeError, as above. */
export const platformZones: ZoneData = {
  offsets: (timeZone, { startAtMs, endAtMs }) => {
    const steps: OffsetStep[] = [];
    let local = toZonedDateTimeISO(fromEpochMilliseconds(startAtMs), timeZone);
    for (;;) {
      const fromMs = local.epochMilliseconds;
      steps.push({ fromMs, offsetMs: Math.round(offsetNanoseconds(local) / NANOSECONDS_PER_MS) });
      const next = getTimeZoneTransition(local, 'next');
      if (next === null || next.epochMilliseconds >= endAtMs) return steps;
      local = next;
    }
  },
};
