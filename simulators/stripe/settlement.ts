/**
 * What becomes of an authorisation: captured, cancelled, or lapsed on the virtual clock.
 * Owns the wrong-state refusals of capture and cancel; runs inside one transaction.
 * Source: Stripe API reference, "Capture / Cancel a PaymentIntent".
 */
import { captureCharge } from './charges.ts';
import { find, findAddressed, findKnown, now, save, type StripeContext } from './context.ts';
import { invalidRequest, refusedByState } from './errors.ts';
import { emit } from './events.ts';
import type { Parameters, ParameterRules } from './parameters.ts';
import { succeed } from './payment-attempt.ts';
import { natureOf } from './payment-methods.ts';
import type { ChargeObject, PaymentIntentObject, PaymentIntentStatus } from './shapes.ts';

/** Parameters of POST /v1/payment_intents/{id}/capture. */
export const CAPTURE_RULES: ParameterRules = {
  amount_details: 'unserved',
  amount_to_capture: 'integer',
  application_fee_amount: 'unserved',
  expand: 'texts',
  final_capture: 'boolean',
  hooks: 'unserved',
  metadata: 'metadata',
  payment_details: 'unserved',
  statement_descriptor: 'text',
  statement_descriptor_suffix: 'text',
  transfer_data: 'unserved',
};

/** Parameters of POST /v1/payment_intents/{id}/cancel. */
export const CANCEL_RULES: ParameterRules = {
  cancellation_reason: {
    oneOf: ['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned'],
  },
  expand: 'texts',
};

const CANCELABLE: readonly PaymentIntentStatus[] = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
  'processing',
];

/** POST /v1/payment_intents/{id}/capture. What is not captured is released. */
export function capture(ctx: StripeContext, id: string, parameters: Parameters): object {
  const intent = findAddressed(ctx, 'payment_intent', id);
  checkCapturable(intent);
  if (parameters.boolean('final_capture') === false) {
    throw invalidRequest('Multicapture is not available for this PaymentIntent.', 'final_capture');
  }
  const amountMinor = parameters.integer('amount_to_capture') ?? intent.amount_capturable;
  checkCaptureAmount(intent, amountMinor);
  const charge = findKnown(ctx, 'charge', intent.latest_charge);
  intent.metadata = parameters.mergeMetadata(intent.metadata);
  charge.metadata = parameters.mergeMetadata(charge.metadata);
  const isImmediate = natureOf(ctx, charge.payment_method).card.name.endsWith('bypassPending');
  captureCharge(ctx, charge, { amountMinor, isImmediate });
  save(ctx, charge);
  ctx.world.deadlines.clear(intent.id);
  writeBook(ctx, { intent, charge }, { kind: 'capture', amountMinor });
  emit(ctx, 'charge.captured', { object: charge });
  succeed(ctx, intent, charge);
  return intent;
}

/** POST /v1/payment_intents/{id}/cancel. Releases an authorisation, if there is one. */
export function cancel(ctx: StripeContext, id: string, parameters: Parameters): object {
  const intent = findAddressed(ctx, 'payment_intent', id);
  if (!CANCELABLE.includes(intent.status) || intent.status === 'processing') {
    throw refusedByState(
      `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a ` +
        'PaymentIntent with one of the following statuses may be canceled: ' +
        `${CANCELABLE.join(', ')}.`,
      { code: 'payment_intent_unexpected_state', payment_intent: intent },
    );
  }
  const charge = release(ctx, intent);
  close(ctx, intent, parameters.text('cancellation_reason'));
  if (charge) emit(ctx, 'charge.refunded', { object: charge });
  emit(ctx, 'payment_intent.canceled', { object: intent });
  return intent;
}

/** An authorisation nobody captured lapses; called by the virtual clock. */
export function expireAuthorization(ctx: StripeContext, intentId: string): void {
  const intent = find(ctx, 'payment_intent', intentId);
  if (intent?.status !== 'requires_capture') return;
  const charge = release(ctx, intent);
  close(ctx, intent, 'automatic');
  if (charge) emit(ctx, 'charge.expired', { object: charge });
  emit(ctx, 'payment_intent.canceled', { object: intent });
}

function checkCapturable(intent: PaymentIntentObject): void {
  if (intent.status === 'requires_capture') return;
  const isDone = intent.status === 'succeeded';
  throw refusedByState(
    isDone
      ? 'This PaymentIntent could not be captured because it has already been captured.'
      : `This PaymentIntent could not be captured because it has a status of ${intent.status}. ` +
          'Only a PaymentIntent with one of the following statuses may be captured: ' +
          'requires_capture.',
    { code: 'payment_intent_unexpected_state', payment_intent: intent },
  );
}

function checkCaptureAmount(intent: PaymentIntentObject, amountMinor: number): void {
  if (amountMinor > intent.amount_capturable) {
    throw refusedByState(
      `The amount_to_capture (${String(amountMinor)}) is greater than the amount you can capture ` +
        `(${String(intent.amount_capturable)}).`,
      { code: 'amount_too_large', param: 'amount_to_capture', payment_intent: intent },
    );
  }
  if (amountMinor < 1) {
    throw refusedByState('The amount_to_capture must be at least 1.', {
      code: 'amount_too_small',
      param: 'amount_to_capture',
      payment_intent: intent,
    });
  }
}

/** Lets go of an uncaptured charge and books it as a void; null when nothing was authorised. */
function release(ctx: StripeContext, intent: PaymentIntentObject): ChargeObject | null {
  if (intent.status !== 'requires_capture') return null;
  const charge = findKnown(ctx, 'charge', intent.latest_charge);
  charge.refunded = true;
  charge.amount_refunded = charge.amount;
  save(ctx, charge);
  ctx.world.deadlines.clear(intent.id);
  writeBook(ctx, { intent, charge }, { kind: 'void', amountMinor: charge.amount });
  return charge;
}

function close(ctx: StripeContext, intent: PaymentIntentObject, reason: string | null): void {
  intent.status = 'canceled';
  intent.amount_capturable = 0;
  intent.canceled_at = now(ctx);
  intent.cancellation_reason = reason;
  intent.next_action = null;
  save(ctx, intent);
}

function writeBook(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly charge: ChargeObject },
  row: { readonly kind: 'capture' | 'void'; readonly amountMinor: number },
): void {
  ctx.world.books.write({
    processor: 'stripe',
    id: source.charge.id,
    kind: row.kind,
    amountMinor: row.amountMinor,
    currency: source.charge.currency,
    status: 'succeeded',
    of: source.intent.id,
    paymentId: source.intent.id,
  });
}
