/**
 * A payer's objection, laid over the payment: the payment's own state stays. `won` and `lost` are decisions; a loss may
 * still be turned by an appeal, and nothing that is read late turns a decision back into a question.
 */
import type { Machine } from '../machine.ts';
import type { ProcessorDispute } from './processor-reply.ts';

export const DISPUTE_STATES = ['inquiry', 'open', 'under_review', 'won', 'lost'] as const;
export type DisputeState = (typeof DISPUTE_STATES)[number];

/** inquire: a question, no money was taken. open: the money was taken. review: it is being decided. win, lose: decided. */
export const DISPUTE_EVENTS = ['inquire', 'open', 'review', 'win', 'lose'] as const;
export type DisputeEvent = (typeof DISPUTE_EVENTS)[number];

const NO = { refuse: 'invalid_transition' } as const;

/** From an inquiry the money is taken first: a review or a loss goes through `open`, so that each step moves money once. */
export const DISPUTE_MACHINE = {
  inquiry: {
    inquire: { to: 'inquiry' },
    open: { to: 'open' },
    review: NO,
    win: { to: 'won' },
    lose: NO,
  },
  open: {
    inquire: { to: 'open' },
    open: { to: 'open' },
    review: { to: 'under_review' },
    win: { to: 'won' },
    lose: { to: 'lost' },
  },
  under_review: {
    inquire: { to: 'under_review' },
    open: { to: 'under_review' },
    review: { to: 'under_review' },
    win: { to: 'won' },
    lose: { to: 'lost' },
  },
  won: {
    inquire: { to: 'won' },
    open: { to: 'won' },
    review: { to: 'won' },
    win: { to: 'won' },
    lose: { to: 'won' },
  },
  lost: {
    inquire: { to: 'lost' },
    open: { to: 'lost' },
    review: { to: 'lost' },
    win: { to: 'won' },
    lose: { to: 'lost' },
  },
} as const satisfies Machine<DisputeState, DisputeEvent>;

/** States in which the money is not ours to move: a refund on top would be lost twice. */
export const FROZEN_DISPUTE_STATES: ReadonlySet<DisputeState> = new Set(['open', 'under_review']);

/** States in which the processor has taken the money from us. */
export const TAKEN_DISPUTE_STATES: ReadonlySet<DisputeState> = new Set([
  'open',
  'under_review',
  'lost',
]);

/** How a dispute comes to where the processor shows it, however much of it was missed: each step moves money once. */
export const DISPUTE_PATHS: Record<ProcessorDispute['status'], readonly DisputeEvent[]> = {
  inquiry: ['inquire'],
  open: ['open'],
  under_review: ['open', 'review'],
  won: ['win'],
  lost: ['open', 'lose'],
};

/** Where a dispute begins that was not known. */
export const DISPUTE_BEGINNINGS: Record<ProcessorDispute['status'], 'inquiry' | 'open'> = {
  inquiry: 'inquiry',
  open: 'open',
  under_review: 'open',
  won: 'inquiry',
  lost: 'open',
};
