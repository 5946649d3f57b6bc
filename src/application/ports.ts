/**
 * What use cases need of the world. Implementations live in platform, storage and payments;
 * use cases know these interfaces alone, so that they run whole in a simulation.
 */
import type { EpochMs } from '../domain/time.ts';
import type { DataRegion, IdKind, IdParts, RegionIdKind, ShardIdKind } from '../domain/ids.ts';
import type { Money } from '../domain/money.ts';
import type { Processor, ProcessorReply } from '../domain/payment/processor-reply.ts';
import type { InventoryShardRpc } from '../contracts/durable-rpc.ts';
import type { MembershipRpc } from '../contracts/membership-rpc.ts';
import type { PromotionRpc } from '../contracts/promotion-rpc.ts';
import type { QueueMessage } from '../contracts/queue-messages.ts';

/** The one source of time: the platform's clock with the configured offset. */
export interface Clock {
  nowMs(): EpochMs;
}

/** Randomness from the platform's secure generator. */
export interface Entropy {
  bytes(length: number): Uint8Array;
}

/** Synchronous digests: a hash inside a transaction must not open the input gate. */
export interface Digest {
  /** Lower-case hex SHA-256 of a UTF-8 text. */
  sha256(text: string): string;
  /** RFC 8785 canonical JSON. */
  canonical(value: unknown): string;
}

/** Mints ids and tells genuine ones from forged. All methods are synchronous. */
export interface IdCodec {
  mintInShard(kind: ShardIdKind, shardKey: string): string;
  mintInRegion(kind: RegionIdKind, region: DataRegion): string;
  /** The same id for the same seed: a call that is repeated after a crash names the same object. */
  deriveInShard(kind: ShardIdKind, shardKey: string, seed: string): string;
  deriveInRegion(kind: RegionIdKind, region: DataRegion, seed: string): string;
  /** A new shard key in the region. */
  deriveShardKey(region: DataRegion, seed: string): string;
  /** The parts of a genuine id; null when it is malformed or its check is wrong. */
  open(kind: IdKind, text: string): IdParts | null;
}

/** Finds the object of a shard or a member. `hint` places an object at its first use, near the venue. */
export interface ObjectDirectory {
  shard(shardKey: string, hint?: string | null): InventoryShardRpc;
  member(memberId: string): MembershipRpc;
  /** By the name that the domain makes of provider and code. */
  promotion(name: string): PromotionRpc;
}

/** Sends messages; a rejected promise means that nothing may have been sent. */
export interface MessageSender {
  send(message: QueueMessage): Promise<void>;
}

/** What is always sent with a booking's payment, so that an event can be matched to it. */
export interface BookingReference {
  readonly bookingId: string;
  readonly paymentId: string;
}

/** What is always sent with a subscription's charge or setup. */
export interface SubscriptionReference {
  readonly subscriptionId: string;
  readonly chargeId: string;
}

/** What is always sent with the setup of a method that its customer saves. */
export interface MethodReference {
  readonly savedMethodId: string;
}

export type PaymentReference = BookingReference | SubscriptionReference;

/** What a processor can do. */
export interface GatewayCapabilities {
  /** Funds can be reserved first and captured later. */
  readonly authorizesFirst: boolean;
  /** api: a refund comes by itself. claim: the payer fetches it. */
  readonly refunds: 'api' | 'claim';
}

/**
 * One processor. Every call returns a reply, whatever happens on the wire; none throws for an expected failure.
 * Calls end within 10 s, are never retried inside, and carry our own idempotency key.
 */
export interface PaymentGateway {
  readonly processor: Processor;
  readonly capabilities: GatewayCapabilities;
  /** Charges of later periods; null where subscriptions cannot be paid this way. */
  readonly recurring: RecurringGateway | null;
  open(request: {
    key: string;
    amount: Money;
    reference: BookingReference;
    /** Who a saved method belongs to; without one the payer chooses, or names a token that belongs to nobody. */
    customerRef?: string | null;
    /** Where the payer returns to from the processor's page; null for the platform's own. */
    returnUrl: string | null;
  }): Promise<ProcessorReply>;
  authorize(request: {
    key: string;
    ref: string;
    paymentMethod: string;
    /** As it was opened. */
    customerRef?: string | null;
    returnUrl: string | null;
  }): Promise<ProcessorReply>;
  fetch(ref: string): Promise<ProcessorReply>;
  capture(request: { key: string; ref: string; amountMinor: number }): Promise<ProcessorReply>;
  void(request: { key: string; ref: string }): Promise<ProcessorReply>;
  refund(request: {
    key: string;
    ref: string;
    amountMinor: number;
    refundId: string;
  }): Promise<ProcessorReply>;
  /** A refund by the processor's own id. */
  fetchRefund(ref: string): Promise<ProcessorReply>;
  /**
   * A refund of a payment by our own id, for a call whose answer was lost or was a fault; `missing` when the processor has
   * none: only then another one may be asked for.
   */
  findRefund(request: { ref: string; refundId: string }): Promise<ProcessorReply>;
  /** Payments made since an instant that carry our metadata, newest first, one page at a time. */
  listSince(request: {
    sinceMs: EpochMs;
    cursor: string | null;
  }): Promise<{ payments: readonly ListedPayment[]; next: string | null } | { failed: string }>;
  /** Objections that payers made since an instant, newest first, one page at a time; none where no payer can object. */
  listDisputesSince(request: {
    sinceMs: EpochMs;
    cursor: string | null;
  }): Promise<{ disputes: readonly ListedDispute[]; next: string | null } | { failed: string }>;
  /** Checks the signature over the raw bytes and names the object; null when the signature is wrong. */
  readWebhook(request: {
    rawBody: string;
    headers: { get(name: string): string | null };
    nowMs: EpochMs;
  }): Promise<WebhookEvent | null>;
}

/**
 * Subscriptions at a processor. The rules are those of PaymentGateway; a charge is fetched, voided and refunded like any
 * other payment. A payment or setup is opened unconfirmed, so that its id is known before anything can happen to it.
 */
export interface RecurringGateway {
  /** off_session: later periods are charged without the payer. each_period: the payer pays every invoice. */
  readonly kind: 'off_session' | 'each_period';
  /** A setup can be confirmed with a token that the payer's browser had of the processor. */
  readonly takesTokens: boolean;
  /** Who the kept methods belong to. Answers `customer`. */
  openCustomer(request: { key: string; memberId: string }): Promise<ProcessorReply>;
  /** A charge that captures at once and keeps the method for later periods. */
  openCharge(request: {
    key: string;
    amount: Money;
    customerRef: string;
    reference: SubscriptionReference;
    /** The kept method that is to be charged; null: the payer chooses one. */
    paymentMethod: string | null;
    returnUrl: string | null;
  }): Promise<ProcessorReply>;
  /** `isOffSession`: the payer is not there; what needs them is declined as `authentication_required`. */
  confirmCharge(request: {
    key: string;
    ref: string;
    paymentMethod: string;
    returnUrl: string | null;
    isOffSession: boolean;
  }): Promise<ProcessorReply>;
  /** Keeps a method without a payment. Answers `setup`, as the two below. */
  openSetup(request: {
    key: string;
    customerRef: string;
    reference: SubscriptionReference | MethodReference;
    returnUrl: string | null;
  }): Promise<ProcessorReply>;
  confirmSetup(request: {
    key: string;
    ref: string;
    paymentMethod: string;
    returnUrl: string | null;
  }): Promise<ProcessorReply>;
  fetchSetup(ref: string): Promise<ProcessorReply>;
  cancelSetup(request: { key: string; ref: string }): Promise<ProcessorReply>;
  /** What may be shown of a kept method. Answers `method`. */
  describeMethod(ref: string): Promise<ProcessorReply>;
  /** Ends the keeping: it can never pay again. Answers `detached`, also where that had been done. */
  detachMethod(request: { key: string; ref: string }): Promise<ProcessorReply>;
}

/** A payment found in a processor's list, with the reference that we sent; null for somebody else's. */
export interface ListedPayment {
  readonly ref: string;
  readonly state: 'open' | 'authorized' | 'captured' | 'ended';
  readonly reference: PaymentReference | null;
  readonly createdAtMs: EpochMs;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  /** Null while the processor's list does not say it; where money moved it does. */
  readonly currency: string | null;
}

/** A payer's objection found in a processor's list, with our reference of the payment; null for somebody else's. */
export interface ListedDispute {
  /** The processor's id of the dispute. */
  readonly ref: string;
  readonly reference: PaymentReference | null;
}

/** A verified event of a processor. `dedupeKey` is unique per processor; the event's own state is never applied. */
export interface WebhookEvent {
  readonly dedupeKey: string;
  readonly type: string;
  readonly objectRef: string | null;
  readonly reference: PaymentReference | null;
  /** False for an event of another mode, account or API version: kept, and not acted upon by its body. */
  readonly isExpected: boolean;
  readonly occurredAtMs: EpochMs;
}

/** The gateways that this deployment is configured for. */
export interface GatewayRegistry {
  get(processor: string): PaymentGateway | null;
  all(): readonly PaymentGateway[];
}

/** Structured, redacting log: fields are allow-listed by their names. */
export interface Logger {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export type LogFields = { readonly [field: string]: string | number | boolean | null | undefined };

/** How a provider is paid out at a processor: the shape of Stripe Connect with separate charges and transfers. */
export interface PayoutGateway {
  readonly processor: Processor;
  /** Opens the provider's account; the same key opens one. */
  openAccount(request: {
    key: string;
    providerId: string;
    country: string;
    currency: string;
  }): Promise<PayoutReply<PayoutAccountView>>;
  fetchAccount(ref: string): Promise<PayoutReply<PayoutAccountView>>;
  /** A single-use page on which the provider proves who they are; a return from it proves nothing. */
  onboardingLink(request: {
    ref: string;
    returnUrl: string;
    refreshUrl: string;
  }): Promise<PayoutReply<{ readonly url: string; readonly expiresAtMs: EpochMs }>>;
  /** Moves money of the platform to the provider's account. */
  transfer(request: {
    key: string;
    ref: string;
    amount: Money;
    payoutId: string;
  }): Promise<PayoutReply<TransferView>>;
  /** By our own id, for a call whose answer was lost; `missing` when there is none. */
  findTransfer(payoutId: string): Promise<PayoutReply<TransferView>>;
  reverseTransfer(request: {
    key: string;
    transferRef: string;
    amountMinor: number;
  }): Promise<PayoutReply<TransferView>>;
}

export interface PayoutAccountView {
  readonly ref: string;
  /** Nothing is asked for any more, and transfers and payouts are switched on. */
  readonly isReady: boolean;
  /** What the processor still wants, in its own words. */
  readonly missing: readonly string[];
}

export interface TransferView {
  readonly ref: string;
  readonly amountMinor: number;
  readonly reversedMinor: number;
}

/** As ProcessorReply: silence is never read as a no. */
export type PayoutReply<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'no_answer' | 'server_error' | 'unavailable' | 'misconfigured';
      readonly reason: string;
    };
