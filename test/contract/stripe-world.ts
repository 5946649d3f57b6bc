/** The Stripe simulator with hands on it, for the contracts that run against it over real sockets. */
import type { ProcessorControl } from '../support/processor-control.ts';
import { controlOf, handsOn, startSimulated, TIMEOUT_MS, type Simulated } from './simulated.ts';

export const SECRET_KEY = 'sk_test_contract';
export const SECRETS = {
  current: 'whsec_current',
  previous: 'whsec_previous',
  wrong: 'whsec_wrong',
};

/** A simulator in this process, in memory, with its events and hands on it. */
export interface StripeWorld extends ReturnType<typeof handsOn> {
  readonly events: Simulated['events'];
  readonly control: ProcessorControl;
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
  const simulated = await startSimulated({
    stripe: {
      secretKey: SECRET_KEY,
      webhookSecret: SECRETS.current,
      webhookSecretPrevious: SECRETS.previous,
      webhookEvents: null,
    },
  });
  const control = controlOf(simulated, 'stripe');
  return {
    events: simulated.events,
    control,
    ...handsOn(control),
    config: {
      secretKey: SECRET_KEY,
      apiUrl: `${simulated.url}/stripe`,
      webhookSecrets: [SECRETS.current, SECRETS.previous],
      isLive: false,
      returnUrl: 'https://book.example/return',
      timeoutMs: TIMEOUT_MS,
    },
    close: () => simulated.close(),
  };
}
