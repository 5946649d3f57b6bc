/**
 * Moves the subscribers of older versions to the one that an operator chose. The target is on the plan already, so that
 * each subscription moves whenever it is advanced: this only wakes them, the first ones at once.
 */
import type { QueueMessage } from '../../contracts/queue-messages.ts';
import type { DataRegion } from '../../domain/ids.ts';
import { advanceSubscription } from './advance-subscription.ts';
import type { BillingDeps } from './billing-deps.ts';

/** Subscribers that are moved before the call answers; the others follow by queue. */
const AT_ONCE_MAX = 100;

/** Subscribers read at once. */
const PAGE_LENGTH = 100;

type MigrateDeps = BillingDeps & {
  readonly send: (messages: readonly QueueMessage[]) => Promise<void>;
};

/** Wakes every subscriber of an older version. */
export async function migrateSubscribers(
  deps: MigrateDeps,
  target: { planId: string; version: number },
): Promise<{ migrated: number; remaining: number }> {
  const moved = { migrated: 0, remaining: 0 };
  for (const region of ['global', 'eu'] as const) {
    for await (const ids of pagesOfOlder(deps, { ...target, region })) {
      if (moved.migrated < AT_ONCE_MAX) {
        await advanceEach(deps, ids);
        moved.migrated += ids.length;
      } else {
        await deps.send(
          ids.map((subscriptionId) => ({ v: 1, type: 'subscription.advance', subscriptionId })),
        );
        moved.remaining += ids.length;
      }
    }
  }
  return moved;
}

async function advanceEach(deps: BillingDeps, ids: readonly string[]): Promise<void> {
  for (const subscriptionId of ids)
    await advanceSubscription(deps, { subscriptionId, cause: 'request', look: false });
}

async function* pagesOfOlder(
  deps: Pick<BillingDeps, 'billing'>,
  { region, ...target }: { region: DataRegion; planId: string; version: number },
): AsyncGenerator<string[]> {
  let afterId = '';
  for (;;) {
    const ids = await deps.billing(region).olderThan({ ...target, afterId, limit: PAGE_LENGTH });
    if (ids.length > 0) yield ids;
    const last = ids.at(-1);
    if (last === undefined || ids.length < PAGE_LENGTH) return;
    afterId = last;
  }
}
