/** Signing up, logging in, refreshing and logging out; nobody learns more than they know already. */
import { env } from 'cloudflare:workers';
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify, type JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import type { SessionView } from '../../src/contracts/http/auth.ts';
import { makePerson } from '../support/api.ts';
import { ORIGIN, expectProblem, send, services } from '../support/http.ts';

const PASSWORD = 'correct horse battery';
let people = 0;

function freshEmail(): string {
  people += 1;
  return `person${people}@example.test`;
}

async function signUp(fields: Record<string, unknown> = {}): Promise<SessionView> {
  const response = await send('/v1/auth/register', {
    json: { email: freshEmail(), password: PASSWORD, ...fields },
  });
  expect(response.status).toBe(201);
  return response.json<SessionView>();
}

const refresh = (refreshToken: string) => send('/v1/auth/refresh', { json: { refreshToken } });

describe('registering', () => {
  it('signs up a customer whose token works at once', async () => {
    const email = freshEmail();
    const session = await signUp({ email: `  ${email.toUpperCase()} `, name: 'Ada' });
    expect(session).toEqual({
      user: { id: expect.stringMatching(/^usr_g/), email, name: 'Ada', roles: ['customer'] },
      accessToken: expect.any(String),
      refreshToken: expect.stringMatching(/^hfr_g_/),
      expiresIn: 900,
    });
    const me = await send('/v1/me', { token: session.accessToken });
    expect(await me.json()).toMatchObject({ id: session.user.id, email, dataRegion: 'global' });
  });

  it('keeps a person of the EU in the EU database, and no address in the global one', async () => {
    const { user } = await signUp({ dataRegion: 'eu' });
    expect(user.id).toMatch(/^usr_e/);
    expect(await services.databases.forRegion('eu').users.byId(user.id)).toMatchObject({
      email: user.email,
    });
    expect(await services.databases.forRegion('global').users.byId(user.id)).toBeNull();
    const claims = await env.DB.prepare('select * from email_claim where user_id = ?')
      .bind(user.id)
      .all();
    expect(claims.results).toHaveLength(1);
    expect(JSON.stringify(claims.results)).not.toContain(user.email);
  });

  it('takes an address once, in whatever case and region', async () => {
    const email = freshEmail();
    await signUp({ email });
    for (const dataRegion of ['global', 'eu']) {
      const again = await send('/v1/auth/register', {
        json: { email: email.toUpperCase(), password: PASSWORD, dataRegion },
      });
      expect(again.status).toBe(409);
      await expectProblem(again, 'email_taken');
    }
  });

  it('gives one of several registrations at once the address, and leaves nothing of the others', async () => {
    const email = freshEmail();
    const answers = await Promise.all(
      ['global', 'eu', 'global', 'eu'].map((dataRegion) =>
        send('/v1/auth/register', { json: { email, password: PASSWORD, dataRegion } }),
      ),
    );
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([
      201, 409, 409, 409,
    ]);
    const count = 'select count(*) as n from user where email = ?';
    const rows = await Promise.all(
      [env.DB, env.DB_EU].map((database) =>
        database.prepare(count).bind(email).first<{ n: number }>(),
      ),
    );
    expect((rows[0]?.n ?? 0) + (rows[1]?.n ?? 0)).toBe(1);
  });

  it.each([
    [{ email: 'nobody' }, '/email'],
    [{ email: `${'a'.repeat(250)}@example.test` }, '/email'],
    [{ password: '1234567' }, '/password'],
    [{ password: 'x'.repeat(201) }, '/password'],
    [{ dataRegion: 'mars' }, '/dataRegion'],
    [{ roles: ['operator'] }, '/roles'],
  ])('refuses %o at its field', async (fields, pointer) => {
    const response = await send('/v1/auth/register', {
      json: { email: freshEmail(), password: PASSWORD, ...fields },
    });
    expect(response.status).toBe(422);
    const problem = await expectProblem(response, 'validation_failed');
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it('takes eight characters and two hundred', async () => {
    await signUp({ password: '12345678' });
    await signUp({ password: 'x'.repeat(200) });
  });
});

describe('logging in', () => {
  it('works in any case of the address and with no other password', async () => {
    const { user } = await signUp();
    const good = await send('/v1/auth/login', {
      json: { email: user.email.toUpperCase(), password: PASSWORD },
    });
    expect(good.status).toBe(200);
    expect((await good.json<SessionView>()).user).toEqual(user);
  });

  it('answers an unknown address and a wrong password the same, to the byte', async () => {
    const { user } = await signUp();
    const attempts = [
      { email: user.email, password: 'wrong password' },
      { email: 'unknown@example.test', password: PASSWORD },
      { email: 'no address at all', password: PASSWORD },
    ];
    const answers = await Promise.all(attempts.map((json) => send('/v1/auth/login', { json })));
    const bodies = await Promise.all(answers.map((answer) => answer.clone().text()));
    for (const answer of answers) await expectProblem(answer, 'unauthenticated');
    expect(new Set(bodies).size).toBe(1);
    expect(answers.map((answer) => answer.status)).toEqual([401, 401, 401]);
  });

  it('ignores an access token that has expired meanwhile', async () => {
    const { user } = await signUp();
    const json = { email: user.email, password: PASSWORD };
    expect((await send('/v1/auth/login', { json, token: 'gone' })).status).toBe(200);
  });

  it('shows a new role at the next log-in and refresh', async () => {
    const { user, refreshToken } = await signUp();
    const { users } = services.databases.forId(user.id);
    await users.grantRole(user.id, 'provider');
    await users.grantRole(user.id, 'provider');
    const session = await (await refresh(refreshToken)).json<SessionView>();
    expect(session.user.roles).toEqual(['customer', 'provider']);
    expect(decodeJwt(session.accessToken)['roles']).toEqual(['customer', 'provider']);
  });
});

describe('refreshing', () => {
  it('gives a new token each time', async () => {
    const { refreshToken } = await signUp();
    const first = await (await refresh(refreshToken)).json<SessionView>();
    expect(first.refreshToken).not.toBe(refreshToken);
    expect((await refresh(first.refreshToken)).status).toBe(200);
  });

  it('kills the whole family when a token is used twice', async () => {
    const { refreshToken } = await signUp();
    const next = await (await refresh(refreshToken)).json<SessionView>();
    const again = await refresh(refreshToken);
    expect(again.status).toBe(401);
    await expectProblem(again, 'unauthenticated');
    expect((await refresh(next.refreshToken)).status).toBe(401);
  });

  it('gives at most one successor to uses at the same moment', async () => {
    const { user, refreshToken } = await signUp();
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(refreshToken)));
    const statuses = answers.map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(1);
    expect(statuses.every((status) => status === 200 || status === 401)).toBe(true);
    const rows = await env.DB.prepare('select count(*) as n from refresh_token where user_id = ?')
      .bind(user.id)
      .first<{ n: number }>();
    expect(rows?.n).toBeLessThanOrEqual(2);
  });

  it('leaves another log-in of the same person alone', async () => {
    const { user, refreshToken } = await signUp();
    const json = { email: user.email, password: PASSWORD };
    const other = await (await send('/v1/auth/login', { json })).json<SessionView>();
    await refresh(refreshToken);
    await refresh(refreshToken);
    expect((await refresh(other.refreshToken)).status).toBe(200);
  });

  it('works for a person of the EU', async () => {
    const { refreshToken } = await signUp({ dataRegion: 'eu' });
    expect(refreshToken).toMatch(/^hfr_e_/);
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it('refuses what is no token, is unknown, or has expired', async () => {
    const { user } = await signUp();
    const expired = `hfr_g_${'1'.repeat(64)}`;
    await services.databases.forRegion('global').refreshTokens.insert({
      tokenHash: services.digest.sha256(expired),
      familyId: 'family',
      userId: user.id,
      generation: 1,
      familyExpiresAtMs: Date.now() + 1_000,
      expiresAtMs: Date.now() - 1,
      usedAtMs: null,
      revokedAtMs: null,
      createdAtMs: 0,
    });
    for (const token of ['x', `hfr_g_${'0'.repeat(64)}`, expired]) {
      expect((await refresh(token)).status).toBe(401);
    }
  });

  it('stores no token in clear text', async () => {
    const { refreshToken } = await signUp();
    const rows = await env.DB.prepare('select * from refresh_token').all();
    expect(JSON.stringify(rows.results)).not.toContain(refreshToken.slice(6));
  });
});

describe('logging out', () => {
  it('ends the family, and is 204 whatever the token is', async () => {
    const { refreshToken } = await signUp();
    const next = await (await refresh(refreshToken)).json<SessionView>();
    for (const token of [next.refreshToken, next.refreshToken, 'unknown']) {
      const response = await send('/v1/auth/logout', { json: { refreshToken: token } });
      expect(response.status).toBe(204);
      expect(await response.text()).toBe('');
    }
    expect((await refresh(next.refreshToken)).status).toBe(401);
  });
});

describe('access tokens', () => {
  it('are checked by anybody with the public keys, which hold nothing private', async () => {
    const { accessToken, user } = await signUp();
    const response = await send('/.well-known/jwks.json');
    const { keys } = await response.json<{ keys: JWK[] }>();
    expect(keys.map((key) => key.kid)).toEqual(['current', 'previous']);
    for (const key of keys)
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    const header = decodeProtectedHeader(accessToken);
    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'current' });
    const jwk = keys.find((key) => key.kid === header.kid);
    const { payload } = await jwtVerify(accessToken, await importJWK(jwk as JWK, 'ES256'));
    expect(payload).toEqual({
      iss: ORIGIN,
      aud: 'holdfast-api',
      sub: user.id,
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 900,
      roles: ['customer'],
    });
  });

  it('of somebody who is no more is 404 on the profile', async () => {
    const { token } = await makePerson();
    await expectProblem(await send('/v1/me', { token }), 'not_found');
  });
});
