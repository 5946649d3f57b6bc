/**
 * A payer's objection to a payment of a subscription, laid over the charge as the processor shows it. A person is told;
 * who takes the money of a period back is not billed again. Synchronous, on a draft; called where an answer about a
 * payment is recorded.
 */
import { step } from '../../domain/machine.ts';
import {
  DISPUTE_BEGINNINGS,
  DISPUTE_MACHINE,
  DISPUTE_PATHS,
  FROZEN_DISPUTE_STATES,
  type DisputeState,
} from '../../domain/payment/dispute-machine.ts';
import type { ProcessorDispute } from '../../domain/payment/processor-reply.ts';
import { SUBSCRIPTION_MACHINE } from '../../domain/subscription/subscription-machine.ts';
import type { Charge, ChargeDispute } from '../../domain/subscription/subscription.ts';
import { DAY_MS } from '../../domain/time.ts';
import type { BillingDraft } from './billing-draft.ts';

/** How long an open dispute is left alone without news: its end is told, and a look a day misses none. */
const DISPUTE_LOOK_MS = DAY_MS;

/** Whether the processor shows something about a charge's disputes that is not known. */
export function hasDisputeNews(charge: Charge, seen: readonly ProcessorDispute[]): boolean {
  return seen.some((dispute) => {
    const known = charge.disputes.find(({ ref }) => ref === dispute.ref);
    return known === undefined || walked(known.state, dispute.status).at(-1) !== known.state;
  });
}

/** Applies the disputes of a charge as the processor shows them. */
export function applyDisputes(
  draft: BillingDraft,
  charge: Charge,
  seen: readonly ProcessorDispute[],
): void {
  if (!seen.some((dispute) => hasDisputeNews(charge, [dispute]))) {
    const isOpen = charge.disputes.some(({ state }) => FROZEN_DISPUTE_STATES.has(state));
    if (isOpen) draft.patchCharge(charge, { nextLookAtMs: draft.nowMs + DISPUTE_LOOK_MS });
    return;
  }
  const disputes = seen.map((dispute) => follow(draft, charge, dispute));
  const gone = charge.disputes.filter(({ ref }) => !disputes.some((one) => one.ref === ref));
  const all = [...gone, ...disputes];
  const isOpen = all.some(({ state }) => FROZEN_DISPUTE_STATES.has(state));
  draft.patchCharge(charge, {
    disputes: all,
    review: reviewOf(all),
    nextLookAtMs: isOpen ? draft.nowMs + DISPUTE_LOOK_MS : null,
  });
  const wasLost = charge.disputes.some(({ state }) => state === 'lost');
  if (!wasLost && all.some(({ state }) => state === 'lost')) endSubscription(draft);
}

function follow(draft: BillingDraft, charge: Charge, seen: ProcessorDispute): ChargeDispute {
  const known = charge.disputes.find(({ ref }) => ref === seen.ref) ?? null;
  const { ref, amountMinor, currency, reason } = known ?? seen;
  let from: DisputeState | null = known?.state ?? null;
  for (const to of walked(from, seen.status)) {
    if (to === from) continue;
    draft.record({
      entityId: charge.id,
      type: `charge.dispute_${to}`,
      from,
      to,
      metadata: { processorId: charge.ref, disputeId: ref, amount: amountMinor, currency, reason },
    });
    from = to;
  }
  return { ref, amountMinor, currency, reason, state: from ?? 'inquiry' };
}

/** The states from one to where the processor shows it, the first of a new one included. */
function walked(from: DisputeState | null, status: ProcessorDispute['status']): DisputeState[] {
  let state: DisputeState = from ?? DISPUTE_BEGINNINGS[status];
  const states = [state];
  for (const event of DISPUTE_PATHS[status]) {
    const outcome = step(DISPUTE_MACHINE, state, event);
    if (!outcome.ok || !outcome.moved) continue;
    state = outcome.to;
    states.push(state);
  }
  return states;
}

function reviewOf(disputes: readonly ChargeDispute[]): string | null {
  const [first] = disputes.filter(({ state }) => state !== 'won');
  return first === undefined ? null : `dispute ${first.state}`;
}

/** Nothing more is charged, and what the money had bought is over. */
function endSubscription(draft: BillingDraft): void {
  const outcome = step(SUBSCRIPTION_MACHINE, draft.subscription.state, 'cancel');
  if (!outcome.ok || !outcome.moved) return;
  if (draft.openInvoice !== null) draft.putInvoice({ ...draft.openInvoice, state: 'void' });
  draft.abandonCharges();
  draft.move('cancel', { reason: 'dispute lost' });
  draft.tell('subscription_ended');
}
