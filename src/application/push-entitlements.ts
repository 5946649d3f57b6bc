/**
 * Tells a member's object what the member may do. The push is acknowledged before the caller goes on, and repeated
 * until it is; the object keeps the newest version, so that a late push never takes a right back or restores one.
 * Called by billing and the seed.
 */
import type { Entitlements } from '../contracts/durable-rpc.ts';
import type { DataRegion } from '../domain/ids.ts';
import { regionOf } from '../domain/ids.ts';
import { refuse, type Result } from '../domain/result.ts';
import type {
  PlanRecord,
  PlanStore,
  SubscriptionRecord,
  SubscriptionStatus,
  SubscriptionStore,
} from './billing-ports.ts';
import type { IdCodec, ObjectDirectory } from './ports.ts';

export interface PushEntitlementsDeps {
  readonly ids: IdCodec;
  readonly objects: Pick<ObjectDirectory, 'member'>;
  readonly plans: Pick<PlanStore, 'byId'>;
  subscriptions(region: DataRegion): Pick<SubscriptionStore, 'byId' | 'markPushed'>;
}

/** Statuses in which the plan's features are granted until the end of the period. */
const GRANTING: ReadonlySet<SubscriptionStatus> = new Set(['trialing', 'active', 'past_due']);

/** Pushes what a subscription grants now. Refusals: `not_found`. Effects: the member's object, then `pushed_version`. */
export async function pushEntitlements(
  deps: PushEntitlementsDeps,
  subscriptionId: string,
): Promise<Result<Entitlements>> {
  const parts = deps.ids.open('sub', subscriptionId);
  if (parts === null) return refuse('not_found', 'There is no such subscription.');
  const store = deps.subscriptions(regionOf(parts.locator));
  const subscription = await store.byId(subscriptionId);
  const plan = subscription === null ? null : await deps.plans.byId(subscription.planId);
  if (subscription === null || plan === null) {
    return refuse('not_found', 'There is no such subscription.');
  }
  const entitlements = entitlementsOf(subscription, plan);
  await deps.objects.member(subscription.userId).putEntitlements(entitlements);
  await store.markPushed(subscription.id, entitlements.version);
  return { ok: true, value: entitlements };
}

/** What a subscription grants; nothing but its version where its status grants nothing. Pure. */
export function entitlementsOf(subscription: SubscriptionRecord, plan: PlanRecord): Entitlements {
  const isGranting = GRANTING.has(subscription.status);
  return {
    memberId: subscription.userId,
    planId: isGranting ? plan.id : null,
    features: isGranting ? plan.entitlements : {},
    validUntilMs: subscription.currentPeriodEndMs,
    version: subscription.entitlementVersion,
  };
}
