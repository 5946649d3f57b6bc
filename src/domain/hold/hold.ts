/** The shape of a hold, its price and the rules that decide whether it may be placed. */
import type { CancellationRung, ServiceCard, Slot } from '../inventory/cards.ts';
import type { Refusal } from '../result.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS, type EpochMs } from '../time.ts';
import type { HoldState } from './hold-machine.ts';

/** How long a claim outlives its deadline while a processor is asked about an open payment. */
export const CLOSING_GRACE_MS = 60 * SECOND_MS;

/** One slot of a hold with the price and policy that were agreed; a later change of the service does not touch it. */
export interface HoldItem {
  readonly slotId: string;
  readonly serviceId: string;
  readonly label: string;
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  /** For the whole quantity, in minor units. */
  readonly priceMinor: number;
  readonly policy: readonly CancellationRung[];
  readonly commissionBps: number;
  /** What was assigned. */
  readonly resourceIds: readonly string[];
  readonly units: readonly string[];
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
  readonly quantity: number;
  /** The units that the customer named; null when none were. */
  readonly units: readonly string[] | null;
  readonly items: readonly HoldItem[];
  readonly quote: Quote;
  readonly ttlMs: number;
  readonly createdAtMs: EpochMs;
  /** The deadline; past it, a closing hold has CLOSING_GRACE_MS left. */
  readonly expiresAtMs: EpochMs;
  /** The deadline moves once, when a payment waits for the payer. */
  readonly isExtended: boolean;
  readonly bookingId: string | null;
}

/** Everything that the rules of a hold look at, apart from whether the slots are free. */
export interface HoldFacts {
  readonly nowMs: EpochMs;
  readonly quantity: number;
  readonly isMember: boolean;
  readonly planId: string | null;
  readonly lines: readonly { readonly service: ServiceCard; readonly slot: Slot }[];
  /** Live units of this customer per service id, before this hold. */
  readonly liveUnits: (serviceId: string) => number;
}

/** Who may book, and from when: these refusals stand before any look at what was asked. */
export function accessRefusal(facts: HoldFacts): Refusal | null {
  return firstRefusal(facts, [membershipRefusal, saleRefusal]);
}

/** More at a time than the service sells. */
export function quantityRefusal(facts: HoldFacts): Refusal | null {
  return firstRefusal(facts, [tooManyRefusal]);
}

/** Refusals that stand after `slot_unavailable`; the first that applies, or null. */
export function refusalAfterClaim(facts: HoldFacts): Refusal | null {
  return firstRefusal(facts, [pastRefusal, noticeRefusal, windowRefusal, customerRefusal]);
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

function membershipRefusal(facts: HoldFacts, { service }: Line): Refusal | null {
  if (service.access === 'open') return null;
  const planFits =
    service.planIds.length === 0 ||
    (facts.planId !== null && service.planIds.includes(facts.planId));
  if (facts.isMember && planFits) return null;
  return {
    code: 'subscription_required',
    detail: `${service.name} is for subscribers.`,
    extra: { planIds: service.planIds },
  };
}

function saleRefusal(facts: HoldFacts, { service }: Line): Refusal | null {
  if (service.saleStartsAtMs === null || service.saleStartsAtMs <= facts.nowMs) return null;
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

function windowRefusal(facts: HoldFacts, { service, slot }: Line): Refusal | null {
  if (slot.startAtMs - facts.nowMs <= service.bookingWindowDays * DAY_MS) return null;
  return {
    code: 'outside_booking_window',
    detail: `${service.name} can be booked ${service.bookingWindowDays} days ahead.`,
    extra: { slotId: slot.id, bookingWindowDays: service.bookingWindowDays },
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
