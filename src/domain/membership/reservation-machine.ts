/**
 * The life of a reservation of counted limits, as the member's object knows it. It follows what the shard tells: a hold
 * took it, a booking kept it, or it came back. Whatever counts stays counted until the shard has said otherwise.
 */
import type { Machine } from '../machine.ts';

export const RESERVATION_STATES = ['reserved', 'held', 'kept', 'returned'] as const;
export type ReservationState = (typeof RESERVATION_STATES)[number];

/**
 * reserve: the call that reserved comes again. hold: a hold took it. keep: a booking has taken the hold.
 * give_back: it was never used, its hold ended, or its booking gave it back.
 */
export const RESERVATION_EVENTS = ['reserve', 'hold', 'keep', 'give_back'] as const;
export type ReservationEvent = (typeof RESERVATION_EVENTS)[number];

export const RESERVATION_MACHINE = {
  reserved: {
    reserve: { to: 'reserved' },
    hold: { to: 'held' },
    keep: { to: 'kept' },
    give_back: { to: 'returned' },
  },
  held: {
    reserve: { to: 'held' },
    hold: { to: 'held' },
    keep: { to: 'kept' },
    give_back: { to: 'returned' },
  },
  kept: {
    reserve: { to: 'kept' },
    hold: { to: 'kept' },
    keep: { to: 'kept' },
    give_back: { to: 'returned' },
  },
  returned: {
    reserve: { to: 'reserved' },
    hold: { to: 'returned' },
    keep: { to: 'returned' },
    give_back: { to: 'returned' },
  },
} as const satisfies Machine<ReservationState, ReservationEvent>;

/** States in which the uses count against their period. */
export const COUNTING_STATES: ReadonlySet<ReservationState> = new Set(['reserved', 'held', 'kept']);

/** States in which there is, or may be, a live hold; only the shard knows what came of it. */
export const UNSETTLED_STATES: ReadonlySet<ReservationState> = new Set(['reserved', 'held']);
