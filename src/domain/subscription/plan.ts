/**
 * Plans as data: one immutable version of what is sold, at what price, for how long, and how a payment that fails is
 * handled. Code asks for a feature's value and never for a plan: a new tier is a new row.
 */
import type { Json } from '../result.ts';

/** How long one period is; counted in the calendar of the subscription's zone. */
export interface Interval {
  readonly unit: 'day' | 'week' | 'month' | 'year';
  readonly count: number;
}

/** When a change of plan takes effect: at once with proration, or when the paid period ends. */
export type ChangeTime = 'now' | 'period_end';

/** A change of plan, case by case. */
export interface ChangePolicy {
  readonly upgrade: ChangeTime;
  readonly downgrade: ChangeTime;
  /** While the trial runs. */
  readonly trial: ChangeTime;
}

/** The terms of one version of a plan. Amounts in minor units, spans in days of 24 hours from the due instant. */
export interface PlanTerms {
  readonly planId: string;
  readonly version: number;
  /** Of the plans of one group a member has one subscription. */
  readonly group: string;
  readonly name: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly interval: Interval;
  readonly trialDays: number;
  /** Whether a trial begins only with a payment method. */
  readonly trialNeedsMethod: boolean;
  /** What becomes of a trial that ends without a payment method. */
  readonly trialEnd: 'cancel' | 'pause';
  /** How long access outlives a period that is not paid. */
  readonly graceDays: number;
  /** Days after the due instant on which a failed charge is tried again, ascending. */
  readonly dunningDays: readonly number[];
  /** When a subscription that stays unpaid is cancelled; not before the grace and the last try are over. */
  readonly cancelAfterDays: number;
  readonly changePolicy: ChangePolicy;
  /** What an immediate cancellation gives back of the running period. */
  readonly cancelRefund: 'none' | 'prorated';
  readonly tax: { readonly rateBps: number; readonly inclusive: boolean };
  readonly entitlements: Features;
}

/** Feature code to value. Absent: the plan says nothing about it; null: unlimited. */
export type Features = { readonly [feature: string]: Json };
