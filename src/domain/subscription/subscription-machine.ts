/**
 * A subscription's life. Access is a matter of paid time and grace, judged when it is asked; the states here say what
 * billing does next and what may be commanded.
 */
import type { Machine } from '../machine.ts';

export const SUBSCRIPTION_STATES = [
  'incomplete',
  'trialing',
  'active',
  'past_due',
  'suspended',
  'paused',
  'cancelled',
  'expired',
] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

/**
 * begin_trial: the time before the first payment starts. pay: a period is paid. miss: a charge of a due period was refused.
 * suspend: the grace is over. give_up: nothing more is tried. pause, resume: by the member. cancel: at once, by command.
 * end: the period after which it was to end is over. expire: the sign-up was never completed.
 */
export const SUBSCRIPTION_EVENTS = [
  'begin_trial',
  'pay',
  'miss',
  'suspend',
  'give_up',
  'pause',
  'resume',
  'cancel',
  'end',
  'expire',
] as const;
export type SubscriptionEvent = (typeof SUBSCRIPTION_EVENTS)[number];

const NO = { refuse: 'invalid_transition' } as const;

export const SUBSCRIPTION_MACHINE = {
  incomplete: {
    begin_trial: { to: 'trialing' },
    pay: { to: 'active' },
    miss: NO,
    suspend: NO,
    give_up: NO,
    pause: NO,
    resume: NO,
    cancel: { to: 'cancelled' },
    end: NO,
    expire: { to: 'expired' },
  },
  trialing: {
    begin_trial: NO,
    pay: { to: 'active' },
    miss: { to: 'past_due' },
    suspend: NO,
    give_up: NO,
    // By the clock alone: a trial that ends without a payment method, where the plan says so.
    pause: { to: 'paused' },
    resume: NO,
    cancel: { to: 'cancelled' },
    end: { to: 'cancelled' },
    expire: NO,
  },
  active: {
    begin_trial: NO,
    pay: { to: 'active' },
    miss: { to: 'past_due' },
    suspend: NO,
    give_up: NO,
    pause: { to: 'paused' },
    resume: NO,
    cancel: { to: 'cancelled' },
    end: { to: 'cancelled' },
    expire: NO,
  },
  past_due: {
    begin_trial: NO,
    pay: { to: 'active' },
    miss: { to: 'past_due' },
    suspend: { to: 'suspended' },
    give_up: { to: 'cancelled' },
    pause: NO,
    resume: NO,
    cancel: { to: 'cancelled' },
    end: { to: 'cancelled' },
    expire: NO,
  },
  suspended: {
    begin_trial: NO,
    pay: { to: 'active' },
    miss: { to: 'suspended' },
    suspend: { to: 'suspended' },
    give_up: { to: 'cancelled' },
    pause: NO,
    resume: NO,
    cancel: { to: 'cancelled' },
    end: { to: 'cancelled' },
    expire: NO,
  },
  paused: {
    begin_trial: NO,
    pay: NO,
    miss: NO,
    suspend: NO,
    give_up: NO,
    pause: NO,
    resume: { to: 'active' },
    cancel: { to: 'cancelled' },
    end: NO,
    expire: NO,
  },
  cancelled: {
    begin_trial: NO,
    pay: NO,
    miss: NO,
    suspend: NO,
    give_up: NO,
    pause: NO,
    resume: NO,
    cancel: NO,
    end: NO,
    expire: NO,
  },
  expired: {
    begin_trial: NO,
    pay: NO,
    miss: NO,
    suspend: NO,
    give_up: NO,
    pause: NO,
    resume: NO,
    cancel: NO,
    end: NO,
    expire: NO,
  },
} as const satisfies Machine<SubscriptionState, SubscriptionEvent>;

/** States of which a member has at most one per plan group. */
export const LIVE_SUBSCRIPTION_STATES: ReadonlySet<SubscriptionState> = new Set([
  'incomplete',
  'trialing',
  'active',
  'past_due',
  'suspended',
  'paused',
]);
