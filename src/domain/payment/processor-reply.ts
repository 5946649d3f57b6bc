/**
 * What a processor answered, in the product's own words. Adapters translate into this; machines are stepped by it.
 * A time-out is `unknown`, never a decline.
 */
import type { EpochMs } from '../time.ts';

/** Processors that a booking can be paid through. */
export const PROCESSORS = ['stripe', 'paypal', 'btcpay'] as const;
export type Processor = (typeof PROCESSORS)[number];

/** Where a payment stands at the processor, read from the processor's own object. */
export type ProcessorPaymentState =
  | 'created'
  | 'action_required'
  | 'pending'
  /** The payer agreed, and nothing moves before we ask for it (a PayPal order that was approved). */
  | 'approved'
  | 'authorized'
  | 'captured'
  | 'failed'
  | 'expired'
  | 'voided';

/** What the payer has to do next. */
export interface PaymentAction {
  readonly type: 'redirect' | 'sdk';
  readonly url?: string;
  readonly clientSecret?: string;
}

/** A payer's objection to a payment, as the processor shows it now. */
export interface ProcessorDispute {
  /** The processor's id of the dispute. */
  readonly ref: string;
  /** inquiry: nothing was taken yet. won: in the seller's favour, or withdrawn. lost: the money is gone. */
  readonly status: 'inquiry' | 'open' | 'under_review' | 'won' | 'lost';
  readonly amountMinor: number;
  readonly currency: string;
  readonly reason: string | null;
  /** Until when evidence counts; null where the processor does not say. */
  readonly evidenceDueMs: EpochMs | null;
}

/** A payment as the processor shows it now. Amounts are minor units. */
export interface ProcessorPayment {
  /** The processor's id: PaymentIntent, PayPal order or invoice. */
  readonly ref: string;
  readonly state: ProcessorPaymentState;
  readonly amountMinor: number;
  readonly currency: string;
  readonly authorizedMinor: number;
  readonly capturedMinor: number;
  /** What went back or is promised back, refunds under way included. */
  readonly refundedMinor: number;
  /** What the processor keeps of the capture; null while it does not say. */
  readonly feeMinor: number | null;
  readonly disputes: readonly ProcessorDispute[];
  /** Until when an authorisation can be captured, as the processor says; null when it does not say. */
  readonly captureBeforeMs: EpochMs | null;
  readonly action: PaymentAction | null;
  /** The processor's token of the method that paid or is to pay; null while none was chosen. */
  readonly methodRef: string | null;
  /** Our own ids as we sent them. */
  readonly metadata: { readonly [key: string]: string };
  readonly declineCode: string | null;
}

/** A refund as the processor shows it now. */
export interface ProcessorRefund {
  readonly ref: string;
  /** Where the payer has to fetch the money (a pull payment); null where it comes by itself. */
  readonly claimUrl: string | null;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly amountMinor: number;
}

/** A method being kept for later, without money, as the processor shows it now. */
export interface ProcessorSetup {
  readonly ref: string;
  readonly state: 'created' | 'action_required' | 'pending' | 'succeeded' | 'failed' | 'cancelled';
  readonly action: PaymentAction | null;
  readonly methodRef: string | null;
  readonly declineCode: string | null;
  readonly metadata: { readonly [key: string]: string };
}

/** What kept methods are called; what the processor calls anything else is `other`. */
export const METHOD_KINDS = ['card', 'paypal', 'bank_debit', 'other'] as const;
export type MethodKind = (typeof METHOD_KINDS)[number];

/** A method that a processor keeps, in what may be shown of it: never enough to pay with. */
export interface ProcessorMethod {
  /** The processor's token. */
  readonly ref: string;
  readonly kind: MethodKind;
  /** `visa`, `mastercard`, …; null where there is none. */
  readonly brand: string | null;
  readonly last4: string | null;
  /** 1 to 12. */
  readonly expiresMonth: number | null;
  readonly expiresYear: number | null;
  /** The payer's e-mail address with most of it covered; null where the processor knows none. */
  readonly payer: string | null;
}

/**
 * detached: the processor keeps the method no longer, whoever saw to it.
 * payment, refund, setup, customer, method: a definite answer with the object. declined: the processor said no to the payer.
 * already_done: the call came twice or too late; fetch to learn the truth.
 * no_answer: nobody knows, and the call may still take effect: only the same key may be tried again.
 * server_error: answered with a fault that is stored under the key; after a fetch that shows no effect, a new key is safe.
 * unavailable: answered that nothing was done (rate limit, lock); the same key may be tried again.
 * missing: there is no such object. misconfigured: our request or credentials are wrong; a person must look.
 */
export type ProcessorReply =
  | { readonly kind: 'payment'; readonly payment: ProcessorPayment }
  | { readonly kind: 'refund'; readonly refund: ProcessorRefund }
  | { readonly kind: 'setup'; readonly setup: ProcessorSetup }
  | { readonly kind: 'customer'; readonly ref: string }
  | { readonly kind: 'method'; readonly method: ProcessorMethod }
  | { readonly kind: 'detached' }
  | {
      readonly kind: 'declined';
      readonly code: string;
      readonly retry: 'never' | 'later' | 'payer';
      readonly payment: ProcessorPayment | null;
    }
  | { readonly kind: 'already_done' }
  | { readonly kind: 'no_answer'; readonly reason: string }
  | { readonly kind: 'server_error'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'misconfigured'; readonly reason: string };
