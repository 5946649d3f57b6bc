/**
 * A reservation of a member's counted limits for one hold: how it is made, met again by a repeat of the call, settled by
 * what the shard tells, counted, and forgotten. Pure; nothing here knows the time or asks anybody. Called by the use
 * cases of Membership.
 */
import { invariant } from '../assert.ts';
import { NO_USES, type QuotaUses } from '../hold/quota.ts';
import { CALL_RETENTION_MS } from '../idempotency.ts';
import { step } from '../machine.ts';
import type { Money } from '../money.ts';
import { MINUTE_MS, SECOND_MS, type EpochMs } from '../time.ts';
import {
  COUNTING_STATES,
  RESERVATION_MACHINE,
  UNSETTLED_STATES,
  type ReservationEvent,
  type ReservationState,
} from './reservation-machine.ts';

/** How long a shard may take a grant from the moment it was given. */
export const GRANT_VALID_MS = 10 * SECOND_MS;

/** How long after that the shard is asked: a call that was under way at the last moment has been decided by then. */
export const SETTLE_MARGIN_MS = 5 * SECOND_MS;

/** How often a hold is asked about whose end was not told: the last resort for a lost notice. */
export const HELD_ASK_MS = 15 * MINUTE_MS;

/** A grant that was met again is renewed only when it has lost this much, so that a burst of repeats writes little. */
const RENEW_AFTER_MS = SECOND_MS;

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

export interface Reservation extends Granted {
  /** The name that the shard knows the grant by; never given twice. */
  readonly id: string;
  /** hash(caller, key) of the call. */
  readonly callId: string;
  readonly group: string;
  readonly periodStartMs: EpochMs;
  readonly ask: Ask;
  readonly state: ReservationState;
  readonly reservedAtMs: EpochMs;
  readonly validUntilMs: EpochMs;
  /** When the shard is to be asked what came of it; null once that is known for good. */
  readonly dueAtMs: EpochMs | null;
}

/** What a shard says of a grant. */
export interface Outcome {
  readonly state: 'unknown' | 'held' | 'kept' | 'returned';
  readonly uses: QuotaUses | null;
}

/** A new reservation. */
export function newReservation(
  made: Granted & Pick<Reservation, 'id' | 'callId' | 'group' | 'periodStartMs' | 'ask'>,
  nowMs: EpochMs,
): Reservation {
  return { ...made, state: 'reserved', reservedAtMs: nowMs, ...validFrom(nowMs) };
}

/** A reservation that had come back, made again for the same call. */
export function reserveAgain(
  before: Reservation,
  made: Granted & Pick<Reservation, 'group' | 'periodStartMs' | 'ask'>,
  nowMs: EpochMs,
): Reservation {
  const state = stepped(before.state, 'reserve');
  return { ...before, ...made, state, reservedAtMs: nowMs, ...validFrom(nowMs) };
}

/**
 * A repeat of the call meets its reservation: one that no hold is known to have taken is valid anew. A taken one is not
 * renewed, because its shard answers the repeat by the key and must take nothing for it again.
 */
export function renew(reservation: Reservation, nowMs: EpochMs): Reservation {
  if (stepped(reservation.state, 'reserve') !== 'reserved') return reservation;
  const renewed = validFrom(nowMs);
  const lostMs = renewed.validUntilMs - reservation.validUntilMs;
  return lostMs < RENEW_AFTER_MS ? reservation : { ...reservation, ...renewed };
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

/** True while the shard may still remember the call. */
export function isKeyKnown({ reservedAtMs }: Reservation, nowMs: EpochMs): boolean {
  return nowMs - reservedAtMs <= CALL_RETENTION_MS;
}

/**
 * What a shard told, applied; the same reservation when it changes nothing. A shard that knows nothing of a grant is
 * believed only when it was asked after the grant could no longer be taken.
 */
export function settled(
  reservation: Reservation,
  outcome: Outcome,
  times: { readonly askedAtMs: EpochMs; readonly nowMs: EpochMs },
): Reservation {
  const event = eventOf(reservation, outcome, times.askedAtMs);
  if (event === null) return reservation;
  const state = stepped(reservation.state, event);
  // An outcome that came late says nothing of what the reservation has become since.
  const isStale = outcome.state !== 'unknown' && state !== outcome.state;
  const uses = isStale ? reservation.uses : usesAfter(reservation, state, outcome);
  const dueAtMs = dueAfter(reservation, state, times.nowMs);
  const isSame =
    state === reservation.state &&
    dueAtMs === reservation.dueAtMs &&
    isSameUses(uses, reservation.uses);
  return isSame ? reservation : { ...reservation, state, uses, dueAtMs };
}

/** True while only the shard knows what came of it. */
export function isUnsettled({ state }: Reservation): boolean {
  return UNSETTLED_STATES.has(state);
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

function validFrom(nowMs: EpochMs) {
  const validUntilMs = nowMs + GRANT_VALID_MS;
  return { validUntilMs, dueAtMs: validUntilMs + SETTLE_MARGIN_MS };
}

function eventOf(
  { state, validUntilMs }: Reservation,
  outcome: Outcome,
  askedAtMs: EpochMs,
): ReservationEvent | null {
  switch (outcome.state) {
    case 'held':
      return 'hold';
    case 'kept':
      return 'keep';
    case 'returned':
      return 'give_back';
    case 'unknown':
      // What a booking kept stays kept, whatever a shard may have lost.
      return UNSETTLED_STATES.has(state) && askedAtMs >= validUntilMs + SETTLE_MARGIN_MS
        ? 'give_back'
        : null;
  }
}

/** What it counts for now: never more than before, because more was not reserved. */
function usesAfter(before: Reservation, state: ReservationState, { uses }: Outcome): QuotaUses {
  if (!COUNTING_STATES.has(state)) return NO_USES;
  return uses === null ? before.uses : least(before.uses, uses);
}

function dueAfter(
  before: Reservation,
  state: ReservationState,
  nowMs: EpochMs,
): Reservation['dueAtMs'] {
  if (!UNSETTLED_STATES.has(state)) return null;
  const isWaiting = state === before.state && before.dueAtMs !== null && before.dueAtMs > nowMs;
  return isWaiting ? before.dueAtMs : nowMs + HELD_ASK_MS;
}

function stepped(state: ReservationState, event: ReservationEvent): ReservationState {
  const outcome = step(RESERVATION_MACHINE, state, event);
  invariant(outcome.ok, `a reservation that is ${state} refuses ${event}`);
  return outcome.to;
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
