/**
 * `/v1/services/{id}/slots` and `/v1/slots/{id}`: availability, straight from the shard. The list carries a hash of itself,
 * so that a client which polls pays for a change only.
 */
import type { Context } from 'hono';
import { decodeCursor, encodeCursor } from '../../application/page-cursor.ts';
import {
  createSlotsSchema,
  listSlotsQuerySchema,
  slotSchema,
} from '../../contracts/http/catalogue.ts';
import { fromInstant, toNewSlots } from '../../contracts/http/catalogue-views.ts';
import { pageSchema } from '../../contracts/http/common.ts';
import { slotsCreatedSchema } from '../../contracts/http/search.ts';
import type { App, AppEnv } from '../context.ts';
import { keyedResponse, pathId, refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { taggedResponse } from '../tagged-response.ts';

const tag = 'Slots';

/** Anybody may keep a list of slots for as long as a list may lag. */
const KEPT_A_SECOND = 'public, max-age=1';
/** One slot is asked for anew, so that whoever changed it sees that. */
const READ_OWN_WRITE = 'public, no-cache';

const create = defineRoute({
  method: 'post',
  path: '/v1/services/{id}/slots',
  tag,
  summary: 'Publish slots',
  description: 'Up to 500, all or nothing. Slots may overlap: only claims conflict.',
  access: 'signed_in',
  pathIds: { id: 'svc' },
  body: createSlotsSchema,
  answers: { 201: { description: 'The slots, in the order asked.', schema: slotsCreatedSchema } },
});

const list = defineRoute({
  method: 'get',
  path: '/v1/services/{id}/slots',
  tag,
  summary: 'List slots',
  description: 'By start. With an `ETag`; `If-None-Match` answers 304 while nothing has changed.',
  access: 'public',
  pathIds: { id: 'svc' },
  query: listSlotsQuerySchema,
  answers: {
    200: { description: 'Slots.', schema: pageSchema(slotSchema).openapi('SlotPage') },
    304: { description: 'Nothing has changed.' },
  },
});

const read = defineRoute({
  method: 'get',
  path: '/v1/slots/{id}',
  tag,
  summary: 'Read a slot',
  access: 'public',
  pathIds: { id: 'slt' },
  answers: {
    200: { description: 'The slot as it is now, with an `ETag`.', schema: slotSchema },
    304: { description: 'Nothing has changed.' },
  },
});

/** Registers the routes. */
export function registerSlots(app: App): void {
  app.openapi(create, async (c) => {
    const reply = await c
      .get('services')
      .objects.shard(pathId(c, 'id').locator)
      .createSlots({
        caller: requireCaller(c),
        call: c.get('callKey'),
        serviceId: c.req.param('id'),
        slots: toNewSlots(c.req.valid('json')),
      });
    return keyedResponse(c, reply);
  });
  app.openapi(list, async (c) => {
    const query = c.req.valid('query');
    const cursor = decodeCursor(query.cursor, ['number', 'string']);
    if (!cursor.ok) return refusalResponse(c, cursor.refusal);
    const [startAtMs, id] = cursor.value ?? [];
    const reply = await c
      .get('services')
      .objects.shard(pathId(c, 'id').locator)
      .listSlots({
        serviceId: c.req.param('id'),
        fromMs: fromInstant(query.from),
        toMs: fromInstant(query.to),
        timeZone: query.timeZone ?? null,
        status: query.status ?? null,
        after: startAtMs === undefined || id === undefined ? null : { startAtMs, id },
        limit: query.limit,
      });
    if (!reply.ok) return refusalResponse(c, reply.refusal);
    const { data, next } = reply.value;
    const nextCursor = next === null ? null : encodeCursor([next.startAtMs, next.id]);
    return tagged(c, { data, nextCursor }, KEPT_A_SECOND);
  });
  app.openapi(read, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const reply = await shard.getSlot(c.req.param('id'));
    return reply.ok ? tagged(c, reply.value, READ_OWN_WRITE) : refusalResponse(c, reply.refusal);
  });
}

/** What everybody may see, with a hash of itself. */
function tagged(c: Context<AppEnv>, value: unknown, cacheControl: string): Response {
  return taggedResponse(c, { text: JSON.stringify(value), type: 'application/json', cacheControl });
}
