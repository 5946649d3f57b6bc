/**
 * What an inventory shard is asked and what it answers. Everything is plain data, because it crosses an RPC boundary,
 * and additions are backward compatible, because a new Worker may for a while call an object that runs older code.
 * Refusals are returned, never thrown.
 */
import type { PaymentChoice } from '../domain/booking/booking.ts';
import type { ShownTicket } from '../domain/booking/ticket.ts';
import type { ResourceCard, ServiceCard } from '../domain/inventory/cards.ts';
import type { Money } from '../domain/money.ts';
import type { PaymentState } from '../domain/payment/payment-machine.ts';
import type { Refusal } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import type { BookingSheet, SheetReader } from './booking-sheet.ts';
import type { CallKey, Caller, KeyedReply, Reply } from './calls.ts';
import type { BookingView, HistoryView, HoldView, RefundView } from './http/booking.ts';
import type { BlockReport, BlockView, UnblockReport } from './http/blocks.ts';
import type { SlotView } from './http/catalogue.ts';
import type { WaitlistEntryView, WaitlistLineView } from './http/waitlist.ts';
import type { AccessVerdict, GrantOutcome, QuotaNotice } from './membership-rpc.ts';
import type { CouponVerdict } from './promotion-rpc.ts';
import type { PaymentStep, RecordReplyCommand, TakeStepCommand } from './payment-steps.ts';
import type {
  CreateSlotsCommand,
  EndSalesCommand,
  ListSlotsQuery,
  NextSlotsQuery,
  PatchResourceCommand,
  PatchServiceCommand,
  ProvisionCommand,
  PutResourceCommand,
  PutServiceCommand,
  SalesEnd,
} from './shard-catalogue.ts';
import type {
  ApplyScheduleCommand,
  BlockResourceCommand,
  BlockSlotCommand,
  ScheduleAnswer,
  UnblockResourceCommand,
} from './shard-schedule.ts';
import type { JoinWaitlistCommand, ReadLineQuery, UntoldOffer } from './shard-waitlist.ts';
import type {
  AuditBatch,
  MoneyBatch,
  OrphanOutcome,
  ProjectionBatch,
  StreamName,
  StreamQuery,
} from './shard-streams.ts';

/** The slots of a service at the same local time every week, from the first one on. */
export interface SeriesRequest {
  readonly firstSlotId: string;
  /** The first one included. */
  readonly count: number;
}

interface ClaimSize {
  readonly quantity: number | null;
  readonly units: readonly string[] | null;
  /** For the slots that have fares; null where none has any. */
  readonly fareId: string | null;
}

/** What a hold asks for: slots by their ids, or a series of them. */
export type ClaimRequest = ClaimSize &
  ({ readonly slotIds: readonly string[] } | { readonly series: SeriesRequest });

/** Where an anonymous caller calls from, as a keyed hash, and how many live holds may come from there. */
export interface HoldOrigin {
  readonly key: string;
  readonly budget: number;
}

export interface PlaceHoldCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly access: AccessVerdict | null;
  /** What the coupon's object said; absent where none was named. */
  readonly coupon?: CouponVerdict | null;
  readonly claim: ClaimRequest;
  /** Live holds that one principal may have in this shard. */
  readonly holdBudget: number;
  /** Left out for whoever has an account. */
  readonly origin?: HoldOrigin;
}

export interface OpenBookingCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly access: AccessVerdict | null;
  /** What the coupon's object said; absent where none was named. */
  readonly coupon?: CouponVerdict | null;
  readonly target: { readonly holdId: string } | { readonly claim: ClaimRequest };
  readonly payment: PaymentChoice | null;
  /** Why the saved method that was named cannot pay; the answer, unless the key has one already. */
  readonly methodRefusal?: Refusal;
  /** Whether the processor of the payment reserves funds before it takes them. */
  readonly canReserve: boolean;
  readonly holdBudget: number;
  readonly origin?: HoldOrigin;
}

export interface CancelBookingCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly bookingId: string;
  readonly reason: string | null;
  /** Some of its slots; the whole booking where it is left out. */
  readonly slotIds?: readonly string[];
  /** The secret of the manage link, where that is the credential: whoever has it cancels as the customer does. */
  readonly manageToken?: string;
}

export interface RotateLinkCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly bookingId: string;
}

/** Moves a booking to other slots. */
export interface RescheduleCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly bookingId: string;
  /** All the slots that it is to have, those that stay among them. */
  readonly slotIds: readonly string[];
  /** How the customer pays what the new slots cost more; null where they bring no payment. */
  readonly payment: PaymentChoice | null;
  /** Why the saved method that was named cannot pay. */
  readonly methodRefusal?: Refusal;
  /** What the caller's plan changes; nothing of its limits is taken. Null for a guest. */
  readonly access: AccessVerdict | null;
}

/** What a booking's seller does with it: its provider or an operator. */
export type SellerDeed =
  /** `ticket`: what a genuine one said that was shown; `invalid` for any other text, null where none was shown. */
  | { readonly kind: 'check_in'; readonly ticket?: ShownTicket | 'invalid' | null }
  | { readonly kind: 'complete' }
  | { readonly kind: 'no_show' }
  /** With a price where the booking waits for one, and only there. */
  | { readonly kind: 'approve'; readonly price: Money | null }
  | { readonly kind: 'decline'; readonly reason: string }
  /** To another resource of its service, with everything that is not over. */
  | { readonly kind: 'reassign'; readonly resourceId: string };

export interface SellerCommand {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly bookingId: string;
  readonly deed: SellerDeed;
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
  readonly purpose: CallPurpose;
}

/** What a call was for; it decides what is answered once its money has moved. */
export type CallPurpose = 'open' | 'cancel' | 'reschedule' | 'approve' | 'seller';

/** What a read of a booking's payment tells the Worker beside the view. */
export interface BookingState {
  readonly view: BookingView;
  readonly paymentState: PaymentState | null;
  readonly declineCode: string | null;
  readonly holdExpiresAtMs: EpochMs | null;
}

/** A hold that was given up: the next step for the money of its booking, and the quota that came back. */
export interface ReleasedHold {
  readonly bookingId: string | null;
  readonly step: PaymentStep;
  readonly notices: readonly QuotaNotice[];
}

/** The methods of an inventory shard that other parts may call. */
export interface InventoryShardRpc {
  provision(command: ProvisionCommand): Promise<Reply<null>>;
  putResource(command: PutResourceCommand): Promise<Reply<ResourceCard>>;
  patchResource(command: PatchResourceCommand): Promise<Reply<ResourceCard>>;
  getResource(id: string): Promise<Reply<ResourceCard>>;
  putService(command: PutServiceCommand): Promise<Reply<ServiceCard>>;
  patchService(command: PatchServiceCommand): Promise<Reply<ServiceCard>>;
  getService(id: string): Promise<Reply<ServiceCard>>;
  /** Ends what the shard sells, unless something of it is live. */
  endSales(command: EndSalesCommand): Promise<Reply<SalesEnd>>;
  createSlots(command: CreateSlotsCommand): Promise<KeyedReply<{ data: SlotView[] }>>;
  listSlots(
    query: ListSlotsQuery,
  ): Promise<Reply<{ data: SlotView[]; next: { startAtMs: number; id: string } | null }>>;
  /** One answer for each service, in the order asked. */
  nextFreeSlots(query: NextSlotsQuery): Promise<Reply<(SlotView | null)[]>>;
  getSlot(id: string): Promise<Reply<SlotView>>;
  applySchedule(command: ApplyScheduleCommand): Promise<Reply<ScheduleAnswer>>;
  blockSlot(command: BlockSlotCommand): Promise<KeyedReply<SlotView>>;
  blockResource(command: BlockResourceCommand): Promise<KeyedReply<BlockReport>>;
  unblockResource(command: UnblockResourceCommand): Promise<KeyedReply<UnblockReport>>;
  listBlocks(query: { caller: Caller; resourceId: string }): Promise<Reply<{ data: BlockView[] }>>;
  placeHold(command: PlaceHoldCommand): Promise<KeyedReply<HoldView>>;
  getHold(caller: Caller, id: string): Promise<Reply<HoldView>>;
  releaseHold(caller: Caller, id: string): Promise<Reply<ReleasedHold>>;
  /** `POST /v1/slots/{id}/waitlist`. */
  joinWaitlist(command: JoinWaitlistCommand): Promise<KeyedReply<WaitlistEntryView>>;
  getWaitlistEntry(caller: Caller, id: string): Promise<Reply<WaitlistEntryView>>;
  leaveWaitlist(caller: Caller, id: string): Promise<Reply<null>>;
  readWaitlist(query: ReadLineQuery): Promise<Reply<WaitlistLineView>>;
  /** The oldest offers of which nobody was told. */
  untoldOffers(limit: number): Promise<UntoldOffer[]>;
  offersTold(offerIds: readonly string[]): Promise<void>;
  /** How many minutes the slots have together, for a plan that counts them. */
  measureClaim(claim: ClaimRequest): Promise<Reply<{ minutes: number }>>;
  /** Whose slots these are. */
  seller(): Promise<Reply<{ providerId: string }>>;
  /** Live holds of a principal in this shard. */
  liveHoldsOf(callerId: string): Promise<number>;
  /** What became of grants, in the order asked. */
  grantOutcomes(grantIds: readonly string[]): Promise<GrantOutcome[]>;
  /** The oldest outcomes that member objects have not acknowledged. */
  readQuotaNotices(limit: number): Promise<QuotaNotice[]>;
  forgetQuotaNotices(seqs: readonly number[]): Promise<void>;
  openBooking(command: OpenBookingCommand): Promise<OpenBookingReply>;
  cancelBooking(command: CancelBookingCommand): Promise<CancelBookingReply>;
  /** `POST /v1/bookings/{id}/reschedule`, up to the first call of a processor. */
  rescheduleBooking(command: RescheduleCommand): Promise<OpenBookingReply>;
  /** Check-in, completion, no-show, approval and its refusal, up to the first call of a processor. */
  actAsSeller(command: SellerCommand): Promise<OpenBookingReply>;
  finishCall(command: FinishCallCommand): Promise<KeyedReply<BookingView>>;
  /** `POST /v1/bookings/{id}/refunds`, up to the first call of a processor. */
  openRefund(command: OpenRefundCommand): Promise<OpenRefundReply>;
  finishRefund(command: FinishRefundCommand): Promise<KeyedReply<RefundView>>;
  getBooking(caller: Caller, id: string): Promise<Reply<BookingState>>;
  /** The booking behind a manage link. */
  getManagedBooking(id: string, token: string): Promise<Reply<BookingView>>;
  rotateManageLink(command: RotateLinkCommand): Promise<KeyedReply<BookingView>>;
  /** The manage link of a booking, for whoever sends it to its customer. */
  getManageUrl(bookingId: string): Promise<Reply<string>>;
  getBookingSheet(reader: SheetReader, id: string): Promise<Reply<BookingSheet>>;
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
  /** Whether a dispute of a payment is known, by the processor's id of it. */
  knowsDispute(dispute: { paymentId: string; ref: string }): Promise<boolean>;
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
