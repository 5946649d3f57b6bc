/**
 * Access tokens and guest tokens: ES256 JWTs that say who calls and in which roles, so that no request costs a database
 * read. A guest's has a type and an audience of its own, so that neither can ever be taken for the other.
 * Must never key anything on a raw token: several texts are the same valid token, `jti` is not.
 * Source: RFC 9068 (at+jwt), RFC 8725 (one algorithm, checked type, issuer and audience), RFC 7517.
 */
import { SignJWT, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import { GUEST_SESSION_MS } from '../application/guest-sessions.ts';
import type { Clock, Entropy } from '../application/ports.ts';
import type { Caller, Role } from '../contracts/calls.ts';
import { required } from '../domain/assert.ts';
import { SECOND_MS, type EpochMs } from '../domain/time.ts';
import { toBase64Url } from './base64.ts';
import type { SigningKey } from './settings.ts';
import { ALGORITHM, createKeyCache, toPublicKey, type PublicKey } from './signing-keys.ts';

/** Lifetime of an access token: roles and erasure take effect within it. */
export const ACCESS_TOKEN_SECONDS = 900;

/** Whom the tokens are for. */
export const ACCESS_TOKEN_AUDIENCE = 'holdfast-api';

const JTI_BYTES = 16;
const ROLES: readonly Role[] = ['customer', 'provider', 'operator'];

/** What tells one kind of token from the other. */
interface TokenKind {
  readonly type: string;
  readonly audience: string;
  readonly lifetimeSeconds: number;
  /** Who the claims speak for; null where they are none that we would have made. */
  readonly callerOf: (payload: JWTPayload) => Caller | null;
}

const ACCESS: TokenKind = {
  type: 'at+jwt',
  audience: ACCESS_TOKEN_AUDIENCE,
  lifetimeSeconds: ACCESS_TOKEN_SECONDS,
  callerOf: personOf,
};

const GUEST: TokenKind = {
  type: 'gst+jwt',
  audience: 'holdfast-guest',
  lifetimeSeconds: GUEST_SESSION_MS / SECOND_MS,
  callerOf: ({ sub }) => (sub === undefined ? null : { id: sub, roles: ['guest'] }),
};

/** jose reads laxer base 64 than the standard allows; padding, spaces and line ends end here. */
const COMPACT = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}$/;

/** Longest token looked at, in characters; ours have about 500. */
const TOKEN_LENGTH_MAX = 2_000;

/** Issues and checks access tokens. */
export interface AccessTokens {
  /** A token for the person, valid for ACCESS_TOKEN_SECONDS from now. */
  issue(caller: Caller): Promise<string>;
  /** The token of a guest session that began at this instant; it ends with the session. */
  issueGuest(guestId: string, beganAtMs: EpochMs): Promise<string>;
  /** Who the token speaks for; null for one that is malformed, forged, expired or not ours. */
  verify(token: string): Promise<Caller | null>;
  publicKeys(): readonly PublicKey[];
}

/** What tokens are made with. */
export interface TokenOptions {
  readonly issuer: string;
  /** The first signs, all verify: a rotation puts the new key first and keeps the old for a token's lifetime, and for that of the tickets it signed. */
  readonly keys: readonly SigningKey[];
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** Verified tokens that an isolate remembers: some megabytes at most. */
const VERIFIED_MAX = 5_000;

/** Access tokens under the given keys, which are imported once and kept. */
export function createAccessTokens(options: TokenOptions): AccessTokens {
  const { issuer, clock, entropy } = options;
  const signingKey = required(options.keys[0], 'a key signs');
  const publicKeys = options.keys.map(toPublicKey);
  const importKey = createKeyCache();
  const verified = new VerifiedTokens();

  const keyOf = async ({ kid }: { kid?: string }): Promise<CryptoKey> => {
    const jwk = publicKeys.find((key) => key.kid === kid);
    if (jwk === undefined) throw new errors.JWKSNoMatchingKey();
    return importKey(jwk, 'verify');
  };

  const sign = async (
    kind: TokenKind,
    { subject, issuedAtMs, claims }: { subject: string; issuedAtMs: EpochMs; claims: JWTPayload },
  ): Promise<string> => {
    const issuedAt = Math.floor(issuedAtMs / SECOND_MS);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ: kind.type, kid: signingKey.kid })
      .setIssuer(issuer)
      .setAudience(kind.audience)
      .setSubject(subject)
      .setJti(toBase64Url(entropy.bytes(JTI_BYTES)))
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + kind.lifetimeSeconds)
      .sign(await importKey(signingKey, 'sign'));
  };

  return {
    publicKeys: () => publicKeys,
    issue: ({ id, roles, guestId }) => {
      const claims = { roles: [...roles], ...(guestId === undefined ? {} : { guest: guestId }) };
      return sign(ACCESS, { subject: id, issuedAtMs: clock.nowMs(), claims });
    },
    issueGuest: (guestId, beganAtMs) =>
      sign(GUEST, { subject: guestId, issuedAtMs: beganAtMs, claims: {} }),
    verify: async (token) => {
      if (token.length > TOKEN_LENGTH_MAX || !COMPACT.test(token)) return null;
      const known = verified.get(token, clock.nowMs());
      if (known !== null) return known;
      const kind = kindOf(token);
      try {
        const { payload } = await jwtVerify(token, keyOf, {
          algorithms: [ALGORITHM],
          typ: kind.type,
          issuer,
          audience: kind.audience,
          currentDate: new Date(clock.nowMs()),
          maxTokenAge: kind.lifetimeSeconds,
          requiredClaims: ['sub', 'jti', 'iat', 'exp'],
        });
        const caller = kind.callerOf(payload);
        if (caller !== null)
          verified.add(token, caller, required(payload.exp, 'a verified token ends') * SECOND_MS);
        return caller;
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}

/** Tokens that this isolate has verified, kept until they end: a client that calls again costs no second signature check. */
class VerifiedTokens {
  readonly #callers = new Map<string, { readonly caller: Caller; readonly endsAtMs: number }>();

  /** The caller of exactly this text; any other writing of the same token is verified by itself. */
  get(token: string, nowMs: number): Caller | null {
    const known = this.#callers.get(token);
    if (known === undefined || known.endsAtMs <= nowMs) return null;
    return known.caller;
  }

  add(token: string, caller: Caller, endsAtMs: number): void {
    // A Map keeps its order, so the first key is the one that was verified longest ago.
    const [oldest] = this.#callers.keys();
    if (this.#callers.size >= VERIFIED_MAX && oldest !== undefined) this.#callers.delete(oldest);
    this.#callers.set(token, { caller, endsAtMs });
  }
}

/** As which kind a token is to be verified: what its header says is believed only once it was. */
function kindOf(token: string): TokenKind {
  try {
    return decodeProtectedHeader(token).typ === GUEST.type ? GUEST : ACCESS;
  } catch {
    return ACCESS; // A header that cannot be read is refused by the verification.
  }
}

function personOf(payload: JWTPayload): Caller | null {
  const { sub, roles: claimed, guest } = payload;
  if (sub === undefined || !Array.isArray(claimed)) return null;
  const roles = ROLES.filter((role) => claimed.includes(role));
  if (roles.length !== claimed.length) return null;
  return { id: sub, roles, ...(typeof guest === 'string' ? { guestId: guest } : {}) };
}
