/** Invoices and charges as they are first written. Pure but for the ids and secrets of the draft's ports. */
import { encodeIdChars, regionOfId } from '../../domain/ids.ts';
import type { Bill } from '../../domain/subscription/invoice-lines.ts';
import type { Period } from '../../domain/subscription/period.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import type { Charge, Invoice, InvoiceKind } from '../../domain/subscription/subscription.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { BillingDraft } from './billing-draft.ts';

/** Characters of the secret of an invoice's page: 160 bits. */
const PAY_TOKEN_LENGTH = 32;

/** An invoice that is to be collected from an instant on. */
export function newInvoice(
  draft: BillingDraft,
  parts: {
    kind: InvoiceKind;
    terms: PlanTerms;
    period: Period;
    bill: Bill;
    dueAtMs: EpochMs;
  },
): Invoice {
  const { subscription, ports, nowMs } = draft;
  const { terms, period, bill: money } = parts;
  return {
    id: ports.ids.mintInRegion('inv', regionOfId(subscription.id)),
    subscriptionId: subscription.id,
    userId: subscription.userId,
    kind: parts.kind,
    planId: terms.planId,
    planVersion: terms.version,
    periodStartMs: period.startMs,
    periodEndMs: period.endMs,
    periodIndex: period.index,
    state: 'open',
    number: null,
    currency: terms.currency,
    ...money,
    refundedMinor: 0,
    dueAtMs: parts.dueAtMs,
    declines: 0,
    nextAttemptAtMs: parts.dueAtMs,
    need: 'nothing',
    payToken: encodeIdChars(ports.entropy.bytes(PAY_TOKEN_LENGTH)),
    createdAtMs: nowMs,
    paidAtMs: null,
  };
}

/** A try that has not reached the processor yet. */
export function newCharge(
  draft: BillingDraft,
  wish: Pick<Charge, 'purpose' | 'processor' | 'methodRef' | 'isOffSession' | 'returnUrl'> & {
    invoice: Invoice | null;
  },
): Charge {
  const { invoice, ...rest } = wish;
  return {
    ...rest,
    ...untried(draft),
    invoiceId: invoice?.id ?? null,
    ofChargeId: null,
    amountMinor: invoice?.totalMinor ?? 0,
    currency: draft.subscription.currency,
  };
}

/** The intent to give back a part of a payment. */
export function newRefund(draft: BillingDraft, payment: Charge, amountMinor: number): Charge {
  const { processor, invoiceId, currency } = payment;
  return {
    ...untried(draft),
    purpose: 'refund',
    processor,
    invoiceId,
    ofChargeId: payment.id,
    methodRef: null,
    isOffSession: true,
    returnUrl: null,
    amountMinor,
    currency,
  };
}

/** What every charge begins with, whatever it is for. */
function untried({ subscription, ports, nowMs }: BillingDraft) {
  return {
    id: ports.ids.mintInRegion('chg', regionOfId(subscription.id)),
    subscriptionId: subscription.id,
    state: 'created',
    ref: null,
    capturedMinor: null,
    feeMinor: null,
    action: null,
    declineCode: null,
    call: null,
    fruitlessLooks: 0,
    nextLookAtMs: null,
    isUnwanted: false,
    disputes: [],
    review: null,
    createdAtMs: nowMs,
  } as const;
}
