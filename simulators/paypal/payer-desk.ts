/**
 * What a payer does at PayPal: approves an order or an agreement, declines and goes back, or objects to
 * a payment later. Owns the rules of who may do what when; the effects are in orders.ts, vault.ts and
 * disputes.ts.
 */
import type { PayerAction, PayerDesk, PayerOutcome, PayerView } from '../payers.ts';
import { ControlRefusal } from '../problem.ts';
import { makeCause, type Cause, type World } from '../world.ts';
import { find, findKnown, type PaypalContext } from './context.ts';
import { openDispute, standingDispute } from './disputes.ts';
import { approveOrder } from './orders.ts';
import type { CaptureRecord, OrderRecord, SetupTokenRecord } from './records.ts';
import { DEFAULT_PAYER, findPayer, PAYER_CHOICES } from './test-payers.ts';
import { approveSetup } from './vault.ts';
import { payerId } from './wire.ts';

type Payable = OrderRecord | SetupTokenRecord;

/** The desk for orders and setup tokens. */
export class PaypalPayerDesk implements PayerDesk {
  readonly #world: World;
  readonly #makeContext: (cause: Cause) => PaypalContext;

  constructor(world: World, makeContext: (cause: Cause) => PaypalContext) {
    this.#world = world;
    this.#makeContext = makeContext;
  }

  view(id: string): PayerView | null {
    const ctx = this.#makeContext(makeCause());
    const payable = findPayable(ctx, id);
    if (!payable) return null;
    const isOrder = payable.kind === 'order';
    const isOpen = isWaiting(payable);
    return {
      id,
      title: isOrder ? 'Pay with PayPal' : 'Agree to later payments with PayPal',
      amountMinor: isOrder ? payable.amountMinor : null,
      currency: isOrder ? payable.currency : null,
      status: payable.isForgotten ? 'EXPIRED' : payable.status,
      note: payable.isForgotten ? 'This came too late: nothing can be paid here any more.' : null,
      actions: actionsOf(ctx, payable),
      methods: isOpen ? PAYER_CHOICES : [],
      returnUrl: addressesOf(payable).returnUrl,
    };
  }

  async act(id: string, action: PayerAction): Promise<PayerOutcome> {
    const cause = makeCause();
    const ctx = this.#makeContext(cause);
    const known = findPayable(ctx, id);
    if (!known) throw new ControlRefusal(404, 'not_found', `There is no payment ${id}.`);
    this.#world.store.apply(() => {
      perform(ctx, known, action);
    });
    await this.#world.store.durable();
    this.#world.releaseEvents(cause);
    const after = findPayable(ctx, id) ?? known;
    const returnUrl = returnAddress(after, action);
    return { id, status: after.status, object: after, returnUrl };
  }
}

function findPayable(ctx: PaypalContext, id: string): Payable | null {
  return find(ctx, 'order', id) ?? find(ctx, 'setup_token', id);
}

function isWaiting(payable: Payable): boolean {
  const { status } = payable;
  return !payable.isForgotten && (status === 'CREATED' || status === 'PAYER_ACTION_REQUIRED');
}

function actionsOf(ctx: PaypalContext, payable: Payable): PayerView['actions'] {
  if (isWaiting(payable)) {
    return [
      { action: 'approve', label: payable.kind === 'order' ? 'Pay' : 'Agree' },
      { action: 'decline', label: 'Cancel and go back' },
    ];
  }
  const capture = payable.kind === 'order' ? disputable(ctx, payable) : null;
  return capture ? [{ action: 'dispute', label: 'Dispute this payment' }] : [];
}

/** The capture that a payer may still object to: taken, not all given back, and never disputed. */
function disputable(ctx: PaypalContext, order: OrderRecord): CaptureRecord | null {
  const captures = order.captureIds.map((id) => findKnown(ctx, 'capture', id));
  const isOpen = (capture: CaptureRecord): boolean =>
    (capture.status === 'COMPLETED' || capture.status === 'PARTIALLY_REFUNDED') &&
    standingDispute(ctx, capture) === null;
  return captures.find(isOpen) ?? null;
}

function perform(ctx: PaypalContext, payable: Payable, action: PayerAction): void {
  if (action.action === 'dispute') {
    dispute(ctx, payable, action);
    return;
  }
  if (action.amountMinor !== null) {
    const detail = 'A payer pays the whole amount here; drop amount.';
    throw new ControlRefusal(422, 'validation_failed', detail);
  }
  const isPositive = action.action === 'approve' || action.action === 'pay';
  const isNegative = action.action === 'decline' || action.action === 'fail';
  if (!isWaiting(payable) || (!isPositive && !isNegative)) {
    const status = payable.isForgotten ? 'EXPIRED' : payable.status;
    const detail = `The payer cannot ${action.action} while the payment is ${status}.`;
    throw new ControlRefusal(409, 'invalid_state', detail);
  }
  // Declining changes nothing: the payer goes back, and may return to the same page.
  if (!isPositive) return;
  const payer = action.paymentMethod ?? DEFAULT_PAYER;
  if (!findPayer(payer)) {
    throw new ControlRefusal(422, 'validation_failed', `There is no test payer ${payer}.`);
  }
  if (payable.kind === 'order') approveOrder(ctx, payable, payer);
  else approveSetup(ctx, payable, payer);
}

/** `paymentMethod: "payer_inquiry"` asks first; any other takes the money back at once. */
function dispute(ctx: PaypalContext, payable: Payable, action: PayerAction): void {
  const capture = payable.kind === 'order' ? disputable(ctx, payable) : null;
  if (!capture) {
    const detail = 'There is no payment that could be disputed.';
    throw new ControlRefusal(409, 'invalid_state', detail);
  }
  const openMinor = capture.amountMinor - capture.refundedMinor;
  const amountMinor = action.amountMinor ?? openMinor;
  if (amountMinor < 1 || amountMinor > openMinor) {
    const detail = `amount must be between 1 and ${String(openMinor)}.`;
    throw new ControlRefusal(422, 'validation_failed', detail);
  }
  const kind = action.paymentMethod === 'payer_inquiry' ? 'inquiry' : 'chargeback';
  openDispute(ctx, capture, { kind, amountMinor });
}

function addressesOf(payable: Payable): {
  readonly returnUrl: string | null;
  readonly cancelUrl: string | null;
} {
  const source = payable.kind === 'order' ? payable.source : payable;
  return { returnUrl: source?.returnUrl ?? null, cancelUrl: source?.cancelUrl ?? null };
}

/** Where the payer goes now, with what PayPal appends; nowhere after a dispute. */
function returnAddress(payable: Payable, action: PayerAction): string | null {
  if (action.action === 'dispute') return null;
  const { returnUrl, cancelUrl } = addressesOf(payable);
  const isApproved = payable.status === 'APPROVED';
  const target = isApproved ? returnUrl : cancelUrl;
  if (target === null) return null;
  const url = new URL(target);
  if (payable.kind === 'order') url.searchParams.set('token', payable.id);
  else url.searchParams.set('approval_token_id', payable.id);
  if (isApproved && payable.payer !== null) {
    url.searchParams.set('PayerID', payerId(payable.payer));
  }
  return url.toString();
}
