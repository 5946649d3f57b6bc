/**
 * Subscriptions at Stripe: a method is kept with a customer by its first payment or by a SetupIntent, and charged for
 * later periods while the payer is away. We bill ourselves: Stripe's own subscriptions and invoices are not used.
 * Speaks the RecurringGateway port; one call per method, no state, no retries.
 */
import type { Stripe } from 'stripe';
import type { RecurringGateway } from '../../application/ports.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import {
  ANY_METHOD,
  askFor,
  askForPayment,
  keyed,
  WITH_CHARGE,
  withRef,
  type StripeCalls,
} from './calls.ts';
import { metadataOf, toMethod, toSetup } from './mapping.ts';

/**
 * Stripe's part of the port.
 * Errors: replies only, as the gateway's; a customer that Stripe does not know is `missing`.
 * Source: Stripe documentation, "Save and reuse payment methods", "Charge a saved payment method"; API reference,
 * "Create a customer", "Create / Confirm a PaymentIntent", "Create / Confirm / Cancel a SetupIntent".
 */
export function createRecurringGateway(calls: StripeCalls): RecurringGateway {
  const { client } = calls;
  const askSetup = (call: () => Promise<Stripe.SetupIntent>) => askForSetup(calls, call);
  return {
    kind: 'off_session',
    takesTokens: true,
    openCustomer: (request) => openCustomer(calls, request),
    openCharge: (request) => askForPayment(calls, () => openCharge(calls, request)),
    confirmCharge: (request) =>
      withRef('pi', request.ref, () => askForPayment(calls, () => confirmCharge(calls, request))),
    openSetup: (request) => askSetup(() => openSetup(calls, request)),
    confirmSetup: (request) =>
      withRef('seti', request.ref, () => askSetup(() => confirmSetup(calls, request))),
    fetchSetup: (ref) =>
      withRef('seti', ref, () => askSetup(() => client.setupIntents.retrieve(ref))),
    cancelSetup: (request) =>
      withRef('seti', request.ref, () => askSetup(() => cancelSetup(calls, request))),
    describeMethod: (ref) => withRef('pm', ref, () => describeMethod(calls, ref)),
    detachMethod: (request) => withRef('pm', request.ref, () => detachMethod(calls, request)),
  };
}

type Requested<
  M extends 'openCustomer' | 'openCharge' | 'confirmCharge' | 'openSetup' | 'confirmSetup',
> = Parameters<RecurringGateway[M]>[0];

/** No name and no address: Stripe learns of a member what their card tells it, and our id. */
function openCustomer(
  { client, isLive }: StripeCalls,
  request: Requested<'openCustomer'>,
): Promise<ProcessorReply> {
  const create = () =>
    client.customers.create({ metadata: { member_id: request.memberId } }, keyed(request.key));
  return askFor({ object: 'customer', isLive }, create, ({ id }) => ({
    kind: 'customer',
    ref: id,
  }));
}

/**
 * Unconfirmed, as every payment of ours. `setup_future_usage` is set from the beginning, because a payer who uses Stripe's
 * client library confirms by themselves; it attaches what they pay with to the customer, and leaves out methods that
 * cannot be charged again.
 */
function openCharge(
  { client }: StripeCalls,
  request: Requested<'openCharge'>,
): Promise<Stripe.PaymentIntent> {
  return client.paymentIntents.create(
    {
      amount: request.amount.amount,
      currency: request.amount.currency,
      customer: request.customerRef,
      capture_method: 'automatic',
      setup_future_usage: 'off_session',
      automatic_payment_methods: ANY_METHOD,
      metadata: metadataOf(request.reference),
      ...WITH_CHARGE,
    },
    keyed(request.key),
  );
}

/**
 * Stripe refuses `off_session` while the intent also sets up future usage, which only a payer who is there can agree to;
 * so it is taken off in the same call. The method is one that is kept already.
 */
function confirmCharge(
  { client, returnUrl }: StripeCalls,
  request: Requested<'confirmCharge'>,
): Promise<Stripe.PaymentIntent> {
  return client.paymentIntents.confirm(
    request.ref,
    {
      payment_method: request.paymentMethod,
      return_url: request.returnUrl ?? returnUrl,
      ...(request.isOffSession ? { off_session: true, setup_future_usage: '' } : {}),
      ...WITH_CHARGE,
    },
    keyed(request.key),
  );
}

function openSetup(
  { client }: StripeCalls,
  request: Requested<'openSetup'>,
): Promise<Stripe.SetupIntent> {
  return client.setupIntents.create(
    {
      customer: request.customerRef,
      usage: 'off_session',
      automatic_payment_methods: ANY_METHOD,
      metadata: metadataOf(request.reference),
    },
    keyed(request.key),
  );
}

function confirmSetup(
  { client, returnUrl }: StripeCalls,
  request: Requested<'confirmSetup'>,
): Promise<Stripe.SetupIntent> {
  return client.setupIntents.confirm(
    request.ref,
    { payment_method: request.paymentMethod, return_url: request.returnUrl ?? returnUrl },
    keyed(request.key),
  );
}

/** The reason is one constant, because a repeat under the same key must have the same parameters. */
function cancelSetup(
  { client }: StripeCalls,
  request: { readonly key: string; readonly ref: string },
): Promise<Stripe.SetupIntent> {
  return client.setupIntents.cancel(
    request.ref,
    { cancellation_reason: 'abandoned' },
    keyed(request.key),
  );
}

function describeMethod({ client, isLive }: StripeCalls, ref: string): Promise<ProcessorReply> {
  const retrieve = () => client.paymentMethods.retrieve(ref);
  return askFor({ object: 'payment_method', isLive }, retrieve, (method) => ({
    kind: 'method',
    method: toMethod(method),
  }));
}

/**
 * Stripe refuses to detach what nobody is attached to, without a code of its own; so where it refuses, the method itself
 * is asked who it belongs to.
 */
async function detachMethod(
  { client, isLive }: StripeCalls,
  { key, ref }: { readonly key: string; readonly ref: string },
): Promise<ProcessorReply> {
  const expected = { object: 'payment_method', isLive } as const;
  const detach = () => client.paymentMethods.detach(ref, {}, keyed(key));
  const reply = await askFor(expected, detach, () => ({ kind: 'detached' }));
  if (reply.kind !== 'misconfigured' && reply.kind !== 'declined') return reply;
  const retrieve = () => client.paymentMethods.retrieve(ref);
  const seen = await askFor(expected, retrieve, (method) =>
    method.customer === null ? { kind: 'detached' } : reply,
  );
  return seen.kind === 'detached' || seen.kind === 'missing' ? seen : reply;
}

function askForSetup(
  { isLive }: StripeCalls,
  call: () => Promise<Stripe.SetupIntent>,
): Promise<ProcessorReply> {
  return askFor({ object: 'setup_intent', isLive }, call, (setup) => ({
    kind: 'setup',
    setup: toSetup(setup),
  }));
}
