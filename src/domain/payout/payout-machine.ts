/**
 * The states of a payout. `scheduled` means that nothing is under way: every call so far had a definite no, so that it may
 * still be called off. `processing` means that a call may have moved money, and only the processor can say whether it did.
 * Called by the payouts' use cases through `step`.
 */
import type { Machine } from '../machine.ts';

export const PAYOUT_STATES = [
  'scheduled',
  'processing',
  'completed',
  'failed',
  'cancelled',
] as const;
export type PayoutState = (typeof PAYOUT_STATES)[number];

/**
 * send: a call is made, or the same one again. complete: the money was moved. retry: a definite no, to be tried again.
 * fail: a definite no, and no try left. cancel: called off before anything was sent.
 */
export const PAYOUT_EVENTS = ['send', 'complete', 'retry', 'fail', 'cancel'] as const;
export type PayoutEvent = (typeof PAYOUT_EVENTS)[number];

const NO = { refuse: 'invalid_transition' } as const;

export const PAYOUT_MACHINE = {
  scheduled: {
    send: { to: 'processing' },
    complete: { to: 'completed' },
    retry: { to: 'scheduled' },
    fail: { to: 'failed' },
    cancel: { to: 'cancelled' },
  },
  processing: {
    send: { to: 'processing' },
    complete: { to: 'completed' },
    retry: { to: 'scheduled' },
    fail: { to: 'failed' },
    cancel: NO,
  },
  completed: { send: NO, complete: { to: 'completed' }, retry: NO, fail: NO, cancel: NO },
  // A processor that shows the money after all is believed: what it says moved is never paid again.
  failed: {
    send: NO,
    complete: { to: 'completed' },
    retry: NO,
    fail: { to: 'failed' },
    cancel: NO,
  },
  cancelled: { send: NO, complete: NO, retry: NO, fail: NO, cancel: { to: 'cancelled' } },
} as const satisfies Machine<PayoutState, PayoutEvent>;

/** Payouts that may still move money; a provider has at most one of them per currency. */
export const LIVE_PAYOUT_STATES: ReadonlySet<PayoutState> = new Set(['scheduled', 'processing']);
