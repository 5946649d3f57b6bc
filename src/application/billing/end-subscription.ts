/** Cancelling, resuming and pausing. */
import type { Caller } from '../../contracts/calls.ts';
import { regionOfId } from '../../domain/ids.ts';
import { step } from '../../domain/machine.ts';
import type { Refusal, Result } from '../../domain/result.ts';
import { grossMinor, unusedMinor } from '../../domain/subscription/invoice-lines.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import type { Charge } from '../../domain/subscription/subscription.ts';
import { SUBSCRIPTION_MACHINE } from '../../domain/subscription/subscription-machine.ts';
import type { BillingStore } from '../billing-ports.ts';
import type { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { changeSubscription, notNow } from './change-subscription.ts';
import { requestRefund } from './invoice-outcomes.ts';
import { readPaidPeriod } from './paid-period.ts';
import type { SubscriptionStanding } from './read-subscription.ts';

interface Asked {
  readonly caller: Caller;
  readonly subscriptionId: string;
}

/**
 * `POST /v1/subscriptions/{id}/cancel`: at the end of the paid period, or at once with a refund by the plan's policy.
 * What is not paid has no end to wait for, so that it ends at once either way. Refusals: invalid_transition.
 */
export function cancelSubscription(
  deps: BillingDeps,
  asked: Asked & { atPeriodEnd: boolean },
): Promise<Result<SubscriptionStanding>> {
  const store = deps.billing(regionOfId(asked.subscriptionId));
  return changeSubscription(deps, {
    ...asked,
    decide: async (draft, _account, terms) => {
      const { state } = draft.subscription;
      if (!step(SUBSCRIPTION_MACHINE, state, 'cancel').ok) return notNow(draft, 'be cancelled');
      const isPaidUp = state === 'active' || state === 'trialing';
      if (asked.atPeriodEnd && isPaidUp) {
        draft.patch({ cancelAtPeriodEnd: true, pendingPlanId: null });
        note(draft, 'cancel_at_period_end');
        return null;
      }
      await cancelNow(deps, draft, { store, terms });
      return null;
    },
  });
}

/** `POST /v1/subscriptions/{id}/resume`: takes back a cancellation that is to come, or ends a pause. */
export function resumeSubscription(
  deps: BillingDeps,
  asked: Asked,
): Promise<Result<SubscriptionStanding>> {
  return changeSubscription(deps, {
    ...asked,
    decide: (draft, _account, terms) => resume(draft, terms),
  });
}

/** `POST /v1/subscriptions/{id}/pause`: access and billing stop; the paid time that is left comes back with the resumption. */
export function pauseSubscription(
  deps: BillingDeps,
  asked: Asked,
): Promise<Result<SubscriptionStanding>> {
  return changeSubscription(deps, {
    ...asked,
    decide: (draft) => {
      const { state, cancelAtPeriodEnd, currentPeriodEndMs } = draft.subscription;
      const isFree = state === 'active' && !cancelAtPeriodEnd && draft.openInvoice === null;
      if (!isFree) return notNow(draft, 'be paused');
      draft.patch({ pausedRestMs: Math.max(currentPeriodEndMs - draft.nowMs, 0) });
      draft.move('pause');
      return null;
    },
  });
}

function resume(draft: BillingDraft, terms: PlanTerms): Refusal | null {
  const { state, cancelAtPeriodEnd, pausedRestMs, method } = draft.subscription;
  if (state === 'paused') {
    if (method === null && terms.priceMinor > 0)
      return { code: 'payment_required', detail: 'Keep a payment method first.' };
    // The rest of the paid time runs first; the periods are then counted from its end.
    const endMs = draft.nowMs + (pausedRestMs ?? 0);
    draft.move('resume');
    draft.patch({
      pausedRestMs: null,
      currentPeriodEndMs: endMs,
      anchorAtMs: endMs,
      periodIndex: -1,
    });
    return null;
  }
  const isEnding = cancelAtPeriodEnd && (state === 'active' || state === 'trialing');
  if (!isEnding) return notNow(draft, 'be resumed');
  draft.patch({ cancelAtPeriodEnd: false });
  note(draft, 'resumed');
  return null;
}

interface Standing {
  readonly store: BillingStore;
  readonly terms: PlanTerms;
}

async function cancelNow(
  deps: Pick<BillingDeps, 'plans'>,
  draft: BillingDraft,
  standing: Standing,
): Promise<void> {
  const { state } = draft.subscription;
  if (draft.openInvoice !== null) draft.putInvoice({ ...draft.openInvoice, state: 'void' });
  draft.abandonCharges();
  if (state === 'active' && standing.terms.cancelRefund === 'prorated')
    await refundRest(deps, draft, standing);
  draft.move('cancel');
  draft.tell('subscription_ended');
}

/** What is left of the paid period goes back, newest payment first, never more than came in. */
async function refundRest(
  deps: Pick<BillingDeps, 'plans'>,
  draft: BillingDraft,
  { store, terms }: Standing,
): Promise<void> {
  const { subscription, nowMs } = draft;
  const { id, userId, currentPeriodStartMs, currency } = subscription;
  const bought = await readPaidPeriod(deps, store, { subscription, terms });
  let leftMinor = unusedMinor(grossMinor(bought.terms), { ...bought, nowMs });
  for (const invoice of await store.paidAfter(id, currentPeriodStartMs)) {
    const earnedMinor = invoice.totalMinor - invoice.refundedMinor;
    const amountMinor = Math.min(leftMinor, earnedMinor);
    const payment = keptPayment(await store.chargesOf(invoice.id), earnedMinor);
    if (payment === null || amountMinor <= 0) continue;
    leftMinor -= amountMinor;
    requestRefund(draft, payment, amountMinor);
    draft.refundInvoice(invoice, invoice.refundedMinor + amountMinor);
    draft.addCreditNote({
      id: draft.ports.ids.mintInRegion('crn', regionOfId(id)),
      invoiceId: invoice.id,
      userId,
      number: null,
      currency,
      amountMinor,
      reason: 'Unused time of a cancelled subscription',
      createdAtMs: draft.nowMs,
    });
  }
}

/** The payment that an invoice was paid with: one that came besides went back at once. */
function keptPayment(charges: readonly Charge[], leftMinor: number): Charge | null {
  const returnedMinor = (id: string) =>
    charges
      .filter(({ ofChargeId, state }) => ofChargeId === id && state !== 'failed')
      .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  const kept = charges.find(
    ({ id, purpose, state, capturedMinor, amountMinor }) =>
      purpose === 'payment' &&
      state === 'succeeded' &&
      (capturedMinor ?? amountMinor) - returnedMinor(id) >= leftMinor,
  );
  return kept ?? null;
}

/** A decision that moves no machine is on the record too. */
function note(draft: BillingDraft, what: string): void {
  const { id, state } = draft.subscription;
  draft.record({ entityId: id, type: `subscription.${what}`, from: state, to: state });
}
