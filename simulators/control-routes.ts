/**
 * The control routes: fault script, virtual clock, books, received calls and webhook deliveries.
 * For tests, outsiders and people; the platform itself must never call them.
 */
import type { HttpBindings } from '@hono/node-server';
import { randomInt } from 'node:crypto';
import { Hono } from 'hono';
import { FAULT_KINDS, FAULT_OPERATIONS, type FaultRule } from './faults.ts';
import type { Json, JsonObject } from './json.ts';
import { ControlRefusal, jsonResponse } from './problem.ts';
import { readBody } from './request-body.ts';
import type { World } from './world.ts';

const FAULT_FIELDS = [
  'processor',
  'operation',
  'fault',
  'probability',
  'count',
  'ms',
  'after',
  'seed',
] as const;

/** Longest that one clock call may advance: a century, far beyond any lifetime here. */
const ADVANCE_SECONDS_MAX = 100 * 366 * 86_400;
/** How many of the newest deliveries are listed unless `limit` asks otherwise. */
const DELIVERIES_SHOWN = 1000;

/** Mounts /control (payers apart) and /healthz. */
export function controlRoutes(
  world: World,
  processors: readonly string[],
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  mountFaults(app, world, processors);
  mountClock(app, world);
  mountWebhooks(app, world);
  app.get('/healthz', () => jsonResponse({ status: 'ok', processors: [...processors] }));
  app.get('/control/books', async () => {
    world.applyDeadlines();
    await world.store.durable();
    return jsonResponse({ data: world.books.rows() });
  });
  app.get('/control/requests', (http) =>
    jsonResponse({ data: world.requests.rows(http.req.query('processor')) }),
  );
  return app;
}

function mountFaults(
  app: Hono<{ Bindings: HttpBindings }>,
  world: World,
  processors: readonly string[],
): void {
  app.get('/control/faults', () => jsonResponse({ data: activeFaults(world) }));
  app.post('/control/faults', async (http) => {
    const rule = readRule(await readBody(http, FAULT_FIELDS), processors);
    return jsonResponse({ ...world.faults.add(rule) }, 201);
  });
  app.delete('/control/faults', () => {
    world.faults.clear();
    return jsonResponse({ data: [] });
  });
}

function mountClock(app: Hono<{ Bindings: HttpBindings }>, world: World): void {
  app.get('/control/clock', () => jsonResponse(clockView(world)));
  app.post('/control/clock', async (http) => {
    const { advanceSeconds } = await readBody(http, ['advanceSeconds']);
    const seconds = Number(advanceSeconds);
    const isInteger = typeof advanceSeconds === 'number' && Number.isSafeInteger(seconds);
    if (!isInteger || seconds < 0 || seconds > ADVANCE_SECONDS_MAX) {
      const message = 'advanceSeconds must be an integer of seconds, not below 0.';
      throw new ControlRefusal(422, 'validation_failed', message);
    }
    world.store.apply(() => {
      world.clock.advance(seconds);
    });
    const applied = world.applyDeadlines();
    await world.store.durable();
    return jsonResponse({ ...clockView(world), applied });
  });
}

function mountWebhooks(app: Hono<{ Bindings: HttpBindings }>, world: World): void {
  app.get('/control/webhooks', (http) => {
    const limit = Number(http.req.query('limit') ?? DELIVERIES_SHOWN);
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new ControlRefusal(422, 'validation_failed', 'limit must be a positive integer.');
    }
    return jsonResponse({ data: world.events.deliveryRows(limit) });
  });
  app.post('/control/webhooks/:eventId/resend', async (http) => {
    const { eventId } = http.req.param();
    if (!world.webhooks.resend(eventId)) {
      throw new ControlRefusal(404, 'not_found', `There is no event ${eventId}.`);
    }
    await world.store.durable();
    return jsonResponse({ id: eventId, status: 'pending' }, 202);
  });
}

function clockView(world: World): JsonObject {
  return {
    startClock: new Date(world.clock.nowMs()).toISOString(),
    virtualClock: new Date(world.clock.virtualSeconds() * 1000).toISOString(),
    offsetSeconds: world.clock.offsetSeconds,
    advancedSeconds: world.clock.advancedSeconds,
  };
}

function activeFaults(world: World): Json[] {
  return world.faults.active().map((fault) => ({ ...fault }));
}

function readRule(body: JsonObject, processors: readonly string[]): FaultRule {
  const processor = processors.find((name) => name === body['processor']);
  if (processor === undefined) throw invalid(`processor must be one of ${processors.join(', ')}.`);
  const fault = FAULT_KINDS.find((name) => name === body['fault']);
  if (!fault) throw invalid(`fault must be one of ${FAULT_KINDS.join(', ')}.`);
  const operation = FAULT_OPERATIONS.find((name) => name === body['operation']) ?? null;
  const isNamed = body['operation'] !== undefined && body['operation'] !== null;
  if (isNamed && operation === null) {
    throw invalid(`operation must be one of ${FAULT_OPERATIONS.join(', ')}.`);
  }
  const probability = body['probability'] ?? 1;
  if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
    throw invalid('probability must be a number between 0 and 1.');
  }
  const after = body['after'] ?? false;
  if (typeof after !== 'boolean') throw invalid('after must be true or false.');
  return {
    processor,
    operation,
    fault,
    probability,
    count: readInteger(body, 'count', 1),
    ms: readInteger(body, 'ms', 0),
    after,
    seed: readInteger(body, 'seed', 0) ?? randomInt(2 ** 32),
  };
}

function readInteger(body: JsonObject, name: string, smallest: number): number | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (Number.isSafeInteger(value) && Number(value) >= smallest) return Number(value);
  throw invalid(`${name} must be an integer, not below ${String(smallest)}.`);
}

function invalid(message: string): ControlRefusal {
  return new ControlRefusal(422, 'validation_failed', message);
}
