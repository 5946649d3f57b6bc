/** Tickets at the door: a door needs the public keys and nothing else, and takes nothing that only looks like a ticket. */
import { decodeProtectedHeader, importJWK, jwtVerify, SignJWT, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { makeKeys } from '../../scripts/local/keys.ts';
import type { TicketClaims } from '../../src/domain/booking/ticket.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import type { SigningKey } from '../../src/platform/settings.ts';
import { createTickets } from '../../src/platform/tickets.ts';
import { createAccessTokens } from '../../src/platform/tokens.ts';
import { FakeClock, NOON_MS, seededEntropy } from '../support/fake-clock.ts';

const ISSUER = 'https://holdfast.test';
const START_MS = NOON_MS + 2 * HOUR_MS;
const CLAIMS: TicketClaims = {
  bookingId: 'bkg_1',
  code: 'ABCD-EFGH',
  slots: [{ startAtMs: START_MS, endAtMs: START_MS + HOUR_MS }],
  quantity: 2,
  units: ['A1', 'A2'],
  promise: '0123456789abcdef',
  notBeforeMs: START_MS - DAY_MS,
  expiresAtMs: START_MS + HOUR_MS + DAY_MS,
};

const [KEY] = JSON.parse(makeKeys().TOKEN_SIGNING_KEYS) as [SigningKey];
const [OTHER_KEY] = JSON.parse(makeKeys().TOKEN_SIGNING_KEYS) as [SigningKey];

function world(keys: readonly SigningKey[] = [KEY]) {
  const clock = new FakeClock();
  const tickets = createTickets({ issuer: ISSUER, keys, clock });
  const tokens = createAccessTokens({ issuer: ISSUER, keys, clock, entropy: seededEntropy(1) });
  return { clock, tickets, tokens };
}

describe('a ticket', () => {
  test('is checked by anybody with the public keys, and names the booking, its times and its people', async () => {
    const { tickets, tokens, clock } = world();
    const text = await tickets.issue(CLAIMS);
    expect(decodeProtectedHeader(text)).toEqual({ alg: 'ES256', typ: 'ticket+jwt', kid: KEY.kid });
    const [jwk] = tokens.publicKeys();
    const { payload } = await jwtVerify(text, await importJWK(jwk as JWK, 'ES256'), {
      currentDate: new Date(clock.nowMs()),
    });
    expect(payload).toEqual({
      iss: ISSUER,
      aud: 'holdfast-door',
      sub: 'bkg_1',
      code: 'ABCD-EFGH',
      slots: [[START_MS / 1_000, 60]],
      quantity: 2,
      units: ['A1', 'A2'],
      promise: '0123456789abcdef',
      nbf: CLAIMS.notBeforeMs / 1_000,
      exp: CLAIMS.expiresAtMs / 1_000,
    });
    expect(await tickets.verify(text)).toEqual({ bookingId: 'bkg_1', promise: CLAIMS.promise });
  });

  test.each([
    ['a day and a moment before the slot', START_MS - DAY_MS - 1_000, null],
    ['from a day before', START_MS - DAY_MS, 'bkg_1'],
    ['until a day after', START_MS + HOUR_MS + DAY_MS - 1_000, 'bkg_1'],
    ['and then no more', START_MS + HOUR_MS + DAY_MS, null],
  ])('is good %s', async (_when, atMs, bookingId) => {
    const { clock, tickets } = world();
    const text = await tickets.issue(CLAIMS);
    clock.advance(atMs - clock.nowMs());
    expect((await tickets.verify(text))?.bookingId ?? null).toBe(bookingId);
  });

  test('is never an access token, nor an access token a ticket', async () => {
    const { tickets, tokens } = world();
    expect(await tokens.verify(await tickets.issue(CLAIMS))).toBeNull();
    const token = await tokens.issue({ id: 'usr_1', roles: ['operator'] });
    expect(await tickets.verify(token)).toBeNull();
  });

  test('of another platform, another key, another type or none at all is refused', async () => {
    const { tickets, clock } = world();
    const text = await tickets.issue(CLAIMS);
    const stranger = createTickets({ issuer: 'https://elsewhere.test', keys: [KEY], clock });
    const forger = createTickets({ issuer: ISSUER, keys: [{ ...OTHER_KEY, kid: KEY.kid }], clock });
    const untyped = await new SignJWT({ promise: CLAIMS.promise })
      .setProtectedHeader({ alg: 'ES256', kid: KEY.kid })
      .setIssuer(ISSUER)
      .setAudience('holdfast-door')
      .setSubject('bkg_1')
      .setExpirationTime(START_MS / 1_000)
      .sign(await importJWK(KEY as JWK, 'ES256'));
    // Not the last characters: of those some bits mean nothing.
    const [head = '', body = '', signature = ''] = text.split('.');
    const first = signature.startsWith('A') ? 'B' : 'A';
    const flipped = `${head}.${body}.${first}${signature.slice(1)}`;
    const texts = [
      await stranger.issue(CLAIMS),
      await forger.issue(CLAIMS),
      untyped,
      flipped,
      '',
      'a.b.c',
      'x'.repeat(5_000),
    ];
    expect(await Promise.all(texts.map((one) => tickets.verify(one)))).toEqual(
      texts.map(() => null),
    );
  });

  test('stays good over a rotation, for as long as its key is kept', async () => {
    const text = await world().tickets.issue(CLAIMS);
    const next = { ...OTHER_KEY, kid: 'next' };
    expect(await world([next, KEY]).tickets.verify(text)).not.toBeNull();
    expect(await world([next]).tickets.verify(text)).toBeNull();
  });
});
