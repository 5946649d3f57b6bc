/**
 * An inventory shard in Node: the shipping commands over the shipping storage, with a clock and chance of the test.
 * It stands in for the Durable Object alone: one transaction per call, deadlines first, memory thrown away when a
 * transaction fails or the test says so.
 */
import { applySchedule } from '../../src/application/apply-schedule.ts';
import * as blocks from '../../src/application/block-slots.ts';
import { endSales } from '../../src/application/end-sales.ts';
import { isKnownDispute } from '../../src/application/disputes.ts';
import { finishCall } from '../../src/application/booking-calls.ts';
import { actAsSeller } from '../../src/application/seller-commands.ts';
import { cancelBooking } from '../../src/application/cancel-booking.ts';
import * as catalogue from '../../src/application/catalogue-commands.ts';
import * as streams from '../../src/application/chain-streams.ts';
import * as links from '../../src/application/manage-link.ts';
import { readMoney } from '../../src/application/money-facts.ts';
import { hasDue, settleDeadlines } from '../../src/application/deadlines.ts';
import { nextFreeSlots } from '../../src/application/free-slots.ts';
import { openBooking } from '../../src/application/open-booking.ts';
import { placeHold, readHold } from '../../src/application/place-hold.ts';
import * as bookings from '../../src/application/read-booking.ts';
import { rescheduleBooking } from '../../src/application/reschedule-booking.ts';
import { releaseHold } from '../../src/application/release-hold.ts';
import type { InventoryStore } from '../../src/application/inventory-store.ts';
import {
  isKnownPayment,
  recordOrphan,
  recordReply,
  takeStep,
} from '../../src/application/payment-commands.ts';
import * as refunds from '../../src/application/refund-commands.ts';
import * as quota from '../../src/application/quota-outbox.ts';
import { readSheet } from '../../src/application/read-sheet.ts';
import { LiveDesk, type LiveMessage } from '../../src/application/live/live-desk.ts';
import { ShardState } from '../../src/application/shard-state.ts';
import { markTold, untoldOffers } from '../../src/application/waitlist/offer-outbox.ts';
import * as waitlist from '../../src/application/waitlist/waitlist-commands.ts';
import { decideAndOffer } from '../../src/application/waitlist/make-offers.ts';
import type { Caller, Reply } from '../../src/contracts/calls.ts';
import type { RecordReplyCommand, TakeStepCommand } from '../../src/contracts/payment-steps.ts';
import type {
  CreateSlotsCommand,
  EndSalesCommand,
  ListSlotsQuery,
  NextSlotsQuery,
  PatchResourceCommand,
  PatchServiceCommand,
  PutResourceCommand,
  PutServiceCommand,
} from '../../src/contracts/shard-catalogue.ts';
import type * as schedule from '../../src/contracts/shard-schedule.ts';
import type { SheetReader } from '../../src/contracts/booking-sheet.ts';
import type { JoinWaitlistCommand, ReadLineQuery } from '../../src/contracts/shard-waitlist.ts';
import type { Watch } from '../../src/contracts/live.ts';
import type { OrphanOutcome, StreamName, StreamQuery } from '../../src/contracts/shard-streams.ts';
import type * as rpc from '../../src/contracts/durable-rpc.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { platformCalendar } from '../../src/platform/calendar.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { createLiveStore } from '../../src/storage/durable/live-store.ts';
import { migrateShard } from '../../src/storage/durable/migrate-shard.ts';
import { SHARD_MIGRATIONS } from '../../src/storage/durable/shard-migrations.ts';
import { createSqliteInventoryStore } from '../../src/storage/durable/sqlite-inventory-store.ts';
import { seededEntropy, type FakeClock } from './fake-clock.ts';
import { openNodeSql, type NodeSql } from './node-sql.ts';

/** How long an offer of a waiting line stands. */
export const OFFER_MS = 15 * MINUTE_MS;

export const SHARD_KEY = 'gtest0000';

/** What signs the ids of the tests. */
export const ID_SECRET = 'a secret of the tests';

/** Who owns the shop. */
export const OWNER: Caller = { id: 'usr_owner', roles: ['provider'] };

export class NodeShard implements rpc.InventoryShardRpc {
  readonly clock: FakeClock;
  readonly sql: NodeSql;
  readonly store: InventoryStore;
  /** Bookings that the shard asked the queue to look at, oldest first. */
  readonly wakeUps: string[] = [];
  /** What watchers were told, oldest first. */
  readonly told: LiveMessage[] = [];
  readonly #seed: number;
  #loads = 0;
  #shard: ShardState | null = null;
  #desk: LiveDesk | null = null;

  constructor(clock: FakeClock, seed = 1) {
    this.clock = clock;
    this.#seed = seed;
    this.sql = openNodeSql();
    migrateShard(this.sql.storage, SHARD_MIGRATIONS);
    this.store = createSqliteInventoryStore(this.sql.sql);
    this.store.saveProvider(SHARD_KEY, {
      providerId: 'prv_club',
      name: 'Club',
      currency: 'usd',
      owners: [OWNER.id],
    });
  }

  /** What the object has in memory; loaded from storage when there is nothing. */
  get state(): ShardState {
    this.#shard ??= this.load();
    return this.#shard;
  }

  /** A second memory of the same storage, to be compared with the first. */
  load(): ShardState {
    this.#loads += 1;
    const entropy = seededEntropy(this.#seed * 1_000 + this.#loads);
    const state = new ShardState({
      store: this.store,
      clock: this.clock,
      ids: createIdCodec(ID_SECRET, entropy),
      digest: systemDigest,
      entropy,
      calendar: platformCalendar,
      publicUrl: 'https://holdfast.test',
      offerMs: OFFER_MS,
    });
    state.nowMs = this.clock.nowMs();
    return state;
  }

  /** The process died: memory is gone, storage stays. */
  crash(): void {
    this.#shard = null;
    this.#desk = null;
  }

  /** Where watchers are told from; loaded anew with the memory that it watches. */
  get desk(): LiveDesk {
    this.#desk ??= new LiveDesk(this.state, createLiveStore(this.sql.sql));
    return this.#desk;
  }

  /** Begins to watch, and gives what the stream begins with. */
  watch(watch: Watch): string[] {
    const admitted = this.decide(() => this.desk.admit(watch));
    if (!admitted.ok) throw new Error(admitted.refusal.code);
    return this.desk.resume(watch);
  }

  /** Decides in one transaction; what is due is settled first. */
  decide<T>(command: (shard: ShardState) => T): T {
    const shard = this.state;
    const { desk } = this;
    try {
      return this.sql.transactionSync(() => {
        shard.nowMs = this.clock.nowMs();
        desk.begin();
        settleDeadlines(shard);
        const decided = decideAndOffer(shard, command);
        desk.settle();
        shard.store.flush();
        return decided;
      });
    } catch (error) {
      this.crash();
      throw error;
    } finally {
      this.told.push(...desk.take());
      this.wakeUps.push(...shard.wakeUps);
      shard.wakeUps.clear();
    }
  }

  /** Reads from memory; when something is due, its expiry is written first. */
  look<T>(read: (shard: ShardState) => T): T {
    const shard = this.state;
    if (hasDue(shard, this.clock.nowMs())) return this.decide(read);
    shard.nowMs = this.clock.nowMs();
    return read(shard);
  }

  async provision(): Promise<Reply<null>> {
    return { ok: true, value: null };
  }

  async putResource(command: PutResourceCommand) {
    return this.decide((shard) => catalogue.putResource(shard, command));
  }

  async patchResource(command: PatchResourceCommand) {
    return this.decide((shard) => catalogue.patchResource(shard, command));
  }

  async getResource(id: string) {
    return this.look((shard) => catalogue.readResource(shard, id));
  }

  async putService(command: PutServiceCommand) {
    return this.decide((shard) => catalogue.putService(shard, command));
  }

  async patchService(command: PatchServiceCommand) {
    return this.decide((shard) => catalogue.patchService(shard, command));
  }

  async getService(id: string) {
    return this.look((shard) => catalogue.readService(shard, id));
  }

  async endSales(command: EndSalesCommand) {
    return this.decide((shard) => endSales(shard, command));
  }

  async createSlots(command: CreateSlotsCommand) {
    return this.decide((shard) => catalogue.createSlots(shard, command));
  }

  async listSlots(query: ListSlotsQuery) {
    return this.look((shard) => catalogue.listSlots(shard, query));
  }

  async nextFreeSlots(query: NextSlotsQuery) {
    return this.look((shard) => nextFreeSlots(shard, query));
  }

  async getSlot(id: string) {
    return this.look((shard) => catalogue.readSlot(shard, id));
  }

  async applySchedule(command: schedule.ApplyScheduleCommand) {
    return this.decide((shard) => applySchedule(shard, command));
  }

  async blockSlot(command: schedule.BlockSlotCommand) {
    return this.decide((shard) => blocks.blockSlot(shard, command));
  }

  async blockResource(command: schedule.BlockResourceCommand) {
    return this.decide((shard) => blocks.blockResource(shard, command));
  }

  async unblockResource(command: schedule.UnblockResourceCommand) {
    return this.decide((shard) => blocks.unblockResource(shard, command));
  }

  async listBlocks(query: { caller: Caller; resourceId: string }) {
    return this.look((shard) => blocks.listBlocks(shard, query));
  }

  async placeHold(command: rpc.PlaceHoldCommand) {
    return this.decide((shard) => placeHold(shard, command));
  }

  async getHold(caller: Caller, id: string) {
    return this.look((shard) => readHold(shard, caller, id));
  }

  async releaseHold(caller: Caller, id: string) {
    return this.decide((shard) => releaseHold(shard, caller, id));
  }

  async joinWaitlist(command: JoinWaitlistCommand) {
    return this.decide((shard) => waitlist.joinWaitlist(shard, command));
  }

  async getWaitlistEntry(caller: Caller, id: string) {
    return this.look((shard) => waitlist.readEntry(shard, caller, id));
  }

  async leaveWaitlist(caller: Caller, id: string) {
    return this.decide((shard) => waitlist.leaveWaitlist(shard, caller, id));
  }

  async readWaitlist(query: ReadLineQuery) {
    return this.look((shard) => waitlist.readLine(shard, query));
  }

  async untoldOffers(limit: number) {
    return this.look((shard) => untoldOffers(shard, limit));
  }

  async offersTold(offerIds: readonly string[]): Promise<void> {
    this.decide((shard) => markTold(shard, offerIds));
  }

  async measureClaim(claim: rpc.ClaimRequest) {
    return this.look((shard) => quota.measureClaim(shard, claim));
  }

  async seller(): Promise<Reply<{ providerId: string }>> {
    return { ok: true, value: { providerId: this.state.provider.providerId } };
  }

  async liveHoldsOf(callerId: string) {
    return this.look((shard) => shard.liveHoldsOf(callerId));
  }

  async grantOutcomes(grantIds: readonly string[]) {
    return this.look((shard) => quota.grantOutcomes(shard, grantIds));
  }

  async readQuotaNotices(limit: number) {
    return this.look((shard) => shard.store.quotaNotices(limit));
  }

  async forgetQuotaNotices(seqs: readonly number[]): Promise<void> {
    this.decide((shard) => shard.forgetNotices(seqs));
  }

  async openBooking(command: rpc.OpenBookingCommand) {
    return this.decide((shard) => openBooking(shard, command));
  }

  async cancelBooking(command: rpc.CancelBookingCommand) {
    return this.decide((shard) => cancelBooking(shard, command));
  }

  async rescheduleBooking(command: rpc.RescheduleCommand) {
    return this.decide((shard) => rescheduleBooking(shard, command));
  }

  async actAsSeller(command: rpc.SellerCommand) {
    return this.decide((shard) => actAsSeller(shard, command));
  }

  async finishCall(command: rpc.FinishCallCommand) {
    return this.decide((shard) => finishCall(shard, command));
  }

  async openRefund(command: rpc.OpenRefundCommand) {
    return this.decide((shard) => refunds.openRefund(shard, command));
  }

  async finishRefund(command: rpc.FinishRefundCommand) {
    return this.decide((shard) => refunds.finishRefund(shard, command));
  }

  async getBooking(caller: Caller, id: string) {
    return this.look((shard) => bookings.readBooking(shard, caller, id));
  }

  async rotateManageLink(command: rpc.RotateLinkCommand) {
    return this.decide((shard) => links.rotateManageLink(shard, command));
  }

  async getManageUrl(bookingId: string) {
    return this.look((shard) => links.readManageUrl(shard, bookingId));
  }

  async getManagedBooking(id: string, token: string) {
    return this.look((shard) => bookings.readManagedBooking(shard, id, token));
  }

  async getBookingSheet(reader: SheetReader, id: string) {
    return this.look((shard) => readSheet(shard, reader, id));
  }

  async bookingHistory(caller: Caller, id: string) {
    return this.look((shard) => bookings.readHistory(shard, caller, id));
  }

  async takeStep(command: TakeStepCommand) {
    return this.decide((shard) => takeStep(shard, command));
  }

  async recordReply(command: RecordReplyCommand) {
    return this.decide((shard) => recordReply(shard, command));
  }

  async unfinishedBookings(ignoreDue: boolean, limit: number) {
    return this.look((shard) =>
      shard.store.bookingsWithWork(ignoreDue ? null : shard.nowMs, limit),
    );
  }

  async recordOrphan(orphan: OrphanOutcome): Promise<void> {
    this.decide((shard) => recordOrphan(shard, orphan));
  }

  async knowsPayment(payment: { bookingId: string; paymentId: string; ref: string }) {
    return this.look((shard) => isKnownPayment(shard, payment));
  }

  async knowsDispute(dispute: { paymentId: string; ref: string }) {
    return this.look((shard) => isKnownDispute(shard, dispute));
  }

  async readAudit(query: StreamQuery) {
    return this.look((shard) => streams.readAudit(shard, query));
  }

  async readProjection(query: StreamQuery) {
    return this.look((shard) => streams.readProjection(shard, query));
  }

  async readMoney(query: StreamQuery) {
    return this.look((shard) => readMoney(shard, query));
  }

  async acknowledge(stream: StreamName, { seq }: { seq: number }) {
    return this.decide((shard) => streams.acknowledge(shard, stream, seq));
  }

  async chainHashAt(seq: number) {
    return this.look((shard) => shard.store.eventHash(seq));
  }

  async wake() {
    this.decide(() => null);
  }
}
