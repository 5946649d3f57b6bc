/**
 * The payment contract, run by the shipping Stripe adapter against the Stripe simulator over real sockets.
 * Webhooks are received by a small server of this file, so that their bytes are the ones that were sent.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Stripe } from 'stripe';
import {
  createStripeGateway,
  type StripeGatewayConfig,
} from '../../src/payments/stripe/gateway.ts';
import { startSimulators, type Simulators } from '../../simulators/server.ts';
import type { GatewayHarness, Movement } from './payment-gateway-subject.ts';
import { describePaymentGateway } from './payment-gateway.case.ts';
import type { RecurringHarness } from './recurring-gateway-subject.ts';
import { describeRecurringGateway } from './recurring-gateway.case.ts';

const SECRET_KEY = 'sk_test_contract';
const SECRETS = { current: 'whsec_current', previous: 'whsec_previous', wrong: 'whsec_wrong' };

/** Short enough for a test, long enough for a busy machine to answer. */
const TIMEOUT_MS = 1_000;

/** When the simulator closes a connection that it does not answer: after our own deadline. */
const SILENCE_MS = 3 * TIMEOUT_MS;

describePaymentGateway('stripe', startHarness);
describeRecurringGateway('stripe', startRecurringHarness);

/** A delivery as it came over the wire. */
interface Delivery {
  readonly rawBody: string;
  readonly headers: Headers;
}

/** Where the simulator sends its events; a waiting test is answered when one about its payment arrives. */
class WebhookReceiver {
  readonly #server: Server;
  readonly #received: Delivery[] = [];
  readonly #waiting: { readonly ref: string; readonly resolve: (delivery: Delivery) => void }[] =
    [];

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#receive(request, response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${String(address.port)}`;
  }

  /** The first delivery about the payment, now or later. */
  first(ref: string): Promise<Delivery> {
    const known = this.#received.find((delivery) => delivery.rawBody.includes(`"${ref}"`));
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      this.#waiting.push({ ref, resolve });
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const rawBody = await text(request);
    response.end();
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) {
      if (typeof value === 'string') headers.set(name, value);
    }
    const delivery = { rawBody, headers };
    this.#received.push(delivery);
    for (const { ref, resolve } of this.#waiting) {
      if (delivery.rawBody.includes(`"${ref}"`)) resolve(delivery);
    }
  }
}

/** The simulator's control routes. */
class Control {
  readonly #baseUrl: string;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  async send(method: 'POST' | 'DELETE', path: string, body?: object): Promise<void> {
    const response = await fetch(`${this.#baseUrl}/control/${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok)
      throw new Error(`${path}: ${String(response.status)} ${await response.text()}`);
  }

  async rows(path: string): Promise<Record<string, unknown>[]> {
    const answer: unknown = await (await fetch(`${this.#baseUrl}/control/${path}`)).json();
    if (!isRecord(answer) || !Array.isArray(answer['data'])) throw new Error(`${path} has no data`);
    return answer['data'].filter(isRecord);
  }
}

async function startHarness(): Promise<GatewayHarness> {
  const receiver = new WebhookReceiver();
  const simulators = await startSimulators({
    port: 0,
    state: null,
    platformUrl: await receiver.listen(),
    clockOffsetSeconds: 0,
    stripe: {
      secretKey: SECRET_KEY,
      webhookSecret: SECRETS.current,
      webhookSecretPrevious: SECRETS.previous,
      webhookEvents: null,
    },
  });
  const control = new Control(simulators.url);
  const config: StripeGatewayConfig = {
    secretKey: SECRET_KEY,
    apiUrl: `${simulators.url}/stripe`,
    webhookSecrets: [SECRETS.current, SECRETS.previous],
    isLive: false,
    returnUrl: 'https://book.example/return',
    timeoutMs: TIMEOUT_MS,
  };
  return {
    gateway: createStripeGateway(config),
    stranger: createStripeGateway({ ...config, secretKey: 'sk_test_stranger' }),
    methods: {
      approved: 'pm_card_visa',
      challenged: 'pm_card_authenticationRequired',
      unknown: 'pm_of_nobody',
    },
    declines: DECLINES,
    unknownRef: 'pi_of_nobody',
    nowMs: () => Date.now(),
    deliveredEvent: (ref) => receiver.first(ref),
    sign: signEvent,
    close: () => closeAll(simulators, receiver),
    ...controlledBy(control),
  };
}

async function startRecurringHarness(): Promise<RecurringHarness> {
  const harness = await startHarness();
  const { recurring } = harness.gateway;
  if (recurring === null) throw new Error('Stripe keeps methods');
  return {
    ...harness,
    recurring,
    cards: {
      approved: 'pm_card_visa',
      challengedOnce: 'pm_card_authenticationRequiredOnSetup',
      challengedAlways: 'pm_card_authenticationRequired',
      chargedInVain: 'pm_card_chargeCustomerFail',
      lost: 'pm_card_visa_chargeDeclinedLostCard',
    },
    ids: { charge: /^pi_/, setup: /^seti_/, customer: /^cus_/, method: /^pm_(?!card_)/ },
    unknownCustomer: 'cus_of_nobody',
    unknownSetup: 'seti_of_nobody',
  };
}

/** One for each class; the advice of the issuer decides, so an expired card is never tried again. */
const DECLINES: GatewayHarness['declines'] = [
  { method: 'pm_card_visa_chargeDeclined', code: 'generic_decline', retry: 'later' },
  {
    method: 'pm_card_visa_chargeDeclinedInsufficientFunds',
    code: 'insufficient_funds',
    retry: 'later',
  },
  { method: 'pm_card_visa_chargeDeclinedLostCard', code: 'lost_card', retry: 'never' },
  { method: 'pm_card_visa_chargeDeclinedStolenCard', code: 'stolen_card', retry: 'never' },
  { method: 'pm_card_chargeDeclinedExpiredCard', code: 'expired_card', retry: 'never' },
  { method: 'pm_card_chargeDeclinedIncorrectCvc', code: 'incorrect_cvc', retry: 'payer' },
  { method: 'pm_card_chargeDeclinedProcessingError', code: 'processing_error', retry: 'later' },
];

type Hands =
  | 'setFault'
  | 'clearFaults'
  | 'actAsPayer'
  | 'advanceSeconds'
  | 'movements'
  | 'countCalls';

function controlledBy(control: Control): Pick<GatewayHarness, Hands> {
  return {
    setFault: (operation, fault) =>
      control.send('POST', 'faults', {
        processor: 'stripe',
        operation,
        fault,
        count: 1,
        ...(fault.startsWith('timeout_') ? { ms: SILENCE_MS } : {}),
      }),
    clearFaults: () => control.send('DELETE', 'faults'),
    actAsPayer: (ref, action) => control.send('POST', `payers/stripe/${ref}`, { action }),
    advanceSeconds: (advanceSeconds) => control.send('POST', 'clock', { advanceSeconds }),
    movements: async (ref) => {
      const rows = await control.rows('books');
      return rows.filter((row) => row['id'] === ref || row['of'] === ref).map(toMovement);
    },
    countCalls: async (key) => {
      const calls = await control.rows('requests?processor=stripe');
      return calls.filter(
        (call) => isRecord(call['headers']) && call['headers']['idempotency-key'] === key,
      ).length;
    },
  };
}

async function signEvent(request: Parameters<GatewayHarness['sign']>[0]): Promise<Headers> {
  const header = await new Stripe(SECRET_KEY).webhooks.generateTestHeaderStringAsync({
    payload: request.body,
    secret: SECRETS[request.secret],
    timestamp: Math.floor(request.atMs / 1_000),
    cryptoProvider: Stripe.createSubtleCryptoProvider(),
  });
  return new Headers({ 'stripe-signature': header });
}

async function closeAll(simulators: Simulators, receiver: WebhookReceiver): Promise<void> {
  await simulators.close();
  await receiver.close();
}

function toMovement(row: Record<string, unknown>): Movement {
  return {
    kind: String(row['kind']),
    amount: Number(row['amount']),
    status: String(row['status']),
    metadata: row['metadata'],
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
