/** Work that outlives its client: money that is on its way goes on when whoever asked for it leaves. Called by handlers. */
import type { Context } from 'hono';
import type { AppEnv } from './context.ts';

/** The work itself, kept alive until it is done. */
export function lasting<T>(c: Context<AppEnv>, work: Promise<T>): Promise<T> {
  // The handler reports a failure; here it must only not be reported twice.
  c.executionCtx.waitUntil(work.catch(() => undefined));
  return work;
}
