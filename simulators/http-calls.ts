/**
 * A call over HTTP, whichever processor is asked: how it is put on the log when it arrives, what waits until its answer
 * is out, and how its connection is closed without one. Must never decide which ending a call gets, which the fault
 * script does. Called by the processors' routes.
 */
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEnding } from './faults.ts';
import { redactHeaders, type LoggedRequest } from './request-log.ts';
import type { World } from './world.ts';

/** A call as the server gives it to the routes, with its socket. */
export type HttpContext = Context<{ Bindings: HttpBindings }>;

/** Reads a call to its end and puts it on the log, without its secrets. */
export async function logArrival(
  world: World,
  processor: string,
  { req }: HttpContext,
): Promise<LoggedRequest> {
  const url = new URL(req.url);
  return world.requests.add({
    processor,
    method: req.method,
    path: url.pathname + url.search,
    headers: redactHeaders(req.raw.headers),
    body: await req.text(),
    at: new Date(world.clock.nowMs()).toISOString(),
  });
}

/** Ends the connection without an answer, at once or after a while. */
export async function closeUnanswered(
  http: HttpContext,
  ending: Extract<CallEnding, { readonly ms: number }>,
): Promise<Response> {
  const { outgoing } = http.env;
  if (ending.ms > 0) await sleep(ending.ms);
  if (ending.isReset) outgoing.socket?.resetAndDestroy();
  else outgoing.destroy();
  return RESPONSE_ALREADY_SENT;
}

/** Runs `then` when the answer is out; at once when the client has gone and there will be none. */
export function afterAnswer(http: HttpContext, then: () => void): void {
  const { outgoing } = http.env;
  const hasGone = outgoing.destroyed || outgoing.socket?.destroyed !== false;
  if (hasGone) then();
  else outgoing.once('close', then);
}
