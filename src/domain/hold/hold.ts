/** The shape of a hold, its price and the rules that decide whether it may be placed. */
import type { BookingApproval } from '../booking/booking.ts';
import { TRANSIENT_CODES } from '../codes.ts';
import type { CancellationRung, ServiceCard, Slot, TaxRule } from '../inventory/cards.ts';
import type { LocalDate } from '../local-date.ts';
import type { Refusal } from '../result.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS, type EpochMs } from '../time.ts';
import type { HoldState } from './hold-machine.ts';
import type { CouponTerms } from './coupon-terms.ts';
import type { HeldGrant, HoldQuota, QuotaTerms } from './quota.ts';

/** How long a claim outlives its deadline while a processor is asked about an open payment. */
export const CLOSING_GRACE_MS = 60 * SECOND_MS;

/** One slot of a hold with the price and policy that were agreed; a later change of the service does not touch it. */
export interface HoldItem {
  readonly slotId: string;
  readonly serviceId: string;
  readonly label: string;
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  /** The part of the slot's capacity that it was sold from; null where the slot has no fares. */
  readonly fareId: string | null;
  /** For the whole quantity, in minor units, with everything that is taken off or added, tax included. */
  readonly priceMinor: number;
  /** How much of the price is tax, and by which rule. */
  readonly taxMinor: number;
  readonly tax: TaxRule | null;
  /** The provider has yet to name its price; until then it is nothing. */
  readonly awaitsQuote: boolean;
  readonly policy: readonly CancellationRung[];
  /** What is kept of its price when nobody comes, in minor units; null for all of it. */
  readonly noShowFeeMinor: number | null;
  readonly commissionBps: number;
  /** Since when it is no longer part of its booking, which goes on without it; null while it stands. */
  readonly cancelled: CancelledItem | null;
  /** What was assigned. */
  readonly resourceIds: readonly string[];
  readonly units: readonly string[];
}

/** A slot that was cancelled by itself, and what of its price was kept, in minor units. */
export interface CancelledItem {
  readonly atMs: EpochMs;
  readonly keptMinor: number;
}

export interface QuoteLine {
  readonly kind: string;
  readonly label: string;
  readonly amount: number;
}

/** What is due: lines in minor units that add up to the total. */
export interface Quote {
  readonly totalMinor: number;
  readonly currency: string;
  readonly lines: readonly QuoteLine[];
}

export interface Hold {
  readonly id: string;
  readonly state: HoldState;
  readonly callerId: string;
  /** Where a guest's hold came from, as a keyed hash; kept only while it counts against the budget of that place. */
  readonly originKey?: string;
  /** The entry of a waiting line whose offer it is; null for a hold that somebody asked for. */
  readonly entryId: string | null;
  readonly quantity: number;
  /** The units that the customer named; null when none were. */
  readonly units: readonly string[] | null;
  /** The fare that the customer named; null when none was. */
  readonly fareId: string | null;
  readonly items: readonly HoldItem[];
  readonly quote: Quote;
  readonly ttlMs: number;
  readonly createdAtMs: EpochMs;
  /** The deadline; past it, a closing hold has CLOSING_GRACE_MS left. */
  readonly expiresAtMs: EpochMs;
  /** The deadline moves once, when a payment waits for the payer. */
  readonly isExtended: boolean;
  readonly bookingId: string | null;
  /** What its booking has to be asked of the provider. */
  readonly approval: 'none' | BookingApproval['kind'];
  /** It was committed and all its claims have ended: memory has forgotten them, because they keep nobody out any more. */
  readonly isOver: boolean;
  /** What it took of its holder's counted limits; null where nothing is counted. */
  readonly quota: HoldQuota | null;
  /** The use of a coupon that it was priced with; null for none. */
  readonly coupon: HoldCoupon | null;
}

/** One use of a coupon: kept by a booking, given back when the hold ends without one. */
export interface HoldCoupon extends HeldGrant {
  readonly couponId: string;
  readonly code: string;
  /** What it takes off, for slots that the booking is moved to. */
  readonly terms: CouponTerms;
}

/** What the holder's plan changes about the rules of a service. */
export interface PlanBenefits {
  /** Replaces the booking window; null leaves it as it is. */
  readonly windowDays: number | 'unlimited' | null;
  /** How long before the sale; null for any time before. */
  readonly earlyAccessMinutes: number | null;
  /** Categories of members' services that are open; null for all. */
  readonly categories: readonly string[] | null;
  readonly discountBps: number;
}

/** What the holder's membership says of this hold. */
export interface HoldAccess {
  readonly isMember: boolean;
  readonly planId: string | null;
  readonly benefits: PlanBenefits | null;
  readonly grant: QuotaTerms | null;
  /** A limit of the plan that forbids the hold. */
  readonly refusal: Refusal | null;
}

/** Somebody without a plan. */
export const NO_ACCESS: HoldAccess = {
  isMember: false,
  planId: null,
  benefits: null,
  grant: null,
  refusal: null,
};

/** Everything that the rules of a hold look at, apart from whether the slots are free. */
export interface HoldFacts {
  readonly nowMs: EpochMs;
  readonly quantity: number;
  readonly access: HoldAccess;
  readonly lines: readonly { readonly service: ServiceCard; readonly slot: Slot }[];
  /** Live units of this customer per service id, before this hold. */
  readonly liveUnits: (serviceId: string) => number;
  /** The venue's date at an instant. */
  readonly dateOf: (service: ServiceCard, atMs: EpochMs) => LocalDate;
  /** Units that this customer has of a service on the date of a slot, before this hold; those that are over count. */
  readonly unitsOnDateOf: (line: { readonly service: ServiceCard; readonly slot: Slot }) => number;
}

/** Who may book, how much, and from when: these refusals stand before any look at what was asked. */
export function accessRefusal(facts: HoldFacts): Refusal | null {
  return (
    firstRefusal(facts, [membershipRefusal]) ??
    limitRefusal(facts.access) ??
    guestRefusal(facts) ??
    firstRefusal(facts, [overageRefusal, saleRefusal])
  );
}

/** A limit of the plan that is used up for this period. */
export function limitRefusal({ refusal }: HoldAccess): Refusal | null {
  return refusal === null || TRANSIENT_CODES.has(refusal.code) ? null : refusal;
}

/** A limit of the plan that stands in the way for the moment; of low precedence, like all that says "not now". */
export function momentaryRefusal({ refusal }: HoldAccess): Refusal | null {
  return refusal !== null && TRANSIENT_CODES.has(refusal.code) ? refusal : null;
}

/** A grant is refused once its time is over, because whoever gave it may then ask what became of it. */
export function grantRefusal({ access: { grant }, nowMs }: HoldFacts): Refusal | null {
  if (grant === null || nowMs < grant.validUntilMs) return null;
  return {
    code: 'overloaded',
    detail: 'The call took too long on its way; try again.',
    extra: { retryAfterSeconds: 1 },
  };
}

/** People beyond the holder that a slot counts for: only members' services count them. */
export function guestsOf(service: ServiceCard, quantity: number): number {
  return service.access === 'open' ? 0 : quantity - 1;
}

/** More at a time than the service sells. */
export function quantityRefusal(facts: HoldFacts): Refusal | null {
  return firstRefusal(facts, [tooManyRefusal]);
}

/** Refusals that stand after `slot_unavailable`; the first that applies, or null. */
export function refusalAfterClaim(facts: HoldFacts): Refusal | null {
  return firstRefusal(facts, [
    pastRefusal,
    noticeRefusal,
    windowRefusal,
    customerRefusal,
    dayRefusal,
  ]);
}

/** More than one customer may have; null where the hold keeps within it. */
export function customerLimitRefusal(facts: HoldFacts): Refusal | null {
  return firstRefusal(facts, [customerRefusal, dayRefusal]);
}

/** The shortest time to live of the services that a hold combines, in milliseconds. */
export function holdTtlMs(lines: HoldFacts['lines']): number {
  return Math.min(...lines.map(({ service }) => service.holdTtlSeconds)) * SECOND_MS;
}

type Line = HoldFacts['lines'][number];
type Rule = (facts: HoldFacts, line: Line) => Refusal | null;

function firstRefusal(facts: HoldFacts, rules: readonly Rule[]): Refusal | null {
  for (const rule of rules) {
    for (const line of facts.lines) {
      const refusal = rule(facts, line);
      if (refusal !== null) return refusal;
    }
  }
  return null;
}

function membershipRefusal({ access }: HoldFacts, { service }: Line): Refusal | null {
  if (service.access === 'open') return null;
  const { isMember, planId, benefits } = access;
  const planFits =
    service.planIds.length === 0 || (planId !== null && service.planIds.includes(planId));
  const categoryFits = benefits?.categories?.includes(service.category) ?? true;
  if (isMember && planFits && categoryFits) return null;
  return {
    code: 'subscription_required',
    detail: `${service.name} is for subscribers.`,
    extra: { planIds: service.planIds, category: service.category },
  };
}

function guestRefusal({ access: { grant }, lines, quantity }: HoldFacts): Refusal | null {
  if (grant === null || !grant.countsGuests) return null;
  const wanted = lines.reduce((total, { service }) => total + guestsOf(service, quantity), 0);
  if (wanted <= grant.uses.guestPasses) return null;
  return {
    code: 'quota_exhausted',
    detail: 'The plan has no guest passes left for so many people.',
    extra: { feature: 'guestPasses.perPeriod', wanted, left: grant.uses.guestPasses },
  };
}

/** What lies beyond the limit is paid in the plan's currency, or not at all. */
function overageRefusal({ access: { grant } }: HoldFacts, line: Line): Refusal | null {
  const price = grant?.overagePrice ?? null;
  if (grant === null || grant.uses.overage === 0 || price === null || price.amount === 0)
    return null;
  if (price.currency === (line.slot.price ?? line.service.price).currency) return null;
  return {
    code: 'quota_exhausted',
    detail: `The plan allows no more in this period, and ${line.service.name} is sold in another currency.`,
    extra: { feature: 'bookings.perPeriod' },
  };
}

function saleRefusal(facts: HoldFacts, { service }: Line): Refusal | null {
  const { benefits } = facts.access;
  if (service.saleStartsAtMs === null) return null;
  const early = benefits === null ? 0 : benefits.earlyAccessMinutes;
  if (early === null || service.saleStartsAtMs - early * MINUTE_MS <= facts.nowMs) return null;
  return { code: 'sale_not_open', detail: `${service.name} is not on sale yet.` };
}

function tooManyRefusal(facts: HoldFacts, { service }: Line): Refusal | null {
  if (facts.quantity <= service.maxQuantity) return null;
  return {
    code: 'quantity_limit_exceeded',
    detail: `${service.name} sells at most ${service.maxQuantity} at a time.`,
    extra: { maxQuantity: service.maxQuantity },
  };
}

function pastRefusal(facts: HoldFacts, { slot }: Line): Refusal | null {
  if (slot.startAtMs > facts.nowMs) return null;
  return { code: 'slot_past', detail: 'The slot has started.', extra: { slotId: slot.id } };
}

function noticeRefusal(facts: HoldFacts, { service, slot }: Line): Refusal | null {
  if (slot.startAtMs - facts.nowMs >= service.minimumNoticeMinutes * MINUTE_MS) return null;
  return {
    code: 'notice_too_short',
    detail: `${service.name} needs ${service.minimumNoticeMinutes} minutes of notice.`,
    extra: { slotId: slot.id, minimumNoticeMinutes: service.minimumNoticeMinutes },
  };
}

function windowRefusal({ access, nowMs }: HoldFacts, { service, slot }: Line): Refusal | null {
  const bookingWindowDays = access.benefits?.windowDays ?? service.bookingWindowDays;
  if (bookingWindowDays === 'unlimited') return null;
  if (slot.startAtMs - nowMs <= bookingWindowDays * DAY_MS) return null;
  return {
    code: 'outside_booking_window',
    detail: `${service.name} can be booked ${bookingWindowDays} days ahead.`,
    extra: { slotId: slot.id, bookingWindowDays },
  };
}

function customerRefusal(facts: HoldFacts, { service }: Line): Refusal | null {
  if (service.maxPerCustomer === null) return null;
  const inThisHold = facts.lines.filter((line) => line.service.id === service.id).length;
  const wanted = facts.liveUnits(service.id) + inThisHold * facts.quantity;
  if (wanted <= service.maxPerCustomer) return null;
  return {
    code: 'customer_limit_reached',
    detail: `A customer may have ${service.maxPerCustomer} of ${service.name}.`,
    extra: { maxPerCustomer: service.maxPerCustomer },
  };
}

function dayRefusal(facts: HoldFacts, line: Line): Refusal | null {
  const { service, slot } = line;
  const most = service.maxPerCustomerPerDay;
  if (most === null) return null;
  const date = facts.dateOf(service, slot.startAtMs);
  const inThisHold = facts.lines.filter(
    (other) =>
      other.service.id === service.id && facts.dateOf(service, other.slot.startAtMs) === date,
  ).length;
  if (facts.unitsOnDateOf(line) + inThisHold * facts.quantity <= most) return null;
  return {
    code: 'customer_limit_reached',
    detail: `A customer may have ${most} of ${service.name} on one day.`,
    extra: { maxPerCustomerPerDay: most, date },
  };
}
