/**
 * One run of payouts: what is under way is settled first, so that a provider's next payout need not wait for it; then what
 * went back to customers is taken back from transfers; then what is due is made, and sent. A provider that fails is logged and never stops the others, and the next run goes on where
 * this one stopped. Called by the cron and by operators, under the lease of the job.
 */
import { errorText } from '../../domain/assert.ts';
import type { DataRegion } from '../../domain/ids.ts';
import type { Payout } from '../../domain/payout/payout.ts';
import type { Recovery } from '../../domain/payout/recovery.ts';
import { MINUTE_MS } from '../../domain/time.ts';
import type { PayoutDeps } from './payout-ports.ts';
import type { PayoutEnd } from './payout-work.ts';
import { planPayout, type PlanEnd } from './plan-payouts.ts';
import { continueReversal } from './reverse-payout.ts';
import { recover } from './recover-transfers.ts';
import { advancePayout, reviewPayout } from './send-payout.ts';

/** Providers and payouts read at once. */
const PAGE_LENGTH = 100;

/** Payouts that are sent at the same time: each waits for the processor most of its time. */
const AT_ONCE = 8;

/** A run ends before its lease does; what is left is the next one's. */
const RUN_TIME_MAX_MS = 10 * MINUTE_MS;

const REGIONS: readonly DataRegion[] = ['global', 'eu'];

/** What a run found and did: how many came to which end. */
export type PayoutsReport = { readonly [end in PlanEnd | PayoutEnd | 'errors']: number };

interface Run {
  readonly byHand: boolean;
  readonly isOver: () => boolean;
  readonly report: { -readonly [end in keyof PayoutsReport]: number };
  /** A run looks at each payout once, whatever its back-off. */
  readonly seen: Set<string>;
}

/** Runs one pass. By hand, waits between tries are left out. */
export async function runPayouts(
  deps: PayoutDeps,
  { byHand }: { byHand: boolean },
): Promise<PayoutsReport> {
  const endsAtMs = deps.clock.nowMs() + RUN_TIME_MAX_MS;
  const isOver = () => deps.clock.nowMs() >= endsAtMs;
  const run: Run = { byHand, isOver, report: emptyReport(), seen: new Set() };
  for (const region of REGIONS) {
    await advanceDue(deps, region, run);
    await recoverAll(deps, region, run);
    await planAll(deps, region, run);
    await advanceDue(deps, region, run);
  }
  return run.report;
}

async function planAll(deps: PayoutDeps, region: DataRegion, run: Run): Promise<void> {
  for await (const claims of pagesOfClaims(deps, region)) {
    for (const { providerId, currency } of claims) {
      if (run.isOver()) return;
      const work = () => planPayout(deps, { region, providerId, currency }, run);
      await guarded(deps, run, { entityId: providerId, work });
    }
  }
}

async function advanceDue(deps: PayoutDeps, region: DataRegion, run: Run): Promise<void> {
  const { gateway } = deps;
  if (gateway === null) return;
  const store = deps.payouts(region);
  const ledger = deps.ledger(region);
  const isDue = ({ nextAttemptAtMs }: Payout): boolean =>
    run.byHand || (nextAttemptAtMs ?? 0) <= deps.clock.nowMs();
  const advance = (payout: Payout): Promise<PayoutEnd> => {
    const work = { payout, store, ledger, gateway };
    if (!isDue(payout)) return reviewPayout(deps, work);
    return payout.state === 'completed' ? continueReversal(deps, work) : advancePayout(deps, work);
  };
  for await (const payouts of pagesOfLive(deps, region)) {
    const left = payouts.filter(
      (payout) => !run.seen.has(payout.id) && (isDue(payout) || payout.state === 'scheduled'),
    );
    for (const { id } of left) run.seen.add(id);
    await eachAtOnce(run, left, (payout) =>
      guarded(deps, run, { entityId: payout.id, work: () => advance(payout) }),
    );
  }
}

/** One after the other for a provider, because what the first takes back is not the second's any more. */
async function recoverAll(deps: PayoutDeps, region: DataRegion, run: Run): Promise<void> {
  for await (const recoveries of pagesOfRecoveries(deps, region)) {
    const byProvider = Map.groupBy(recoveries, ({ providerId }) => providerId);
    await eachAtOnce(run, [...byProvider.values()], async (ofOne) => {
      for (const recovery of ofOne) {
        if (run.isOver()) return;
        const work = () => recover(deps, region, recovery);
        await guarded(deps, run, { entityId: recovery.id, work });
      }
    });
  }
}

/** Works a list off, some at the same time, until the run's time is over. */
async function eachAtOnce<T>(
  { isOver }: Pick<Run, 'isOver'>,
  left: T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) {
      if (isOver()) return;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Counts how it ended; a fault is logged and left to the next run. */
async function guarded(
  { log }: Pick<PayoutDeps, 'log'>,
  { report }: Pick<Run, 'report'>,
  { entityId, work }: { entityId: string; work: () => Promise<PlanEnd | PayoutEnd> },
): Promise<void> {
  try {
    report[await work()] += 1;
  } catch (error) {
    report.errors += 1;
    log.error('payouts.failed', { entityId, reason: errorText(error) });
  }
}

/**
 * Pages until one is empty. The last provider of a page may have more currencies on the next, so that they are left to it
 * unless they are all that there is.
 */
async function* pagesOfClaims(
  deps: PayoutDeps,
  region: DataRegion,
): AsyncGenerator<{ providerId: string; currency: string }[]> {
  let afterId = '';
  for (;;) {
    const rows = await deps.ledger(region).providersWithBalance(afterId, PAGE_LENGTH);
    const last = rows.at(-1)?.providerId;
    if (last === undefined) return;
    const whole = rows.filter(({ providerId }) => providerId !== last);
    const isCut = rows.length >= PAGE_LENGTH && whole.length > 0;
    yield isCut ? whole : rows;
    afterId = isCut ? (whole.at(-1)?.providerId ?? last) : last;
  }
}

/** Those that are not due among them, because a refund may have taken what they wait to send. */
async function* pagesOfLive(deps: PayoutDeps, region: DataRegion): AsyncGenerator<Payout[]> {
  const nowMs = deps.clock.nowMs();
  let afterId = '';
  for (;;) {
    const payouts = await deps.payouts(region).unsettled({ nowMs, afterId, limit: PAGE_LENGTH });
    if (payouts.length > 0) yield payouts;
    const last = payouts.at(-1)?.id;
    if (last === undefined || payouts.length < PAGE_LENGTH) return;
    afterId = last;
  }
}

async function* pagesOfRecoveries(
  deps: PayoutDeps,
  region: DataRegion,
): AsyncGenerator<Recovery[]> {
  let after = { providerId: '', id: '' };
  for (;;) {
    const recoveries = await deps.payouts(region).openRecoveries({ after, limit: PAGE_LENGTH });
    if (recoveries.length > 0) yield recoveries;
    const last = recoveries.at(-1);
    if (last === undefined || recoveries.length < PAGE_LENGTH) return;
    after = { providerId: last.providerId, id: last.id };
  }
}

function emptyReport(): Run['report'] {
  return {
    made: 0,
    paid: 0,
    waiting: 0,
    not_ready: 0,
    nothing: 0,
    negative: 0,
    below_minimum: 0,
    completed: 0,
    retried: 0,
    failed: 0,
    cancelled: 0,
    unsettled: 0,
    reversed: 0,
    carried: 0,
    busy: 0,
    errors: 0,
  };
}
