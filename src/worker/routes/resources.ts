/** `/v1/resources`: what can be claimed. Reads and changes go to the resource's shard. */
import {
  changeResource,
  createResource,
  readResource,
} from '../../application/manage-resources.ts';
import {
  createResourceSchema,
  patchResourceSchema,
  resourceSchema,
} from '../../contracts/http/catalogue.ts';
import { resourcePatch, toResourceView } from '../../contracts/http/catalogue-views.ts';
import type { App } from '../context.ts';
import { mappedResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { catalogueDeps } from '../use-case-deps.ts';

const tag = 'Catalogue';
const pathIds = { id: 'res' } as const;
const answers = { 200: { description: 'The resource.', schema: resourceSchema } };

const create = defineRoute({
  method: 'post',
  path: '/v1/resources',
  tag,
  summary: 'Add a resource',
  description:
    'A court, a room, a coach: capacity 1 is exclusive, more is pooled, `units` are named.',
  access: 'signed_in',
  body: createResourceSchema,
  answers: { 201: { description: 'The resource.', schema: resourceSchema } },
  refusals: ['not_found', 'invalid_transition'],
});

const read = defineRoute({
  method: 'get',
  path: '/v1/resources/{id}',
  tag,
  summary: 'Read a resource',
  access: 'public',
  pathIds,
  answers,
});

const change = defineRoute({
  method: 'patch',
  path: '/v1/resources/{id}',
  tag,
  summary: 'Change a resource',
  access: 'signed_in',
  pathIds,
  body: patchResourceSchema,
  answers,
});

const deactivate = defineRoute({
  method: 'delete',
  path: '/v1/resources/{id}',
  tag,
  summary: 'Take a resource off sale',
  description: 'Sold bookings keep it.',
  access: 'signed_in',
  pathIds,
  answers: { 204: { description: 'It is off sale.' } },
});

/** Registers the routes. */
export function registerResources(app: App): void {
  app.openapi(create, (c) =>
    idempotent(async () => {
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const deps = catalogueDeps(c.get('services'));
      const result = await createResource(deps, asker, c.req.valid('json'));
      return mappedResponse(c, result, { map: toResourceView, status: 201 });
    })(c),
  );
  app.openapi(read, async (c) => {
    const result = await readResource(catalogueDeps(c.get('services')), c.req.param('id'));
    return mappedResponse(c, result, { map: toResourceView });
  });
  app.openapi(change, async (c) => {
    const request = { id: c.req.param('id'), patch: resourcePatch(c.req.valid('json')) };
    const result = await changeResource(
      catalogueDeps(c.get('services')),
      requireCaller(c),
      request,
    );
    return mappedResponse(c, result, { map: toResourceView });
  });
  app.openapi(deactivate, async (c) => {
    const request = { id: c.req.param('id'), patch: { active: false } };
    const result = await changeResource(
      catalogueDeps(c.get('services')),
      requireCaller(c),
      request,
    );
    return result.ok ? c.body(null, 204) : refusalResponse(c, result.refusal);
  });
}
