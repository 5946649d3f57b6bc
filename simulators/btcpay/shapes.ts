/**
 * What the BTCPay simulator keeps: invoices, the payments they received, pull payments and payouts. Owns no
 * behaviour; the wire shapes are made of these in views.ts.
 * Source: BTCPay Server, Greenfield API, "Invoices" and "Pull payments".
 */
import type { JsonObject } from '../json.ts';

/** States of an invoice. */
export const INVOICE_STATUSES = ['New', 'Processing', 'Settled', 'Expired', 'Invalid'] as const;
/** One of INVOICE_STATUSES. */
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number];

/** Why an invoice is in its state. */
export type AdditionalStatus = 'None' | 'PaidLate' | 'PaidPartial' | 'Marked' | 'PaidOver';

/** How many confirmations are waited for: none, one, two, six. */
export const SPEED_POLICIES = ['HighSpeed', 'MediumSpeed', 'LowMediumSpeed', 'LowSpeed'] as const;
/** One of SPEED_POLICIES. */
export type SpeedPolicy = (typeof SPEED_POLICIES)[number];

/** Ways to pay: a transaction that has to be confirmed, and one that is settled when it arrives. */
export const PAYMENT_METHODS = ['BTC-CHAIN', 'BTC-LN'] as const;
/** One of PAYMENT_METHODS. */
export type PaymentMethodId = (typeof PAYMENT_METHODS)[number];

/** The `checkout` of an invoice with the store's defaults filled in. */
export interface Checkout {
  readonly speedPolicy: SpeedPolicy;
  readonly paymentMethods: readonly PaymentMethodId[];
  readonly defaultPaymentMethod: PaymentMethodId | null;
  readonly expirationMinutes: number;
  readonly monitoringMinutes: number;
  readonly paymentTolerance: number;
  readonly redirectURL: string | null;
  readonly redirectAutomatically: boolean;
  readonly defaultLanguage: string | null;
}

/** An invoice. `metadata` is what the books show: what was sent, and the public spelling of our reference. */
export interface Invoice {
  readonly id: string;
  /** As it was sent. */
  readonly amount: string;
  readonly amountMinor: number;
  /** In capitals. */
  readonly currency: string;
  readonly dueSatoshis: number;
  readonly createdSeconds: number;
  readonly expiresVirtualSeconds: number;
  readonly metadata: JsonObject;
  readonly sentMetadata: JsonObject;
  readonly checkout: Checkout;
  status: InvoiceStatus;
  additionalStatus: AdditionalStatus;
  /** False once the monitoring time is over: a payment that comes then is not seen. */
  isWatched: boolean;
}

/** Money that arrived for an invoice. `Invalid` is a transaction that was spent elsewhere. */
export interface Payment {
  readonly id: string;
  readonly invoiceId: string;
  readonly methodId: PaymentMethodId;
  /** What the payer meant to send, in the invoice's currency. */
  readonly amountMinor: number;
  readonly satoshis: number;
  readonly receivedSeconds: number;
  status: 'Processing' | 'Settled' | 'Invalid';
}

/** A refund that waits to be fetched. `amountMinor` is in its own currency, satoshis for bitcoin. */
export interface PullPayment {
  readonly id: string;
  readonly invoiceId: string;
  readonly name: string;
  readonly description: string | null;
  readonly currency: string;
  readonly amountMinor: number;
  readonly autoApproveClaims: boolean;
  isArchived: boolean;
}

/** States of a payout. */
export type PayoutState =
  | 'AwaitingApproval'
  | 'AwaitingPayment'
  | 'InProgress'
  | 'Completed'
  | 'Cancelled';

/** A claim of a pull payment, or of a part of it. `amountMinor` is in the pull payment's currency. */
export interface Payout {
  readonly id: string;
  readonly pullPaymentId: string;
  readonly methodId: PaymentMethodId;
  readonly destination: string;
  readonly amountMinor: number;
  readonly createdSeconds: number;
  /** Set once it is approved. */
  satoshis: number | null;
  state: PayoutState;
}
