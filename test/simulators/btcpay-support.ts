/**
 * Support for the tests of the BTCPay simulator: one server in this process, its API as a merchant's code calls it,
 * the control routes, and a receiver that checks signatures over the raw body.
 * Holds no assertions and repeats no logic of the simulator.
 */
import { createHmac } from 'node:crypto';
import type { SimulatorOptions } from '../../simulators/server.ts';
import { listenForWebhooks, type Delivery } from '../support/webhook-server.ts';
import { startRig, type Rig } from './support.ts';

export const API_KEY = 'btcpay_key_simulators';
export const STORE_ID = 'StoreOfTheTests';
export const BTCPAY_SECRET = 'btcpay_secret_simulators';

export const BTCPAY_OPTIONS: NonNullable<SimulatorOptions['btcpay']> = {
  apiKey: API_KEY,
  storeId: STORE_ID,
  webhookSecret: BTCPAY_SECRET,
  confirmationSeconds: null,
};

/** Any JSON object of the wire; a test names the fields that it reads. */
export type Wire = Readonly<Record<string, unknown>> & { readonly id: string };

/** An answer of the API. `json` is null when the body was empty. */
export interface ApiAnswer<T = Wire> {
  readonly status: number;
  readonly json: T;
}

/** A payment method of an invoice, as far as tests read it. */
export interface WirePaymentMethod {
  readonly paymentMethodId: string;
  readonly rate: string;
  readonly due: string;
  readonly amount: string;
  readonly totalPaid: string;
  readonly paymentMethodPaid: string;
  readonly payments: readonly { readonly id: string; readonly value: string; status: string }[];
}

/** Handles on one running simulator. */
export interface BtcpayRig {
  readonly rig: Rig;
  call<T = Wire>(path: string, body?: object, options?: CallOptions): Promise<ApiAnswer<T>>;
  create(body?: object): Promise<Wire>;
  fetch(id: string): Promise<Wire>;
  methods(id: string): Promise<readonly WirePaymentMethod[]>;
  refund(id: string, body?: object): Promise<Wire>;
  payouts(pullPaymentId: string): Promise<readonly Wire[]>;
  act(id: string, action: string, more?: object): Promise<{ status: number; state: unknown }>;
  advance(seconds: number): Promise<void>;
}

/** What differs from an ordinary call. */
export interface CallOptions {
  readonly method?: string;
  readonly authorization?: string | null;
}

/** The body of an ordinary invoice. */
export function invoiceBody(more: object = {}): object {
  return {
    amount: '25.00',
    currency: 'USD',
    metadata: { orderId: 'pay_1', booking_id: 'bkg_1', payment_id: 'pay_1' },
    ...more,
  };
}

/** Starts the simulators with BTCPay among them. */
export async function startBtcpay(options: Partial<SimulatorOptions> = {}): Promise<BtcpayRig> {
  return makeBtcpayRig(await startRig({ btcpay: BTCPAY_OPTIONS, ...options }));
}

/** The handles on simulators that already run. */
export function makeBtcpayRig(rig: Rig): BtcpayRig {
  const call: BtcpayRig['call'] = async (path, body, options = {}) => {
    const authorization =
      options.authorization === undefined ? `token ${API_KEY}` : options.authorization;
    const response = await fetch(`${rig.url}/btcpay/api/v1/${path}`, {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(authorization === null ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === '' ? null : JSON.parse(text) };
  };
  const invoices = `stores/${STORE_ID}/invoices`;
  return {
    rig,
    call,
    create: async (body = {}) => (await call(invoices, invoiceBody(body))).json,
    fetch: async (id) => (await call(`${invoices}/${id}`)).json,
    methods: async (id) =>
      (await call<WirePaymentMethod[]>(`${invoices}/${id}/payment-methods`)).json,
    refund: async (id, body = {}) => {
      const custom = { refundVariant: 'Custom', customAmount: '25.00', customCurrency: 'USD' };
      return (await call(`${invoices}/${id}/refund`, { ...custom, ...body })).json;
    },
    payouts: async (id) =>
      (await call<Wire[]>(`pull-payments/${id}/payouts?includeCancelled=true`)).json,
    act: async (id, action, more = {}) => {
      const { status, json } = await rig.control(`payers/btcpay/${id}`, { action, ...more });
      return { status, state: json['status'] };
    },
    advance: async (seconds) => {
      await rig.control('clock', { advanceSeconds: seconds });
    },
  };
}

/** A webhook that the receiver got; `isSigned` is over the bytes as they came. */
export interface BtcpayCall {
  readonly body: string;
  readonly isSigned: boolean;
  readonly event: Readonly<Record<string, unknown>>;
}

/** A merchant's endpoint. `statuses` are answered in order, then 200. */
export interface BtcpayReceiver {
  readonly url: string;
  readonly calls: BtcpayCall[];
  readonly statuses: number[];
  about(invoiceId: string): BtcpayCall[];
  close(): Promise<void>;
}

/** Listens where the platform would. */
export async function startBtcpayReceiver(): Promise<BtcpayReceiver> {
  const calls: BtcpayCall[] = [];
  const statuses: number[] = [];
  const server = await listenForWebhooks((delivery) => {
    if (delivery.path !== '/v1/webhooks/btcpay') return 404;
    calls.push(received(delivery));
    return statuses.shift() ?? 200;
  });
  return {
    url: server.url,
    calls,
    statuses,
    about: (invoiceId) => calls.filter(({ event }) => event['invoiceId'] === invoiceId),
    close: () => server.close(),
  };
}

function received({ rawBody: body, headers }: Delivery): BtcpayCall {
  const expected = `sha256=${createHmac('sha256', BTCPAY_SECRET).update(body).digest('hex')}`;
  return { body, isSigned: headers.get('btcpay-sig') === expected, event: JSON.parse(body) };
}
