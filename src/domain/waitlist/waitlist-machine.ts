/**
 * The life of an entry in a waiting line. An offer is single-use: however it ends, the entry is over, unless the seller
 * took the offer back; whoever let it pass joins the line again, at its end.
 */
import type { Machine } from '../machine.ts';

export const WAITLIST_STATES = ['waiting', 'offered', 'taken', 'lapsed', 'left', 'closed'] as const;
export type WaitlistState = (typeof WAITLIST_STATES)[number];

/**
 * offer: units were reserved for the entry. take: its customer holds the slot. lapse: the offer's time is over.
 * withdraw: the seller took the offer back, the place in the line stays. leave: the customer left the line, or was taken
 * out of it. close: it is too late for offers.
 */
export const WAITLIST_EVENTS = ['offer', 'take', 'lapse', 'withdraw', 'leave', 'close'] as const;
export type WaitlistEvent = (typeof WAITLIST_EVENTS)[number];

const OVER = {
  offer: { refuse: 'invalid_transition' },
  take: { refuse: 'invalid_transition' },
  lapse: { refuse: 'invalid_transition' },
  withdraw: { refuse: 'invalid_transition' },
  leave: { refuse: 'invalid_transition' },
  close: { refuse: 'invalid_transition' },
} as const;

export const WAITLIST_MACHINE = {
  waiting: {
    offer: { to: 'offered' },
    take: { to: 'taken' },
    lapse: { refuse: 'invalid_transition' },
    withdraw: { to: 'waiting' },
    leave: { to: 'left' },
    close: { to: 'closed' },
  },
  offered: {
    offer: { to: 'offered' },
    take: { to: 'taken' },
    lapse: { to: 'lapsed' },
    withdraw: { to: 'waiting' },
    leave: { to: 'left' },
    close: { refuse: 'invalid_transition' },
  },
  taken: OVER,
  lapsed: OVER,
  left: OVER,
  closed: OVER,
} as const satisfies Machine<WaitlistState, WaitlistEvent>;

/** States of an entry that is in the line. */
export const IN_LINE_STATES: ReadonlySet<WaitlistState> = new Set(['waiting', 'offered']);
