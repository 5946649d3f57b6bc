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
  type SlotView,
} from '../../contracts/http/catalogue.ts';
import { fromInstant, toNewSlots } from '../../contracts/http/catalogue-views.ts';
import { pageSchema } from '../../contracts/http/common.ts';
import { slotsCreatedSchema } from '../../contracts/http/search.ts';
import type { App, AppEnv } from '../context.ts';
import {
  keyedResponse,
  pathId,
  refusalResponse,
  requireCaller,
  resultResponse,
} from '../respond.ts';
import { defineRoute } from '../route.ts';

const tag = 'Slots';

/** Seconds for which anybody may keep a list of slots. */
const CACHE_CONTROL = 'public, max-age=1';

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
  answers: { 200: { description: 'The slot as it is now.', schema: slotSchema } },
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
    return taggedResponse(c, { data, nextCursor });
  });
  app.openapi(read, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    return resultResponse(c, await shard.getSlot(c.req.param('id')));
  });
}

/** The page with the hash of its own text, or 304 where the client has just that. Source: RFC 9110, 13.1.2. */
function taggedResponse(
  c: Context<AppEnv>,
  page: { readonly data: SlotView[]; readonly nextCursor: string | null },
): Response {
  const text = JSON.stringify(page);
  const etag = `"${c.get('services').digest.sha256(text).slice(0, 32)}"`;
  const headers = { ETag: etag, 'Cache-Control': CACHE_CONTROL };
  const known = c.req.header('If-None-Match')?.split(',') ?? [];
  // Weak comparison: a proxy that compressed the answer has marked the tag with W/.
  const isKnown = known.some((value) => ['*', etag].includes(value.trim().replace(/^W\//, '')));
  if (isKnown) return c.body(null, 304, headers);
  return c.body(text, 200, { ...headers, 'Content-Type': 'application/json' });
}
