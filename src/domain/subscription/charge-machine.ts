/**
 * One try to move a subscription's money, as the processor's own object shows it. Money that arrives after the end of a
 * try is never lost: it succeeds late, and billing decides what it is for.
 */
import type { Machine } from '../machine.ts';

export const CHARGE_STATES = [
  'created',
  'action_required',
  'pending',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type ChargeState = (typeof CHARGE_STATES)[number];

/** require_action: the payer must act. wait: the processor is working. The others end the try. */
export const CHARGE_EVENTS = ['require_action', 'wait', 'succeed', 'fail', 'cancel'] as const;
export type ChargeEvent = (typeof CHARGE_EVENTS)[number];

export const CHARGE_MACHINE = {
  created: {
    require_action: { to: 'action_required' },
    wait: { to: 'pending' },
    succeed: { to: 'succeeded' },
    fail: { to: 'failed' },
    cancel: { to: 'cancelled' },
  },
  action_required: {
    require_action: { to: 'action_required' },
    wait: { to: 'pending' },
    succeed: { to: 'succeeded' },
    fail: { to: 'failed' },
    cancel: { to: 'cancelled' },
  },
  pending: {
    require_action: { to: 'pending' },
    wait: { to: 'pending' },
    succeed: { to: 'succeeded' },
    fail: { to: 'failed' },
    cancel: { to: 'cancelled' },
  },
  succeeded: {
    require_action: { to: 'succeeded' },
    wait: { to: 'succeeded' },
    succeed: { to: 'succeeded' },
    fail: { to: 'succeeded' },
    cancel: { refuse: 'invalid_transition' },
  },
  failed: {
    require_action: { to: 'failed' },
    wait: { to: 'failed' },
    succeed: { to: 'succeeded' },
    fail: { to: 'failed' },
    cancel: { to: 'failed' },
  },
  cancelled: {
    require_action: { to: 'cancelled' },
    wait: { to: 'cancelled' },
    succeed: { to: 'succeeded' },
    fail: { to: 'cancelled' },
    cancel: { to: 'cancelled' },
  },
} as const satisfies Machine<ChargeState, ChargeEvent>;

/** Tries that may still bring money; a subscription has at most one of them that is a payment or a setup. */
export const OPEN_CHARGE_STATES: ReadonlySet<ChargeState> = new Set([
  'created',
  'action_required',
  'pending',
]);
