/**
 * The days of RFC 5545 recurrences, by a library, in bounded work. Days are found in UTC, where each has 24 hours: what a
 * zone's clocks do to the times of a day is no business of the recurrence. It must never read the clock.
 */
import { RRuleTemporal } from 'rrule-temporal';
import { errorText } from '../domain/assert.ts';
import {
  RecurrenceTooLong,
  type DayPattern,
  type Recurrence,
} from '../domain/availability/rule.ts';
import { dateAt, midnightMs, type LocalDate } from '../domain/local-date.ts';

/** Periods of a pattern that are looked at for one answer: four years of days, a thousand of years. */
const PERIODS_MAX = 1_500;
/** Days that are weighed for one answer, over all its periods. */
const CANDIDATES_MAX = 50_000;

/** Recurrences as the library knows them. */
export const platformRecurrence: Recurrence = {
  days: (pattern, { from, to }) =>
    bounded(() => {
      const rule = open(pattern);
      return rule.between(new Date(midnightMs(from)), new Date(midnightMs(to)), true).map(dateOf);
    }),
  nth: (pattern, n) =>
    bounded(() => {
      const found: LocalDate[] = [];
      open(pattern).all((at) => found.push(dateOf(at)) < n);
      return found[n - 1] ?? null;
    }),
};

function open({ pattern, firstDate }: DayPattern): RRuleTemporal {
  return new RRuleTemporal({
    rruleString: `DTSTART:${firstDate.replaceAll('-', '')}T000000Z\nRRULE:${pattern}`,
    strict: true,
    cache: false,
    maxIterations: PERIODS_MAX,
    maxCandidateEvaluations: CANDIDATES_MAX,
  });
}

function dateOf(at: { readonly epochMilliseconds: number }): LocalDate {
  return dateAt(at.epochMilliseconds, 0);
}

/** The pattern was read strictly before, so that what the library throws here is that it gave up. */
function bounded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new RecurrenceTooLong(errorText(error), { cause: error });
  }
}
