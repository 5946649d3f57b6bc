/**
 * What a provider reads of their money: payouts, and statements of what they earned, what the platform took and what is
 * owed; and the list that operators pay by bank. For anybody else the provider does not exist.
 */
import type { Caller } from '../../contracts/calls.ts';
import type { DataRegion } from '../../domain/ids.ts';
import { availableUntilMs, nextPeriodAtMs } from '../../domain/payout/payout-schedule.ts';
import { PAYOUT_SETTINGS_DEFAULT, type Payout } from '../../domain/payout/payout.ts';
import { ok, type Result } from '../../domain/result.ts';
import type { EpochMs } from '../../domain/time.ts';
import { notFound } from '../catalogue-deps.ts';
import { decodeCursor, mergePage, type Page } from '../page-cursor.ts';
import { ownProvider } from './payout-account.ts';
import type { PayoutDeps, ProviderLine, ProviderTotals } from './payout-ports.ts';

/** Manual payouts read at once. */
const EXPORT_PAGE_LENGTH = 500;

const REGIONS: readonly DataRegion[] = ['global', 'eu'];

interface PageQuery {
  readonly providerId: string;
  readonly cursor: string | undefined;
  readonly limit: number;
}

/** What is owed in one currency, and when it is paid out next. */
export interface ProviderBalance extends ProviderTotals {
  /** What the escrow days have passed for, less all that is charged. */
  readonly availableMinor: number;
  readonly nextPayoutAtMs: EpochMs;
}

/** Of one payout: how its amount came about. */
export interface PayoutStatement {
  readonly payout: Payout;
  /** What was left of payouts before: a reserve, too little to pay, or a debt. */
  readonly carriedMinor: number;
}

export interface Statement {
  readonly balances: readonly ProviderBalance[];
  /** Null where no payout was named. */
  readonly ofPayout: PayoutStatement | null;
  readonly lines: Page<ProviderLine>;
}

/** A line of the export. */
export interface ManualPayout {
  readonly payout: Payout;
  readonly providerName: string;
}

/** A provider's payouts, newest first. Refusals: `not_found`, `validation_failed` for a cursor. */
export async function listPayouts(
  deps: PayoutDeps,
  caller: Caller,
  query: PageQuery,
): Promise<Result<Page<Payout>>> {
  const cursor = decodeCursor(query.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const provider = await ownProvider(deps, caller, query.providerId);
  if (!provider.ok) return provider;
  const [createdAtMs, id] = cursor.value ?? [];
  const before = createdAtMs === undefined || id === undefined ? null : { createdAtMs, id };
  const store = deps.payouts(provider.value.dataRegion);
  const { providerId, limit } = query;
  const rows = await store.list({ providerId, before, limit: limit + 1 });
  return ok(
    mergePage([rows], {
      compare: (a, b) => b.createdAtMs - a.createdAtMs,
      place: (row) => [row.createdAtMs, row.id],
      limit,
    }),
  );
}

/**
 * The balances, and the lines of the ledger behind them, newest first; of one payout only those that it states.
 * Refusals: `not_found`, `validation_failed` for a cursor.
 */
export async function readStatement(
  deps: PayoutDeps,
  caller: Caller,
  query: PageQuery & { readonly payoutId: string | undefined },
): Promise<Result<Statement>> {
  const cursor = decodeCursor(query.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const provider = await ownProvider(deps, caller, query.providerId);
  if (!provider.ok) return provider;
  const { id: providerId, dataRegion } = provider.value;
  const statements = deps.statements(dataRegion);
  const ofPayout = await payoutStatement(deps, dataRegion, query);
  if (!ofPayout.ok) return ofPayout;
  const payout = ofPayout.value?.payout ?? null;
  const [atMs, id] = cursor.value ?? [];
  const before = atMs === undefined || id === undefined ? null : { atMs, id };
  const asked = { providerId, before, limit: query.limit + 1 };
  const rows =
    payout === null
      ? await statements.lines(asked)
      : await statements.linesOfPayout({ ...asked, payoutId: payout.id });
  const lines = mergePage([rows], {
    compare: (a, b) => b.atMs - a.atMs,
    place: (row) => [row.atMs, row.id],
    limit: query.limit,
  });
  const balances = await balancesOf(deps, dataRegion, providerId);
  return ok({ balances, ofPayout: ofPayout.value, lines });
}

/** What operators pay by bank for a period, of all regions. */
export async function* manualPayouts(
  deps: PayoutDeps,
  period: string,
): AsyncGenerator<ManualPayout> {
  for (const region of REGIONS) {
    const { providers } = deps.catalogue(region);
    let afterId = '';
    for (;;) {
      const limit = EXPORT_PAGE_LENGTH;
      const page = await deps.payouts(region).manualOf({ period, afterId, limit });
      for (const payout of page) {
        const provider = await providers.byId(payout.providerId);
        yield { payout, providerName: provider?.name ?? '' };
      }
      const last = page.at(-1);
      if (last === undefined || page.length < limit) break;
      afterId = last.id;
    }
  }
}

async function payoutStatement(
  deps: PayoutDeps,
  region: DataRegion,
  { providerId, payoutId }: { readonly providerId: string; readonly payoutId: string | undefined },
): Promise<Result<PayoutStatement | null>> {
  if (payoutId === undefined) return ok(null);
  const payout = await deps.payouts(region).byId(payoutId);
  if (payout?.providerId !== providerId) return notFound('payout');
  const statedMinor = await deps.statements(region).statedMinor(payoutId);
  return ok({ payout, carriedMinor: payout.payableMinor - statedMinor });
}

async function balancesOf(
  deps: PayoutDeps,
  region: DataRegion,
  providerId: string,
): Promise<ProviderBalance[]> {
  const settings = (await deps.payouts(region).settings(providerId)) ?? PAYOUT_SETTINGS_DEFAULT;
  const nowMs = deps.clock.nowMs();
  const untilMs = availableUntilMs(nowMs, settings.escrowDays);
  const nextPayoutAtMs = nextPeriodAtMs(nowMs, settings);
  const totals = await deps.statements(region).totals(providerId);
  const ledger = deps.ledger(region);
  return Promise.all(
    totals.map(async (total) => {
      const { currency } = total;
      const availableMinor = await ledger.payable({
        providerId,
        currency,
        availableUntilMs: untilMs,
      });
      return { ...total, availableMinor, nextPayoutAtMs };
    }),
  );
}
