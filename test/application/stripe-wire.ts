/**
 * A scripted wire for the Stripe gateway: answers come from a list, requests are kept.
 * For what the simulator does not do on demand; the protocol itself is tested in test/contract.
 */
import type { PaymentGateway } from '../../src/application/ports.ts';
import {
  createStripeGateway,
  type StripeGatewayConfig,
} from '../../src/payments/stripe/gateway.ts';

/** A call as it left the gateway. */
export interface SentCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: URLSearchParams;
}

/** What the wire does with one call. */
export type WireAnswer = (signal: AbortSignal) => Promise<Response>;

/** A JSON answer. */
export function json(body: unknown, status = 200): WireAnswer {
  return async () =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', 'request-id': 'req_1' },
    });
}

/** An error in Stripe's shape. */
export function stripeError(status: number, error: Record<string, unknown>): WireAnswer {
  return json({ error: { message: 'Invalid key sk_test_verysecret', ...error } }, status);
}

/** A PaymentIntent as the API shows it, as far as the gateway reads it. */
export function intentJson(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'pi_1',
    object: 'payment_intent',
    amount: 5_000,
    amount_capturable: 0,
    amount_received: 0,
    cancellation_reason: null,
    client_secret: 'pi_1_secret_2',
    created: 1_800_000_000,
    currency: 'eur',
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    metadata: { booking_id: 'bkg_1', payment_id: 'pay_1', bookingId: 'bkg_1' },
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
    ...overrides,
  };
}

export const WEBHOOK_SECRET = 'whsec_current';

/** A wire that answers from the list; the last answer repeats when it has run out. */
export function makeWire(answers: readonly WireAnswer[]): {
  fetch: typeof fetch;
  calls: SentCall[];
} {
  const calls: SentCall[] = [];
  const send: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    calls.push({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: new URLSearchParams(await request.text()),
    });
    const answer = answers[Math.min(calls.length, answers.length) - 1];
    if (answer === undefined) throw new Error('the wire has no answer');
    return answer(request.signal);
  };
  return { fetch: send, calls };
}

/** A gateway on the wire. */
export function makeWiredGateway(
  answers: readonly WireAnswer[],
  overrides: Partial<StripeGatewayConfig> = {},
): { gateway: PaymentGateway; calls: SentCall[] } {
  const wire = makeWire(answers);
  const gateway = createStripeGateway({
    secretKey: 'sk_test_verysecret',
    apiUrl: 'https://api.stripe.com',
    webhookSecrets: [WEBHOOK_SECRET],
    isLive: false,
    returnUrl: 'https://book.example/return',
    timeoutMs: 50,
    fetch: wire.fetch,
    ...overrides,
  });
  return { gateway, calls: wire.calls };
}
