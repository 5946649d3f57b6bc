/**
 * Calls BTCPay's Greenfield API: one deadline for all calls of a request, no retries, no redirects, JSON both ways.
 * It does not know what an answer means beyond its status (errors.ts); owns no state. Called by the files of this folder.
 */
import { invariant } from '../../domain/assert.ts';
import { CallFailure, failureOf } from './errors.ts';

/**
 * How long the calls of one request may take together, in milliseconds. The use cases count on it: what has not ended
 * by then is `no_answer`.
 */
export const BTCPAY_TIMEOUT_MS = 10_000;

/** Where and as whom to call. */
export interface BtcpayClientConfig {
  /** The operator's own server, with or without a path prefix. */
  readonly apiUrl: string;
  /** A Greenfield API key of the store; never logged and never part of a reason. */
  readonly apiKey: string;
  readonly storeId: string;
  /** Overrides BTCPAY_TIMEOUT_MS, in milliseconds. */
  readonly timeoutMs?: number;
  /** Overrides the platform's fetch. */
  readonly fetch?: typeof fetch;
}

/** The calls of one request, under one deadline. Paths begin behind `/api/v1`. Errors: CallFailure. */
export interface BtcpaySession {
  get(path: string): Promise<unknown>;
  post(path: string, body: object): Promise<unknown>;
}

/** Begins a session for each request. */
export interface BtcpayClient {
  /** The path of the store that everything is in. */
  readonly store: string;
  session(): BtcpaySession;
}

/** Errors: a malformed address or an empty key or store is a broken invariant; the environment is validated before. */
export function createBtcpayClient(config: BtcpayClientConfig): BtcpayClient {
  const base = new URL(config.apiUrl);
  invariant(/^https?:$/.test(base.protocol), 'the BTCPay address is http(s)');
  invariant(config.apiKey !== '', 'a BTCPay key is configured');
  invariant(config.storeId !== '', 'a BTCPay store is configured');
  const prefix = `${base.origin}${base.pathname.replace(/\/+$/, '')}/api/v1`;
  const send = config.fetch ?? ((input, init) => fetch(input, init));
  const headers = { authorization: `token ${config.apiKey}`, accept: 'application/json' };
  return {
    store: `/stores/${encodeURIComponent(config.storeId)}`,
    session: () => {
      const signal = AbortSignal.timeout(config.timeoutMs ?? BTCPAY_TIMEOUT_MS);
      // Redirects are not followed: a call must not travel on with our key to an address that we did not choose.
      const init = { headers, signal, redirect: 'manual' } as const;
      return {
        get: (path) => answerOf(() => send(`${prefix}${path}`, init)),
        post: (path, body) =>
          answerOf(() =>
            send(`${prefix}${path}`, {
              ...init,
              method: 'POST',
              headers: { ...headers, 'content-type': 'application/json' },
              body: JSON.stringify(body),
            }),
          ),
      };
    },
  };
}

/** The body of a 2xx; everything else is a failure. A 2xx that is not JSON is not from the API: nobody knows. */
async function answerOf(call: () => Promise<Response>): Promise<unknown> {
  const { status, text } = await readWhole(call);
  const body = parsed(text);
  if (status < 200 || status > 299) throw failureOf(status, body);
  if (body === undefined) throw noAnswer('an answer that is not from the API');
  return body;
}

async function readWhole(
  call: () => Promise<Response>,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await call();
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    throw noAnswer(isLate ? 'the call timed out' : 'the connection to BTCPay failed');
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function noAnswer(reason: string): CallFailure {
  return new CallFailure({ kind: 'no_answer', reason });
}
