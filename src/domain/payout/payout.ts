/**
 * A payout and what decides how much it is. Amounts are minor units. Pure; the instants come from the callers.
 * The amount of a payout never changes: one that no longer fits is called off, and another is made.
 */
import { invariant } from '../assert.ts';
import { step } from '../machine.ts';
import { CURRENCY_EXPONENTS, portion } from '../money.ts';
import type { EpochMs } from '../time.ts';
import { PAYOUT_MACHINE, type PayoutEvent, type PayoutState } from './payout-machine.ts';
import type { RecoveryMode } from './recovery.ts';
import type { PayoutInterval, Weekday } from './payout-schedule.ts';

/** processor: a transfer to the provider's account there. manual: an operator pays by bank, from the exported list. */
export const PAYOUT_METHODS = ['processor', 'manual'] as const;
export type PayoutMethod = (typeof PAYOUT_METHODS)[number];

export interface Payout {
  readonly id: string;
  readonly providerId: string;
  readonly currency: string;
  /** The day on which it was due, such as 2026-11-23. */
  readonly period: string;
  /** Which payout of the period it is; more than one only where those before were called off or failed. */
  readonly sequence: number;
  readonly method: PayoutMethod;
  readonly state: PayoutState;
  /** Why it failed, was called off or waits; null where there is nothing to say. */
  readonly reason: string | null;
  readonly amountMinor: number;
  /** What was owed and available when it was made; the amount and the reserve are parts of it. */
  readonly payableMinor: number;
  readonly reservedMinor: number;
  /** Earnings that were available by this instant are in it. */
  readonly availableUntilMs: EpochMs;
  /** The provider's account at the processor; null for a manual payout. */
  readonly accountRef: string | null;
  /** The processor's transfer, or what an operator wrote down of the bank's. */
  readonly transferRef: string | null;
  readonly reversedMinor: number;
  /** What should be reversed in all, while a reversal is under way; null otherwise. */
  readonly reversalTargetMinor: number | null;
  /** The operator's command that last asked for a reversal, so that a repeat of it asks for none. */
  readonly reversalKey: string | null;
  /** The recovery that the last reversal was for; null where an operator commanded it. */
  readonly recoveryId: string | null;
  /** Counts the keys of reversals; a new one only after a definite no. */
  readonly reversalSeq: number;
  /** Definite noes so far. */
  readonly tries: number;
  /** Counts the keys of transfers; a new one only after an answer that is stored under the old one. */
  readonly keySeq: number;
  /** How the last call ended where that settled nothing; null otherwise. */
  readonly lastReply: string | null;
  /** When it is looked at next; null when there is nothing to do. */
  readonly nextAttemptAtMs: EpochMs | null;
  /** Until then whoever made the last call is at work on it. */
  readonly leaseUntilMs: EpochMs;
  readonly createdAtMs: EpochMs;
  readonly settledAtMs: EpochMs | null;
  readonly version: number;
}

/** How a provider is paid out. */
export interface PayoutSettings {
  /** Never changed by what a provider has or lacks at the processor: money must not go both ways. */
  readonly method: PayoutMethod;
  /** Days from the end of a service until its earnings may be paid out. */
  readonly escrowDays: number;
  readonly interval: PayoutInterval;
  /** In UTC; of weekly payouts. */
  readonly weekday: Weekday;
  /** Smallest payout by currency; what is less is carried to the next. */
  readonly minimumsMinor: { readonly [currency: string]: number };
  /** The part of what is owed that stays behind for refunds and disputes, until the next payout. */
  readonly reserveBps: number;
  /** What becomes of a refund or lost dispute whose money was transferred already. */
  readonly recovery: RecoveryMode;
}

/** What is a coin in a currency without a smaller unit, such as 100 yen. */
const WHOLE_UNITS_MIN = 100;

/**
 * The smallest payout where nothing else is set: one unit of the currency, or a hundred where it has no smaller one. Any
 * booking's earnings are above it, because a transfer itself costs nothing; what is less is dust that only fills statements.
 */
export function minimumMinorOf(currency: string): number {
  const decimals = CURRENCY_EXPONENTS[currency] ?? 2;
  return decimals === 0 ? WHOLE_UNITS_MIN : 10 ** decimals;
}

/** A week covers most objections to a service that was not what was sold. */
export const PAYOUT_SETTINGS_DEFAULT: PayoutSettings = {
  method: 'processor',
  escrowDays: 7,
  interval: 'week',
  weekday: 'monday',
  minimumsMinor: {},
  reserveBps: 0,
  // Whoever was paid for what did not take place gives it back from what they were paid, not from the next customer's.
  recovery: 'reverse',
};

/** What comes of an amount owed: a payout, or why there is none. */
export type PayoutShare =
  | { readonly kind: 'pay'; readonly amountMinor: number; readonly reservedMinor: number }
  | { readonly kind: 'nothing' | 'negative' | 'below_minimum' };

/** Splits what is owed into the payout and the reserve. A negative balance is carried, never collected. */
export function shareOf(
  payableMinor: number,
  settings: PayoutSettings,
  currency: string,
): PayoutShare {
  if (payableMinor === 0) return { kind: 'nothing' };
  if (payableMinor < 0) return { kind: 'negative' };
  const reservedMinor = portion(payableMinor, settings.reserveBps);
  const amountMinor = payableMinor - reservedMinor;
  const minimumMinor = settings.minimumsMinor[currency] ?? minimumMinorOf(currency);
  // A minimum of nothing still leaves a transfer of nothing out.
  if (amountMinor < Math.max(minimumMinor, 1)) return { kind: 'below_minimum' };
  return { kind: 'pay', amountMinor, reservedMinor };
}

/** The payout after an event, one version on. An event that its state refuses is a broken invariant of the caller. */
export function moved(
  payout: Payout,
  event: PayoutEvent,
  change: Partial<Omit<Payout, 'id' | 'state' | 'version' | 'amountMinor'>>,
): Payout {
  const outcome = step(PAYOUT_MACHINE, payout.state, event);
  invariant(outcome.ok, `a payout that is ${payout.state} cannot ${event}`);
  return { ...payout, ...change, state: outcome.to, version: payout.version + 1 };
}

/** The payout with something noted on it and its state as it was. */
export function noted(
  payout: Payout,
  change: Partial<Omit<Payout, 'id' | 'state' | 'version' | 'amountMinor'>>,
): Payout {
  return { ...payout, ...change, version: payout.version + 1 };
}
