/**
 * The life of what was granted for one hold: reserved by a call, taken by a hold, kept by a booking, or come back. Whoever
 * gave it follows what the shard tells, and asks the shard where nobody told. Pure; members' counted limits and the uses of
 * coupons live it alike.
 */
import { invariant } from '../assert.ts';
import { CALL_RETENTION_MS } from '../idempotency.ts';
import { step } from '../machine.ts';
import {
  RESERVATION_MACHINE,
  UNSETTLED_STATES,
  type ReservationEvent,
  type ReservationState,
} from '../membership/reservation-machine.ts';
import { MINUTE_MS, SECOND_MS, type EpochMs } from '../time.ts';

/** How long a shard may take a grant from the moment it was given. */
export const GRANT_VALID_MS = 10 * SECOND_MS;

/** How long after that the shard is asked: a call that was under way at the last moment has been decided by then. */
export const SETTLE_MARGIN_MS = 5 * SECOND_MS;

/** How often a hold is asked about whose end was not told: the last resort for a lost notice. */
export const HELD_ASK_MS = 15 * MINUTE_MS;

/** A grant that was met again is renewed only when it has lost this much, so that a burst of repeats writes little. */
const RENEW_AFTER_MS = SECOND_MS;

export interface GrantLife {
  readonly state: ReservationState;
  readonly reservedAtMs: EpochMs;
  readonly validUntilMs: EpochMs;
  /** When the shard is to be asked what came of it; null once that is known for good. */
  readonly dueAtMs: EpochMs | null;
}

/** What a shard says of a grant. */
export type OutcomeState = 'unknown' | 'held' | 'kept' | 'returned';

/** A grant that is given now. */
export function begunAt(nowMs: EpochMs): GrantLife {
  return { state: 'reserved', reservedAtMs: nowMs, ...validFrom(nowMs) };
}

/** A grant that had come back, given again for the same call. */
export function begunAgain(before: GrantLife, nowMs: EpochMs): GrantLife {
  return { ...begunAt(nowMs), state: stepped(before.state, 'reserve') };
}

/**
 * A repeat of the call meets its grant: one that no hold is known to have taken is valid anew. A taken one is not
 * renewed, because its shard answers the repeat by the key and must take nothing for it again.
 */
export function renew<T extends GrantLife>(grant: T, nowMs: EpochMs): T {
  if (stepped(grant.state, 'reserve') !== 'reserved') return grant;
  const renewed = validFrom(nowMs);
  const lostMs = renewed.validUntilMs - grant.validUntilMs;
  return lostMs < RENEW_AFTER_MS ? grant : { ...grant, ...renewed };
}

/** True while the shard may still remember the call. */
export function isKeyKnown({ reservedAtMs }: GrantLife, nowMs: EpochMs): boolean {
  return nowMs - reservedAtMs <= CALL_RETENTION_MS;
}

/** True while only the shard knows what came of it. */
export function isUnsettled({ state }: GrantLife): boolean {
  return UNSETTLED_STATES.has(state);
}

/**
 * What a shard told, applied; null when it says nothing. A shard that knows nothing of a grant is believed only when it was
 * asked after the grant could no longer be taken.
 */
export function lifeAfter(
  grant: GrantLife,
  told: OutcomeState,
  times: { readonly askedAtMs: EpochMs; readonly nowMs: EpochMs },
): Pick<GrantLife, 'state' | 'dueAtMs'> | null {
  const event = eventOf(grant, told, times.askedAtMs);
  if (event === null) return null;
  const state = stepped(grant.state, event);
  return { state, dueAtMs: dueAfter(grant, state, times.nowMs) };
}

function validFrom(nowMs: EpochMs) {
  const validUntilMs = nowMs + GRANT_VALID_MS;
  return { validUntilMs, dueAtMs: validUntilMs + SETTLE_MARGIN_MS };
}

function eventOf(
  { state, validUntilMs }: GrantLife,
  told: OutcomeState,
  askedAtMs: EpochMs,
): ReservationEvent | null {
  switch (told) {
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

function dueAfter(before: GrantLife, state: ReservationState, nowMs: EpochMs): EpochMs | null {
  if (!UNSETTLED_STATES.has(state)) return null;
  const isWaiting = state === before.state && before.dueAtMs !== null && before.dueAtMs > nowMs;
  return isWaiting ? before.dueAtMs : nowMs + HELD_ASK_MS;
}

function stepped(state: ReservationState, event: ReservationEvent): ReservationState {
  const outcome = step(RESERVATION_MACHINE, state, event);
  invariant(outcome.ok, `a grant that is ${state} refuses ${event}`);
  return outcome.to;
}
