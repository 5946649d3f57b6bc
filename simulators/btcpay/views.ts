/**
 * The wire shapes of invoices, payment methods, pull payments and payouts. Owns no state and changes none.
 * Source: BTCPay Server, Greenfield API, "InvoiceData", "InvoicePaymentMethodDataModel", "PullPaymentData",
 * "PayoutData".
 */
import type { JsonObject } from '../json.ts';
import { markableStatuses, paidSatoshis, paymentsOf } from './accounting.ts';
import { formatAmount, formatBitcoin, rateOf, worthOf } from './amounts.ts';
import { hashOf, pageUrl, type BtcpayContext } from './context.ts';
import type { Invoice, Payment, PaymentMethodId, Payout, PullPayment } from './shapes.ts';

const MINUTE_SECONDS = 60;
/** A claim by Lightning must be payable for at least that many days. */
const BOLT11_EXPIRATION_DAYS = '30';

/** An invoice as it is now. Its instants are on the start clock, like every stamp. */
export function invoiceView(ctx: BtcpayContext, invoice: Invoice): JsonObject {
  const { checkout, createdSeconds } = invoice;
  const expirationTime = createdSeconds + Math.floor(checkout.expirationMinutes * MINUTE_SECONDS);
  return {
    id: invoice.id,
    storeId: ctx.storeId,
    amount: invoice.amount,
    paidAmount: worthOf(paidSatoshis(paymentsOf(ctx, invoice.id)), invoice.currency),
    currency: invoice.currency,
    type: 'Standard',
    checkoutLink: pageUrl(ctx, invoice.id),
    createdTime: createdSeconds,
    expirationTime,
    monitoringExpiration: expirationTime + Math.floor(checkout.monitoringMinutes * MINUTE_SECONDS),
    status: invoice.status,
    additionalStatus: invoice.additionalStatus,
    availableStatusesForManualMarking: markableStatuses(invoice),
    archived: false,
    metadata: invoice.sentMetadata,
    checkout: {
      ...checkout,
      paymentMethods: [...checkout.paymentMethods],
      lazyPaymentMethods: null,
    },
    receipt: { enabled: null, showQR: null, showPayments: null },
  };
}

/** GET …/invoices/{id}/payment-methods: the totals of every method are those of the whole invoice. */
export function paymentMethodsView(
  ctx: BtcpayContext,
  invoice: Invoice,
  options: { readonly isAccountedOnly: boolean },
): JsonObject[] {
  const payments = paymentsOf(ctx, invoice.id);
  const paid = paidSatoshis(payments);
  const shown = options.isAccountedOnly
    ? payments.filter(({ status }) => status !== 'Invalid')
    : payments;
  return invoice.checkout.paymentMethods.map((methodId) => {
    const ofMethod = payments.filter((payment) => payment.methodId === methodId);
    const destination = destinationOf(invoice.id, methodId);
    const due = invoice.dueSatoshis - paid;
    return {
      paymentMethodId: methodId,
      currency: 'BTC',
      destination,
      paymentLink: paymentLink(methodId, destination, Math.max(0, due)),
      rate: rateOf(invoice.currency),
      paymentMethodPaid: formatBitcoin(paidSatoshis(ofMethod)),
      totalPaid: formatBitcoin(paid),
      due: formatBitcoin(due),
      amount: formatBitcoin(invoice.dueSatoshis),
      paymentMethodFee: '0',
      payments: shown.filter((payment) => payment.methodId === methodId).map(paymentView),
      activated: true,
      additionalData: methodId === 'BTC-CHAIN' ? { keyPath: '0/1', payjoinEnabled: false } : {},
    };
  });
}

/** One payment in bitcoin. */
export function paymentView(payment: Payment): JsonObject {
  return {
    id: payment.id,
    receivedDate: payment.receivedSeconds,
    value: formatBitcoin(payment.satoshis),
    fee: '0',
    status: payment.status,
    destination: destinationOf(payment.invoiceId, payment.methodId),
  };
}

/** A pull payment; whoever has its link may claim it. */
export function pullPaymentView(ctx: BtcpayContext, pullPayment: PullPayment): JsonObject {
  return {
    id: pullPayment.id,
    name: pullPayment.name,
    description: pullPayment.description,
    currency: pullPayment.currency,
    amount: formatAmount(pullPayment.amountMinor, pullPayment.currency),
    BOLT11Expiration: BOLT11_EXPIRATION_DAYS,
    autoApproveClaims: pullPayment.autoApproveClaims,
    archived: pullPayment.isArchived,
    viewLink: pageUrl(ctx, pullPayment.id),
  };
}

/** A payout; what it is in bitcoin is known once it was approved. */
export function payoutView(payout: Payout, pullPayment: PullPayment): JsonObject {
  return {
    id: payout.id,
    revision: 0,
    pullPaymentId: payout.pullPaymentId,
    date: payout.createdSeconds,
    destination: payout.destination,
    originalCurrency: pullPayment.currency,
    originalAmount: formatAmount(payout.amountMinor, pullPayment.currency),
    payoutCurrency: 'BTC',
    payoutAmount: payout.satoshis === null ? null : formatBitcoin(payout.satoshis),
    payoutMethodId: payout.methodId,
    state: payout.state,
    paymentProof: proofOf(payout),
    metadata: {},
  };
}

function proofOf(payout: Payout): JsonObject | null {
  if (payout.state !== 'InProgress' && payout.state !== 'Completed') return null;
  return { proofType: 'PayoutTransactionOnChainBlob', id: hashOf(`paid out ${payout.id}`) };
}

/** An address or a Lightning invoice that cannot be mistaken for one of a real network. */
function destinationOf(invoiceId: string, methodId: PaymentMethodId): string {
  const tail = hashOf(`${methodId}:${invoiceId}`);
  return methodId === 'BTC-CHAIN' ? `bcrt1q${tail.slice(0, 38)}` : `lnbcrt1p${tail}`;
}

function paymentLink(methodId: PaymentMethodId, destination: string, due: number): string {
  if (methodId === 'BTC-LN') return `lightning:${destination}`;
  return `bitcoin:${destination}?amount=${formatBitcoin(due)}`;
}
