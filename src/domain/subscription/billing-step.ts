/**
 * What billing has to do next for a subscription: one step at a time, decided by what is recorded and by the clock.
 * Pure. Every caller (request, /confirm, webhook, queue, cron, reconciler) asks here, so that it does not matter who
 * comes first, twice or late.
 */
import { HOUR_MS, type EpochMs } from '../time.ts';
import { OPEN_CHARGE_STATES } from './charge-machine.ts';
import { giveUpAtMs, suspendAtMs } from './dunning.ts';
import type { PlanTerms } from './plan.ts';
import type { Charge, ChargeCall, Invoice, Subscription } from './subscription.ts';

/** How long a sign-up or a change waits for the payer. */
export const COMPLETION_MS = 23 * HOUR_MS;

/** What the step is decided by. */
export interface BillingFacts {
  readonly subscription: Subscription;
  readonly terms: PlanTerms;
  readonly openInvoice: Invoice | null;
  readonly charges: readonly Charge[];
  readonly hasCustomer: boolean;
  /** The version that subscribers of older ones are to move to; null for none. */
  readonly migrationTarget: number | null;
  readonly nowMs: EpochMs;
  /** Somebody has a reason to think that the processor knows more than we do. */
  readonly isLookAsked: boolean;
  /** What this pass has done already: a look per charge, a try per call. */
  readonly looked: ReadonlySet<string>;
  readonly tried: ReadonlySet<string>;
}

/** The next thing to do. */
export type BillingStep =
  /** Make a call whose intent is written first. */
  | { readonly kind: 'call'; readonly charge: Charge; readonly call: ChargeCall }
  /** Ask the processor how a charge stands. */
  | { readonly kind: 'look'; readonly charge: Charge }
  /** End a charge that never reached the processor. */
  | { readonly kind: 'drop'; readonly charge: Charge }
  /** Nobody wants this charge any more. */
  | { readonly kind: 'abandon'; readonly charge: Charge }
  /** The sign-up was never completed. */
  | { readonly kind: 'expire' }
  /** A change of plan was not paid. */
  | { readonly kind: 'void_change'; readonly invoice: Invoice }
  /** Move to the version that the operator chose. */
  | { readonly kind: 'migrate'; readonly version: number }
  /** The period after which it was to end is over. */
  | { readonly kind: 'end' }
  /** A trial ends without a way to pay. */
  | { readonly kind: 'end_trial' }
  /** The next period is due: write its invoice. */
  | { readonly kind: 'bill' }
  /** Nothing is left to pay on the invoice. */
  | { readonly kind: 'settle'; readonly invoice: Invoice }
  /** Begin a try to collect the invoice. */
  | { readonly kind: 'charge'; readonly invoice: Invoice }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'give_up'; readonly invoice: Invoice }
  /** Nothing now; null: nothing at all until somebody comes. */
  | { readonly kind: 'wait'; readonly untilMs: EpochMs | null };

/** True for a try that may still do something. */
export function isChargeOpen(charge: Charge): boolean {
  return OPEN_CHARGE_STATES.has(charge.state);
}

/** Decides the next step. */
export function nextBillingStep(facts: BillingFacts): BillingStep {
  const open = facts.charges.filter(isChargeOpen);
  const waits: (EpochMs | null)[] = [];
  for (const charge of open) {
    const step = chargeStep(facts, charge);
    if (step.kind !== 'wait') return step;
    waits.push(step.untilMs);
  }
  // While a try is under way nothing else is begun, but time goes on: it may have to be given up first.
  const busy = open.find(({ purpose }) => purpose !== 'refund') ?? null;
  const step = busy === null ? ownStep(facts) : deadlineStep(facts, busy);
  if (step.kind !== 'wait') return step;
  return { kind: 'wait', untilMs: earliest([...waits, step.untilMs]) };
}

function chargeStep(facts: BillingFacts, charge: Charge): BillingStep {
  const { call, isUnwanted, ref } = charge;
  // An unanswered call of what nobody wants is not repeated: without an id no money can move, and with one it is ended.
  if (isUnwanted && ref === null) return { kind: 'drop', charge };
  if (isUnwanted && call?.kind !== 'void') return tryCall(facts, charge, { kind: 'void', seq: 1 });
  if (call !== null) return unansweredStep(facts, charge, call);
  const next = nextCall(facts, charge);
  if (next !== null) return tryCall(facts, charge, { kind: next, seq: 1 });
  return lookStep(facts, charge);
}

/** A call whose answer was never recorded: look if there is something to look at, then the same call under the same key. */
function unansweredStep(facts: BillingFacts, charge: Charge, call: ChargeCall): BillingStep {
  const isDue = charge.nextLookAtMs === null || charge.nextLookAtMs <= facts.nowMs;
  if (!isDue && !facts.isLookAsked) return { kind: 'wait', untilMs: charge.nextLookAtMs };
  if (charge.ref !== null && !facts.looked.has(charge.id)) return { kind: 'look', charge };
  return tryCall(facts, charge, call);
}

/** Within one pass a call is made once under one key. */
function tryCall(facts: BillingFacts, charge: Charge, call: ChargeCall): BillingStep {
  if (facts.tried.has(callKey(charge, call)))
    return { kind: 'wait', untilMs: charge.nextLookAtMs ?? facts.nowMs };
  return { kind: 'call', charge, call };
}

function nextCall(facts: BillingFacts, charge: Charge): ChargeCall['kind'] | null {
  if (charge.purpose === 'refund') return charge.ref === null ? 'refund' : null;
  if (!facts.hasCustomer) return 'customer';
  if (charge.ref === null) return 'open';
  return charge.state === 'created' && charge.methodRef !== null ? 'confirm' : null;
}

/** What is at the processor is looked at when asked, and by the clock while the processor works on it. */
function lookStep(facts: BillingFacts, charge: Charge): BillingStep {
  const isDue = charge.nextLookAtMs !== null && charge.nextLookAtMs <= facts.nowMs;
  const mayLook = !facts.looked.has(charge.id) && (isDue || facts.isLookAsked);
  if (mayLook) return { kind: 'look', charge };
  return { kind: 'wait', untilMs: charge.nextLookAtMs };
}

/** Deadlines that end a try which waits for its payer. */
function deadlineStep(facts: BillingFacts, charge: Charge): BillingStep {
  if (charge.isUnwanted) return { kind: 'wait', untilMs: null };
  const graceEndMs = graceEndOf(facts);
  if (graceEndMs !== null && graceEndMs <= facts.nowMs) return { kind: 'suspend' };
  const endAtMs = endOfTry(facts, charge);
  if (endAtMs > facts.nowMs) return { kind: 'wait', untilMs: earliest([endAtMs, graceEndMs]) };
  // What the processor is at work on cannot be ended; its looks go on.
  if (charge.state === 'pending') return { kind: 'wait', untilMs: graceEndMs };
  return { kind: 'abandon', charge };
}

/**
 * The instant from which on nobody waits for a try any more. Only what comes after its beginning can end it: a payer who
 * is late, with a try of their own, has as much time as any other.
 */
function endOfTry({ subscription, openInvoice, terms }: BillingFacts, charge: Charge): EpochMs {
  const { purpose, invoiceId, createdAtMs } = charge;
  const { state, currentPeriodEndMs } = subscription;
  // The invoice was paid or given up meanwhile, by another try or by a command.
  if (purpose === 'payment' && invoiceId !== openInvoice?.id) return createdAtMs;
  const completeAtMs = createdAtMs + COMPLETION_MS;
  if (state === 'incomplete') return completeAtMs;
  const ends: (EpochMs | null)[] = [];
  if (openInvoice === null || openInvoice.kind === 'change') {
    ends.push(completeAtMs, currentPeriodEndMs);
  } else {
    const { dueAtMs, nextAttemptAtMs } = openInvoice;
    ends.push(giveUpAtMs(terms, dueAtMs));
    const waitsForPayer = purpose === 'setup' || charge.state === 'action_required';
    const isRetried = nextAttemptAtMs !== null && nextAttemptAtMs > createdAtMs;
    if (waitsForPayer && isRetried && purpose === 'payment') ends.push(nextAttemptAtMs);
    else if (waitsForPayer && (purpose === 'setup' || nextAttemptAtMs !== null))
      ends.push(completeAtMs);
  }
  return earliest(ends.filter((atMs) => atMs !== null && atMs > createdAtMs)) ?? completeAtMs;
}

/** When access ends while a due period is not paid; null while nothing was missed. */
function graceEndOf({ subscription, openInvoice, terms }: BillingFacts): EpochMs | null {
  if (subscription.state !== 'past_due' || openInvoice === null) return null;
  return suspendAtMs(terms, openInvoice.dueAtMs);
}

/** What the subscription itself needs when no try is under way. */
function ownStep(facts: BillingFacts): BillingStep {
  const { subscription, openInvoice, nowMs } = facts;
  switch (subscription.state) {
    case 'cancelled':
    case 'expired':
      return { kind: 'wait', untilMs: null };
    case 'paused':
      return migration(facts) ?? { kind: 'wait', untilMs: null };
    case 'incomplete':
      return openInvoice !== null && openInvoice.totalMinor === 0
        ? { kind: 'settle', invoice: openInvoice }
        : { kind: 'expire' };
    case 'trialing':
    case 'active':
    case 'past_due':
    case 'suspended': {
      const step = migration(facts);
      if (step !== null) return step;
      if (openInvoice !== null) return invoiceStep(facts, openInvoice);
      if (subscription.currentPeriodEndMs > nowMs)
        return { kind: 'wait', untilMs: subscription.currentPeriodEndMs };
      return periodEndStep(facts);
    }
  }
}

function periodEndStep({ subscription, terms }: BillingFacts): BillingStep {
  if (subscription.cancelAtPeriodEnd) return { kind: 'end' };
  const cannotPay = subscription.method === null && terms.priceMinor > 0;
  if (cannotPay && subscription.state === 'trialing') return { kind: 'end_trial' };
  return { kind: 'bill' };
}

function invoiceStep(facts: BillingFacts, invoice: Invoice): BillingStep {
  const { subscription, terms, nowMs } = facts;
  const { state } = subscription;
  if (invoice.totalMinor === 0) return { kind: 'settle', invoice };
  // No try is under way: a change that was to be paid at once was not.
  if (invoice.kind === 'change') return { kind: 'void_change', invoice };
  const isMissed = state === 'past_due' || state === 'suspended';
  if (subscription.cancelAtPeriodEnd && isMissed) return { kind: 'end' };
  const { nextAttemptAtMs } = invoice;
  if (nextAttemptAtMs !== null && nextAttemptAtMs <= nowMs) return { kind: 'charge', invoice };
  const endAtMs = giveUpAtMs(terms, invoice.dueAtMs);
  if (endAtMs <= nowMs) return { kind: 'give_up', invoice };
  const graceEndMs = graceEndOf(facts);
  if (graceEndMs !== null && graceEndMs <= nowMs) return { kind: 'suspend' };
  return { kind: 'wait', untilMs: earliest([nextAttemptAtMs, graceEndMs, endAtMs]) };
}

/** An open invoice bills the version that it names: the move waits until it is settled. */
function migration({
  subscription,
  migrationTarget,
  openInvoice,
}: BillingFacts): BillingStep | null {
  if (openInvoice !== null) return null;
  if (migrationTarget === null || migrationTarget <= subscription.planVersion) return null;
  return { kind: 'migrate', version: migrationTarget };
}

/** Our key at the processor: made of durable ids, so that a repeat is the same call. */
export function callKey(charge: Charge, call: ChargeCall): string {
  return `${charge.id}:${call.kind}:${call.seq}`;
}

function earliest(instants: readonly (EpochMs | null)[]): EpochMs | null {
  const known = instants.filter((atMs) => atMs !== null);
  return known.length === 0 ? null : Math.min(...known);
}
