/**
 * What keeps one inventory shard running inside its object: the shard in memory, group commit, the alarm, and word to the
 * queues. It knows nothing of what is asked; the object's methods hand it the command. A part of its own because every
 * method of the object's class can be called from outside.
 */
import { hasDue, settleDeadlines } from '../application/deadlines.ts';
import { streamsBehind } from '../application/chain-streams.ts';
import { replaceProvider } from '../application/replace-provider.ts';
import { ShardState } from '../application/shard-state.ts';
import { decideAndOffer } from '../application/waitlist/make-offers.ts';
import type { Clock, Logger } from '../application/ports.ts';
import type { KeyedReply, Reply } from '../contracts/calls.ts';
import type { ProvisionCommand } from '../contracts/shard-catalogue.ts';
import type { StreamName } from '../contracts/shard-streams.ts';
import type { QueueMessage } from '../contracts/queue-messages.ts';
import { required } from '../domain/assert.ts';
import { CALL_RETENTION_MS } from '../domain/idempotency.ts';
import { refuse } from '../domain/result.ts';
import { platformCalendar } from '../platform/calendar.ts';
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
import { ShardLive } from './shard-live.ts';

/** Calls that may wait at once; beyond it new claims are shed, so that those who wait are answered in time. */
const WAITING_MAX = 4_096;
/** Retries after which the platform would drop an alarm; from here on a fresh one is set instead of failing. */
const ALARM_RETRIES_MAX = 5;
/** The wait before that fresh alarm, in milliseconds. */
const ALARM_AGAIN_MS = 60_000;
/** Answers past their retention that one alarm forgets. */
const FORGET_CALLS_AT_ONCE = 500;

const NOT_FOUND = refuse('not_found', 'There is no such object.');
const NOT_FOUND_KEYED = { ...NOT_FOUND, replayed: false };
const OVERLOADED_KEYED = {
  ...refuse('overloaded', 'Too many requests for this venue at once.', { retryAfterSeconds: 1 }),
  replayed: false,
};

/** A shard that was never provisioned holds nothing, and whatever is asked of it does not exist. */
type Command<T> = (shard: ShardState) => T;
type Final = { readonly kind: 'final'; readonly reply: typeof NOT_FOUND_KEYED };

export class ShardRuntime {
  readonly live: ShardLive;
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #commits: GroupCommit;
  #shard: ShardState | null = null;
  /** The instant of the platform's clock that the alarm stands at. */
  #alarmAtMs: number | null = null;
  /** Consumers that were told and have not yet come to the head. */
  readonly #told = new Set<StreamName | 'quota' | 'offers'>();

  constructor(ctx: DurableObjectState, env: Env) {
    this.#ctx = ctx;
    this.#env = env;
    this.#settings = readSettings(env);
    this.#clock = createClock(this.#settings.clockOffsetMs);
    this.#log = createLogger(this.#clock);
    this.#commits = new GroupCommit({
      transaction: (work) => ctx.storage.transactionSync(work),
      begin: () => this.#begin(),
      end: () => this.#end(),
      settled: () => this.#settled(),
      broken: (error) => this.#broken(error),
    });
    this.live = new ShardLive(ctx, (work) => this.#commits.run(work));
    if (!hasSchema(ctx.storage.sql)) return;
    migrateShard(ctx.storage, SHARD_MIGRATIONS);
    this.#load();
    // A past-due alarm is never trusted to fire: every start sets it anew.
    this.#settled();
  }

  /** Decides in the next group commit. */
  async decide<T>(command: Command<T>, whenUnknown: T): Promise<T> {
    return this.#shard === null
      ? whenUnknown
      : this.#commits.run(() =>
          decideAndOffer(required(this.#shard, 'a shard that decides'), command),
        );
  }

  /** Decides a call without a key. */
  change<T>(command: Command<Reply<T>>): Promise<Reply<T>> {
    return this.decide(command, NOT_FOUND);
  }

  /** Decides a call under a key. */
  keyed<T>(command: Command<KeyedReply<T>>): Promise<KeyedReply<T>> {
    return this.decide(command, NOT_FOUND_KEYED);
  }

  /** Decides a call under a key that may leave money to move before its answer. */
  opened<T>(command: Command<T | Final>): Promise<T | Final> {
    return this.decide<T | Final>(command, { kind: 'final', reply: NOT_FOUND_KEYED });
  }

  /** The refusal of a new claim while too many calls wait; null while there is room. */
  get overload(): typeof OVERLOADED_KEYED | null {
    return this.#commits.length >= WAITING_MAX ? OVERLOADED_KEYED : null;
  }

  /** Answers from memory; when something is due, its expiry is written first. */
  async look<T>(read: Command<T>, whenUnknown: T): Promise<T> {
    const shard = this.#shard;
    if (shard === null) return whenUnknown;
    const nowMs = this.#clock.nowMs();
    if (hasDue(shard, nowMs)) return this.decide(read, whenUnknown);
    shard.nowMs = nowMs;
    return read(shard);
  }

  /** Reads something that may not be there. */
  read<T>(read: Command<Reply<T>>): Promise<Reply<T>> {
    return this.look(read, NOT_FOUND);
  }

  async provision(command: ProvisionCommand): Promise<Reply<null>> {
    if (this.#shard === null) {
      migrateShard(this.#ctx.storage, SHARD_MIGRATIONS);
      createSqliteInventoryStore(this.#ctx.storage.sql).saveProvider(
        command.shardKey,
        command.provider,
      );
      this.#load();
      return { ok: true, value: null };
    }
    return this.change((shard) => replaceProvider(shard, command));
  }

  /** A consumer that was told has come to its end, and is told again of what comes next. */
  forgetTold(consumer: StreamName | 'quota' | 'offers'): void {
    this.#told.delete(consumer);
  }

  /** Runs what is due now: expiries, wake-ups, streams. */
  async wake(): Promise<void> {
    this.#told.clear();
    await this.decide(() => null, null);
  }

  async alarm(retryCount: number): Promise<void> {
    this.#alarmAtMs = null;
    this.#told.clear();
    try {
      await this.decide((shard) => {
        shard.store.forgetCalls(shard.nowMs - CALL_RETENTION_MS, FORGET_CALLS_AT_ONCE);
      }, undefined);
    } catch (error) {
      this.#log.error('shard.alarm_failed', { ...errorFields(error), retries: retryCount });
      if (retryCount < ALARM_RETRIES_MAX) throw error;
      await this.#ctx.storage.setAlarm(Date.now() + ALARM_AGAIN_MS);
    }
  }

  #load(): void {
    const { settings, clock } = { settings: this.#settings, clock: this.#clock };
    this.#shard = new ShardState({
      store: createSqliteInventoryStore(this.#ctx.storage.sql),
      clock,
      ids: createIdCodec(settings.idSecret, systemEntropy),
      digest: systemDigest,
      entropy: systemEntropy,
      calendar: platformCalendar,
      publicUrl: settings.publicUrl,
      offerMs: settings.waitlistOfferMs,
    });
    this.#shard.nowMs = clock.nowMs();
    this.live.load(this.#shard);
  }

  #begin(): void {
    const shard = required(this.#shard, 'a provisioned shard');
    shard.nowMs = this.#clock.nowMs();
    this.live.begin();
    settleDeadlines(shard);
  }

  #end(): void {
    this.live.settle();
    this.#shard?.store.flush();
  }

  /** After a transaction, in its own turn: the alarm joins the same commit, and queues are told. */
  #settled(): void {
    const shard = this.#shard;
    if (shard === null) return;
    this.live.settled();
    const behind = streamsBehind(shard);
    const { hasUntold } = shard.waitlist;
    this.#setAlarm(shard, behind.length > 0 || shard.hasNotices || hasUntold);
    for (const bookingId of shard.wakeUps) {
      this.#tell(this.#env.PAYMENT_QUEUE, { v: 1, type: 'payment.advance', bookingId });
    }
    shard.wakeUps.clear();
    for (const stream of behind.filter((name) => !this.#told.has(name))) {
      this.#told.add(stream);
      const queue = stream === 'audit' ? this.#env.AUDIT_QUEUE : this.#env.PROJECTION_QUEUE;
      this.#tell(queue, { v: 1, type: `${stream}.advance`, shardKey: shard.shardKey });
    }
    if (shard.hasNotices) this.#tellOnce('quota', shard.shardKey);
    if (hasUntold) this.#tellOnce('offers', shard.shardKey);
  }

  /** Whoever empties an outbox is told, and not again before they come. */
  #tellOnce(outbox: 'quota' | 'offers', shardKey: string): void {
    if (this.#told.has(outbox)) return;
    this.#told.add(outbox);
    this.#tell(this.#env.PROJECTION_QUEUE, { v: 1, type: `${outbox}.advance`, shardKey });
  }

  #setAlarm(shard: ShardState, isAnyoneBehind: boolean): void {
    const alarmAtMs = nextAlarmMs({
      nowMs: this.#clock.nowMs(),
      earliestDeadlineMs: shard.deadlines.earliestMs,
      isAnyoneBehind,
      currentMs: this.#alarmAtMs,
    });
    if (alarmAtMs === null) return;
    this.#alarmAtMs = alarmAtMs;
    // The runtime's clock rings the alarm, so the platform's offset is taken off.
    this.#ctx.waitUntil(this.#ctx.storage.setAlarm(alarmAtMs - this.#settings.clockOffsetMs));
  }

  /** A lost message is told again by the alarm, so a failure here is logged and no more. */
  #tell(queue: Queue, message: QueueMessage): void {
    this.#ctx.waitUntil(
      queue.send(message).catch((error: unknown) => {
        this.#log.warn('shard.tell_failed', { ...errorFields(error), type: message.type });
      }),
    );
  }

  #broken(error: unknown): void {
    this.#log.error('shard.aborted', errorFields(error));
    this.#shard = null;
    this.#ctx.abort('a transaction of the shard failed');
  }
}
