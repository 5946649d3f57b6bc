/**
 * What happens when a due period is not paid, in days of 24 hours from the instant it was due: tries by the plan's
 * schedule, access for the grace, then suspension, then the end. Pure arithmetic on the plan's data.
 */
import { DAY_MS, type EpochMs } from '../time.ts';
import type { PlanTerms } from './plan.ts';

/** When a declined charge is tried again without the member; null when the schedule is used up. */
export function nextAttemptAtMs(
  terms: Pick<PlanTerms, 'dunningDays'>,
  due: { readonly dueAtMs: EpochMs; readonly nowMs: EpochMs },
): EpochMs | null {
  const next = terms.dunningDays
    .map((days) => due.dueAtMs + days * DAY_MS)
    .find((atMs) => atMs > due.nowMs);
  return next ?? null;
}

/** The instant at which access ends if the period is still not paid. */
export function suspendAtMs(terms: Pick<PlanTerms, 'graceDays'>, dueAtMs: EpochMs): EpochMs {
  return dueAtMs + terms.graceDays * DAY_MS;
}

/** The instant at which nothing more is tried. */
export function giveUpAtMs(terms: Pick<PlanTerms, 'cancelAfterDays'>, dueAtMs: EpochMs): EpochMs {
  return dueAtMs + terms.cancelAfterDays * DAY_MS;
}

/** A suspension is the end of the grace and no punishment: what it grants is over by the clock alone. */
const GRANTING_STATES: ReadonlySet<string> = new Set([
  'trialing',
  'active',
  'past_due',
  'suspended',
]);

/**
 * The instant from which on a subscription grants nothing; null when it grants nothing now, whatever the time.
 * Paid time, and the grace where more is to come: so that neither a late cron nor a lost message takes access away.
 */
export function grantedUntilMs(
  subscription: {
    readonly state: string;
    readonly currentPeriodEndMs: EpochMs;
    readonly cancelAtPeriodEnd: boolean;
    readonly method: unknown;
  },
  terms: Pick<PlanTerms, 'graceDays' | 'priceMinor'>,
): EpochMs | null {
  const { state, currentPeriodEndMs } = subscription;
  if (!GRANTING_STATES.has(state)) return null;
  const willBePaid = subscription.method !== null || terms.priceMinor === 0;
  const isEnding = subscription.cancelAtPeriodEnd || !willBePaid;
  return isEnding ? currentPeriodEndMs : suspendAtMs(terms, currentPeriodEndMs);
}
