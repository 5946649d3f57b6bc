/**
 * Captures: taking the money of an order, at once or from its authorization, and what becomes of one
 * that is pending. Owns the books' rows of captures.
 * Source: PayPal REST API specifications, payments_payment_v2.
 */
import {
  findKnown,
  insert,
  newId,
  PROCESSOR,
  save,
  stamps,
  type PaypalContext,
} from './context.ts';
import { openDispute } from './disputes.ts';
import { emit, spoken } from './events.ts';
import { feeMinor, showAmount } from './money.ts';
import type { AuthorizationRecord, CaptureRecord, OrderRecord } from './records.ts';
import { recordMovement, settleMovement } from './statement.ts';
import { knownPayer } from './test-payers.ts';
import { showCapture } from './wire.ts';

/** How long a pending capture takes on the virtual clock. */
const SETTLEMENT_SECONDS = 600;

/** What is to be taken, of which order. */
export interface Taking {
  readonly order: OrderRecord;
  readonly authorization: AuthorizationRecord | null;
  readonly amountMinor: number;
  readonly isFinal: boolean;
  readonly invoiceId: string | null;
}

const STATUS_BY_EFFECT = {
  works: 'COMPLETED',
  refused_late: 'COMPLETED',
  pending: 'PENDING',
  declined_later: 'PENDING',
  declined: 'DECLINED',
} as const;

const BOOK_STATUS = { COMPLETED: 'succeeded', PENDING: 'pending', DECLINED: 'failed' } as const;

/** Takes the money as its payer lets it happen. The caller has checked that it may be taken. */
export function takeMoney(ctx: PaypalContext, taking: Taking): CaptureRecord {
  const { order, authorization } = taking;
  const status = STATUS_BY_EFFECT[knownPayer(order.payer).capture];
  const capture = makeCapture(ctx, taking, status);
  insert(ctx, capture, { parentId: order.id });
  order.captureIds.push(capture.id);
  save(ctx, order);
  ctx.world.books.write({
    processor: PROCESSOR,
    id: capture.id,
    kind: 'capture',
    amountMinor: capture.amountMinor,
    currency: capture.currency.toLowerCase(),
    status: BOOK_STATUS[status],
    of: order.id,
    paymentId: order.id,
  });
  if (status === 'DECLINED') {
    announce(ctx, capture, 'PAYMENT.CAPTURE.DECLINED');
    return capture;
  }
  recordMovement(ctx, {
    transactionId: capture.id,
    kind: 'capture',
    reference: authorization
      ? { type: 'TXN', id: authorization.id }
      : { type: 'ODR', id: order.id },
    amountMinor: capture.amountMinor,
    feeMinor: capture.feeMinor,
    currency: capture.currency,
    isPending: status === 'PENDING',
    invoiceId: capture.invoiceId,
    customId: capture.customId,
  });
  if (status === 'PENDING') {
    ctx.world.deadlines.set('paypal:capture', capture.id, SETTLEMENT_SECONDS);
    announce(ctx, capture, 'PAYMENT.CAPTURE.PENDING');
  } else completed(ctx, capture);
  return capture;
}

/** A pending capture comes to its end; called by the virtual clock. */
export function settleCapture(ctx: PaypalContext, id: string): void {
  const capture = findKnown(ctx, 'capture', id);
  if (capture.status !== 'PENDING') return;
  const order = findKnown(ctx, 'order', capture.orderId);
  const isTaken = knownPayer(order.payer).capture === 'pending';
  capture.status = isTaken ? 'COMPLETED' : 'DECLINED';
  save(ctx, capture);
  ctx.world.books.settle(capture.id, 'capture', isTaken ? 'succeeded' : 'failed');
  settleMovement(ctx, capture.id, isTaken ? 'S' : 'D');
  if (isTaken) {
    completed(ctx, capture);
    return;
  }
  reserveAgain(ctx, order, capture);
  announce(ctx, capture, 'PAYMENT.CAPTURE.DECLINED');
}

/** What a pending capture held and did not get is reserved as before, until it is voided or lapses. */
function reserveAgain(ctx: PaypalContext, order: OrderRecord, capture: CaptureRecord): void {
  for (const id of order.authorizationIds) {
    const authorization = findKnown(ctx, 'authorization', id);
    if (authorization.status === 'VOIDED') continue;
    authorization.capturedMinor -= capture.amountMinor;
    authorization.status = authorization.capturedMinor > 0 ? 'PARTIALLY_CAPTURED' : 'CREATED';
    save(ctx, authorization);
    settleMovement(ctx, id, 'P');
  }
}

function completed(ctx: PaypalContext, capture: CaptureRecord): void {
  announce(ctx, capture, 'PAYMENT.CAPTURE.COMPLETED');
  const order = findKnown(ctx, 'order', capture.orderId);
  const { dispute } = knownPayer(order.payer);
  if (dispute !== null) {
    openDispute(ctx, capture, { kind: dispute, amountMinor: capture.amountMinor });
  }
}

function makeCapture(
  ctx: PaypalContext,
  taking: Taking,
  status: CaptureRecord['status'],
): CaptureRecord {
  const { order, authorization, amountMinor } = taking;
  const { currency } = order;
  return {
    id: newId(ctx),
    kind: 'capture',
    ...stamps(ctx),
    orderId: order.id,
    authorizationId: authorization?.id ?? null,
    status,
    amountMinor,
    currency,
    feeMinor: feeMinor({ amountMinor, currency }),
    refundedMinor: 0,
    isFinal: taking.isFinal,
    customId: order.customId,
    invoiceId: taking.invoiceId,
    createdVirtualSeconds: ctx.world.clock.virtualSeconds(),
    disputeId: null,
  };
}

function announce(ctx: PaypalContext, capture: CaptureRecord, type: string): void {
  const word = type.slice(type.lastIndexOf('.') + 1).toLowerCase();
  emit(ctx, type, {
    resource: showCapture(ctx, capture),
    objectId: capture.id,
    resourceType: 'capture',
    summary: `Payment ${word} for ${spoken(showAmount(capture))}`,
  });
}
