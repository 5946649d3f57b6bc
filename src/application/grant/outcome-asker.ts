/**
 * Asks shards what came of grants that nobody reported, one call per shard. A shard that cannot be asked is asked
 * again later, with growing pauses; nothing is ever guessed. Called by the alarm of a member or a promotion, and
 * before a limit is said to be exhausted.
 */
import type { InventoryShardRpc } from '../../contracts/durable-rpc.ts';
import type { GrantOutcome } from '../../contracts/membership-rpc.ts';
import { errorText, invariant } from '../../domain/assert.ts';
import { MINUTE_MS, SECOND_MS, type EpochMs } from '../../domain/time.ts';
import type { Clock, Logger } from '../ports.ts';

/** Reservations asked about in one round; those that are left follow in the next. */
const ASKED_AT_ONCE = 500;

/** The least time between two rounds that refusals ask for. */
const ROUND_GAP_MS = SECOND_MS;

/** The pause after a shard failed for the first time; it doubles up to the longest. */
const PAUSE_MS = 5 * SECOND_MS;
const PAUSE_MS_MAX = 15 * MINUTE_MS;

/** Something granted of which only a shard knows what came. */
interface AskedGrant {
  readonly id: string;
  readonly ask: { readonly shardKey: string };
  readonly dueAtMs: EpochMs | null;
}

/** What was granted, and what is learnt of it. */
export interface GivenGrants {
  unsettled(): Iterable<AskedGrant>;
  settle(
    outcomes: readonly GrantOutcome[],
    times: { readonly askedAtMs: EpochMs; readonly nowMs: EpochMs },
  ): void;
}

export interface AskerPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly state: GivenGrants;
  readonly shard: (shardKey: string) => Pick<InventoryShardRpc, 'grantOutcomes'>;
}

interface Pause {
  readonly failures: number;
  readonly untilMs: EpochMs;
}

export class OutcomeAsker {
  readonly #ports: AskerPorts;
  readonly #pauses = new Map<string, Pause>();
  #round: Promise<void> | null = null;
  #roundAtMs = Number.NEGATIVE_INFINITY;

  constructor(ports: AskerPorts) {
    this.#ports = ports;
  }

  /** When the next reservation is to be asked about; null when everything is settled. */
  nextDueMs(): EpochMs | null {
    let nextMs: EpochMs | null = null;
    for (const reservation of this.#ports.state.unsettled()) {
      const dueMs = this.#dueMs(reservation);
      if (nextMs === null || dueMs < nextMs) nextMs = dueMs;
    }
    return nextMs;
  }

  /** Asks about everything that is due. Never throws for a shard that cannot be asked. */
  askDue(): Promise<void> {
    const nowMs = this.#ports.clock.nowMs();
    return this.#ask((reservation) => this.#dueMs(reservation) <= nowMs);
  }

  /**
   * Asks about everything that is not settled, before a limit is said to be exhausted. Calls that come together share
   * one round, and a round follows the last after a second at the earliest.
   */
  async askAll(): Promise<void> {
    if (this.#round === null) {
      const nowMs = this.#ports.clock.nowMs();
      const isEarly = nowMs >= this.#roundAtMs && nowMs - this.#roundAtMs < ROUND_GAP_MS;
      if (isEarly || this.nextDueMs() === null) return;
      this.#roundAtMs = nowMs;
      // A shard that failed just now is left alone, so that nobody waits for it with every hold.
      const isPaused = ({ ask }: AskedGrant): boolean =>
        (this.#pauses.get(ask.shardKey)?.untilMs ?? 0) > nowMs;
      this.#round = this.#ask((reservation) => !isPaused(reservation)).finally(() => {
        this.#round = null;
      });
    }
    await this.#round;
  }

  #dueMs({ dueAtMs, ask }: AskedGrant): EpochMs {
    return Math.max(dueAtMs ?? 0, this.#pauses.get(ask.shardKey)?.untilMs ?? 0);
  }

  async #ask(isWanted: (reservation: AskedGrant) => boolean): Promise<void> {
    const wanted = [...this.#ports.state.unsettled()]
      .filter(isWanted)
      .toSorted((a, b) => (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0))
      .slice(0, ASKED_AT_ONCE);
    const byShard = Map.groupBy(wanted, ({ ask }) => ask.shardKey);
    await Promise.all(
      [...byShard].map(([shardKey, asked]) =>
        this.#askShard(
          shardKey,
          asked.map(({ id }) => id),
        ),
      ),
    );
  }

  async #askShard(shardKey: string, grantIds: readonly string[]): Promise<void> {
    const { clock, log, shard, state } = this.#ports;
    const askedAtMs = clock.nowMs();
    try {
      const outcomes = await shard(shardKey).grantOutcomes(grantIds);
      const told = new Set(outcomes.map(({ grantId }) => grantId));
      invariant(
        grantIds.every((id) => told.has(id)),
        'a shard answers for every grant that it is asked about',
      );
      this.#pauses.delete(shardKey);
      state.settle(outcomes, { askedAtMs, nowMs: clock.nowMs() });
    } catch (error) {
      const failures = (this.#pauses.get(shardKey)?.failures ?? 0) + 1;
      const pauseMs = Math.min(PAUSE_MS * 2 ** (failures - 1), PAUSE_MS_MAX);
      this.#pauses.set(shardKey, { failures, untilMs: clock.nowMs() + pauseMs });
      log.warn('membership.shard_not_asked', { shardKey, reason: errorText(error) });
    }
  }
}
