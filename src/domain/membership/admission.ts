/**
 * May this member hold, by which plan, and how much of its counted limits does that take? Pure: it sees what each plan
 * has used and decides; the use cases of Membership reserve. It knows features, never plans.
 */
import type { QuotaUses } from '../hold/quota.ts';
import { money, type Money } from '../money.ts';
import type { Features } from '../subscription/plan.ts';
import type { EpochMs } from '../time.ts';
import { integerOf, listOf, type Feature } from './features.ts';
import type { Ask, Granted } from './reservation.ts';

/** One subscription's rights, as far as they are decided by. */
export interface MemberPlan {
  readonly group: string;
  readonly planId: string | null;
  readonly features: Features;
  /** The currency of `overage.price`. */
  readonly currency: string;
  readonly periodStartMs: EpochMs;
  readonly periodEndMs: EpochMs;
  readonly validUntilMs: EpochMs;
}

/** What a plan has used: in the period that counts now, and live holds. */
export interface Standing {
  readonly used: QuotaUses;
  readonly live: number;
}

/** A limit that forbids the hold. */
export type Shortage =
  | {
      readonly code: 'quota_exhausted';
      readonly feature: Feature;
      readonly limit: number;
      readonly used: number;
    }
  | { readonly code: 'hold_limit_reached'; readonly limit: number };

/** A plan allows the hold. */
export interface Allowed<P extends MemberPlan> extends Granted {
  readonly kind: 'allowed';
  readonly plan: P;
  /** Something of it is counted, so that it has to be reserved. */
  readonly isCounted: boolean;
  /** The shard has to know of the grant: to count, or because the plan pays for slots. */
  readonly isGranted: boolean;
  /** A used-up limit gave less than was wanted. */
  readonly isShort: boolean;
}

/** none: no plan runs. measure: a plan counts minutes, and nobody has measured the slots. */
export type Admission<P extends MemberPlan> =
  | { readonly kind: 'none' }
  | { readonly kind: 'measure' }
  | { readonly kind: 'refused'; readonly plan: P; readonly shortage: Shortage }
  | Allowed<P>;

/** The feature that opens members' services. */
const MEMBERS_ACCESS: Feature = 'access.members';

/** True while a plan grants anything. */
export function isRunning(plan: MemberPlan, nowMs: EpochMs): boolean {
  return plan.planId !== null && plan.validUntilMs > nowMs;
}

/** True when members' services are open. */
export function opensMembersServices({ features }: MemberPlan): boolean {
  return features[MEMBERS_ACCESS] === true;
}

/** The start of the period that counts: the paid one, and once it is over the next. */
export function countedPeriodStartMs(plan: MemberPlan, nowMs: EpochMs): EpochMs {
  return nowMs < plan.periodEndMs ? plan.periodStartMs : plan.periodEndMs;
}

/** What a plan changes about a hold, beside its counted limits. */
export function benefitsOf({ features }: MemberPlan) {
  const early = integerOf(features, 'earlyAccess.minutes');
  const discount = integerOf(features, 'price.discountBps');
  return {
    windowDays: integerOf(features, 'window.days'),
    earlyAccessMinutes: early === 'unlimited' ? null : (early ?? 0),
    categories: listOf(features, 'categories'),
    discountBps: typeof discount === 'number' ? discount : 0,
  };
}

/**
 * The first running plan that allows the hold; those that open members' services come before those that do not, because
 * nobody here knows what the slots are of. If all refuse, the first refusal.
 */
export function admission<P extends MemberPlan>(
  plans: Iterable<P>,
  asked: { readonly ask: Ask; readonly nowMs: EpochMs },
  standingOf: (plan: P) => Standing,
): Admission<P> {
  let refused: Admission<P> | null = null;
  for (const plan of inOrder(plans, asked.nowMs)) {
    const weighed = weigh(plan, asked.ask, standingOf(plan));
    if (weighed.kind !== 'refused') return weighed;
    refused ??= weighed;
  }
  return refused ?? { kind: 'none' };
}

/** The running plan that is asked first; null where none runs. */
export function firstRunning<P extends MemberPlan>(plans: Iterable<P>, nowMs: EpochMs): P | null {
  return inOrder(plans, nowMs)[0] ?? null;
}

function inOrder<P extends MemberPlan>(plans: Iterable<P>, nowMs: EpochMs): P[] {
  const running = [...plans].filter((plan) => isRunning(plan, nowMs));
  if (running.length < 2) return running;
  const rank = (plan: P): number => (opensMembersServices(plan) ? 0 : 1);
  return running.toSorted((a, b) => rank(a) - rank(b) || (a.group < b.group ? -1 : 1));
}

/** Refusals in their order: bookings, minutes, live holds. */
function weigh<P extends MemberPlan>(plan: P, ask: Ask, { used, live }: Standing): Admission<P> {
  const limits = limitsOf(plan.features);
  const within = fitting(limits.bookings, used.bookings, ask.slots);
  const overage = ask.slots - within;
  const overagePrice = overage === 0 ? null : overagePriceOf(plan);
  if (overage > 0 && overagePrice === null) {
    return exhausted(plan, 'bookings.perPeriod', used.bookings);
  }
  if (limits.minutes !== null) {
    if (ask.minutes === null) return { kind: 'measure' };
    if (used.minutes + ask.minutes > limits.minutes) {
      return exhausted(plan, 'minutes.perPeriod', used.minutes);
    }
  }
  if (limits.holds !== null && live >= limits.holds) {
    const shortage = { code: 'hold_limit_reached', limit: limits.holds } as const;
    return { kind: 'refused', plan, shortage };
  }
  const included = limits.paysForSlots ? fitting(limits.included, used.included, ask.slots) : 0;
  const countsGuests = limits.guests !== null;
  const guestPasses = countsGuests ? fitting(limits.guests, used.guestPasses, ask.guests) : 0;
  const isCounted =
    limits.bookings !== null ||
    limits.minutes !== null ||
    limits.holds !== null ||
    (limits.included !== null && included > 0) ||
    guestPasses > 0;
  return {
    kind: 'allowed',
    plan,
    uses: { bookings: within, minutes: ask.minutes ?? 0, included, overage, guestPasses },
    countsGuests,
    overagePrice,
    isCounted,
    isGranted: isCounted || included > 0 || countsGuests,
    isShort:
      overage > 0 ||
      (limits.included !== null && included < ask.slots && used.included > 0) ||
      (countsGuests && guestPasses < ask.guests && used.guestPasses > 0),
  };
}

/** The limits that are counted; null where there is none. */
function limitsOf(features: Features) {
  const limit = (feature: Feature): number | null => {
    const value = integerOf(features, feature);
    return typeof value === 'number' ? value : null;
  };
  return {
    bookings: limit('bookings.perPeriod'),
    minutes: limit('minutes.perPeriod'),
    holds: limit('holds.concurrent'),
    included: limit('bookings.included'),
    guests: limit('guestPasses.perPeriod'),
    paysForSlots: integerOf(features, 'bookings.included') !== null,
  };
}

/** How much of what is wanted is left; all of it where there is no limit. */
function fitting(limit: number | null, used: number, wanted: number): number {
  return limit === null ? wanted : Math.min(wanted, Math.max(0, limit - used));
}

function overagePriceOf({ features, currency }: MemberPlan): Money | null {
  const price = integerOf(features, 'overage.price');
  return typeof price === 'number' ? money(price, currency) : null;
}

function exhausted<P extends MemberPlan>(
  plan: P,
  feature: 'bookings.perPeriod' | 'minutes.perPeriod',
  used: number,
): Admission<P> {
  const limit = Number(plan.features[feature]);
  return { kind: 'refused', plan, shortage: { code: 'quota_exhausted', feature, limit, used } };
}
