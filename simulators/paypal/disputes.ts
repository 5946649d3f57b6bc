/**
 * Disputes: opened by some payers or on request, answered with evidence or by giving in, decided by
 * PayPal, by magic words or by the deadline on the virtual clock. Owns what they do to the money.
 * Source: PayPal REST API specifications, customer_disputes_v1.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { textOf } from './body.ts';
import {
  findAddressed,
  findKnown,
  insert,
  isoTime,
  listOf,
  newId,
  nowMs,
  PROCESSOR,
  save,
  stamps,
  type PaypalContext,
} from './context.ts';
import { invalidRequest, PaypalError } from './errors.ts';
import { emit, readInstant } from './events.ts';
import { showAmount } from './money.ts';
import type { CaptureRecord, DisputeRecord } from './records.ts';
import { recordMovement } from './statement.ts';
import { link, MERCHANT, showCapture, showPayer } from './wire.ts';

/** Time to answer, on the virtual clock. */
const RESPONSE_SECONDS = { CHARGEBACK: 10 * 86_400, INQUIRY: 20 * 86_400 } as const;
const PAGE_SIZE_DEFAULT = 10;
const PAGE_SIZE_MAX = 50;

type Outcome = NonNullable<DisputeRecord['outcome']>;

/** A payer objects to a completed capture. An inquiry takes no money. */
export function openDispute(
  ctx: PaypalContext,
  capture: CaptureRecord,
  facts: { readonly kind: 'chargeback' | 'inquiry'; readonly amountMinor: number },
): DisputeRecord {
  const stage = facts.kind === 'inquiry' ? 'INQUIRY' : 'CHARGEBACK';
  const dispute: DisputeRecord = {
    id: `PP-R-${newId(ctx)}`,
    kind: 'dispute',
    ...stamps(ctx),
    orderId: capture.orderId,
    captureId: capture.id,
    stage,
    reason: stage === 'INQUIRY' ? 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED' : 'UNAUTHORISED',
    status: 'WAITING_FOR_SELLER_RESPONSE',
    outcome: null,
    amountMinor: facts.amountMinor,
    currency: capture.currency,
    responseDueAtMs: nowMs(ctx) + RESPONSE_SECONDS[stage] * 1000,
    evidences: [],
  };
  insert(ctx, dispute, { parentId: capture.id });
  capture.disputeId = dispute.id;
  save(ctx, capture);
  ctx.world.books.write({
    processor: PROCESSOR,
    id: dispute.id,
    kind: 'dispute',
    amountMinor: dispute.amountMinor,
    currency: dispute.currency.toLowerCase(),
    status: 'pending',
    of: dispute.orderId,
    paymentId: dispute.orderId,
  });
  if (stage === 'CHARGEBACK') move(ctx, dispute, 'hold');
  ctx.world.deadlines.set('paypal:dispute', dispute.id, RESPONSE_SECONDS[stage]);
  announce(ctx, dispute, 'CUSTOMER.DISPUTE.CREATED');
  return dispute;
}

/** The dispute over a capture that is not resolved in the seller's favour, or null. */
export function standingDispute(ctx: PaypalContext, capture: CaptureRecord): DisputeRecord | null {
  if (capture.disputeId === null) return null;
  const dispute = findKnown(ctx, 'dispute', capture.disputeId);
  const isOver = dispute.status === 'RESOLVED' && dispute.outcome !== 'RESOLVED_BUYER_FAVOUR';
  return isOver ? null : dispute;
}

/** The payer got everything back by a refund and lets the case rest. */
export function withdrawDispute(ctx: PaypalContext, dispute: DisputeRecord): void {
  if (dispute.status !== 'RESOLVED') resolve(ctx, dispute, 'CANCELED_BY_BUYER');
}

/** GET /v1/customer/disputes. */
export function listDisputes(ctx: PaypalContext, query: URLSearchParams): JsonObject {
  const size = Number(query.get('page_size') ?? PAGE_SIZE_DEFAULT);
  if (!Number.isSafeInteger(size) || size < 1 || size > PAGE_SIZE_MAX) {
    throw invalidRequest('INVALID_PARAMETER_VALUE', { field: 'page_size', location: 'query' });
  }
  const skipped = Number(query.get('next_page_token') ?? 0);
  const rows = listOf(ctx, 'dispute', {
    limit: skipped + size + 1,
    parentId: query.get('disputed_transaction_id') ?? undefined,
    createdFrom: readInstant(query, 'start_time') ?? undefined,
  });
  const shown = rows.slice(skipped, skipped + size);
  const links: Json[] = [link(ctx, 'self', { path: pagePath(query, skipped) })];
  if (rows.length > skipped + size) {
    links.push(link(ctx, 'next', { path: pagePath(query, skipped + size) }));
  }
  return { items: shown.map((dispute): Json => summarize(ctx, dispute)), links };
}

/** GET /v1/customer/disputes/{id}. */
export function getDispute(ctx: PaypalContext, id: string): JsonObject {
  return showDispute(ctx, findAddressed(ctx, 'dispute', id));
}

/** POST …/provide-evidence. `winning_evidence` or `losing_evidence` in a note decides at once. */
export function provideEvidence(ctx: PaypalContext, id: string, body: JsonObject): JsonObject {
  const dispute = findAddressed(ctx, 'dispute', id);
  if (dispute.status !== 'WAITING_FOR_SELLER_RESPONSE') throw notAllowed();
  const evidences = evidencesOf(body);
  dispute.evidences.push(...evidences);
  dispute.status = 'UNDER_REVIEW';
  save(ctx, dispute);
  announce(ctx, dispute, 'CUSTOMER.DISPUTE.UPDATED');
  const notes = JSON.stringify(evidences);
  if (notes.includes('winning_evidence')) resolve(ctx, dispute, 'RESOLVED_SELLER_FAVOUR');
  else if (notes.includes('losing_evidence')) resolve(ctx, dispute, 'RESOLVED_BUYER_FAVOUR');
  return selfLinks(ctx, dispute);
}

/** POST …/accept-claim: the seller gives in. */
export function acceptClaim(ctx: PaypalContext, id: string): JsonObject {
  const dispute = findAddressed(ctx, 'dispute', id);
  if (dispute.status !== 'WAITING_FOR_SELLER_RESPONSE') throw notAllowed();
  resolve(ctx, dispute, 'RESOLVED_BUYER_FAVOUR');
  return selfLinks(ctx, dispute);
}

/** POST …/adjudicate, which exists in PayPal's sandbox only: decides a case under review. */
export function adjudicate(ctx: PaypalContext, id: string, body: JsonObject): JsonObject {
  const dispute = findAddressed(ctx, 'dispute', id);
  if (dispute.status === 'RESOLVED') throw notAllowed();
  const favour = body['adjudication_outcome'];
  if (favour !== 'BUYER_FAVOR' && favour !== 'SELLER_FAVOR') {
    throw invalidRequest('INVALID_PARAMETER_VALUE', { field: '/adjudication_outcome' });
  }
  const isBuyer = favour === 'BUYER_FAVOR';
  resolve(ctx, dispute, isBuyer ? 'RESOLVED_BUYER_FAVOUR' : 'RESOLVED_SELLER_FAVOUR');
  return selfLinks(ctx, dispute);
}

/** Nobody answered in time; called by the virtual clock. A case under review stays there. */
export function expireDispute(ctx: PaypalContext, id: string): void {
  const dispute = findKnown(ctx, 'dispute', id);
  if (dispute.status !== 'WAITING_FOR_SELLER_RESPONSE') return;
  const isInquiry = dispute.stage === 'INQUIRY';
  resolve(ctx, dispute, isInquiry ? 'CANCELED_BY_BUYER' : 'RESOLVED_BUYER_FAVOUR');
}

function resolve(ctx: PaypalContext, dispute: DisputeRecord, outcome: Outcome): void {
  const isLost = outcome === 'RESOLVED_BUYER_FAVOUR';
  dispute.status = 'RESOLVED';
  dispute.outcome = outcome;
  save(ctx, dispute);
  ctx.world.deadlines.clear(dispute.id);
  ctx.world.books.settle(dispute.id, 'dispute', isLost ? 'succeeded' : 'failed');
  if (dispute.stage === 'CHARGEBACK') move(ctx, dispute, 'holdReleased');
  if (isLost) move(ctx, dispute, 'chargeback');
  announce(ctx, dispute, 'CUSTOMER.DISPUTE.RESOLVED');
  if (!isLost) return;
  const capture = findKnown(ctx, 'capture', dispute.captureId);
  emit(ctx, 'PAYMENT.CAPTURE.REVERSED', {
    resource: showCapture(ctx, capture),
    objectId: capture.id,
    resourceType: 'capture',
    summary: 'A payment was reversed on you.',
  });
}

function move(
  ctx: PaypalContext,
  dispute: DisputeRecord,
  kind: 'hold' | 'holdReleased' | 'chargeback',
): void {
  const capture = findKnown(ctx, 'capture', dispute.captureId);
  recordMovement(ctx, {
    transactionId: null,
    kind,
    reference: { type: 'TXN', id: dispute.captureId },
    amountMinor: kind === 'holdReleased' ? dispute.amountMinor : -dispute.amountMinor,
    currency: dispute.currency,
    invoiceId: capture.invoiceId,
    customId: capture.customId,
  });
}

function announce(ctx: PaypalContext, dispute: DisputeRecord, type: string): void {
  emit(ctx, type, {
    resource: showDispute(ctx, dispute),
    objectId: dispute.id,
    resourceType: 'dispute',
    summary: `A dispute is ${dispute.status.toLowerCase().replaceAll('_', ' ')}`,
  });
}

function summarize(ctx: PaypalContext, dispute: DisputeRecord): JsonObject {
  const isWaiting = dispute.status === 'WAITING_FOR_SELLER_RESPONSE';
  return {
    dispute_id: dispute.id,
    create_time: isoTime(dispute.createdAtMs),
    update_time: isoTime(dispute.updatedAtMs),
    reason: dispute.reason,
    status: dispute.status,
    dispute_state: stateOf(dispute),
    dispute_amount: showAmount(dispute),
    dispute_life_cycle_stage: dispute.stage,
    dispute_channel: 'INTERNAL',
    ...(isWaiting ? { seller_response_due_date: isoTime(dispute.responseDueAtMs) } : {}),
    links: [link(ctx, 'self', { path: `/v1/customer/disputes/${dispute.id}` })],
  };
}

function showDispute(ctx: PaypalContext, dispute: DisputeRecord): JsonObject {
  const capture = findKnown(ctx, 'capture', dispute.captureId);
  const order = findKnown(ctx, 'order', dispute.orderId);
  const disputed: JsonObject = {
    buyer_transaction_id: capture.id,
    seller_transaction_id: capture.id,
    create_time: isoTime(capture.createdAtMs),
    transaction_status: 'COMPLETED',
    gross_amount: showAmount(capture),
    ...(capture.invoiceId === null ? {} : { invoice_number: capture.invoiceId }),
    ...(capture.customId === null ? {} : { custom: capture.customId }),
    buyer: order.payer === null ? {} : { name: textOf(showPayer(order.payer)['email_address']) },
    seller: { merchant_id: MERCHANT.merchant_id, email: MERCHANT.email_address },
    seller_protection_eligible: true,
  };
  const refunded = showAmount(dispute);
  const outcome: JsonObject =
    dispute.outcome === null
      ? {}
      : {
          dispute_outcome: {
            outcome_code: dispute.outcome,
            ...(dispute.outcome === 'RESOLVED_BUYER_FAVOUR' ? { amount_refunded: refunded } : {}),
          },
        };
  const { links, ...summary } = summarize(ctx, dispute);
  return {
    ...summary,
    disputed_transactions: [disputed],
    ...outcome,
    evidences: dispute.evidences.map((evidence) => ({ ...evidence })),
    links: [...(Array.isArray(links) ? links : []), ...actionLinks(ctx, dispute)],
  };
}

function actionLinks(ctx: PaypalContext, dispute: DisputeRecord): Json[] {
  if (dispute.status !== 'WAITING_FOR_SELLER_RESPONSE') return [];
  const path = `/v1/customer/disputes/${dispute.id}`;
  return [
    link(ctx, 'accept_claim', { path: `${path}/accept-claim`, method: 'POST' }),
    link(ctx, 'provide_evidence', { path: `${path}/provide-evidence`, method: 'POST' }),
  ];
}

function stateOf(dispute: DisputeRecord): string {
  if (dispute.status === 'RESOLVED') return 'RESOLVED';
  if (dispute.status === 'UNDER_REVIEW') return 'UNDER_PAYPAL_REVIEW';
  return dispute.stage === 'INQUIRY' ? 'OPEN_INQUIRIES' : 'REQUIRED_ACTION';
}

function evidencesOf(body: JsonObject): JsonObject[] {
  const list = body['evidences'];
  const evidences = Array.isArray(list) ? list.filter(isJsonObject) : [body];
  if (evidences.some((evidence) => typeof evidence['evidence_type'] === 'string')) return evidences;
  throw invalidRequest('MISSING_REQUIRED_PARAMETER', { field: '/evidences/0/evidence_type' });
}

function selfLinks(ctx: PaypalContext, dispute: DisputeRecord): JsonObject {
  return { links: [link(ctx, 'self', { path: `/v1/customer/disputes/${dispute.id}` })] };
}

function pagePath(query: URLSearchParams, skipped: number): string {
  const page = new URLSearchParams(query);
  if (skipped > 0) page.set('next_page_token', String(skipped));
  return `/v1/customer/disputes?${page.toString()}`;
}

function notAllowed(): PaypalError {
  const description = 'Action not allowed in current dispute state.';
  return new PaypalError(
    {
      status: 422,
      name: 'UNPROCESSABLE_ENTITY',
      message:
        'The requested action could not be performed, semantically incorrect, or failed business validation.',
    },
    { details: [{ issue: 'ACTION_NOT_ALLOWED_IN_CURRENT_DISPUTE_STATE', description }] },
  );
}
