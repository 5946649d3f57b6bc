/**
 * Subscriptions at PayPal: what the payer pays the first charge with is kept in PayPal's vault, and later charges name it
 * while the payer is away. We bill ourselves: PayPal's own subscriptions are not used. Speaks the RecurringGateway port;
 * owns no state and never retries.
 */
import type { RecurringGateway } from '../../application/ports.ts';
import type { ProcessorReply, ProcessorSetup } from '../../domain/payment/processor-reply.ts';
import { toPaypalAmount } from './amounts.ts';
import {
  orderPath,
  orderReply,
  paymentReply,
  readAnswer,
  readOrder,
  withRef,
  type PaypalCalls,
} from './calls.ts';
import type { PaypalAnswer, PaypalSession } from './client.ts';
import {
  declined,
  isMethodUnknown,
  needsPayer,
  replyOfFailedLook,
  replyOfFailure,
} from './errors.ts';
import { actionOf, isTaken, isUndecided, maskedEmail, paymentsOf, unitOf } from './mapping.ts';
import { experience, keptSource, newOrder } from './order-request.ts';
import { orderSchema, paymentTokenSchema, setupTokenSchema, type SetupToken } from './wire.ts';

/**
 * PayPal's part of the port.
 * Errors: replies only, as the gateway's.
 * Source: PayPal REST API specifications, Orders v2 ("Create / Capture payment for order", payment_source.paypal), Payment
 * Method Tokens v3 ("Create / Retrieve a setup token", "Create a payment token").
 */
export function createRecurringGateway(calls: PaypalCalls): RecurringGateway {
  return {
    kind: 'off_session',
    takesTokens: false,
    // PayPal keeps payers under a name of the merchant's own: no call is needed to have one.
    openCustomer: ({ memberId }) => Promise.resolve({ kind: 'customer', ref: memberId }),
    openCharge: (request) => openCharge(calls, request),
    confirmCharge: (request) => withRef(request.ref, () => confirmCharge(calls, request)),
    openSetup: (request) => openSetup(calls, request),
    confirmSetup: (request) => withRef(request.ref, () => lookAtSetup(calls, request.ref)),
    fetchSetup: (ref) => withRef(ref, () => lookAtSetup(calls, ref)),
    cancelSetup: (request) => withRef(request.ref, () => cancelSetup(calls, request.ref)),
    describeMethod: (ref) => withRef(ref, () => describeMethod(calls, ref)),
    detachMethod: ({ ref }) => withRef(ref, () => detachMethod(calls, ref)),
  };
}

type OpenCharge = Parameters<RecurringGateway['openCharge']>[0] & {
  /** The kept method that is to be charged; without one the payer chooses, and what they choose is kept. */
  readonly paymentMethod?: string | null;
};

/** Nothing moves by this, whether the payer has to approve it or a kept method is charged next. */
async function openCharge(calls: PaypalCalls, request: OpenCharge): Promise<ProcessorReply> {
  const amount = toPaypalAmount(request.amount);
  if ('refused' in amount) return declined(amount.refused, 'payer');
  const isKept = (request.paymentMethod ?? null) !== null;
  const payer = {
    returnUrl: request.returnUrl ?? calls.returnUrl,
    keepFor: request.customerRef,
  };
  const body = newOrder({
    intent: 'CAPTURE',
    amount,
    reference: request.reference,
    payer: isKept ? null : payer,
  });
  const call = { method: 'POST', path: '/v2/checkout/orders', body, key: request.key } as const;
  return orderReply(calls, await calls.session()(call));
}

type ConfirmCharge = Parameters<RecurringGateway['confirmCharge']>[0];

/** Takes the money: of an order that the payer approved, else with the kept method. */
async function confirmCharge(calls: PaypalCalls, request: ConfirmCharge): Promise<ProcessorReply> {
  const { ref, key, paymentMethod } = request;
  const session = calls.session();
  const order = await readOrder(session, ref);
  if (!order.ok) return replyOfFailedLook(order.answer);
  const { captures } = paymentsOf(unitOf(order.value));
  if (captures.some(isUndecided)) {
    return { kind: 'unavailable', reason: 'the capture is pending' };
  }
  const isApproved = order.value.status === 'APPROVED';
  const isPayable = isApproved || paymentMethod !== '';
  if (!isPayable) return paymentReply(calls, order.value);
  // A repeated key needs the body that it had, and by then the order may be past its approval.
  const body =
    paymentMethod === '' ? {} : { payment_source: keptSource(paymentMethod, 'MERCHANT') };
  const answer = await session({ method: 'POST', path: `${orderPath(ref)}/capture`, body, key });
  if (needsPayer(answer)) return declined('authentication_required', 'payer');
  // The order was read with the same credentials a moment ago: what we may not use is the method.
  if (paymentMethod !== '' && isMethodUnknown(answer)) {
    return declined('payment_method_missing', 'payer');
  }
  // An answer that is repeated under its key tells how the capture began; the order tells how it stands.
  const isRepeated = answer.kind === 'answer' && answer.status < 300 && captures.length > 0;
  return isRepeated ? paymentReply(calls, order.value) : capturedReply(calls, answer);
}

/** An answered capture that was refused is a decline, as an error is. */
function capturedReply(calls: PaypalCalls, answer: PaypalAnswer): ProcessorReply {
  const order = readAnswer(orderSchema, answer);
  if (!order.ok) return replyOfFailure(order.answer);
  const { captures } = paymentsOf(unitOf(order.value));
  const isRefused =
    captures.length > 0 && !captures.some((one) => isTaken(one) || isUndecided(one));
  return isRefused ? declined('capture_declined', 'payer') : paymentReply(calls, order.value);
}

type OpenSetup = Parameters<RecurringGateway['openSetup']>[0] & {
  readonly returnUrl?: string | null;
};

/** A method without money: the payer agrees on PayPal's page. */
async function openSetup(calls: PaypalCalls, request: OpenSetup): Promise<ProcessorReply> {
  const body = {
    customer: { merchant_customer_id: request.customerRef },
    payment_source: {
      paypal: {
        usage_type: 'MERCHANT',
        experience_context: experience(request.returnUrl ?? calls.returnUrl),
      },
    },
  };
  const call = { method: 'POST', path: '/v3/vault/setup-tokens', body, key: request.key } as const;
  const setup = readAnswer(setupTokenSchema, await calls.session()(call));
  if (!setup.ok) return replyOfFailure(setup.answer);
  const metadata = setupMetadata(request.reference);
  return setupReply(calls, setup.value, { methodRef: null, metadata });
}

/** A setup token has no field of ours: the reference is in the answer for whoever asked. */
function setupMetadata(reference: OpenSetup['reference']): Record<string, string> {
  if ('savedMethodId' in reference) return { saved_method_id: reference.savedMethodId };
  return { subscription_id: reference.subscriptionId, charge_id: reference.chargeId };
}

/**
 * How a setup stands. What the payer agreed to is kept only once the setup token is exchanged, which moves no money; so a
 * look exchanges it, under a key made of its id, and any number of looks keep one method.
 */
async function lookAtSetup(calls: PaypalCalls, ref: string): Promise<ProcessorReply> {
  const session = calls.session();
  const setup = await readSetup(session, ref);
  if (!setup.ok) return replyOfFailure(setup.answer);
  const isAgreed = setup.value.status === 'APPROVED' || setup.value.status === 'VAULTED';
  if (!isAgreed) return setupReply(calls, setup.value, { methodRef: null, metadata: {} });
  const answer = await session({
    method: 'POST',
    path: '/v3/vault/payment-tokens',
    body: { payment_source: { token: { id: ref, type: 'SETUP_TOKEN' } } },
    key: `setup:${ref}`,
  });
  const token = readAnswer(paymentTokenSchema, answer);
  return token.ok
    ? setupReply(calls, setup.value, { methodRef: token.value.id, metadata: {} })
    : replyOfFailure(token.answer);
}

/** PayPal has no call for it: what is not exchanged ends by itself, and nothing can be charged with it meanwhile. */
async function cancelSetup(calls: PaypalCalls, ref: string): Promise<ProcessorReply> {
  const setup = await readSetup(calls.session(), ref);
  if (!setup.ok) return replyOfFailedLook(setup.answer);
  if (setup.value.status === 'VAULTED') return { kind: 'already_done' };
  return {
    kind: 'setup',
    setup: {
      ref,
      state: 'cancelled',
      action: null,
      methodRef: null,
      declineCode: null,
      metadata: {},
    },
  };
}

async function describeMethod(calls: PaypalCalls, ref: string): Promise<ProcessorReply> {
  const answer = await calls.session()({ method: 'GET', path: tokenPath(ref) });
  const token = readAnswer(paymentTokenSchema, answer);
  if (!token.ok) return replyOfFailure(token.answer);
  const email = token.value.payment_source?.paypal?.email_address ?? null;
  return {
    kind: 'method',
    method: {
      ref: token.value.id,
      kind: 'paypal',
      brand: null,
      last4: null,
      expiresMonth: null,
      expiresYear: null,
      payer: email === null ? null : maskedEmail(email),
    },
  };
}

/** PayPal answers a second time as it did the first; one that the payer took back is as good as deleted. */
async function detachMethod(calls: PaypalCalls, ref: string): Promise<ProcessorReply> {
  const answer = await calls.session()({ method: 'DELETE', path: tokenPath(ref) });
  if (answer.kind === 'answer' && answer.status < 300) return { kind: 'detached' };
  const reply = replyOfFailure(answer);
  return reply.kind === 'missing' ? { kind: 'detached' } : reply;
}

function tokenPath(ref: string): string {
  return `/v3/vault/payment-tokens/${ref}`;
}

async function readSetup(session: PaypalSession, ref: string) {
  const answer = await session({ method: 'GET', path: `/v3/vault/setup-tokens/${ref}` });
  return readAnswer(setupTokenSchema, answer);
}

function setupReply(
  { mayPayAt }: PaypalCalls,
  { id, links }: SetupToken,
  seen: Pick<ProcessorSetup, 'methodRef' | 'metadata'>,
): ProcessorReply {
  const isKept = seen.methodRef !== null;
  return {
    kind: 'setup',
    setup: {
      ref: id,
      state: isKept ? 'succeeded' : 'action_required',
      action: isKept ? null : actionOf(links, mayPayAt),
      declineCode: null,
      ...seen,
    },
  };
}
