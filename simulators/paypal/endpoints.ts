/**
 * The endpoints served: method, path, how long a request id is kept, the fault operations a call counts
 * as, and what it does. A path that is not here is 404, as it is at PayPal.
 * Source: PayPal REST API specifications.
 */
import type { FaultOperation } from '../faults.ts';
import type { JsonObject } from '../json.ts';
import * as authorizations from './authorizations.ts';
import { findAddressed, type PaypalContext } from './context.ts';
import * as disputes from './disputes.ts';
import * as events from './events.ts';
import type { KeyedApi } from './idempotency.ts';
import * as orders from './orders.ts';
import type { OrderRecord } from './records.ts';
import { refundCapture } from './refunds.ts';
import { searchTransactions } from './statement.ts';
import * as vault from './vault.ts';
import { showAuthorization, showCapture, showOrder, showRefund } from './wire.ts';

/** One call, decoded. */
export interface EndpointCall {
  readonly ctx: PaypalContext;
  /** The identifier in the path, or empty. */
  readonly id: string;
  readonly body: JsonObject;
  readonly query: URLSearchParams;
  /** `Prefer: return=representation`. */
  readonly isFull: boolean;
  readonly hasKey: boolean;
}

/** What an operation answers; null is an empty body. */
export interface Answer {
  readonly status: number;
  readonly body: JsonObject | null;
}

/** One endpoint. `handle` runs synchronously inside one transaction. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path below /paypal with `{id}` in place of the identifier. */
  readonly path: string;
  readonly api: KeyedApi | null;
  readonly operations: readonly FaultOperation[];
  readonly handle: (call: EndpointCall) => Answer;
}

function get(
  path: string,
  operation: 'fetch' | 'list',
  show: (call: EndpointCall) => JsonObject,
): Endpoint {
  const handle: Endpoint['handle'] = (call) => ({ status: 200, body: show(call) });
  return { method: 'GET', path, api: null, operations: [operation], handle };
}

function post(path: string, rest: Pick<Endpoint, 'api' | 'operations' | 'handle'>): Endpoint {
  return { method: 'POST', path, ...rest };
}

/** Without a preference PayPal answers the least that lets the caller go on. */
function answerOrder(call: EndpointCall, order: OrderRecord, status: number): Answer {
  const brief = order.status === 'COMPLETED' ? 'paid' : 'created';
  return { status, body: showOrder(call.ctx, order, call.isFull ? 'full' : brief) };
}

const ORDER = '/v2/checkout/orders/{id}';

const ORDER_ENDPOINTS: readonly Endpoint[] = [
  post('/v2/checkout/orders', {
    api: 'orders',
    operations: ['create'],
    handle: (call) => {
      const order = orders.createOrder(call.ctx, call.body, call.hasKey);
      return answerOrder(call, order, 201);
    },
  }),
  get(ORDER, 'fetch', ({ ctx, id }) => showOrder(ctx, orders.getOrder(ctx, id), 'full')),
  post(`${ORDER}/confirm-payment-source`, {
    api: 'orders',
    operations: ['confirm'],
    handle: (call) => answerOrder(call, orders.confirmSource(call.ctx, call.id, call.body), 200),
  }),
  post(`${ORDER}/authorize`, {
    api: 'orders',
    operations: ['confirm', 'authorize'],
    handle: (call) => complete(call, 'AUTHORIZE'),
  }),
  post(`${ORDER}/capture`, {
    api: 'orders',
    operations: ['confirm', 'capture'],
    handle: (call) => complete(call, 'CAPTURE'),
  }),
];

function complete(call: EndpointCall, intent: OrderRecord['intent']): Answer {
  const { ctx, id, body } = call;
  return answerOrder(call, orders.completeOrder(ctx, id, { intent, body }), 201);
}

const AUTHORIZATION = '/v2/payments/authorizations/{id}';
const CAPTURE = '/v2/payments/captures/{id}';

const PAYMENT_ENDPOINTS: readonly Endpoint[] = [
  get(AUTHORIZATION, 'fetch', ({ ctx, id }) =>
    showAuthorization(ctx, findAddressed(ctx, 'authorization', id)),
  ),
  post(`${AUTHORIZATION}/capture`, {
    api: 'payments',
    operations: ['capture'],
    handle: ({ ctx, id, body, isFull }) => {
      const capture = authorizations.captureAuthorization(ctx, id, body);
      return { status: 201, body: showCapture(ctx, capture, isFull) };
    },
  }),
  post(`${AUTHORIZATION}/void`, {
    api: 'payments',
    operations: ['void'],
    handle: ({ ctx, id, isFull }) => {
      const authorization = authorizations.voidAuthorization(ctx, id);
      if (!isFull) return { status: 204, body: null };
      return { status: 200, body: showAuthorization(ctx, authorization) };
    },
  }),
  post(`${AUTHORIZATION}/reauthorize`, {
    api: 'payments',
    operations: ['authorize'],
    handle: ({ ctx, id, body, isFull }) => {
      const authorization = authorizations.reauthorize(ctx, id, body);
      return { status: 201, body: showAuthorization(ctx, authorization, isFull) };
    },
  }),
  get(CAPTURE, 'fetch', ({ ctx, id }) => showCapture(ctx, findAddressed(ctx, 'capture', id))),
  post(`${CAPTURE}/refund`, {
    api: 'payments',
    operations: ['refund'],
    handle: ({ ctx, id, body, isFull }) => {
      const refund = refundCapture(ctx, id, body);
      return { status: 201, body: showRefund(ctx, refund, isFull) };
    },
  }),
  get('/v2/payments/refunds/{id}', 'fetch', ({ ctx, id }) =>
    showRefund(ctx, findAddressed(ctx, 'refund', id)),
  ),
];

const TOKENS = '/v3/vault/payment-tokens';

const VAULT_ENDPOINTS: readonly Endpoint[] = [
  post('/v3/vault/setup-tokens', {
    api: 'vault',
    operations: ['create'],
    handle: ({ ctx, body }) => ({ status: 201, body: vault.createSetupToken(ctx, body) }),
  }),
  get('/v3/vault/setup-tokens/{id}', 'fetch', ({ ctx, id }) => vault.getSetupToken(ctx, id)),
  post(TOKENS, {
    api: 'vault',
    operations: ['confirm'],
    handle: ({ ctx, body }) => ({ status: 201, body: vault.createPaymentToken(ctx, body) }),
  }),
  get(TOKENS, 'list', ({ ctx, query }) => vault.listPaymentTokens(ctx, query)),
  get(`${TOKENS}/{id}`, 'fetch', ({ ctx, id }) => vault.getPaymentToken(ctx, id)),
  {
    method: 'DELETE',
    path: `${TOKENS}/{id}`,
    api: null,
    operations: ['void'],
    handle: ({ ctx, id }) => {
      vault.deletePaymentToken(ctx, id);
      return { status: 204, body: null };
    },
  },
];

const DISPUTE = '/v1/customer/disputes/{id}';
const EVENTS = '/v1/notifications/webhooks-events';

const RECORD_ENDPOINTS: readonly Endpoint[] = [
  get('/v1/customer/disputes', 'list', ({ ctx, query }) => disputes.listDisputes(ctx, query)),
  get(DISPUTE, 'fetch', ({ ctx, id }) => disputes.getDispute(ctx, id)),
  dispute('accept-claim', ({ ctx, id }) => disputes.acceptClaim(ctx, id)),
  dispute('provide-evidence', ({ ctx, id, body }) => disputes.provideEvidence(ctx, id, body)),
  dispute('adjudicate', ({ ctx, id, body }) => disputes.adjudicate(ctx, id, body)),
  get(EVENTS, 'list', ({ ctx, query }) => events.listEvents(ctx, query)),
  get(`${EVENTS}/{id}`, 'fetch', ({ ctx, id }) => events.showEvent(ctx, id)),
  post(`${EVENTS}/{id}/resend`, {
    api: null,
    operations: [],
    handle: ({ ctx, id }) => ({ status: 202, body: events.resendEvent(ctx, id) }),
  }),
  get('/v1/reporting/transactions', 'list', ({ ctx, query }) => searchTransactions(ctx, query)),
];

function dispute(action: string, act: (call: EndpointCall) => JsonObject): Endpoint {
  const handle: Endpoint['handle'] = (call) => ({ status: 200, body: act(call) });
  return post(`${DISPUTE}/${action}`, { api: null, operations: [], handle });
}

const ENDPOINTS: readonly Endpoint[] = [
  ...ORDER_ENDPOINTS,
  ...PAYMENT_ENDPOINTS,
  ...VAULT_ENDPOINTS,
  ...RECORD_ENDPOINTS,
];

/** The endpoint and the identifier in a path below /paypal, or null. */
export function findEndpoint(
  method: string,
  path: string,
): { readonly endpoint: Endpoint; readonly id: string } | null {
  const parts = path.split('/');
  for (const endpoint of ENDPOINTS) {
    const pattern = endpoint.path.split('/');
    const isSame =
      endpoint.method === method &&
      pattern.length === parts.length &&
      pattern.every((part, index) => part === '{id}' || part === parts[index]);
    if (isSame) return { endpoint, id: parts[pattern.indexOf('{id}')] ?? '' };
  }
  return null;
}
