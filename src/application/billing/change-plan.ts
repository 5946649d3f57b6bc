/** `POST /v1/subscriptions/{id}/change`: another plan, at once with proration or from the next period on. */
import type { Caller } from '../../contracts/calls.ts';
import { ok, refuse, type Refusal, type Result } from '../../domain/result.ts';
import { isChargeOpen } from '../../domain/subscription/billing-step.ts';
import { billChange } from '../../domain/subscription/invoice-lines.ts';
import { isSameInterval, periodAt, type Period } from '../../domain/subscription/period.ts';
import { changeTime } from '../../domain/subscription/plan-change.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import { regionOfId } from '../../domain/ids.ts';
import type { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { changeSubscription, notNow } from './change-subscription.ts';
import { settleInvoice } from './invoice-outcomes.ts';
import { newCharge, newInvoice } from './new-documents.ts';
import { readPaidPeriod, type PaidPeriod } from './paid-period.ts';
import type { SubscriptionStanding } from './read-subscription.ts';

/**
 * Changes the plan. The old plan stays until the difference is paid. Refusals: not_found, payment_required,
 * payment_declined, invalid_transition.
 */
export async function changePlan(
  deps: BillingDeps,
  asked: {
    caller: Caller;
    subscriptionId: string;
    planId: string;
    returnUrl: string | null;
  },
): Promise<Result<SubscriptionStanding>> {
  const plan =
    deps.ids.open('pln', asked.planId) === null ? null : await deps.plans.onSale(asked.planId);
  if (plan === null) return refuse('not_found', 'There is no such plan on sale.');
  const store = deps.billing(regionOfId(asked.subscriptionId));
  let invoiceId: string | null = null;
  const changed = await changeSubscription(deps, {
    ...asked,
    decide: async (draft, account, terms) => {
      const isBusy = account.openInvoice !== null || account.charges.some(isChargeOpen);
      if (isBusy) return notNow(draft, 'change its plan while a payment is under way');
      const { subscription } = account;
      const refusal = decideChange(deps, draft, {
        from: terms,
        to: plan.terms,
        bought: await readPaidPeriod(deps, store, { subscription, terms }),
        returnUrl: asked.returnUrl,
      });
      invoiceId = draft.openInvoice?.id ?? null;
      return refusal;
    },
  });
  if (!changed.ok || invoiceId === null) return changed;
  return declinedOr(changed.value, invoiceId);
}

interface Change {
  readonly from: PlanTerms;
  readonly to: PlanTerms;
  /** What of the running period can be given back. */
  readonly bought: PaidPeriod;
  readonly returnUrl: string | null;
}

function decideChange(
  deps: Pick<BillingDeps, 'calendar'>,
  draft: BillingDraft,
  change: Change,
): Refusal | null {
  const { subscription } = draft;
  const { from, to } = change;
  const { state } = subscription;
  if (state !== 'active' && state !== 'trialing') return notNow(draft, 'change its plan');
  if (to.group !== from.group || to.currency !== from.currency)
    return notNow(draft, 'move to a plan of another group or currency');
  if (to.planId === from.planId) {
    if (subscription.pendingPlanId === null) return notNow(draft, 'change to the plan that it has');
    // Asking for the plan that one has takes back the change that was to come.
    draft.patch({ pendingPlanId: null });
    return null;
  }
  if (subscription.cancelAtPeriodEnd) return notNow(draft, 'change its plan before it is resumed');
  if (changeTime(from, to, state === 'trialing') === 'period_end') {
    draft.patch({ pendingPlanId: to.planId });
    draft.record({
      entityId: subscription.id,
      type: 'subscription.change_planned',
      from: state,
      to: state,
      metadata: { fromPlanId: from.planId, toPlanId: to.planId },
    });
    return null;
  }
  return state === 'trialing' ? switchTrial(draft, from, to) : billNow(deps, draft, change);
}

function switchTrial(draft: BillingDraft, from: PlanTerms, to: PlanTerms): Refusal | null {
  const { id, state } = draft.subscription;
  draft.patch({ planId: to.planId, planVersion: to.version, pendingPlanId: null });
  draft.record({
    entityId: id,
    type: 'subscription.plan_changed',
    from: state,
    to: state,
    metadata: { fromPlanId: from.planId, toPlanId: to.planId },
  });
  return null;
}

function billNow(
  deps: Pick<BillingDeps, 'calendar'>,
  draft: BillingDraft,
  { to, bought, returnUrl }: Change,
): Refusal | null {
  const { subscription, nowMs } = draft;
  const { terms: from, startMs, endMs } = bought;
  const bill = billChange({ from, to }, { startMs, endMs, nowMs }, subscription.creditMinor);
  if (bill.totalMinor > 0 && subscription.method === null)
    return { code: 'payment_required', detail: 'Keep a payment method first.' };
  const invoice = newInvoice(draft, {
    kind: 'change',
    terms: to,
    period: periodOfChange(deps, draft, { from, to }),
    bill,
    dueAtMs: nowMs,
  });
  draft.putInvoice(invoice);
  const { method } = subscription;
  if (bill.totalMinor === 0 || method === null) {
    settleInvoice(draft, invoice);
    return null;
  }
  draft.addCharge(
    newCharge(draft, {
      purpose: 'payment',
      processor: method.processor,
      methodRef: method.ref,
      isOffSession: false,
      returnUrl,
      invoice,
    }),
  );
  return null;
}

/** The running period goes on with the same interval; another interval begins a new one now. */
function periodOfChange(
  deps: Pick<BillingDeps, 'calendar'>,
  draft: BillingDraft,
  { from, to }: { from: PlanTerms; to: PlanTerms },
): Period {
  const { subscription, nowMs } = draft;
  if (!isSameInterval(from.interval, to.interval)) {
    const { timeZone } = subscription;
    return periodAt(deps.calendar, { atMs: nowMs, timeZone, interval: to.interval }, 0);
  }
  return {
    anchorAtMs: subscription.anchorAtMs,
    index: subscription.periodIndex,
    startMs: subscription.currentPeriodStartMs,
    endMs: subscription.currentPeriodEndMs,
  };
}

/** A change whose payment was refused is no change: the caller is told, and the old plan stays. */
function declinedOr(
  standing: SubscriptionStanding,
  invoiceId: string,
): Result<SubscriptionStanding> {
  const { charge } = standing;
  if (charge?.invoiceId !== invoiceId || charge.state !== 'failed') return ok(standing);
  return refuse('payment_declined', 'The payment was declined; the old plan stays.', {
    declineCode: charge.declineCode,
  });
}
