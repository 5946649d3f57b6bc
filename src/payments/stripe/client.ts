/**
 * Builds the vendor's client for workerd: fetch instead of Node's sockets, no retries, no telemetry, one deadline,
 * and a base address that may carry a path. It never decides what an answer means (errors.ts does).
 */
import { Stripe } from 'stripe';
import { invariant } from '../../domain/assert.ts';

/**
 * How long one call may take, its body included, in milliseconds. The use cases count on it:
 * a call that has not ended by then is `no_answer`. The SDK's own default of 80 s outlasts a Worker's client.
 */
export const STRIPE_TIMEOUT_MS = 10_000;

/** Where and as whom to call. */
export interface StripeClientConfig {
  /** `sk_…` or `rk_…`; never logged and never part of a reason. */
  readonly secretKey: string;
  /** `https://api.stripe.com`, or another address that speaks its protocol, with or without a path prefix. */
  readonly apiUrl: string;
  /** Overrides STRIPE_TIMEOUT_MS, in milliseconds. */
  readonly timeoutMs?: number;
  /** Overrides the platform's fetch. */
  readonly fetch?: typeof fetch;
}

/**
 * The client. The API version is the one the pinned SDK was generated from, so that its types are true.
 * Errors: a malformed address or an empty key is a broken invariant; the environment is validated before.
 */
export function createStripeClient(config: StripeClientConfig): Stripe {
  const base = new URL(config.apiUrl);
  invariant(
    base.protocol === 'https:' || base.protocol === 'http:',
    'the Stripe address is http(s)',
  );
  invariant(config.secretKey !== '', 'a Stripe key is configured');
  const protocol = base.protocol === 'http:' ? 'http' : 'https';
  const timeoutMs = config.timeoutMs ?? STRIPE_TIMEOUT_MS;
  return new Stripe(config.secretKey, {
    apiVersion: Stripe.API_VERSION,
    protocol,
    host: base.hostname,
    port: base.port === '' ? (protocol === 'http' ? 80 : 443) : base.port,
    httpClient: Stripe.createFetchHttpClient(
      boundedFetch({
        send: config.fetch ?? ((input, init) => fetch(input, init)),
        pathPrefix: base.pathname.replace(/\/+$/, ''),
        timeoutMs,
      }),
    ),
    timeout: timeoutMs,
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

/** Raised for a connection that failed; it has no `code` on purpose (see boundedFetch). */
class ConnectionFailure extends Error {
  override readonly name = 'ConnectionFailure';
}

/**
 * A fetch that puts the path prefix in front, ends at the deadline and hides error codes from the SDK.
 *
 * The SDK repeats a call once, even with `maxNetworkRetries: 0`, when the failure carries the code ECONNRESET or
 * EPIPE (RequestSender._shouldRetry in stripe 23.1.0). A retry that we do not see breaks the 10 s bound and the rule
 * that a person reads one request per attempt, so failures are re-thrown without a code. Were one repeated all the
 * same, it would carry the same Idempotency-Key and take effect once.
 *
 * Redirects are not followed: a POST must not travel on with our key to an address that we did not choose.
 */
function boundedFetch(options: {
  send: typeof fetch;
  pathPrefix: string;
  timeoutMs: number;
}): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    url.pathname = `${options.pathPrefix}${url.pathname}`;
    const deadline = AbortSignal.timeout(options.timeoutMs);
    const signal = init?.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
    try {
      return await options.send(url.toString(), { ...init, signal, redirect: 'manual' });
    } catch (error) {
      // An abort keeps its own error: the SDK words it as a time-out.
      if (signal.aborted) throw error;
      throw new ConnectionFailure('the connection to Stripe failed', { cause: error });
    }
  };
}
