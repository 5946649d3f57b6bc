/**
 * Support for the tests of the PayPal simulator: a simulator in this process, calls as a merchant's
 * server makes them, and a receiver that verifies webhooks from PayPal's documentation alone.
 * Holds no assertions and repeats no logic of the simulators.
 */
import { createVerify, X509Certificate } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { SimulatorOptions } from '../../simulators/server.ts';
import { listenForWebhooks, type Delivery } from '../support/webhook-server.ts';
import { startRig, type Reply, type Rig } from './support.ts';

export const CLIENT = { clientId: 'client-simulated', clientSecret: 'secret-simulated' };
export const WEBHOOK_ID = '7SIMULATED00000WEBHOOK';
export const RETURN_URL = 'https://shop.example/done?booking=1';
export const CANCEL_URL = 'https://shop.example/back';
export const CUSTOM_ID = 'bkg_one:pay_one';

/** Anything PayPal answers, read loosely: a test says what it expects of it. */
export type Wire = { readonly [key: string]: Wire } & readonly Wire[] & string;

/** An answer. `json` is empty for 204. */
export interface PaypalAnswer {
  readonly status: number;
  readonly json: Wire;
  readonly headers: Headers;
}

/** What a call may say beside its body. */
export interface CallOptions {
  readonly key?: string;
  readonly headers?: Record<string, string>;
  readonly token?: string;
}

/** A simulator under test. */
export interface PaypalRig extends Pick<Rig, 'url' | 'control' | 'books'> {
  get(path: string, options?: CallOptions): Promise<PaypalAnswer>;
  post(path: string, body?: object, options?: CallOptions): Promise<PaypalAnswer>;
  call(
    method: string,
    path: string,
    options: CallOptions & { body?: string },
  ): Promise<PaypalAnswer>;
  /** What a payer does, and what the control route answered. */
  pay(id: string, action: object): Promise<{ status: number; json: Reply }>;
  advance(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts a simulator in this process, in memory unless told otherwise. */
export async function startPaypal(options: Partial<SimulatorOptions> = {}): Promise<PaypalRig> {
  return makePaypalRig(
    await startRig({ paypal: { ...CLIENT, webhookId: WEBHOOK_ID }, ...options }),
  );
}

/** The same handles on simulators that already run. */
export function makePaypalRig(rig: Rig): PaypalRig {
  let token: string | null = null;
  const call: PaypalRig['call'] = async (method, path, options) => {
    token ??= await fetchToken(rig.url);
    const response = await fetch(`${rig.url}/paypal${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.token ?? token}`,
        ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
        prefer: 'return=representation',
        ...(options.key === undefined ? {} : { 'paypal-request-id': options.key }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: options.body }),
    });
    const text = await response.text();
    const json: Wire = JSON.parse(text === '' ? '{}' : text);
    return { status: response.status, json, headers: response.headers };
  };
  return {
    url: rig.url,
    control: (...parts) => rig.control(...parts),
    books: (paymentId) => rig.books(paymentId),
    call,
    get: (path, options = {}) => call('GET', path, options),
    post: (path, body = {}, options = {}) =>
      call('POST', path, { body: JSON.stringify(body), ...options }),
    pay: (id, action) => rig.control(`payers/paypal/${id}`, action),
    advance: async (seconds) => {
      await rig.control('clock', { advanceSeconds: seconds });
      // Tokens are a lifetime too.
      token = null;
    },
    close: () => rig.simulators.close(),
  };
}

/** A new access token of the client. */
export async function fetchToken(url: string): Promise<string> {
  const { clientId, clientSecret } = CLIENT;
  const response = await fetch(`${url}/paypal/v1/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  });
  const { access_token: token }: { access_token: string } = JSON.parse(await response.text());
  return token;
}

let sequence = 0;

/** A request id that no other call has used. */
export function newKey(): string {
  sequence += 1;
  return `key-${String(sequence)}`;
}

/** The platform's usual order of 25.00 USD; parts may be overridden. */
export function orderBody(unit: object = {}, rest: object = {}): object {
  return {
    intent: 'AUTHORIZE',
    purchase_units: [
      { custom_id: CUSTOM_ID, amount: { currency_code: 'USD', value: '25.00' }, ...unit },
    ],
    payment_source: {
      paypal: { experience_context: { return_url: RETURN_URL, cancel_url: CANCEL_URL } },
    },
    ...rest,
  };
}

/** Creates an order, lets a payer approve it, and answers its id. */
export async function approved(
  rig: PaypalRig,
  payer = 'payer_ok',
  body: object = orderBody(),
): Promise<string> {
  const created = await rig.post('/v2/checkout/orders', body, { key: newKey() });
  const id = String(created.json['id']);
  await rig.pay(id, { action: 'approve', paymentMethod: payer });
  return id;
}

/** An approved order that is authorized; answers both identifiers. */
export async function authorized(
  rig: PaypalRig,
  payer = 'payer_ok',
  body: object = orderBody(),
): Promise<{ readonly orderId: string; readonly authorizationId: string }> {
  const orderId = await approved(rig, payer, body);
  const { json } = await rig.post(
    `/v2/checkout/orders/${orderId}/authorize`,
    {},
    { key: newKey() },
  );
  const authorizationId =
    json['purchase_units']?.[0]?.['payments']?.['authorizations']?.[0]?.['id'];
  return { orderId, authorizationId: String(authorizationId) };
}

/** An order that is authorized and captured; answers the order's and the capture's identifiers. */
export async function captured(
  rig: PaypalRig,
  payer = 'payer_ok',
): Promise<{ readonly orderId: string; readonly captureId: string }> {
  const { orderId, authorizationId } = await authorized(rig, payer);
  const path = `/v2/payments/authorizations/${authorizationId}/capture`;
  const { json } = await rig.post(path, { final_capture: true }, { key: newKey() });
  return { orderId, captureId: String(json['id']) };
}

/** The issue of a refusal. */
export function issueOf(answer: PaypalAnswer): string {
  return `${String(answer.status)} ${String(answer.json['details']?.[0]?.['issue'])}`;
}

/** A webhook that arrived, after its signature was found good. */
export interface ReceivedWebhook {
  readonly id: string;
  readonly time: string;
  readonly event: Wire;
}

/** A merchant's endpoint. `statuses` are answered in order, then 200. */
export interface PaypalReceiver {
  readonly url: string;
  readonly calls: ReceivedWebhook[];
  readonly statuses: number[];
  types(): string[];
  close(): Promise<void>;
}

/** Listens, fetches the certificate that each call names, and keeps what verifies. */
export async function startPaypalReceiver(): Promise<PaypalReceiver> {
  const calls: ReceivedWebhook[] = [];
  const statuses: number[] = [];
  const server = await listenForWebhooks(async (delivery) => {
    calls.push(await verified(delivery));
    return statuses.shift() ?? 200;
  });
  return {
    url: server.url,
    calls,
    statuses,
    types: () => calls.map(({ event }) => String(event['event_type'])),
    close: () => server.close(),
  };
}

async function verified({ path, rawBody, headers }: Delivery): Promise<ReceivedWebhook> {
  const header = (name: string): string => String(headers.get(`paypal-${name}`));
  const [id, time] = [header('transmission-id'), header('transmission-time')];
  const pem = await (await fetch(header('cert-url'))).text();
  const verify = createVerify('RSA-SHA256');
  verify.update(`${id}|${time}|${WEBHOOK_ID}|${String(crc32(rawBody))}`);
  const signature = Buffer.from(header('transmission-sig'), 'base64');
  const isGood = verify.verify(new X509Certificate(pem).publicKey, signature);
  if (!isGood || header('auth-algo') !== 'SHA256withRSA') throw new Error('A wrong signature.');
  if (path !== '/v1/webhooks/paypal') throw new Error('Wrong path.');
  const event: Wire = JSON.parse(rawBody);
  return { id, time, event };
}
