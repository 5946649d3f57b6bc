/**
 * The shapes of a subscription's money: the subscription, its invoices, and the charges that collect them.
 * They live together and change together, under the version of the subscription.
 */
import type { DisputeState } from '../payment/dispute-machine.ts';
import type { PaymentAction, Processor } from '../payment/processor-reply.ts';
import type { EpochMs } from '../time.ts';
import type { ChargeState } from './charge-machine.ts';
import type { Features } from './plan.ts';
import type { SubscriptionState } from './subscription-machine.ts';

/** Where later periods are charged. */
export interface KeptMethod {
  readonly processor: Processor;
  /** The processor's token of the payment method; null where the payer pays each invoice. */
  readonly ref: string | null;
}

/** A member's subscription to one version of a plan. */
export interface Subscription {
  readonly id: string;
  readonly userId: string;
  readonly planId: string;
  readonly planVersion: number;
  readonly planGroup: string;
  readonly state: SubscriptionState;
  /** The IANA zone whose calendar the periods follow. */
  readonly timeZone: string;
  /** Every period is counted from here, so that the 31st comes back after February. */
  readonly anchorAtMs: EpochMs;
  /** Which period after the anchor is paid; -1 while the time before the anchor runs (a trial, a resumed rest). */
  readonly periodIndex: number;
  /** The period that is paid, or tried free of charge. */
  readonly currentPeriodStartMs: EpochMs;
  readonly currentPeriodEndMs: EpochMs;
  readonly trialEndMs: EpochMs | null;
  readonly cancelAtPeriodEnd: boolean;
  /** The plan from the next period on; null for no change. */
  readonly pendingPlanId: string | null;
  /** Paid time that a pause has stopped, in milliseconds. */
  readonly pausedRestMs: number | null;
  readonly method: KeptMethod | null;
  /** What is owed to the member, taken off the next invoices; minor units. */
  readonly creditMinor: number;
  readonly currency: string;
  readonly overrides: Features;
  readonly removals: readonly string[];
  /** Grows with every change of what the member may do; over all subscriptions of a member, because it is an instant. */
  readonly entitlementVersion: number;
  /** When somebody has to look at it next; null for never. */
  readonly dueAtMs: EpochMs | null;
  /** Until when the caller at work has it alone. */
  readonly leaseUntilMs: EpochMs;
  readonly createdAtMs: EpochMs;
  readonly endedAtMs: EpochMs | null;
  /** The head of its chain in the audit trail. */
  readonly chainSeq: number;
  readonly chainHash: string;
  /** Grows by one with every write. */
  readonly version: number;
}

/** True where nothing can be charged without the payer: they pay every period themselves. */
export function isPaidEachTime({ method }: Pick<Subscription, 'method'>): boolean {
  return method !== null && method.ref === null;
}

/** One line of an invoice or credit note; amounts are signed minor units. */
export interface InvoiceLine {
  readonly kind: 'period' | 'unused' | 'remaining' | 'credit' | 'tax';
  readonly label: string;
  readonly amountMinor: number;
}

/** period: one period of the plan. change: the difference of a change of plan at once. */
export type InvoiceKind = 'period' | 'change';

/** What keeps an open invoice from being collected without the member. */
export type InvoiceNeed = 'nothing' | 'new_method' | 'authentication';

/** A bill. Its lines add up to its total, which is never negative; its number comes with its payment. */
export interface Invoice {
  readonly id: string;
  readonly subscriptionId: string;
  readonly userId: string;
  readonly kind: InvoiceKind;
  readonly planId: string;
  readonly planVersion: number;
  readonly periodStartMs: EpochMs;
  readonly periodEndMs: EpochMs;
  /** Which period after the anchor a `period` invoice bills. */
  readonly periodIndex: number;
  readonly state: 'open' | 'paid' | 'void' | 'uncollectible';
  /** Legal entity and gap-free number, such as `HF-000042`; given by storage when the invoice is paid. */
  readonly number: string | null;
  readonly currency: string;
  readonly lines: readonly InvoiceLine[];
  /** The part of the total that is tax, whether inside the price or beside it. */
  readonly taxMinor: number;
  readonly totalMinor: number;
  /** Credit that this invoice uses up; what a `change` invoice gives instead is `creditGivenMinor`. */
  readonly creditUsedMinor: number;
  readonly creditGivenMinor: number;
  readonly refundedMinor: number;
  readonly dueAtMs: EpochMs;
  /** Tries that a processor answered with a decline. */
  readonly declines: number;
  /** When it is tried next without the member; null for never. */
  readonly nextAttemptAtMs: EpochMs | null;
  readonly need: InvoiceNeed;
  /** The secret of its page; whoever has the link may pay it. */
  readonly payToken: string;
  readonly createdAtMs: EpochMs;
  readonly paidAtMs: EpochMs | null;
}

/** payment: collects an invoice. setup: keeps a method without money. refund: returns a part of a payment. */
export type ChargePurpose = 'payment' | 'setup' | 'refund';

/** A call of a processor that was decided and whose answer is not recorded yet. */
export interface ChargeCall {
  readonly kind: 'customer' | 'open' | 'confirm' | 'void' | 'refund';
  /** Part of the key: it grows only after a definite answer without effect, never after silence. */
  readonly seq: number;
}

/** A payer's objection to a payment of a subscription, as far as it is known. */
export interface ChargeDispute {
  /** The processor's id of the dispute. */
  readonly ref: string;
  readonly state: DisputeState;
  readonly amountMinor: number;
  readonly currency: string;
  readonly reason: string | null;
}

/** One try to move a subscription's money, or to keep a method for it. Intent before each call, outcome after it. */
export interface Charge {
  readonly id: string;
  readonly subscriptionId: string;
  /** Null for a setup. */
  readonly invoiceId: string | null;
  /** The payment that a refund returns. */
  readonly ofChargeId: string | null;
  readonly purpose: ChargePurpose;
  readonly state: ChargeState;
  readonly processor: Processor;
  /** The processor's id: PaymentIntent, SetupIntent, refund. */
  readonly ref: string | null;
  /** The method that the payer offered or that is kept; null when the payer chooses one at the processor. */
  readonly methodRef: string | null;
  readonly isOffSession: boolean;
  readonly returnUrl: string | null;
  readonly amountMinor: number;
  readonly currency: string;
  /** What came in by it; null before the money moved. */
  readonly capturedMinor: number | null;
  /** What the processor kept of it; null while it does not say. */
  readonly feeMinor: number | null;
  readonly action: PaymentAction | null;
  readonly declineCode: string | null;
  readonly call: ChargeCall | null;
  /** Looks in a row that settled nothing. */
  readonly fruitlessLooks: number;
  readonly nextLookAtMs: EpochMs | null;
  /** Nobody wants it any more: it is ended at the processor before anything else. */
  readonly isUnwanted: boolean;
  readonly disputes: readonly ChargeDispute[];
  /** Why a person has to look at it; null for nothing. */
  readonly review: string | null;
  readonly createdAtMs: EpochMs;
}

/** A document that takes back a part of a paid invoice. */
export interface CreditNote {
  readonly id: string;
  readonly invoiceId: string;
  readonly userId: string;
  /** Given by storage. */
  readonly number: string | null;
  readonly currency: string;
  readonly amountMinor: number;
  readonly reason: string;
  readonly createdAtMs: EpochMs;
}

/** Something that the member has to be told. */
export interface Notice {
  readonly kind:
    | 'subscription_started'
    | 'payment_failed'
    | 'new_card_needed'
    | 'authentication_needed'
    | 'subscription_suspended'
    | 'subscription_ended'
    | 'invoice_paid';
  readonly subscriptionId: string;
  readonly userId: string;
  readonly invoiceId: string | null;
}
