/**
 * Finds what is due and has it advanced: periods to bill, tries to repeat, graces that end, sign-ups that expire.
 * A cron sends one message for each; a run by hand does the work itself. Late or repeated runs skip and double nothing,
 * because each subscription decides by its own record what is due.
 */
import type { QueueMessage } from '../../contracts/queue-messages.ts';
import { errorText } from '../../domain/assert.ts';
import type { DataRegion } from '../../domain/ids.ts';
import { advanceSubscription } from './advance-subscription.ts';
import type { BillingDeps } from './billing-deps.ts';

/** Subscriptions read at once. */
const PAGE_LENGTH = 500;

/** Subscriptions of one region that one run takes on; the next run goes on. */
const RUN_MAX = 20_000;

/** Subscriptions that a run by hand advances at the same time: each waits for a processor most of its time. */
const AT_ONCE = 8;

/** What a run found and did. */
export interface RenewalsReport {
  readonly due: number;
  readonly sent: number;
  readonly advanced: number;
  readonly busy: number;
  readonly failed: number;
}

type Counters = { -readonly [counter in keyof RenewalsReport]: number };

/** Runs one pass. By hand the work is done when it answers; else it is on the queue. */
export async function runRenewals(
  deps: BillingDeps & { readonly send: (messages: readonly QueueMessage[]) => Promise<void> },
  run: { byHand: boolean },
): Promise<RenewalsReport> {
  const counters: Counters = { due: 0, sent: 0, advanced: 0, busy: 0, failed: 0 };
  for (const region of ['global', 'eu'] as const) {
    for await (const ids of pagesOfDue(deps, region)) {
      counters.due += ids.length;
      if (run.byHand) await advanceAll(deps, ids, counters);
      else {
        await deps.send(
          ids.map((subscriptionId) => ({ v: 1, type: 'subscription.advance', subscriptionId })),
        );
        counters.sent += ids.length;
      }
    }
  }
  return counters;
}

/** Advances each, some at a time; one that fails is logged and left to the next run. */
async function advanceAll(
  deps: BillingDeps,
  ids: readonly string[],
  counters: Counters,
): Promise<void> {
  const left = [...ids];
  const worker = async (): Promise<void> => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      try {
        const end = await advanceSubscription(deps, {
          subscriptionId: id,
          cause: 'cron',
          look: false,
        });
        counters[end === 'busy' ? 'busy' : 'advanced'] += 1;
      } catch (error) {
        counters.failed += 1;
        deps.log.error('renewals.subscription_failed', {
          subscriptionId: id,
          reason: errorText(error),
        });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function* pagesOfDue(
  deps: Pick<BillingDeps, 'billing' | 'clock'>,
  region: DataRegion,
): AsyncGenerator<string[]> {
  const nowMs = deps.clock.nowMs();
  let afterId = '';
  for (let count = 0; count < RUN_MAX; count += PAGE_LENGTH) {
    const ids = await deps.billing(region).due({ nowMs, afterId, limit: PAGE_LENGTH });
    if (ids.length > 0) yield ids;
    const last = ids.at(-1);
    if (last === undefined || ids.length < PAGE_LENGTH) return;
    afterId = last;
  }
}
