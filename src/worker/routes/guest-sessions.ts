/** Guest sessions: who books without an account, and the unfinished booking that waits for them. */
import type { Context } from 'hono';
import type { GuestRecord } from '../../application/account-ports.ts';
import { beginGuestSession, readGuest, saveDraft } from '../../application/guest-sessions.ts';
import {
  createGuestSessionSchema,
  guestSessionSchema,
  guestTokenSchema,
  patchGuestSessionSchema,
  type GuestSessionView,
} from '../../contracts/http/guests.ts';
import { formatInstant } from '../../contracts/http/views.ts';
import type { Result } from '../../domain/result.ts';
import { normalizeEmail } from '../../platform/email-keys.ts';
import type { App, AppEnv } from '../context.ts';
import { mappedResponse } from '../map-response.ts';
import { requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';

const tag = 'Guests';
const SESSION = { description: 'The session.', schema: guestSessionSchema };

const begin = defineRoute({
  method: 'post',
  path: '/v1/guest-sessions',
  tag,
  summary: 'Begin to book without an account',
  description:
    'The token is sent like an access token, and may hold, book, pay and cancel where a service is open to all. ' +
    'It lives as long as the session and is shown once.',
  access: 'public',
  key: 'none',
  rate: 'auth',
  body: createGuestSessionSchema,
  answers: { 201: { description: 'The session began.', schema: guestTokenSchema } },
});

const read = defineRoute({
  method: 'get',
  path: '/v1/guest-sessions/{id}',
  tag,
  summary: 'Read my guest session',
  description: 'For its guest, and for the account that took the guest over.',
  access: 'booker',
  pathIds: { id: 'gst' },
  answers: { 200: SESSION },
});

const patch = defineRoute({
  method: 'patch',
  path: '/v1/guest-sessions/{id}',
  tag,
  summary: 'Keep an unfinished booking',
  description: 'Replaces the draft, which nobody but the client reads; null forgets it.',
  access: 'booker',
  pathIds: { id: 'gst' },
  body: patchGuestSessionSchema,
  answers: { 200: SESSION },
});

/** Registers the routes. */
export function registerGuestSessions(app: App): void {
  app.openapi(begin, async (c) => {
    const { email, name, phone, dataRegion } = c.req.valid('json');
    const { accounts, tokens } = c.get('services');
    const guest = await beginGuestSession(accounts, {
      email: normalizeEmail(email),
      name,
      phone: phone ?? null,
      dataRegion: dataRegion ?? 'global',
    });
    const { id, createdAtMs, expiresAtMs } = guest;
    const token = await tokens.issueGuest(id, createdAtMs);
    return c.json({ id, token, expiresAt: formatInstant(expiresAtMs) }, 201);
  });
  app.openapi(read, async (c) => {
    const { accounts } = c.get('services');
    return answer(c, await readGuest(accounts, requireCaller(c), c.req.param('id')));
  });
  app.openapi(patch, async (c) => {
    const { accounts } = c.get('services');
    const { draft } = c.req.valid('json');
    const change = { id: c.req.param('id'), draft };
    return answer(c, await saveDraft(accounts, requireCaller(c), change));
  });
}

function answer(c: Context<AppEnv>, result: Result<GuestRecord>): Response {
  return mappedResponse(c, result, { map: toView });
}

function toView({ id, email, name, phone, draft, expiresAtMs }: GuestRecord): GuestSessionView {
  return { id, email, name, phone, draft, expiresAt: formatInstant(expiresAtMs) };
}
