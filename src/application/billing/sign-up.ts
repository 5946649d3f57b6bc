/**
 * Signing up for a plan. The subscription, its first invoice and its first charge are written before any processor is
 * called, so that a double click meets the first one; a call that died in between goes on where it stopped.
 */
import { GENESIS_HASH } from '../../domain/chain.ts';
import { regionOfId } from '../../domain/ids.ts';
import type { PaymentChoice } from '../../domain/booking/booking.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import { billPeriod } from '../../domain/subscription/invoice-lines.ts';
import { periodAt } from '../../domain/subscription/period.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import type { Subscription } from '../../domain/subscription/subscription.ts';
import type { EpochMs } from '../../domain/time.ts';
import { regionId, type Asker } from '../catalogue-deps.ts';
import { advanceAndRead } from './advance-subscription.ts';
import { BillingDraft } from './billing-draft.ts';
import { keepMethod } from './charge-outcomes.ts';
import type { BillingDeps } from './billing-deps.ts';
import { newCharge, newInvoice } from './new-documents.ts';
import { numberEntitlements, pushEntitlements } from './push-entitlements.ts';
import { rememberPlans } from './remember-plans.ts';
import { readStanding, type SubscriptionStanding } from './read-subscription.ts';

/** What a member asks for. */
export interface SignUp {
  readonly planId: string;
  readonly payment: PaymentChoice | null;
  readonly timeZone: string;
}

/**
 * `POST /v1/subscriptions`. Refusals: not_found, payment_required, processor_not_supported, payment_declined,
 * subscription_exists.
 */
export async function signUp(
  given: BillingDeps,
  asker: Asker,
  wish: SignUp,
): Promise<Result<SubscriptionStanding>> {
  const deps = rememberPlans(given);
  const plan =
    deps.ids.open('pln', wish.planId) === null ? null : await deps.plans.onSale(wish.planId);
  if (plan === null) return refuse('not_found', 'There is no such plan on sale.');
  const region = regionOfId(asker.caller.id);
  const id = regionId(deps, asker, { kind: 'sub', region });
  const store = deps.billing(region);
  const before = await store.load(id);
  if (before !== null) {
    // The call that wrote it may have died before the member's object knew of it.
    await pushEntitlements(deps, before.subscription);
    return finish(deps, id);
  }
  const hadTrial =
    plan.terms.trialDays > 0 && (await store.hadTrial(asker.caller.id, plan.terms.group));
  const { terms } = plan;
  const start = planStart(terms, { hadTrial, payment: wish.payment });
  if (start === 'payment_required')
    return refuse('payment_required', 'Money is due: name a payment.');
  if (wish.payment !== null && start !== 'free') {
    const gateway = deps.gateways.get(wish.payment.processor);
    if (gateway === null || gateway.recurring === null)
      return refuse(
        'processor_not_supported',
        `${wish.payment.processor} is not available for subscriptions.`,
      );
  }
  const draft = firstDraft(deps, { id, asker, terms, timeZone: wish.timeZone });
  begin(deps, draft, { terms, start, payment: wish.payment });
  numberEntitlements(null, draft);
  const change = draft.toChange();
  if ((await store.insert(change)) === 'exists')
    return refuse(
      'subscription_exists',
      'You have a subscription already.',
      await existing(deps, asker, terms),
    );
  if (change.subscription.state !== 'incomplete') await pushEntitlements(deps, change.subscription);
  return finish(deps, id);
}

/** How a subscription begins: paid at once, free of charge, or with a trial that keeps a method or does without. */
type Start = 'paid' | 'free' | 'trial_with_method' | 'trial';

function planStart(
  terms: PlanTerms,
  asked: { hadTrial: boolean; payment: PaymentChoice | null },
): Start | 'payment_required' {
  if (terms.trialDays > 0 && !asked.hadTrial) {
    if (asked.payment !== null && terms.priceMinor > 0) return 'trial_with_method';
    return terms.trialNeedsMethod && terms.priceMinor > 0 ? 'payment_required' : 'trial';
  }
  if (terms.priceMinor === 0) return 'free';
  return asked.payment === null ? 'payment_required' : 'paid';
}

function firstDraft(
  deps: BillingDeps,
  first: { id: string; asker: Asker; terms: PlanTerms; timeZone: string },
): BillingDraft {
  const { id, asker, terms, timeZone } = first;
  const nowMs = deps.clock.nowMs();
  const anchor = { atMs: nowMs, timeZone, interval: terms.interval };
  const period = periodAt(deps.calendar, anchor, 0);
  const subscription: Subscription = {
    id,
    userId: asker.caller.id,
    planId: terms.planId,
    planVersion: terms.version,
    planGroup: terms.group,
    state: 'incomplete',
    timeZone,
    anchorAtMs: nowMs,
    periodIndex: 0,
    currentPeriodStartMs: period.startMs,
    currentPeriodEndMs: period.endMs,
    trialEndMs: null,
    cancelAtPeriodEnd: false,
    pendingPlanId: null,
    pausedRestMs: null,
    method: null,
    creditMinor: 0,
    currency: terms.currency,
    overrides: {},
    removals: [],
    entitlementVersion: 1,
    dueAtMs: nowMs,
    leaseUntilMs: 0,
    createdAtMs: nowMs,
    endedAtMs: null,
    chainSeq: 0,
    chainHash: GENESIS_HASH,
    version: 0,
  };
  const account = { subscription, openInvoice: null, charges: [], customers: {} };
  const draft = new BillingDraft(deps, account, { actor: `customer:${asker.caller.id}`, nowMs });
  draft.record({
    entityId: id,
    type: 'subscription.incomplete',
    from: null,
    to: 'incomplete',
    metadata: { planId: terms.planId, planVersion: terms.version },
  });
  return draft;
}

function begin(
  deps: BillingDeps,
  draft: BillingDraft,
  { terms, start, payment }: { terms: PlanTerms; start: Start; payment: PaymentChoice | null },
): void {
  const { subscription, nowMs } = draft;
  if (start === 'trial' || start === 'trial_with_method') {
    const { timeZone } = subscription;
    const trialEndMs: EpochMs = deps.calendar.advance(
      { atMs: nowMs, timeZone },
      { unit: 'day', count: terms.trialDays },
    );
    draft.patch({
      trialEndMs,
      anchorAtMs: trialEndMs,
      periodIndex: -1,
      currentPeriodStartMs: nowMs,
      currentPeriodEndMs: trialEndMs,
    });
    if (start === 'trial') {
      draft.move('begin_trial');
      draft.tell('subscription_started');
      return;
    }
    if (payment?.customerRef !== undefined) {
      // A saved method is kept already: nobody has to agree to anything first.
      keepMethod(draft, { processor: payment.processor, ref: payment.paymentMethod });
      return;
    }
    draft.addCharge(newCharge(draft, { ...chargeBy(payment), purpose: 'setup', invoice: null }));
    return;
  }
  const invoice = newInvoice(draft, {
    kind: 'period',
    terms,
    period: {
      anchorAtMs: nowMs,
      index: 0,
      startMs: subscription.currentPeriodStartMs,
      endMs: subscription.currentPeriodEndMs,
    },
    bill: billPeriod(terms, 0),
    dueAtMs: nowMs,
  });
  draft.putInvoice(invoice);
  if (start === 'paid')
    draft.addCharge(newCharge(draft, { ...chargeBy(payment), purpose: 'payment', invoice }));
}

function chargeBy(payment: PaymentChoice | null) {
  return {
    processor: payment?.processor ?? 'stripe',
    methodRef: payment?.paymentMethod ?? null,
    returnUrl: payment?.returnUrl ?? null,
    isOffSession: false,
  } as const;
}

async function finish(deps: BillingDeps, id: string): Promise<Result<SubscriptionStanding>> {
  const request = { subscriptionId: id, cause: 'request', look: false } as const;
  const { account } = await advanceAndRead(deps, request);
  const standing = await readStanding(deps, id, account);
  if (standing === null) return refuse('not_found', 'There is no such subscription.');
  if (standing.subscription.state !== 'expired') return ok(standing);
  return refuse('payment_declined', 'The payment was declined; nothing was kept.', {
    declineCode: standing.charge?.declineCode ?? null,
  });
}

async function existing(deps: BillingDeps, { caller }: Asker, { group }: PlanTerms) {
  const live = await deps.billing(regionOfId(caller.id)).liveOf(caller.id, group);
  return live === null ? {} : { subscriptionId: live.id, status: live.state };
}
