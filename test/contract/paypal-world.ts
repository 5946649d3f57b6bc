/**
 * The PayPal simulator with hands on it, for the contracts that run against it over real sockets: a receiver of its
 * events, the payer's acts, faults, clock and books. Webhooks of the test's own are signed with a certificate of its own.
 */
import { createSign } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { startSimulators } from '../../simulators/server.ts';
import {
  createPaypalGateway,
  type PaypalGatewayConfig,
} from '../../src/payments/paypal/gateway.ts';
import { makeSigner } from '../application/paypal-certificates.ts';
import type { GatewayHarness, Movement } from './payment-gateway-subject.ts';
import { Control, WebhookReceiver, isRecord } from './stripe-world.ts';

const CLIENT = { id: 'client-of-the-contract', secret: 'secret-of-the-contract' };
const WEBHOOK_IDS = { current: 'WEBHOOK-CURRENT', previous: 'WEBHOOK-OLD', wrong: 'WEBHOOK-OTHER' };

/** Short enough for a test, long enough for a busy machine to answer. */
const TIMEOUT_MS = 1_500;

/** When the simulator closes a connection that it does not answer: after our own deadline. */
const SILENCE_MS = 3 * TIMEOUT_MS;

/** Where the certificate of the test's own signatures is; the gateway is handed it at this address. */
const OWN_CERTIFICATE = '/v1/notifications/certs/CERT-of-the-contract';

/** What a payer does at PayPal; `paymentMethod` is the test payer who does it. */
export interface PayerAct {
  readonly action: 'approve' | 'decline' | 'dispute';
  readonly paymentMethod?: string;
  readonly amount?: number;
}

/** The harness of the contract, and what is PayPal's own. */
export interface PaypalHarness extends GatewayHarness {
  act(ref: string, act: PayerAct): Promise<void>;
  /** The first event of the type about the payment, now or later. */
  eventOf(ref: string, type: string): ReturnType<GatewayHarness['deliveredEvent']>;
  /** Moves the adapter's clock, beside the simulator's. */
  advanceAdapter(seconds: number): void;
}

/** Starts it with empty books. */
export async function startPaypal(): Promise<PaypalHarness> {
  const receiver = new WebhookReceiver();
  const simulators = await startSimulators({
    port: 0,
    state: null,
    platformUrl: await receiver.listen(),
    clockOffsetSeconds: 0,
    stripe: {
      secretKey: 'sk_test_unused',
      webhookSecret: 'whsec_unused',
      webhookSecretPrevious: null,
      webhookEvents: null,
    },
    paypal: {
      clientId: CLIENT.id,
      clientSecret: CLIENT.secret,
      webhookId: WEBHOOK_IDS.current,
    },
  });
  const signer = makeSigner({
    commonName: 'messageverificationcerts.paypal.com',
    notBeforeMs: Date.now() - 86_400_000,
    notAfterMs: Date.now() + 86_400_000,
  });
  let aheadMs = 0;
  const certUrl = `${simulators.url}/paypal${OWN_CERTIFICATE}`;
  const control = new Control(simulators.url);
  const config: PaypalGatewayConfig = {
    apiUrl: `${simulators.url}/paypal`,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    webhookIds: [WEBHOOK_IDS.current, WEBHOOK_IDS.previous],
    certHosts: [new URL(simulators.url).host],
    isLive: false,
    returnUrl: 'https://book.example/return',
    nowMs: () => Date.now() + aheadMs,
    timeoutMs: TIMEOUT_MS,
    fetch: (input, init) =>
      input === certUrl ? Promise.resolve(new Response(signer.pem)) : fetch(input, init),
  };
  return {
    gateway: createPaypalGateway(config),
    stranger: createPaypalGateway({ ...config, clientSecret: 'of-a-stranger' }),
    methods: { approved: 'payer_ok', challenged: '', unknown: '' },
    declines: [
      { method: 'payer_instrument_declined', code: 'instrument_declined', retry: 'payer' },
    ],
    unknownRef: '5O190127TN364715T',
    nowMs: () => Date.now(),
    deliveredEvent: (ref) => receiver.first(ref),
    advanceAdapter: (seconds) => {
      aheadMs += seconds * 1_000;
    },
    eventOf: (ref, type) => receiver.first(ref, type),
    sign: async ({ body, atMs, secret }) => {
      const time = new Date(atMs).toISOString();
      const text = `tid|${time}|${WEBHOOK_IDS[secret]}|${String(crc32(body))}`;
      return new Headers({
        'paypal-transmission-id': 'tid',
        'paypal-transmission-time': time,
        'paypal-transmission-sig': createSign('sha256')
          .update(text)
          .sign(signer.privateKey, 'base64'),
        'paypal-cert-url': certUrl,
        'paypal-auth-algo': 'SHA256withRSA',
      });
    },
    close: async () => {
      await simulators.close();
      await receiver.close();
    },
    ...controlledBy(control),
  };
}

function controlledBy(control: Control) {
  const act = (ref: string, done: PayerAct) => control.send('POST', `payers/paypal/${ref}`, done);
  return {
    act,
    actAsPayer: (ref: string, action: string, paymentMethod?: string) => {
      if (action !== 'approve') throw new Error(`nobody can ${action} at PayPal`);
      return act(ref, { action, ...(paymentMethod === undefined ? {} : { paymentMethod }) });
    },
    setFault: (operation: string, fault: string) =>
      control.send('POST', 'faults', {
        processor: 'paypal',
        operation,
        fault,
        count: 1,
        ...(fault.startsWith('timeout_') ? { ms: SILENCE_MS } : {}),
      }),
    clearFaults: () => control.send('DELETE', 'faults'),
    advanceSeconds: (advanceSeconds: number) => control.send('POST', 'clock', { advanceSeconds }),
    movements: async (ref: string) => {
      const rows = await control.rows('books');
      return rows.filter((row) => row['id'] === ref || row['of'] === ref).map(toMovement);
    },
    countCalls: async (key: string) => {
      const isMeant = ({ headers }: Record<string, unknown>) =>
        isRecord(headers) && headers['paypal-request-id'] === key;
      const calls = await control.rows('requests?processor=paypal');
      return calls.filter(isMeant).length;
    },
  };
}

function toMovement(row: Record<string, unknown>): Movement {
  return {
    kind: String(row['kind']),
    amount: Number(row['amount']),
    status: String(row['status']),
    metadata: row['metadata'],
  };
}
