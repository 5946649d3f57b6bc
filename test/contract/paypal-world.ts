/**
 * The PayPal simulator with hands on it, for the contracts that run against it over real sockets: a receiver of its
 * events, the payer's acts, faults, clock and books. Webhooks of the test's own are signed with a certificate of its own.
 */
import { createSign } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  createPaypalGateway,
  type PaypalGatewayConfig,
} from '../../src/payments/paypal/gateway.ts';
import { makeSigner } from '../application/paypal-certificates.ts';
import type { GatewayHarness } from './payment-gateway-subject.ts';
import { controlOf, handsOn, startSimulated } from './simulated.ts';

const CLIENT = { id: 'client-of-the-contract', secret: 'secret-of-the-contract' };
const WEBHOOK_IDS = { current: 'WEBHOOK-CURRENT', previous: 'WEBHOOK-OLD', wrong: 'WEBHOOK-OTHER' };

/** Longer than the others': a call of this adapter is up to three of PayPal's. */
const TIMEOUT_MS = 1_500;

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
  const simulated = await startSimulated({
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
  const certUrl = `${simulated.url}/paypal${OWN_CERTIFICATE}`;
  const control = controlOf(simulated, 'paypal');
  const config: PaypalGatewayConfig = {
    apiUrl: `${simulated.url}/paypal`,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    webhookIds: [WEBHOOK_IDS.current, WEBHOOK_IDS.previous],
    certHosts: [new URL(simulated.url).host],
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
    deliveredEvent: (ref) => simulated.events.first(ref),
    advanceAdapter: (seconds) => {
      aheadMs += seconds * 1_000;
    },
    eventOf: (ref, type) => simulated.events.first(ref, type),
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
    close: () => simulated.close(),
    ...handsOn(control, TIMEOUT_MS),
    act: (ref, done) => control.act(ref, done),
    actAsPayer: (ref, action, paymentMethod) => {
      if (action !== 'approve') throw new Error(`nobody can ${action} at PayPal`);
      return control.act(ref, {
        action,
        ...(paymentMethod === undefined ? {} : { paymentMethod }),
      });
    },
    countCalls: (key) => control.countCallsWith('paypal-request-id', key),
  };
}
