/**
 * Situations of a subscription as a test writes them by hand, and the one step that must follow, in a few words.
 * Used by the tests of the next step; it decides nothing itself.
 */
import { expect, it } from 'vitest';
import {
  nextBillingStep,
  type BillingFacts,
  type BillingStep,
} from '../../src/domain/subscription/billing-step.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import {
  charge,
  invoice,
  NOW_MS,
  plan,
  START_MS,
  END_MS,
  subscription,
} from './billing-fixture.ts';

/** What stands, over something plain: paid up, nothing open, a customer known, nobody asks for a look. */
type Situation = Partial<BillingFacts>;

function stepOf(situation: Situation): BillingStep {
  return nextBillingStep({
    subscription: subscription(),
    terms: plan(),
    openInvoice: null,
    charges: [],
    hasCustomer: true,
    migrationTarget: null,
    nowMs: NOW_MS,
    isLookAsked: false,
    looked: new Set(),
    tried: new Set(),
    ...situation,
  });
}

/** The step in a few words: its kind, the call, and until when it waits. */
function told(step: BillingStep): string {
  if (step.kind === 'call') return `call ${step.call.kind} ${step.call.seq}`;
  if (step.kind === 'migrate') return `migrate ${step.version}`;
  if (step.kind !== 'wait') return step.kind;
  return step.untilMs === null ? 'wait' : `wait ${offset(step.untilMs)}`;
}

/** An instant as days and hours from now. */
function offset(atMs: number): string {
  const hours = Math.round((atMs - NOW_MS) / HOUR_MS);
  return hours % 24 === 0 ? `${hours / 24}d` : `${hours}h`;
}

/** One test per row: the name, what stands, and what follows. */
export function expectSteps(rows: readonly (readonly [string, Situation, string])[]): void {
  it.each(rows)('%s', (_, situation, wanted) => {
    expect(told(stepOf(situation))).toBe(wanted);
  });
}

export const RENEWAL = invoice();
export const DUE = subscription({ currentPeriodEndMs: NOW_MS });
export const PAST_DUE = subscription({ state: 'past_due', currentPeriodEndMs: NOW_MS });
export const SUSPENDED = subscription({ state: 'suspended', currentPeriodEndMs: NOW_MS });
export const SIGN_UP = subscription({
  state: 'incomplete',
  currentPeriodStartMs: NOW_MS,
  currentPeriodEndMs: NOW_MS + 30 * DAY_MS,
  createdAtMs: NOW_MS,
  method: null,
});
export const FIRST = invoice({ periodIndex: 0 });
export const CHANGE = invoice({ kind: 'change', periodStartMs: START_MS, periodEndMs: END_MS });
export const AT_PROCESSOR = charge({ ref: 'pi_1', state: 'created' });
export const WAITS_FOR_PAYER = charge({
  ref: 'pi_1',
  state: 'action_required',
  isOffSession: false,
});
export const AT_WORK = charge({ ref: 'pi_1', state: 'pending', nextLookAtMs: NOW_MS + HOUR_MS });
export const SETUP = charge({ purpose: 'setup', invoiceId: null, isOffSession: false });
export const REFUND = charge({
  id: 'chg_r',
  purpose: 'refund',
  ofChargeId: 'chg_g0',
  methodRef: null,
});

/** So many days from now. */
export function later(days: number): { nowMs: number } {
  return { nowMs: NOW_MS + days * DAY_MS };
}
