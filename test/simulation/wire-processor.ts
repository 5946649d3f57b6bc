/**
 * One processor over real sockets: its simulator in this process, the adapter that ships with a short deadline, its signed
 * webhooks, and the simulator's own fault script. Calls are counted while they are under way, and may kill whoever made
 * them: the answer is then lost with its caller, as when a process dies.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startSimulators, type Simulators } from '../../simulators/server.ts';
import type { PaymentGateway } from '../../src/application/ports.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import { createBtcpayGateway } from '../../src/payments/btcpay/gateway.ts';
import { createPaypalGateway } from '../../src/payments/paypal/gateway.ts';
import { createStripeGateway } from '../../src/payments/stripe/gateway.ts';
import type { Chance, FakeClock } from '../support/fake-clock.ts';
import { ProcessorControl } from '../support/processor-control.ts';
import { listenForWebhooks, type Delivery, type WebhookServer } from '../support/webhook-server.ts';

/** The adapters' own deadline here: a lost answer costs this much, and a busy machine still answers within it. */
export const TIMEOUT_MS = 400;

const SECRET = 'secret-of-the-simulation';
const RETURN_URL = 'https://book.example/return';

/** Deliveries that are not settled after this many looks never will be. */
const LOOKS_MAX = 2_000;
const LOOK_EVERY_MS = 5;

/** The process that made a call is gone, and its answer with it. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** A call of the platform to the adapter. */
export interface GatewayCall {
  readonly name: string;
  readonly request: unknown;
  readonly run: () => Promise<unknown>;
}

/** What the processor needs of its world. */
export interface WireEars {
  readonly clock: FakeClock;
  readonly received: (delivery: Delivery) => Promise<number>;
}

export class WireProcessor {
  readonly processor: Processor;
  readonly control: ProcessorControl;
  /** The adapter that ships, unguarded: for what somebody does at the processor beside us. */
  readonly adapter: PaymentGateway;
  readonly #simulators: Simulators;
  readonly #receiver: WebhookServer;

  private constructor(
    processor: Processor,
    parts: { simulators: Simulators; receiver: WebhookServer; adapter: PaymentGateway },
  ) {
    this.processor = processor;
    this.#simulators = parts.simulators;
    this.#receiver = parts.receiver;
    this.adapter = parts.adapter;
    this.control = new ProcessorControl(parts.simulators.url, processor);
  }

  /** Starts it with empty books. */
  static async start(processor: Processor, { clock, received }: WireEars): Promise<WireProcessor> {
    const receiver = await listenForWebhooks(received);
    const simulators = await startSimulators({
      port: 0,
      state: null,
      platformUrl: receiver.url,
      clockOffsetSeconds: 0,
      stripe: {
        secretKey: 'sk_test_simulation',
        webhookSecret: SECRET,
        webhookSecretPrevious: null,
        webhookEvents: null,
      },
      paypal: { clientId: 'client', clientSecret: SECRET, webhookId: 'WEBHOOK' },
      btcpay: {
        apiKey: SECRET,
        storeId: 'store',
        webhookSecret: SECRET,
        confirmationSeconds: null,
      },
    });
    const adapter = adapterOf(processor, { url: simulators.url, clock });
    return new WireProcessor(processor, { simulators, receiver, adapter });
  }

  /** The adapter as the platform calls it, with what the world does to each call. */
  guarded(around: (call: GatewayCall) => Promise<unknown>): PaymentGateway {
    return new Proxy(this.adapter, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function' || property === 'readWebhook') return member;
        return (...values: unknown[]) =>
          around({
            name: String(property),
            request: values[0],
            run: async () => (await Reflect.apply(member, target, values)) as unknown,
          });
      },
    });
  }

  /** All events that are sent at all have arrived. */
  async delivered(): Promise<void> {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const pending = await this.control.pendingDeliveries();
      if (pending === 0) return;
      await pause(LOOK_EVERY_MS);
    }
    throw new Error('events are still on their way');
  }

  async close(): Promise<void> {
    await this.#simulators.close();
    await this.#receiver.close();
  }
}

function adapterOf(
  processor: Processor,
  { url, clock }: { url: string; clock: FakeClock },
): PaymentGateway {
  const common = { isLive: false, returnUrl: RETURN_URL, timeoutMs: TIMEOUT_MS } as const;
  const apiUrl = `${url}/${processor}`;
  switch (processor) {
    case 'stripe':
      return createStripeGateway({
        ...common,
        apiUrl,
        secretKey: 'sk_test_simulation',
        webhookSecrets: [SECRET],
      });
    case 'paypal':
      return createPaypalGateway({
        ...common,
        apiUrl,
        clientId: 'client',
        clientSecret: SECRET,
        webhookIds: ['WEBHOOK'],
        certHosts: [new URL(url).host],
        nowMs: () => clock.nowMs(),
      });
    case 'btcpay':
      return createBtcpayGateway({
        ...common,
        apiUrl,
        apiKey: SECRET,
        storeId: 'store',
        webhookSecrets: [SECRET],
      });
  }
}

const CALL_FAULTS = [
  { fault: 'timeout_before', ms: 2 },
  { fault: 'timeout_after', ms: 2 },
  { fault: 'http_500' },
  { fault: 'http_429' },
  { fault: 'reset' },
  { fault: 'reset', after: true },
] as const;

const OPERATIONS = ['create', 'confirm', 'capture', 'void', 'refund', 'fetch', 'list'] as const;

/** Short against the deadline: late, doubled and overtaken events arrive while their payment is still talked about. */
const LATE_MS = 25;

/** Draws the fault script of one world: every kind somewhere, each as often as the draw says. */
export async function scriptFaults(chance: Chance, control: ProcessorControl): Promise<void> {
  const seed = () => chance.below(2 ** 31);
  const often = () => chance.pick([0.01, 0.03, 0.08]);
  for (const fault of CALL_FAULTS)
    await control.addFault({ ...fault, probability: often(), seed: seed() });
  // A deadline that truly runs out is dear, and rare.
  for (const fault of ['timeout_before', 'timeout_after'])
    await control.addFault({ fault, ms: 2 * TIMEOUT_MS, probability: 0.004, seed: seed() });
  // Where one operation is worse than the others.
  const operation = chance.pick(OPERATIONS);
  for (const fault of CALL_FAULTS)
    await control.addFault({ ...fault, operation, probability: often(), seed: seed() });
  for (const fault of ['webhook_duplicate', 'webhook_delay', 'webhook_reorder'])
    await control.addFault({ fault, ms: LATE_MS, probability: 0.1, seed: seed() });
  // What a call of ours led to may never be told. What payers and disputes do is told in the end, as processors promise.
  for (const lost of OPERATIONS)
    await control.addFault({
      fault: 'webhook_drop',
      operation: lost,
      probability: chance.pick([0.1, 0.4]),
      seed: seed(),
    });
}
