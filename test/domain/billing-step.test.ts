/**
 * What billing does next, situation by situation, written by hand: what is recorded, what the clock says, and the one step
 * that follows. Whoever comes (a request, a webhook, a cron, the next process after a crash) is told the same.
 */
import { describe, expect, it } from 'vitest';
import { callKey, COMPLETION_MS } from '../../src/domain/subscription/billing-step.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { charge, END_MS, invoice, NOW_MS, plan, subscription } from './billing-fixture.ts';
import {
  DUE,
  SIGN_UP,
  FIRST,
  AT_PROCESSOR,
  WAITS_FOR_PAYER,
  AT_WORK,
  SETUP,
  REFUND,
  later,
  expectSteps,
} from './billing-situations.ts';

describe('a subscription that is paid', () => {
  expectSteps([
    ['waits for the end of its period', {}, 'wait 20d'],
    ['is billed from the instant at which its period ends', { subscription: DUE }, 'bill'],
    [
      'is not billed a millisecond before',
      { subscription: subscription({ currentPeriodEndMs: NOW_MS + 1 }) },
      'wait 0d',
    ],
    ['is billed however late somebody comes', { subscription: DUE, ...later(90) }, 'bill'],
    [
      'ends with its period where its member said so',
      { subscription: subscription({ currentPeriodEndMs: NOW_MS, cancelAtPeriodEnd: true }) },
      'end',
    ],
    ['goes on until then', { subscription: subscription({ cancelAtPeriodEnd: true }) }, 'wait 20d'],
    [
      'without a method is billed, so that its member is asked for one',
      { subscription: subscription({ currentPeriodEndMs: NOW_MS, method: null }) },
      'bill',
    ],
  ]);
});

describe('a trial', () => {
  const trial = subscription({ state: 'trialing', periodIndex: -1, currentPeriodEndMs: NOW_MS });
  const bare = { ...trial, method: null };
  expectSteps([
    ['waits for its end', { subscription: { ...trial, currentPeriodEndMs: END_MS } }, 'wait 20d'],
    ['with a method is billed at its end', { subscription: trial }, 'bill'],
    ['without a method ends', { subscription: bare }, 'end_trial'],
    [
      'without a method ends where the plan pauses it too: what the end is, is for the plan to say',
      { subscription: bare, terms: plan({ trialEnd: 'pause' }) },
      'end_trial',
    ],
    [
      'of a free plan is billed without a method',
      { subscription: bare, terms: plan({ priceMinor: 0 }) },
      'bill',
    ],
    [
      'that was cancelled ends and is not billed',
      { subscription: { ...trial, cancelAtPeriodEnd: true } },
      'end',
    ],
  ]);
});

describe('what is over or rests', () => {
  expectSteps([
    ['cancelled: nothing, ever', { subscription: subscription({ state: 'cancelled' }) }, 'wait'],
    ['expired: nothing, ever', { subscription: subscription({ state: 'expired' }) }, 'wait'],
    [
      'paused: nothing until somebody comes',
      { subscription: subscription({ state: 'paused' }) },
      'wait',
    ],
    [
      'cancelled, with a refund to make: makes it',
      { subscription: subscription({ state: 'cancelled' }), charges: [REFUND] },
      'call refund 1',
    ],
    [
      'cancelled, with a payment at the processor: ends it',
      {
        subscription: subscription({ state: 'cancelled' }),
        charges: [{ ...WAITS_FOR_PAYER, isUnwanted: true }],
      },
      'call void 1',
    ],
  ]);
});

describe('a sign-up', () => {
  const paid = { subscription: SIGN_UP, openInvoice: FIRST };
  expectSteps([
    [
      'first makes itself known at the processor',
      { ...paid, charges: [charge()], hasCustomer: false },
      'call customer 1',
    ],
    ['then opens its payment', { ...paid, charges: [charge()] }, 'call open 1'],
    [
      'then confirms it with the method it was given',
      { ...paid, charges: [AT_PROCESSOR] },
      'call confirm 1',
    ],
    [
      'without a method waits for the payer to choose one',
      { ...paid, charges: [charge({ ref: 'pi_1', methodRef: null })] },
      'wait 23h',
    ],
    ['waits for a payer whose bank asks them', { ...paid, charges: [WAITS_FOR_PAYER] }, 'wait 23h'],
    [
      'waits to the last millisecond',
      { ...paid, charges: [WAITS_FOR_PAYER], nowMs: NOW_MS + COMPLETION_MS - 1 },
      'wait 23h',
    ],
    [
      'is then given up',
      { ...paid, charges: [WAITS_FOR_PAYER], nowMs: NOW_MS + COMPLETION_MS },
      'abandon',
    ],
    [
      'is not given up while the processor is at work on its money',
      { ...paid, charges: [AT_WORK], nowMs: NOW_MS + COMPLETION_MS, looked: new Set(['chg_g1']) },
      'wait 1h',
    ],
    ['whose payment came to nothing expires', paid, 'expire'],
    [
      'that costs nothing is settled',
      { ...paid, openInvoice: invoice({ totalMinor: 0 }) },
      'settle',
    ],
    ['for a trial keeps its method', { subscription: SIGN_UP, charges: [SETUP] }, 'call open 1'],
    ['for a trial whose method was refused expires', { subscription: SIGN_UP }, 'expire'],
    [
      'for a trial whose payer does not come is given up',
      {
        subscription: SIGN_UP,
        charges: [{ ...SETUP, ref: 'seti_1', state: 'action_required' }],
        nowMs: NOW_MS + COMPLETION_MS,
      },
      'abandon',
    ],
  ]);
});

describe('a call whose answer nobody recorded', () => {
  const paid = { subscription: SIGN_UP, openInvoice: FIRST };
  const opening = charge({ call: { kind: 'open', seq: 1 } });
  const confirming = charge({ ref: 'pi_1', call: { kind: 'confirm', seq: 2 } });
  const resting = { ...confirming, nextLookAtMs: NOW_MS + HOUR_MS };
  expectSteps([
    [
      'is made again under its key, where there is nothing to look at',
      { ...paid, charges: [opening] },
      'call open 1',
    ],
    ['is looked into first, where there is', { ...paid, charges: [confirming] }, 'look'],
    [
      'is made again under its key, where the look showed nothing',
      { ...paid, charges: [confirming], looked: new Set(['chg_g1']) },
      'call confirm 2',
    ],
    [
      'is made once in a pass',
      { ...paid, charges: [opening], tried: new Set(['chg_g1:open:1']) },
      'wait 0d',
    ],
    ['rests between looks', { ...paid, charges: [resting] }, 'wait 1h'],
    [
      'is looked into at once when somebody asks',
      { ...paid, charges: [resting], isLookAsked: true },
      'look',
    ],
    [
      'is looked into when its time has come',
      { ...paid, charges: [resting], nowMs: NOW_MS + HOUR_MS },
      'look',
    ],
    [
      'is not made again for what nobody wants: what has an id is ended',
      { ...paid, charges: [{ ...confirming, isUnwanted: true }] },
      'call void 1',
    ],
    [
      'is not made again for what nobody wants: what has none is dropped',
      { ...paid, charges: [{ ...opening, isUnwanted: true }] },
      'drop',
    ],
    [
      'to end something is looked into, and then made again under its key',
      {
        ...paid,
        charges: [{ ...confirming, isUnwanted: true, call: { kind: 'void', seq: 3 } }],
        looked: new Set(['chg_g1']),
      },
      'call void 3',
    ],
    [
      'of a refund is made again under its key',
      { charges: [{ ...REFUND, call: { kind: 'refund', seq: 1 } }] },
      'call refund 1',
    ],
  ]);

  it('is the same call only by the charge, what it does and its number', () => {
    expect(callKey(charge(), { kind: 'open', seq: 1 })).toBe('chg_g1:open:1');
  });
});

describe('a look', () => {
  const paid = { subscription: SIGN_UP, openInvoice: FIRST };
  expectSteps([
    [
      'is made once in a pass',
      { ...paid, charges: [WAITS_FOR_PAYER], isLookAsked: true, looked: new Set(['chg_g1']) },
      'wait 23h',
    ],
    [
      'is made when somebody asks for it',
      { ...paid, charges: [WAITS_FOR_PAYER], isLookAsked: true },
      'look',
    ],
    [
      'is not made of what waits for its payer alone',
      { ...paid, charges: [WAITS_FOR_PAYER] },
      'wait 23h',
    ],
    [
      'is made of what the processor works on, in its time',
      { ...paid, charges: [AT_WORK], nowMs: NOW_MS + HOUR_MS },
      'look',
    ],
    [
      'is made of a refund under way',
      { charges: [{ ...REFUND, ref: 're_1', state: 'pending', nextLookAtMs: NOW_MS }] },
      'look',
    ],
    [
      'at a refund keeps nothing else waiting',
      {
        subscription: DUE,
        charges: [{ ...REFUND, ref: 're_1', state: 'pending', nextLookAtMs: NOW_MS + HOUR_MS }],
      },
      'bill',
    ],
    [
      'that comes first is what is waited for',
      { charges: [{ ...REFUND, ref: 're_1', state: 'pending', nextLookAtMs: NOW_MS + HOUR_MS }] },
      'wait 1h',
    ],
  ]);
});
