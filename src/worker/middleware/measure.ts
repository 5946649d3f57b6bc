/** Counts each answer by route and status, and the time it took, for GET /metrics. */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { countRequest } from '../../platform/metrics.ts';
import type { AppEnv } from '../context.ts';

/** Path of requests that only middleware saw; their own paths are as many as callers can think of. */
const UNROUTED = 'unrouted';

/** Counts one request. The runtime's clock stands still while we compute, so this is time spent waiting for others. */
export const measure: MiddlewareHandler<AppEnv> = async (c, next) => {
  const startedAtMs = Date.now();
  await next();
  const path = routePath(c, -1);
  countRequest({
    method: c.req.method,
    route: path === '/*' || path === '*' ? UNROUTED : path,
    status: c.res.status,
    durationMs: Date.now() - startedAtMs,
  });
};
