/**
 * The life of a method that a customer keeps with a processor. What is to go is written down before the processor is told,
 * so that an answer that is lost is asked for again; from then on nothing can be paid with it.
 */
import type { Machine } from '../machine.ts';

export const SAVED_METHOD_STATES = ['pending', 'active', 'failed', 'removing', 'removed'] as const;
export type SavedMethodState = (typeof SAVED_METHOD_STATES)[number];

/** keep: the processor has it. fail: it never will. remove: the customer wants it gone. end: the processor has let go. */
export const SAVED_METHOD_EVENTS = ['keep', 'fail', 'remove', 'end'] as const;
export type SavedMethodEvent = (typeof SAVED_METHOD_EVENTS)[number];

const NO = { refuse: 'invalid_transition' } as const;

export const SAVED_METHOD_MACHINE = {
  pending: {
    keep: { to: 'active' },
    fail: { to: 'failed' },
    remove: { to: 'removing' },
    end: NO,
  },
  active: {
    keep: { to: 'active' },
    fail: NO,
    remove: { to: 'removing' },
    end: NO,
  },
  failed: {
    keep: { to: 'failed' },
    fail: { to: 'failed' },
    remove: { to: 'failed' },
    end: NO,
  },
  removing: {
    keep: { to: 'removing' },
    fail: { to: 'removing' },
    remove: { to: 'removing' },
    end: { to: 'removed' },
  },
  removed: {
    keep: { to: 'removed' },
    fail: { to: 'removed' },
    remove: { to: 'removed' },
    end: { to: 'removed' },
  },
} as const satisfies Machine<SavedMethodState, SavedMethodEvent>;
