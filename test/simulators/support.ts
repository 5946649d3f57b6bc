/**
 * Support for the simulators' tests: a simulator in this process, the official Stripe SDK pointed at
 * it, the control routes, and a receiver that verifies webhooks as a merchant would.
 * Holds no assertions and repeats no logic of the simulators.
 */
import { Stripe } from 'stripe';
import {
  startSimulators,
  type SimulatorOptions,
  type Simulators,
} from '../../simulators/server.ts';
import { listenForWebhooks, type Delivery } from '../support/webhook-server.ts';

export const SECRET_KEY = 'sk_test_simulators';
export const WEBHOOK_SECRET = 'whsec_simulators';

/** Puts the simulator's prefix in front of the path that the SDK asks for. */
const prefixed: typeof fetch = (input, init) => {
  const target = new URL(input instanceof Request ? input.url : input);
  target.pathname = `/stripe${target.pathname}`;
  return fetch(target, init);
};

/** Points the official SDK at a simulator: same paths, one prefix. Retries are off. */
export function makeStripe(url: string): Stripe {
  const base = new URL(url);
  return new Stripe(SECRET_KEY, {
    protocol: 'http',
    host: base.hostname,
    port: base.port,
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient(prefixed),
  });
}

/** A row of the books as outsiders read it. */
export interface BookRow {
  readonly id: string;
  readonly kind: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
  readonly of: string | null;
  readonly metadata: Record<string, string>;
  readonly createdAt: string;
}

/** A simulator under test. */
export interface Rig {
  readonly url: string;
  readonly stripe: Stripe;
  readonly simulators: Simulators;
  control(path: string, body?: object, method?: string): Promise<{ status: number; json: Reply }>;
  books(paymentId?: string): Promise<BookRow[]>;
}

/** What a control route answered. */
export type Reply = { data: Reply[] } & Record<string, string | number | null | undefined>;

/** Starts a simulator in this process, in memory unless told otherwise. */
export async function startRig(options: Partial<SimulatorOptions> = {}): Promise<Rig> {
  const simulators = await startSimulators({
    port: 0,
    state: null,
    platformUrl: null,
    clockOffsetSeconds: 0,
    stripe: {
      secretKey: SECRET_KEY,
      webhookSecret: WEBHOOK_SECRET,
      webhookSecretPrevious: null,
      webhookEvents: null,
    },
    ...options,
  });
  return makeRig(simulators);
}

/** The same handles on simulators that already run, for instance in another process. */
export function makeRig(simulators: Simulators): Rig {
  const { url } = simulators;
  const control: Rig['control'] = async (path, body, method) => {
    const response = await fetch(`${url}/control/${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json: Reply = JSON.parse(await response.text());
    return { status: response.status, json };
  };
  return {
    url,
    stripe: makeStripe(url),
    simulators,
    control,
    books: async (paymentId) => {
      const response = await fetch(`${url}/control/books`);
      const { data }: { data: BookRow[] } = JSON.parse(await response.text());
      return data.filter((row) => paymentId === undefined || row.of === paymentId);
    },
  };
}

/** Parameters of the platform's usual PaymentIntent. */
export const INTENT = {
  amount: 2500,
  currency: 'usd',
  capture_method: 'manual',
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  metadata: { bookingId: 'bkg_test' },
} as const;

/** Creates and confirms a PaymentIntent with manual capture. */
export async function authorize(
  stripe: Stripe,
  method = 'pm_card_visa',
): Promise<Stripe.PaymentIntent> {
  const intent = await stripe.paymentIntents.create(INTENT);
  return stripe.paymentIntents.confirm(intent.id, { payment_method: method });
}

/** Creates, confirms and captures. */
export async function pay(stripe: Stripe, method = 'pm_card_visa'): Promise<Stripe.PaymentIntent> {
  const intent = await authorize(stripe, method);
  return stripe.paymentIntents.capture(intent.id);
}

/** The identifier of a reference, expanded or not. */
export function idOf(reference: string | { readonly id: string } | null): string {
  if (reference === null) throw new Error('There is no reference.');
  return typeof reference === 'string' ? reference : reference.id;
}

/** The Stripe error that a call must end with. */
export async function refusal(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('The call was expected to be refused.');
}

/** Polls until `read` answers something, or fails at the deadline. */
export async function until<T>(
  read: () => Promise<T> | T,
  deadlineMs = 6000,
): Promise<NonNullable<T>> {
  const endMs = Date.now() + deadlineMs;
  for (;;) {
    const value = await read();
    if (value) return value;
    if (Date.now() > endMs) throw new Error('The deadline passed.');
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

/** A call that the receiver got. */
export interface ReceivedCall {
  readonly body: string;
  readonly signature: string;
  readonly event: Stripe.Event;
}

/** A merchant's webhook endpoint. `statuses` are answered in order, then 200. */
export interface Receiver {
  readonly url: string;
  readonly calls: ReceivedCall[];
  readonly statuses: number[];
  of(type: string): ReceivedCall[];
  close(): Promise<void>;
}

/** Listens and verifies every call with the SDK; one that fails verification is answered 400. */
export async function startReceiver(secret = WEBHOOK_SECRET): Promise<Receiver> {
  const calls: ReceivedCall[] = [];
  const statuses: number[] = [];
  const server = await listenForWebhooks(async (delivery) => {
    calls.push(await verified(delivery, secret));
    return statuses.shift() ?? 200;
  });
  return {
    url: server.url,
    calls,
    statuses,
    of: (type) => calls.filter((call) => call.event.type === type),
    close: () => server.close(),
  };
}

async function verified(
  { path, rawBody: body, headers }: Delivery,
  secret: string,
): Promise<ReceivedCall> {
  const signature = String(headers.get('stripe-signature'));
  const event = await makeStripe('http://127.0.0.1:1').webhooks.constructEventAsync(
    body,
    signature,
    secret,
  );
  if (path !== '/v1/webhooks/stripe') throw new Error('Wrong path.');
  return { body, signature, event };
}
