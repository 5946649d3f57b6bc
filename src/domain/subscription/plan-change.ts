/** Whether a change of plan is up or down, and when it takes effect, by the data of the plan that is left. */
import type { ChangeTime, Interval, PlanTerms } from './plan.ts';

/** Days of an interval, for comparing lengths only; never for counting periods. */
const UNIT_DAYS = { day: 1, week: 7, month: 30, year: 365 } as const;

/** Up: a longer interval, or the same one for more money. Anything else is down. */
export function isUpgrade(from: PlanTerms, to: PlanTerms): boolean {
  const longer = lengthOf(to.interval) - lengthOf(from.interval);
  return longer === 0 ? to.priceMinor >= from.priceMinor : longer > 0;
}

/** When a change takes effect. */
export function changeTime(from: PlanTerms, to: PlanTerms, isTrialing: boolean): ChangeTime {
  const { changePolicy } = from;
  if (isTrialing) return changePolicy.trial;
  return isUpgrade(from, to) ? changePolicy.upgrade : changePolicy.downgrade;
}

function lengthOf({ unit, count }: Interval): number {
  return UNIT_DAYS[unit] * count;
}
