/**
 * The life of a hold: a time-limited exclusive claim before payment.
 * `closing` keeps the claim past the deadline while a payment that is still open is being ended.
 */
import type { Machine } from '../machine.ts';

export const HOLD_STATES = ['active', 'closing', 'committed', 'released', 'expired'] as const;
export type HoldState = (typeof HOLD_STATES)[number];

/**
 * commit: a booking locks the claim, without a deadline from then on. release: the holder gives it up.
 * close: the deadline passed while a payment is open. expire: nobody paid in time.
 * free: the booking that took the claim ended (cancelled, capture refused).
 * yield: the booking waits for its provider's yes and gives the claim up meanwhile.
 */
export const HOLD_EVENTS = ['commit', 'release', 'close', 'expire', 'free', 'yield'] as const;
export type HoldEvent = (typeof HOLD_EVENTS)[number];

export const HOLD_MACHINE = {
  active: {
    commit: { to: 'committed' },
    release: { to: 'released' },
    close: { to: 'closing' },
    expire: { to: 'expired' },
    free: { refuse: 'invalid_transition' },
    yield: { to: 'released' },
  },
  closing: {
    commit: { to: 'committed' },
    release: { to: 'released' },
    close: { to: 'closing' },
    expire: { to: 'expired' },
    free: { refuse: 'invalid_transition' },
    yield: { to: 'released' },
  },
  committed: {
    commit: { to: 'committed' },
    release: { refuse: 'hold_committed' },
    close: { refuse: 'hold_committed' },
    expire: { refuse: 'hold_committed' },
    free: { to: 'released' },
    yield: { refuse: 'hold_committed' },
  },
  released: {
    commit: { refuse: 'hold_expired' },
    release: { to: 'released' },
    close: { refuse: 'hold_expired' },
    expire: { refuse: 'hold_expired' },
    free: { to: 'released' },
    yield: { refuse: 'hold_expired' },
  },
  expired: {
    commit: { refuse: 'hold_expired' },
    release: { to: 'expired' },
    close: { refuse: 'hold_expired' },
    expire: { to: 'expired' },
    free: { refuse: 'invalid_transition' },
    yield: { refuse: 'hold_expired' },
  },
} as const satisfies Machine<HoldState, HoldEvent>;

/** States in which the hold's claims keep others out. */
export const LIVE_HOLD_STATES: ReadonlySet<HoldState> = new Set(['active', 'closing', 'committed']);
