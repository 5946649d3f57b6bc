/**
 * What a payer does with BTCPay: pay an invoice in full, in part, too much or late; and claim a refund. Confirming,
 * double spending and refusing a claim are here too, because no network and no shopkeeper does it for the payer.
 * Serves the page and the control route; must never need the store's key.
 */
import { ControlRefusal } from '../problem.ts';
import type { PayerAction, PayerDesk, PayerOutcome, PayerView } from '../payers.ts';
import { makeCause, type Cause, type World } from '../world.ts';
import { orderIdOf, paidMinor, paymentsOf } from './accounting.ts';
import { formatAmount } from './amounts.ts';
import { find, hashOf, newId, type BtcpayContext } from './context.ts';
import { GreenfieldError } from './errors.ts';
import { confirmPayment, dropPayment, receivePayment } from './payments.ts';
import { advancePayout, cancelPayout, claim, isCancellable, payoutsOf } from './refunds.ts';
import { PAYMENT_METHODS, type Invoice, type PaymentMethodId, type PullPayment } from './shapes.ts';
import { invoiceView, pullPaymentView } from './views.ts';

/** What "pay too much" adds, as a share of the price; at least one minor unit. */
const EXCESS_DIVISOR = 10;
/** A payout takes at most approval, sending and confirmation. */
const PAYOUT_STEPS = 3;

/** The desk for invoices and pull payments. */
export class BtcpayPayerDesk implements PayerDesk {
  readonly #world: World;
  readonly #makeContext: (cause: Cause) => BtcpayContext;

  constructor(world: World, makeContext: (cause: Cause) => BtcpayContext) {
    this.#world = world;
    this.#makeContext = makeContext;
  }

  view(id: string): PayerView | null {
    const ctx = this.#makeContext(makeCause());
    const invoice = find(ctx, 'btcpay_invoice', id);
    if (invoice) return invoiceDesk(ctx, invoice);
    const pullPayment = find(ctx, 'btcpay_pull_payment', id);
    return pullPayment ? claimDesk(ctx, pullPayment) : null;
  }

  async act(id: string, action: PayerAction): Promise<PayerOutcome> {
    const cause = makeCause();
    const ctx = this.#makeContext(cause);
    const outcome = this.#world.store.apply(() => perform(ctx, id, action));
    await this.#world.store.durable();
    this.#world.releaseEvents(cause);
    return outcome;
  }
}

function perform(ctx: BtcpayContext, id: string, action: PayerAction): PayerOutcome {
  const invoice = find(ctx, 'btcpay_invoice', id);
  if (invoice) {
    actOnInvoice(ctx, invoice, action);
    const after = find(ctx, 'btcpay_invoice', id) ?? invoice;
    const returnUrl = isPaid(after) ? automaticReturn(after) : null;
    return { id, status: after.status, object: invoiceView(ctx, after), returnUrl };
  }
  const pullPayment = find(ctx, 'btcpay_pull_payment', id);
  if (!pullPayment) throw new ControlRefusal(404, 'not_found', `There is no payment ${id}.`);
  actOnPullPayment(ctx, pullPayment, action);
  const status = claimStatus(ctx, pullPayment);
  return { id, status, object: pullPaymentView(ctx, pullPayment), returnUrl: null };
}

/** To approve is to pay and to be confirmed at once, as a card's payer has nothing to wait for. */
function actOnInvoice(ctx: BtcpayContext, invoice: Invoice, wish: PayerAction): void {
  const { action } = wish;
  if (action === 'pay' || action === 'approve') pay(ctx, invoice, wish);
  if (action === 'pay') return;
  if (action !== 'approve' && action !== 'confirm' && action !== 'fail') {
    throw refusal(wish, invoice.status);
  }
  const unconfirmed = paymentsOf(ctx, invoice.id).filter(({ status }) => status === 'Processing');
  if (unconfirmed.length === 0 && action !== 'approve') {
    throw refusal(wish, `${invoice.status}, with nothing unconfirmed`);
  }
  const settle = action === 'fail' ? dropPayment : confirmPayment;
  for (const payment of unconfirmed) settle(ctx, payment.id);
}

function pay(ctx: BtcpayContext, invoice: Invoice, action: PayerAction): void {
  if (!invoice.isWatched) {
    throw refusal(action, `${invoice.status} and nobody looks for payments any more`);
  }
  const amountMinor = action.amountMinor ?? leftMinor(ctx, invoice);
  if (amountMinor === 0) throw refusal(action, `${invoice.status} and paid in full`);
  receivePayment(ctx, invoice, { amountMinor, methodId: chosenMethod(invoice, action) });
}

function actOnPullPayment(ctx: BtcpayContext, pullPayment: PullPayment, action: PayerAction): void {
  if (action.action === 'claim' || action.action === 'approve') {
    return claimAll(ctx, pullPayment, action.amountMinor);
  }
  const open = payoutsOf(ctx, pullPayment.id).filter(
    ({ state }) => state !== 'Completed' && state !== 'Cancelled',
  );
  const status = claimStatus(ctx, pullPayment);
  if (action.action === 'confirm' && open.length > 0) {
    for (const { id } of open)
      for (let step = 0; step < PAYOUT_STEPS; step += 1) advancePayout(ctx, id);
    return;
  }
  const isRefusal = action.action === 'decline' || action.action === 'fail';
  const cancellable = open.filter(isCancellable);
  if (!isRefusal || cancellable.length === 0) throw refusal(action, status);
  for (const payout of cancellable) cancelPayout(ctx, payout);
}

function claimAll(ctx: BtcpayContext, pullPayment: PullPayment, amountMinor: number | null): void {
  const destination = `bcrt1q${hashOf(newId(ctx)).slice(0, 38)}`;
  try {
    claim(ctx, pullPayment, { destination, amountMinor });
  } catch (error) {
    if (!(error instanceof GreenfieldError)) throw error;
    throw new ControlRefusal(409, 'invalid_state', error.message);
  }
}

function invoiceDesk(ctx: BtcpayContext, invoice: Invoice): PayerView {
  const extra = invoice.additionalStatus === 'None' ? '' : ` (${invoice.additionalStatus})`;
  return {
    id: invoice.id,
    title: 'Pay in bitcoin',
    amountMinor: invoice.amountMinor,
    currency: invoice.currency,
    status: `${invoice.status}${extra}`,
    note: noteOf(ctx, invoice),
    actions: invoiceActions(ctx, invoice),
    methods: invoice.isWatched && !isPaid(invoice) ? invoice.checkout.paymentMethods : [],
    returnUrl: returnAddress(invoice),
  };
}

function invoiceActions(ctx: BtcpayContext, invoice: Invoice): PayerView['actions'] {
  const leftOver = leftMinor(ctx, invoice);
  const isLate = invoice.status === 'Expired' || invoice.status === 'Invalid';
  const late = isLate ? ' late' : '';
  const part = Math.floor(leftOver / 2);
  const excess = leftOver + Math.max(1, Math.floor(invoice.amountMinor / EXCESS_DIVISOR));
  const hasUnconfirmed = paymentsOf(ctx, invoice.id).some(({ status }) => status === 'Processing');
  const isPayable = invoice.isWatched && leftOver > 0;
  return [
    ...(isPayable ? [{ action: 'pay' as const, label: `Pay${late}` }] : []),
    ...(isPayable && part > 0
      ? [{ action: 'pay' as const, label: `Pay half of it${late}`, amountMinor: part }]
      : []),
    ...(isPayable
      ? [{ action: 'pay' as const, label: `Pay too much${late}`, amountMinor: excess }]
      : []),
    ...(hasUnconfirmed
      ? [
          { action: 'confirm' as const, label: 'Confirm now' },
          { action: 'fail' as const, label: 'Spend it elsewhere' },
        ]
      : []),
  ];
}

function claimDesk(ctx: BtcpayContext, pullPayment: PullPayment): PayerView {
  const status = claimStatus(ctx, pullPayment);
  const isClaimable = status === 'Unclaimed' && !pullPayment.isArchived;
  const payouts = payoutsOf(ctx, pullPayment.id);
  const isOpen = payouts.some(({ state }) => state !== 'Completed' && state !== 'Cancelled');
  return {
    id: pullPayment.id,
    title: pullPayment.name,
    // The page writes amounts as banks do, which is not how bitcoin is written.
    amountMinor: pullPayment.currency === 'BTC' ? null : pullPayment.amountMinor,
    currency: pullPayment.currency,
    status,
    note: isOpen ? 'Paid out within ten minutes of the virtual clock.' : pullPayment.description,
    actions: [
      ...(isClaimable ? [{ action: 'claim' as const, label: 'Claim the refund' }] : []),
      ...(isOpen ? [{ action: 'confirm' as const, label: 'Pay out now' }] : []),
      ...(payouts.some(isCancellable)
        ? [{ action: 'decline' as const, label: 'Let the store refuse the claim' }]
        : []),
    ],
    methods: [],
    returnUrl: null,
  };
}

/** The state of the claim that counts: the newest one that was not refused. */
function claimStatus(ctx: BtcpayContext, pullPayment: PullPayment): string {
  const payout = payoutsOf(ctx, pullPayment.id).find(({ state }) => state !== 'Cancelled');
  return payout?.state ?? 'Unclaimed';
}

function noteOf(ctx: BtcpayContext, invoice: Invoice): string | null {
  const received = paidMinor(paymentsOf(ctx, invoice.id));
  if (received === 0) return null;
  const { currency } = invoice;
  const total = formatAmount(invoice.amountMinor, currency);
  return `${formatAmount(received, currency)} of ${total} ${currency} have arrived.`;
}

function leftMinor(ctx: BtcpayContext, invoice: Invoice): number {
  return Math.max(0, invoice.amountMinor - paidMinor(paymentsOf(ctx, invoice.id)));
}

function isPaid(invoice: Invoice): boolean {
  return invoice.status === 'Processing' || invoice.status === 'Settled';
}

function chosenMethod(invoice: Invoice, action: PayerAction): PaymentMethodId {
  const { paymentMethods, defaultPaymentMethod } = invoice.checkout;
  const [first = PAYMENT_METHODS[0]] = paymentMethods;
  const wanted = action.paymentMethod ?? defaultPaymentMethod ?? first;
  const chosen = paymentMethods.find((method) => method === wanted);
  if (chosen !== undefined) return chosen;
  const message = `The invoice cannot be paid by ${wanted}.`;
  throw new ControlRefusal(422, 'validation_failed', message);
}

/** Where the payer may go back to, with BTCPay's two placeholders filled in. */
function returnAddress(invoice: Invoice): string | null {
  const target = invoice.checkout.redirectURL
    ?.replaceAll('{InvoiceId}', invoice.id)
    .replaceAll('{OrderId}', encodeURIComponent(orderIdOf(invoice.sentMetadata) ?? ''));
  return target !== undefined && /^https?:/.test(target) && URL.canParse(target) ? target : null;
}

function automaticReturn(invoice: Invoice): string | null {
  return invoice.checkout.redirectAutomatically ? returnAddress(invoice) : null;
}

function refusal(action: PayerAction, state: string): ControlRefusal {
  const message = `The payer cannot ${action.action} while the payment is ${state}.`;
  return new ControlRefusal(409, 'invalid_state', message);
}
