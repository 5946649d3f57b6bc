/** What a subscription looks like to its member: itself, its plan, and what is being paid. */
import { regionOfId } from '../../domain/ids.ts';
import { isChargeOpen } from '../../domain/subscription/billing-step.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import type { Charge, Invoice, Subscription } from '../../domain/subscription/subscription.ts';
import { refuse, ok, type Result } from '../../domain/result.ts';
import type { Caller } from '../../contracts/calls.ts';
import type { BillingAccount } from '../billing-ports.ts';
import type { BillingDeps } from './billing-deps.ts';

/** A subscription with what its member may want to know beside it. */
export interface SubscriptionStanding {
  readonly subscription: Subscription;
  readonly terms: PlanTerms;
  readonly openInvoice: Invoice | null;
  /** The payment or setup under way, else the last one; null where there never was one. */
  readonly charge: Charge | null;
}

type ReadDeps = Pick<BillingDeps, 'billing' | 'plans' | 'ids'>;

/** A subscription whatever its state, read unless it is `known` how it stands; null when there is none. */
export async function readStanding(
  deps: ReadDeps,
  subscriptionId: string,
  known: BillingAccount | null = null,
): Promise<SubscriptionStanding | null> {
  const store = deps.billing(regionOfId(subscriptionId));
  const account = known ?? (await store.load(subscriptionId));
  if (account === null) return null;
  const { subscription, openInvoice } = account;
  const record = await deps.plans.version(subscription.planId, subscription.planVersion);
  if (record === null) return null;
  const underWay = account.charges.find(
    (charge) => isChargeOpen(charge) && charge.purpose !== 'refund',
  );
  const charge = underWay ?? (await store.latestCharge(subscriptionId));
  return { subscription, terms: record.terms, openInvoice, charge };
}

/** `GET /v1/subscriptions/current`. Refusals: not_found, when the member has no live subscription. */
export async function readCurrent(
  deps: ReadDeps,
  caller: Caller,
): Promise<Result<SubscriptionStanding>> {
  const store = deps.billing(regionOfId(caller.id));
  const live = await store.liveOf(caller.id, null);
  const standing = live === null ? null : await readStanding(deps, live.id);
  return standing === null ? refuse('not_found', 'You have no subscription.') : ok(standing);
}

/** `GET /v1/subscriptions/{id}`. Refusals: not_found, for somebody else's too. */
export async function readSubscription(
  deps: ReadDeps,
  asked: { readonly caller: Caller; readonly subscriptionId: string },
): Promise<Result<SubscriptionStanding>> {
  const isGenuine = deps.ids.open('sub', asked.subscriptionId) !== null;
  const standing = isGenuine ? await readStanding(deps, asked.subscriptionId) : null;
  if (standing === null || !mayManage(asked.caller, standing.subscription))
    return refuse('not_found', 'There is no such subscription.');
  return ok(standing);
}

/** True for whoever may see and change a subscription: its member and operators. */
export function mayManage(caller: Caller, subscription: Subscription): boolean {
  return subscription.userId === caller.id || caller.roles.includes('operator');
}
