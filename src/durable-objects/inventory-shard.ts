/**
 * InventoryShard: the single writer of everything that can be double-booked in one shard.
 * Identity: the shard key (region letter and eight characters) is the object's name.
 * Storage: provider, resource, service, slot, schedule, resource_block, hold, claim, pool_level, booking, payment, operation,
 * refund, dispute, waitlist_entry, call, chain_event, stream_cursor, quota_notice, live_topic, live_change. Nothing is written before the
 * shard was provisioned.
 * Alarm: a janitor for deadlines, due looks at payments and consumers that are behind. After eviction everything is
 * loaded from storage. It never calls a processor, D1 or another object while it decides; queues are told afterwards.
 */
import { DurableObject } from 'cloudflare:workers';
import { applySchedule } from '../application/apply-schedule.ts';
import * as blocks from '../application/block-slots.ts';
import { finishCall } from '../application/booking-calls.ts';
import { actAsSeller } from '../application/seller-commands.ts';
import { cancelBooking } from '../application/cancel-booking.ts';
import * as catalogue from '../application/catalogue-commands.ts';
import * as streams from '../application/chain-streams.ts';
import { endSales } from '../application/end-sales.ts';
import { isKnownDispute } from '../application/disputes.ts';
import * as links from '../application/manage-link.ts';
import { readMoney } from '../application/money-facts.ts';
import { nextFreeSlots } from '../application/free-slots.ts';
import { openBooking } from '../application/open-booking.ts';
import { placeHold, readHold } from '../application/place-hold.ts';
import * as bookings from '../application/read-booking.ts';
import { readSheet } from '../application/read-sheet.ts';
import { releaseHold } from '../application/release-hold.ts';
import { rescheduleBooking } from '../application/reschedule-booking.ts';
import * as payments from '../application/payment-commands.ts';
import * as refunds from '../application/refund-commands.ts';
import * as quota from '../application/quota-outbox.ts';
import type { SheetReader } from '../contracts/booking-sheet.ts';
import { markTold, untoldOffers } from '../application/waitlist/offer-outbox.ts';
import * as waitlist from '../application/waitlist/waitlist-commands.ts';
import type { Caller } from '../contracts/calls.ts';
import type * as rpc from '../contracts/durable-rpc.ts';
import type { GrantOutcome, QuotaNotice } from '../contracts/membership-rpc.ts';
import { ok } from '../domain/result.ts';
import type {
  PaymentStep,
  RecordReplyCommand,
  TakeStepCommand,
} from '../contracts/payment-steps.ts';
import type * as cards from '../contracts/shard-catalogue.ts';
import type * as schedule from '../contracts/shard-schedule.ts';
import type { JoinWaitlistCommand, ReadLineQuery } from '../contracts/shard-waitlist.ts';
import type {
  AuditBatch,
  MoneyBatch,
  OrphanOutcome,
  ProjectionBatch,
  StreamName,
  StreamQuery,
} from '../contracts/shard-streams.ts';
import { ShardRuntime } from './shard-runtime.ts';

/** What a method of the shard answers. */
type Answer<M extends keyof rpc.InventoryShardRpc> = ReturnType<rpc.InventoryShardRpc[M]>;

const NO_EVENTS: AuditBatch = { shardKey: '', events: [], headSeq: 0 };
const NO_FACTS: MoneyBatch = { shardKey: '', throughSeq: 0, headSeq: 0, facts: [] };
const NO_CHANGES: ProjectionBatch = {
  shardKey: '',
  throughSeq: 0,
  headSeq: 0,
  bookings: [],
  services: [],
  resources: [],
};

export class InventoryShard extends DurableObject<Env> implements rpc.InventoryShardRpc {
  readonly #runtime: ShardRuntime;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#runtime = new ShardRuntime(ctx, env);
  }

  provision(command: cards.ProvisionCommand): Answer<'provision'> {
    return this.#runtime.provision(command);
  }

  putResource(command: cards.PutResourceCommand): Answer<'putResource'> {
    return this.#runtime.change((shard) => catalogue.putResource(shard, command));
  }

  patchResource(command: cards.PatchResourceCommand): Answer<'patchResource'> {
    return this.#runtime.change((shard) => catalogue.patchResource(shard, command));
  }

  getResource(id: string): Answer<'getResource'> {
    return this.#runtime.read((shard) => catalogue.readResource(shard, id));
  }

  putService(command: cards.PutServiceCommand): Answer<'putService'> {
    return this.#runtime.change((shard) => catalogue.putService(shard, command));
  }

  patchService(command: cards.PatchServiceCommand): Answer<'patchService'> {
    return this.#runtime.change((shard) => catalogue.patchService(shard, command));
  }

  getService(id: string): Answer<'getService'> {
    return this.#runtime.read((shard) => catalogue.readService(shard, id));
  }

  endSales(command: cards.EndSalesCommand): Answer<'endSales'> {
    return this.#runtime.change((shard) => endSales(shard, command));
  }

  createSlots(command: cards.CreateSlotsCommand): Answer<'createSlots'> {
    return this.#runtime.keyed((shard) => catalogue.createSlots(shard, command));
  }

  listSlots(query: cards.ListSlotsQuery): Answer<'listSlots'> {
    return this.#runtime.read((shard) => catalogue.listSlots(shard, query));
  }

  nextFreeSlots(query: cards.NextSlotsQuery): Answer<'nextFreeSlots'> {
    return this.#runtime.read((shard) => nextFreeSlots(shard, query));
  }

  getSlot(id: string): Answer<'getSlot'> {
    return this.#runtime.read((shard) => catalogue.readSlot(shard, id));
  }

  applySchedule(command: schedule.ApplyScheduleCommand): Answer<'applySchedule'> {
    return this.#runtime.change((shard) => applySchedule(shard, command));
  }

  blockSlot(command: schedule.BlockSlotCommand): Answer<'blockSlot'> {
    return this.#runtime.keyed((shard) => blocks.blockSlot(shard, command));
  }

  blockResource(command: schedule.BlockResourceCommand): Answer<'blockResource'> {
    return this.#runtime.keyed((shard) => blocks.blockResource(shard, command));
  }

  unblockResource(command: schedule.UnblockResourceCommand): Answer<'unblockResource'> {
    return this.#runtime.keyed((shard) => blocks.unblockResource(shard, command));
  }

  listBlocks(query: { caller: Caller; resourceId: string }): Answer<'listBlocks'> {
    return this.#runtime.read((shard) => blocks.listBlocks(shard, query));
  }

  async placeHold(command: rpc.PlaceHoldCommand): Answer<'placeHold'> {
    const { overload } = this.#runtime;
    return overload ?? this.#runtime.keyed((shard) => placeHold(shard, command));
  }

  getHold(caller: Caller, id: string): Answer<'getHold'> {
    return this.#runtime.read((shard) => readHold(shard, caller, id));
  }

  releaseHold(caller: Caller, id: string): Answer<'releaseHold'> {
    return this.#runtime.change((shard) => releaseHold(shard, caller, id));
  }

  joinWaitlist(command: JoinWaitlistCommand): Answer<'joinWaitlist'> {
    return this.#runtime.keyed((shard) => waitlist.joinWaitlist(shard, command));
  }

  getWaitlistEntry(caller: Caller, id: string): Answer<'getWaitlistEntry'> {
    return this.#runtime.read((shard) => waitlist.readEntry(shard, caller, id));
  }

  leaveWaitlist(caller: Caller, id: string): Answer<'leaveWaitlist'> {
    return this.#runtime.change((shard) => waitlist.leaveWaitlist(shard, caller, id));
  }

  readWaitlist(query: ReadLineQuery): Answer<'readWaitlist'> {
    return this.#runtime.read((shard) => waitlist.readLine(shard, query));
  }

  untoldOffers(limit: number): Answer<'untoldOffers'> {
    return this.#runtime.look((shard) => untoldOffers(shard, limit), []);
  }

  offersTold(offerIds: readonly string[]): Promise<void> {
    return this.#runtime.decide((shard) => {
      markTold(shard, offerIds);
      this.#runtime.forgetTold('offers');
    }, undefined);
  }

  measureClaim(claim: rpc.ClaimRequest): Answer<'measureClaim'> {
    return this.#runtime.read((shard) => quota.measureClaim(shard, claim));
  }

  seller(): Answer<'seller'> {
    return this.#runtime.read(({ provider }) => ok({ providerId: provider.providerId }));
  }

  liveHoldsOf(callerId: string): Promise<number> {
    return this.#runtime.look((shard) => shard.liveHoldsOf(callerId), 0);
  }

  grantOutcomes(grantIds: readonly string[]): Promise<GrantOutcome[]> {
    const unknown = grantIds.map(quota.unknownGrant);
    return this.#runtime.look((shard) => quota.grantOutcomes(shard, grantIds), unknown);
  }

  readQuotaNotices(limit: number): Promise<QuotaNotice[]> {
    return this.#runtime.look((shard) => shard.store.quotaNotices(limit), []);
  }

  forgetQuotaNotices(seqs: readonly number[]): Promise<void> {
    return this.#runtime.decide((shard) => {
      shard.forgetNotices(seqs);
      this.#runtime.forgetTold('quota');
    }, undefined);
  }

  async openBooking(command: rpc.OpenBookingCommand): Answer<'openBooking'> {
    const { overload } = this.#runtime;
    if (overload !== null) return { kind: 'final', reply: overload };
    return this.#runtime.opened((shard) => openBooking(shard, command));
  }

  cancelBooking(command: rpc.CancelBookingCommand): Answer<'cancelBooking'> {
    return this.#runtime.opened((shard) => cancelBooking(shard, command));
  }

  rescheduleBooking(command: rpc.RescheduleCommand): Answer<'rescheduleBooking'> {
    return this.#runtime.opened((shard) => rescheduleBooking(shard, command));
  }

  actAsSeller(command: rpc.SellerCommand): Answer<'actAsSeller'> {
    return this.#runtime.opened((shard) => actAsSeller(shard, command));
  }

  finishCall(command: rpc.FinishCallCommand): Answer<'finishCall'> {
    return this.#runtime.keyed((shard) => finishCall(shard, command));
  }

  openRefund(command: rpc.OpenRefundCommand): Answer<'openRefund'> {
    return this.#runtime.opened((shard) => refunds.openRefund(shard, command));
  }

  finishRefund(command: rpc.FinishRefundCommand): Answer<'finishRefund'> {
    return this.#runtime.keyed((shard) => refunds.finishRefund(shard, command));
  }

  getBooking(caller: Caller, id: string): Answer<'getBooking'> {
    return this.#runtime.read((shard) => bookings.readBooking(shard, caller, id));
  }

  rotateManageLink(command: rpc.RotateLinkCommand): Answer<'rotateManageLink'> {
    return this.#runtime.keyed((shard) => links.rotateManageLink(shard, command));
  }

  getManageUrl(bookingId: string): Answer<'getManageUrl'> {
    return this.#runtime.read((shard) => links.readManageUrl(shard, bookingId));
  }

  getManagedBooking(id: string, token: string): Answer<'getManagedBooking'> {
    return this.#runtime.read((shard) => bookings.readManagedBooking(shard, id, token));
  }

  getBookingSheet(reader: SheetReader, id: string): Answer<'getBookingSheet'> {
    return this.#runtime.read((shard) => readSheet(shard, reader, id));
  }

  bookingHistory(caller: Caller, id: string): Answer<'bookingHistory'> {
    return this.#runtime.read((shard) => bookings.readHistory(shard, caller, id));
  }

  takeStep(command: TakeStepCommand): Promise<PaymentStep> {
    const take = payments.takeStep;
    return this.#runtime.decide<PaymentStep>((shard) => take(shard, command), { kind: 'idle' });
  }

  recordReply(command: RecordReplyCommand): Promise<PaymentStep> {
    const record = payments.recordReply;
    return this.#runtime.decide<PaymentStep>((shard) => record(shard, command), { kind: 'idle' });
  }

  unfinishedBookings(ignoreDue: boolean, limit: number): Promise<string[]> {
    return this.#runtime.look(
      (shard) => shard.store.bookingsWithWork(ignoreDue ? null : shard.nowMs, limit),
      [],
    );
  }

  knowsPayment(payment: { bookingId: string; paymentId: string; ref: string }): Promise<boolean> {
    return this.#runtime.look((shard) => payments.isKnownPayment(shard, payment), false);
  }

  knowsDispute(dispute: { paymentId: string; ref: string }): Promise<boolean> {
    return this.#runtime.look((shard) => isKnownDispute(shard, dispute), false);
  }

  recordOrphan(orphan: OrphanOutcome): Promise<void> {
    return this.#runtime.decide((shard) => payments.recordOrphan(shard, orphan), undefined);
  }

  readAudit(query: StreamQuery): Promise<AuditBatch> {
    return this.#runtime.look((shard) => streams.readAudit(shard, query), NO_EVENTS);
  }

  readProjection(query: StreamQuery): Promise<ProjectionBatch> {
    return this.#runtime.look((shard) => streams.readProjection(shard, query), NO_CHANGES);
  }

  readMoney(query: StreamQuery): Promise<MoneyBatch> {
    return this.#runtime.look((shard) => readMoney(shard, query), NO_FACTS);
  }

  acknowledge(stream: StreamName, applied: { seq: number; goesOn: boolean }): Promise<number> {
    return this.#runtime.decide((shard) => {
      const headSeq = streams.acknowledge(shard, stream, applied.seq);
      if (!applied.goesOn) this.#runtime.forgetTold(stream);
      return headSeq;
    }, 0);
  }

  chainHashAt(seq: number): Promise<string | null> {
    return this.#runtime.look((shard) => shard.store.eventHash(seq), null);
  }

  wake(): Promise<void> {
    return this.#runtime.wake();
  }

  /** Only the Worker reaches an object: it asks for a socket. */
  override fetch(request: Request): Promise<Response> {
    return this.#runtime.live.open(request);
  }

  override webSocketMessage(socket: WebSocket): void {
    this.#runtime.live.message(socket);
  }

  override webSocketClose(socket: WebSocket): Promise<void> {
    return this.#runtime.live.closed(socket);
  }

  override webSocketError(socket: WebSocket): Promise<void> {
    return this.#runtime.live.closed(socket);
  }

  override alarm(info?: AlarmInvocationInfo): Promise<void> {
    return this.#runtime.alarm(info?.retryCount ?? 0);
  }
}
