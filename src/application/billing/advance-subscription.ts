/**
 * The one function that moves a subscription on: read it, decide the next step, write its intent, make the one call it
 * names, write the answer, and so on until nothing is left for now. Requests, /confirm, webhooks, queue messages, the
 * cron and the reconciler all come through here, so that it does not matter who is first, twice or late.
 */
import { required } from '../../domain/assert.ts';
import { regionOf } from '../../domain/ids.ts';
import {
  callKey,
  isChargeOpen,
  nextBillingStep,
  type BillingStep,
} from '../../domain/subscription/billing-step.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { BillingAccount, BillingStore } from '../billing-ports.ts';
import { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { callProcessor, lookAtCharge } from './call-processor.ts';
import { recordAnswer, type ChargeAnswer } from './charge-outcomes.ts';
import { applyStep } from './own-steps.ts';
import { saveDraft } from './save-draft.ts';

/** How long the caller at work has a subscription alone: longer than a gateway's own time-out of 10 s. */
const LEASE_MS = 15 * SECOND_MS;

/** Steps of one pass at most; what is left then goes on with the next run. */
const STEPS_MAX = 60;

/** Writes that may lose to another writer before the pass gives up. */
const CONFLICTS_MAX = 20;

/** Whose money, and why somebody looks. */
export interface AdvanceSubscription {
  readonly subscriptionId: string;
  readonly cause: 'request' | 'confirm' | 'webhook' | 'queue' | 'cron' | 'reconciler';
  /** Ask the processor about what is under way, even when nothing is due. */
  readonly look: boolean;
  /** A charge that somebody has heard of, though it may be over for us: money that came late is found this way. */
  readonly chargeId?: string;
}

/** idle: nothing is left for now. busy: another caller is at work. unfinished: the next run goes on. */
export type AdvanceEnd = 'idle' | 'busy' | 'unfinished' | 'missing';

interface Pass {
  readonly deps: BillingDeps;
  readonly store: BillingStore;
  readonly request: AdvanceSubscription;
  readonly looked: Set<string>;
  readonly tried: Set<string>;
  readonly terms: Map<string, PlanTerms>;
  /** What stands, as far as this pass knows; null: read it again. */
  account: BillingAccount | null;
  /** The lease that this pass has taken; 0 before. */
  leaseUntilMs: number;
  conflicts: number;
}

type Written = 'saved' | 'conflict';

/** Runs until nothing is left to do now. The member's object has the entitlements before it ends. */
export async function advanceSubscription(
  deps: BillingDeps,
  request: AdvanceSubscription,
): Promise<AdvanceEnd> {
  const pass: Pass = {
    deps,
    store: deps.billing(regionOf(request.subscriptionId.slice('sub_'.length))),
    request,
    looked: new Set(),
    tried: new Set(),
    terms: new Map(),
    account: null,
    leaseUntilMs: 0,
    conflicts: 0,
  };
  await lookAtClosed(pass);
  for (let steps = 0; steps < STEPS_MAX && pass.conflicts < CONFLICTS_MAX; steps += 1) {
    const end = await takeStep(pass);
    if (end !== null) return end;
  }
  return 'unfinished';
}

/** One step; null when there may be more to do. */
async function takeStep(pass: Pass): Promise<AdvanceEnd | null> {
  const { deps, request } = pass;
  const account = await read(pass);
  if (account === null) return 'missing';
  const nowMs = deps.clock.nowMs();
  const { leaseUntilMs } = account.subscription;
  if (leaseUntilMs > nowMs && leaseUntilMs !== pass.leaseUntilMs) return lookBeside(pass, account);
  const terms = await termsOf(pass, account);
  const processor = account.charges.find(isChargeOpen)?.processor;
  const step = nextBillingStep({
    ...account,
    terms,
    hasCustomer: processor !== undefined && account.customers[processor] !== undefined,
    migrationTarget: await deps.plans.migrationTarget(account.subscription.planId),
    nowMs,
    isLookAsked: request.look,
    looked: pass.looked,
    tried: pass.tried,
  });
  if (step.kind === 'wait') return rest(pass, account, step.untilMs);
  if (step.kind === 'call' || step.kind === 'look') await makeCall(pass, account, step);
  else await write(pass, account, (draft) => applyStep(deps, draft, { step, terms }));
  return null;
}

/**
 * Somebody else is at work. To ask the processor has no effect there, so that a caller with news need not wait for them;
 * only a definite answer is recorded, because theirs is on its way.
 */
async function lookBeside(pass: Pass, account: BillingAccount): Promise<AdvanceEnd | null> {
  const charge = account.charges.find(
    (candidate) =>
      isChargeOpen(candidate) && candidate.ref !== null && !pass.looked.has(candidate.id),
  );
  if (!pass.request.look || charge === undefined) return 'busy';
  pass.looked.add(charge.id);
  const reply = await lookAtCharge(pass.deps, charge);
  const isDefinite = reply.kind === 'payment' || reply.kind === 'setup' || reply.kind === 'refund';
  // What they wrote meanwhile counts, and is read again.
  pass.account = null;
  if (isDefinite) await record(pass, { charge, call: null, reply });
  return null;
}

/** Nothing to do now: the lease is given back and the next look set, in one write if anything changes. */
async function rest(
  pass: Pass,
  account: BillingAccount,
  untilMs: number | null,
): Promise<AdvanceEnd | null> {
  const { dueAtMs, leaseUntilMs } = account.subscription;
  const isDueAnyway =
    dueAtMs !== null && untilMs !== null && Math.max(dueAtMs, untilMs) <= pass.deps.clock.nowMs();
  if (leaseUntilMs === 0 && (dueAtMs === untilMs || isDueAnyway)) return 'idle';
  const written = await write(pass, account, (draft) => {
    draft.patch({ dueAtMs: untilMs, leaseUntilMs: 0 });
  });
  if (written === 'saved') pass.leaseUntilMs = 0;
  return written === 'saved' ? 'idle' : null;
}

/** Intent, call, outcome. The answer is recorded on whatever stands by then. */
async function makeCall(
  pass: Pass,
  account: BillingAccount,
  step: Extract<BillingStep, { kind: 'call' | 'look' }>,
): Promise<void> {
  const { deps } = pass;
  const call = step.kind === 'call' ? step.call : null;
  const leaseUntilMs = deps.clock.nowMs() + LEASE_MS;
  const written = await write(pass, account, (draft) => {
    draft.patch({ leaseUntilMs, dueAtMs: leaseUntilMs });
    if (call !== null) draft.patchCharge(step.charge, { call });
  });
  if (written === 'conflict') return;
  pass.leaseUntilMs = leaseUntilMs;
  if (call === null) {
    pass.looked.add(step.charge.id);
    const reply = await lookAtCharge(deps, step.charge);
    return record(pass, { charge: step.charge, call, reply });
  }
  const charge = { ...step.charge, call };
  pass.tried.add(callKey(charge, call));
  // What a call has changed is worth another look.
  pass.looked.delete(charge.id);
  const reply = await callProcessor(deps, pass.store, { account, charge, call });
  return record(pass, { charge, call, reply });
}

async function record(pass: Pass, answer: ChargeAnswer): Promise<void> {
  for (;;) {
    const account = await read(pass);
    if (account === null) return;
    const terms = await termsOf(pass, account);
    const { id } = answer.charge;
    // Somebody else may have closed it meanwhile: the answer is taken by what became of it.
    const charge =
      account.charges.find((open) => open.id === id) ??
      (await pass.store.charge(id)) ??
      answer.charge;
    const written = await write(pass, account, (draft) => {
      recordAnswer(draft, terms, { ...answer, charge });
    });
    if (written === 'saved') return;
  }
}

/** Money may have come for a charge that is over for us: the one that somebody names, or the last one when an event came. */
async function lookAtClosed(pass: Pass): Promise<void> {
  const { chargeId, subscriptionId, cause } = pass.request;
  if (chargeId === undefined && cause !== 'webhook') return;
  const charge =
    chargeId === undefined
      ? await pass.store.latestCharge(subscriptionId)
      : await pass.store.charge(chargeId);
  const isForgotten = charge?.state === 'failed' || charge?.state === 'cancelled';
  if (!isForgotten || charge.ref === null || charge.purpose !== 'payment') return;
  const reply = await lookAtCharge(pass.deps, charge);
  const hasMoney = reply.kind === 'payment' && reply.payment.state === 'captured';
  if (hasMoney) await record(pass, { charge, call: null, reply });
}

/** Writes one change, and pushes the entitlements that it changes. */
async function write(
  pass: Pass,
  account: BillingAccount,
  change: (draft: BillingDraft) => Promise<void> | void,
): Promise<Written> {
  const { deps, store, request } = pass;
  const actor = `system:billing:${request.cause}`;
  const draft = new BillingDraft(deps, account, { actor, nowMs: deps.clock.nowMs() });
  await change(draft);
  const written = await saveDraft(deps, store, { account, draft });
  pass.account = written;
  if (written !== null) return 'saved';
  pass.conflicts += 1;
  return 'conflict';
}

async function read(pass: Pass): Promise<BillingAccount | null> {
  pass.account ??= await pass.store.load(pass.request.subscriptionId);
  return pass.account;
}

async function termsOf(pass: Pass, { subscription }: BillingAccount): Promise<PlanTerms> {
  const { planId, planVersion } = subscription;
  const name = `${planId} ${planVersion}`;
  const known = pass.terms.get(name);
  if (known !== undefined) return known;
  const plan = await pass.deps.plans.version(planId, planVersion);
  const { terms } = required(plan, 'a subscription is to a version of a plan');
  pass.terms.set(name, terms);
  return terms;
}
