/**
 * What a hold takes of its holder's counted limits, slot by slot, and what becomes of it.
 * The shard keeps it with the hold; the member's own object counts it. Called by the commands of holds and bookings.
 */
import type { Machine } from '../machine.ts';
import type { Money } from '../money.ts';
import { MINUTE_MS, type EpochMs } from '../time.ts';

/** How much of each counted limit. */
export interface QuotaUses {
  readonly bookings: number;
  readonly minutes: number;
  /** Slots that the plan pays for. */
  readonly included: number;
  /** Slots beyond the limit, each at the price of the plan. */
  readonly overage: number;
  /** People beyond the member. */
  readonly guestPasses: number;
}

/** The most that a hold may take, until when it may, and at what price. */
export interface QuotaTerms {
  readonly id: string;
  readonly memberId: string;
  readonly validUntilMs: EpochMs;
  readonly uses: QuotaUses;
  /** False where guest passes are not counted. */
  readonly countsGuests: boolean;
  /** What each slot beyond the limit costs; null where there is none. */
  readonly overagePrice: Money | null;
}

export const NO_USES: QuotaUses = {
  bookings: 0,
  minutes: 0,
  included: 0,
  overage: 0,
  guestPasses: 0,
};

export const QUOTA_STATES = ['held', 'kept', 'returned'] as const;
export type QuotaState = (typeof QUOTA_STATES)[number];

/** keep: a booking has taken the hold. give_back: it ended without one, or its booking gave it back. */
export const QUOTA_EVENTS = ['keep', 'give_back'] as const;
export type QuotaEvent = (typeof QUOTA_EVENTS)[number];

export const QUOTA_MACHINE = {
  held: { keep: { to: 'kept' }, give_back: { to: 'returned' } },
  kept: { keep: { to: 'kept' }, give_back: { to: 'returned' } },
  returned: { keep: { refuse: 'invalid_transition' }, give_back: { to: 'returned' } },
} as const satisfies Machine<QuotaState, QuotaEvent>;

/** Something that was granted to a hold, and what became of it. */
export interface HeldGrant {
  /** The reservation at the object that gave it. */
  readonly grantId: string;
  /** Whose object gave it: a member's, or a promotion's. */
  readonly memberId: string;
  readonly state: QuotaState;
}

/** What a hold took. */
export interface HoldQuota extends HeldGrant {
  /** One per slot, in the order of the hold, so that a cancellation can give back slot by slot. */
  readonly shares: readonly QuotaUses[];
}

/** What the slots took together. */
export function totalUses(shares: readonly QuotaUses[]): QuotaUses {
  return shares.reduce(
    (total, share) => ({
      bookings: total.bookings + share.bookings,
      minutes: total.minutes + share.minutes,
      included: total.included + share.included,
      overage: total.overage + share.overage,
      guestPasses: total.guestPasses + share.guestPasses,
    }),
    NO_USES,
  );
}

/** The minutes that a slot counts for; a minute that was begun counts whole. */
export function minutesOf(slot: { startAtMs: EpochMs; endAtMs: EpochMs }): number {
  return Math.ceil((slot.endAtMs - slot.startAtMs) / MINUTE_MS);
}

/** A slot of a hold, as its share is worked out. */
export interface SharedSlot {
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  readonly isIncluded: boolean;
  readonly isOverage: boolean;
  /** People beyond the member, where they are counted. */
  readonly guests: number;
}

/** Each slot's share of what was granted: never more than the grant, together. */
export function sharesOf(granted: QuotaUses, slots: readonly SharedSlot[]): QuotaUses[] {
  return slots.map((slot, index) => ({
    bookings: index < granted.bookings ? 1 : 0,
    minutes: granted.minutes > 0 ? minutesOf(slot) : 0,
    included: slot.isIncluded ? 1 : 0,
    overage: slot.isOverage ? 1 : 0,
    guestPasses: slot.guests,
  }));
}

/** What became of a grant, as whoever gave it is told; the use of a coupon has nothing to count. */
export function outcomeOf({ grantId, state, shares = [] }: HeldGrant & Partial<HoldQuota>): {
  grantId: string;
  state: QuotaState;
  uses: QuotaUses;
} {
  return { grantId, state, uses: state === 'returned' ? NO_USES : totalUses(shares) };
}
