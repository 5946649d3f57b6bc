/**
 * A reservation of a member's counted limits for one hold: how it is made, met again by a repeat of the call, settled by
 * what the shard tells, counted, and forgotten. Pure; nothing here knows the time or asks anybody. Called by the use
 * cases of Membership.
 */
import {
  begunAgain,
  begunAt,
  isKeyKnown,
  isUnsettled,
  lifeAfter,
  type GrantLife,
  type OutcomeState,
} from '../grant/grant-life.ts';
import { NO_USES, type QuotaUses } from '../hold/quota.ts';
import type { Money } from '../money.ts';
import type { EpochMs } from '../time.ts';
import { COUNTING_STATES, type ReservationState } from './reservation-machine.ts';

/** What a call wants to hold, as far as limits count it. */
export interface Ask {
  readonly shardKey: string;
  readonly slots: number;
  /** People beyond the first, over all slots. */
  readonly guests: number;
  /** Null while nobody has measured the slots. */
  readonly minutes: number | null;
}

/** What was granted for the call. */
export interface Granted {
  readonly uses: QuotaUses;
  readonly countsGuests: boolean;
  readonly overagePrice: Money | null;
}

export interface Reservation extends Granted, GrantLife {
  /** The name that the shard knows the grant by; never given twice. */
  readonly id: string;
  /** hash(caller, key) of the call. */
  readonly callId: string;
  readonly group: string;
  readonly periodStartMs: EpochMs;
  readonly ask: Ask;
}

/** What a shard says of a grant. */
export interface Outcome {
  readonly state: OutcomeState;
  readonly uses: QuotaUses | null;
}

/** A new reservation. */
export function newReservation(
  made: Granted & Pick<Reservation, 'id' | 'callId' | 'group' | 'periodStartMs' | 'ask'>,
  nowMs: EpochMs,
): Reservation {
  return { ...made, ...begunAt(nowMs) };
}

/** A reservation that had come back, made again for the same call. */
export function reserveAgain(
  before: Reservation,
  made: Granted & Pick<Reservation, 'group' | 'periodStartMs' | 'ask'>,
  nowMs: EpochMs,
): Reservation {
  return { ...before, ...made, ...begunAgain(before, nowMs) };
}

/**
 * True when a repeat of a call may be given this reservation again. Another request under the key must not be: it
 * might take more than was counted. Nor may a call that comes after its key was forgotten, because it is a new one.
 */
export function covers(reservation: Reservation, ask: Ask, nowMs: EpochMs): boolean {
  const { ask: first } = reservation;
  return (
    isKeyKnown(reservation, nowMs) &&
    first.shardKey === ask.shardKey &&
    first.slots === ask.slots &&
    first.guests === ask.guests &&
    (ask.minutes === null || first.minutes === ask.minutes)
  );
}

/** What a shard told, applied; the same reservation when it changes nothing. */
export function settled(
  reservation: Reservation,
  outcome: Outcome,
  times: { readonly askedAtMs: EpochMs; readonly nowMs: EpochMs },
): Reservation {
  const after = lifeAfter(reservation, outcome.state, times);
  if (after === null) return reservation;
  const { state, dueAtMs } = after;
  // An outcome that came late says nothing of what the reservation has become since.
  const isStale = outcome.state !== 'unknown' && state !== outcome.state;
  const uses = isStale ? reservation.uses : usesAfter(reservation, state, outcome);
  const isSame =
    state === reservation.state &&
    dueAtMs === reservation.dueAtMs &&
    isSameUses(uses, reservation.uses);
  return isSame ? reservation : { ...reservation, state, uses, dueAtMs };
}

/** What the reservations of one group and period take together. */
export function usesIn(
  reservations: Iterable<Reservation>,
  period: { readonly group: string; readonly periodStartMs: EpochMs },
): QuotaUses {
  let total = NO_USES;
  for (const { group, periodStartMs, state, uses } of reservations) {
    if (group !== period.group || periodStartMs !== period.periodStartMs) continue;
    if (COUNTING_STATES.has(state)) total = plus(total, uses);
  }
  return total;
}

/** Holds of a group that are live, or may be, whichever period they count in. */
export function liveIn(reservations: Iterable<Reservation>, group: string): number {
  let live = 0;
  for (const reservation of reservations) {
    if (reservation.group === group && isUnsettled(reservation)) live += 1;
  }
  return live;
}

/**
 * True when nothing depends on a reservation any more: its end is known, its key is forgotten, and it counts no longer,
 * because it came back or its period is over.
 */
export function isForgettable(
  reservation: Reservation,
  currentPeriodStartMs: EpochMs | null,
  nowMs: EpochMs,
): boolean {
  if (isUnsettled(reservation) || isKeyKnown(reservation, nowMs)) return false;
  if (reservation.state === 'returned') return true;
  return currentPeriodStartMs !== null && reservation.periodStartMs < currentPeriodStartMs;
}

/** What it counts for now: never more than before, because more was not reserved. */
function usesAfter(before: Reservation, state: ReservationState, { uses }: Outcome): QuotaUses {
  if (!COUNTING_STATES.has(state)) return NO_USES;
  return uses === null ? before.uses : least(before.uses, uses);
}

function plus(a: QuotaUses, b: QuotaUses): QuotaUses {
  return combined(a, b, (x, y) => x + y);
}

function least(a: QuotaUses, b: QuotaUses): QuotaUses {
  return combined(a, b, Math.min);
}

function combined(a: QuotaUses, b: QuotaUses, join: (x: number, y: number) => number): QuotaUses {
  return {
    bookings: join(a.bookings, b.bookings),
    minutes: join(a.minutes, b.minutes),
    included: join(a.included, b.included),
    overage: join(a.overage, b.overage),
    guestPasses: join(a.guestPasses, b.guestPasses),
  };
}

function isSameUses(a: QuotaUses, b: QuotaUses): boolean {
  return (
    a.bookings === b.bookings &&
    a.minutes === b.minutes &&
    a.included === b.included &&
    a.overage === b.overage &&
    a.guestPasses === b.guestPasses
  );
}
