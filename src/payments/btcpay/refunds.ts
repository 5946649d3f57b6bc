/**
 * Refunds at BTCPay: a pull payment of our sum in the invoice's currency, which the payer claims. BTCPay limits neither
 * their sum nor their number, so both are checked here. Owns no state; called by gateway.ts.
 */
import type { PaymentGateway } from '../../application/ports.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import type { BtcpaySession } from './client.ts';
import { fromMinor } from './decimal.ts';
import { getInvoice, isInvoiceId, viewOf, type BtcpayCalls } from './invoices.ts';
import { exponentOf, toPayment } from './mapping.ts';
import {
  descriptionOf,
  payoutsOf,
  pullPaymentFor,
  readAllPullPayments,
  toRefund,
} from './pull-payments.ts';
import { readPullPayment, type Invoice, type PullPayment } from './shapes.ts';

type RefundRequest = Parameters<PaymentGateway['refund']>[0];

const PULL_PAYMENT_ID = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Makes a refund once per refund id. Refusals: missing; another sum under a used id, more than is left, or a payment
 * without money are misconfigured; nothing left is already_done.
 */
export async function refundInvoice(
  calls: BtcpayCalls,
  request: RefundRequest,
): Promise<ProcessorReply> {
  const { ref, refundId, amountMinor } = request;
  if (!isInvoiceId(ref)) return { kind: 'missing' };
  const session = calls.client.session();
  const invoice = await getInvoice(calls, session, ref);
  const all = await readAllPullPayments(calls.client, session);
  const known = pullPaymentFor({ invoiceId: ref, refundId }, all);
  if (known !== null) return answerKnown(session, known, amountMinor);
  const refused = await refusalOf(calls, session, { invoice, amountMinor });
  if (refused !== null) return refused;
  const body = {
    name: refundId,
    description: descriptionOf(ref),
    refundVariant: 'Custom',
    customAmount: fromMinor(amountMinor, exponentOf(invoice.currency)),
    customCurrency: invoice.currency.toUpperCase(),
  };
  const path = `${calls.client.store}/invoices/${ref}/refund`;
  const made = readPullPayment(await session.post(path, body));
  return { kind: 'refund', refund: toRefund(made, []) };
}

/** A refund by our own id. The list of pull payments is whole, so what is not in it does not exist. */
export async function findRefund(
  calls: BtcpayCalls,
  request: { readonly ref: string; readonly refundId: string },
): Promise<ProcessorReply> {
  const session = calls.client.session();
  const all = await readAllPullPayments(calls.client, session);
  const known = pullPaymentFor({ invoiceId: request.ref, refundId: request.refundId }, all);
  return known === null ? { kind: 'missing' } : refundReply(session, known);
}

export async function fetchRefund(calls: BtcpayCalls, ref: string): Promise<ProcessorReply> {
  if (!PULL_PAYMENT_ID.test(ref)) return { kind: 'missing' };
  const session = calls.client.session();
  return refundReply(session, readPullPayment(await session.get(`/pull-payments/${ref}`)));
}

async function answerKnown(
  session: BtcpaySession,
  known: PullPayment,
  amountMinor: number,
): Promise<ProcessorReply> {
  const reply = await refundReply(session, known);
  const isSame = reply.kind === 'refund' && reply.refund.amountMinor === amountMinor;
  return isSame ? reply : { kind: 'misconfigured', reason: 'another_amount_under_a_used_refund' };
}

async function refundReply(session: BtcpaySession, known: PullPayment): Promise<ProcessorReply> {
  return { kind: 'refund', refund: toRefund(known, await payoutsOf(session, known.id)) };
}

async function refusalOf(
  calls: BtcpayCalls,
  session: BtcpaySession,
  asked: { readonly invoice: Invoice; readonly amountMinor: number },
): Promise<ProcessorReply | null> {
  const view = await viewOf(calls, session, asked.invoice);
  const { capturedMinor, refundedMinor } = toPayment(view);
  if (capturedMinor === 0) return { kind: 'misconfigured', reason: 'nothing_was_captured' };
  const leftMinor = capturedMinor - refundedMinor;
  if (leftMinor <= 0) return { kind: 'already_done' };
  return asked.amountMinor > leftMinor
    ? { kind: 'misconfigured', reason: 'refund_exceeds_captured' }
    : null;
}
