/**
 * What Durable Objects are asked and what they answer. Everything is plain data, because it crosses an RPC boundary,
 * and additions are backward compatible, because a new Worker may for a while call an object that runs older code.
 * Refusals are returned, never thrown.
 */
import type { ChainLink } from '../domain/chain.ts';
import type { Refusal, Json } from '../domain/result.ts';
import type { Money } from '../domain/money.ts';
import type { EpochMs } from '../domain/time.ts';
import type { ProviderCard, ResourceCard, ServiceCard } from '../domain/inventory/cards.ts';
import type { PaymentChoice } from '../domain/booking/booking.ts';
import type { OperationKind } from '../domain/payment/operation-machine.ts';
import type { PaymentState } from '../domain/payment/payment-machine.ts';
import type { Processor, ProcessorReply } from '../domain/payment/processor-reply.ts';
import type { BookingView, HistoryView, HoldView, RefundView } from './http/booking.ts';
import type { SlotView } from './http/catalogue.ts';

/** guest: somebody without an account, and therefore without a plan. */
export type Role = 'customer' | 'provider' | 'operator' | 'guest';

/** Who calls: a signed-in person, with the roles of the access token. */
export interface Caller {
  readonly id: string;
  readonly roles: readonly Role[];
}

/** The idempotency key of a call and the hash of what was asked (method, path, canonical JSON, caller). */
export interface CallKey {
  readonly key: string;
  readonly fingerprint: string;
}

/** The answer of a keyed call: what goes on the wire, and whether it is the first answer given again. */
export type KeyedReply<T> =
  | {
      readonly ok: true;
      readonly status: number;
      readonly value: T;
      readonly replayed: boolean;
      /** Quota that the call gave back: its member learns it before the caller is answered. */
      readonly notices?: readonly QuotaNotice[];
    }
  | {
      readonly ok: false;
      readonly refusal: Refusal;
      readonly replayed: boolean;
    };

/** The answer of a read or of a call without a key. */
export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export interface ProvisionCommand {
  readonly shardKey: string;
  readonly provider: ProviderCard;
}

/** How much of a member's counted limits a hold takes. */
export interface QuotaUses {
  /** Slots held, each of which counts against `bookings.perPeriod`. */
  readonly bookings: number;
  readonly minutes: number;
  /** Slots that the plan pays for. */
  readonly included: number;
  /** Slots beyond `bookings.perPeriod`, which cost `overage.price` each. */
  readonly overage: number;
  /** People beyond the member, over all slots of a members' service. */
  readonly guestPasses: number;
}

/** A durable reservation of counted limits at Membership: the most that the hold may take. */
export interface QuotaGrant {
  /** Begins with hash(caller, shard, key): a repeat of the call meets the same reservation. */
  readonly id: string;
  readonly memberId: string;
  /** The shard refuses the grant from this instant on, so that Membership may then ask what came of it. */
  readonly validUntilMs: EpochMs;
  readonly uses: QuotaUses;
  /** False where guest passes are not counted. */
  readonly countsGuests: boolean;
  /** What each slot beyond the limit costs; null where `uses.overage` is 0. */
  readonly overagePrice: Money | null;
}

/** What a member's plan changes about a hold, on open services too. */
export interface MemberBenefits {
  /** Replaces the service's booking window; null leaves it as it is. */
  readonly windowDays: number | 'unlimited' | null;
  /** How long before the general sale this member may hold; null for any time before. */
  readonly earlyAccessMinutes: number | null;
  /** Categories of members' services that the plan opens; null for all. */
  readonly categories: readonly string[] | null;
  readonly discountBps: number;
}

/** Membership's verdict on one hold. The shard looks its key up first, then applies the verdict. */
export interface AccessVerdict {
  /** `access.members` of a plan that runs now. */
  readonly isMember: boolean;
  readonly planId: string | null;
  readonly benefits: MemberBenefits | null;
  readonly grant: QuotaGrant | null;
  /** A limit that forbids the hold; the shard records it under the key as its own refusal. */
  readonly refusal: Refusal | null;
}

/** What became of a grant, as its shard knows: never used, held, kept by a booking, or given back. */
export interface GrantOutcome {
  readonly grantId: string;
  readonly state: 'unknown' | 'held' | 'kept' | 'returned';
  /** What was taken in the end, never more than was granted; null where the grant is unknown. */
  readonly uses: QuotaUses | null;
}

/** An outcome that a member's object has to learn. */
export interface QuotaNotice {
  /** Position in the shard's outbox of notices. */
  readonly seq: number;
  readonly memberId: string;
  readonly outcome: GrantOutcome;
}

export interface PutResourceCommand {
  readonly caller: Caller;
  readonly card: Omit<ResourceCard, 'version' | 'active'>;
}

export interface PatchResourceCommand {
  readonly caller: Caller;
  readonly id: string;
  readonly patch: Partial<Pick<ResourceCard, 'name' | 'kind' | 'active'>>;
}

export interface PutServiceCommand {
  readonly caller: Caller;
  readonly card: Omit<ServiceCard, 'version'>;
}

export interface PatchServiceCommand {
  readonly caller: Caller;
  readonly id: string;
  readonly patch: Partial<
    Omit<
      ServiceCard,
      | 'id'
      | 'providerId'
      | 'venueId'
      | 'resourceIds'
      | 'allocation'
      | 'durationMinutes'
      | 'timeZone'
      | 'version'
    >
  >;
}

export interface NewSlot {
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  readonly resourceId: string | null;
  readonly capacity: number | null;
  readonly priceMinor: number | null;
  readonly priceCurrency: string | null;
}

export interface CreateSlotsCommand {
  readonly caller: Caller;
  readonly call: CallKey | null;
  readonly serviceId: string;
  readonly slots: readonly NewSlot[];
}

export interface ListSlotsQuery {
  readonly serviceId: string;
  readonly fromMs: EpochMs | null;
  readonly toMs: EpochMs | null;
  readonly timeZone: string | null;
  readonly status: SlotView['status'] | null;
  /** Position after which to go on: the start and id of the last slot seen. */
  readonly after: { readonly startAtMs: EpochMs; readonly id: string } | null;
  readonly limit: number;
}

/** What a hold asks for. */
export interface ClaimRequest {
  readonly slotIds: readonly string[];
  readonly quantity: number | null;
  readonly units: readonly string[] | null;
}

export interface PlaceHoldCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly access: AccessVerdict | null;
  readonly claim: ClaimRequest;
  /** Live holds that one principal may have in this shard. */
  readonly holdBudget: number;
}

export interface OpenBookingCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly access: AccessVerdict | null;
  readonly target: { readonly holdId: string } | { readonly claim: ClaimRequest };
  readonly payment: PaymentChoice | null;
  readonly holdBudget: number;
}

export interface CancelBookingCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly bookingId: string;
  readonly reason: string | null;
}

/** One thing to do at the processor, leased to the caller that was given it. */
export type PaymentWork = PaymentLook | RefundLook | RefundSearch | PaymentCall;

interface WorkSubject {
  readonly bookingId: string;
  readonly paymentId: string;
  readonly processor: Processor;
}

/** Ask how a payment stands. */
export interface PaymentLook extends WorkSubject {
  readonly kind: 'fetch';
  readonly ref: string;
}

/** Ask how a refund stands that the processor has accepted and not finished. */
export interface RefundLook extends WorkSubject {
  readonly kind: 'fetch_refund';
  readonly operationId: string;
  /** The processor's id of what is asked for. */
  readonly ref: string;
}

/** Ask for a refund of a payment (`ref`) by our own id, because the answer to its call was lost or was a fault. */
export interface RefundSearch extends Omit<RefundLook, 'kind'> {
  readonly kind: 'find_refund';
  readonly refundId: string;
  /** Names this search: a later one takes its place. */
  readonly leaseUntilMs: EpochMs;
}

/** Make a call whose intent is written, under its own key. */
export interface PaymentCall extends WorkSubject {
  readonly kind: OperationKind;
  readonly operationId: string;
  /** The processor's id of the payment; null only for `open`. */
  readonly ref: string | null;
  readonly idempotencyKey: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly paymentMethod: string | null;
  readonly returnUrl: string | null;
  readonly refundId: string | null;
}

/**
 * What to do next for a booking's money. busy: another caller's lease still runs. idle: nothing now.
 */
export type PaymentStep =
  | { readonly kind: 'work'; readonly work: PaymentWork }
  | { readonly kind: 'busy' }
  | { readonly kind: 'idle' };

/** Why somebody looks at a payment; it becomes the actor of the transitions that follow. */
export type AdvanceCause = 'request' | 'confirm' | 'webhook' | 'queue' | 'reconciler';

export interface TakeStepCommand {
  readonly bookingId: string;
  readonly cause: AdvanceCause;
  /** Ask the processor even if nothing is due: the caller has a reason to think that something changed. */
  readonly look: boolean;
  /** Payments that this pass has looked at already. */
  readonly looked: readonly string[];
}

export interface RecordReplyCommand {
  readonly work: PaymentWork;
  readonly reply: ProcessorReply;
  readonly cause: AdvanceCause;
  /** Operations that this pass has made already: one that settled nothing is not repeated without a pause. */
  readonly tried: readonly string[];
  /** The keyed call that this work is part of; its lease is renewed with each step. */
  readonly call: { readonly caller: Caller; readonly call: CallKey } | null;
}

/** A first answer to `POST /v1/bookings`: final, or with work to do before it can be given. */
export type OpenBookingReply =
  | { readonly kind: 'final'; readonly reply: KeyedReply<BookingView> }
  | { readonly kind: 'work'; readonly bookingId: string; readonly step: PaymentStep };

/** A first answer to a cancellation: final, or with money still to move. */
export type CancelBookingReply = OpenBookingReply;

/** Gives money of a booking back, by its provider or an operator; it moves money only. */
export interface OpenRefundCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly bookingId: string;
  /** Null for all that is left. */
  readonly amount: Money | null;
  readonly reason: string;
}

/** A first answer to a refund: final, or with money still to move. */
export type OpenRefundReply =
  | { readonly kind: 'final'; readonly reply: KeyedReply<RefundView> }
  | (Extract<OpenBookingReply, { kind: 'work' }> & { readonly refundId: string });

export type FinishRefundCommand = Pick<OpenRefundCommand, 'caller' | 'call'> & {
  readonly refundId: string;
};

export interface FinishCallCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly bookingId: string;
  readonly purpose: 'open' | 'cancel';
}

/** What a read of a booking's payment tells the Worker beside the view. */
export interface BookingState {
  readonly view: BookingView;
  readonly paymentState: PaymentState | null;
  readonly declineCode: string | null;
  readonly holdExpiresAtMs: EpochMs | null;
}

/** One link of the shard's hash chain, as it crosses to the audit trail; rows are found by entity or parent. */
export type ChainEvent = ChainLink;

/** A booking and its payment as the read model keeps them. */
export interface BookingProjection {
  readonly id: string;
  readonly code: string;
  readonly shardKey: string;
  readonly providerId: string;
  readonly venueId: string;
  readonly serviceId: string;
  readonly customerId: string;
  readonly status: string;
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  readonly totalMinor: number;
  readonly currency: string;
  readonly paymentId: string | null;
  readonly paymentStatus: string | null;
  readonly processor: string | null;
  readonly processorRef: string | null;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  readonly createdAtMs: EpochMs;
  readonly version: number;
}

export interface StreamQuery {
  readonly afterSeq: number;
  readonly limit: number;
}

/** A stretch of the chain for the audit trail. */
export interface AuditBatch {
  readonly shardKey: string;
  readonly events: readonly ChainEvent[];
  readonly headSeq: number;
}

/** The present truth of what changed in a stretch of the chain. */
export interface ProjectionBatch {
  readonly shardKey: string;
  readonly throughSeq: number;
  readonly headSeq: number;
  readonly bookings: readonly BookingProjection[];
  readonly services: readonly ServiceCard[];
  readonly resources: readonly ResourceCard[];
}

/** An object at a processor that carried our metadata and belonged to no payment, and what became of it. */
export interface OrphanOutcome {
  readonly bookingId: string;
  readonly paymentId: string;
  readonly processor: Processor;
  readonly ref: string;
  readonly outcome: 'voided' | 'refunded';
  readonly amountMinor: number;
}

/** Something that moved a booking's money, as the ledger posts it. Amounts are positive minor units. */
export interface MoneyFact {
  /** The event of the chain that tells of it. */
  readonly seq: number;
  readonly eventId: string;
  readonly kind:
    | 'captured'
    | 'refunded'
    | 'refund_failed'
    | 'disputed'
    | 'dispute_won'
    | 'dispute_lost';
  readonly bookingId: string;
  readonly paymentId: string;
  readonly processor: Processor;
  /** The processor's id of the payment. */
  readonly processorRef: string | null;
  /** The processor's id of the refund or dispute. */
  readonly entityRef: string | null;
  readonly amountMinor: number;
  readonly currency: string;
  /** What the processor kept; null while it is not known, and told again as a fact of its own once it is. */
  readonly feeMinor: number | null;
  /** False for money that no booking earned and that is on its way back. */
  readonly isEarned: boolean;
  readonly providerId: string;
  readonly venueId: string;
  readonly customerId: string;
  /** The platform's share of a capture or of what is given back of it. */
  readonly commissionMinor: number;
  /** When the last slot of the booking ends. */
  readonly serviceEndsAtMs: EpochMs;
  readonly atMs: EpochMs;
}

/** The money facts of a stretch of the chain. */
export interface MoneyBatch {
  readonly shardKey: string;
  readonly throughSeq: number;
  readonly headSeq: number;
  readonly facts: readonly MoneyFact[];
}

export type StreamName = 'audit' | 'projection' | 'money';

/** The methods of an inventory shard that other parts may call. */
export interface InventoryShardRpc {
  provision(command: ProvisionCommand): Promise<Reply<null>>;
  putResource(command: PutResourceCommand): Promise<Reply<ResourceCard>>;
  patchResource(command: PatchResourceCommand): Promise<Reply<ResourceCard>>;
  getResource(id: string): Promise<Reply<ResourceCard>>;
  putService(command: PutServiceCommand): Promise<Reply<ServiceCard>>;
  patchService(command: PatchServiceCommand): Promise<Reply<ServiceCard>>;
  getService(id: string): Promise<Reply<ServiceCard>>;
  createSlots(command: CreateSlotsCommand): Promise<KeyedReply<{ data: SlotView[] }>>;
  listSlots(
    query: ListSlotsQuery,
  ): Promise<Reply<{ data: SlotView[]; next: { startAtMs: number; id: string } | null }>>;
  getSlot(id: string): Promise<Reply<SlotView>>;
  placeHold(command: PlaceHoldCommand): Promise<KeyedReply<HoldView>>;
  getHold(caller: Caller, id: string): Promise<Reply<HoldView>>;
  releaseHold(
    caller: Caller,
    id: string,
  ): Promise<
    Reply<{ bookingId: string | null; step: PaymentStep; notices: readonly QuotaNotice[] }>
  >;
  /** How many minutes the slots have together, for a plan that counts them. */
  measureSlots(slotIds: readonly string[]): Promise<Reply<{ minutes: number }>>;
  /** Live holds of a principal in this shard. */
  liveHoldsOf(callerId: string): Promise<number>;
  /** What became of grants, in the order asked. */
  grantOutcomes(grantIds: readonly string[]): Promise<GrantOutcome[]>;
  /** The oldest outcomes that member objects have not acknowledged. */
  readQuotaNotices(limit: number): Promise<QuotaNotice[]>;
  forgetQuotaNotices(seqs: readonly number[]): Promise<void>;
  openBooking(command: OpenBookingCommand): Promise<OpenBookingReply>;
  cancelBooking(command: CancelBookingCommand): Promise<CancelBookingReply>;
  finishCall(command: FinishCallCommand): Promise<KeyedReply<BookingView>>;
  /** `POST /v1/bookings/{id}/refunds`, up to the first call of a processor. */
  openRefund(command: OpenRefundCommand): Promise<OpenRefundReply>;
  finishRefund(command: FinishRefundCommand): Promise<KeyedReply<RefundView>>;
  getBooking(caller: Caller, id: string): Promise<Reply<BookingState>>;
  /** The booking behind a manage link. */
  getManagedBooking(id: string, token: string): Promise<Reply<BookingView>>;
  bookingHistory(caller: Caller, id: string): Promise<Reply<HistoryView>>;
  takeStep(command: TakeStepCommand): Promise<PaymentStep>;
  recordReply(command: RecordReplyCommand): Promise<PaymentStep>;
  /** Bookings with money work to do: due, or all of them when `ignoreDue`. */
  unfinishedBookings(ignoreDue: boolean, limit: number): Promise<string[]>;
  /**
   * Does the processor's object belong to a payment of this shard: recorded there, or about to be, because the call
   * that made it has not been settled yet. What does not is an orphan.
   */
  knowsPayment(payment: { bookingId: string; paymentId: string; ref: string }): Promise<boolean>;
  /** Puts what was done about an orphan on the record. */
  recordOrphan(orphan: OrphanOutcome): Promise<void>;
  readAudit(query: StreamQuery): Promise<AuditBatch>;
  readProjection(query: StreamQuery): Promise<ProjectionBatch>;
  readMoney(query: StreamQuery): Promise<MoneyBatch>;
  /**
   * Tells the shard that a stream is applied through `seq`, and gives the head. A consumer that does not go on
   * is told again of what came meanwhile.
   */
  acknowledge(stream: StreamName, applied: { seq: number; goesOn: boolean }): Promise<number>;
  /** The hash at a place of the chain, null beyond its head. */
  chainHashAt(seq: number): Promise<string | null>;
  /** Runs what is due now: expiries, wake-ups, streams. */
  wake(): Promise<void>;
}

/** What one subscription lets a member do, pushed by billing. */
export interface Entitlements {
  readonly memberId: string;
  readonly subscriptionId: string;
  /** A member has at most one subscription per group; a newer one of the group takes the place of an older. */
  readonly group: string;
  readonly planId: string | null;
  readonly planName: string | null;
  readonly features: { readonly [feature: string]: Json };
  /** The currency of `overage.price`. */
  readonly currency: string;
  /** The period whose uses are counted together; after its end the next one begins. */
  readonly periodStartMs: EpochMs;
  readonly periodEndMs: EpochMs;
  /** The instant from which on the plan grants nothing: paid time and grace are over. */
  readonly validUntilMs: EpochMs;
  readonly version: number;
}

/** A signed-in customer is about to hold. */
export interface AdmitCommand {
  readonly memberId: string;
  /** hash(caller, shard, key): names the call. */
  readonly grantId: string;
  readonly shardKey: string;
  readonly slots: number;
  /** People beyond the first, over all slots. */
  readonly guests: number;
  /** Null until a plan that counts minutes asks for them. */
  readonly minutes: number | null;
  /** Live holds that one principal may have over all shards. */
  readonly holdBudget: number;
}

/** measure: ask the shard how many minutes the slots have, and come again. Nothing was reserved. */
export type AdmitReply =
  | { readonly kind: 'verdict'; readonly verdict: AccessVerdict }
  | { readonly kind: 'measure' };

/** What a member may do and has done, for `GET /v1/me/entitlements`. */
export interface MembershipUsage {
  readonly memberships: readonly {
    readonly entitlements: Entitlements;
    readonly used: { readonly [feature: string]: number };
  }[];
}

/** The methods of a membership object. */
export interface MembershipRpc {
  /** Takes what billing pushed; an older version never replaces a newer one. */
  putEntitlements(entitlements: Entitlements): Promise<void>;
  admit(command: AdmitCommand): Promise<AdmitReply>;
  /** Learns what became of grants; a repeat changes nothing. */
  settle(outcomes: readonly GrantOutcome[]): Promise<void>;
  usage(): Promise<MembershipUsage>;
}
