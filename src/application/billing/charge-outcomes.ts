/**
 * What an answer of a processor means for a charge and for the subscription behind it. Synchronous, on a draft: the
 * outcome of a call and all that follows from it are written together. Called by `advanceSubscription` alone.
 */
import { InvariantError, unreachable } from '../../domain/assert.ts';
import type {
  ProcessorPayment,
  ProcessorRefund,
  ProcessorReply,
  ProcessorSetup,
} from '../../domain/payment/processor-reply.ts';
import { isChargeOpen } from '../../domain/subscription/billing-step.ts';
import {
  isPaidEachTime,
  type Charge,
  type ChargeCall,
  type Subscription,
} from '../../domain/subscription/subscription.ts';
import { HOUR_MS } from '../../domain/time.ts';
import { FAULT_RETRIES_MAX, nextLookAtMs } from '../payment-plan.ts';
import type { BillingDraft } from './billing-draft.ts';
import { applyDisputes } from './charge-disputes.ts';
import { paymentFailed, paymentSucceeded, type BillingTerms } from './invoice-outcomes.ts';

/**
 * When a period that is offered to its payer is looked at without news: its processor keeps such an offer for less, and the
 * word of its end may be lost.
 */
const OFFER_LOOK_MS = HOUR_MS;

/** Why a person has to look at a refund. */
const REFUND_FAILED = 'a refund failed';

/** The answer to one call or look. */
export interface ChargeAnswer {
  readonly charge: Charge;
  /** Null for a look. */
  readonly call: ChargeCall | null;
  readonly reply: ProcessorReply;
}

/** Writes what the answer means. Nothing is retried here: the next step is decided from what then stands. */
export function recordAnswer(draft: BillingDraft, terms: BillingTerms, answer: ChargeAnswer): void {
  const { charge, call, reply } = answer;
  switch (reply.kind) {
    case 'customer':
      draft.keepCustomer({ processor: charge.processor, ref: reply.ref });
      settled(draft, charge);
      return;
    case 'payment':
      applyPayment(draft, terms, {
        charge: answered(draft, { charge, call, seen: reply.payment.state }),
        seen: reply.payment,
      });
      return;
    case 'setup':
      applySetup(draft, {
        charge: answered(draft, { charge, call, seen: reply.setup.state }),
        seen: reply.setup,
      });
      return;
    case 'refund':
      applyRefund(draft, settled(draft, charge), reply.refund);
      return;
    case 'declined':
      declined(draft, terms, { charge, call, reply });
      return;
    case 'already_done':
    case 'server_error':
      // Kept under its key by the processor: where the look shows no effect, only a new key can bring another answer.
      if (call === null) lookLater(draft, charge);
      else lookSoon(draft, charge, call);
      return;
    case 'no_answer':
    case 'unavailable':
    case 'misconfigured':
      lookLater(draft, charge);
      return;
    case 'missing':
      missing(draft, terms, charge);
      return;
    case 'method':
    case 'detached':
      throw new InvariantError(`a charge was answered with a ${reply.kind}`);
    default:
      unreachable(reply);
  }
}

/** A definite answer ends the call. */
function settled(draft: BillingDraft, charge: Charge): Charge {
  return draft.patchCharge(charge, { call: null, nextLookAtMs: null });
}

/** A look ends an unanswered call only where its effect shows; else the call stays, to be made again under its key. */
function answered(
  draft: BillingDraft,
  answer: { charge: Charge; call: ChargeCall | null; seen: string },
): Charge {
  const { charge, call, seen } = answer;
  const unanswered = call === null ? charge.call : null;
  const isWithoutEffect =
    (unanswered?.kind === 'confirm' && (seen === 'created' || seen === 'approved')) ||
    (unanswered?.kind === 'void' && ENDABLE.has(seen));
  return isWithoutEffect
    ? draft.patchCharge(charge, { nextLookAtMs: null })
    : settled(draft, charge);
}

/** What the processor calls it and asks of the payer; nobody is asked for anything once it is over. */
function seenAs(
  draft: BillingDraft,
  charge: Charge,
  { ref, action }: Pick<ProcessorPayment, 'ref' | 'action'>,
): Charge {
  return draft.patchCharge(charge, { ref, action: isChargeOpen(charge) ? action : null });
}

/** States at a processor in which a void still has something to end. */
const ENDABLE: ReadonlySet<string> = new Set([
  'created',
  'action_required',
  'pending',
  'approved',
  'authorized',
]);

function applyPayment(
  draft: BillingDraft,
  terms: BillingTerms,
  answer: { charge: Charge; seen: ProcessorPayment },
): void {
  const { seen } = answer;
  const charge = seenAs(draft, answer.charge, seen);
  switch (seen.state) {
    case 'created':
      return;
    case 'action_required': {
      const { charge: asked } = draft.moveCharge(charge, 'require_action');
      if (isPaidEachTime(draft.subscription))
        draft.patchCharge(asked, { nextLookAtMs: draft.nowMs + OFFER_LOOK_MS });
      return;
    }
    case 'approved': {
      // The payer has agreed at the processor, and the money waits for our word.
      const { charge: agreed } = draft.moveCharge(charge, 'wait', { action: null });
      const isAsked = agreed.call !== null || agreed.isUnwanted;
      if (!isAsked) draft.patchCharge(agreed, { call: { kind: 'confirm', seq: 1 } });
      return;
    }
    case 'pending':
    case 'authorized':
      lookLater(draft, draft.moveCharge(charge, 'wait').charge);
      return;
    case 'captured': {
      const { charge: after, moved } = draft.moveCharge(charge, 'succeed', {
        action: null,
        capturedMinor: seen.capturedMinor,
        feeMinor: seen.feeMinor ?? charge.feeMinor,
      });
      if (moved) paymentSucceeded(draft, terms, { charge: after, seen });
      applyDisputes(draft, draft.charge(charge.id) ?? after, seen.disputes);
      return;
    }
    case 'failed':
      fail(draft, terms, { charge, code: seen.declineCode ?? 'declined', retry: 'payer' });
      return;
    case 'expired':
    case 'voided': {
      const { moved } = draft.moveCharge(charge, 'cancel', { action: null });
      if (moved && !charge.isUnwanted)
        paymentFailed(draft, terms, { charge, code: seen.state, retry: 'later' });
      return;
    }
    default:
      unreachable(seen.state);
  }
}

function applySetup(draft: BillingDraft, answer: { charge: Charge; seen: ProcessorSetup }): void {
  const { seen } = answer;
  const charge = seenAs(draft, answer.charge, seen);
  switch (seen.state) {
    case 'created':
      return;
    case 'action_required':
      // Not every processor tells that its payer has agreed.
      lookLater(draft, draft.moveCharge(charge, 'require_action').charge);
      return;
    case 'pending':
      lookLater(draft, draft.moveCharge(charge, 'wait').charge);
      return;
    case 'succeeded':
      if (draft.moveCharge(charge, 'succeed', { action: null }).moved)
        keepMethod(draft, { processor: charge.processor, ref: seen.methodRef });
      return;
    case 'failed':
      draft.moveCharge(charge, 'fail', { declineCode: seen.declineCode, action: null });
      return;
    case 'cancelled':
      draft.moveCharge(charge, 'cancel', { action: null });
      return;
    default:
      unreachable(seen.state);
  }
}

/** A method that is kept opens the trial it was asked for, and collects what is still to be paid at once. */
export function keepMethod(draft: BillingDraft, method: NonNullable<Subscription['method']>): void {
  draft.patch({ method });
  if (draft.subscription.state === 'incomplete') {
    draft.move('begin_trial');
    draft.tell('subscription_started');
    return;
  }
  draft.record({
    entityId: draft.subscription.id,
    type: 'subscription.method_kept',
    from: draft.subscription.state,
    to: draft.subscription.state,
    metadata: { processor: method.processor },
  });
  const { openInvoice } = draft;
  if (openInvoice !== null)
    draft.putInvoice({ ...openInvoice, need: 'nothing', nextAttemptAtMs: draft.nowMs });
}

function applyRefund(draft: BillingDraft, charge: Charge, seen: ProcessorRefund): void {
  // What the payer has to fetch is theirs to see until they have it.
  const action =
    seen.claimUrl === null ? null : ({ type: 'redirect', url: seen.claimUrl } as const);
  const known = draft.patchCharge(charge, { ref: seen.ref, action });
  switch (seen.status) {
    case 'succeeded':
      draft.moveCharge(known, 'succeed', { action: null });
      return;
    case 'pending':
      lookLater(draft, draft.moveCharge(known, 'wait').charge);
      return;
    case 'failed':
      draft.moveCharge(known, 'fail', { declineCode: 'refund_failed', review: REFUND_FAILED });
      return;
    default:
      unreachable(seen.status);
  }
}

function declined(
  draft: BillingDraft,
  terms: BillingTerms,
  answer: {
    charge: Charge;
    call: ChargeCall | null;
    reply: Extract<ProcessorReply, { kind: 'declined' }>;
  },
): void {
  const { charge, call, reply } = answer;
  if (call?.kind === 'void') {
    // It cannot be ended now, because the processor is at work on it or the money has moved: the look tells which.
    lookSoon(draft, charge, call);
    return;
  }
  const known = draft.patchCharge(settled(draft, charge), {
    ref: reply.payment?.ref ?? charge.ref,
  });
  fail(draft, terms, { charge: known, code: reply.code, retry: reply.retry });
}

function fail(
  draft: BillingDraft,
  terms: BillingTerms,
  failure: { charge: Charge; code: string; retry: 'never' | 'later' | 'payer' },
): void {
  // Money that somebody is owed has not gone back: a person has to look.
  const review = failure.charge.purpose === 'refund' ? REFUND_FAILED : failure.charge.review;
  const values = { declineCode: failure.code, action: null, review };
  const { charge, moved } = draft.moveCharge(failure.charge, 'fail', values);
  if (moved && charge.purpose === 'payment') paymentFailed(draft, terms, { ...failure, charge });
}

/** There is nothing at the processor: what was never there can be ended, what should be there is a failure. */
function missing(draft: BillingDraft, terms: BillingTerms, charge: Charge): void {
  const known = settled(draft, charge);
  if (!isChargeOpen(known)) return;
  if (known.isUnwanted) draft.moveCharge(known, 'cancel');
  else fail(draft, terms, { charge: known, code: 'missing', retry: 'later' });
}

/** Within this pass, because the answer says that there is something to see; after a few of them with pauses. */
function lookSoon(draft: BillingDraft, charge: Charge, call: ChargeCall): void {
  const next = draft.patchCharge(charge, { call: { kind: call.kind, seq: call.seq + 1 } });
  lookLater(draft, next);
  if (charge.fruitlessLooks < FAULT_RETRIES_MAX)
    draft.patchCharge(draft.charge(charge.id) ?? next, { nextLookAtMs: draft.nowMs });
}

/** Nobody knows, or not yet: the call stays open under its key, and somebody looks again with growing pauses. */
function lookLater(draft: BillingDraft, charge: Charge): void {
  draft.patchCharge(charge, {
    fruitlessLooks: charge.fruitlessLooks + 1,
    nextLookAtMs: nextLookAtMs(draft.nowMs, charge.fruitlessLooks),
  });
}
