/**
 * Cards and wallets through Stripe PaymentIntents with manual capture. Speaks the PaymentGateway port;
 * owns no state, makes one call per method, never retries, and never sees card data.
 */
import type { Stripe } from 'stripe';
import type { ListedPayment, PaymentGateway } from '../../application/ports.ts';
import { invariant, unreachable } from '../../domain/assert.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { SECOND_MS } from '../../domain/time.ts';
import { createStripeClient, type StripeClientConfig } from './client.ts';
import { replyOfError } from './errors.ts';
import { metadataOf, toListedPayment, toPayment, toRefund } from './mapping.ts';
import { createWebhookReader, type StripeWebhookConfig } from './webhook.ts';

/** Everything the gateway needs to know; the environment's names are the composition root's affair. */
export interface StripeGatewayConfig extends StripeClientConfig, StripeWebhookConfig {
  /** Where a payer returns to after a redirect when the caller named no page; an absolute https URL. */
  readonly returnUrl: string;
}

/** The charge tells the capture deadline and the refunds, so every answer about a payment carries it. */
const WITH_CHARGE = { expand: ['latest_charge'] };

/** Rows per page of a list, the most that Stripe gives. */
const LIST_PAGE_COUNT = 100;

/** Longest Idempotency-Key that Stripe takes, in characters. */
const KEY_LENGTH_MAX = 255;

/**
 * The Stripe gateway.
 * Errors: replies only; a broken configuration or key is an InvariantError, because no caller's input reaches them.
 * Source: Stripe API reference, "Create / Confirm / Retrieve / Capture / Cancel a PaymentIntent",
 * "Create a refund", "List all PaymentIntents".
 */
export function createStripeGateway(config: StripeGatewayConfig): PaymentGateway {
  invariant(
    !config.isLive || config.apiUrl.startsWith('https://'),
    'live payments are made over TLS',
  );
  const client = createStripeClient(config);
  const calls: Calls = { client, returnUrl: config.returnUrl };
  const ask = (call: () => Promise<Stripe.PaymentIntent>) => askForPayment(call, config.isLive);
  return {
    processor: 'stripe',
    capabilities: { authorizesFirst: true },
    open: (request) => ask(() => openIntent(calls, request)),
    authorize: (request) => withRef(request.ref, () => ask(() => confirmIntent(calls, request))),
    fetch: (ref) => withRef(ref, () => ask(() => client.paymentIntents.retrieve(ref, WITH_CHARGE))),
    capture: (request) => withRef(request.ref, () => ask(() => captureIntent(calls, request))),
    void: (request) => withRef(request.ref, () => ask(() => cancelIntent(calls, request))),
    refund: (request) => withRef(request.ref, () => askForRefund(() => refund(calls, request))),
    fetchRefund: (ref) => askForRefund(() => client.refunds.retrieve(ref)),
    listSince: (request) => listSince(calls, request),
    readWebhook: createWebhookReader(client, config),
  };
}

interface Calls {
  readonly client: Stripe;
  readonly returnUrl: string;
}

type Requested<M extends 'open' | 'authorize' | 'capture' | 'void' | 'refund'> = Parameters<
  PaymentGateway[M]
>[0];

/**
 * Unconfirmed on purpose: the id is stored before money can move, so an unknown outcome is always found by id.
 *
 * `allow_redirects` is 'always': with 'never' Stripe offers no method that redirects, and a 3-D Secure challenge of a
 * payer without Stripe's own client library is a redirect. Its price is that every confirm must carry a return_url,
 * which confirmIntent does. Methods that cannot be captured later are left out by Stripe because of `manual`.
 */
function openIntent(calls: Calls, request: Requested<'open'>): Promise<Stripe.PaymentIntent> {
  return calls.client.paymentIntents.create(
    {
      amount: request.amount.amount,
      currency: request.amount.currency,
      capture_method: 'manual',
      automatic_payment_methods: { enabled: true, allow_redirects: 'always' },
      metadata: metadataOf(request.reference),
      ...WITH_CHARGE,
    },
    keyed(request.key),
  );
}

function confirmIntent(
  calls: Calls,
  request: Requested<'authorize'>,
): Promise<Stripe.PaymentIntent> {
  return calls.client.paymentIntents.confirm(
    request.ref,
    {
      payment_method: request.paymentMethod,
      return_url: request.returnUrl ?? calls.returnUrl,
      ...WITH_CHARGE,
    },
    keyed(request.key),
  );
}

/** Whatever is not captured of the authorisation is released by Stripe. */
function captureIntent(calls: Calls, request: Requested<'capture'>): Promise<Stripe.PaymentIntent> {
  return calls.client.paymentIntents.capture(
    request.ref,
    { amount_to_capture: request.amountMinor, ...WITH_CHARGE },
    keyed(request.key),
  );
}

/** The reason is one constant, because a repeat under the same key must have the same parameters. */
function cancelIntent(calls: Calls, request: Requested<'void'>): Promise<Stripe.PaymentIntent> {
  return calls.client.paymentIntents.cancel(
    request.ref,
    { cancellation_reason: 'abandoned', ...WITH_CHARGE },
    keyed(request.key),
  );
}

function refund(calls: Calls, request: Requested<'refund'>): Promise<Stripe.Refund> {
  return calls.client.refunds.create(
    {
      payment_intent: request.ref,
      amount: request.amountMinor,
      metadata: { refund_id: request.refundId },
    },
    keyed(request.key),
  );
}

async function listSince(
  calls: Calls,
  request: Parameters<PaymentGateway['listSince']>[0],
): Promise<{ payments: readonly ListedPayment[]; next: string | null } | { failed: string }> {
  try {
    const page = await calls.client.paymentIntents.list({
      created: { gte: Math.floor(request.sinceMs / SECOND_MS) },
      limit: LIST_PAGE_COUNT,
      expand: ['data.latest_charge'],
      ...(request.cursor === null ? {} : { starting_after: request.cursor }),
    });
    const last = page.data.at(-1);
    return {
      payments: page.data.map(toListedPayment),
      next: page.has_more && last !== undefined ? last.id : null,
    };
  } catch (error) {
    return { failed: wordsOf(replyOfError(error)) };
  }
}

/** An intent of the other mode is nobody's payment here: a key or an address is wrong. */
async function askForPayment(
  call: () => Promise<Stripe.PaymentIntent>,
  isLive: boolean,
): Promise<ProcessorReply> {
  try {
    const intent = await call();
    if (intent.object !== 'payment_intent') return NOT_STRIPE;
    if (intent.livemode !== isLive) return { kind: 'misconfigured', reason: 'livemode_mismatch' };
    return { kind: 'payment', payment: toPayment(intent) };
  } catch (error) {
    return replyOfError(error);
  }
}

async function askForRefund(call: () => Promise<Stripe.Refund>): Promise<ProcessorReply> {
  try {
    const made = await call();
    return made.object === 'refund' ? { kind: 'refund', refund: toRefund(made) } : NOT_STRIPE;
  } catch (error) {
    return replyOfError(error);
  }
}

const NOT_STRIPE: ProcessorReply = { kind: 'misconfigured', reason: 'unexpected_object' };

/** A text that is no PaymentIntent id names no object; it must not become part of a path either. */
async function withRef(ref: string, call: () => Promise<ProcessorReply>): Promise<ProcessorReply> {
  return /^pi_[A-Za-z0-9_]+$/.test(ref) ? call() : { kind: 'missing' };
}

/** Our key on every POST; without one the SDK would make a new one per call, and a repeat would act twice. */
function keyed(key: string): Stripe.RequestOptions {
  invariant(
    key.length > 0 && key.length <= KEY_LENGTH_MAX,
    'an idempotency key has 1 to 255 characters',
  );
  return { idempotencyKey: key };
}

/** A failed list in words for the log. */
function wordsOf(reply: ProcessorReply): string {
  switch (reply.kind) {
    case 'no_answer':
    case 'server_error':
    case 'unavailable':
    case 'misconfigured':
      return `${reply.kind}: ${reply.reason}`;
    case 'declined':
    case 'already_done':
    case 'missing':
    case 'payment':
    case 'refund':
      return reply.kind;
    default:
      return unreachable(reply);
  }
}
