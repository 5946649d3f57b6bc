/**
 * PayPal's REST API over fetch: an access token that is kept until it ends, one deadline for all calls of a method, our
 * own request id. It never decides what an answer means (errors.ts does) and never repeats a call, save once with a new
 * token where the old one was refused, because nothing was done then.
 */
import { invariant } from '../../domain/assert.ts';
import { SECOND_MS, type EpochMs } from '../../domain/time.ts';

/**
 * How long one method may take with all its calls, in milliseconds. The use cases count on it: what has not ended by then
 * is `no_answer`.
 */
export const PAYPAL_TIMEOUT_MS = 10_000;

/** A token is given up this long before PayPal says that it ends, so that no call begins with a dying one. */
const TOKEN_MARGIN_MS = 300 * SECOND_MS;

/** Longest PayPal-Request-Id of the Orders API, in characters. A longer key is replaced by its digest. */
const REQUEST_ID_LENGTH_MAX = 108;

/** Where and as whom to call. */
export interface PaypalClientConfig {
  /** `https://api-m.paypal.com`, or another address that speaks its protocol, with or without a path prefix. */
  readonly apiUrl: string;
  readonly clientId: string;
  /** Never logged and never part of a reason. */
  readonly clientSecret: string;
  /** The platform's clock: token lifetimes and honour periods are judged by it. */
  readonly nowMs: () => EpochMs;
  /** Overrides PAYPAL_TIMEOUT_MS, in milliseconds. */
  readonly timeoutMs?: number;
  /** Overrides the platform's fetch. */
  readonly fetch?: typeof fetch;
}

/**
 * What came back. answer: PayPal's own, whatever its status. silent: nobody knows what became of the call. not_sent: the
 * call was never made, because no token could be had. refused: our credentials are wrong.
 */
export type PaypalAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: unknown;
      /** PayPal's own name for the call; a person needs it when asking PayPal. */
      readonly debugId: string | null;
    }
  | { readonly kind: 'silent' | 'not_sent' | 'refused'; readonly reason: string };

/** One call of a method. */
export interface PaypalCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Begins with a slash; ids in it were checked for their shape. */
  readonly path: string;
  readonly body?: object;
  /** Our key; required on whatever has an effect. */
  readonly key?: string;
}

/** Calls that share one deadline. */
export type PaypalSession = (call: PaypalCall) => Promise<PaypalAnswer>;

interface Token {
  readonly text: string;
  readonly endsAtMs: EpochMs;
}

/**
 * Gives sessions. One per gateway, which lives as long as its isolate: the token is kept here as a value, because a
 * promise of one request must not be awaited by another.
 */
export function createPaypalClient(config: PaypalClientConfig): () => PaypalSession {
  invariant(/^https?:\/\//.test(config.apiUrl), 'the PayPal address is http(s)');
  invariant(config.clientId !== '' && config.clientSecret !== '', 'PayPal credentials are there');
  let token: Token | null = null;
  return () => {
    const send = sender(config);
    const authorized = async (call: PaypalCall): Promise<PaypalAnswer> => {
      if (token === null || token.endsAtMs <= config.nowMs()) {
        const fresh = await askForToken(config, send);
        if ('kind' in fresh) return fresh;
        token = fresh;
      }
      return send(`${config.apiUrl}${call.path}`, await requestOf(call, `Bearer ${token.text}`));
    };
    return async (call) => {
      const answer = await authorized(call);
      if (answer.kind !== 'answer' || answer.status !== 401) return answer;
      token = null;
      return authorized(call);
    };
  };
}

type Send = (url: string, init: RequestInit) => Promise<PaypalAnswer>;

/** Redirects are not followed: a call must not travel on with our token to an address that we did not choose. */
function sender(config: PaypalClientConfig): Send {
  const deadline = AbortSignal.timeout(config.timeoutMs ?? PAYPAL_TIMEOUT_MS);
  const fetchIt = config.fetch ?? ((input, init) => fetch(input, init));
  return async (url, init) => {
    try {
      const response = await fetchIt(url, { ...init, signal: deadline, redirect: 'manual' });
      const text = await response.text();
      const { status } = response;
      const debugId = response.headers.get('paypal-debug-id');
      const body = text === '' ? null : parsed(text);
      if (body !== undefined) return { kind: 'answer', status, body, debugId };
      // Some proxy on the way answered, so nobody knows what the API did; below 500 it did not pass the call on.
      return status >= 400 && status < 500
        ? { kind: 'answer', status, body: null, debugId }
        : { kind: 'silent', reason: 'an answer that is not from the API' };
    } catch {
      return { kind: 'silent', reason: deadline.aborted ? 'time-out' : 'the connection failed' };
    }
  };
}

async function askForToken(
  config: PaypalClientConfig,
  send: Send,
): Promise<Token | Exclude<PaypalAnswer, { kind: 'answer' }>> {
  const credentials = btoa(`${config.clientId}:${config.clientSecret}`);
  const answer = await send(`${config.apiUrl}/v1/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${credentials}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: 'grant_type=client_credentials',
  });
  if (answer.kind !== 'answer') return { kind: 'not_sent', reason: `token: ${answer.reason}` };
  const { status, body } = answer;
  if (status >= 500 || status === 429) return { kind: 'not_sent', reason: `token: ${status}` };
  const token = status === 200 ? tokenOf(body) : null;
  if (token === null) return { kind: 'refused', reason: `token: ${status}` };
  const endsAtMs = config.nowMs() + token.expiresInSeconds * SECOND_MS - TOKEN_MARGIN_MS;
  return { text: token.text, endsAtMs };
}

function tokenOf(body: unknown): { text: string; expiresInSeconds: number } | null {
  if (typeof body !== 'object' || body === null) return null;
  if (!('access_token' in body) || typeof body.access_token !== 'string') return null;
  const seconds = 'expires_in' in body ? Number(body.expires_in) : 0;
  return { text: body.access_token, expiresInSeconds: Number.isFinite(seconds) ? seconds : 0 };
}

async function requestOf(call: PaypalCall, authorization: string): Promise<RequestInit> {
  invariant(call.method !== 'POST' || call.key !== undefined, 'every effect has our key');
  return {
    method: call.method,
    headers: {
      authorization,
      accept: 'application/json',
      ...(call.method === 'GET' ? {} : { prefer: 'return=representation' }),
      // PayPal wants the type of a POST even where there is nothing in it.
      ...(call.method === 'POST' ? { 'content-type': 'application/json' } : {}),
      ...(call.key === undefined ? {} : { 'paypal-request-id': await requestIdOf(call.key) }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  };
}

async function requestIdOf(key: string): Promise<string> {
  invariant(key !== '', 'a key is not empty');
  if (key.length <= REQUEST_ID_LENGTH_MAX) return key;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Undefined for a text that is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
