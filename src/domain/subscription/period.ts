/**
 * Periods of a subscription. Each one is counted from the anchor, never from the one before, so that nothing drifts:
 * 31 January, 28 February, 31 March. Consecutive periods share their boundary, so that none is skipped or met twice.
 */
import type { EpochMs } from '../time.ts';
import type { Calendar } from '../calendar.ts';
import type { Interval, PlanTerms } from './plan.ts';
import type { Subscription } from './subscription.ts';

/** A period: half-open, with its number after the anchor. */
export interface Period {
  readonly anchorAtMs: EpochMs;
  readonly index: number;
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
}

/** The period with this number after an anchor. */
export function periodAt(
  calendar: Calendar,
  anchor: { readonly atMs: EpochMs; readonly timeZone: string; readonly interval: Interval },
  index: number,
): Period {
  const { atMs, timeZone, interval } = anchor;
  const boundary = (n: number): EpochMs =>
    calendar.advance({ atMs, timeZone }, { unit: interval.unit, count: interval.count * n });
  return { anchorAtMs: atMs, index, startMs: boundary(index), endMs: boundary(index + 1) };
}

/**
 * The period to be billed next: it begins where the current one ends. A plan with another interval counts from there,
 * because the old anchor's boundaries are not its own.
 */
export function nextPeriod(
  calendar: Calendar,
  subscription: Pick<
    Subscription,
    'anchorAtMs' | 'timeZone' | 'periodIndex' | 'currentPeriodEndMs'
  >,
  terms: { readonly current: PlanTerms; readonly next: PlanTerms },
): Period {
  const { timeZone } = subscription;
  const isSame = isSameInterval(terms.current.interval, terms.next.interval);
  const atMs = isSame ? subscription.anchorAtMs : subscription.currentPeriodEndMs;
  const index = isSame ? subscription.periodIndex + 1 : 0;
  return periodAt(calendar, { atMs, timeZone, interval: terms.next.interval }, index);
}

/** True when two intervals are counted alike. */
export function isSameInterval(a: Interval, b: Interval): boolean {
  return a.unit === b.unit && a.count === b.count;
}
