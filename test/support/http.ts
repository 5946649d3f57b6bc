/** Calls to the Worker under test with whatever a hostile client would send. */
import { env, exports } from 'cloudflare:workers';
import { expect } from 'vitest';
import { servicesOf } from '../../src/worker/services.ts';

export const ORIGIN = 'https://holdfast.test';

/** The services of the Worker under test, to make what tests need without going through routes. */
export const services = servicesOf(env);

/** A request. `json` is sent as JSON; `body` as it is. */
export interface Sent {
  readonly method?: string;
  readonly token?: string | null;
  readonly key?: string;
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request to the Worker. */
export async function send(path: string, options: Sent = {}): Promise<Response> {
  const { token, key, json, body } = options;
  const headers = new Headers(options.headers);
  if (token !== undefined && token !== null) headers.set('Authorization', `Bearer ${token}`);
  if (key !== undefined) headers.set('Idempotency-Key', key);
  if (json !== undefined && !headers.has('Content-Type')) {
    headers.set('Content-Type', 'application/json');
  }
  const content = json === undefined ? body : JSON.stringify(json);
  const method = options.method ?? (content === undefined ? 'GET' : 'POST');
  const worker = (exports as unknown as { default: Fetcher }).default;
  return worker.fetch(`${ORIGIN}${path}`, {
    method,
    headers,
    ...(content === undefined ? {} : { body: content }),
  });
}

/** A problem document. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: string;
  readonly errors?: readonly { pointer: string; detail: string }[];
}

/** Expects a problem with this code, well formed, and gives it. */
export async function expectProblem(response: Response, code: string): Promise<ProblemBody> {
  const problem = await response.json<ProblemBody>();
  expect(problem.code).toBe(code);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  expect(problem).toMatchObject({
    type: `${ORIGIN}/problems/${code}`,
    status: response.status,
    title: expect.any(String),
    detail: expect.any(String),
    instance: expect.stringMatching(/^\//),
  });
  return problem;
}
