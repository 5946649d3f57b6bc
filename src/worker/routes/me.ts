/** What a person may read about themselves. */
import { readProfile } from '../../application/accounts.ts';
import { readEntitlements } from '../../application/billing/read-entitlements.ts';
import { profileSchema, type ProfileView } from '../../contracts/http/people.ts';
import { entitlementsSchema } from '../../contracts/http/plans.ts';
import { formatInstant } from '../../contracts/http/views.ts';
import type { App } from '../context.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';

const meRoute = defineRoute({
  method: 'get',
  path: '/v1/me',
  tag: 'People',
  summary: 'Read my profile',
  access: 'signed_in',
  answers: { 200: { description: 'My profile.', schema: profileSchema } },
  refusals: ['not_found'],
});

const entitlementsRoute = defineRoute({
  method: 'get',
  path: '/v1/me/entitlements',
  tag: 'People',
  summary: 'Read what my plan allows',
  description:
    'Limits, what is used of them in the running period, and what is left. Without a plan that runs, `plan` is null.',
  access: 'signed_in',
  answers: { 200: { description: 'What I may do.', schema: entitlementsSchema } },
});

/** Registers the routes. */
export function registerMe(app: App): void {
  app.openapi(meRoute, async (c) => {
    const found = await readProfile(c.get('services').accounts, requireCaller(c).id);
    if (!found.ok) return refusalResponse(c, found.refusal);
    const { id, email, name, roles, dataRegion, createdAtMs } = found.value;
    const profile: ProfileView = {
      id,
      email,
      name,
      roles: [...roles],
      dataRegion,
      createdAt: formatInstant(createdAtMs),
    };
    return c.json(profile);
  });
  app.openapi(entitlementsRoute, async (c) => {
    const { clock, objects } = c.get('services');
    const member = objects.member(requireCaller(c).id);
    return c.json(await readEntitlements({ clock, member }), 200);
  });
}
