/** The steps of billing that need no processor: writing invoices, beginning tries, ending what is over. On a draft. */
import { required, unreachable } from '../../domain/assert.ts';
import type { BillingStep } from '../../domain/subscription/billing-step.ts';
import { billPeriod } from '../../domain/subscription/invoice-lines.ts';
import { isSameInterval, nextPeriod } from '../../domain/subscription/period.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import { isPaidEachTime, type Invoice } from '../../domain/subscription/subscription.ts';
import type { BillingDraft } from './billing-draft.ts';
import type { BillingDeps } from './billing-deps.ts';
import { settleInvoice } from './invoice-outcomes.ts';
import { newCharge, newInvoice } from './new-documents.ts';

/** A step that is a write and nothing else. */
export type OwnStep = Exclude<BillingStep, { kind: 'call' | 'look' | 'wait' }>;

/** Writes the step. */
export async function applyStep(
  deps: Pick<BillingDeps, 'plans' | 'calendar'>,
  draft: BillingDraft,
  { step, terms }: { step: OwnStep; terms: PlanTerms },
): Promise<void> {
  switch (step.kind) {
    case 'drop':
      draft.moveCharge(step.charge, 'cancel');
      return;
    case 'abandon':
      draft.patchCharge(step.charge, { isUnwanted: true, nextLookAtMs: null });
      return;
    case 'expire':
      if (draft.openInvoice !== null) draft.putInvoice({ ...draft.openInvoice, state: 'void' });
      draft.move('expire');
      return;
    case 'void_change':
      draft.putInvoice({ ...step.invoice, state: 'void' });
      return;
    case 'migrate':
      await migrate(deps, draft, { current: terms, version: step.version });
      return;
    case 'end':
      if (draft.openInvoice !== null)
        draft.putInvoice({ ...draft.openInvoice, state: 'uncollectible' });
      draft.move('end');
      draft.tell('subscription_ended');
      return;
    case 'end_trial':
      endTrial(draft, terms);
      return;
    case 'bill':
      await bill(deps, draft, terms);
      return;
    case 'settle':
      settleInvoice(draft, step.invoice);
      return;
    case 'charge':
      beginCharge(draft, step.invoice);
      return;
    case 'suspend':
      draft.move('suspend');
      draft.tell('subscription_suspended', draft.openInvoice?.id ?? null);
      return;
    case 'give_up':
      draft.putInvoice({ ...step.invoice, state: 'uncollectible', nextAttemptAtMs: null });
      draft.move('give_up');
      draft.tell('subscription_ended');
      return;
    default:
      unreachable(step);
  }
}

/** The next period is due: with what was chosen for it, if that is still on sale. */
async function bill(
  deps: Pick<BillingDeps, 'plans' | 'calendar'>,
  draft: BillingDraft,
  current: PlanTerms,
): Promise<void> {
  const { subscription } = draft;
  const { pendingPlanId } = subscription;
  const chosen = pendingPlanId === null ? null : await deps.plans.onSale(pendingPlanId);
  const next = chosen?.terms ?? current;
  if (pendingPlanId !== null && chosen === null) draft.patch({ pendingPlanId: null });
  const period = nextPeriod(deps.calendar, subscription, { current, next });
  const money = billPeriod(next, subscription.creditMinor);
  draft.putInvoice(
    newInvoice(draft, {
      kind: 'period',
      terms: next,
      period: { ...period, startMs: subscription.currentPeriodEndMs },
      bill: money,
      dueAtMs: subscription.currentPeriodEndMs,
    }),
  );
}

/** Off-session with what is kept; where nothing is kept, or the payer pays each time, the try waits for the payer. */
function beginCharge(draft: BillingDraft, invoice: Invoice): void {
  const { method } = draft.subscription;
  if (method === null) {
    draft.putInvoice({ ...invoice, nextAttemptAtMs: null, need: 'new_method' });
    draft.move('miss', { invoiceId: invoice.id });
    draft.tell('new_card_needed', invoice.id);
    return;
  }
  if (isPaidEachTime(draft.subscription)) {
    // Until the money comes the period is not paid.
    draft.putInvoice({ ...invoice, nextAttemptAtMs: null, need: 'authentication' });
    draft.move('miss', { invoiceId: invoice.id });
    draft.tell('authentication_needed', invoice.id);
  }
  draft.addCharge(
    newCharge(draft, {
      purpose: 'payment',
      processor: method.processor,
      methodRef: method.ref,
      isOffSession: true,
      returnUrl: null,
      invoice: required(draft.openInvoice ?? invoice, 'a try collects an invoice'),
    }),
  );
}

/** The operator's version holds from now on; its price and its interval from the next period on. */
async function migrate(
  deps: Pick<BillingDeps, 'plans'>,
  draft: BillingDraft,
  { current, version }: { current: PlanTerms; version: number },
): Promise<void> {
  const { id, planId, planVersion, state, currentPeriodEndMs } = draft.subscription;
  const next = required(await deps.plans.version(planId, version), 'a version to move to');
  const isSame = isSameInterval(current.interval, next.terms.interval);
  draft.patch({
    planVersion: version,
    // The old anchor's boundaries are not those of another interval.
    ...(isSame ? {} : { anchorAtMs: currentPeriodEndMs, periodIndex: -1 }),
  });
  draft.record({
    entityId: id,
    type: 'subscription.migrated',
    from: state,
    to: state,
    metadata: { fromVersion: planVersion, toVersion: version },
  });
}

function endTrial(draft: BillingDraft, terms: PlanTerms): void {
  if (terms.trialEnd === 'pause') {
    draft.patch({ pausedRestMs: 0 });
    draft.move('pause', { reason: 'trial ended without a payment method' });
    draft.tell('new_card_needed');
    return;
  }
  draft.move('end', { reason: 'trial ended without a payment method' });
  draft.tell('subscription_ended');
}
