/** Plans, subscriptions, invoices and charges as a test of billing needs them: something plain, with what matters over it. */
import type { PlanTerms } from '../../src/domain/subscription/plan.ts';
import type { Charge, Invoice, Subscription } from '../../src/domain/subscription/subscription.ts';
import { DAY_MS } from '../../src/domain/time.ts';

/** The present of a test, ten days into the paid period. */
export const NOW_MS = Date.parse('2026-11-11T00:00:00Z');
export const START_MS = NOW_MS - 10 * DAY_MS;
export const END_MS = NOW_MS + 20 * DAY_MS;

export function plan(terms: Partial<PlanTerms> = {}): PlanTerms {
  return {
    planId: 'pln_1',
    version: 1,
    group: 'membership',
    name: 'Club',
    priceMinor: 3_000,
    currency: 'usd',
    interval: { unit: 'month', count: 1 },
    trialDays: 0,
    trialNeedsMethod: true,
    trialEnd: 'cancel',
    graceDays: 7,
    dunningDays: [1, 3, 5],
    cancelAfterDays: 28,
    changePolicy: { upgrade: 'now', downgrade: 'period_end', trial: 'now' },
    cancelRefund: 'none',
    tax: { rateBps: 0, inclusive: true },
    entitlements: {},
    ...terms,
  };
}

export function subscription(values: Partial<Subscription> = {}): Subscription {
  return {
    id: 'sub_g1',
    userId: 'usr_g1',
    planId: 'pln_1',
    planVersion: 1,
    planGroup: 'membership',
    state: 'active',
    timeZone: 'UTC',
    anchorAtMs: START_MS,
    periodIndex: 0,
    currentPeriodStartMs: START_MS,
    currentPeriodEndMs: END_MS,
    trialEndMs: null,
    cancelAtPeriodEnd: false,
    pendingPlanId: null,
    pausedRestMs: null,
    method: { processor: 'stripe', ref: 'pm_1' },
    creditMinor: 0,
    currency: 'usd',
    overrides: {},
    removals: [],
    entitlementVersion: 1,
    dueAtMs: null,
    leaseUntilMs: 0,
    createdAtMs: START_MS,
    endedAtMs: null,
    chainSeq: 0,
    chainHash: '',
    version: 1,
    ...values,
  };
}

/** An open invoice of the period that begins now. */
export function invoice(values: Partial<Invoice> = {}): Invoice {
  const totalMinor = values.totalMinor ?? 3_000;
  return {
    id: 'inv_g1',
    subscriptionId: 'sub_g1',
    userId: 'usr_g1',
    kind: 'period',
    planId: 'pln_1',
    planVersion: 1,
    periodStartMs: NOW_MS,
    periodEndMs: NOW_MS + 30 * DAY_MS,
    periodIndex: 1,
    state: 'open',
    number: null,
    currency: 'usd',
    lines: [{ kind: 'period', label: 'Club', amountMinor: totalMinor }],
    taxMinor: 0,
    totalMinor,
    creditUsedMinor: 0,
    creditGivenMinor: 0,
    refundedMinor: 0,
    dueAtMs: NOW_MS,
    declines: 0,
    nextAttemptAtMs: NOW_MS,
    need: 'nothing',
    payToken: 'secret',
    createdAtMs: NOW_MS,
    paidAtMs: null,
    ...values,
  };
}

/** A try that has not reached the processor yet. */
export function charge(values: Partial<Charge> = {}): Charge {
  return {
    id: 'chg_g1',
    subscriptionId: 'sub_g1',
    invoiceId: 'inv_g1',
    ofChargeId: null,
    purpose: 'payment',
    state: 'created',
    processor: 'stripe',
    ref: null,
    methodRef: 'pm_1',
    isOffSession: true,
    returnUrl: null,
    amountMinor: 3_000,
    currency: 'usd',
    capturedMinor: null,
    feeMinor: null,
    action: null,
    declineCode: null,
    call: null,
    fruitlessLooks: 0,
    nextLookAtMs: null,
    isUnwanted: false,
    disputes: [],
    review: null,
    createdAtMs: NOW_MS,
    ...values,
  };
}
