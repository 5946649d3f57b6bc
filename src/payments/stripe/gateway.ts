/**
 * Cards and wallets through Stripe PaymentIntents with manual capture. Speaks the PaymentGateway port;
 * owns no state, makes one call per effect, never retries, and never sees card data. Apple Pay and Google Pay are cards
 * here: they come as payment methods of the same PaymentIntents. Subscriptions are in recurring.ts, payouts in payouts.ts.
 */
import type { Stripe } from 'stripe';
import type { ListedPayment, PaymentGateway } from '../../application/ports.ts';
import { invariant, unreachable } from '../../domain/assert.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { SECOND_MS } from '../../domain/time.ts';
import {
  ANY_METHOD,
  askForPayment,
  keyed,
  LIST_PAGE_COUNT,
  NOT_STRIPE,
  WITH_CHARGE,
  withRef,
  type StripeCalls,
} from './calls.ts';
import { createStripeClient, STRIPE_TIMEOUT_MS, type StripeClientConfig } from './client.ts';
import { replyOfError } from './errors.ts';
import { metadataOf, toListedDispute, toListedPayment, toRefund } from './mapping.ts';
import { createRecurringGateway } from './recurring.ts';
import { createWebhookReader, type StripeWebhookConfig } from './webhook.ts';

/** Everything the gateway needs to know; the environment's names are the composition root's affair. */
export interface StripeGatewayConfig extends StripeClientConfig, StripeWebhookConfig {
  /** Where a payer returns to after a redirect when the caller named no page; an absolute https URL. */
  readonly returnUrl: string;
}

/**
 * The Stripe gateway.
 * Errors: replies only; a broken configuration or key is an InvariantError, because no caller's input reaches them.
 * Source: Stripe API reference, "Create / Confirm / Retrieve / Capture / Cancel a PaymentIntent",
 * "Create a refund", "List all refunds", "List all PaymentIntents", "List all disputes".
 */
export function createStripeGateway(config: StripeGatewayConfig): PaymentGateway {
  invariant(
    !config.isLive || config.apiUrl.startsWith('https://'),
    'live payments are made over TLS',
  );
  const client = createStripeClient(config);
  const { isLive, returnUrl, timeoutMs = STRIPE_TIMEOUT_MS } = config;
  const calls: StripeCalls = { client, isLive, returnUrl, timeoutMs };
  const ask = (call: () => Promise<Stripe.PaymentIntent>) => askForPayment(calls, call);
  const about = (ref: string, call: () => Promise<Stripe.PaymentIntent>) =>
    withRef('pi', ref, () => ask(call));
  return {
    processor: 'stripe',
    capabilities: { authorizesFirst: true, refunds: 'api' },
    recurring: createRecurringGateway(calls),
    open: (request) => ask(() => openIntent(calls, request)),
    authorize: (request) => about(request.ref, () => confirmIntent(calls, request)),
    fetch: (ref) => about(ref, () => client.paymentIntents.retrieve(ref, WITH_CHARGE)),
    capture: (request) => about(request.ref, () => captureIntent(calls, request)),
    void: (request) => about(request.ref, () => cancelIntent(calls, request)),
    refund: (request) =>
      withRef('pi', request.ref, () => askForRefund(() => refund(calls, request))),
    fetchRefund: (ref) => askForRefund(() => client.refunds.retrieve(ref)),
    findRefund: (request) => withRef('pi', request.ref, () => findRefund(calls, request)),
    listSince: (request) => listSince(calls, request),
    listDisputesSince: (request) => listDisputesSince(calls, request),
    readWebhook: createWebhookReader(client, config),
  };
}

type Requested<M extends 'open' | 'authorize' | 'capture' | 'void' | 'refund'> = Parameters<
  PaymentGateway[M]
>[0];

/**
 * Unconfirmed on purpose: the id is stored before money can move, so an unknown outcome is always found by id.
 * Methods that cannot be captured later are left out by Stripe because of `manual`.
 */
function openIntent(calls: StripeCalls, request: Requested<'open'>): Promise<Stripe.PaymentIntent> {
  const { customerRef = null } = request;
  return calls.client.paymentIntents.create(
    {
      amount: request.amount.amount,
      currency: request.amount.currency,
      ...(customerRef === null ? {} : { customer: customerRef }),
      capture_method: 'manual',
      automatic_payment_methods: ANY_METHOD,
      metadata: metadataOf(request.reference),
      ...WITH_CHARGE,
    },
    keyed(request.key),
  );
}

function confirmIntent(
  calls: StripeCalls,
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
function captureIntent(
  calls: StripeCalls,
  request: Requested<'capture'>,
): Promise<Stripe.PaymentIntent> {
  return calls.client.paymentIntents.capture(
    request.ref,
    { amount_to_capture: request.amountMinor, ...WITH_CHARGE },
    keyed(request.key),
  );
}

/** The reason is one constant, because a repeat under the same key must have the same parameters. */
function cancelIntent(
  calls: StripeCalls,
  request: Requested<'void'>,
): Promise<Stripe.PaymentIntent> {
  return calls.client.paymentIntents.cancel(
    request.ref,
    { cancellation_reason: 'abandoned', ...WITH_CHARGE },
    keyed(request.key),
  );
}

function refund(calls: StripeCalls, request: Requested<'refund'>): Promise<Stripe.Refund> {
  return calls.client.refunds.create(
    {
      payment_intent: request.ref,
      amount: request.amountMinor,
      metadata: { refund_id: request.refundId },
    },
    keyed(request.key),
  );
}

/**
 * Every refund of the payment is read before one is called missing, because a second one would follow. One that failed is
 * answered only when there is no better one of the same id.
 */
async function findRefund(
  { client }: StripeCalls,
  request: { readonly ref: string; readonly refundId: string },
): Promise<ProcessorReply> {
  let failed: ProcessorReply | null = null;
  let cursor: string | undefined;
  try {
    do {
      const page = await client.refunds.list({
        payment_intent: request.ref,
        limit: LIST_PAGE_COUNT,
        ...(cursor === undefined ? {} : { starting_after: cursor }),
      });
      const ours = page.data.filter((row) => row.metadata?.['refund_id'] === request.refundId);
      const refunds = ours.map(toRefund);
      const alive = refunds.find(({ status }) => status !== 'failed');
      if (alive !== undefined) return { kind: 'refund', refund: alive };
      const [newest] = refunds;
      if (newest !== undefined) failed ??= { kind: 'refund', refund: newest };
      cursor = page.has_more ? page.data.at(-1)?.id : undefined;
    } while (cursor !== undefined);
  } catch (error) {
    return replyOfError(error);
  }
  return failed ?? { kind: 'missing' };
}

async function listSince(
  calls: StripeCalls,
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

async function listDisputesSince(
  calls: StripeCalls,
  request: Parameters<PaymentGateway['listDisputesSince']>[0],
): ReturnType<PaymentGateway['listDisputesSince']> {
  try {
    const page = await calls.client.disputes.list({
      created: { gte: Math.floor(request.sinceMs / SECOND_MS) },
      limit: LIST_PAGE_COUNT,
      expand: ['data.payment_intent'],
      ...(request.cursor === null ? {} : { starting_after: request.cursor }),
    });
    const last = page.data.at(-1);
    return {
      disputes: page.data.map(toListedDispute),
      next: page.has_more && last !== undefined ? last.id : null,
    };
  } catch (error) {
    return { failed: wordsOf(replyOfError(error)) };
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
    case 'setup':
    case 'customer':
    case 'method':
    case 'detached':
      return reply.kind;
    default:
      return unreachable(reply);
  }
}
