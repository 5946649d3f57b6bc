/**
 * The life of one refund. `succeeded` is not the end: a bank may send the money back days later, and then it has failed
 * after all. A refund that failed stays failed; what is still owed goes back as another one.
 */
import type { Machine } from '../machine.ts';

export const REFUND_STATES = ['requested', 'pending', 'succeeded', 'failed'] as const;
export type RefundState = (typeof REFUND_STATES)[number];

/** wait: the processor took it and has not finished. succeed: the money went back. fail: it did not, or came back. */
export const REFUND_EVENTS = ['wait', 'succeed', 'fail'] as const;
export type RefundEvent = (typeof REFUND_EVENTS)[number];

export const REFUND_MACHINE = {
  requested: {
    wait: { to: 'pending' },
    succeed: { to: 'succeeded' },
    fail: { to: 'failed' },
  },
  pending: {
    wait: { to: 'pending' },
    succeed: { to: 'succeeded' },
    fail: { to: 'failed' },
  },
  succeeded: {
    wait: { to: 'succeeded' },
    succeed: { to: 'succeeded' },
    fail: { to: 'failed' },
  },
  failed: {
    wait: { to: 'failed' },
    succeed: { to: 'failed' },
    fail: { to: 'failed' },
  },
} as const satisfies Machine<RefundState, RefundEvent>;
