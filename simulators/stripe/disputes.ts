/**
 * Disputes: opened by the dispute test cards right after capture, answered with evidence, decided
 * by its magic words or by the deadline on the virtual clock. Owns the money they take and give back.
 * Source: Stripe documentation, "Testing: Disputes", and API reference, "Disputes".
 */
import type { JsonObject } from '../json.ts';
import { recordDisputeWithdrawal, recordMovement } from './balance.ts';
import {
  find,
  findAddressed,
  findKnown,
  insert,
  newId,
  now,
  save,
  type StripeContext,
} from './context.ts';
import { refusedByState } from './errors.ts';
import { emit } from './events.ts';
import { listObjects, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';
import { EVIDENCE_FIELDS, emptyEvidence } from './dispute-evidence.ts';
import type { ChargeObject, DisputeObject, DisputeStatus } from './shapes.ts';

/** Time to answer a dispute, on the virtual clock. */
const RESPONSE_SECONDS = 9 * 86_400;

/** Parameters of POST /v1/disputes/{id}. */
export const DISPUTE_UPDATE_RULES: ParameterRules = {
  evidence: {
    fields: Object.fromEntries(EVIDENCE_FIELDS.map((name) => [name, 'text' as const])),
  },
  expand: 'texts',
  intended_submission_method: 'unserved',
  metadata: 'metadata',
  submit: 'boolean',
};

/** Parameters of GET /v1/disputes beside those of every list. */
export const DISPUTE_LIST_RULES: ParameterRules = { charge: 'text', payment_intent: 'text' };

const OPEN: readonly DisputeStatus[] = [
  'needs_response',
  'under_review',
  'warning_needs_response',
  'warning_under_review',
];

/** The issuer disputes a captured charge. An inquiry takes no money. */
export function openDispute(
  ctx: StripeContext,
  charge: ChargeObject,
  kind: 'fraudulent' | 'product_not_received' | 'inquiry',
): void {
  const takesMoney = kind !== 'inquiry';
  const dispute = makeDispute(ctx, charge, kind);
  charge.disputed = true;
  save(ctx, charge);
  if (takesMoney) dispute.balance_transactions.push(recordDisputeWithdrawal(ctx, dispute));
  insert(ctx, dispute, { parentId: charge.payment_intent });
  ctx.world.books.write({
    processor: 'stripe',
    id: dispute.id,
    kind: 'dispute',
    amountMinor: dispute.amount,
    currency: dispute.currency,
    status: 'pending',
    of: charge.payment_intent,
    paymentId: charge.payment_intent,
  });
  ctx.world.deadlines.set('stripe:dispute', dispute.id, RESPONSE_SECONDS);
  emit(ctx, 'charge.dispute.created', { object: dispute });
  if (takesMoney) emit(ctx, 'charge.dispute.funds_withdrawn', { object: dispute });
}

/** POST /v1/disputes/{id}. Submitting evidence decides it when it holds a magic word. */
export function updateDispute(ctx: StripeContext, id: string, parameters: Parameters): object {
  const dispute = findAddressed(ctx, 'dispute', id);
  if (!OPEN.includes(dispute.status)) throw closedError(dispute);
  const evidence = parameters.nested('evidence');
  for (const name of EVIDENCE_FIELDS) {
    const text = evidence?.[name];
    if (typeof text === 'string') dispute.evidence[name] = text === '' ? null : text;
  }
  dispute.metadata = parameters.mergeMetadata(dispute.metadata);
  const isSubmitted = evidence !== null && parameters.boolean('submit') !== false;
  const previous = { status: dispute.status };
  if (evidence !== null) dispute.evidence_details.has_evidence = true;
  if (isSubmitted) {
    dispute.evidence_details.submission_count += 1;
    dispute.evidence_details.submission_method = 'manual';
    dispute.status = isInquiry(dispute) ? 'warning_under_review' : 'under_review';
  }
  save(ctx, dispute);
  emit(ctx, 'charge.dispute.updated', { object: dispute, previous });
  if (isSubmitted) decideByEvidence(ctx, dispute);
  return dispute;
}

/** POST /v1/disputes/{id}/close: the merchant accepts it, which loses the money for good. */
export function closeDispute(ctx: StripeContext, id: string): object {
  const dispute = findAddressed(ctx, 'dispute', id);
  if (!OPEN.includes(dispute.status)) throw closedError(dispute);
  finish(ctx, dispute, isInquiry(dispute) ? 'warning_closed' : 'lost');
  return dispute;
}

/** GET /v1/disputes. */
export function listDisputes(ctx: StripeContext, parameters: Parameters, page: Page): JsonObject {
  const chargeId = parameters.text('charge');
  const parentId =
    parameters.text('payment_intent') ??
    (chargeId === null ? undefined : (find(ctx, 'charge', chargeId)?.payment_intent ?? chargeId));
  return listObjects(ctx, { kind: 'dispute', page, parentId });
}

/** Nobody answered in time; called by the virtual clock. One under review stays there. */
export function expireDispute(ctx: StripeContext, disputeId: string): void {
  const dispute = findKnown(ctx, 'dispute', disputeId);
  if (dispute.status === 'needs_response') {
    dispute.evidence_details.past_due = true;
    finish(ctx, dispute, 'lost');
  }
  if (dispute.status === 'warning_needs_response') finish(ctx, dispute, 'warning_closed');
}

function isInquiry(dispute: DisputeObject): boolean {
  return dispute.status.startsWith('warning_');
}

function decideByEvidence(ctx: StripeContext, dispute: DisputeObject): void {
  const texts = Object.values(dispute.evidence);
  if (texts.includes('winning_evidence')) {
    finish(ctx, dispute, isInquiry(dispute) ? 'warning_closed' : 'won');
  } else if (texts.includes('losing_evidence')) {
    finish(ctx, dispute, isInquiry(dispute) ? 'warning_closed' : 'lost');
  }
}

function finish(
  ctx: StripeContext,
  dispute: DisputeObject,
  status: 'won' | 'lost' | 'warning_closed',
): void {
  const previous = { status: dispute.status };
  dispute.status = status;
  ctx.world.deadlines.clear(dispute.id);
  ctx.world.books.settle(dispute.id, 'dispute', status === 'lost' ? 'succeeded' : 'failed');
  if (status === 'won') dispute.balance_transactions.push(reinstate(ctx, dispute));
  dispute.is_charge_refundable = status !== 'lost';
  save(ctx, dispute);
  if (status === 'won') emit(ctx, 'charge.dispute.funds_reinstated', { object: dispute });
  emit(ctx, 'charge.dispute.closed', { object: dispute, previous });
}

function reinstate(
  ctx: StripeContext,
  dispute: DisputeObject,
): DisputeObject['balance_transactions'][number] {
  return recordMovement(ctx, {
    type: 'adjustment',
    category: 'dispute_reversal',
    amountMinor: dispute.amount,
    feeMinor: 0,
    currency: dispute.currency,
    source: dispute.id,
    description: `Chargeback reversal for ${dispute.id}`,
    isImmediate: true,
  });
}

function closedError(dispute: DisputeObject): Error {
  return refusedByState(`This dispute is already closed (${dispute.status}).`, {
    code: 'dispute_already_closed',
    param: 'dispute',
  });
}

function makeDispute(
  ctx: StripeContext,
  charge: ChargeObject,
  kind: 'fraudulent' | 'product_not_received' | 'inquiry',
): DisputeObject {
  const inquiry = kind === 'inquiry';
  return {
    id: newId(ctx, 'du'),
    object: 'dispute',
    amount: charge.amount_captured,
    balance_transactions: [],
    charge: charge.id,
    created: now(ctx),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: emptyEvidence(),
    evidence_details: {
      due_by: now(ctx) + RESPONSE_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: inquiry,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    payment_method_details: {
      card: {
        brand: 'visa',
        case_type: inquiry ? 'inquiry' : 'chargeback',
        network_reason_code: kind === 'product_not_received' ? '13.1' : '10.4',
      },
      type: 'card',
    },
    reason: inquiry ? 'general' : kind,
    status: inquiry ? 'warning_needs_response' : 'needs_response',
  };
}
