/**
 * The one function that moves a subscription on: read it, decide the next step, write its intent, make the one call it
 * names, write the answer, and so on until nothing is left for now. Requests, /confirm, webhooks, queue messages, the
 * cron and the reconciler all come through here, so that it does not matter who is first, twice or late.
 */
import { required } from '../../domain/assert.ts';
import { regionOfId } from '../../domain/ids.ts';
import type { ProcessorPayment } from '../../domain/payment/processor-reply.ts';
import {
  callKey,
  isChargeOpen,
  nextBillingStep,
  type BillingStep,
} from '../../domain/subscription/billing-step.ts';
import type { Charge, ChargeCall } from '../../domain/subscription/subscription.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { BillingAccount, BillingStore } from '../billing-ports.ts';
import { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { callProcessor, lookAtCharge } from './call-processor.ts';
import { hasDisputeNews } from './charge-disputes.ts';
import { recordAnswer, type ChargeAnswer } from './charge-outcomes.ts';
import { applyStep } from './own-steps.ts';
import { rememberPlans } from './remember-plans.ts';
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
  /** What stands, as far as this pass knows; null: read it again. */
  account: BillingAccount | null;
  /** The lease that this pass has taken; 0 before. */
  leaseUntilMs: number;
  /** What the last write decided to come next; null where it has to be decided yet. */
  ahead: Ahead;
  conflicts: number;
}

/** A call whose intent is written already, or the end of the pass. */
type Ahead = { readonly charge: Charge; readonly call: ChargeCall } | 'idle' | null;

type Written = 'saved' | 'conflict';

/** Runs until nothing is left to do now. The member's object has the entitlements before it ends. */
export async function advanceSubscription(
  deps: BillingDeps,
  request: AdvanceSubscription,
): Promise<AdvanceEnd> {
  const { end } = await advanceAndRead(deps, request);
  return end;
}

/** The same, with what stands then; null where somebody else is at work, or more is left, so that it has to be read. */
export async function advanceAndRead(
  deps: BillingDeps,
  request: AdvanceSubscription,
): Promise<{ readonly end: AdvanceEnd; readonly account: BillingAccount | null }> {
  const pass: Pass = {
    deps: rememberPlans(deps),
    store: deps.billing(regionOfId(request.subscriptionId)),
    request,
    looked: new Set(),
    tried: new Set(),
    account: null,
    leaseUntilMs: 0,
    ahead: null,
    conflicts: 0,
  };
  await lookAtClosed(pass);
  for (let steps = 0; steps < STEPS_MAX && pass.conflicts < CONFLICTS_MAX; steps += 1) {
    const end = await takeStep(pass);
    if (end !== null) return { end, account: end === 'idle' ? pass.account : null };
  }
  return { end: 'unfinished', account: null };
}

/** One step; null when there may be more to do. */
async function takeStep(pass: Pass): Promise<AdvanceEnd | null> {
  const { deps } = pass;
  const account = await read(pass);
  if (account === null) return 'missing';
  const { ahead } = pass;
  pass.ahead = null;
  if (ahead === 'idle') return 'idle';
  if (ahead !== null) {
    await perform(pass, account, ahead);
    return null;
  }
  const { leaseUntilMs } = account.subscription;
  if (leaseUntilMs > deps.clock.nowMs() && leaseUntilMs !== pass.leaseUntilMs)
    return lookBeside(pass, account);
  const step = await decide(pass, account);
  if (step.kind === 'wait') return rest(pass, account, step.untilMs);
  if (step.kind === 'call' || step.kind === 'look') {
    await makeCall(pass, account, step);
    return null;
  }
  const terms = await termsOf(pass, account);
  await writeAndPlan(pass, account, (draft) => applyStep(deps, draft, { step, terms }));
  return null;
}

async function decide(pass: Pass, account: BillingAccount): Promise<BillingStep> {
  const processor = account.charges.find(isChargeOpen)?.processor;
  return nextBillingStep({
    ...account,
    terms: await termsOf(pass, account),
    hasCustomer: processor !== undefined && account.customers[processor] !== undefined,
    migrationTarget: await pass.deps.plans.migrationTarget(account.subscription.planId),
    nowMs: pass.deps.clock.nowMs(),
    isLookAsked: pass.request.look,
    looked: pass.looked,
    tried: pass.tried,
  });
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

/** Intent, call, outcome. */
async function makeCall(
  pass: Pass,
  account: BillingAccount,
  step: Extract<BillingStep, { kind: 'call' | 'look' }>,
): Promise<void> {
  const written = await write(pass, account, (draft) => {
    takeLease(pass, draft);
    if (step.kind === 'call') draft.patchCharge(step.charge, { call: step.call });
  });
  if (written === 'conflict') return;
  pass.leaseUntilMs = pass.account?.subscription.leaseUntilMs ?? 0;
  const { charge } = step;
  if (step.kind === 'call') return perform(pass, account, { charge, call: step.call });
  pass.looked.add(charge.id);
  return record(pass, { charge, call: null, reply: await lookAtCharge(pass.deps, charge) });
}

/** Makes a call whose intent is written. The answer is recorded on whatever stands by then. */
async function perform(
  pass: Pass,
  account: BillingAccount,
  planned: { charge: Charge; call: ChargeCall },
): Promise<void> {
  const { call } = planned;
  const charge = { ...planned.charge, call };
  pass.tried.add(callKey(charge, call));
  // What a call has changed is worth another look.
  pass.looked.delete(charge.id);
  const reply = await callProcessor(pass.deps, pass.store, { account, charge, call });
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
    const written = await writeAndPlan(pass, account, (draft) => {
      recordAnswer(draft, terms, { ...answer, charge });
    });
    if (written === 'saved') return;
  }
}

/** Writes a change with what it leads to: the intent of the next call, or the end of the pass, joins the same write. */
async function writeAndPlan(
  pass: Pass,
  account: BillingAccount,
  change: (draft: BillingDraft) => Promise<void> | void,
): Promise<Written> {
  let ahead: Ahead = null;
  const written = await write(pass, account, async (draft) => {
    await change(draft);
    const isOurs = pass.leaseUntilMs !== 0;
    if (isOurs) ahead = await planAhead(pass, draft, account);
  });
  if (written === 'conflict') return written;
  pass.ahead = ahead;
  if (pass.leaseUntilMs !== 0) pass.leaseUntilMs = pass.account?.subscription.leaseUntilMs ?? 0;
  return written;
}

async function planAhead(pass: Pass, draft: BillingDraft, before: BillingAccount): Promise<Ahead> {
  const step = await decide(pass, draft.standing(before.customers));
  if (step.kind === 'wait') {
    draft.patch({ dueAtMs: step.untilMs, leaseUntilMs: 0 });
    return 'idle';
  }
  if (step.kind !== 'call') return null;
  takeLease(pass, draft);
  draft.patchCharge(step.charge, { call: step.call });
  return { charge: step.charge, call: step.call };
}

function takeLease({ deps }: Pass, draft: BillingDraft): void {
  const leaseUntilMs = deps.clock.nowMs() + LEASE_MS;
  draft.patch({ leaseUntilMs, dueAtMs: leaseUntilMs });
}

/**
 * Money may have come for a charge that is over for us, or its payer may object to one that was paid: the charge that
 * somebody names, or the last one when an event came.
 */
async function lookAtClosed(pass: Pass): Promise<void> {
  const { chargeId, subscriptionId, cause } = pass.request;
  if (chargeId === undefined && cause !== 'webhook') return;
  const charge =
    chargeId === undefined
      ? await pass.store.latestCharge(subscriptionId)
      : await pass.store.charge(chargeId);
  if (charge?.subscriptionId !== subscriptionId || isChargeOpen(charge)) return;
  if (charge.ref === null || charge.purpose !== 'payment') return;
  const reply = await lookAtCharge(pass.deps, charge);
  if (reply.kind !== 'payment' || reply.payment.state !== 'captured') return;
  const isNews = charge.state !== 'succeeded' || isDisputeNews(charge, reply.payment, pass);
  if (isNews) await record(pass, { charge, call: null, reply });
}

/** News of a dispute, or a look at one that was due: it sets the time of the next. */
function isDisputeNews(charge: Charge, { disputes }: ProcessorPayment, { deps }: Pass): boolean {
  const isDue = charge.nextLookAtMs !== null && charge.nextLookAtMs <= deps.clock.nowMs();
  return isDue || hasDisputeNews(charge, disputes);
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

async function termsOf({ deps }: Pass, { subscription }: BillingAccount): Promise<PlanTerms> {
  const { planId, planVersion } = subscription;
  const plan = await deps.plans.version(planId, planVersion);
  return required(plan, 'a subscription is to a version of a plan').terms;
}
