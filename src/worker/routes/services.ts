/** `/v1/services`: what is sold, and the open search over it. Reads by id and changes go to the service's shard. */
import { changeService, createService, readService } from '../../application/manage-services.ts';
import { searchServices } from '../../application/search-services.ts';
import {
  createServiceSchema,
  patchServiceSchema,
  serviceSchema,
} from '../../contracts/http/catalogue.ts';
import { fromInstant, servicePatch, toServiceView } from '../../contracts/http/catalogue-views.ts';
import {
  searchServicesQuerySchema,
  servicePageSchema,
  toFoundServiceView,
  toServiceSearch,
} from '../../contracts/http/search.ts';
import type { App } from '../context.ts';
import { mappedResponse, pageResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { catalogueDeps, searchDeps } from '../use-case-deps.ts';

const tag = 'Catalogue';
const pathIds = { id: 'svc' } as const;
const answers = { 200: { description: 'The service.', schema: serviceSchema } };

const create = defineRoute({
  method: 'post',
  path: '/v1/services',
  tag,
  summary: 'Offer a service',
  description: 'All its resources are in one inventory shard.',
  access: 'signed_in',
  body: createServiceSchema,
  answers: { 201: { description: 'The service.', schema: serviceSchema } },
  refusals: ['not_found', 'slots_span_shards', 'invalid_transition'],
});

const search = defineRoute({
  method: 'get',
  path: '/v1/services',
  tag,
  summary: 'Search services',
  description:
    'What is on sale: what answers the text first, typing mistakes allowed, or what is nearest, else the newest. With `from` ' +
    'or `to`, only what has free slots then. Names and prices may lag by seconds; `nextFreeSlot` is asked of the inventory.',
  access: 'public',
  query: searchServicesQuerySchema,
  answers: { 200: { description: 'Services found.', schema: servicePageSchema } },
  refusals: ['not_found'],
});

const read = defineRoute({
  method: 'get',
  path: '/v1/services/{id}',
  tag,
  summary: 'Read a service',
  access: 'public',
  pathIds,
  answers,
});

const change = defineRoute({
  method: 'patch',
  path: '/v1/services/{id}',
  tag,
  summary: 'Change a service',
  description: 'Holds and bookings that exist keep their snapshot.',
  access: 'signed_in',
  pathIds,
  body: patchServiceSchema,
  answers,
});

const deactivate = defineRoute({
  method: 'delete',
  path: '/v1/services/{id}',
  tag,
  summary: 'Take a service off sale',
  access: 'signed_in',
  pathIds,
  answers: { 204: { description: 'It is off sale.' } },
});

/** Registers the routes. */
export function registerServices(app: App): void {
  app.openapi(create, (c) =>
    idempotent(async () => {
      const body = c.req.valid('json');
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const request = { body, saleStartsAtMs: fromInstant(body.saleStartsAt) };
      const result = await createService(catalogueDeps(c.get('services')), asker, request);
      return mappedResponse(c, result, { map: toServiceView, status: 201 });
    })(c),
  );
  app.openapi(search, async (c) => {
    const request = toServiceSearch(c.req.valid('query'));
    const result = await searchServices(searchDeps(c.get('services')), request);
    return pageResponse(c, result, toFoundServiceView);
  });
  app.openapi(read, async (c) => {
    const result = await readService(catalogueDeps(c.get('services')), c.req.param('id'));
    return mappedResponse(c, result, { map: toServiceView });
  });
  app.openapi(change, async (c) => {
    const request = { id: c.req.param('id'), patch: servicePatch(c.req.valid('json')) };
    const result = await changeService(catalogueDeps(c.get('services')), requireCaller(c), request);
    return mappedResponse(c, result, { map: toServiceView });
  });
  app.openapi(deactivate, async (c) => {
    const request = { id: c.req.param('id'), patch: { active: false } };
    const result = await changeService(catalogueDeps(c.get('services')), requireCaller(c), request);
    return result.ok ? c.body(null, 204) : refusalResponse(c, result.refusal);
  });
}
