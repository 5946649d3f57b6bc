/**
 * Plans as one call of billing reads them: a version never changes, so that it is read once however many steps ask for
 * it. Must not outlive the call, because what subscribers are to move to may change.
 */
import type { BillingDeps } from './billing-deps.ts';

type Plans = BillingDeps['plans'];

/** The same use cases' needs, with plans that are read once each. */
export function rememberPlans<D extends { readonly plans: Plans }>(deps: D): D {
  const { plans } = deps;
  const versions = new Map<string, ReturnType<Plans['version']>>();
  const targets = new Map<string, ReturnType<Plans['migrationTarget']>>();
  const remembered: Plans = {
    onSale: (planId) => plans.onSale(planId),
    version: (planId, version) =>
      once(versions, `${planId} ${version}`, () => plans.version(planId, version)),
    migrationTarget: (planId) => once(targets, planId, () => plans.migrationTarget(planId)),
  };
  return { ...deps, plans: remembered };
}

function once<T>(known: Map<string, Promise<T>>, name: string, read: () => Promise<T>): Promise<T> {
  const before = known.get(name);
  if (before !== undefined) return before;
  const reading = read();
  known.set(name, reading);
  return reading;
}
