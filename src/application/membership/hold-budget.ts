/**
 * A member's hold budget over all shards: what was admitted lately, in memory alone. It is best effort, because each
 * shard bounds its own holds exactly; memory only says when it is worth asking the shards, and they decide.
 */
import type { AdmitCommand } from '../../contracts/membership-rpc.ts';

/** A budget beyond this is not kept: remembering that many holds would cost more than they do. */
const BUDGET_KEPT_MAX = 1_000;

/** Holds of one shard: those that it told of, and those admitted since. */
interface ShardHolds {
  toldLive: number;
  admitted: Set<string>;
}

export type BudgetedCall = Pick<AdmitCommand, 'grantId' | 'shardKey' | 'holdBudget'>;

export class HoldBudget {
  readonly #shards = new Map<string, ShardHolds>();
  #inFlight: Promise<void> | null = null;

  /** True when memory says that this further hold is one too many. */
  isReached({ grantId, shardKey, holdBudget }: BudgetedCall): boolean {
    if (holdBudget > BUDGET_KEPT_MAX) return false;
    if (this.#shards.get(shardKey)?.admitted.has(grantId) === true) return false;
    let count = 0;
    for (const { toldLive, admitted } of this.#shards.values()) count += toldLive + admitted.size;
    return count >= holdBudget;
  }

  /** Remembers an admitted hold; a repeat of its call counts once. */
  remember({ grantId, shardKey, holdBudget }: BudgetedCall): void {
    if (holdBudget > BUDGET_KEPT_MAX) return;
    const known = this.#shards.get(shardKey);
    if (known === undefined)
      this.#shards.set(shardKey, { toldLive: 0, admitted: new Set([grantId]) });
    else known.admitted.add(grantId);
  }

  /** Puts the shards' own counts in the place of what is remembered. Calls that come together share one round. */
  correct(liveHoldsAt: (shardKey: string) => Promise<number>): Promise<void> {
    this.#inFlight ??= this.#askAll(liveHoldsAt).finally(() => {
      this.#inFlight = null;
    });
    return this.#inFlight;
  }

  async #askAll(liveHoldsAt: (shardKey: string) => Promise<number>): Promise<void> {
    await Promise.all(
      [...this.#shards].map(async ([shardKey, holds]) => {
        const before = new Set(holds.admitted);
        // A shard that cannot be asked counts for nothing here: it still bounds its own holds.
        holds.toldLive = await liveHoldsAt(shardKey).catch(() => 0);
        for (const id of before) holds.admitted.delete(id);
        if (holds.toldLive === 0 && holds.admitted.size === 0) this.#shards.delete(shardKey);
      }),
    );
  }
}
