/**
 * Access tokens: given for the client's id and secret, good for nine hours of the virtual clock.
 * They carry their own proof, so that a restart does not end them.
 * Source: PayPal developer documentation, "Authentication".
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { JsonObject } from '../json.ts';
import type { World } from '../world.ts';

const LIFETIME_SECONDS = 9 * 3600;
const SCOPES = [
  'https://uri.paypal.com/services/payments/payment/authcapture',
  'https://uri.paypal.com/services/payments/refund',
  'https://uri.paypal.com/services/disputes/read-seller',
  'https://uri.paypal.com/services/reporting/search/read',
  'https://uri.paypal.com/services/vault/payment-tokens/readwrite',
  'https://uri.paypal.com/services/applications/webhooks',
].join(' ');

/** The application that may call. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Gives and checks tokens of one application. */
export class AccessTokens {
  readonly #world: World;
  readonly #client: ClientCredentials;

  constructor(world: World, client: ClientCredentials) {
    this.#world = world;
    this.#client = client;
  }

  /** POST /v1/oauth2/token: the answer and its status. `authorization` is the header as it came. */
  give(
    authorization: string,
    form: string,
  ): { readonly status: number; readonly body: JsonObject } {
    const { clientId, clientSecret } = this.#client;
    const expected = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    if (!isSame(authorization, `Basic ${expected}`)) {
      return refuse(401, 'invalid_client', 'Client Authentication failed');
    }
    if (new URLSearchParams(form).get('grant_type') !== 'client_credentials') {
      return refuse(400, 'unsupported_grant_type', 'Grant Type is NULL or not supported');
    }
    const claim = [
      (this.#world.clock.virtualSeconds() + LIFETIME_SECONDS).toString(36),
      randomBytes(12).toString('base64url'),
    ].join('.');
    const body = {
      scope: SCOPES,
      access_token: `A21AA.${claim}.${this.#proof(claim)}`,
      token_type: 'Bearer',
      app_id: 'APP-SIMULATED0000000',
      expires_in: LIFETIME_SECONDS,
      nonce: `${new Date(this.#world.clock.nowMs()).toISOString()}${randomBytes(8).toString('hex')}`,
    };
    return { status: 200, body };
  }

  /** True for a token that was given here and has not run out. */
  isValid(authorization: string): boolean {
    const [head = '', expiry = '', nonce = '', proof = '', ...rest] = authorization.split('.');
    if (head !== 'Bearer A21AA' || rest.length > 0) return false;
    if (!isSame(proof, this.#proof(`${expiry}.${nonce}`))) return false;
    return Number.parseInt(expiry, 36) > this.#world.clock.virtualSeconds();
  }

  #proof(claim: string): string {
    return createHmac('sha256', this.#client.clientSecret).update(claim).digest('base64url');
  }
}

/** What a call without a valid token is answered with. */
export function invalidToken(): { readonly status: number; readonly body: JsonObject } {
  return refuse(401, 'invalid_token', 'Token signature verification failed');
}

function refuse(
  status: number,
  error: string,
  description: string,
): { readonly status: number; readonly body: JsonObject } {
  return { status, body: { error, error_description: description } };
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
