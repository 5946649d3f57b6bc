/**
 * Money that went back to a customer, as far as it was the provider's: who is told of it, and how much of it may be taken
 * back from a transfer. Amounts are minor units. Pure; called where a shard's facts are posted and by the run of payouts.
 */
import { invariant } from '../assert.ts';
import type { MovedMoney } from '../ledger/booking-money.ts';
import { step } from '../machine.ts';
import type { EpochMs } from '../time.ts';
import { LIVE_PAYOUT_STATES, type PayoutState } from './payout-machine.ts';
import type { PayoutMethod } from './payout.ts';
import { RECOVERY_MACHINE, type RecoveryEvent, type RecoveryState } from './recovery-machine.ts';

/** reverse: it is taken back from the transfer, in proportion. carry: the next payouts are less by it. */
export const RECOVERY_MODES = ['reverse', 'carry'] as const;
export type RecoveryMode = (typeof RECOVERY_MODES)[number];

/** The provider's share of one refund or lost dispute. */
export interface Recovery {
  /** Made of the fact that it is of, so that telling it twice asks for it once. */
  readonly id: string;
  readonly state: RecoveryState;
  readonly providerId: string;
  readonly currency: string;
  readonly bookingId: string;
  /** What went back less the commission that went back with it. */
  readonly amountMinor: number;
  /** The payout whose transfer is reversed; null where none is. */
  readonly payoutId: string | null;
  /** What came back of the transfer; the rest is carried. */
  readonly reversedMinor: number;
  /** Why it is carried; null otherwise. */
  readonly reason: string | null;
  readonly createdAtMs: EpochMs;
  readonly settledAtMs: EpochMs | null;
}

/** What the ledger has of a booking on its provider's account, and which payout states it. */
export interface StatedLine {
  /** Positive where it is owed to the provider. */
  readonly amountMinor: number;
  readonly payout: StatedPayout | null;
}

export interface StatedPayout {
  readonly id: string;
  readonly state: PayoutState;
  readonly method: PayoutMethod;
  /** What of its transfer was not reversed yet. */
  readonly leftMinor: number;
}

/** What to do about a recovery. `wait`: a payout that states the booking may still move its money. */
export type RecoveryPlan =
  | { readonly kind: 'reverse'; readonly payoutId: string; readonly amountMinor: number }
  | { readonly kind: 'carry'; readonly reason: string }
  | { readonly kind: 'wait' };

/** What a fact has to be recovered. A dispute is looked at once it is lost: until then the balance withholds it. */
export function recoveriesOf(fact: MovedMoney): Recovery[] {
  const isBack = fact.kind === 'refunded' || fact.kind === 'dispute_lost';
  const amountMinor = fact.amountMinor - fact.commissionMinor;
  if (!isBack || !fact.isEarned || amountMinor <= 0) return [];
  const { providerId, currency, bookingId } = fact;
  return [
    {
      id: `recovery:${fact.eventId}`,
      state: 'open',
      providerId,
      currency,
      bookingId,
      amountMinor,
      payoutId: null,
      reversedMinor: 0,
      reason: null,
      createdAtMs: fact.atMs,
      settledAtMs: null,
    },
  ];
}

/**
 * How a recovery goes on. What payouts have moved for the booking, less what it has earned by now, is too much; what a
 * payout netted or a reversal brought back is not in it any more, so that nothing is taken twice.
 */
export function planRecovery(recovery: Recovery, lines: readonly StatedLine[]): RecoveryPlan {
  const payouts = lines.flatMap(({ payout }) => (payout === null ? [] : [payout]));
  if (payouts.some(({ state }) => LIVE_PAYOUT_STATES.has(state))) return { kind: 'wait' };
  const movedMinor = sumOf(lines.filter(({ payout }) => payout?.state === 'completed'));
  const amountMinor = Math.min(recovery.amountMinor, movedMinor, movedMinor - sumOf(lines));
  if (amountMinor <= 0) return { kind: 'carry', reason: 'not_transferred' };
  const [payout] = payouts
    .filter(({ state, method }) => state === 'completed' && method === 'processor')
    .toSorted((a, b) => b.leftMinor - a.leftMinor);
  if (payout === undefined) return { kind: 'carry', reason: 'paid_by_bank' };
  if (payout.leftMinor === 0) return { kind: 'carry', reason: 'nothing_left' };
  return {
    kind: 'reverse',
    payoutId: payout.id,
    amountMinor: Math.min(amountMinor, payout.leftMinor),
  };
}

/** The recovery after an event. An event that its state refuses is a broken invariant of the caller. */
export function movedRecovery(
  recovery: Recovery,
  event: RecoveryEvent,
  change: Partial<Pick<Recovery, 'payoutId' | 'reversedMinor' | 'reason' | 'settledAtMs'>>,
): Recovery {
  const outcome = step(RECOVERY_MACHINE, recovery.state, event);
  invariant(outcome.ok, `a recovery that is ${recovery.state} cannot ${event}`);
  return { ...recovery, ...change, state: outcome.to };
}

function sumOf(lines: readonly StatedLine[]): number {
  return lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
}
