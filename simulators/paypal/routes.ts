/**
 * The HTTP side of the PayPal simulator: tokens, the fault script, request ids, execution in one
 * transaction, durability, the answer, and only then the webhooks. Must never hold a rule about money,
 * which the operations do. Source: PayPal developer documentation, "API requests", "API responses".
 */
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAnswer, closeUnanswered, logArrival, type HttpContext } from '../http-calls.ts';
import type { CallPlan } from '../faults.ts';
import type { JsonObject } from '../json.ts';
import type { LoggedRequest } from '../request-log.ts';
import type { StoredAnswer } from '../stored-answers.ts';
import { makeCause, type Cause, type World } from '../world.ts';
import { AccessTokens, invalidToken, type ClientCredentials } from './access-tokens.ts';
import type { SigningCertificate } from './certificate.ts';
import { PROCESSOR, type PaypalContext } from './context.ts';
import { findEndpoint, type Endpoint } from './endpoints.ts';
import {
  isIssue,
  notFound,
  PaypalError,
  rateLimited,
  serverError,
  unprocessable,
} from './errors.ts';
import { RequestIds, type KeyedRequest } from './idempotency.ts';
import { decodeBody } from './request-body.ts';

const PREFIX = '/paypal';
const TOKEN_PATH = '/v1/oauth2/token';
const CERTIFICATE_PATH = '/paypal/v1/notifications/certs/:id';

/** What the routes need beside the world. */
export interface PaypalRouteOptions {
  readonly world: World;
  readonly client: ClientCredentials;
  readonly certificate: SigningCertificate;
  readonly makeContext: (cause: Cause) => PaypalContext;
}

/** One call on its way through. */
interface Call {
  readonly http: HttpContext;
  readonly log: LoggedRequest;
  readonly debugId: string;
  /** Path below /paypal, and the query behind it. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** A call whose endpoint and body are known. */
interface RoutedCall extends Call {
  readonly endpoint: Pick<Endpoint, 'operations'>;
  readonly keyed: KeyedRequest | null;
  readonly perform: (cause: Cause) => StoredAnswer;
}

/** Mounts /paypal. */
export function paypalRoutes(options: PaypalRouteOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const pipeline = new Pipeline(options);
  const { certificate } = options;
  app.get(CERTIFICATE_PATH, (http) => {
    if (http.req.param('id') !== certificate.id) return http.notFound();
    return new Response(certificate.pem, { headers: { 'content-type': 'application/x-pem-file' } });
  });
  app.all(`${PREFIX}/*`, (http) => pipeline.serve(http));
  return app;
}

class Pipeline {
  readonly #options: PaypalRouteOptions;
  readonly #world: World;
  readonly #keys: RequestIds;
  readonly #tokens: AccessTokens;

  constructor(options: PaypalRouteOptions) {
    this.#options = options;
    this.#world = options.world;
    this.#keys = new RequestIds(options.world);
    this.#tokens = new AccessTokens(options.world, options.client);
  }

  async serve(http: HttpContext): Promise<Response> {
    const call = await this.#receive(http);
    try {
      return await this.#serveFound(this.#route(call));
    } catch (error) {
      return this.#answerError(call, error);
    }
  }

  async #receive(http: HttpContext): Promise<Call> {
    const { req } = http;
    const url = new URL(req.url);
    const log = await logArrival(this.#world, PROCESSOR, http);
    const debugId = this.#world.store.newId('dbg').slice(5, 18).toLowerCase();
    return { http, log, debugId, path: url.pathname.slice(PREFIX.length), query: url.searchParams };
  }

  #route(call: Call): RoutedCall {
    const { http, log, path } = call;
    const authorization = http.req.header('authorization') ?? '';
    if (http.req.method === 'POST' && path === TOKEN_PATH) {
      const perform = (): StoredAnswer => toAnswer(this.#tokens.give(authorization, log.body));
      return { ...call, endpoint: { operations: [] }, keyed: null, perform };
    }
    if (!this.#tokens.isValid(authorization)) {
      return {
        ...call,
        endpoint: { operations: [] },
        keyed: null,
        perform: () => toAnswer(invalidToken()),
      };
    }
    const found = findEndpoint(http.req.method, path);
    if (!found) throw notFound();
    const { endpoint, id } = found;
    const isPost = endpoint.method === 'POST';
    const hasBody = isPost && !path.endsWith('/resend');
    const body = hasBody ? decodeBody(log.body, http.req.header('content-type')) : {};
    const key = isPost ? http.req.header('paypal-request-id') : undefined;
    const { api } = endpoint;
    const keyed = key === undefined || key === '' || api === null ? null : { api, path, key };
    const perform = (cause: Cause): StoredAnswer => {
      if (api !== null) refuseByMock(http.req.header('paypal-mock-response'));
      const ctx = this.#options.makeContext(cause);
      const isFull = (http.req.header('prefer') ?? '').includes('return=representation');
      const asked = { ctx, id, body, query: call.query, isFull, hasKey: keyed !== null };
      return toAnswer(endpoint.handle(asked));
    };
    return { ...call, endpoint, keyed, perform };
  }

  async #serveFound(call: RoutedCall): Promise<Response> {
    const { keyed } = call;
    const { operations } = call.endpoint;
    const stored = keyed ? this.#keys.lookUp(keyed) : null;
    const plan = this.#world.faults.planCall(
      { processor: PROCESSOR, operations },
      { isReplay: stored !== null },
    );
    if (plan.ending.kind === 'close_before') {
      await sleep(plan.latencyMs);
      return closeUnanswered(call.http, plan.ending);
    }
    const leave = this.#keys.enter(keyed);
    const cause = makeCause({
      requestId: call.debugId,
      idempotencyKey: keyed?.key ?? null,
      operations,
    });
    try {
      if (plan.latencyMs > 0) await sleep(plan.latencyMs);
      const answer = stored ? replayed(stored) : this.#execute(call, { plan, cause });
      await this.#world.store.durable();
      leave();
      return await this.#finish(call, { answer, plan, cause });
    } finally {
      leave();
    }
  }

  async #finish(
    call: RoutedCall,
    end: { readonly answer: StoredAnswer; readonly plan: CallPlan; readonly cause: Cause },
  ): Promise<Response> {
    if (end.plan.ending.kind === 'close_after') {
      // The effect stands and is told by webhook; only the answer is lost.
      this.#world.releaseEvents(end.cause);
      return closeUnanswered(call.http, end.plan.ending);
    }
    afterAnswer(call.http, () => {
      this.#world.releaseEvents(end.cause);
    });
    return this.#answer(call, end.answer);
  }

  /** Runs the call in one transaction with its request id, and returns what to answer. */
  #execute(
    call: RoutedCall,
    run: { readonly plan: CallPlan; readonly cause: Cause },
  ): StoredAnswer {
    // Neither fault is kept under the request id: the same one may be tried again.
    if (run.plan.ending.kind === 'http_429') throw rateLimited();
    if (run.plan.ending.kind === 'http_500') throw serverError();
    return this.#world.store.apply(() => {
      const answer = this.#perform(call, run.cause);
      if (call.keyed) this.#keys.store(call.keyed, answer);
      return answer;
    });
  }

  /** A refusal that is an effect is kept with it; any other undoes everything. */
  #perform(call: RoutedCall, cause: Cause): StoredAnswer {
    try {
      return call.perform(cause);
    } catch (error) {
      if (!(error instanceof PaypalError) || !error.isExecuted) throw error;
      return toAnswer({ status: error.status, body: error.toBody(call.debugId) });
    }
  }

  #answerError(call: Call, error: unknown): Response {
    const shown = error instanceof PaypalError ? error : serverError();
    const answer = toAnswer({ status: shown.status, body: shown.toBody(call.debugId) });
    const response = this.#answer(call, answer);
    // A fault of the simulator itself: nothing was kept, and the log shows why.
    if (shown !== error) {
      call.log.response = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    return response;
  }

  #answer(call: Call, answer: StoredAnswer): Response {
    this.#world.requests.answer(call.log, { status: answer.status, body: redact(answer.body) });
    const headers: Record<string, string> = {
      'cache-control': 'max-age=0, no-cache, no-store, must-revalidate',
      'paypal-debug-id': call.debugId,
    };
    if (answer.status === 204) return new Response(null, { status: 204, headers });
    headers['content-type'] = 'application/json';
    return new Response(answer.body, { status: answer.status, headers });
  }
}

/** PayPal answers 200 where the first time was 201. */
function replayed(stored: StoredAnswer): StoredAnswer {
  return { status: stored.status === 201 ? 200 : stored.status, body: stored.body };
}

function toAnswer(answer: {
  readonly status: number;
  readonly body: JsonObject | null;
}): StoredAnswer {
  return { status: answer.status, body: answer.body === null ? '' : JSON.stringify(answer.body) };
}

/** PayPal's own lever of its sandbox: the call is refused with the issue that the header names. */
function refuseByMock(header: string | undefined): void {
  const issue = /"mock_application_codes"\s*:\s*"(\w+)"/.exec(header ?? '')?.[1];
  if (issue !== undefined && isIssue(issue)) throw unprocessable(issue);
}

/** The log keeps of an access token what it keeps of a header. */
function redact(body: string): string {
  return body.replace(/("access_token":")[^"]*(.{4}")/, '$1…$2');
}
