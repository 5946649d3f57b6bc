/**
 * What the running period was bought for. The subscription's own plan version may be another by now, because a migration
 * holds at once and is paid later, and a pause stretches the period without adding to what was paid.
 */
import { required } from '../../domain/assert.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import type { Subscription } from '../../domain/subscription/subscription.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { BillingStore } from '../billing-ports.ts';
import type { BillingDeps } from './billing-deps.ts';

/** The terms that were paid, and the paid time as if no pause had stopped it. */
export interface PaidPeriod {
  readonly terms: PlanTerms;
  readonly startMs: EpochMs;
  readonly endMs: EpochMs;
}

/** Reads it from the invoices of the period; the plan's own terms where nothing was ever billed. */
export async function readPaidPeriod(
  deps: Pick<BillingDeps, 'plans'>,
  store: Pick<BillingStore, 'paidAfter'>,
  { subscription, terms }: { subscription: Subscription; terms: PlanTerms },
): Promise<PaidPeriod> {
  const { id, currentPeriodStartMs, currentPeriodEndMs: endMs } = subscription;
  const invoices = await store.paidAfter(id, currentPeriodStartMs);
  const [newest] = invoices;
  if (newest === undefined) return { terms, startMs: currentPeriodStartMs, endMs };
  const { planId, planVersion } = newest;
  const bought = await deps.plans.version(planId, planVersion);
  // A change after a pause takes the stretched period over; the one before it says how long that was.
  const whole = invoices.find(({ periodIndex }) => periodIndex >= 0) ?? newest;
  return {
    terms: required(bought, 'an invoice is for a version of a plan').terms,
    startMs: Math.max(currentPeriodStartMs, endMs - (whole.periodEndMs - whole.periodStartMs)),
    endMs,
  };
}
