/**
 * The endpoints served: method, path, parameters, the fault operations a call counts as, and what
 * it does. A path that is not here is 404, as it is at Stripe.
 * Source: Stripe API reference 2026-10-28.endive.
 */
import type { FaultOperation } from '../faults.ts';
import * as links from './account-links.ts';
import * as payouts from './account-payouts.ts';
import * as accounts from './accounts.ts';
import * as balance from './balance.ts';
import { findAddressed, type StripeContext, type StripeKinds } from './context.ts';
import * as customers from './customers.ts';
import * as disputes from './disputes.ts';
import * as events from './events.ts';
import type { FormMap } from './form-encoding.ts';
import { LIST_RULES, listObjects, readPage } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';
import * as intents from './payment-intents.ts';
import * as methods from './payment-methods.ts';
import * as refunds from './refunds.ts';
import * as settlement from './settlement.ts';
import * as setups from './setup-intents.ts';
import * as transfers from './transfers.ts';

/** One call, decoded and checked. */
export interface EndpointCall {
  readonly ctx: StripeContext;
  /** The identifier in the path, or empty. */
  readonly id: string;
  /** The connected account that the call is made in; null for the platform's own. */
  readonly accountId: string | null;
  readonly parameters: Parameters;
  readonly form: FormMap;
}

/** One endpoint. `handle` runs synchronously inside one transaction. */
export interface Endpoint {
  readonly method: 'GET' | 'POST';
  /** Path below /v1 with `{id}` in place of the identifier. */
  readonly path: string;
  readonly operations: readonly FaultOperation[];
  readonly rules: ParameterRules;
  /** The call may be made in a connected account (`Stripe-Account`). */
  readonly isForAccounts?: true;
  readonly handle: (call: EndpointCall) => object;
}

const NONE: readonly FaultOperation[] = [];
const FETCH: readonly FaultOperation[] = ['fetch'];
const LIST: readonly FaultOperation[] = ['list'];
const EXPAND_RULES: ParameterRules = { expand: 'texts' };
const CLIENT_SECRET_RULES: ParameterRules = { client_secret: 'text', expand: 'texts' };

function post(
  path: string,
  rules: ParameterRules,
  rest: Pick<Endpoint, 'operations' | 'handle'>,
): Endpoint {
  return { method: 'POST', path, rules, ...rest };
}

function list(path: string, rules: ParameterRules, handle: Endpoint['handle']): Endpoint {
  return { method: 'GET', path, rules: { ...LIST_RULES, ...rules }, operations: LIST, handle };
}

function retrieve(
  kind: keyof StripeKinds,
  path: string,
  rules: ParameterRules = EXPAND_RULES,
): Endpoint {
  const handle: Endpoint['handle'] = ({ ctx, id }) => findAddressed(ctx, kind, id);
  return { method: 'GET', path, rules, operations: FETCH, handle };
}

const INTENT_ENDPOINTS: readonly Endpoint[] = [
  post('payment_intents', intents.CREATE_RULES, {
    operations: ['create'],
    handle: ({ ctx, parameters }) => intents.createIntent(ctx, parameters),
  }),
  post('payment_intents/{id}', intents.UPDATE_RULES, {
    operations: NONE,
    handle: ({ ctx, id, parameters }) => intents.updateIntent(ctx, id, parameters),
  }),
  post('payment_intents/{id}/confirm', intents.CONFIRM_RULES, {
    operations: ['confirm', 'authorize'],
    handle: ({ ctx, id, parameters }) => intents.confirmIntent(ctx, id, parameters),
  }),
  post('payment_intents/{id}/capture', settlement.CAPTURE_RULES, {
    operations: ['capture'],
    handle: ({ ctx, id, parameters }) => settlement.capture(ctx, id, parameters),
  }),
  post('payment_intents/{id}/cancel', settlement.CANCEL_RULES, {
    operations: ['void'],
    handle: ({ ctx, id, parameters }) => settlement.cancel(ctx, id, parameters),
  }),
  retrieve('payment_intent', 'payment_intents/{id}', CLIENT_SECRET_RULES),
  list('payment_intents', intents.INTENT_LIST_RULES, ({ ctx, parameters }) =>
    intents.listIntents(ctx, parameters, readPage(parameters)),
  ),
];

const REFUND_ENDPOINTS: readonly Endpoint[] = [
  post('refunds', refunds.REFUND_CREATE_RULES, {
    operations: ['refund'],
    handle: ({ ctx, parameters }) => refunds.createRefund(ctx, parameters),
  }),
  post('refunds/{id}', refunds.REFUND_UPDATE_RULES, {
    operations: NONE,
    handle: ({ ctx, id, parameters }) => refunds.updateRefund(ctx, id, parameters),
  }),
  retrieve('refund', 'refunds/{id}'),
  list('refunds', refunds.REFUND_LIST_RULES, ({ ctx, parameters }) =>
    refunds.listRefunds(ctx, parameters, readPage(parameters)),
  ),
];

const DISPUTE_ENDPOINTS: readonly Endpoint[] = [
  post('disputes/{id}', disputes.DISPUTE_UPDATE_RULES, {
    operations: NONE,
    handle: ({ ctx, id, parameters }) => disputes.updateDispute(ctx, id, parameters),
  }),
  post('disputes/{id}/close', EXPAND_RULES, {
    operations: NONE,
    handle: ({ ctx, id }) => disputes.closeDispute(ctx, id),
  }),
  retrieve('dispute', 'disputes/{id}'),
  list('disputes', disputes.DISPUTE_LIST_RULES, ({ ctx, parameters }) =>
    disputes.listDisputes(ctx, parameters, readPage(parameters)),
  ),
];

const WALLET_ENDPOINTS: readonly Endpoint[] = [
  post('customers', customers.CUSTOMER_RULES, {
    operations: NONE,
    handle: ({ ctx, parameters }) => customers.createCustomer(ctx, parameters),
  }),
  post('customers/{id}', customers.CUSTOMER_RULES, {
    operations: NONE,
    handle: ({ ctx, id, parameters }) => customers.updateCustomer(ctx, id, parameters),
  }),
  retrieve('customer', 'customers/{id}'),
  list('customers', {}, ({ ctx, parameters }) =>
    customers.listCustomers(ctx, readPage(parameters)),
  ),
  list('customers/{id}/payment_methods', { type: 'text' }, ({ ctx, id, parameters }) =>
    methods.listMethods(ctx, id, readPage(parameters)),
  ),
  post(
    'payment_methods',
    { ...methods.PAYMENT_METHOD_CREATE_RULES, expand: 'texts' },
    { operations: NONE, handle: ({ ctx, form }) => methods.createMethod(ctx, form) },
  ),
  post(
    'payment_methods/{id}/attach',
    { customer: 'text', expand: 'texts' },
    {
      operations: NONE,
      handle: ({ ctx, id, parameters }) =>
        methods.attachMethod(ctx, id, parameters.requiredText('customer')),
    },
  ),
  post('payment_methods/{id}/detach', EXPAND_RULES, {
    operations: ['void'],
    handle: ({ ctx, id }) => methods.detachMethod(ctx, id),
  }),
  retrieve('payment_method', 'payment_methods/{id}'),
  list('payment_methods', { customer: 'text', type: 'text' }, ({ ctx, parameters }) =>
    methods.listMethods(ctx, parameters.text('customer'), readPage(parameters)),
  ),
  post('setup_intents', setups.SETUP_CREATE_RULES, {
    operations: ['create'],
    handle: ({ ctx, parameters }) => setups.createSetup(ctx, parameters),
  }),
  post('setup_intents/{id}/confirm', setups.SETUP_CONFIRM_RULES, {
    operations: ['confirm', 'authorize'],
    handle: ({ ctx, id, parameters }) => setups.confirmSetup(ctx, id, parameters),
  }),
  post('setup_intents/{id}/cancel', setups.SETUP_CANCEL_RULES, {
    operations: ['void'],
    handle: ({ ctx, id, parameters }) => setups.cancelSetup(ctx, id, parameters),
  }),
  retrieve('setup_intent', 'setup_intents/{id}', CLIENT_SECRET_RULES),
  list('setup_intents', {}, ({ ctx, parameters }) => setups.listSetups(ctx, readPage(parameters))),
];

const RECORD_ENDPOINTS: readonly Endpoint[] = [
  retrieve('charge', 'charges/{id}'),
  list('charges', { customer: 'text', payment_intent: 'text' }, ({ ctx, parameters }) =>
    listObjects(ctx, {
      kind: 'charge',
      page: readPage(parameters),
      customerId: parameters.text('customer') ?? undefined,
      parentId: parameters.text('payment_intent') ?? undefined,
    }),
  ),
  {
    method: 'GET',
    path: 'events/{id}',
    rules: EXPAND_RULES,
    operations: FETCH,
    handle: ({ ctx, id }) => events.retrieveEvent(ctx, id),
  },
  list('events', events.EVENT_LIST_RULES, ({ ctx, parameters }) =>
    events.listEvents(ctx, parameters, readPage(parameters)),
  ),
  {
    method: 'GET',
    path: 'balance_transactions/{id}',
    rules: EXPAND_RULES,
    operations: FETCH,
    handle: ({ ctx, id }) => balance.retrieveBalanceTransaction(ctx, id),
  },
  list('balance_transactions', balance.BALANCE_LIST_RULES, ({ ctx, parameters }) =>
    balance.listBalanceTransactions(ctx, parameters, readPage(parameters)),
  ),
];

/** A transfer counts as `create` and a reversal as `refund`: the fault script has no names of its own for them. */
const CONNECT_ENDPOINTS: readonly Endpoint[] = [
  post('accounts', accounts.ACCOUNT_CREATE_RULES, {
    operations: ['create'],
    handle: ({ ctx, parameters }) => accounts.createAccount(ctx, parameters),
  }),
  post('accounts/{id}', accounts.ACCOUNT_UPDATE_RULES, {
    operations: NONE,
    handle: ({ ctx, id, parameters }) => accounts.updateAccount(ctx, id, parameters),
  }),
  retrieve('account', 'accounts/{id}'),
  list('accounts', {}, ({ ctx, parameters }) => accounts.listAccounts(ctx, readPage(parameters))),
  post('account_links', links.ACCOUNT_LINK_RULES, {
    operations: NONE,
    handle: ({ ctx, parameters }) => links.createAccountLink(ctx, parameters),
  }),
  post('transfers', transfers.TRANSFER_CREATE_RULES, {
    operations: ['create'],
    handle: ({ ctx, parameters }) => transfers.createTransfer(ctx, parameters),
  }),
  retrieve('transfer', 'transfers/{id}'),
  list('transfers', transfers.TRANSFER_LIST_RULES, ({ ctx, parameters }) =>
    transfers.listTransfers(ctx, parameters, readPage(parameters)),
  ),
  post('transfers/{id}/reversals', transfers.REVERSAL_CREATE_RULES, {
    operations: ['refund'],
    handle: ({ ctx, id, parameters }) => transfers.createReversal(ctx, id, parameters),
  }),
  list('transfers/{id}/reversals', {}, ({ ctx, id, parameters }) =>
    transfers.listReversals(ctx, id, readPage(parameters)),
  ),
  {
    ...list('payouts', {}, ({ ctx, accountId, parameters }) =>
      payouts.listPayouts(ctx, accountId, readPage(parameters)),
    ),
    isForAccounts: true,
  },
  {
    ...retrieve('payout', 'payouts/{id}'),
    isForAccounts: true,
    handle: ({ ctx, id, accountId }) => payouts.retrievePayout(ctx, id, accountId),
  },
  {
    method: 'GET',
    path: 'balance',
    rules: EXPAND_RULES,
    operations: FETCH,
    isForAccounts: true,
    handle: ({ ctx, accountId }) => payouts.retrieveBalance(ctx, accountId),
  },
];

const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map(
  [
    ...INTENT_ENDPOINTS,
    ...REFUND_ENDPOINTS,
    ...DISPUTE_ENDPOINTS,
    ...WALLET_ENDPOINTS,
    ...RECORD_ENDPOINTS,
    ...CONNECT_ENDPOINTS,
  ].map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint]),
);

/** The endpoint and the identifier in a path below /v1, or null. */
export function findEndpoint(
  method: string,
  path: string,
): { readonly endpoint: Endpoint; readonly id: string } | null {
  const [collection = '', id = '', ...rest] = path.split('/');
  const pattern = [collection, ...(id === '' ? [] : ['{id}']), ...rest].join('/');
  const endpoint = ENDPOINTS.get(`${method} ${pattern}`);
  return endpoint ? { endpoint, id } : null;
}
