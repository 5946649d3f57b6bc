/**
 * What a payment, or its failure, does to the invoice and to the subscription. Synchronous, on a draft.
 * Money that comes for an invoice nobody waits for any more goes back, exactly once.
 */
import type { ProcessorPayment } from '../../domain/payment/processor-reply.ts';
import { nextAttemptAtMs } from '../../domain/subscription/dunning.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import {
  isPaidEachTime,
  type Charge,
  type Invoice,
} from '../../domain/subscription/subscription.ts';
import type { BillingDraft } from './billing-draft.ts';
import { newRefund } from './new-documents.ts';

/** The terms of the subscription's plan, for dunning. */
export type BillingTerms = Pick<PlanTerms, 'dunningDays'>;

/** The code with which a processor asks for the payer in person. */
const AUTHENTICATION_REQUIRED = 'authentication_required';

/** Our own code for money that is less than asked for, or another currency's. */
const AMOUNT_MISMATCH = 'amount_mismatch';

/** The money of a charge has moved. */
export function paymentSucceeded(
  draft: BillingDraft,
  terms: BillingTerms,
  paid: { charge: Charge; seen: ProcessorPayment },
): void {
  const { charge, seen } = paid;
  const invoice = draft.openInvoice;
  const keptMinor = Math.max(seen.capturedMinor - seen.refundedMinor, 0);
  const isEnough = seen.currency === charge.currency && seen.capturedMinor >= charge.amountMinor;
  if (invoice === null || invoice.id !== charge.invoiceId || isOver(draft) || !isEnough) {
    draft.record({
      entityId: charge.id,
      type: 'charge.unexpected',
      from: 'succeeded',
      to: 'refunding',
      metadata: { captured: seen.capturedMinor, currency: seen.currency, isEnough },
    });
    requestRefund(draft, charge, keptMinor);
    if (!isEnough && invoice?.id === charge.invoiceId)
      paymentFailed(draft, terms, { charge, code: AMOUNT_MISMATCH, retry: 'never' });
    return;
  }
  draft.patch({ method: { processor: charge.processor, ref: seen.methodRef ?? charge.methodRef } });
  settleInvoice(draft, invoice);
  // Whoever pushes money may push too much of it.
  requestRefund(draft, charge, keptMinor - charge.amountMinor);
}

/** The invoice is paid: its period, or its change of plan, begins to count. */
export function settleInvoice(draft: BillingDraft, invoice: Invoice): void {
  const { subscription, nowMs } = draft;
  const isFirst = subscription.state === 'incomplete';
  draft.putInvoice({ ...invoice, state: 'paid', paidAtMs: nowMs, nextAttemptAtMs: null });
  const isNewAnchor = invoice.periodIndex === 0;
  draft.patch({
    planId: invoice.planId,
    planVersion: invoice.planVersion,
    // A change at once takes the place of one that was to come.
    pendingPlanId:
      invoice.kind === 'change' || subscription.pendingPlanId === invoice.planId
        ? null
        : subscription.pendingPlanId,
    creditMinor: subscription.creditMinor - invoice.creditUsedMinor + invoice.creditGivenMinor,
    periodIndex: invoice.periodIndex,
    currentPeriodStartMs: invoice.periodStartMs,
    currentPeriodEndMs: invoice.periodEndMs,
    ...(isNewAnchor ? { anchorAtMs: invoice.periodStartMs } : {}),
  });
  draft.move('pay', { invoiceId: invoice.id, periodEndMs: invoice.periodEndMs });
  draft.tell(isFirst ? 'subscription_started' : 'invoice_paid', invoice.id);
}

/** A try to pay was refused for good: by kind of invoice nothing is kept, the old plan stays, or dunning goes on. */
export function paymentFailed(
  draft: BillingDraft,
  terms: BillingTerms,
  failure: { charge: Charge; code: string; retry: 'never' | 'later' | 'payer' },
): void {
  const { charge, code, retry } = failure;
  const invoice = draft.openInvoice;
  if (invoice === null || invoice.id !== charge.invoiceId || isOver(draft)) return;
  if (draft.subscription.state === 'incomplete') {
    draft.putInvoice({ ...invoice, state: 'void' });
    draft.move('expire', { declineCode: code });
    return;
  }
  if (invoice.kind === 'change') {
    draft.putInvoice({ ...invoice, state: 'void' });
    return;
  }
  const again = { dueAtMs: invoice.dueAtMs, nowMs: draft.nowMs };
  if (isPaidEachTime(draft.subscription)) {
    // An offer that ran out is no decline: the page of the invoice makes another one, and the next reminder too.
    const nextAtMs = nextAttemptAtMs(terms, again);
    draft.putInvoice({ ...invoice, need: 'authentication', nextAttemptAtMs: nextAtMs });
    draft.move('miss', { declineCode: code, invoiceId: invoice.id });
    if (code === AMOUNT_MISMATCH) draft.tell('payment_failed', invoice.id);
    return;
  }
  const needsPayer = code === AUTHENTICATION_REQUIRED;
  const isHard = retry === 'never';
  draft.putInvoice({
    ...invoice,
    declines: invoice.declines + (needsPayer ? 0 : 1),
    need: needsPayer ? 'authentication' : isHard ? 'new_method' : 'nothing',
    nextAttemptAtMs: needsPayer || isHard ? null : nextAttemptAtMs(terms, again),
  });
  draft.move('miss', { declineCode: code, invoiceId: invoice.id });
  if (needsPayer) draft.tell('authentication_needed', invoice.id);
  else draft.tell(isHard ? 'new_card_needed' : 'payment_failed', invoice.id);
}

/** Writes the intent to give back a part of a payment; the next step makes the call. */
export function requestRefund(draft: BillingDraft, payment: Charge, amountMinor: number): void {
  if (amountMinor > 0) draft.addCharge(newRefund(draft, payment, amountMinor));
}

function isOver({ subscription: { state } }: BillingDraft): boolean {
  return state === 'cancelled' || state === 'expired' || state === 'paused';
}
