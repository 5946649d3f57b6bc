/** `/v1/providers`: whoever sells. Anybody who is signed in may become one; reading is open to all. */
import {
  createProvider,
  deactivateProvider,
  patchProvider,
  readProvider,
} from '../../application/manage-providers.ts';
import {
  createProviderSchema,
  patchProviderSchema,
  providerSchema,
} from '../../contracts/http/catalogue.ts';
import { toProviderView } from '../../contracts/http/catalogue-views.ts';
import type { App } from '../context.ts';
import { mappedResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { catalogueDeps } from '../use-case-deps.ts';

const tag = 'Catalogue';
const pathIds = { id: 'prv' } as const;
const answers = { 200: { description: 'The provider.', schema: providerSchema } };

const create = defineRoute({
  method: 'post',
  path: '/v1/providers',
  tag,
  summary: 'Become a provider',
  description:
    'The caller becomes the owner; the role `provider` shows at the next login or refresh.',
  access: 'signed_in',
  body: createProviderSchema,
  answers: { 201: { description: 'The provider.', schema: providerSchema } },
});

const read = defineRoute({
  method: 'get',
  path: '/v1/providers/{id}',
  tag,
  summary: 'Read a provider',
  access: 'public',
  pathIds,
  answers,
});

const change = defineRoute({
  method: 'patch',
  path: '/v1/providers/{id}',
  tag,
  summary: 'Change a provider',
  access: 'signed_in',
  pathIds,
  body: patchProviderSchema,
  answers,
});

const deactivate = defineRoute({
  method: 'delete',
  path: '/v1/providers/{id}',
  tag,
  summary: 'Take a provider off sale',
  description: 'With its venues and services. Sold bookings stay as they are.',
  access: 'signed_in',
  pathIds,
  answers: { 204: { description: 'It is off sale.' } },
});

/** Registers the routes. */
export function registerProviders(app: App): void {
  app.openapi(create, (c) =>
    idempotent(async () => {
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const deps = catalogueDeps(c.get('services'));
      const result = await createProvider(deps, asker, c.req.valid('json'));
      return mappedResponse(c, result, { map: toProviderView, status: 201 });
    })(c),
  );
  app.openapi(read, async (c) => {
    const result = await readProvider(catalogueDeps(c.get('services')), c.req.param('id'));
    return mappedResponse(c, result, { map: toProviderView });
  });
  app.openapi(change, async (c) => {
    const request = { id: c.req.param('id'), body: c.req.valid('json') };
    const result = await patchProvider(catalogueDeps(c.get('services')), requireCaller(c), request);
    return mappedResponse(c, result, { map: toProviderView });
  });
  app.openapi(deactivate, async (c) => {
    const deps = catalogueDeps(c.get('services'));
    const result = await deactivateProvider(deps, requireCaller(c), c.req.param('id'));
    return result.ok ? c.body(null, 204) : refusalResponse(c, result.refusal);
  });
}
