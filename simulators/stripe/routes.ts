/**
 * The HTTP side of the Stripe simulator: authentication, the fault script, idempotency, execution in
 * one transaction, durability, the answer, and only then the webhooks. Must never hold a rule about
 * money, which the operations do. Source: Stripe API reference, "Authentication", "Errors".
 */
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAnswer, closeUnanswered, logArrival, type HttpContext } from '../http-calls.ts';
import type { CallPlan } from '../faults.ts';
import type { LoggedRequest } from '../request-log.ts';
import type { StoredAnswer } from '../stored-answers.ts';
import { makeCause, type Cause, type World } from '../world.ts';
import { API_VERSION, type StripeContext } from './context.ts';
import { findEndpoint, type Endpoint } from './endpoints.ts';
import { invalidRequest, StripeError } from './errors.ts';
import { expand } from './expand.ts';
import { decodeForm, FormSyntaxError, type FormMap } from './form-encoding.ts';
import { IdempotencyKeys, type KeyedRequest } from './idempotency.ts';
import { Parameters } from './parameters.ts';

/** What the routes need beside the world. */
export interface StripeRouteOptions {
  readonly world: World;
  readonly secretKey: string;
  readonly makeContext: (cause: Cause) => StripeContext;
}

/** One call on its way through. */
interface Call {
  readonly http: HttpContext;
  readonly log: LoggedRequest;
  readonly requestId: string;
  readonly key: string | null;
}

/** A call whose endpoint and parameters are known. */
interface RoutedCall extends Call {
  readonly endpoint: Endpoint;
  readonly id: string;
  readonly accountId: string | null;
  readonly form: FormMap;
  readonly keyed: KeyedRequest | null;
}

/** Mounts /stripe/v1. */
export function stripeRoutes(options: StripeRouteOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const pipeline = new Pipeline(options);
  app.all('/stripe/v1/*', (http) => pipeline.serve(http));
  return app;
}

class Pipeline {
  readonly #options: StripeRouteOptions;
  readonly #world: World;
  readonly #keys: IdempotencyKeys;

  constructor(options: StripeRouteOptions) {
    this.#options = options;
    this.#world = options.world;
    this.#keys = new IdempotencyKeys(options.world);
  }

  async serve(http: HttpContext): Promise<Response> {
    const call = await this.#receive(http);
    try {
      return await this.#route(call);
    } catch (error) {
      return this.#answerError(call, error);
    }
  }

  async #receive(http: HttpContext): Promise<Call> {
    const { req } = http;
    const key = req.method === 'POST' ? (req.header('idempotency-key') ?? null) : null;
    const log = await logArrival(this.#world, 'stripe', http);
    const requestId = this.#world.store.newId('req');
    return { http, log, requestId, key: key === '' ? null : key };
  }

  async #route(call: Call): Promise<Response> {
    this.#authenticate(call);
    const { req } = call.http;
    const url = new URL(req.url);
    const path = url.pathname.slice('/stripe'.length);
    const found = findEndpoint(req.method, path.slice('/v1/'.length));
    if (!found) {
      throw new StripeError(
        `Unrecognized request URL (${req.method}: ${path}). Please see https://stripe.com/docs or ` +
          'we can help at https://support.stripe.com/.',
        { status: 404, type: 'invalid_request_error' },
      );
    }
    const form = decode(req.method === 'GET' ? url.search.slice(1) : call.log.body);
    const keyed = call.key === null ? null : { key: call.key, path, parameters: form };
    const accountId = connectedAccount(req.header('stripe-account'), found.endpoint);
    return this.#serveFound({ ...call, ...found, accountId, form, keyed });
  }

  async #serveFound(call: RoutedCall): Promise<Response> {
    const stored = call.keyed ? this.#keys.lookUp(call.keyed) : null;
    const plan = this.#world.faults.planCall(
      { processor: 'stripe', operations: call.endpoint.operations },
      { isReplay: stored !== null },
    );
    if (plan.ending.kind === 'close_before') {
      await sleep(plan.latencyMs);
      return closeUnanswered(call.http, plan.ending);
    }
    const leave = this.#keys.enter(call.key);
    const cause = makeCause({
      requestId: call.requestId,
      idempotencyKey: call.key,
      operations: call.endpoint.operations,
    });
    try {
      if (plan.latencyMs > 0) await sleep(plan.latencyMs);
      const answer = stored ?? this.#execute(call, { plan, cause });
      await this.#world.store.durable();
      leave();
      return await this.#finish(call, { answer, plan, cause, isReplay: stored !== null });
    } finally {
      leave();
    }
  }

  async #finish(
    call: RoutedCall,
    end: {
      readonly answer: StoredAnswer;
      readonly plan: CallPlan;
      readonly cause: Cause;
      readonly isReplay: boolean;
    },
  ): Promise<Response> {
    if (end.plan.ending.kind === 'close_after') {
      // The effect stands and is told by webhook; only the answer is lost.
      this.#world.releaseEvents(end.cause);
      return closeUnanswered(call.http, end.plan.ending);
    }
    afterAnswer(call.http, () => {
      this.#world.releaseEvents(end.cause);
    });
    return this.#answer(call, end.answer, end.isReplay);
  }

  /** Runs the call in one transaction with its idempotency record, and returns what to answer. */
  #execute(
    call: RoutedCall,
    run: { readonly plan: CallPlan; readonly cause: Cause },
  ): StoredAnswer {
    if (run.plan.ending.kind === 'http_429') return rateLimited(call.requestId);
    return this.#world.store.apply(() => {
      const answer =
        run.plan.ending.kind === 'http_500'
          ? serverError(call.requestId)
          : this.#perform(call, run.cause);
      if (call.keyed) this.#keys.store(call.keyed, answer);
      return answer;
    });
  }

  #perform(call: RoutedCall, cause: Cause): StoredAnswer {
    const { endpoint, id, accountId, form } = call;
    const ctx = this.#options.makeContext(cause);
    const parameters = new Parameters(form, endpoint.rules);
    try {
      const body = endpoint.handle({ ctx, id, accountId, parameters, form });
      return { status: 200, body: toText(expand(ctx, body, parameters.texts('expand'))) };
    } catch (error) {
      if (!(error instanceof StripeError) || !error.isExecuted) throw error;
      return { status: error.status, body: toText(error.toBody(call.requestId)) };
    }
  }

  #authenticate(call: Call): void {
    const header = call.http.req.header('authorization') ?? '';
    const given = bearerKey(header);
    if (given === this.#options.secretKey) return;
    const message =
      given === ''
        ? 'You did not provide an API key. You need to provide your API key in the Authorization ' +
          "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        : `Invalid API Key provided: ${given.slice(0, 7)}${'*'.repeat(8)}${given.slice(-4)}`;
    throw new StripeError(message, { status: 401, type: 'invalid_request_error' });
  }

  #answerError(call: Call, error: unknown): Response {
    if (error instanceof StripeError) {
      const body = toText(error.toBody(call.requestId));
      return this.#answer(call, { status: error.status, body }, false);
    }
    // A fault of the simulator itself: nothing was kept, and the log shows why.
    const answer = serverError(call.requestId);
    const response = this.#answer(call, answer, false);
    call.log.response = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return response;
  }

  #answer(call: Call, answer: StoredAnswer, isReplay: boolean): Response {
    this.#world.requests.answer(call.log, answer);
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'cache-control': 'no-cache, no-store',
      'request-id': call.requestId,
      'stripe-version': call.http.req.header('stripe-version') ?? API_VERSION,
    };
    if (call.key !== null) {
      headers['idempotency-key'] = call.key;
      headers['original-request'] = originalRequest(answer.body) ?? call.requestId;
    }
    if (isReplay) headers['idempotent-replayed'] = 'true';
    if (answer.status === 401) headers['www-authenticate'] = 'Bearer realm="Stripe"';
    if (answer.status === 409 || answer.status === 429) headers['stripe-should-retry'] = 'true';
    return new Response(answer.body, { status: answer.status, headers });
  }
}

/** A call in a connected account must never pass for one of the platform's own. */
function connectedAccount(header: string | undefined, endpoint: Endpoint): string | null {
  if (header === undefined || header === '') return null;
  if (endpoint.isForAccounts) return header;
  throw invalidRequest(
    `This simulator does not serve ${endpoint.path} for a connected account (Stripe-Account).`,
  );
}

function bearerKey(header: string): string {
  if (header.startsWith('Bearer ')) return header.slice('Bearer '.length).trim();
  if (!header.startsWith('Basic ')) return '';
  const decoded = Buffer.from(header.slice('Basic '.length), 'base64').toString('utf8');
  return decoded.split(':')[0] ?? '';
}

function decode(text: string): FormMap {
  try {
    return decodeForm(text);
  } catch (error) {
    if (error instanceof FormSyntaxError) throw invalidRequest(error.message);
    throw error;
  }
}

function toText(body: object): string {
  return `${JSON.stringify(body, null, 2)}\n`;
}

/** The request that produced a stored error answer, as its log link tells. */
function originalRequest(body: string): string | null {
  return /"request_log_url": ".*\/(req_\w+)"/.exec(body)?.[1] ?? null;
}

function rateLimited(requestId: string): StoredAnswer {
  const error = new StripeError('Too many requests hit the API too quickly.', {
    status: 429,
    type: 'invalid_request_error',
    fields: { code: 'rate_limit' },
  });
  return { status: error.status, body: toText(error.toBody(requestId)) };
}

function serverError(requestId: string): StoredAnswer {
  const error = new StripeError(
    'Sorry! There was an error while talking to one of our backends. Support has been notified.',
    { status: 500, type: 'api_error' },
  );
  return { status: error.status, body: toText(error.toBody(requestId)) };
}
