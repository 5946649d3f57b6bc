/**
 * Tickets: compact ES256 tokens that a door can check with the public keys alone. Their type and audience are not those of
 * access tokens, so that neither is ever taken for the other. What a signature cannot know, whether the booking still
 * stands and whether somebody came in with the same ticket before, is for the booking's shard to say.
 * Source: RFC 7515 (compact JWS), RFC 8725 (checked type, issuer, audience, algorithm).
 */
import { SignJWT, errors, jwtVerify, type JWTPayload } from 'jose';
import type { Clock } from '../application/ports.ts';
import { required } from '../domain/assert.ts';
import type { ShownTicket, TicketClaims } from '../domain/booking/ticket.ts';
import { MINUTE_MS, SECOND_MS, type EpochMs } from '../domain/time.ts';
import type { SigningKey } from './settings.ts';
import { ALGORITHM, createKeyCache, toPublicKey } from './signing-keys.ts';

/** Whom tickets are for. */
export const TICKET_AUDIENCE = 'holdfast-door';
export const TICKET_TYPE = 'ticket+jwt';
/** Longest ticket looked at, in characters; one for a year of weeks has about 1,800. */
export const TICKET_LENGTH_MAX = 4_000;

/** Makes and checks tickets. */
export interface Tickets {
  issue(claims: TicketClaims): Promise<string>;
  /** What a genuine ticket says that is good now; null for any other text. */
  verify(text: string): Promise<ShownTicket | null>;
}

/** What tickets are made with: the platform's own keys; the first signs, all verify. */
export interface TicketOptions {
  readonly issuer: string;
  readonly keys: readonly SigningKey[];
  readonly clock: Clock;
}

export function createTickets({ issuer, keys, clock }: TicketOptions): Tickets {
  const signingKey = required(keys[0], 'a key signs');
  const publicKeys = keys.map(toPublicKey);
  const importKey = createKeyCache();
  return {
    issue: async (claims) =>
      new SignJWT(bodyOf(claims))
        .setProtectedHeader({ alg: ALGORITHM, typ: TICKET_TYPE, kid: signingKey.kid })
        .setIssuer(issuer)
        .setAudience(TICKET_AUDIENCE)
        .setSubject(claims.bookingId)
        .setNotBefore(seconds(claims.notBeforeMs))
        .setExpirationTime(seconds(claims.expiresAtMs))
        .sign(await importKey(signingKey, 'sign')),
    verify: async (text) => {
      if (text.length > TICKET_LENGTH_MAX) return null;
      try {
        const { payload } = await jwtVerify(
          text,
          async ({ kid }) => {
            const jwk = publicKeys.find((key) => key.kid === kid);
            if (jwk === undefined) throw new errors.JWKSNoMatchingKey();
            return importKey(jwk, 'verify');
          },
          {
            algorithms: [ALGORITHM],
            typ: TICKET_TYPE,
            issuer,
            audience: TICKET_AUDIENCE,
            currentDate: new Date(clock.nowMs()),
            requiredClaims: ['sub', 'exp', 'promise'],
          },
        );
        return toShown(payload);
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}

/** Short names and whole units: every character makes the code harder to scan. */
function bodyOf({ code, slots, quantity, units, promise }: TicketClaims): JWTPayload {
  return {
    code,
    /** Start in epoch seconds, and length in minutes. */
    slots: slots.map(({ startAtMs, endAtMs }) => [
      seconds(startAtMs),
      Math.round((endAtMs - startAtMs) / MINUTE_MS),
    ]),
    quantity,
    ...(units.length === 0 ? {} : { units }),
    promise,
  };
}

function toShown({ sub, promise }: JWTPayload): ShownTicket | null {
  if (sub === undefined || typeof promise !== 'string') return null;
  return { bookingId: sub, promise };
}

function seconds(atMs: EpochMs): number {
  return Math.floor(atMs / SECOND_MS);
}
