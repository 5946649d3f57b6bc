/**
 * Membership: the single writer of what one member may still do. Identity: the member's user id is the object's name.
 * Storage: entitlement, reservation; nothing is written for a member who never had a plan. Alarm: the last resort for
 * reservations that no shard reported. After eviction everything is loaded from storage. It decides from memory, asks
 * shards what became of reservations, and never asks D1 or a processor.
 */
import { DurableObject } from 'cloudflare:workers';
import { HoldBudget } from '../application/membership/hold-budget.ts';
import { MemberState } from '../application/membership/member-state.ts';
import { MembershipDesk } from '../application/membership/membership-desk.ts';
import { OutcomeAsker } from '../application/membership/outcome-asker.ts';
import type { Logger, ObjectDirectory } from '../application/ports.ts';
import type {
  AccessVerdict,
  AdmitCommand,
  AdmitReply,
  Entitlements,
  GrantOutcome,
  MembershipRpc,
  MembershipUsage,
} from '../contracts/membership-rpc.ts';
import { createClock } from '../platform/clock.ts';
import { systemEntropy } from '../platform/entropy.ts';
import { createLogger, errorFields } from '../platform/logger.ts';
import { createObjectDirectory } from '../platform/objects.ts';
import { readSettings, type Settings } from '../platform/settings.ts';
import { createMembershipStore } from '../storage/durable/membership-store.ts';

/** Where earlier deployments kept rights, in a shape that says too little; billing pushes them again. */
const FORMER_KEY = 'entitlements';
/** The longest that a member who holds waits for a shard to be asked, in milliseconds. */
const SHARD_ANSWER_MS = 2_000;
/** Retries after which the platform would drop an alarm; from here on a fresh one is set instead of failing. */
const ALARM_RETRIES_MAX = 5;
/** The wait before that fresh alarm, in milliseconds. */
const ALARM_AGAIN_MS = 60_000;

export class Membership extends DurableObject<Env> implements MembershipRpc {
  readonly #settings: Settings;
  readonly #log: Logger;
  readonly #asker: OutcomeAsker;
  readonly #desk: MembershipDesk;
  /** The instant of the platform's clock that the alarm stands at. */
  #alarmAtMs: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { storage } = ctx;
    if (storage.kv.get(FORMER_KEY) !== undefined) storage.kv.delete(FORMER_KEY);
    this.#settings = readSettings(env);
    const clock = createClock(this.#settings.clockOffsetMs);
    this.#log = createLogger(clock);
    const objects = directoryOf(env, this.#settings);
    const ports = {
      clock,
      log: this.#log,
      state: new MemberState(createMembershipStore(storage), () => this.#arm()),
      shard: (shardKey: string) => askable(objects, shardKey),
    };
    this.#asker = new OutcomeAsker(ports);
    this.#desk = new MembershipDesk({ ...ports, asker: this.#asker, budget: new HoldBudget() });
    // A past-due alarm is never trusted to fire: every start sets it anew.
    this.#arm();
  }

  async putEntitlements(entitlements: Entitlements): Promise<void> {
    this.#desk.putEntitlements(entitlements);
  }

  admit(command: AdmitCommand): Promise<AdmitReply> {
    return this.#desk.admit(command);
  }

  async standing(): Promise<AccessVerdict> {
    return this.#desk.standing();
  }

  async settle(outcomes: readonly GrantOutcome[]): Promise<void> {
    this.#desk.settle(outcomes);
  }

  async usage(): Promise<MembershipUsage> {
    return this.#desk.usage();
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#alarmAtMs = null;
    try {
      await this.#desk.look();
      this.#arm();
    } catch (error) {
      const retries = info?.retryCount ?? 0;
      this.#log.error('membership.alarm_failed', { ...errorFields(error), retries });
      if (retries < ALARM_RETRIES_MAX) throw error;
      await this.ctx.storage.setAlarm(Date.now() + ALARM_AGAIN_MS);
    }
  }

  /** Moves the alarm earlier, never later, in the turn of the write that it is for, so that both are one commit. */
  #arm(): void {
    const dueMs = this.#asker.nextDueMs();
    if (dueMs === null || (this.#alarmAtMs !== null && this.#alarmAtMs <= dueMs)) return;
    this.#alarmAtMs = dueMs;
    // The runtime's clock rings the alarm, so the platform's offset is taken off.
    this.ctx.waitUntil(this.ctx.storage.setAlarm(dueMs - this.#settings.clockOffsetMs));
  }
}

function directoryOf(env: Env, settings: Settings): ObjectDirectory {
  return createObjectDirectory({
    inventory: env.INVENTORY,
    membership: env.MEMBERSHIP,
    hasJurisdictions: settings.environment === 'production',
    entropy: systemEntropy,
  });
}

/** What a shard is asked; an answer that does not come in time counts as none. */
function askable(objects: ObjectDirectory, shardKey: string) {
  const shard = objects.shard(shardKey);
  return {
    grantOutcomes: (grantIds: readonly string[]) => inTime(shard.grantOutcomes(grantIds)),
    liveHoldsOf: (memberId: string) => inTime(shard.liveHoldsOf(memberId)),
  };
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error('the shard did not answer in time')),
      SHARD_ANSWER_MS,
    );
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
