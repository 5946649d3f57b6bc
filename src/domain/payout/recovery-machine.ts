/**
 * What becomes of a provider's share of money that went back to a customer after it may have been transferred. Either a
 * reversal brings it back, or it is left in the balance, where the next payouts net it: never both. `reversing` means that
 * the intent is written on the payout, and that a call may have moved money.
 * Called by the payouts' use cases through `step`.
 */
import type { Machine } from '../machine.ts';

export const RECOVERY_STATES = ['open', 'reversing', 'reversed', 'carried'] as const;
export type RecoveryState = (typeof RECOVERY_STATES)[number];

/**
 * reverse: a reversal is about to be asked for. settle: the processor shows it. carry: there is nothing to reverse, it is
 * not wanted, or the processor said a definite no.
 */
export const RECOVERY_EVENTS = ['reverse', 'settle', 'carry'] as const;
export type RecoveryEvent = (typeof RECOVERY_EVENTS)[number];

const NO = { refuse: 'invalid_transition' } as const;

export const RECOVERY_MACHINE = {
  open: { reverse: { to: 'reversing' }, settle: NO, carry: { to: 'carried' } },
  reversing: { reverse: NO, settle: { to: 'reversed' }, carry: { to: 'carried' } },
  reversed: { reverse: NO, settle: NO, carry: NO },
  carried: { reverse: NO, settle: NO, carry: NO },
} as const satisfies Machine<RecoveryState, RecoveryEvent>;
