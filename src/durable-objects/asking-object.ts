/**
 * What an object that grants things to holds has in common, a member's or a promotion's: its settings, the shards that it may
 * ask what became of a grant, and the alarm that is the last resort for those that nobody reported. The alarm is only moved
 * earlier, and every start sets it anew, because a past-due one is never trusted to fire.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock, Logger, ObjectDirectory } from '../application/ports.ts';
import type { InventoryShardRpc } from '../contracts/durable-rpc.ts';
import { createClock } from '../platform/clock.ts';
import { systemEntropy } from '../platform/entropy.ts';
import { createLogger, errorFields } from '../platform/logger.ts';
import { createObjectDirectory } from '../platform/objects.ts';
import { readSettings, type Settings } from '../platform/settings.ts';

/** The longest that somebody who holds waits for a shard to be asked, in milliseconds. */
const SHARD_ANSWER_MS = 2_000;
/** Retries after which the platform would drop an alarm; from here on a fresh one is set instead of failing. */
const ALARM_RETRIES_MAX = 5;
/** The wait before that fresh alarm, in milliseconds. */
const ALARM_AGAIN_MS = 60_000;

export abstract class AskingObject extends DurableObject<Env> {
  protected readonly clock: Clock;
  protected readonly log: Logger;
  readonly #settings: Settings;
  readonly #objects: ObjectDirectory;
  /** The instant of the platform's clock that the alarm stands at. */
  #alarmAtMs: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#settings = readSettings(env);
    this.clock = createClock(this.#settings.clockOffsetMs);
    this.log = createLogger(this.clock);
    this.#objects = createObjectDirectory({
      inventory: env.INVENTORY,
      membership: env.MEMBERSHIP,
      promotion: env.PROMOTION,
      hasJurisdictions: this.#settings.environment === 'production',
      entropy: systemEntropy,
    });
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#alarmAtMs = null;
    try {
      await this.look();
      this.arm();
    } catch (error) {
      const retries = info?.retryCount ?? 0;
      this.log.error('grants.alarm_failed', { ...errorFields(error), retries });
      if (retries < ALARM_RETRIES_MAX) throw error;
      await this.ctx.storage.setAlarm(Date.now() + ALARM_AGAIN_MS);
    }
  }

  /** Asks about what is due. */
  protected abstract look(): Promise<void>;

  /** When that is next; null for never. */
  protected abstract nextDueMs(): number | null;

  /** Moves the alarm earlier, never later, in the turn of the write that it is for, so that both are one commit. */
  protected arm(): void {
    const dueMs = this.nextDueMs();
    if (dueMs === null || (this.#alarmAtMs !== null && this.#alarmAtMs <= dueMs)) return;
    this.#alarmAtMs = dueMs;
    // The runtime's clock rings the alarm, so the platform's offset is taken off.
    this.ctx.waitUntil(this.ctx.storage.setAlarm(dueMs - this.#settings.clockOffsetMs));
  }

  /** What a shard is asked; an answer that does not come in time counts as none. */
  protected askable(shardKey: string): Pick<InventoryShardRpc, 'grantOutcomes' | 'liveHoldsOf'> {
    const shard = this.#objects.shard(shardKey);
    return {
      grantOutcomes: (grantIds) => inTime(shard.grantOutcomes(grantIds)),
      liveHoldsOf: (memberId) => inTime(shard.liveHoldsOf(memberId)),
    };
  }
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
