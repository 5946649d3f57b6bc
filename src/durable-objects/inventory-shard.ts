/**
 * InventoryShard: the single writer of everything that can be double-booked in one shard.
 * Identity: the shard key (region letter and eight characters) is the object's name.
 * Storage: provider, resource, service, slot, hold, claim, pool_level, booking, payment, operation, refund, dispute,
 * call, chain_event, stream_cursor, quota_notice. Nothing is written before the shard was provisioned.
 * Alarm: a janitor for deadlines, due looks at payments and consumers that are behind. After eviction everything is
 * loaded from storage. It never calls a processor, D1 or another object while it decides; queues are told afterwards.
 */
import { DurableObject } from 'cloudflare:workers';
import * as bookings from '../application/booking-commands.ts';
import * as catalogue from '../application/catalogue-commands.ts';
import * as streams from '../application/chain-streams.ts';
import { readMoney } from '../application/money-facts.ts';
import { hasDue, settleDeadlines } from '../application/deadlines.ts';
import * as holds from '../application/hold-commands.ts';
import {
  isKnownPayment,
  recordOrphan,
  recordReply,
  takeStep,
} from '../application/payment-commands.ts';
import * as refunds from '../application/refund-commands.ts';
import * as quota from '../application/quota-outbox.ts';
import { ShardState } from '../application/shard-state.ts';
import type { Clock, Logger } from '../application/ports.ts';
import type * as rpc from '../contracts/durable-rpc.ts';
import type { BookingView, HistoryView, HoldView, RefundView } from '../contracts/http/booking.ts';
import type { SlotView } from '../contracts/http/catalogue.ts';
import type { QueueMessage } from '../contracts/queue-messages.ts';
import { CALL_RETENTION_MS } from '../domain/idempotency.ts';
import type { ResourceCard, ServiceCard } from '../domain/inventory/cards.ts';
import { required } from '../domain/assert.ts';
import { refuse } from '../domain/result.ts';
import { createClock } from '../platform/clock.ts';
import { systemDigest } from '../platform/digest.ts';
import { systemEntropy } from '../platform/entropy.ts';
import { createIdCodec } from '../platform/id-codec.ts';
import { createLogger, errorFields } from '../platform/logger.ts';
import { readSettings, type Settings } from '../platform/settings.ts';
import { hasSchema, migrateShard } from '../storage/durable/migrate-shard.ts';
import { SHARD_MIGRATIONS } from '../storage/durable/shard-migrations.ts';
import { createSqliteInventoryStore } from '../storage/durable/sqlite-inventory-store.ts';
import { GroupCommit } from './group-commit.ts';
import { nextAlarmMs } from './shard-alarm.ts';

/** Calls that may wait at once; beyond it new claims are shed, so that those who wait are answered in time. */
const WAITING_MAX = 4_096;
/** Retries after which the platform would drop an alarm; from here on a fresh one is set instead of failing. */
const ALARM_RETRIES_MAX = 5;
/** The wait before that fresh alarm, in milliseconds. */
const ALARM_AGAIN_MS = 60_000;
/** Answers past their retention that one alarm forgets. */
const FORGET_CALLS_AT_ONCE = 500;

const NOT_FOUND = refuse('not_found', 'There is no such object.');
const SHARD_TAKEN = refuse('overloaded', 'The shard key is taken; try again for another.', {
  retryAfterSeconds: 1,
});
const OVERLOADED = refuse('overloaded', 'Too many requests for this venue at once.', {
  retryAfterSeconds: 1,
});

type ReleaseReply = Awaited<ReturnType<rpc.InventoryShardRpc['releaseHold']>>;

export class InventoryShard extends DurableObject<Env> implements rpc.InventoryShardRpc {
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #commits: GroupCommit;
  #shard: ShardState | null = null;
  /** The instant of the platform's clock that the alarm stands at. */
  #alarmAtMs: number | null = null;
  /** Consumers that were told and have not yet come to the head. */
  readonly #told = new Set<rpc.StreamName | 'quota'>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#settings = readSettings(env);
    this.#clock = createClock(this.#settings.clockOffsetMs);
    this.#log = createLogger(this.#clock);
    this.#commits = new GroupCommit({
      transaction: (work) => ctx.storage.transactionSync(work),
      begin: () => this.#begin(),
      end: () => this.#shard?.store.flush(),
      settled: () => this.#settled(),
      broken: (error) => this.#broken(error),
    });
    if (!hasSchema(ctx.storage.sql)) return;
    migrateShard(ctx.storage, SHARD_MIGRATIONS);
    this.#load();
    // A past-due alarm is never trusted to fire: every start sets it anew.
    this.#settled();
  }

  async provision(command: rpc.ProvisionCommand): Promise<rpc.Reply<null>> {
    if (this.#shard === null) {
      migrateShard(this.ctx.storage, SHARD_MIGRATIONS);
      createSqliteInventoryStore(this.ctx.storage.sql).saveProvider(
        command.shardKey,
        command.provider,
      );
      this.#load();
      return { ok: true, value: null };
    }
    return this.#commits.run<rpc.Reply<null>>(() => {
      const shard = required(this.#shard, 'a provisioned shard');
      // Two providers must never share a shard, should their keys ever be the same.
      if (shard.provider.providerId !== command.provider.providerId) return SHARD_TAKEN;
      shard.provider = command.provider;
      shard.store.saveProvider(command.shardKey, command.provider);
      return { ok: true, value: null };
    });
  }

  putResource(command: rpc.PutResourceCommand): Promise<rpc.Reply<ResourceCard>> {
    return this.#decide((shard) => catalogue.putResource(shard, command), NOT_FOUND);
  }

  patchResource(command: rpc.PatchResourceCommand): Promise<rpc.Reply<ResourceCard>> {
    return this.#decide((shard) => catalogue.patchResource(shard, command), NOT_FOUND);
  }

  getResource(id: string): Promise<rpc.Reply<ResourceCard>> {
    return this.#look<rpc.Reply<ResourceCard>>(
      (shard) => found(shard.inventory.resource(id)),
      NOT_FOUND,
    );
  }

  putService(command: rpc.PutServiceCommand): Promise<rpc.Reply<ServiceCard>> {
    return this.#decide((shard) => catalogue.putService(shard, command), NOT_FOUND);
  }

  patchService(command: rpc.PatchServiceCommand): Promise<rpc.Reply<ServiceCard>> {
    return this.#decide((shard) => catalogue.patchService(shard, command), NOT_FOUND);
  }

  getService(id: string): Promise<rpc.Reply<ServiceCard>> {
    return this.#look<rpc.Reply<ServiceCard>>(
      (shard) => found(shard.inventory.service(id)),
      NOT_FOUND,
    );
  }

  createSlots(command: rpc.CreateSlotsCommand): Promise<rpc.KeyedReply<{ data: SlotView[] }>> {
    return this.#decide((shard) => catalogue.createSlots(shard, command), {
      ...NOT_FOUND,
      replayed: false,
    });
  }

  listSlots(
    query: rpc.ListSlotsQuery,
  ): Promise<rpc.Reply<{ data: SlotView[]; next: { startAtMs: number; id: string } | null }>> {
    return this.#look((shard) => catalogue.listSlots(shard, query), NOT_FOUND);
  }

  getSlot(id: string): Promise<rpc.Reply<SlotView>> {
    return this.#look((shard) => catalogue.readSlot(shard, id), NOT_FOUND);
  }

  async placeHold(command: rpc.PlaceHoldCommand): Promise<rpc.KeyedReply<HoldView>> {
    if (this.#commits.length >= WAITING_MAX) return { ...OVERLOADED, replayed: false };
    return this.#decide((shard) => holds.placeHold(shard, command), {
      ...NOT_FOUND,
      replayed: false,
    });
  }

  getHold(caller: rpc.Caller, id: string): Promise<rpc.Reply<HoldView>> {
    return this.#look((shard) => holds.readHold(shard, caller, id), NOT_FOUND);
  }

  releaseHold(caller: rpc.Caller, id: string): Promise<ReleaseReply> {
    return this.#decide<ReleaseReply>((shard) => {
      const released = bookings.releaseHold(shard, caller, id);
      if (!released.ok) return released;
      const { bookingId, notices } = released.value;
      const next: rpc.PaymentStep =
        bookingId === null
          ? { kind: 'idle' }
          : takeStep(shard, { bookingId, cause: 'request', look: false, looked: [] });
      return { ok: true, value: { bookingId, step: next, notices } };
    }, NOT_FOUND);
  }

  measureSlots(slotIds: readonly string[]): Promise<rpc.Reply<{ minutes: number }>> {
    return this.#look<rpc.Reply<{ minutes: number }>>(
      (shard) => quota.measureSlots(shard, slotIds),
      NOT_FOUND,
    );
  }

  liveHoldsOf(callerId: string): Promise<number> {
    return this.#look((shard) => shard.liveHoldsOf(callerId), 0);
  }

  grantOutcomes(grantIds: readonly string[]): Promise<rpc.GrantOutcome[]> {
    return this.#look(
      (shard) => quota.grantOutcomes(shard, grantIds),
      grantIds.map(quota.unknownGrant),
    );
  }

  readQuotaNotices(limit: number): Promise<rpc.QuotaNotice[]> {
    return this.#look((shard) => shard.store.quotaNotices(limit), []);
  }

  forgetQuotaNotices(seqs: readonly number[]): Promise<void> {
    return this.#decide((shard) => {
      shard.forgetNotices(seqs);
      this.#told.delete('quota');
    }, undefined);
  }

  async openBooking(command: rpc.OpenBookingCommand): Promise<rpc.OpenBookingReply> {
    if (this.#commits.length >= WAITING_MAX)
      return { kind: 'final', reply: { ...OVERLOADED, replayed: false } };
    return this.#decide<rpc.OpenBookingReply>((shard) => bookings.openBooking(shard, command), {
      kind: 'final',
      reply: { ...NOT_FOUND, replayed: false },
    });
  }

  cancelBooking(command: rpc.CancelBookingCommand): Promise<rpc.CancelBookingReply> {
    return this.#decide<rpc.CancelBookingReply>((shard) => bookings.cancelBooking(shard, command), {
      kind: 'final',
      reply: { ...NOT_FOUND, replayed: false },
    });
  }

  finishCall(command: rpc.FinishCallCommand): Promise<rpc.KeyedReply<BookingView>> {
    return this.#decide((shard) => bookings.finishCall(shard, command), {
      ...NOT_FOUND,
      replayed: false,
    });
  }

  openRefund(command: rpc.OpenRefundCommand): Promise<rpc.OpenRefundReply> {
    return this.#decide<rpc.OpenRefundReply>((shard) => refunds.openRefund(shard, command), {
      kind: 'final',
      reply: { ...NOT_FOUND, replayed: false },
    });
  }

  finishRefund(command: rpc.FinishRefundCommand): Promise<rpc.KeyedReply<RefundView>> {
    return this.#decide((shard) => refunds.finishRefund(shard, command), {
      ...NOT_FOUND,
      replayed: false,
    });
  }

  getBooking(caller: rpc.Caller, id: string): Promise<rpc.Reply<rpc.BookingState>> {
    return this.#look((shard) => bookings.readBooking(shard, caller, id), NOT_FOUND);
  }

  getManagedBooking(id: string, token: string): Promise<rpc.Reply<BookingView>> {
    return this.#look((shard) => bookings.readManagedBooking(shard, id, token), NOT_FOUND);
  }

  bookingHistory(caller: rpc.Caller, id: string): Promise<rpc.Reply<HistoryView>> {
    return this.#look((shard) => bookings.readHistory(shard, caller, id), NOT_FOUND);
  }

  takeStep(command: rpc.TakeStepCommand): Promise<rpc.PaymentStep> {
    return this.#decide<rpc.PaymentStep>((shard) => takeStep(shard, command), { kind: 'idle' });
  }

  recordReply(command: rpc.RecordReplyCommand): Promise<rpc.PaymentStep> {
    return this.#decide<rpc.PaymentStep>((shard) => recordReply(shard, command), { kind: 'idle' });
  }

  unfinishedBookings(ignoreDue: boolean, limit: number): Promise<string[]> {
    return this.#look(
      (shard) => shard.store.bookingsWithWork(ignoreDue ? null : shard.nowMs, limit),
      [],
    );
  }

  knowsPayment(payment: { bookingId: string; paymentId: string; ref: string }): Promise<boolean> {
    return this.#look((shard) => isKnownPayment(shard, payment), false);
  }

  recordOrphan(orphan: rpc.OrphanOutcome): Promise<void> {
    return this.#decide((shard) => recordOrphan(shard, orphan), undefined);
  }

  readAudit(query: rpc.StreamQuery): Promise<rpc.AuditBatch> {
    return this.#look((shard) => streams.readAudit(shard, query), {
      shardKey: '',
      events: [],
      headSeq: 0,
    });
  }

  readProjection(query: rpc.StreamQuery): Promise<rpc.ProjectionBatch> {
    return this.#look((shard) => streams.readProjection(shard, query), {
      shardKey: '',
      throughSeq: 0,
      headSeq: 0,
      bookings: [],
      services: [],
      resources: [],
    });
  }

  readMoney(query: rpc.StreamQuery): Promise<rpc.MoneyBatch> {
    return this.#look((shard) => readMoney(shard, query), {
      shardKey: '',
      throughSeq: 0,
      headSeq: 0,
      facts: [],
    });
  }

  acknowledge(stream: rpc.StreamName, applied: { seq: number; goesOn: boolean }): Promise<number> {
    return this.#decide((shard) => {
      const headSeq = streams.acknowledge(shard, stream, applied.seq);
      if (!applied.goesOn) this.#told.delete(stream);
      return headSeq;
    }, 0);
  }

  chainHashAt(seq: number): Promise<string | null> {
    return this.#look((shard) => shard.store.eventHash(seq), null);
  }

  async wake(): Promise<void> {
    this.#told.clear();
    await this.#decide(() => null, null);
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#alarmAtMs = null;
    this.#told.clear();
    try {
      await this.#decide((shard) => {
        shard.store.forgetCalls(shard.nowMs - CALL_RETENTION_MS, FORGET_CALLS_AT_ONCE);
      }, undefined);
    } catch (error) {
      this.#log.error('shard.alarm_failed', {
        ...errorFields(error),
        retries: info?.retryCount ?? 0,
      });
      if ((info?.retryCount ?? 0) < ALARM_RETRIES_MAX) throw error;
      await this.ctx.storage.setAlarm(Date.now() + ALARM_AGAIN_MS);
    }
  }

  /** Decides in the next group commit. */
  async #decide<T>(command: (shard: ShardState) => T, whenUnknown: T): Promise<T> {
    const shard = this.#shard;
    return shard === null ? whenUnknown : this.#commits.run(() => command(shard));
  }

  /** Answers from memory; when something is due, its expiry is written first. */
  async #look<T>(read: (shard: ShardState) => T, whenUnknown: T): Promise<T> {
    const shard = this.#shard;
    if (shard === null) return whenUnknown;
    const nowMs = this.#clock.nowMs();
    if (hasDue(shard, nowMs)) return this.#commits.run(() => read(shard));
    shard.nowMs = nowMs;
    return read(shard);
  }

  #load(): void {
    const { settings, clock } = { settings: this.#settings, clock: this.#clock };
    this.#shard = new ShardState({
      store: createSqliteInventoryStore(this.ctx.storage.sql),
      clock,
      ids: createIdCodec(settings.idSecret, systemEntropy),
      digest: systemDigest,
      entropy: systemEntropy,
      publicUrl: settings.publicUrl,
    });
    this.#shard.nowMs = clock.nowMs();
  }

  #begin(): void {
    const shard = required(this.#shard, 'a provisioned shard');
    shard.nowMs = this.#clock.nowMs();
    settleDeadlines(shard);
  }

  /** After a transaction, in its own turn: the alarm joins the same commit, and queues are told. */
  #settled(): void {
    const shard = this.#shard;
    if (shard === null) return;
    const behind = streams.streamsBehind(shard);
    const nowMs = this.#clock.nowMs();
    const alarmAtMs = nextAlarmMs({
      nowMs,
      earliestDeadlineMs: shard.deadlines.earliestMs,
      isAnyoneBehind: behind.length > 0 || shard.hasNotices,
      currentMs: this.#alarmAtMs,
    });
    if (alarmAtMs !== null) {
      this.#alarmAtMs = alarmAtMs;
      // The runtime's clock rings the alarm, so the platform's offset is taken off.
      this.ctx.waitUntil(this.ctx.storage.setAlarm(alarmAtMs - this.#settings.clockOffsetMs));
    }
    for (const bookingId of shard.wakeUps) {
      this.#tell(this.env.PAYMENT_QUEUE, { v: 1, type: 'payment.advance', bookingId });
    }
    shard.wakeUps.clear();
    for (const stream of behind.filter((name) => !this.#told.has(name))) {
      this.#told.add(stream);
      const queue = stream === 'audit' ? this.env.AUDIT_QUEUE : this.env.PROJECTION_QUEUE;
      this.#tell(queue, { v: 1, type: `${stream}.advance`, shardKey: shard.shardKey });
    }
    if (shard.hasNotices && !this.#told.has('quota')) {
      this.#told.add('quota');
      const message = { v: 1, type: 'quota.advance', shardKey: shard.shardKey } as const;
      this.#tell(this.env.PROJECTION_QUEUE, message);
    }
  }

  /** A lost message is told again by the alarm, so a failure here is logged and no more. */
  #tell(queue: Queue, message: QueueMessage): void {
    this.ctx.waitUntil(
      queue.send(message).catch((error: unknown) => {
        this.#log.warn('shard.tell_failed', { ...errorFields(error), type: message.type });
      }),
    );
  }

  #broken(error: unknown): void {
    this.#log.error('shard.aborted', errorFields(error));
    this.#shard = null;
    this.ctx.abort('a transaction of the shard failed');
  }
}

function found<T>(card: T | null): rpc.Reply<T> {
  return card === null ? NOT_FOUND : { ok: true, value: card };
}
