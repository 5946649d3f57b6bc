/**
 * Makes the payouts that are due: for each provider and currency what is owed and available at the period's day, less the
 * reserve. What is negative or too little is carried to the next. Sends nothing. Called by the run of payouts.
 */
import type { DataRegion } from '../../domain/ids.ts';
import { availableUntilMs, periodAt } from '../../domain/payout/payout-schedule.ts';
import { PAYOUT_SETTINGS_DEFAULT, shareOf, type Payout } from '../../domain/payout/payout.ts';
import type { EpochMs } from '../../domain/time.ts';
import { accountNow } from './payout-account.ts';
import type { PayoutDeps } from './payout-ports.ts';
import { PAYOUT_ACTOR } from './payout-work.ts';
import { settleTransfer } from './send-payout.ts';

/**
 * made: a payout. paid: the period has had its own. waiting: an earlier one is not settled. not_ready: there is no
 * account that can take money yet. The others say why nothing is due.
 */
export type PlanEnd =
  | 'made'
  | 'paid'
  | 'waiting'
  | 'not_ready'
  | 'nothing'
  | 'negative'
  | 'below_minimum';

export interface Claim {
  readonly region: DataRegion;
  readonly providerId: string;
  readonly currency: string;
}

/** Makes the payout of one provider in one currency, if one is due. By hand, what is available now is in it. */
export async function planPayout(
  deps: PayoutDeps,
  claim: Claim,
  { byHand }: { byHand: boolean },
): Promise<PlanEnd> {
  const { region, providerId, currency } = claim;
  const store = deps.payouts(region);
  const settings = (await store.settings(providerId)) ?? PAYOUT_SETTINGS_DEFAULT;
  const nowMs = deps.clock.nowMs();
  const period = periodAt(nowMs, settings);
  if ((await store.live(providerId, currency)) !== null) return 'waiting';
  // Until it is known what came back, a payout would net what the reversal takes, too.
  if (await store.isReversing(providerId, currency)) return 'waiting';
  const earlier = await store.ofPeriod({ providerId, currency, name: period.name });
  if (earlier.some(({ state }) => state === 'completed')) return 'paid';
  if (!byHand && earlier.some(({ state }) => state === 'failed')) return 'waiting';
  if (!(await hasFailedForSure(deps, claim))) return 'waiting';
  const untilMs = availableUntilMs(byHand ? nowMs : period.startAtMs, settings.escrowDays);
  const payableMinor = await deps
    .ledger(region)
    .payable({ providerId, currency, availableUntilMs: untilMs });
  const share = shareOf(payableMinor, settings, currency);
  if (share.kind !== 'pay') return share.kind;
  const account = settings.method === 'manual' ? null : await readyAccount(deps, claim);
  if (account === null && settings.method === 'processor') return 'not_ready';
  const payout = newPayout(deps, claim, {
    period: period.name,
    sequence: (earlier.at(-1)?.sequence ?? 0) + 1,
    account,
    amountMinor: share.amountMinor,
    reservedMinor: share.reservedMinor,
    payableMinor,
    availableUntilMs: untilMs,
    nowMs,
  });
  const isMade = await store.insert(payout, { from: null, actor: PAYOUT_ACTOR, atMs: nowMs });
  return isMade ? 'made' : 'waiting';
}

/** A failed payout is believed only if the processor shows nothing of it; what it shows is settled. */
async function hasFailedForSure(
  deps: PayoutDeps,
  { region, providerId, currency }: Claim,
): Promise<boolean> {
  const store = deps.payouts(region);
  const payout = await store.latest(providerId, currency);
  if (payout?.state !== 'failed') return true;
  if (deps.gateway === null) return false;
  const seen = await deps.gateway.findTransfer(payout.id);
  if (seen.kind === 'done') {
    const work = { payout, store, ledger: deps.ledger(region), gateway: deps.gateway };
    await settleTransfer(deps, work, seen.value);
  }
  return seen.kind === 'missing';
}

/** Null while it cannot take money, or there is none. */
async function readyAccount(
  deps: PayoutDeps,
  { region, providerId }: Claim,
): Promise<{ readonly ref: string } | null> {
  const { gateway } = deps;
  if (gateway === null) return null;
  const account = await accountNow(deps, { store: deps.payouts(region), gateway, providerId });
  if (account === null || account === 'unknown' || !account.isReady) return null;
  return account.ref === null ? null : { ref: account.ref };
}

function newPayout(
  deps: Pick<PayoutDeps, 'ids'>,
  { region, providerId, currency }: Claim,
  made: {
    readonly period: string;
    readonly sequence: number;
    readonly account: { readonly ref: string } | null;
    readonly amountMinor: number;
    readonly reservedMinor: number;
    readonly payableMinor: number;
    readonly availableUntilMs: EpochMs;
    readonly nowMs: EpochMs;
  },
): Payout {
  const { account, nowMs, ...amounts } = made;
  const seed = `payout ${providerId} ${currency} ${made.period} ${made.sequence}`;
  return {
    ...amounts,
    id: deps.ids.deriveInRegion('pot', region, seed),
    providerId,
    currency,
    method: account === null ? 'manual' : 'processor',
    state: 'scheduled',
    reason: null,
    accountRef: account?.ref ?? null,
    transferRef: null,
    reversedMinor: 0,
    reversalTargetMinor: null,
    reversalKey: null,
    recoveryId: null,
    reversalSeq: 1,
    tries: 0,
    keySeq: 1,
    lastReply: null,
    // Nothing but an operator moves a manual payout on.
    nextAttemptAtMs: account === null ? null : nowMs,
    leaseUntilMs: 0,
    createdAtMs: nowMs,
    settledAtMs: null,
    version: 1,
  };
}
