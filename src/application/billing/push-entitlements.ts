/**
 * Tells a member's object what a subscription lets the member do. The push is acknowledged before the caller goes on,
 * and repeated by the reconciliation until it is; the object keeps the newest version, so that a late push never takes
 * a right back or restores one.
 */
import type { Entitlements } from '../../contracts/membership-rpc.ts';
import { required } from '../../domain/assert.ts';
import { regionOfId } from '../../domain/ids.ts';
import { effectiveFeatures } from '../../domain/membership/features.ts';
import { grantedUntilMs } from '../../domain/subscription/dunning.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import { LIVE_SUBSCRIPTION_STATES } from '../../domain/subscription/subscription-machine.ts';
import type { Subscription } from '../../domain/subscription/subscription.ts';
import type { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';

type PushDeps = Pick<BillingDeps, 'objects' | 'plans' | 'billing'>;

/** What of a subscription decides what the member may do. */
const DECIDING = [
  'state',
  'planId',
  'planVersion',
  'currentPeriodStartMs',
  'currentPeriodEndMs',
  'cancelAtPeriodEnd',
  'method',
  'overrides',
  'removals',
] as const satisfies readonly (keyof Subscription)[];

/** Gives a draft that changes what the member may do a new entitlement version, newer than any of the member's before. */
export function numberEntitlements(before: Subscription | null, draft: BillingDraft): void {
  const after = draft.subscription;
  // What is over grants nothing any more, and must not take the place of the subscription that came after it.
  if (before !== null && !LIVE_SUBSCRIPTION_STATES.has(before.state)) return;
  const isSame = before !== null && DECIDING.every((field) => before[field] === after[field]);
  if (isSame) return;
  const floor = before === null ? 0 : before.entitlementVersion + 1;
  draft.patch({ entitlementVersion: Math.max(draft.nowMs, floor) });
}

/** Pushes what a subscription grants now. Effects: the member's object, then the mark that it knows. */
export async function pushEntitlements(deps: PushDeps, subscription: Subscription): Promise<void> {
  const { id, userId, planId, planVersion } = subscription;
  const record = required(
    await deps.plans.version(planId, planVersion),
    'a subscription is to a version of a plan',
  );
  await deps.objects.member(userId).putEntitlements(entitlementsOf(subscription, record.terms));
  const store = deps.billing(regionOfId(id));
  await store.markPushed(id, subscription.entitlementVersion);
}

/** What a subscription grants; nothing but its version where it grants nothing now. */
export function entitlementsOf(subscription: Subscription, terms: PlanTerms): Entitlements {
  const untilMs = grantedUntilMs(subscription, terms);
  const isGranting = untilMs !== null;
  return {
    memberId: subscription.userId,
    subscriptionId: subscription.id,
    group: subscription.planGroup,
    planId: isGranting ? terms.planId : null,
    planName: isGranting ? terms.name : null,
    features: isGranting ? effectiveFeatures(terms.entitlements, subscription) : {},
    currency: terms.currency,
    periodStartMs: subscription.currentPeriodStartMs,
    periodEndMs: subscription.currentPeriodEndMs,
    validUntilMs: untilMs ?? 0,
    version: subscription.entitlementVersion,
  };
}
