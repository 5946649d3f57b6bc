/**
 * Charges: one per attempt to take money. Owns their construction; what becomes of them is decided
 * in payment-attempt.ts, settlement.ts, refunds.ts and disputes.ts.
 * Source: Stripe API reference, "Charges".
 */
import type { JsonObject } from '../json.ts';
import { chargeFeeMinor, recordMovement } from './balance.ts';
import { newId, now, type StripeContext } from './context.ts';
import type { ChargeObject, PaymentIntentObject, PaymentMethodObject } from './shapes.ts';
import type { Decline } from './test-cards.ts';

/** How a charge comes about. */
export interface ChargeFacts {
  readonly decline: Decline | null;
  readonly isAuthenticated: boolean;
  /** Set for an authorisation that is to be captured later. */
  readonly captureBeforeSeconds: number | null;
}

/** A new charge for the intent's whole amount, uncaptured; the caller captures and files it. */
export function makeCharge(
  ctx: StripeContext,
  source: { readonly intent: PaymentIntentObject; readonly method: PaymentMethodObject },
  facts: ChargeFacts,
): ChargeObject {
  const { intent, method } = source;
  const { decline } = facts;
  return {
    id: newId(ctx, 'ch'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: 'HOLDFAST',
    captured: false,
    created: now(ctx),
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: outcome(decline),
    paid: decline === null,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: methodDetails(method, intent, facts),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: decline === null ? 'succeeded' : 'failed',
    transfer_data: null,
    transfer_group: intent.transfer_group,
  };
}

/** Marks a charge captured for that amount and books Stripe's fee. */
export function captureCharge(
  ctx: StripeContext,
  charge: ChargeObject,
  capture: { readonly amountMinor: number; readonly isImmediate: boolean },
): void {
  charge.captured = true;
  charge.amount_captured = capture.amountMinor;
  charge.balance_transaction = recordMovement(ctx, {
    type: 'charge',
    category: 'charge',
    amountMinor: capture.amountMinor,
    feeMinor: chargeFeeMinor(capture.amountMinor),
    currency: charge.currency,
    source: charge.id,
    description: charge.description,
    isImmediate: capture.isImmediate,
  }).id;
}

function outcome(decline: Decline | null): ChargeObject['outcome'] {
  return {
    advice_code: decline?.adviceCode ?? null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: decline ? 'declined_by_network' : 'approved_by_network',
    reason: decline?.declineCode ?? null,
    risk_level: 'normal',
    risk_score: 20,
    seller_message: decline
      ? 'The bank did not return any further details with this decline.'
      : 'Payment complete.',
    type: decline ? 'issuer_declined' : 'authorized',
  };
}

function methodDetails(
  method: PaymentMethodObject,
  intent: PaymentIntentObject,
  facts: ChargeFacts,
): ChargeObject['payment_method_details'] {
  if (!method.card) return { type: 'us_bank_account', us_bank_account: { last4: '6789' } };
  const { card } = method;
  const details: JsonObject = {
    amount_authorized: facts.decline ? null : intent.amount,
    authorization_code: null,
    brand: card.brand,
    ...(facts.captureBeforeSeconds === null ? {} : { capture_before: facts.captureBeforeSeconds }),
    checks: card.checks,
    country: card.country,
    electronic_commerce_indicator: facts.isAuthenticated ? '05' : null,
    exp_month: card.exp_month,
    exp_year: card.exp_year,
    extended_authorization: { status: 'disabled' },
    fingerprint: card.fingerprint,
    funding: card.funding,
    incremental_authorization: { status: 'unavailable' },
    installments: null,
    last4: card.last4,
    mandate: null,
    multicapture: { status: 'unavailable' },
    network: card.brand,
    network_token: { used: false },
    network_transaction_id: '104102108105109101100',
    overcapture: { maximum_amount_capturable: intent.amount, status: 'unavailable' },
    regulated_status: 'unregulated',
    three_d_secure: facts.isAuthenticated ? authenticated() : null,
    transaction_link_id: null,
    wallet: card.wallet === null ? null : { ...card.wallet },
  };
  return { card: details, type: 'card' };
}

function authenticated(): JsonObject {
  return {
    authentication_flow: 'challenge',
    electronic_commerce_indicator: '05',
    exemption_indicator: null,
    result: 'authenticated',
    result_reason: null,
    transaction_id: '05a2c2e5-26c1-4a5f-b7b5-0f4e6d2b7a11',
    version: '2.2.0',
  };
}
