/**
 * Wire shapes of subscriptions and invoices: what members command, and what they are shown. Pure translation; it must
 * decide nothing. Called by the routes of subscriptions and invoices and by the operators' calls on subscriptions.
 */
import { z } from '@hono/zod-openapi';
import { PAYMENT_STATES, type PaymentState } from '../../domain/payment/payment-machine.ts';
import { PROCESSORS } from '../../domain/payment/processor-reply.ts';
import { OPEN_CHARGE_STATES, type ChargeState } from '../../domain/subscription/charge-machine.ts';
import type { PlanTerms } from '../../domain/subscription/plan.ts';
import { SUBSCRIPTION_STATES } from '../../domain/subscription/subscription-machine.ts';
import type {
  Charge,
  CreditNote,
  Invoice,
  Subscription,
} from '../../domain/subscription/subscription.ts';
import { paymentActionSchema, paymentRequestSchema } from './booking.ts';
import { idSchema, instantSchema, moneySchema, pageSchema, timeZoneSchema } from './common.ts';
import { formatInstant } from './views.ts';

export const createSubscriptionSchema = z
  .strictObject({
    planId: idSchema,
    payment: paymentRequestSchema.optional(),
    timeZone: timeZoneSchema.optional(),
  })
  .openapi('CreateSubscription');

export const cancelSubscriptionSchema = z
  .strictObject({ atPeriodEnd: z.boolean().default(true) })
  .openapi('CancelSubscription');

export const changePlanSchema = z
  .strictObject({ planId: idSchema, returnUrl: paymentRequestSchema.shape.returnUrl })
  .openapi('ChangePlan');

const methodFields = {
  ...paymentRequestSchema.shape,
  processor: paymentRequestSchema.shape.processor.optional(),
};

/** The method stands under `payment`, as at sign-up, or at the top. */
export const paymentMethodSchema = z
  .strictObject({ payment: z.strictObject(methodFields).optional(), ...methodFields })
  .refine((body) => body.payment === undefined || Object.keys(body).length === 1, {
    message: 'stands alone: its fields are not given twice',
    path: ['payment'],
  })
  .openapi('SetPaymentMethod');

const subscriptionPaymentSchema = z.strictObject({
  id: z.string(),
  status: z.enum(PAYMENT_STATES),
  processor: z.enum(PROCESSORS),
  processorId: z.string().nullable(),
  amount: moneySchema,
  action: paymentActionSchema.optional(),
});

export const subscriptionSchema = z
  .strictObject({
    id: z.string(),
    planId: z.string(),
    planVersion: z.int(),
    status: z.enum(SUBSCRIPTION_STATES),
    currentPeriodStart: instantSchema,
    currentPeriodEnd: instantSchema,
    trialEnd: instantSchema.nullable(),
    cancelAtPeriodEnd: z.boolean(),
    pendingPlanId: z.string().nullable(),
    timeZone: z.string(),
    price: moneySchema,
    /** What is owed to the member and taken off the next invoices. */
    credit: moneySchema,
    /** A payment or a method that is under way, or the last one while what is due is not paid. */
    payment: subscriptionPaymentSchema.optional(),
    /** The page of the invoice that is to be paid. */
    paymentUrl: z.string().optional(),
    createdAt: instantSchema,
    endedAt: instantSchema.nullable(),
  })
  .openapi('Subscription');

export const invoiceSchema = z
  .strictObject({
    id: z.string(),
    /** Given when the invoice is paid; without gaps. */
    number: z.string().nullable(),
    status: z.enum(['open', 'paid', 'void', 'uncollectible']),
    subscriptionId: z.string(),
    planId: z.string(),
    kind: z.enum(['period', 'change']),
    periodStart: instantSchema,
    periodEnd: instantSchema,
    currency: z.string(),
    /** Signed minor units of the invoice's currency; they add up to the total. */
    lines: z.array(z.strictObject({ kind: z.string(), label: z.string(), amount: z.int() })),
    tax: moneySchema,
    total: moneySchema,
    refunded: moneySchema,
    creditNotes: z.array(
      z.strictObject({
        id: z.string(),
        number: z.string().nullable(),
        amount: moneySchema,
        reason: z.string(),
        createdAt: instantSchema,
      }),
    ),
    /** Money on its way back, or back: what is fetched has a `claimUrl` until it is. */
    refunds: z.array(
      z.strictObject({
        id: z.string(),
        status: z.enum(['pending', 'succeeded', 'failed']),
        amount: moneySchema,
        claimUrl: z.string().optional(),
        createdAt: instantSchema,
      }),
    ),
    createdAt: instantSchema,
    dueAt: instantSchema,
    paidAt: instantSchema.nullable(),
    legalEntity: z
      .strictObject({ name: z.string(), address: z.string(), taxId: z.string().nullable() })
      .optional(),
  })
  .openapi('Invoice');

export const invoicePageSchema = pageSchema(invoiceSchema).openapi('InvoicePage');

/** The link of an invoice's page: its secret, and whether the payer comes back from the processor. */
export const payLinkSchema = z.object({
  token: z.string().min(1).max(200),
  returned: z.literal('1').optional(),
});

export type PaymentMethodBody = z.infer<typeof paymentMethodSchema>;
export type SubscriptionView = z.infer<typeof subscriptionSchema>;
export type InvoiceView = z.infer<typeof invoiceSchema>;

/** A subscription with what is shown beside it. */
interface ShownSubscription {
  readonly subscription: Subscription;
  readonly terms: PlanTerms;
  readonly openInvoice: Invoice | null;
  readonly charge: Charge | null;
}

/** An invoice with what is printed on it. */
export interface ShownInvoice {
  readonly invoice: Invoice;
  readonly creditNotes: readonly CreditNote[];
  /** Charges that give back what was paid for it. */
  readonly refunds: readonly Charge[];
  readonly legalEntity: {
    readonly name: string;
    readonly address: string;
    readonly taxId: string | null;
  } | null;
}

/** A charge in the words that payments of bookings have. */
const PAYMENT_STATE: { readonly [state in ChargeState]: PaymentState } = {
  created: 'created',
  action_required: 'action_required',
  pending: 'pending',
  succeeded: 'captured',
  failed: 'failed',
  cancelled: 'voided',
};

/** A subscription on the wire. */
export function toSubscriptionView(
  { subscription, terms, openInvoice, charge }: ShownSubscription,
  publicUrl: string,
): SubscriptionView {
  const { state, trialEndMs, endedAtMs, currency } = subscription;
  const payment = charge !== null && isShown(charge, state) ? charge : null;
  return {
    id: subscription.id,
    planId: subscription.planId,
    planVersion: subscription.planVersion,
    status: state,
    currentPeriodStart: formatInstant(subscription.currentPeriodStartMs),
    currentPeriodEnd: formatInstant(subscription.currentPeriodEndMs),
    trialEnd: trialEndMs === null ? null : formatInstant(trialEndMs),
    cancelAtPeriodEnd: subscription.cancelAtPeriodEnd,
    pendingPlanId: subscription.pendingPlanId,
    timeZone: subscription.timeZone,
    price: { amount: terms.priceMinor, currency: terms.currency },
    credit: { amount: subscription.creditMinor, currency },
    ...(payment === null ? {} : { payment: toPaymentView(payment) }),
    ...(openInvoice === null ? {} : { paymentUrl: payUrl(openInvoice, publicUrl) }),
    createdAt: formatInstant(subscription.createdAtMs),
    endedAt: endedAtMs === null ? null : formatInstant(endedAtMs),
  };
}

/** The page on which whoever has the link pays an invoice. */
export function payUrl({ id, payToken }: Invoice, publicUrl: string): string {
  return `${publicUrl}/invoices/${id}/pay?token=${payToken}`;
}

/** An invoice on the wire. */
export function toInvoiceView(shown: ShownInvoice): InvoiceView {
  const { invoice, creditNotes, refunds, legalEntity } = shown;
  const { currency, paidAtMs } = invoice;
  return {
    id: invoice.id,
    number: invoice.number,
    status: invoice.state,
    subscriptionId: invoice.subscriptionId,
    planId: invoice.planId,
    kind: invoice.kind,
    periodStart: formatInstant(invoice.periodStartMs),
    periodEnd: formatInstant(invoice.periodEndMs),
    currency,
    lines: invoice.lines.map(({ kind, label, amountMinor }) => ({
      kind,
      label,
      amount: amountMinor,
    })),
    tax: { amount: invoice.taxMinor, currency },
    total: { amount: invoice.totalMinor, currency },
    refunded: { amount: invoice.refundedMinor, currency },
    creditNotes: creditNotes.map((note) => ({
      id: note.id,
      number: note.number,
      amount: { amount: note.amountMinor, currency: note.currency },
      reason: note.reason,
      createdAt: formatInstant(note.createdAtMs),
    })),
    refunds: refunds.map((refund) => toRefundView(refund)),
    createdAt: formatInstant(invoice.createdAtMs),
    dueAt: formatInstant(invoice.dueAtMs),
    paidAt: paidAtMs === null ? null : formatInstant(paidAtMs),
    ...(legalEntity === null ? {} : { legalEntity: { ...legalEntity } }),
  };
}

function toRefundView(refund: Charge): InvoiceView['refunds'][number] {
  const { id, state, amountMinor, currency, action, createdAtMs } = refund;
  return {
    id,
    status: state === 'succeeded' || state === 'failed' ? state : 'pending',
    amount: { amount: amountMinor, currency },
    ...(action?.url === undefined ? {} : { claimUrl: action.url }),
    createdAt: formatInstant(createdAtMs),
  };
}

/** What succeeded is told by the subscription itself, and what nobody wants any more is over for the member. */
function isShown(charge: Charge, state: Subscription['state']): boolean {
  if (OPEN_CHARGE_STATES.has(charge.state)) return !charge.isUnwanted;
  return charge.state === 'failed' && (state === 'past_due' || state === 'suspended');
}

function toPaymentView(charge: Charge): NonNullable<SubscriptionView['payment']> {
  const { action } = charge;
  const isOpen = OPEN_CHARGE_STATES.has(charge.state);
  // A payer who enters the card at the processor has to act from the beginning.
  const waitsForCard = charge.state === 'created' && charge.methodRef === null && action !== null;
  return {
    id: charge.id,
    status: waitsForCard ? 'action_required' : PAYMENT_STATE[charge.state],
    processor: charge.processor,
    processorId: charge.ref,
    amount: { amount: charge.amountMinor, currency: charge.currency },
    ...(isOpen && action !== null ? { action: { ...action } } : {}),
  };
}
