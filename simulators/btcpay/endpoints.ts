/**
 * The endpoints served below /btcpay/api/v1: method, path, who may call, which fault operations a call counts as,
 * and what it does. A path that is not here is 404 with an empty body, as it is at BTCPay.
 * Source: BTCPay Server, Greenfield API.
 */
import type { FaultOperation } from '../faults.ts';
import type { Json, JsonObject } from '../json.ts';
import { addressedInvoice, addressedPullPayment, type BtcpayContext } from './context.ts';
import { createInvoice, listInvoices, markInvoice } from './invoices.ts';
import {
  archivePullPayment,
  createPayout,
  listPayouts,
  listPullPayments,
  refundInvoice,
  retrievePayout,
} from './refunds.ts';
import { invoiceView, paymentMethodsView, pullPaymentView } from './views.ts';

/** One call, decoded. `id` and `partId` are those in the path, or empty. */
export interface EndpointCall {
  readonly ctx: BtcpayContext;
  readonly id: string;
  readonly partId: string;
  readonly query: URLSearchParams;
  readonly body: JsonObject;
}

/** One endpoint. `handle` runs synchronously inside one transaction; null is an empty body. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below /api/v1, with `{store}`, `{id}` and `{part}` in place of identifiers. */
  readonly path: string;
  readonly operations: readonly FaultOperation[];
  /** What the key must be allowed to do; null where no key is asked for. */
  readonly permission: string | null;
  readonly handle: (call: EndpointCall) => Json;
}

/** An endpoint and the identifiers in the path that led to it. */
export interface FoundEndpoint {
  readonly endpoint: Endpoint;
  readonly storeId: string | null;
  readonly id: string;
  readonly partId: string;
}

const VIEW = 'btcpay.store.canviewinvoices';
const MODIFY = 'btcpay.store.canmodifyinvoices';
const PULL = 'btcpay.store.cancreatenonapprovedpullpayments';
const MANAGE = 'btcpay.store.canmanagepullpayments';

type Rest = Pick<Endpoint, 'operations' | 'permission' | 'handle'>;

/** An operation on an invoice, which is addressed with its store or without. */
function onInvoice(method: Endpoint['method'], tail: string, rest: Rest): Endpoint[] {
  return ['stores/{store}/invoices/{id}', 'invoices/{id}'].map((head) => ({
    method,
    path: head + tail,
    ...rest,
  }));
}

const INVOICE_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'POST',
    path: 'stores/{store}/invoices',
    operations: ['create'],
    permission: 'btcpay.store.cancreateinvoice',
    handle: ({ ctx, body }) => createInvoice(ctx, body),
  },
  {
    method: 'GET',
    path: 'stores/{store}/invoices',
    operations: ['list'],
    permission: VIEW,
    handle: ({ ctx, query }) => listInvoices(ctx, query),
  },
  ...onInvoice('GET', '', {
    operations: ['fetch'],
    permission: VIEW,
    handle: ({ ctx, id }) => invoiceView(ctx, addressedInvoice(ctx, id)),
  }),
  ...onInvoice('GET', '/payment-methods', {
    operations: ['fetch'],
    permission: VIEW,
    handle: ({ ctx, id, query }) =>
      paymentMethodsView(ctx, addressedInvoice(ctx, id), {
        isAccountedOnly: query.get('onlyAccountedPayments') !== 'false',
      }),
  }),
  ...onInvoice('POST', '/status', {
    operations: ['void'],
    permission: MODIFY,
    handle: ({ ctx, id, body }) => markInvoice(ctx, id, body),
  }),
  ...onInvoice('POST', '/refund', {
    operations: ['refund'],
    permission: PULL,
    handle: ({ ctx, id, body }) => refundInvoice(ctx, id, body),
  }),
];

const PULL_PAYMENT_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: 'stores/{store}/pull-payments',
    operations: ['list'],
    permission: MANAGE,
    handle: ({ ctx, query }) => listPullPayments(ctx, query),
  },
  {
    method: 'DELETE',
    path: 'stores/{store}/pull-payments/{id}',
    operations: [],
    permission: 'btcpay.store.canarchivepullpayments',
    handle: ({ ctx, id }) => archivePullPayment(ctx, id),
  },
  {
    method: 'GET',
    path: 'pull-payments/{id}',
    operations: ['fetch'],
    permission: null,
    handle: ({ ctx, id }) => pullPaymentView(ctx, addressedPullPayment(ctx, id)),
  },
  {
    method: 'GET',
    path: 'pull-payments/{id}/payouts',
    operations: ['fetch'],
    permission: null,
    handle: ({ ctx, id, query }) => listPayouts(ctx, id, query),
  },
  {
    method: 'POST',
    path: 'pull-payments/{id}/payouts',
    operations: [],
    permission: null,
    handle: ({ ctx, id, body }) => createPayout(ctx, id, body),
  },
  {
    method: 'GET',
    path: 'pull-payments/{id}/payouts/{part}',
    operations: ['fetch'],
    permission: null,
    handle: ({ ctx, id, partId }) => retrievePayout(ctx, id, partId),
  },
];

const ROUTES = [...INVOICE_ENDPOINTS, ...PULL_PAYMENT_ENDPOINTS].map((endpoint) => ({
  endpoint,
  pattern: new RegExp(`^${endpoint.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
}));

/** The endpoint for a method and a path below /api/v1, or null. */
export function findEndpoint(method: string, path: string): FoundEndpoint | null {
  for (const { endpoint, pattern } of ROUTES) {
    const match = endpoint.method === method ? pattern.exec(path) : null;
    if (!match) continue;
    const { store, id = '', part = '' } = match.groups ?? {};
    return { endpoint, storeId: store ?? null, id, partId: part };
  }
  return null;
}
