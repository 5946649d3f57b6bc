/**
 * The simulators in this process, in memory, for the contracts that run against them over real sockets: a receiver of
 * their events, and hands on their faults, clock and books.
 */
import { startSimulators, type SimulatorOptions } from '../../simulators/server.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import { ProcessorControl, type BookRow } from '../support/processor-control.ts';
import { listenForWebhooks, type Delivery } from '../support/webhook-server.ts';
import type { Fault, FaultyOperation } from './payment-gateway-subject.ts';

/** Short enough for a test, long enough for a busy machine to answer. */
export const TIMEOUT_MS = 1_000;

/** When a simulator closes a connection that it does not answer: after our own deadline. */
const SILENCE_PER_TIMEOUT = 3;

const NO_STRIPE: SimulatorOptions['stripe'] = {
  secretKey: 'sk_test_unused',
  webhookSecret: 'whsec_unused',
  webhookSecretPrevious: null,
  webhookEvents: null,
};

/** Events as they arrived; a waiting test is answered when the one that it wants does. */
export class ReceivedEvents {
  readonly #received: Delivery[] = [];
  readonly #waiting: {
    readonly isMeant: (delivery: Delivery) => boolean;
    readonly resolve: (delivery: Delivery) => void;
  }[] = [];

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

  add(delivery: Delivery): void {
    this.#received.push(delivery);
    for (const { isMeant, resolve } of this.#waiting) if (isMeant(delivery)) resolve(delivery);
  }
}

/** Running simulators and what they sent. */
export interface Simulated {
  readonly url: string;
  readonly events: ReceivedEvents;
  close(): Promise<void>;
}

/** Starts them with empty books. */
export async function startSimulated(
  served: Partial<Pick<SimulatorOptions, 'stripe' | 'paypal' | 'btcpay'>>,
): Promise<Simulated> {
  const events = new ReceivedEvents();
  const receiver = await listenForWebhooks((delivery) => {
    events.add(delivery);
    return 200;
  });
  const simulators = await startSimulators({
    port: 0,
    state: null,
    platformUrl: receiver.url,
    clockOffsetSeconds: 0,
    stripe: NO_STRIPE,
    ...served,
  });
  return {
    url: simulators.url,
    events,
    close: async () => {
      await simulators.close();
      await receiver.close();
    },
  };
}

/** The hands that every processor's harness has in the same way. */
export function handsOn(control: ProcessorControl, timeoutMs: number = TIMEOUT_MS) {
  return {
    /** Hits the next call of the operation. */
    setFault: (operation: FaultyOperation, fault: Fault): Promise<void> =>
      control.addFault({
        operation,
        fault,
        count: 1,
        ...(fault.startsWith('timeout_') ? { ms: SILENCE_PER_TIMEOUT * timeoutMs } : {}),
      }),
    clearFaults: (): Promise<void> => control.clearFaults(),
    advanceSeconds: (seconds: number): Promise<void> => control.advanceSeconds(seconds),
    movements: (ref: string): Promise<BookRow[]> => control.movements(ref),
  };
}

/** The control of one processor of running simulators. */
export function controlOf({ url }: Simulated, processor: Processor): ProcessorControl {
  return new ProcessorControl(url, processor);
}
