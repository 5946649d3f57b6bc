/**
 * The Stripe simulator with hands on it, for the contracts that run against it over real sockets.
 * Webhooks are received by a small server of this file, so that their bytes are the ones that were sent.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { startSimulators, type Simulators } from '../../simulators/server.ts';
import type { Fault, FaultyOperation } from './payment-gateway-subject.ts';

export const SECRET_KEY = 'sk_test_contract';
export const SECRETS = {
  current: 'whsec_current',
  previous: 'whsec_previous',
  wrong: 'whsec_wrong',
};

/** Short enough for a test, long enough for a busy machine to answer. */
export const TIMEOUT_MS = 1_000;

/** When the simulator closes a connection that it does not answer: after our own deadline. */
const SILENCE_MS = 3 * TIMEOUT_MS;

/** A delivery as it came over the wire. */
export interface Delivery {
  readonly rawBody: string;
  readonly headers: Headers;
}

/** Where the simulator sends its events; a waiting test is answered when one about its payment arrives. */
export class WebhookReceiver {
  readonly #server: Server;
  readonly #received: Delivery[] = [];
  readonly #waiting: {
    readonly isMeant: (delivery: Delivery) => boolean;
    readonly resolve: (delivery: Delivery) => void;
  }[] = [];

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

  /** The first delivery that holds all of these texts as values, now or later. */
  first(...texts: readonly string[]): Promise<Delivery> {
    const isMeant = ({ rawBody }: Delivery): boolean =>
      texts.every((value) => rawBody.includes(`"${value}"`));
    const known = this.#received.find(isMeant);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      this.#waiting.push({ isMeant, resolve });
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
    for (const { isMeant, resolve } of this.#waiting) {
      if (isMeant(delivery)) resolve(delivery);
    }
  }
}

/** The simulator's control routes. */
export class Control {
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

  /** Hits the next call of the operation. */
  setFault(operation: FaultyOperation, fault: Fault): Promise<void> {
    return this.send('POST', 'faults', {
      processor: 'stripe',
      operation,
      fault,
      count: 1,
      ...(fault.startsWith('timeout_') ? { ms: SILENCE_MS } : {}),
    });
  }

  async rows(path: string): Promise<Record<string, unknown>[]> {
    const answer: unknown = await (await fetch(`${this.#baseUrl}/control/${path}`)).json();
    if (!isRecord(answer) || !Array.isArray(answer['data'])) throw new Error(`${path} has no data`);
    return answer['data'].filter(isRecord);
  }
}

/** A simulator in this process, in memory, with a receiver of its events. */
export interface StripeWorld {
  readonly simulators: Simulators;
  readonly receiver: WebhookReceiver;
  readonly control: Control;
  /** What every adapter is configured with. */
  readonly config: {
    readonly secretKey: string;
    readonly apiUrl: string;
    readonly webhookSecrets: readonly string[];
    readonly isLive: false;
    readonly returnUrl: string;
    readonly timeoutMs: number;
  };
  close(): Promise<void>;
}

/** Starts it with empty books. */
export async function startStripe(): Promise<StripeWorld> {
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
  return {
    simulators,
    receiver,
    control: new Control(simulators.url),
    config: {
      secretKey: SECRET_KEY,
      apiUrl: `${simulators.url}/stripe`,
      webhookSecrets: [SECRETS.current, SECRETS.previous],
      isLive: false,
      returnUrl: 'https://book.example/return',
      timeoutMs: TIMEOUT_MS,
    },
    close: async () => {
      await simulators.close();
      await receiver.close();
    },
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
