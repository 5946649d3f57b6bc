/**
 * Translates BTCPay's invoices into the product's words. Pure: no calls, no clock.
 * What an invoice was paid is counted from its payments, in its own currency; a status alone names no sum.
 */
import type { ListedPayment, PaymentReference } from '../../application/ports.ts';
import { CURRENCY_EXPONENTS } from '../../domain/money.ts';
import type {
  ProcessorPayment,
  ProcessorPaymentState,
} from '../../domain/payment/processor-reply.ts';
import { SECOND_MS } from '../../domain/time.ts';
import { add, multiply, subtract, toMinor, ZERO } from './decimal.ts';
import { misconfigured } from './errors.ts';
import type { Invoice, PaymentMethod } from './shapes.ts';

/** What was sent for an invoice. */
export interface Received {
  /** Settled money in the invoice's currency, in minor units, rounded down once over all payments. */
  readonly settledMinor: number;
  /** Something was sent that is not certain yet. */
  readonly isInFlight: boolean;
}

/** What we attach to an invoice; `orderId` is what BTCPay finds it by. */
export function metadataOf(reference: PaymentReference): Record<string, string> {
  if ('bookingId' in reference) {
    const { bookingId, paymentId } = reference;
    return { orderId: paymentId, booking_id: bookingId, payment_id: paymentId };
  }
  const { subscriptionId, chargeId } = reference;
  return { orderId: chargeId, subscription_id: subscriptionId, charge_id: chargeId };
}

/** Our ids out of an invoice's metadata; null when it is somebody else's. */
export function referenceOf(metadata: Readonly<Record<string, string>>): PaymentReference | null {
  const { booking_id: bookingId, payment_id: paymentId } = metadata;
  if (bookingId !== undefined && paymentId !== undefined) return { bookingId, paymentId };
  const { subscription_id: subscriptionId, charge_id: chargeId } = metadata;
  return subscriptionId !== undefined && chargeId !== undefined
    ? { subscriptionId, chargeId }
    : null;
}

/** Decimals of a currency on sale. Errors: another currency is a CallFailure. */
export function exponentOf(currency: string): number {
  const exponent = Object.hasOwn(CURRENCY_EXPONENTS, currency)
    ? CURRENCY_EXPONENTS[currency]
    : undefined;
  if (exponent === undefined) throw misconfigured('currency_not_supported');
  return exponent;
}

/**
 * What the payments of an invoice are worth in its currency. A payment counts by its value without the store's added
 * fee, at the rate that the invoice was made with.
 */
export function receivedFor(invoice: Invoice, methods: readonly PaymentMethod[]): Received {
  let settled = ZERO;
  let isInFlight = false;
  for (const { rate, payments } of methods) {
    for (const { value, fee, status } of payments) {
      isInFlight ||= status === 'Processing';
      if (status === 'Settled') settled = add(settled, multiply(subtract(value, fee), rate));
    }
  }
  return { settledMinor: toMinor(settled, exponentOf(invoice.currency)), isInFlight };
}

export const NOTHING_RECEIVED: Received = { settledMinor: 0, isInFlight: false };

/** States of an invoice in which its payments have to be read; in the others they change nothing. */
export function dependsOnPayments({ status }: Pick<Invoice, 'status'>): boolean {
  return status === 'Settled' || status === 'Expired' || status === 'Invalid';
}

/** An invoice with what was sent for it, and what of that was given back or promised back, in minor units. */
export interface InvoiceView {
  readonly invoice: Invoice;
  readonly received: Received;
  readonly refundedMinor: number;
}

/**
 * An invoice as a payment.
 * Shape: nothing is captured before the invoice is settled or over, so that a payer may still complete a part payment;
 * then `capturedMinor` is what was received, which may be less than the amount or more.
 * Source: BTCPay Server, Greenfield API, "Invoices".
 */
export function toPayment({ invoice, received, refundedMinor }: InvoiceView): ProcessorPayment {
  const state = stateOf(invoice, received);
  const capturedMinor = state === 'captured' ? capturedOf(invoice, received) : 0;
  return {
    ref: invoice.id,
    state,
    amountMinor: amountOf(invoice),
    currency: invoice.currency,
    authorizedMinor: capturedMinor,
    capturedMinor,
    refundedMinor,
    feeMinor: 0,
    disputes: [],
    captureBeforeMs: null,
    action: state === 'action_required' ? { type: 'redirect', url: invoice.checkoutLink } : null,
    methodRef: null,
    metadata: { ...invoice.metadata },
    declineCode: state === 'failed' ? 'invoice_invalid' : null,
  };
}

/** A row of the list. The sums are what the invoice itself says, without a look at its payments. */
export function toListedPayment({ invoice, received, refundedMinor }: InvoiceView): ListedPayment {
  const state = stateOf(invoice, received);
  return {
    ref: invoice.id,
    state: listedStateOf(state),
    reference: referenceOf(invoice.metadata),
    createdAtMs: invoice.createdSeconds * SECOND_MS,
    capturedMinor: state === 'captured' ? capturedOf(invoice, received) : 0,
    refundedMinor,
    currency: invoice.currency,
  };
}

/** A row of the list that is somebody else's: there, and without sums. */
export function toForeignRow(invoice: Invoice): ListedPayment {
  return {
    ref: invoice.id,
    state: listedStateOf(stateOf(invoice, NOTHING_RECEIVED)),
    reference: null,
    createdAtMs: invoice.createdSeconds * SECOND_MS,
    capturedMinor: 0,
    refundedMinor: 0,
    currency: invoice.currency,
  };
}

/** What the invoice asks for, in minor units. */
export function amountOf(invoice: Invoice): number {
  return toMinor(invoice.amount, exponentOf(invoice.currency));
}

function stateOf(invoice: Invoice, received: Received): ProcessorPaymentState {
  switch (invoice.status) {
    case 'New':
      return 'action_required';
    case 'Settled':
      return 'captured';
    case 'Expired':
      return stateOfEnded(received, 'expired');
    case 'Invalid':
      // Marked by us or by a person: ended. Else the money that was sent did not become certain in time.
      return stateOfEnded(received, invoice.additionalStatus === 'Marked' ? 'voided' : 'failed');
    case 'Processing':
    default:
      return 'pending';
  }
}

/** Money comes to an invoice that is over, too: BTCPay keeps the status, and the payments tell. */
function stateOfEnded(
  { settledMinor, isInFlight }: Received,
  ended: 'expired' | 'voided' | 'failed',
): ProcessorPaymentState {
  if (isInFlight) return 'pending';
  return settledMinor > 0 ? 'captured' : ended;
}

/**
 * What was received. An invoice that BTCPay calls paid in full counts for its amount at least, so that the rounding of
 * coins to the invoice's currency never leaves a unit missing. One that a person marked as settled without any payment
 * counts as paid, as BTCPay itself counts it; one that was marked with a part payment counts for that part.
 */
function capturedOf(invoice: Invoice, { settledMinor }: Received): number {
  const { status, additionalStatus } = invoice;
  const isMarked = additionalStatus === 'Marked';
  if (status === 'Settled' && isMarked && settledMinor > 0) return settledMinor;
  const isPaidInFull = status === 'Settled' || additionalStatus === 'PaidLate';
  return isPaidInFull ? Math.max(settledMinor, amountOf(invoice)) : settledMinor;
}

function listedStateOf(state: ProcessorPaymentState): ListedPayment['state'] {
  if (state === 'captured') return 'captured';
  return state === 'action_required' || state === 'pending' ? 'open' : 'ended';
}
