/**
 * One attempt to pay for a booking, as the processor's own object shows it. Payment state only moves forward:
 * an event of lower rank came late and is a self-transition; money that arrives after the end is never lost.
 */
import type { Machine } from '../machine.ts';

export const PAYMENT_STATES = [
  'created',
  'action_required',
  'pending',
  'authorized',
  'capturing',
  'captured',
  'refunded',
  'failed',
  'expired',
  'voided',
] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

/**
 * require_action: the payer must act. wait: the processor is working. authorize: funds are reserved.
 * begin_capture: the slot is locked and we ask for the money. capture: the money moved.
 * refund_all: all of it went back. return_refund: a refund that had succeeded failed after all.
 * fail, expire, void: the attempt ended without money.
 */
export const PAYMENT_EVENTS = [
  'require_action',
  'wait',
  'authorize',
  'begin_capture',
  'capture',
  'refund_all',
  'return_refund',
  'fail',
  'expire',
  'void',
] as const;
export type PaymentEvent = (typeof PAYMENT_EVENTS)[number];

const NO = { refuse: 'invalid_transition' } as const;

export const PAYMENT_MACHINE = {
  created: {
    require_action: { to: 'action_required' },
    wait: { to: 'pending' },
    authorize: { to: 'authorized' },
    begin_capture: NO,
    capture: { to: 'captured' },
    refund_all: NO,
    return_refund: NO,
    fail: { to: 'failed' },
    expire: { to: 'expired' },
    void: { to: 'voided' },
  },
  action_required: {
    require_action: { to: 'action_required' },
    wait: { to: 'pending' },
    authorize: { to: 'authorized' },
    begin_capture: NO,
    capture: { to: 'captured' },
    refund_all: NO,
    return_refund: NO,
    fail: { to: 'failed' },
    expire: { to: 'expired' },
    void: { to: 'voided' },
  },
  pending: {
    require_action: { to: 'pending' },
    wait: { to: 'pending' },
    authorize: { to: 'authorized' },
    begin_capture: NO,
    capture: { to: 'captured' },
    refund_all: NO,
    return_refund: NO,
    fail: { to: 'failed' },
    expire: { to: 'expired' },
    void: { to: 'voided' },
  },
  authorized: {
    require_action: { to: 'authorized' },
    wait: { to: 'authorized' },
    authorize: { to: 'authorized' },
    begin_capture: { to: 'capturing' },
    capture: { to: 'captured' },
    refund_all: NO,
    return_refund: NO,
    fail: { to: 'failed' },
    expire: { to: 'expired' },
    void: { to: 'voided' },
  },
  capturing: {
    require_action: { to: 'capturing' },
    wait: { to: 'capturing' },
    authorize: { to: 'capturing' },
    begin_capture: { to: 'capturing' },
    capture: { to: 'captured' },
    refund_all: NO,
    return_refund: NO,
    fail: { to: 'failed' },
    expire: { to: 'expired' },
    void: { to: 'voided' },
  },
  captured: {
    require_action: { to: 'captured' },
    wait: { to: 'captured' },
    authorize: { to: 'captured' },
    begin_capture: { to: 'captured' },
    capture: { to: 'captured' },
    refund_all: { to: 'refunded' },
    return_refund: { to: 'captured' },
    fail: { to: 'captured' },
    expire: { to: 'captured' },
    void: NO,
  },
  refunded: {
    require_action: { to: 'refunded' },
    wait: { to: 'refunded' },
    authorize: { to: 'refunded' },
    begin_capture: NO,
    capture: { to: 'refunded' },
    refund_all: { to: 'refunded' },
    return_refund: { to: 'captured' },
    fail: { to: 'refunded' },
    expire: { to: 'refunded' },
    void: NO,
  },
  failed: {
    require_action: { to: 'failed' },
    wait: { to: 'failed' },
    authorize: { to: 'authorized' },
    begin_capture: NO,
    capture: { to: 'captured' },
    refund_all: NO,
    return_refund: NO,
    fail: { to: 'failed' },
    expire: { to: 'failed' },
    void: { to: 'failed' },
  },
  expired: {
    require_action: { to: 'expired' },
    wait: { to: 'expired' },
    authorize: { to: 'authorized' },
    begin_capture: NO,
    capture: { to: 'captured' },
    refund_all: NO,
    return_refund: NO,
    fail: { to: 'expired' },
    expire: { to: 'expired' },
    void: { to: 'expired' },
  },
  voided: {
    require_action: { to: 'voided' },
    wait: { to: 'voided' },
    authorize: { to: 'authorized' },
    begin_capture: NO,
    capture: { to: 'captured' },
    refund_all: NO,
    return_refund: NO,
    fail: { to: 'voided' },
    expire: { to: 'voided' },
    void: { to: 'voided' },
  },
} as const satisfies Machine<PaymentState, PaymentEvent>;

/** Attempts that may still bring money; a booking has at most one of them. */
export const ACTIVE_PAYMENT_STATES: ReadonlySet<PaymentState> = new Set([
  'created',
  'action_required',
  'pending',
  'authorized',
  'capturing',
]);
