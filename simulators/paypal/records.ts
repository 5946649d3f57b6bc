/**
 * The objects that the simulator keeps. They are not the wire's shapes, which wire.ts makes of them.
 * Owns no behaviour. Amounts are minor units of ISO 4217; `…VirtualSeconds` is the virtual clock,
 * `…AtMs` the start clock.
 */
import type { JsonObject } from '../json.ts';

/** What every object has. */
interface Kept {
  readonly id: string;
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** How an order is or was paid. */
export interface PaymentSource {
  readonly returnUrl: string | null;
  readonly cancelUrl: string | null;
  /** True when the agreement is to be kept once the order is paid. */
  readonly isToBeKept: boolean;
  /** Whose agreement it will be; null lets PayPal make a new customer. */
  readonly customer: JsonObject | null;
  /** The kept agreement that pays, when the payer is not there. */
  readonly tokenId: string | null;
  readonly storedCredential: JsonObject | null;
}

/** An order. `metadata` is what its custom_id names, for the books. */
export interface OrderRecord extends Kept {
  readonly kind: 'order';
  readonly intent: 'AUTHORIZE' | 'CAPTURE';
  status: 'CREATED' | 'APPROVED' | 'PAYER_ACTION_REQUIRED' | 'COMPLETED' | 'VOIDED';
  readonly referenceId: string;
  readonly customId: string | null;
  readonly invoiceId: string | null;
  readonly description: string | null;
  readonly amountMinor: number;
  readonly currency: string;
  source: PaymentSource | null;
  payer: string | null;
  /** The agreement that was kept when the order was paid. */
  keptTokenId: string | null;
  /** Nobody approved or took it in time: PayPal has forgotten it. */
  isForgotten: boolean;
  readonly authorizationIds: string[];
  readonly captureIds: string[];
  readonly refundIds: string[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Money reserved by an order. A reauthorisation is one of its own, of the same reservation. */
export interface AuthorizationRecord extends Kept {
  readonly kind: 'authorization';
  readonly orderId: string;
  /** The reservation that this one renews; null for the first. */
  readonly parentId: string | null;
  status: 'CREATED' | 'PENDING' | 'DENIED' | 'PARTIALLY_CAPTURED' | 'CAPTURED' | 'VOIDED';
  isExpired: boolean;
  readonly amountMinor: number;
  readonly currency: string;
  capturedMinor: number;
  readonly expiresAtMs: number;
  readonly createdVirtualSeconds: number;
}

/** Money taken. */
export interface CaptureRecord extends Kept {
  readonly kind: 'capture';
  readonly orderId: string;
  readonly authorizationId: string | null;
  status: 'COMPLETED' | 'PENDING' | 'DECLINED' | 'PARTIALLY_REFUNDED' | 'REFUNDED';
  readonly amountMinor: number;
  readonly currency: string;
  readonly feeMinor: number;
  /** What is on its way back or came back. */
  refundedMinor: number;
  readonly isFinal: boolean;
  readonly customId: string | null;
  readonly invoiceId: string | null;
  readonly createdVirtualSeconds: number;
  disputeId: string | null;
}

/** Money given back. */
export interface RefundRecord extends Kept {
  readonly kind: 'refund';
  readonly orderId: string;
  readonly captureId: string;
  status: 'COMPLETED' | 'PENDING' | 'FAILED';
  readonly amountMinor: number;
  readonly currency: string;
  readonly totalRefundedMinor: number;
  readonly customId: string | null;
  readonly invoiceId: string | null;
  readonly noteToPayer: string | null;
}

/** A payer's objection. */
export interface DisputeRecord extends Kept {
  readonly kind: 'dispute';
  readonly orderId: string;
  readonly captureId: string;
  readonly stage: 'INQUIRY' | 'CHARGEBACK';
  readonly reason: string;
  status: 'WAITING_FOR_SELLER_RESPONSE' | 'UNDER_REVIEW' | 'RESOLVED';
  outcome: 'RESOLVED_BUYER_FAVOUR' | 'RESOLVED_SELLER_FAVOUR' | 'CANCELED_BY_BUYER' | null;
  readonly amountMinor: number;
  readonly currency: string;
  readonly responseDueAtMs: number;
  evidences: JsonObject[];
}

/** An agreement on its way to being kept. */
export interface SetupTokenRecord extends Kept {
  readonly kind: 'setup_token';
  status: 'PAYER_ACTION_REQUIRED' | 'APPROVED' | 'VAULTED';
  readonly customer: JsonObject;
  readonly returnUrl: string | null;
  readonly cancelUrl: string | null;
  payer: string | null;
  isForgotten: boolean;
}

/** A kept agreement. */
export interface PaymentTokenRecord extends Kept {
  readonly kind: 'payment_token';
  readonly customer: JsonObject;
  readonly payer: string;
  isDeleted: boolean;
}

/** A line of the account's statement. */
export interface TransactionRecord extends Kept {
  readonly kind: 'transaction';
  readonly transactionId: string;
  /** PayPal's event code, for instance T0006. */
  readonly code: string;
  readonly referenceId: string | null;
  readonly referenceType: 'ODR' | 'TXN' | null;
  readonly amountMinor: number;
  readonly feeMinor: number;
  readonly currency: string;
  status: 'S' | 'P' | 'D' | 'V';
  readonly isBalanceAffecting: boolean;
  readonly invoiceId: string | null;
  readonly customId: string | null;
}

/** Who an invoice_id belongs to. */
export interface InvoiceRecord extends Kept {
  readonly kind: 'invoice';
  readonly ownerId: string;
}

/** Objects by their kind. */
export interface PaypalKinds {
  order: OrderRecord;
  authorization: AuthorizationRecord;
  capture: CaptureRecord;
  refund: RefundRecord;
  dispute: DisputeRecord;
  setup_token: SetupTokenRecord;
  payment_token: PaymentTokenRecord;
  transaction: TransactionRecord;
  invoice: InvoiceRecord;
}

/** Any object the simulator keeps. */
export type PaypalRecord = PaypalKinds[keyof PaypalKinds];
