/** `/v1/venues`: where a provider sells. Changes are for the provider's owners; reading is open to all. */
import { listVenueShards, openVenueShard } from '../../application/manage-shards.ts';
import {
  createVenue,
  deactivateVenue,
  patchVenue,
  readVenue,
} from '../../application/manage-venues.ts';
import {
  createShardSchema,
  createVenueSchema,
  patchVenueSchema,
  shardSchema,
  venueSchema,
} from '../../contracts/http/catalogue.ts';
import { toShardView, toVenueView } from '../../contracts/http/catalogue-views.ts';
import { pageSchema } from '../../contracts/http/common.ts';
import type { App } from '../context.ts';
import { mappedResponse } from '../map-response.ts';
import { idempotent } from '../middleware/idempotent-call.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { catalogueDeps } from '../use-case-deps.ts';

const tag = 'Catalogue';
const pathIds = { id: 'ven' } as const;
const answers = { 200: { description: 'The venue.', schema: venueSchema } };

const create = defineRoute({
  method: 'post',
  path: '/v1/venues',
  tag,
  summary: 'Open a venue',
  access: 'signed_in',
  body: createVenueSchema,
  answers: { 201: { description: 'The venue.', schema: venueSchema } },
  refusals: ['not_found', 'invalid_transition'],
});

const read = defineRoute({
  method: 'get',
  path: '/v1/venues/{id}',
  tag,
  summary: 'Read a venue',
  access: 'public',
  pathIds,
  answers,
});

const change = defineRoute({
  method: 'patch',
  path: '/v1/venues/{id}',
  tag,
  summary: 'Change a venue',
  access: 'signed_in',
  pathIds,
  body: patchVenueSchema,
  answers,
});

const deactivate = defineRoute({
  method: 'delete',
  path: '/v1/venues/{id}',
  tag,
  summary: 'Take a venue off sale',
  description: 'With its services. Sold bookings stay as they are.',
  access: 'signed_in',
  pathIds,
  answers: { 204: { description: 'It is off sale.' } },
});

const openShard = defineRoute({
  method: 'post',
  path: '/v1/venues/{id}/shards',
  tag,
  summary: 'Open a further shard for a venue',
  description:
    'For a hall or a section that would outgrow the one it is in. Resources are placed in it by `shardId` when they are ' +
    'made, and stay there; a service combines resources of one shard.',
  access: 'signed_in',
  pathIds,
  body: createShardSchema,
  answers: { 201: { description: 'The shard.', schema: shardSchema } },
  refusals: ['invalid_transition', 'overloaded'],
});

const listShards = defineRoute({
  method: 'get',
  path: '/v1/venues/{id}/shards',
  tag,
  summary: 'The shards of a venue, oldest first',
  access: 'signed_in',
  pathIds,
  answers: {
    200: { description: 'Its shards.', schema: pageSchema(shardSchema).openapi('ShardPage') },
  },
});

/** Registers the routes. */
export function registerVenues(app: App): void {
  app.openapi(create, (c) =>
    idempotent(async () => {
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const result = await createVenue(
        catalogueDeps(c.get('services')),
        asker,
        c.req.valid('json'),
      );
      return mappedResponse(c, result, { map: toVenueView, status: 201 });
    })(c),
  );
  app.openapi(read, async (c) => {
    const result = await readVenue(catalogueDeps(c.get('services')), c.req.param('id'));
    return mappedResponse(c, result, { map: toVenueView });
  });
  app.openapi(change, async (c) => {
    const request = { id: c.req.param('id'), body: c.req.valid('json') };
    const result = await patchVenue(catalogueDeps(c.get('services')), requireCaller(c), request);
    return mappedResponse(c, result, { map: toVenueView });
  });
  app.openapi(openShard, (c) =>
    idempotent(async () => {
      const asker = { caller: requireCaller(c), call: c.get('callKey') };
      const wish = { venueId: c.req.param('id'), name: c.req.valid('json').name };
      const result = await openVenueShard(catalogueDeps(c.get('services')), asker, wish);
      return mappedResponse(c, result, { map: toShardView, status: 201 });
    })(c),
  );
  app.openapi(listShards, async (c) => {
    const deps = catalogueDeps(c.get('services'));
    const result = await listVenueShards(deps, requireCaller(c), c.req.param('id'));
    return mappedResponse(c, result, {
      map: (shards) => ({ data: shards.map(toShardView), nextCursor: null }),
    });
  });
  app.openapi(deactivate, async (c) => {
    const deps = catalogueDeps(c.get('services'));
    const result = await deactivateVenue(deps, requireCaller(c), c.req.param('id'));
    return result.ok ? c.body(null, 204) : refusalResponse(c, result.refusal);
  });
}
