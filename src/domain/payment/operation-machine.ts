/**
 * One call to a processor: its row is written before the call and settled after the answer.
 * `declined` means that the processor said no; `unknown` means that nobody knows, and is asked again, never guessed.
 */
import type { Machine } from '../machine.ts';

export const OPERATION_KINDS = ['open', 'authorize', 'capture', 'void', 'refund'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export const OPERATION_STATES = [
  'requested',
  'pending',
  'succeeded',
  'declined',
  'unknown',
] as const;
export type OperationState = (typeof OPERATION_STATES)[number];

/** succeed, decline: a definite answer. wait: accepted, not finished. lose: no answer that can be trusted. */
export const OPERATION_EVENTS = ['wait', 'succeed', 'decline', 'lose'] as const;
export type OperationEvent = (typeof OPERATION_EVENTS)[number];

const NO = { refuse: 'invalid_transition' } as const;

export const OPERATION_MACHINE = {
  requested: {
    wait: { to: 'pending' },
    succeed: { to: 'succeeded' },
    decline: { to: 'declined' },
    lose: { to: 'unknown' },
  },
  pending: {
    wait: { to: 'pending' },
    succeed: { to: 'succeeded' },
    decline: { to: 'declined' },
    lose: { to: 'pending' },
  },
  unknown: {
    wait: { to: 'pending' },
    succeed: { to: 'succeeded' },
    decline: { to: 'declined' },
    lose: { to: 'unknown' },
  },
  succeeded: {
    wait: { to: 'succeeded' },
    succeed: { to: 'succeeded' },
    decline: NO,
    lose: { to: 'succeeded' },
  },
  declined: { wait: NO, succeed: NO, decline: { to: 'declined' }, lose: { to: 'declined' } },
} as const satisfies Machine<OperationState, OperationEvent>;

/** Operations that still wait for an answer. */
export const OPEN_OPERATION_STATES: ReadonlySet<OperationState> = new Set([
  'requested',
  'pending',
  'unknown',
]);
