/** What is due, what waits and what is given up while a period, a change or a method is not paid or kept yet. */
import { describe } from 'vitest';
import { COMPLETION_MS } from '../../src/domain/subscription/billing-step.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { invoice, NOW_MS, START_MS, subscription } from './billing-fixture.ts';
import {
  RENEWAL,
  DUE,
  PAST_DUE,
  SUSPENDED,
  SIGN_UP,
  CHANGE,
  WAITS_FOR_PAYER,
  AT_WORK,
  SETUP,
  later,
  expectSteps,
} from './billing-situations.ts';

describe('a period that is to be paid', () => {
  const declined = invoice({ declines: 1, nextAttemptAtMs: NOW_MS + DAY_MS });
  const exhausted = invoice({ declines: 4, nextAttemptAtMs: null });
  expectSteps([
    ['is tried when it is due', { subscription: DUE, openInvoice: RENEWAL }, 'charge'],
    [
      'that costs nothing is settled without a try',
      { subscription: DUE, openInvoice: invoice({ totalMinor: 0 }) },
      'settle',
    ],
    ['waits for its next try', { subscription: PAST_DUE, openInvoice: declined }, 'wait 1d'],
    [
      'is tried again then',
      { subscription: PAST_DUE, openInvoice: declined, ...later(1) },
      'charge',
    ],
    [
      'after its last try waits for the end of the grace',
      { subscription: PAST_DUE, openInvoice: exhausted, ...later(6) },
      'wait 7d',
    ],
    [
      'is suspended at the end of the grace',
      { subscription: PAST_DUE, openInvoice: exhausted, ...later(7) },
      'suspend',
    ],
    [
      'once suspended waits for the end',
      { subscription: SUSPENDED, openInvoice: exhausted, ...later(7) },
      'wait 28d',
    ],
    [
      'is given up at the end',
      { subscription: SUSPENDED, openInvoice: exhausted, ...later(28) },
      'give_up',
    ],
    [
      'is not given up before its last try was made',
      { subscription: SUSPENDED, openInvoice: declined, ...later(40) },
      'charge',
    ],
    [
      'still waits for a try of the schedule after its suspension',
      {
        subscription: SUSPENDED,
        openInvoice: invoice({ nextAttemptAtMs: NOW_MS + 14 * DAY_MS }),
        ...later(8),
      },
      'wait 14d',
    ],
    [
      'after a decline ends where its member does not want to go on',
      { subscription: { ...PAST_DUE, cancelAtPeriodEnd: true }, openInvoice: declined },
      'end',
    ],
    [
      'ends so too where the bank wanted the member there',
      {
        subscription: { ...PAST_DUE, cancelAtPeriodEnd: true },
        openInvoice: invoice({ need: 'authentication', nextAttemptAtMs: null }),
      },
      'end',
    ],
  ]);
});

describe('a try under way', () => {
  const declined = invoice({ declines: 1, nextAttemptAtMs: NOW_MS + 3 * DAY_MS });
  const waiting = { subscription: PAST_DUE, openInvoice: declined, charges: [WAITS_FOR_PAYER] };
  const stale = invoice({ nextAttemptAtMs: NOW_MS - DAY_MS, dueAtMs: NOW_MS - 2 * DAY_MS });
  const offSession = { ...AT_WORK, createdAtMs: NOW_MS };
  expectSteps([
    ['keeps the next one waiting', { ...waiting, ...later(1) }, 'wait 3d'],
    [
      'that waits for its payer makes room for the schedule',
      { ...waiting, ...later(3) },
      'abandon',
    ],
    [
      'that the processor works on does not',
      { ...waiting, charges: [offSession], looked: new Set(['chg_g1']), ...later(3) },
      'wait 1h',
    ],
    [
      'does not stop the suspension',
      { ...waiting, openInvoice: invoice({ nextAttemptAtMs: null }), ...later(7) },
      'suspend',
    ],
    [
      'that the processor works on does not stop it either',
      { ...waiting, charges: [{ ...AT_WORK, nextLookAtMs: null }], ...later(7) },
      'suspend',
    ],
    [
      'is given up before the invoice is',
      {
        subscription: SUSPENDED,
        openInvoice: invoice({ nextAttemptAtMs: null }),
        charges: [WAITS_FOR_PAYER],
        ...later(28),
      },
      'abandon',
    ],
    [
      'that the payer began after the last date of the schedule has their time',
      { subscription: PAST_DUE, openInvoice: stale, charges: [WAITS_FOR_PAYER] },
      'wait 23h',
    ],
    [
      'and no more than that',
      {
        subscription: PAST_DUE,
        openInvoice: stale,
        charges: [WAITS_FOR_PAYER],
        nowMs: NOW_MS + COMPLETION_MS,
      },
      'abandon',
    ],
    ['of an invoice that was paid meanwhile is ended', { charges: [WAITS_FOR_PAYER] }, 'abandon'],
    [
      'of another invoice than the open one is ended',
      {
        subscription: PAST_DUE,
        openInvoice: invoice({ id: 'inv_g2' }),
        charges: [WAITS_FOR_PAYER],
      },
      'abandon',
    ],
    [
      'that is to be ended already is waited for',
      {
        charges: [{ ...WAITS_FOR_PAYER, isUnwanted: true, nextLookAtMs: NOW_MS + HOUR_MS }],
        tried: new Set(['chg_g1:void:1']),
      },
      'wait 1h',
    ],
  ]);
});

describe('a method that is being kept', () => {
  const waits = { ...SETUP, ref: 'seti_1', state: 'action_required' as const };
  const declined = invoice({ declines: 1, nextAttemptAtMs: NOW_MS + HOUR_MS });
  const late = { ...waits, createdAtMs: NOW_MS + 9 * DAY_MS };
  expectSteps([
    ['waits for its payer for a day', { charges: [waits] }, 'wait 23h'],
    [
      'makes room for the end of the period',
      {
        subscription: subscription({ currentPeriodEndMs: NOW_MS + HOUR_MS }),
        charges: [waits],
        nowMs: NOW_MS + HOUR_MS,
      },
      'abandon',
    ],
    [
      'after the end of the paid period has its time too',
      { subscription: PAST_DUE, openInvoice: declined, charges: [waits] },
      'wait 23h',
    ],
    [
      'after the suspension has its time too',
      { subscription: SUSPENDED, openInvoice: declined, charges: [late], ...later(9) },
      'wait 239h',
    ],
    [
      'in a pause has its time too',
      {
        subscription: subscription({ state: 'paused', currentPeriodEndMs: START_MS }),
        charges: [waits],
      },
      'wait 23h',
    ],
    [
      'does not stop the suspension',
      {
        subscription: PAST_DUE,
        openInvoice: declined,
        charges: [{ ...waits, createdAtMs: NOW_MS + 6.5 * DAY_MS }],
        ...later(7),
      },
      'suspend',
    ],
  ]);
});

describe('a change of plan', () => {
  const asked = { openInvoice: CHANGE, charges: [WAITS_FOR_PAYER] };
  expectSteps([
    ['waits for its payer', asked, 'wait 23h'],
    ['is given up when they do not come', { ...asked, nowMs: NOW_MS + COMPLETION_MS }, 'abandon'],
    [
      'is given up at the end of the period, whichever is first',
      {
        ...asked,
        subscription: subscription({ currentPeriodEndMs: NOW_MS + HOUR_MS }),
        nowMs: NOW_MS + HOUR_MS,
      },
      'abandon',
    ],
    ['that was not paid is no change', { openInvoice: CHANGE }, 'void_change'],
    ['that costs nothing holds', { openInvoice: { ...CHANGE, totalMinor: 0 } }, 'settle'],
  ]);
});

describe('a move to another version', () => {
  expectSteps([
    ['is made at once', { migrationTarget: 2 }, 'migrate 2'],
    [
      'is made before the next period is billed',
      { migrationTarget: 2, subscription: DUE },
      'migrate 2',
    ],
    [
      'is made in a pause',
      { migrationTarget: 2, subscription: subscription({ state: 'paused' }) },
      'migrate 2',
    ],
    [
      'is not made twice',
      { migrationTarget: 2, subscription: subscription({ planVersion: 2 }) },
      'wait 20d',
    ],
    [
      'never goes back',
      { migrationTarget: 1, subscription: subscription({ planVersion: 2 }) },
      'wait 20d',
    ],
    [
      'waits for an invoice that bills the old version',
      { migrationTarget: 2, subscription: DUE, openInvoice: RENEWAL },
      'charge',
    ],
    [
      'waits for a try under way',
      { migrationTarget: 2, openInvoice: CHANGE, charges: [WAITS_FOR_PAYER] },
      'wait 23h',
    ],
    [
      'does not wake what is over',
      { migrationTarget: 2, subscription: subscription({ state: 'cancelled' }) },
      'wait',
    ],
    ['does not wake a sign-up', { migrationTarget: 2, subscription: SIGN_UP }, 'expire'],
  ]);
});
