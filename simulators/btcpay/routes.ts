/**
 * The HTTP side of the BTCPay simulator: authentication, the fault script, execution in one transaction,
 * durability, the answer, and only then the webhooks. Must never hold a rule about money, which the operations do.
 * Source: BTCPay Server, Greenfield API, "Authentication".
 */
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAnswer, closeUnanswered, logArrival, type HttpContext } from '../http-calls.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { LoggedRequest } from '../request-log.ts';
import { makeCause, type Cause, type World } from '../world.ts';
import { PROCESSOR, type BtcpayContext } from './context.ts';
import { findEndpoint, type FoundEndpoint } from './endpoints.ts';
import { GreenfieldError, invalid, missingPermission, unauthenticated } from './errors.ts';

const BASE_PATH = '/btcpay/api/v1/';

/** What the routes need beside the world. */
export interface BtcpayRouteOptions {
  readonly world: World;
  readonly apiKey: string;
  readonly storeId: string;
  readonly makeContext: (cause: Cause) => BtcpayContext;
}

/** One call on its way through. */
interface Call {
  readonly http: HttpContext;
  readonly log: LoggedRequest;
}

interface Answer {
  readonly status: number;
  /** Null is an empty body. */
  readonly body: Json;
}

/** Mounts /btcpay/api/v1. */
export function btcpayRoutes(options: BtcpayRouteOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const pipeline = new Pipeline(options);
  app.all(`${BASE_PATH}*`, (http) => pipeline.serve(http));
  return app;
}

class Pipeline {
  readonly #options: BtcpayRouteOptions;
  readonly #world: World;

  constructor(options: BtcpayRouteOptions) {
    this.#options = options;
    this.#world = options.world;
  }

  async serve(http: HttpContext): Promise<Response> {
    const call = await this.#receive(http);
    try {
      return await this.#route(call);
    } catch (error) {
      if (error instanceof GreenfieldError) return this.#answer(call, error);
      // A fault of the simulator itself: nothing was kept, and the log shows why.
      const response = this.#answer(call, { status: 500, body: null });
      call.log.response = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return response;
    }
  }

  async #receive(http: HttpContext): Promise<Call> {
    const log = await logArrival(this.#world, PROCESSOR, http);
    return { http, log };
  }

  async #route(call: Call): Promise<Response> {
    const { req } = call.http;
    const url = new URL(req.url);
    const found = findEndpoint(req.method, url.pathname.slice(BASE_PATH.length));
    if (!found) throw new GreenfieldError(404, null, `There is nothing at ${url.pathname}.`);
    this.#authorize(call, found);
    const operations = found.endpoint.operations;
    const plan = this.#world.faults.planCall(
      { processor: PROCESSOR, operations },
      { isReplay: false },
    );
    const { ending } = plan;
    if (plan.latencyMs > 0) await sleep(plan.latencyMs);
    if (ending.kind === 'close_before') return closeUnanswered(call.http, ending);
    // A fault in front of the API has no body, and leaves nothing behind.
    if (ending.kind === 'http_500') return this.#answer(call, { status: 500, body: null });
    if (ending.kind === 'http_429') return this.#answer(call, { status: 429, body: null });
    const cause = makeCause({ operations });
    const answer = this.#execute(call, found, cause);
    await this.#world.store.durable();
    if (ending.kind === 'close_after') {
      // The effect stands and is told by webhook; only the answer is lost.
      this.#world.releaseEvents(cause);
      return closeUnanswered(call.http, ending);
    }
    afterAnswer(call.http, () => {
      this.#world.releaseEvents(cause);
    });
    return this.#answer(call, answer);
  }

  #authorize(call: Call, { endpoint, storeId }: FoundEndpoint): void {
    if (endpoint.permission === null) return;
    const header = call.http.req.header('authorization') ?? '';
    if (header !== `token ${this.#options.apiKey}`) throw unauthenticated();
    if (storeId !== null && storeId !== this.#options.storeId) {
      throw missingPermission(endpoint.permission);
    }
  }

  /** Runs the call in one transaction; a refusal undoes what was begun. */
  #execute(call: Call, found: FoundEndpoint, cause: Cause): Answer {
    const { endpoint, id, partId } = found;
    const query = new URL(call.http.req.url).searchParams;
    const body = endpoint.method === 'POST' ? readBody(call.log.body) : {};
    const ctx = this.#options.makeContext(cause);
    return this.#world.store.apply(() => ({
      status: 200,
      body: endpoint.handle({ ctx, id, partId, query, body }),
    }));
  }

  #answer(call: Call, answer: Answer): Response {
    const body = answer.body === null ? '' : JSON.stringify(answer.body);
    this.#world.requests.answer(call.log, { status: answer.status, body });
    const headers: Record<string, string> = { 'cache-control': 'no-store' };
    if (body !== '') headers['content-type'] = 'application/json; charset=utf-8';
    return new Response(body, { status: answer.status, headers });
  }
}

function readBody(text: string): JsonObject {
  const body = parse(text.trim() === '' ? '{}' : text);
  if (isJsonObject(body)) return body;
  throw invalid('', 'The request body must be a JSON object.');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('', 'The request body is not valid JSON.');
  }
}
