/**
 * Refunds: partial, many, never more than was captured. The two refund test cards settle on the
 * virtual clock. Source: Stripe API reference, "Refunds".
 */
import type { JsonObject } from '../json.ts';
import { recordMovement } from './balance.ts';
import {
  find,
  findAddressed,
  findKnown,
  findReferenced,
  insert,
  newId,
  now,
  save,
  type StripeContext,
} from './context.ts';
import { invalidParameter, invalidRequest, refusedByState } from './errors.ts';
import { emit } from './events.ts';
import { listObjects, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';
import { natureOf } from './payment-methods.ts';
import type { ChargeObject, RefundObject } from './shapes.ts';

/** How long the refund test cards take on the virtual clock. */
const SETTLEMENT_SECONDS = 600;

/** Parameters of POST /v1/refunds. */
export const REFUND_CREATE_RULES: ParameterRules = {
  amount: 'integer',
  charge: 'text',
  currency: 'unserved',
  customer: 'unserved',
  expand: 'texts',
  instructions_email: 'text',
  metadata: 'metadata',
  origin: 'unserved',
  payment_intent: 'text',
  reason: { oneOf: ['duplicate', 'fraudulent', 'requested_by_customer'] },
  refund_application_fee: 'unserved',
  reverse_transfer: 'unserved',
};

/** Parameters of POST /v1/refunds/{id}. */
export const REFUND_UPDATE_RULES: ParameterRules = { expand: 'texts', metadata: 'metadata' };

/** Parameters of GET /v1/refunds beside those of every list. */
export const REFUND_LIST_RULES: ParameterRules = { charge: 'text', payment_intent: 'text' };

/** POST /v1/refunds. Errors: not captured, already refunded, too much, disputed. */
export function createRefund(ctx: StripeContext, parameters: Parameters): object {
  const charge = refundedCharge(ctx, parameters);
  checkRefundable(ctx, charge);
  const openMinor = charge.amount_captured - charge.amount_refunded;
  const amountMinor = parameters.integer('amount') ?? openMinor;
  checkRefundAmount(charge, amountMinor);
  const { refund: effect } = natureOf(ctx, charge.payment_method).card;
  const refund = makeRefund(ctx, charge, { amountMinor, parameters });
  charge.amount_refunded += amountMinor;
  charge.refunded = charge.amount_refunded === charge.amount_captured;
  save(ctx, charge);
  if (effect === 'pending') {
    refund.status = 'pending';
    refund.pending_reason = 'processing';
  } else {
    refund.balance_transaction = bookMovement(ctx, refund, 'refund');
  }
  insert(ctx, refund, { parentId: charge.payment_intent });
  ctx.world.books.write({
    processor: 'stripe',
    id: refund.id,
    kind: 'refund',
    amountMinor,
    currency: charge.currency,
    status: effect === 'pending' ? 'pending' : 'succeeded',
    of: charge.payment_intent,
    paymentId: charge.payment_intent,
  });
  if (effect !== 'succeeds') {
    ctx.world.deadlines.set('stripe:refund', refund.id, SETTLEMENT_SECONDS);
  }
  emit(ctx, 'charge.refunded', { object: charge });
  emit(ctx, 'refund.created', { object: refund });
  return refund;
}

/** POST /v1/refunds/{id}: metadata only. */
export function updateRefund(ctx: StripeContext, id: string, parameters: Parameters): object {
  const refund = findAddressed(ctx, 'refund', id);
  refund.metadata = parameters.mergeMetadata(refund.metadata);
  save(ctx, refund);
  return refund;
}

/** GET /v1/refunds. */
export function listRefunds(ctx: StripeContext, parameters: Parameters, page: Page): JsonObject {
  const chargeId = parameters.text('charge');
  const parentId =
    parameters.text('payment_intent') ??
    (chargeId === null ? undefined : (find(ctx, 'charge', chargeId)?.payment_intent ?? chargeId));
  return listObjects(ctx, { kind: 'refund', page, parentId });
}

/** A refund of a refund test card comes to its end; called by the virtual clock. */
export function settleRefund(ctx: StripeContext, refundId: string): void {
  const refund = findKnown(ctx, 'refund', refundId);
  const previous = { status: refund.status };
  if (refund.status === 'pending') {
    refund.status = 'succeeded';
    delete refund.pending_reason;
    refund.balance_transaction = bookMovement(ctx, refund, 'refund');
    save(ctx, refund);
    ctx.world.books.settle(refund.id, 'refund', 'succeeded');
    emit(ctx, 'refund.updated', { object: refund, previous });
    return;
  }
  const charge = findKnown(ctx, 'charge', refund.charge);
  refund.status = 'failed';
  refund.failure_reason = 'expired_or_canceled_card';
  refund.failure_balance_transaction = bookMovement(ctx, refund, 'refund_failure');
  save(ctx, refund);
  charge.amount_refunded -= refund.amount;
  charge.refunded = false;
  save(ctx, charge);
  ctx.world.books.settle(refund.id, 'refund', 'failed');
  emit(ctx, 'refund.updated', { object: refund, previous });
  emit(ctx, 'refund.failed', { object: refund });
}

function refundedCharge(ctx: StripeContext, parameters: Parameters): ChargeObject {
  const intentId = parameters.text('payment_intent');
  const chargeId = parameters.text('charge');
  if (intentId === null && chargeId === null) {
    throw invalidParameter(
      'payment_intent',
      'parameter_missing',
      'One of the following params should be provided for this request: payment_intent or charge.',
    );
  }
  if (intentId === null) return findReferenced(ctx, 'charge', chargeId ?? '');
  const intent = findReferenced(ctx, 'payment_intent', intentId);
  const charge = intent.latest_charge === null ? null : find(ctx, 'charge', intent.latest_charge);
  if (charge?.captured) return charge;
  throw refusedByState(
    `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`,
    { code: 'payment_intent_unexpected_state', payment_intent: intent },
  );
}

function checkRefundable(ctx: StripeContext, charge: ChargeObject): void {
  if (!charge.captured) {
    throw refusedByState(`Charge ${charge.id} has not been captured.`, {
      code: 'charge_not_refundable',
      charge: charge.id,
    });
  }
  if (charge.disputed && isMoneyWithdrawn(ctx, charge)) {
    throw refusedByState(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
      charge: charge.id,
    });
  }
  if (charge.refunded) {
    throw refusedByState(`Charge ${charge.id} has already been refunded.`, {
      code: 'charge_already_refunded',
      charge: charge.id,
    });
  }
}

function isMoneyWithdrawn(ctx: StripeContext, charge: ChargeObject): boolean {
  const [dispute] = ctx.world.objects.list({
    processor: 'stripe',
    kind: 'dispute',
    limit: 1,
    parentId: charge.payment_intent,
  });
  const status = dispute?.['status'];
  return status === 'needs_response' || status === 'under_review' || status === 'lost';
}

function checkRefundAmount(charge: ChargeObject, amountMinor: number): void {
  const openMinor = charge.amount_captured - charge.amount_refunded;
  if (amountMinor < 1) {
    const message = 'Invalid positive integer';
    throw invalidParameter('amount', 'parameter_invalid_integer', message);
  }
  if (amountMinor <= openMinor) return;
  throw refusedByState(
    `Refund amount (${String(amountMinor)}) is greater than unrefunded amount on charge ` +
      `(${String(openMinor)}) in ${charge.currency}`,
    { param: 'amount', charge: charge.id },
  );
}

function makeRefund(
  ctx: StripeContext,
  charge: ChargeObject,
  facts: { readonly amountMinor: number; readonly parameters: Parameters },
): RefundObject {
  const email = facts.parameters.text('instructions_email');
  if (email !== null && !email.includes('@')) {
    throw invalidRequest('Invalid email address', 'instructions_email');
  }
  return {
    id: newId(ctx, 're'),
    object: 'refund',
    amount: facts.amountMinor,
    balance_transaction: null,
    charge: charge.id,
    created: now(ctx),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: {
      card: {
        reference_status: 'pending',
        reference_type: 'acquirer_reference_number',
        type: 'refund',
      },
      type: 'card',
    },
    metadata: facts.parameters.mergeMetadata({}),
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: facts.parameters.text('reason'),
    receipt_number: null,
    source_transfer_reversal: null,
    status: 'succeeded',
    transfer_reversal: null,
  };
}

function bookMovement(
  ctx: StripeContext,
  refund: RefundObject,
  type: 'refund' | 'refund_failure',
): string {
  return recordMovement(ctx, {
    type,
    category: type,
    amountMinor: type === 'refund' ? -refund.amount : refund.amount,
    feeMinor: 0,
    currency: refund.currency,
    source: refund.id,
    description: null,
    isImmediate: true,
  }).id;
}
