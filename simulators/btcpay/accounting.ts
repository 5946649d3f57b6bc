/**
 * Questions about an invoice that change nothing: what it received, what may be done with it. Must never write.
 * Called by the operations and the views of this folder.
 */
import type { JsonObject } from '../json.ts';
import { list, type BtcpayContext } from './context.ts';
import type { Invoice, Payment } from './shapes.ts';

/** What an invoice received so far, oldest first. */
export function paymentsOf(ctx: BtcpayContext, invoiceId: string): Payment[] {
  return list(ctx, 'btcpay_payment', { parentId: invoiceId }).toReversed();
}

/** Satoshis of those payments that count; a payment that was spent elsewhere does not. */
export function paidSatoshis(payments: readonly Payment[]): number {
  return accounted(payments).reduce((sum, { satoshis }) => sum + satoshis, 0);
}

/** Minor units that the payer meant those payments to be. */
export function paidMinor(payments: readonly Payment[]): number {
  return accounted(payments).reduce((sum, { amountMinor }) => sum + amountMinor, 0);
}

/** What a person may mark the invoice as now. */
export function markableStatuses(invoice: Invoice): ('Settled' | 'Invalid')[] {
  const { status } = invoice;
  const isOpen = status === 'New' || status === 'Processing' || status === 'Expired';
  if (isOpen) return ['Settled', 'Invalid'];
  if (status === 'Invalid') return ['Settled'];
  return invoice.additionalStatus === 'Marked' ? ['Invalid'] : [];
}

/** Whether a refund may be made: everything is over, and something may have been received. */
export function isRefundable(invoice: Invoice): boolean {
  if (invoice.status === 'Settled' || invoice.status === 'Invalid') return true;
  return invoice.status === 'Expired' && invoice.additionalStatus !== 'None';
}

/** The order that the metadata name, or null. */
export function orderIdOf(metadata: JsonObject): string | null {
  const { orderId } = metadata;
  return typeof orderId === 'string' || typeof orderId === 'number' ? String(orderId) : null;
}

function accounted(payments: readonly Payment[]): Payment[] {
  return payments.filter(({ status }) => status !== 'Invalid');
}
