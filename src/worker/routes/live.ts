/**
 * `/v1/{services,providers,bookings}/{id}/live`: what changes, as it changes, by WebSocket or server-sent events. The
 * Worker says who asks and hands the socket on; the shard's object decides who may watch and sends.
 */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { readProvider } from '../../application/manage-providers.ts';
import { idSchema } from '../../contracts/http/common.ts';
import type { Refusal } from '../../domain/result.ts';
import type { App, AppEnv } from '../context.ts';
import { eventStream } from '../event-stream.ts';
import { LIVE_PROTOCOL, offersLiveProtocol } from '../middleware/socket-token.ts';
import { invalidField, openIdOr404, pathId, refusalResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { catalogueDeps } from '../use-case-deps.ts';

const tag = 'Live';

const liveQuerySchema = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});

/** A provider that sells from several shards is watched one by one: a number belongs to a shard. */
const providerQuerySchema = liveQuerySchema.extend({ shardId: idSchema.optional() });

const description =
  'A WebSocket, or server-sent events with `Accept: text/event-stream`. Each message is `{seq, type, data}`. The first is ' +
  'a `snapshot`, unless `after` (or `Last-Event-ID`) names the last number that you have and the changes since are still ' +
  'kept: then they come first, each once. `seq` only grows, in steps of any size.';

const answers = {
  101: { description: 'The socket is open.' },
  200: { description: 'The events.', schema: z.string(), type: 'text/event-stream' },
} as const;

const service = defineRoute({
  method: 'get',
  path: '/v1/services/{id}/live',
  tag,
  summary: 'Watch the slots of a service',
  description: `${description} \`slot\`: one slot as it is now.`,
  access: 'anyone',
  pathIds: { id: 'svc' },
  query: liveQuerySchema,
  answers,
  refusals: ['not_found', 'overloaded'],
});

const provider = defineRoute({
  method: 'get',
  path: '/v1/providers/{id}/live',
  tag,
  summary: 'Watch the slots of all services of a provider',
  description: `${description} \`slot\`: one slot as it is now. One shard at a time: the first, unless \`shardId\` names another.`,
  access: 'anyone',
  pathIds: { id: 'prv' },
  query: providerQuerySchema,
  answers,
  refusals: ['not_found', 'overloaded'],
});

const booking = defineRoute({
  method: 'get',
  path: '/v1/bookings/{id}/live',
  tag,
  summary: 'Watch a booking',
  description: `${description} \`booking\`: the booking as it is now. For its customer, its provider and operators.`,
  access: 'booker',
  pathIds: { id: 'bkg' },
  query: liveQuerySchema,
  answers,
  refusals: ['not_found', 'overloaded'],
});

/** The address is a stream, and whoever expects one JSON text would wait for its end. */
const NO_STREAM = invalidField('/Accept', 'open a WebSocket, or accept text/event-stream');

/** Registers the routes. */
export function registerLive(app: App): void {
  app.openapi(service, (c) =>
    watch(c, { shardKey: pathId(c, 'id').locator, topic: c.req.param('id') }),
  );
  app.openapi(booking, (c) =>
    watch(c, { shardKey: pathId(c, 'id').locator, topic: c.req.param('id') }),
  );
  app.openapi(provider, async (c) => {
    const topic = c.req.param('id');
    const { shardId } = c.req.valid('query');
    if (shardId !== undefined) {
      const shard = openIdOr404(c, 'shd', shardId);
      // Whether it is one of this provider's is known to the shard itself.
      return shard.ok
        ? watch(c, { shardKey: shard.value.locator, topic })
        : refusalResponse(c, shard.refusal);
    }
    const read = await readProvider(catalogueDeps(c.get('services')), topic);
    if (!read.ok) return refusalResponse(c, read.refusal);
    return watch(c, { shardKey: read.value.shardKey, topic });
  });
}

async function watch(
  c: Context<AppEnv>,
  watched: { shardKey: string; topic: string },
): Promise<Response> {
  const isSocket = c.req.header('Upgrade')?.toLowerCase() === 'websocket';
  if (!isSocket && !wantsEvents(c)) return refusalResponse(c, NO_STREAM);
  const opened = await c.get('services').objects.watch(watched.shardKey, {
    topic: watched.topic,
    after: placeOf(c),
    caller: c.get('caller'),
  });
  const socket = opened.webSocket;
  if (socket === null) return refusalResponse(c, await opened.json<Refusal>());
  if (!isSocket) return eventStream(socket);
  const headers = offersLiveProtocol(c) ? { 'Sec-WebSocket-Protocol': LIVE_PROTOCOL } : {};
  return new Response(null, { status: 101, webSocket: socket, headers });
}

function wantsEvents(c: Context<AppEnv>): boolean {
  const wanted = accepts(c, {
    header: 'Accept',
    supports: ['application/json', 'text/event-stream'],
    default: 'application/json',
  });
  return wanted === 'text/event-stream';
}

/** The reader's place: what an event source sends when it comes back wins over what its address once said. */
function placeOf(c: Context<AppEnv>): number | null {
  const last = c.req.header('Last-Event-ID') ?? c.req.query('after');
  return last !== undefined && /^\d{1,15}$/.test(last) ? Number(last) : null;
}
