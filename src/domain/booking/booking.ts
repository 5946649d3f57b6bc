/** The shape of a booking, of its payments and of the operations that move its money. Amounts are minor units. */
import type { HoldItem, Quote } from '../hold/hold.ts';
import type { DisputeState } from '../payment/dispute-machine.ts';
import type { OperationKind, OperationState } from '../payment/operation-machine.ts';
import type { PaymentState } from '../payment/payment-machine.ts';
import type { PaymentAction, Processor } from '../payment/processor-reply.ts';
import type { RefundState } from '../payment/refund-machine.ts';
import type { EpochMs } from '../time.ts';
import type { BookingState } from './booking-machine.ts';

export interface Booking {
  readonly id: string;
  /** What a person reads out at the desk. */
  readonly code: string;
  readonly state: BookingState;
  readonly holdId: string;
  readonly customerId: string;
  readonly quantity: number;
  readonly items: readonly HoldItem[];
  readonly quote: Quote;
  /** Makes the manage link unguessable. */
  readonly manageToken: string;
  /** Money came after the first hold had died and a new claim was made for it. */
  readonly isLate: boolean;
  /** When somebody at the venue said that the customer had come; null while nobody has. */
  readonly checkedInAtMs: EpochMs | null;
  /** What its provider has to say first; null where nobody is asked. */
  readonly approval: BookingApproval | null;
  readonly createdAtMs: EpochMs;
  /** Its move to dearer slots while that waits for its money; null for none. */
  readonly change: BookingChange | null;
  /** When its slots were last moved or reassigned; null while they are those of the sale. */
  readonly rescheduledAtMs: EpochMs | null;
  /** Grows with every change of the booking or its payment, so that an older projection never replaces a newer one. */
  readonly version: number;
}

/** A booking that waits for its provider's yes, or for its session's minimum. */
export interface BookingApproval {
  /** decision: yes or no. quote: yes with a price, which is paid afterwards. pledge: yes by itself, once enough pledged. */
  readonly kind: 'decision' | 'quote' | 'pledge';
  readonly isGranted: boolean;
  /** Until when the provider may say so; null before the request has reached them. */
  readonly approveByMs: EpochMs | null;
}

/** What a booking becomes once the difference is paid. Nothing else changes its slots meanwhile. */
export interface BookingChange {
  /** Keeps the new slots beside the old ones. */
  readonly holdId: string;
  readonly paymentId: string;
  /** Ids of the slots that give way, and of those that come. */
  readonly leaving: readonly string[];
  readonly arriving: readonly string[];
  readonly items: readonly HoldItem[];
  readonly quote: Quote;
}

/** One attempt to pay; a booking has at most one that is active. */
export interface Payment {
  readonly id: string;
  readonly bookingId: string;
  readonly attempt: number;
  /** sale: what the booking was sold for. supplement: the difference to dearer slots. */
  readonly purpose: 'sale' | 'supplement';
  readonly state: PaymentState;
  readonly processor: Processor;
  /** The processor's own id; null until its object exists. */
  readonly ref: string | null;
  /** A token of the processor, never a card number; null when the payer enters it with the processor. */
  readonly paymentMethod: string | null;
  /** Who the method belongs to at the processor; null where it is not a saved one. */
  readonly customerRef: string | null;
  readonly returnUrl: string | null;
  readonly amountMinor: number;
  readonly currency: string;
  readonly authorizedMinor: number;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  /** What of the capture the booking was sold for; the rest of it is on its way back. */
  readonly earnedMinor: number;
  /** What of the earned money went back. */
  readonly earnedRefundedMinor: number;
  /** What of the earned money is the platform's and what is tax; null while the booking's items say so. */
  readonly shares: PaymentShares | null;
  /** What lost disputes took. */
  readonly lostMinor: number;
  /** What the processor keeps of the capture; null while it does not say. */
  readonly feeMinor: number | null;
  /** Why a person has to look at this money; null when nobody has to. */
  readonly review: string | null;
  readonly captureBeforeMs: EpochMs | null;
  readonly action: PaymentAction | null;
  readonly declineCode: string | null;
  /** When somebody must look again if nobody did; null for never. */
  readonly dueAtMs: EpochMs | null;
  /** Looks in a row that settled nothing; stretches the back-off. */
  readonly fruitlessLooks: number;
  /** The processor's object can no longer bring money: it was voided, expired, or never was. */
  readonly isEnded: boolean;
  /** The attempt that takes over once this one is closed; null for none. */
  readonly successor: PaymentChoice | null;
}

/** Parts of a payment's earned money, in minor units; kept with it once the booking's items are no longer what it paid for. */
export interface PaymentShares {
  readonly commissionMinor: number;
  readonly taxMinor: number;
}

/** How the customer wants to pay. */
export interface PaymentChoice {
  readonly processor: Processor;
  readonly paymentMethod: string | null;
  readonly returnUrl: string | null;
  /** Who the method belongs to at the processor; left out where it is not a saved one. */
  readonly customerRef?: string;
}

/** One call to a processor, written before it is made. */
export interface Operation {
  readonly id: string;
  readonly paymentId: string;
  readonly bookingId: string;
  readonly kind: OperationKind;
  /** Moves only after a definite failure, so that a call whose fate is unknown is repeated under its own key. */
  readonly seq: number;
  readonly state: OperationState;
  readonly idempotencyKey: string;
  readonly amountMinor: number;
  readonly refundId: string | null;
  /** Until when the caller that runs it has it to itself. */
  readonly leaseUntilMs: EpochMs;
  /** Why its outcome is not known: a fault stored under the key may be retried under a new one, silence may not. */
  readonly lostTo: 'no_answer' | 'server_error' | null;
  readonly errorCode: string | null;
  readonly createdAtMs: EpochMs;
}

export interface Refund {
  readonly id: string;
  readonly paymentId: string;
  readonly bookingId: string;
  readonly amountMinor: number;
  /** How much of it was earned money; the rest never belonged to the booking. */
  readonly earnedMinor: number;
  readonly state: RefundState;
  readonly ref: string | null;
  /** Where the payer has to fetch the money; null where it comes by itself. */
  readonly claimUrl: string | null;
  /** Made at the processor by hand: we learnt of it, and never asked for it. */
  readonly isExternal: boolean;
  /** What the platform gave up of its share when this went back, and how much of it was tax; 0 until it did. */
  readonly commissionMinor: number;
  readonly taxMinor: number;
  readonly reason: string;
  readonly createdAtMs: EpochMs;
}

/** A payer's objection to a payment. */
export interface Dispute {
  readonly id: string;
  readonly paymentId: string;
  readonly bookingId: string;
  readonly processor: Processor;
  /** The processor's id. */
  readonly ref: string;
  readonly state: DisputeState;
  readonly amountMinor: number;
  readonly currency: string;
  /** How much of it was earned money, the platform's share of that and the tax in it; set when the money is taken. */
  readonly earnedMinor: number;
  readonly commissionMinor: number;
  readonly taxMinor: number;
  readonly reason: string | null;
  readonly evidenceDueAtMs: EpochMs | null;
  readonly createdAtMs: EpochMs;
}
