/**
 * An inventory shard in Node: the shipping commands over the shipping storage, with a clock and chance of the test.
 * It stands in for the Durable Object alone: one transaction per call, deadlines first, memory thrown away when a
 * transaction fails or the test says so.
 */
import * as bookings from '../../src/application/booking-commands.ts';
import * as catalogue from '../../src/application/catalogue-commands.ts';
import * as streams from '../../src/application/chain-streams.ts';
import { readMoney } from '../../src/application/money-facts.ts';
import { hasDue, settleDeadlines } from '../../src/application/deadlines.ts';
import * as holds from '../../src/application/hold-commands.ts';
import type { InventoryStore } from '../../src/application/inventory-store.ts';
import {
  isKnownPayment,
  recordOrphan,
  recordReply,
  takeStep,
} from '../../src/application/payment-commands.ts';
import * as refunds from '../../src/application/refund-commands.ts';
import * as quota from '../../src/application/quota-outbox.ts';
import { ShardState } from '../../src/application/shard-state.ts';
import type * as rpc from '../../src/contracts/durable-rpc.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { migrateShard } from '../../src/storage/durable/migrate-shard.ts';
import { SHARD_MIGRATIONS } from '../../src/storage/durable/shard-migrations.ts';
import { createSqliteInventoryStore } from '../../src/storage/durable/sqlite-inventory-store.ts';
import { seededEntropy, type FakeClock } from './fake-clock.ts';
import { openNodeSql, type NodeSql } from './node-sql.ts';

export const SHARD_KEY = 'gtest0000';

/** What signs the ids of the tests. */
export const ID_SECRET = 'a secret of the tests';

/** Who owns the shop. */
export const OWNER: rpc.Caller = { id: 'usr_owner', roles: ['provider'] };

export class NodeShard implements rpc.InventoryShardRpc {
  readonly clock: FakeClock;
  readonly sql: NodeSql;
  readonly store: InventoryStore;
  /** Bookings that the shard asked the queue to look at, oldest first. */
  readonly wakeUps: string[] = [];
  readonly #seed: number;
  #loads = 0;
  #shard: ShardState | null = null;

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
      publicUrl: 'https://holdfast.test',
    });
    state.nowMs = this.clock.nowMs();
    return state;
  }

  /** The process died: memory is gone, storage stays. */
  crash(): void {
    this.#shard = null;
  }

  /** Decides in one transaction; what is due is settled first. */
  decide<T>(command: (shard: ShardState) => T): T {
    const shard = this.state;
    try {
      return this.sql.transactionSync(() => {
        shard.nowMs = this.clock.nowMs();
        settleDeadlines(shard);
        const decided = command(shard);
        shard.store.flush();
        return decided;
      });
    } catch (error) {
      this.crash();
      throw error;
    } finally {
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

  async provision(): Promise<rpc.Reply<null>> {
    return { ok: true, value: null };
  }

  async putResource(command: rpc.PutResourceCommand) {
    return this.decide((shard) => catalogue.putResource(shard, command));
  }

  async patchResource(command: rpc.PatchResourceCommand) {
    return this.decide((shard) => catalogue.patchResource(shard, command));
  }

  async getResource(id: string) {
    return this.look((shard) => found(shard.inventory.resource(id)));
  }

  async putService(command: rpc.PutServiceCommand) {
    return this.decide((shard) => catalogue.putService(shard, command));
  }

  async patchService(command: rpc.PatchServiceCommand) {
    return this.decide((shard) => catalogue.patchService(shard, command));
  }

  async getService(id: string) {
    return this.look((shard) => found(shard.inventory.service(id)));
  }

  async createSlots(command: rpc.CreateSlotsCommand) {
    return this.decide((shard) => catalogue.createSlots(shard, command));
  }

  async listSlots(query: rpc.ListSlotsQuery) {
    return this.look((shard) => catalogue.listSlots(shard, query));
  }

  async getSlot(id: string) {
    return this.look((shard) => catalogue.readSlot(shard, id));
  }

  async placeHold(command: rpc.PlaceHoldCommand) {
    return this.decide((shard) => holds.placeHold(shard, command));
  }

  async getHold(caller: rpc.Caller, id: string) {
    return this.look((shard) => holds.readHold(shard, caller, id));
  }

  async releaseHold(caller: rpc.Caller, id: string) {
    return this.decide((shard) => {
      const released = bookings.releaseHold(shard, caller, id);
      if (!released.ok) return released;
      const { bookingId, notices } = released.value;
      const step: rpc.PaymentStep =
        bookingId === null
          ? { kind: 'idle' }
          : takeStep(shard, { bookingId, cause: 'request', look: false, looked: [] });
      return { ok: true as const, value: { bookingId, step, notices } };
    });
  }

  async measureSlots(slotIds: readonly string[]) {
    return this.look((shard) => quota.measureSlots(shard, slotIds));
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
    return this.decide((shard) => bookings.openBooking(shard, command));
  }

  async cancelBooking(command: rpc.CancelBookingCommand) {
    return this.decide((shard) => bookings.cancelBooking(shard, command));
  }

  async finishCall(command: rpc.FinishCallCommand) {
    return this.decide((shard) => bookings.finishCall(shard, command));
  }

  async openRefund(command: rpc.OpenRefundCommand) {
    return this.decide((shard) => refunds.openRefund(shard, command));
  }

  async finishRefund(command: rpc.FinishRefundCommand) {
    return this.decide((shard) => refunds.finishRefund(shard, command));
  }

  async getBooking(caller: rpc.Caller, id: string) {
    return this.look((shard) => bookings.readBooking(shard, caller, id));
  }

  async getManagedBooking(id: string, token: string) {
    return this.look((shard) => bookings.readManagedBooking(shard, id, token));
  }

  async bookingHistory(caller: rpc.Caller, id: string) {
    return this.look((shard) => bookings.readHistory(shard, caller, id));
  }

  async takeStep(command: rpc.TakeStepCommand) {
    return this.decide((shard) => takeStep(shard, command));
  }

  async recordReply(command: rpc.RecordReplyCommand) {
    return this.decide((shard) => recordReply(shard, command));
  }

  async unfinishedBookings(ignoreDue: boolean, limit: number) {
    return this.look((shard) =>
      shard.store.bookingsWithWork(ignoreDue ? null : shard.nowMs, limit),
    );
  }

  async recordOrphan(orphan: rpc.OrphanOutcome): Promise<void> {
    this.decide((shard) => recordOrphan(shard, orphan));
  }

  async knowsPayment(payment: { bookingId: string; paymentId: string; ref: string }) {
    return this.look((shard) => isKnownPayment(shard, payment));
  }

  async readAudit(query: rpc.StreamQuery) {
    return this.look((shard) => streams.readAudit(shard, query));
  }

  async readProjection(query: rpc.StreamQuery) {
    return this.look((shard) => streams.readProjection(shard, query));
  }

  async readMoney(query: rpc.StreamQuery) {
    return this.look((shard) => readMoney(shard, query));
  }

  async acknowledge(stream: rpc.StreamName, { seq }: { seq: number }) {
    return this.decide((shard) => streams.acknowledge(shard, stream, seq));
  }

  async chainHashAt(seq: number) {
    return this.look((shard) => shard.store.eventHash(seq));
  }

  async wake() {
    this.decide(() => null);
  }
}

function found<T>(card: T | null): rpc.Reply<T> {
  return card === null
    ? { ok: false, refusal: { code: 'not_found', detail: 'There is no such object.' } }
    : { ok: true, value: card };
}
