/** Signing up, logging in, refreshing, logging out, and the keys that check the tokens. Answers are never stored. */
import type { Context } from 'hono';
import { logIn, logOut, refresh, register, type SignedIn } from '../../application/accounts.ts';
import {
  jwksSchema,
  loginSchema,
  refreshSchema,
  registerSchema,
  sessionSchema,
  type SessionView,
} from '../../contracts/http/auth.ts';
import { isGuest } from '../../contracts/calls.ts';
import { ok, type Result } from '../../domain/result.ts';
import { normalizeEmail } from '../../platform/email-keys.ts';
import { ACCESS_TOKEN_SECONDS } from '../../platform/tokens.ts';
import type { App, AppEnv } from '../context.ts';
import { resultResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';

const SESSION = { description: 'Signed in.', schema: sessionSchema };
const AUTH = {
  method: 'post',
  tag: 'Sign-in',
  access: 'public',
  key: 'none',
  rate: 'auth',
} as const;

const registerRoute = defineRoute({
  ...AUTH,
  path: '/v1/auth/register',
  summary: 'Sign up',
  description:
    'With the token of a guest session the guest’s holds and bookings come along, those that are still under way too.',
  // A guest’s token is looked at; nobody else’s means anything here.
  access: 'anyone',
  body: registerSchema,
  answers: { 201: SESSION },
  refusals: ['unauthenticated', 'email_taken'],
});

const loginRoute = defineRoute({
  ...AUTH,
  path: '/v1/auth/login',
  summary: 'Log in',
  description: 'An unknown address and a wrong password are answered the same.',
  body: loginSchema,
  answers: { 200: SESSION },
  refusals: ['unauthenticated'],
});

const refreshRoute = defineRoute({
  ...AUTH,
  path: '/v1/auth/refresh',
  summary: 'Get a new access token',
  description:
    'The refresh token is used up and a new one comes back. Using one twice ends every token that followed from the same log-in.',
  body: refreshSchema,
  answers: { 200: SESSION },
  refusals: ['unauthenticated'],
});

const logoutRoute = defineRoute({
  ...AUTH,
  path: '/v1/auth/logout',
  summary: 'Log out',
  body: refreshSchema,
  answers: { 204: { description: 'Logged out, or already was.' } },
});

const keysRoute = defineRoute({
  method: 'get',
  path: '/.well-known/jwks.json',
  tag: 'Sign-in',
  summary: 'Public keys of access tokens',
  access: 'public',
  rate: 'none',
  answers: { 200: { description: 'The keys, as RFC 7517 has them.', schema: jwksSchema } },
});

/** Registers the routes. */
export function registerAuth(app: App): void {
  app.openapi(registerRoute, async (c) => {
    const { email, password, name, dataRegion } = c.req.valid('json');
    const caller = c.get('caller');
    const signedUp = await register(c.get('services').accounts, {
      email: normalizeEmail(email),
      password,
      name: name ?? null,
      dataRegion: dataRegion ?? null,
      guestId: caller !== null && isGuest(caller) ? caller.id : null,
    });
    return resultResponse(c, await session(c, signedUp), 201);
  });
  app.openapi(loginRoute, async (c) => {
    const { email, password } = c.req.valid('json');
    const credentials = { email: normalizeEmail(email), password };
    return resultResponse(
      c,
      await session(c, await logIn(c.get('services').accounts, credentials)),
    );
  });
  app.openapi(refreshRoute, async (c) => {
    const refreshed = await refresh(c.get('services').accounts, c.req.valid('json').refreshToken);
    return resultResponse(c, await session(c, refreshed));
  });
  app.openapi(logoutRoute, async (c) => {
    await logOut(c.get('services').accounts, c.req.valid('json').refreshToken);
    return c.body(null, 204);
  });
  app.openapi(keysRoute, (c) => {
    c.header('Cache-Control', 'public, max-age=300');
    return c.json({ keys: [...c.get('services').tokens.publicKeys()] });
  });
}

async function session(
  c: Context<AppEnv>,
  signedIn: Result<SignedIn>,
): Promise<Result<SessionView>> {
  if (!signedIn.ok) return signedIn;
  const { user, refreshToken, guestId } = signedIn.value;
  const { id, email, name, roles } = user;
  return ok({
    user: { id, email, name, roles: [...roles] },
    accessToken: await c.get('services').tokens.issue({
      id,
      roles,
      ...(guestId === null ? {} : { guestId }),
    }),
    refreshToken,
    expiresIn: ACCESS_TOKEN_SECONDS,
  });
}
