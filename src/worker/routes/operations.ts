/** What runs the platform asks of it: is it alive, is it ready, how does it do. None of it names a person. */
import { z } from '@hono/zod-openapi';
import { renderMetrics } from '../../platform/metrics.ts';
import { isMigrated, type RegionDatabase } from '../../storage/d1/databases.ts';
import { errorFields } from '../../platform/logger.ts';
import type { App, Services } from '../context.ts';
import { defineRoute } from '../route.ts';

const READ = { method: 'get', tag: 'Operations', access: 'public', rate: 'none' } as const;

const readinessSchema = z
  .strictObject({
    status: z.enum(['ready', 'not_ready']),
    databases: z.record(z.string(), z.enum(['ready', 'not_migrated', 'unreachable'])),
  })
  .openapi('Readiness');

const healthRoute = defineRoute({
  ...READ,
  path: '/healthz',
  summary: 'Is this process alive',
  answers: {
    200: { description: 'It is.', schema: z.strictObject({ status: z.literal('ok') }) },
  },
});

const readyRoute = defineRoute({
  ...READ,
  path: '/readyz',
  summary: 'Can it serve: are the databases there and migrated',
  answers: {
    200: { description: 'It can.', schema: readinessSchema },
    503: { description: 'It cannot yet.', schema: readinessSchema },
  },
});

const metricsRoute = defineRoute({
  ...READ,
  path: '/metrics',
  summary: 'Counters of this isolate, for Prometheus',
  answers: { 200: { description: 'Text format.', schema: z.string(), type: 'text/plain' } },
});

/** Registers the routes. */
export function registerOperations(app: App): void {
  app.openapi(healthRoute, (c) => c.json({ status: 'ok' as const }));
  app.openapi(readyRoute, async (c) => {
    const services = c.get('services');
    const states = await Promise.all(
      services.databases
        .all()
        .map(async (database) => [database.region, await stateOf(services, database)] as const),
    );
    const isReady = states.every(([, state]) => state === 'ready');
    const body = {
      status: isReady ? ('ready' as const) : ('not_ready' as const),
      databases: Object.fromEntries(states),
    };
    return c.json(body, isReady ? 200 : 503);
  });
  app.openapi(metricsRoute, (c) => {
    c.header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    return c.body(renderMetrics());
  });
}

type DatabaseState = 'ready' | 'not_migrated' | 'unreachable';

async function stateOf(
  services: Services,
  { database, region }: RegionDatabase,
): Promise<DatabaseState> {
  try {
    return (await isMigrated(database)) ? 'ready' : 'not_migrated';
  } catch (error) {
    // Being unreachable is the answer here, and the log keeps why.
    services.log.warn('readiness.database_unreachable', { ...errorFields(error), object: region });
    return 'unreachable';
  }
}
