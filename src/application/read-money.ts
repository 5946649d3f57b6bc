/** What operators see of money: sums of each processor, what does not match, and every entry of a booking. */
import { regionOfId, type DataRegion } from '../domain/ids.ts';
import { PROCESSORS, type Processor } from '../domain/payment/processor-reply.ts';
import { refuse, type Result } from '../domain/result.ts';
import { DAY_MS, type EpochMs } from '../domain/time.ts';
import type { KnownUnmatched, MoneyStore, ProcessorSums } from './ledger-money-ports.ts';
import type { LedgerStore, LedgerTransaction } from './ledger-ports.ts';

/** Days of one answer. */
const DAYS_MAX = 366;

export interface ReadMoneyDeps {
  money(region: DataRegion): MoneyStore;
  ledger(region: DataRegion): Pick<LedgerStore, 'transactionsOf'>;
}

const EVERY_REGION: readonly DataRegion[] = ['global', 'eu'];

/** Sums of a processor in one currency with what of it does not match, in absolute minor units. */
export type ProcessorMoney = ProcessorSums & { readonly unmatchedMinor: number };

/** All money at a glance. */
export interface MoneyOverview {
  readonly unmatched: {
    /** Of all currencies together: it only tells zero from not. */
    readonly amountMinor: number;
    readonly count: number;
    readonly byCurrency: Readonly<Record<string, number>>;
  };
  readonly processors: readonly ProcessorMoney[];
}

/** Over all regions. */
export async function readMoneyOverview(deps: ReadMoneyDeps): Promise<MoneyOverview> {
  const stores = EVERY_REGION.map((region) => deps.money(region));
  const [sums, differences] = await Promise.all([
    Promise.all(stores.map((store) => store.sums())),
    Promise.all(stores.map((store) => store.unmatchedSums())),
  ]);
  const unmatched = differences.flat();
  const byCurrency: Record<string, number> = {};
  for (const { currency, amountMinor } of unmatched)
    byCurrency[currency] = (byCurrency[currency] ?? 0) + amountMinor;
  const none = { capturedMinor: 0, refundedMinor: 0, feesMinor: 0, disputedMinor: 0, taxMinor: 0 };
  // A payment that only the processor knows is in no sum.
  const named = [
    ...sums.flat(),
    ...unmatched.map(({ processor, currency }) => ({ processor, currency, ...none })),
  ];
  return {
    unmatched: {
      amountMinor: total(unmatched.map(({ amountMinor }) => amountMinor)),
      count: total(unmatched.map(({ count }) => count)),
      byCurrency,
    },
    processors: addedUp(named).map((row) => ({
      ...row,
      unmatchedMinor: total(
        unmatched.filter((other) => isSame(row, other)).map(({ amountMinor }) => amountMinor),
      ),
    })),
  };
}

/** Sums by day; `from` and `to` are rounded down to midnight UTC, and `to` is not in it. Refusals: `validation_failed`. */
export async function readDailyMoney(
  deps: ReadMoneyDeps,
  interval: { fromMs: EpochMs; toMs: EpochMs },
): Promise<Result<(ProcessorSums & { readonly dayAtMs: EpochMs })[]>> {
  const { fromMs, toMs } = interval;
  if (toMs <= fromMs || toMs - fromMs > DAYS_MAX * DAY_MS) {
    return refuse('validation_failed', 'The request is not valid.', {
      errors: [{ pointer: '/to', detail: `must be after from, by at most ${DAYS_MAX} days` }],
    });
  }
  const midnight = { fromMs: fromMs - (fromMs % DAY_MS), toMs };
  const lists = await Promise.all(
    EVERY_REGION.map((region) => deps.money(region).sumsByDay(midnight)),
  );
  const days = [...Map.groupBy(lists.flat(), ({ dayAtMs }) => dayAtMs)].toSorted(
    ([a], [b]) => a - b,
  );
  const value = days.flatMap(([dayAtMs, rows]) =>
    addedUp(rows).map((row) => ({ ...row, dayAtMs })),
  );
  return { ok: true, value };
}

/** Differences, the oldest first, counted or not. */
export async function listUnmatched(
  deps: ReadMoneyDeps,
  limit: number,
): Promise<readonly KnownUnmatched[]> {
  const lists = await Promise.all(
    EVERY_REGION.flatMap((region) =>
      PROCESSORS.map((processor) => deps.money(region).unmatchedOf(processor, limit)),
    ),
  );
  return lists
    .flat()
    .toSorted((a, b) => a.firstSeenAtMs - b.firstSeenAtMs)
    .slice(0, limit);
}

/** Every entry that touched a booking, oldest first. */
export function readBookingMoney(
  deps: ReadMoneyDeps,
  bookingId: string,
): Promise<LedgerTransaction[]> {
  const region = regionOfId(bookingId);
  return deps.ledger(region).transactionsOf({ bookingId });
}

/** One row per processor and currency. */
function addedUp(rows: readonly ProcessorSums[]): ProcessorSums[] {
  const groups = Map.groupBy(rows, ({ processor, currency }) => `${processor} ${currency}`);
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const { processor, currency } = first;
      return [
        {
          processor,
          currency,
          capturedMinor: total(group.map(({ capturedMinor }) => capturedMinor)),
          refundedMinor: total(group.map(({ refundedMinor }) => refundedMinor)),
          feesMinor: total(group.map(({ feesMinor }) => feesMinor)),
          disputedMinor: total(group.map(({ disputedMinor }) => disputedMinor)),
          taxMinor: total(group.map(({ taxMinor }) => taxMinor)),
        },
      ];
    })
    .toSorted((a, b) => order(a) - order(b) || (a.currency < b.currency ? -1 : 1));
}

function order({ processor }: { processor: Processor }): number {
  return PROCESSORS.indexOf(processor);
}

function isSame(a: ProcessorSums, b: { processor: Processor; currency: string }): boolean {
  return a.processor === b.processor && a.currency === b.currency;
}

function total(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}
