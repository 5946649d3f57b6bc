/**
 * What every call to PayPal has in common: reading an answer into an object, an order with its disputes, the shape of an
 * id, the pages a payer may be sent to. It decides nothing about money. Used by gateway.ts, recurring.ts and listing.ts.
 */
import type { z } from 'zod';
import type { ProcessorDispute, ProcessorReply } from '../../domain/payment/processor-reply.ts';
import type { PaypalAnswer, PaypalSession } from './client.ts';
import { replyOfFailure } from './errors.ts';
import {
  isTaken,
  paymentsOf,
  toDispute,
  toPayment,
  unitOf,
  type PayerHostCheck,
} from './mapping.ts';
import { disputeListSchema, disputeSchema, orderSchema, type Order } from './wire.ts';

/** What the calls of one gateway run on. */
export interface PaypalCalls {
  /** Calls of one method, under one deadline. */
  readonly session: () => PaypalSession;
  readonly mayPayAt: PayerHostCheck;
  /** Where a payer returns to when the caller named no page. */
  readonly returnUrl: string;
  readonly nowMs: () => number;
}

/** What was read, or the answer that was no success. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly answer: PaypalAnswer };

/** Disputes that one transaction may have; more are left to a person. */
const DISPUTES_MAX = 10;

const NOT_PAYPAL: ProcessorReply = { kind: 'misconfigured', reason: 'unexpected_object' };

/** A text that is no id of PayPal's names no object; it must not become part of a path either. */
export async function withRef(
  ref: string,
  call: () => Promise<ProcessorReply>,
): Promise<ProcessorReply> {
  return /^[A-Za-z0-9_-]{1,64}$/.test(ref) ? call() : { kind: 'missing' };
}

/** The object of a successful answer. A success that is another object is our address's fault, not the payer's. */
export function readAnswer<T>(schema: z.ZodType<T>, answer: PaypalAnswer): Read<T> {
  if (answer.kind !== 'answer' || answer.status >= 300) return { ok: false, answer };
  const parsed = schema.safeParse(answer.body);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, answer: { kind: 'refused', reason: 'unexpected_object' } };
}

/** The order by its id. */
export async function readOrder(session: PaypalSession, ref: string): Promise<Read<Order>> {
  return readAnswer(orderSchema, await session({ method: 'GET', path: orderPath(ref) }));
}

export function orderPath(ref: string): string {
  return `/v2/checkout/orders/${ref}`;
}

/** The reply for an order that was just changed: nobody can have disputed it yet. */
export function paymentReply({ mayPayAt }: PaypalCalls, order: Order): ProcessorReply {
  return { kind: 'payment', payment: toPayment(order, { mayPayAt, disputes: [] }) };
}

/** The reply for an answer that should be an order. */
export function orderReply(calls: PaypalCalls, answer: PaypalAnswer): ProcessorReply {
  const order = readAnswer(orderSchema, answer);
  return order.ok ? paymentReply(calls, order.value) : replyOfFailure(order.answer);
}

/**
 * An order with what payers object to. PayPal's order does not tell of disputes, so money that was taken costs a second
 * call. Where that one fails the whole look does: to say that there are none would be a guess.
 */
export async function fetchPayment(calls: PaypalCalls, ref: string): Promise<ProcessorReply> {
  const session = calls.session();
  const order = await readOrder(session, ref);
  if (!order.ok) return replyOfFailure(order.answer);
  const { captures } = paymentsOf(unitOf(order.value));
  const disputes: ProcessorDispute[] = [];
  for (const { id } of captures.filter(isTaken)) {
    const found = await readDisputes(session, id);
    if (!Array.isArray(found)) return found;
    disputes.push(...found);
  }
  const { mayPayAt } = calls;
  return { kind: 'payment', payment: toPayment(order.value, { mayPayAt, disputes }) };
}

async function readDisputes(
  session: PaypalSession,
  captureId: string,
): Promise<ProcessorDispute[] | ProcessorReply> {
  const path = `/v1/customer/disputes?disputed_transaction_id=${encodeURIComponent(captureId)}`;
  const list = readAnswer(disputeListSchema, await session({ method: 'GET', path }));
  if (!list.ok) return disputesUnread(replyOfFailure(list.answer));
  const disputes: ProcessorDispute[] = [];
  // A row of the list does not say how a dispute ended.
  for (const { dispute_id: id } of list.value.items.slice(0, DISPUTES_MAX)) {
    const answer = await session({
      method: 'GET',
      path: `/v1/customer/disputes/${encodeURIComponent(id)}`,
    });
    const dispute = readAnswer(disputeSchema, answer);
    if (!dispute.ok) return disputesUnread(replyOfFailure(dispute.answer));
    disputes.push(toDispute(dispute.value));
  }
  return disputes;
}

/** The payment itself was found, so that its disputes are not is never `missing`. */
function disputesUnread(reply: ProcessorReply): ProcessorReply {
  return 'reason' in reply ? { ...reply, reason: `disputes: ${reply.reason}` } : NOT_PAYPAL;
}
