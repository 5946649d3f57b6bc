/**
 * Authorizations: reserved money that is captured, voided, renewed or lapses. A reauthorisation shares
 * the reservation of the authorization it renews. Owns the books' rows of authorizations and voids.
 * Source: PayPal REST API specifications, payments_payment_v2.
 */
import type { JsonObject } from '../json.ts';
import { textAt } from './body.ts';
import { takeMoney } from './captures.ts';
import {
  findAddressed,
  findKnown,
  insert,
  newId,
  nowMs,
  PROCESSOR,
  save,
  stamps,
  type PaypalContext,
} from './context.ts';
import { unprocessable } from './errors.ts';
import { emit, spoken } from './events.ts';
import { claimInvoice } from './invoices.ts';
import { readAmount, showAmount } from './money.ts';
import type { AuthorizationRecord, CaptureRecord, OrderRecord } from './records.ts';
import { recordMovement, settleMovement } from './statement.ts';
import { knownPayer } from './test-payers.ts';
import { showAuthorization } from './wire.ts';

const DAY_SECONDS = 86_400;
const LIFETIME_SECONDS = 29 * DAY_SECONDS;
/** Within this time a capture is as good as certain. */
const HONOR_SECONDS = 3 * DAY_SECONDS;
/** How long an authorization under review takes on the virtual clock. */
const REVIEW_SECONDS = 600;

/** Reserves the whole amount of an order, as its payer lets it happen. */
export function reserve(ctx: PaypalContext, order: OrderRecord): AuthorizationRecord {
  const isReviewed = knownPayer(order.payer).funding !== 'works';
  const authorization: AuthorizationRecord = {
    id: newId(ctx),
    kind: 'authorization',
    ...stamps(ctx),
    orderId: order.id,
    parentId: null,
    status: isReviewed ? 'PENDING' : 'CREATED',
    isExpired: false,
    amountMinor: order.amountMinor,
    currency: order.currency,
    capturedMinor: 0,
    expiresAtMs: nowMs(ctx) + LIFETIME_SECONDS * 1000,
    createdVirtualSeconds: ctx.world.clock.virtualSeconds(),
  };
  insert(ctx, authorization, { parentId: order.id });
  order.authorizationIds.push(authorization.id);
  save(ctx, order);
  write(ctx, authorization, {
    kind: 'authorization',
    amountMinor: authorization.amountMinor,
    status: isReviewed ? 'pending' : 'succeeded',
  });
  recordMovement(ctx, {
    transactionId: authorization.id,
    kind: 'authorization',
    reference: { type: 'ODR', id: order.id },
    amountMinor: authorization.amountMinor,
    currency: authorization.currency,
    isPending: true,
    invoiceId: order.invoiceId,
    customId: order.customId,
  });
  if (isReviewed) {
    ctx.world.deadlines.set('paypal:authorization_review', authorization.id, REVIEW_SECONDS);
  }
  ctx.world.deadlines.set('paypal:authorization', authorization.id, LIFETIME_SECONDS);
  announce(ctx, authorization, 'PAYMENT.AUTHORIZATION.CREATED');
  return authorization;
}

/** POST …/capture. Errors: 422 by state, amount, currency, invoice and payer. */
export function captureAuthorization(
  ctx: PaypalContext,
  id: string,
  body: JsonObject,
): CaptureRecord {
  const authorization = findAddressed(ctx, 'authorization', id);
  const order = findKnown(ctx, 'order', authorization.orderId);
  checkCapturable(authorization);
  checkHonored(ctx, authorization, order);
  const root = rootOf(ctx, authorization);
  const openMinor = root.amountMinor - root.capturedMinor;
  const amountMinor = captureAmount(body, authorization, openMinor);
  const isFinal = body['final_capture'] === true;
  const invoiceId = textAt(body, 'invoice_id', { max: 127 });
  claimInvoice(ctx, { use: 'payment', invoiceId, ownerId: order.id });
  const capture = takeMoney(ctx, {
    order,
    authorization,
    amountMinor,
    isFinal,
    invoiceId: invoiceId ?? order.invoiceId,
  });
  if (capture.status === 'DECLINED') return capture;
  const isWhole = isFinal || amountMinor === openMinor;
  for (const member of family(ctx, order)) {
    member.capturedMinor += amountMinor;
    member.status = isWhole ? 'CAPTURED' : 'PARTIALLY_CAPTURED';
    save(ctx, member);
    if (isWhole) settleMovement(ctx, member.id, 'S');
  }
  return capture;
}

/** POST …/void: releases what was not captured. Errors: 422 by state. */
export function voidAuthorization(ctx: PaypalContext, id: string): AuthorizationRecord {
  const authorization = findAddressed(ctx, 'authorization', id);
  if (authorization.status === 'CAPTURED') throw unprocessable('PREVIOUSLY_CAPTURED');
  if (authorization.status === 'VOIDED') throw unprocessable('PREVIOUSLY_VOIDED');
  const isRoot = authorization.parentId === null;
  if (!isRoot || authorization.status === 'DENIED') throw unprocessable('CANNOT_BE_VOIDED');
  release(ctx, authorization, { isExpired: false });
  return findKnown(ctx, 'authorization', id);
}

/** POST …/reauthorize: a new honour period, once, from the fourth day on. Errors: 422. */
export function reauthorize(ctx: PaypalContext, id: string, body: JsonObject): AuthorizationRecord {
  const root = findAddressed(ctx, 'authorization', id);
  checkCapturable(root);
  if (root.parentId !== null) throw unprocessable('REAUTHORIZATION_NOT_SUPPORTED');
  const order = findKnown(ctx, 'order', root.orderId);
  const ageSeconds = ctx.world.clock.virtualSeconds() - root.createdVirtualSeconds;
  const isRenewed = order.authorizationIds.length > 1;
  if (ageSeconds < HONOR_SECONDS || isRenewed) throw unprocessable('REAUTHORIZATION_TOO_SOON');
  const amount = body['amount'] === undefined ? root : readAmount(body['amount'], '/amount');
  if (amount.amountMinor !== root.amountMinor || amount.currency !== root.currency) {
    throw unprocessable('REAUTHORIZATION_NOT_SUPPORTED');
  }
  const renewed: AuthorizationRecord = {
    ...root,
    id: newId(ctx),
    ...stamps(ctx),
    parentId: root.id,
    createdVirtualSeconds: ctx.world.clock.virtualSeconds(),
  };
  insert(ctx, renewed, { parentId: order.id });
  order.authorizationIds.push(renewed.id);
  save(ctx, order);
  announce(ctx, renewed, 'PAYMENT.AUTHORIZATION.CREATED');
  return renewed;
}

/** A reservation reached its 29 days; called by the virtual clock. */
export function expireAuthorization(ctx: PaypalContext, id: string): void {
  const authorization = findKnown(ctx, 'authorization', id);
  const { status } = authorization;
  if (status === 'CREATED' || status === 'PENDING' || status === 'PARTIALLY_CAPTURED') {
    release(ctx, authorization, { isExpired: true });
  }
}

/** A review ends; called by the virtual clock. */
export function settleReview(ctx: PaypalContext, id: string): void {
  const authorization = findKnown(ctx, 'authorization', id);
  if (authorization.status !== 'PENDING') return;
  const order = findKnown(ctx, 'order', authorization.orderId);
  const isDenied = knownPayer(order.payer).funding === 'denied_after_review';
  authorization.status = isDenied ? 'DENIED' : 'CREATED';
  save(ctx, authorization);
  ctx.world.books.settle(authorization.id, 'authorization', isDenied ? 'failed' : 'succeeded');
  if (!isDenied) {
    announce(ctx, authorization, 'PAYMENT.AUTHORIZATION.CREATED');
    return;
  }
  ctx.world.deadlines.clear(authorization.id);
  settleMovement(ctx, authorization.id, 'D');
  announce(ctx, authorization, 'PAYMENT.AUTHORIZATION.VOIDED');
}

function release(
  ctx: PaypalContext,
  root: AuthorizationRecord,
  end: { readonly isExpired: boolean },
): void {
  const order = findKnown(ctx, 'order', root.orderId);
  const openMinor = root.amountMinor - root.capturedMinor;
  for (const member of family(ctx, order)) {
    member.status = 'VOIDED';
    member.isExpired = end.isExpired;
    save(ctx, member, end.isExpired ? Math.max(nowMs(ctx), member.expiresAtMs) : undefined);
    settleMovement(ctx, member.id, 'V');
  }
  if (root.capturedMinor === 0) {
    order.status = 'VOIDED';
    save(ctx, order);
  }
  ctx.world.deadlines.clear(root.id);
  // What was still under review never was reserved.
  if (root.status === 'PENDING') ctx.world.books.settle(root.id, 'authorization', 'failed');
  write(ctx, root, { kind: 'void', amountMinor: openMinor, status: 'succeeded' });
  const voided = findKnown(ctx, 'authorization', root.id);
  announce(ctx, voided, 'PAYMENT.AUTHORIZATION.VOIDED');
}

function checkCapturable(authorization: AuthorizationRecord): void {
  if (authorization.isExpired) throw unprocessable('AUTHORIZATION_EXPIRED');
  if (authorization.status === 'VOIDED') throw unprocessable('AUTHORIZATION_VOIDED');
  if (authorization.status === 'DENIED') throw unprocessable('AUTHORIZATION_DENIED');
  if (authorization.status === 'CAPTURED') throw unprocessable('AUTHORIZATION_ALREADY_CAPTURED');
  if (authorization.status === 'PENDING') throw unprocessable('TRANSACTION_REFUSED');
}

/** Beyond the honour period the payer's bank may refuse, and this payer's does. */
function checkHonored(
  ctx: PaypalContext,
  authorization: AuthorizationRecord,
  order: OrderRecord,
): void {
  if (knownPayer(order.payer).capture !== 'refused_late') return;
  const ageSeconds = ctx.world.clock.virtualSeconds() - authorization.createdVirtualSeconds;
  if (ageSeconds >= HONOR_SECONDS) throw unprocessable('TRANSACTION_REFUSED');
}

function captureAmount(
  body: JsonObject,
  authorization: AuthorizationRecord,
  openMinor: number,
): number {
  if (body['amount'] === undefined) return openMinor;
  const amount = readAmount(body['amount'], '/amount');
  if (amount.currency !== authorization.currency) {
    throw unprocessable('AUTH_CAPTURE_CURRENCY_MISMATCH', { field: '/amount/currency_code' });
  }
  if (amount.amountMinor <= openMinor) return amount.amountMinor;
  throw unprocessable('MAX_CAPTURE_AMOUNT_EXCEEDED', { field: '/amount/value' });
}

/** Every authorization of the reservation, the first one first. */
function family(ctx: PaypalContext, order: OrderRecord): AuthorizationRecord[] {
  return order.authorizationIds.map((id) => findKnown(ctx, 'authorization', id));
}

function rootOf(ctx: PaypalContext, authorization: AuthorizationRecord): AuthorizationRecord {
  const { parentId } = authorization;
  return parentId === null ? authorization : findKnown(ctx, 'authorization', parentId);
}

function write(
  ctx: PaypalContext,
  authorization: AuthorizationRecord,
  row: {
    readonly kind: 'authorization' | 'void';
    readonly amountMinor: number;
    readonly status: 'pending' | 'succeeded';
  },
): void {
  ctx.world.books.write({
    processor: PROCESSOR,
    id: authorization.id,
    ...row,
    currency: authorization.currency.toLowerCase(),
    of: authorization.orderId,
    paymentId: authorization.orderId,
  });
}

function announce(ctx: PaypalContext, authorization: AuthorizationRecord, type: string): void {
  const word = type.endsWith('VOIDED') ? 'voided' : 'created';
  emit(ctx, type, {
    resource: showAuthorization(ctx, authorization),
    objectId: authorization.id,
    resourceType: 'authorization',
    summary: `A payment authorization was ${word} for ${spoken(showAmount(authorization))}`,
  });
}
