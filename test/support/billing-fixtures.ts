/**
 * Subscriptions, invoices, charges and credit notes as tests write them, each with ids of its own: storage may be shared
 * by all tests of a file.
 */
import { expect } from 'vitest';
import type { BillingStore } from '../../src/application/billing-ports.ts';
import { required } from '../../src/domain/assert.ts';
import { GENESIS_HASH, chainHash, type ChainLink } from '../../src/domain/chain.ts';
import type {
  Charge,
  CreditNote,
  Invoice,
  Subscription,
} from '../../src/domain/subscription/subscription.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { NOON_MS } from './fake-clock.ts';

export const DAY_MS = 86_400_000;

/** Text that storage has to give back letter by letter. */
export const HOSTILE = 'nul \u0000 quote \' " back\\slash \u2028 \u{1F600} %00';

/** A subscription of a member of its own, as it stands before its first write. */
export function makeSubscription(values: Partial<Subscription> = {}): Subscription {
  const mark = crypto.randomUUID().slice(0, 13);
  return {
    id: `sub_g${mark}`,
    userId: `usr_g${mark}`,
    planId: 'pln_store',
    planVersion: 1,
    planGroup: 'membership',
    state: 'active',
    timeZone: 'Europe/London',
    anchorAtMs: NOON_MS,
    periodIndex: 0,
    currentPeriodStartMs: NOON_MS,
    currentPeriodEndMs: NOON_MS + 30 * DAY_MS,
    trialEndMs: null,
    cancelAtPeriodEnd: false,
    pendingPlanId: null,
    pausedRestMs: null,
    method: { processor: 'stripe', ref: 'pm_1' },
    creditMinor: 0,
    currency: 'usd',
    overrides: {},
    removals: [],
    entitlementVersion: NOON_MS,
    dueAtMs: NOON_MS + 30 * DAY_MS,
    leaseUntilMs: 0,
    createdAtMs: NOON_MS,
    endedAtMs: null,
    chainSeq: 0,
    chainHash: GENESIS_HASH,
    version: 1,
    ...values,
  };
}

export function makeInvoice(of: Subscription, values: Partial<Invoice> = {}): Invoice {
  return {
    id: `inv_${crypto.randomUUID()}`,
    subscriptionId: of.id,
    userId: of.userId,
    kind: 'period',
    planId: of.planId,
    planVersion: of.planVersion,
    periodStartMs: of.currentPeriodStartMs,
    periodEndMs: of.currentPeriodEndMs,
    periodIndex: of.periodIndex,
    state: 'open',
    number: null,
    currency: of.currency,
    lines: [
      { kind: 'period', label: HOSTILE, amountMinor: 2_000 },
      { kind: 'credit', label: 'Credit', amountMinor: -100 },
    ],
    taxMinor: 300,
    totalMinor: 1_900,
    creditUsedMinor: 100,
    creditGivenMinor: 0,
    refundedMinor: 0,
    dueAtMs: NOON_MS,
    declines: 0,
    nextAttemptAtMs: NOON_MS,
    need: 'nothing',
    payToken: crypto.randomUUID(),
    createdAtMs: NOON_MS,
    paidAtMs: null,
    ...values,
  };
}

export function makeCharge(invoice: Invoice, values: Partial<Charge> = {}): Charge {
  const id = `chg_${crypto.randomUUID()}`;
  return {
    id,
    subscriptionId: invoice.subscriptionId,
    invoiceId: invoice.id,
    ofChargeId: null,
    purpose: 'payment',
    state: 'created',
    processor: 'stripe',
    ref: `pi_${id}`,
    methodRef: 'pm_1',
    isOffSession: true,
    returnUrl: null,
    amountMinor: invoice.totalMinor,
    currency: invoice.currency,
    capturedMinor: null,
    feeMinor: null,
    action: null,
    declineCode: null,
    call: { kind: 'open', seq: 1 },
    fruitlessLooks: 0,
    nextLookAtMs: null,
    isUnwanted: false,
    disputes: [],
    review: null,
    createdAtMs: NOON_MS,
    ...values,
  };
}

export function makeNote(invoice: Invoice, amountMinor: number): CreditNote {
  return {
    id: `crn_${crypto.randomUUID()}`,
    invoiceId: invoice.id,
    userId: invoice.userId,
    number: null,
    currency: invoice.currency,
    amountMinor,
    reason: HOSTILE,
    createdAtMs: NOON_MS,
  };
}

/** What an invoice says when it is paid. */
export const PAID = { state: 'paid', paidAtMs: NOON_MS } as const;

/** The subscription after one more write. */
export function next(of: Subscription, values: Partial<Subscription> = {}): Subscription {
  return { ...of, ...values, version: of.version + 1 };
}

/** Links events to the subscription's chain, and the subscription to its new head. */
export function withEvents(
  of: Subscription,
  count: number,
): { subscription: Subscription; events: ChainLink[] } {
  let subscription = of;
  const events = Array.from({ length: count }, () => {
    const previousHash = subscription.chainHash;
    const body = {
      seq: subscription.chainSeq + 1,
      id: `evt_${crypto.randomUUID()}`,
      entityId: of.id,
      parentId: null,
      type: 'subscription.active',
      from: null,
      to: of.state,
      actor: of.userId,
      reason: HOSTILE,
      metadata: { z: 1, a: [HOSTILE, null, 0.1] },
      atMs: NOON_MS,
    };
    const hash = chainHash(systemDigest, previousHash, body);
    subscription = { ...subscription, chainSeq: body.seq, chainHash: hash };
    return { ...body, previousHash, hash };
  });
  return { subscription, events };
}

/** A subscription and the one invoice that was written with it. */
export interface SignedUp {
  readonly subscription: Subscription;
  readonly invoice: Invoice;
}

/** Writes a subscription with an open invoice, and answers both as they stand. */
export async function signUp(
  store: BillingStore,
  values: Partial<Subscription> = {},
): Promise<SignedUp> {
  const subscription = makeSubscription(values);
  const invoice = makeInvoice(subscription);
  expect(await store.insert({ subscription, invoices: [invoice] })).toBe('done');
  return { subscription, invoice };
}

/** Writes a subscription with a paid invoice. */
export async function payUp(store: BillingStore): Promise<SignedUp> {
  const { subscription: before, invoice } = await signUp(store);
  const subscription = next(before);
  const invoices = [{ ...invoice, ...PAID }];
  expect(await store.save({ subscription, invoices })).toBe('done');
  return { subscription, invoice: required(await store.invoice(invoice.id), 'a paid invoice') };
}
