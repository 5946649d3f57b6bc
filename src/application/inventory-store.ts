/**
 * What the inventory commands need of a shard's storage. Every method is synchronous: between deciding and writing
 * nobody may come in. The storage behind it refuses a double booking by itself, whatever the caller believes.
 */
import type { QuotaNotice } from '../contracts/membership-rpc.ts';
import type { ChainEvent } from '../contracts/shard-streams.ts';
import type { Booking, Dispute, Operation, Payment, Refund } from '../domain/booking/booking.ts';
import type { Hold } from '../domain/hold/hold.ts';
import type { CallRecord } from '../domain/idempotency.ts';
import type { ProviderCard, ResourceCard, ServiceCard } from '../domain/inventory/cards.ts';
import type { Claim } from '../domain/inventory/claim.ts';
import type { EpochMs } from '../domain/time.ts';
import type { ScheduleStore } from './schedule-store.ts';
import type { WaitlistStore } from './waitlist/waitlist-store.ts';

/** A finished answer: the status and body that went on the wire. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
}

/** A recorded call with its answer, null while it runs. */
export interface StoredCall extends CallRecord {
  readonly answer: StoredAnswer | null;
}

/** A call with its place, as it is written. */
export interface CallRow extends StoredCall {
  readonly callerId: string;
  readonly key: string;
  readonly createdAtMs: EpochMs;
}

/** A live claim with whether its hold has not been committed yet. */
export interface LiveClaim {
  readonly holdId: string;
  readonly claim: Claim;
  readonly isHold: boolean;
}

/** The end of the hash chain. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export interface InventoryStore extends ScheduleStore, WaitlistStore {
  /** Null until the shard was provisioned. */
  provider(): { shardKey: string; card: ProviderCard } | null;
  saveProvider(shardKey: string, card: ProviderCard): void;
  resources(): ResourceCard[];
  services(): ServiceCard[];
  saveResource(card: ResourceCard): void;
  saveService(card: ServiceCard): void;

  hold(id: string): Hold | null;
  saveHold(hold: Hold): void;
  /** Live holds that are not over; a customer's live units are counted from these. */
  liveHolds(): Iterable<Hold>;
  /** Holds that a grant was used for: at most one whose quota is not returned. */
  holdsOfGrant(grantId: string): Hold[];
  /** Refused by the storage's own guard when it would double-book, whatever memory says. */
  insertClaims(holdId: string, claims: readonly (Claim & { slotQuantity: number })[]): void;
  claimsOf(holdId: string): Claim[];
  /** Ends the claims of a hold, or those of some of its slots. */
  endClaims(holdId: string, slotIds?: readonly string[]): void;
  /** Holds with a live claim of this very slot, the oldest first. */
  holdsOfSlot(slotId: string): string[];
  /** Claims that may still keep somebody out: those of live holds that are not over. */
  liveClaims(): Iterable<LiveClaim>;

  booking(id: string): Booking | null;
  saveBooking(booking: Booking): void;
  /** Bookings that time alone moves on, with the instant. */
  dueBookings(): { bookingId: string; dueAtMs: EpochMs }[];
  payment(id: string): Payment | null;
  /** Of the attempts to pay for what was sold: the one that is active, else the latest. */
  currentPayment(bookingId: string): Payment | null;
  paymentsOf(bookingId: string): Payment[];
  savePayment(payment: Payment): void;
  /** Bookings whose payments are due for a look at `nowMs`, or all that have work left when it is null. */
  bookingsWithWork(nowMs: EpochMs | null, limit: number): string[];
  /** Payments with a due instant, for the queue of deadlines. */
  duePayments(): { bookingId: string; dueAtMs: EpochMs }[];
  operation(id: string): Operation | null;
  operationsOf(paymentId: string): Operation[];
  saveOperation(operation: Operation): void;
  refund(id: string): Refund | null;
  refundsOf(bookingId: string): Refund[];
  saveRefund(refund: Refund): void;
  disputesOf(paymentId: string): Dispute[];
  saveDispute(dispute: Dispute): void;

  call(callerId: string, key: string): StoredCall | null;
  saveCalls(calls: readonly CallRow[]): void;
  forgetCalls(beforeMs: EpochMs, limit: number): void;

  /** Takes the place of an older notice about the same grant; positions are never used twice. */
  addQuotaNotice(notice: Omit<QuotaNotice, 'seq'>): void;
  /** The notice about a grant that its member has not acknowledged. */
  quotaNoticeOf(grantId: string): QuotaNotice | null;
  /** The oldest notices. */
  quotaNotices(limit: number): QuotaNotice[];
  forgetQuotaNotices(seqs: readonly number[]): void;

  chainHead(): ChainHead | null;
  appendEvents(events: readonly ChainEvent[]): void;
  events(afterSeq: number, limit: number): ChainEvent[];
  eventsOf(entityId: string): ChainEvent[];
  /** Events that moved money, after a place of the chain, oldest first. */
  moneyEvents(afterSeq: number, limit: number): ChainEvent[];
  /** The place of the last event that moved money; 0 when none did. */
  lastMoneySeq(): number;
  eventHash(seq: number): string | null;
  streamCursor(stream: string): number;
  saveStreamCursor(stream: string, seq: number): void;
}
