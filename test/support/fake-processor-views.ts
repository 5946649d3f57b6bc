/** How the processor in memory makes its objects and shows them. Used by fake-processor.ts. */
import type { ListedPayment, PaymentReference } from '../../src/application/ports.ts';
import type {
  ProcessorDispute,
  ProcessorPayment,
  ProcessorReply,
} from '../../src/domain/payment/processor-reply.ts';
import type { FakeRefund, ProcessorObject } from './fake-processor-model.ts';

const EVIDENCE_MS = 7 * 24 * 3_600_000;

/** A payment that was just opened. */
export function newObject(made: {
  readonly ref: string;
  readonly amount: { amount: number; currency: string };
  readonly metadata: { readonly [key: string]: string };
  readonly customerRef: string | null;
  readonly asksPayer: boolean;
  readonly createdAtMs: number;
}): ProcessorObject {
  const { ref, asksPayer } = made;
  return {
    ref,
    state: asksPayer ? 'action_required' : 'created',
    amountMinor: made.amount.amount,
    currency: made.amount.currency,
    authorizedMinor: 0,
    capturedMinor: 0,
    refundedMinor: 0,
    feeMinor: null,
    disputes: [],
    captureBeforeMs: null,
    action: asksPayer
      ? { type: 'redirect', url: `https://pay.test/${ref}` }
      : { type: 'sdk', clientSecret: `${ref}_secret` },
    methodRef: null,
    metadata: made.metadata,
    declineCode: null,
    paymentMethod: null,
    wasApproved: false,
    customerRef: made.customerRef,
    createdAtMs: made.createdAtMs,
    refunds: [],
  };
}

export function shown({
  paymentMethod: _method,
  wasApproved: _approved,
  customerRef: _customer,
  refunds: _refunds,
  createdAtMs: _created,
  ...payment
}: ProcessorObject): ProcessorPayment {
  return { ...payment, disputes: [...payment.disputes] };
}

export function shownRefund({ ref, claimUrl, status, amountMinor }: FakeRefund): ProcessorReply {
  return { kind: 'refund', refund: { ref, claimUrl, status, amountMinor } };
}

/** What the processor keeps: 2.9 % and 30. */
export function feeOf(amountMinor: number): number {
  return Math.floor((amountMinor * 29) / 1_000) + 30;
}

export function referenceOf({ metadata }: Pick<ProcessorObject, 'metadata'>): PaymentReference {
  const { subscription_id: subscriptionId, charge_id: chargeId } = metadata;
  if (subscriptionId !== undefined) return { subscriptionId, chargeId: chargeId ?? '' };
  return { bookingId: metadata['booking_id'] ?? '', paymentId: metadata['payment_id'] ?? '' };
}

export function listedState(object: ProcessorObject): ListedPayment['state'] {
  if (object.capturedMinor > 0) return 'captured';
  if (object.state === 'authorized') return 'authorized';
  return object.state === 'voided' || object.state === 'expired' ? 'ended' : 'open';
}

/** The payer's objection as it stands now; what it is about stays. */
export function disputeOf(
  { ref, disputes, capturedMinor, currency }: ProcessorObject,
  now: { status: ProcessorDispute['status']; amountMinor: number | null; nowMs: number },
): ProcessorDispute {
  return {
    ref: `${ref}_dispute_1`,
    status: now.status,
    amountMinor: disputes[0]?.amountMinor ?? now.amountMinor ?? capturedMinor,
    currency,
    reason: 'fraudulent',
    evidenceDueMs: now.nowMs + EVIDENCE_MS,
  };
}
