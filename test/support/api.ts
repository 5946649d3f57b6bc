/** Speaks to the Worker over HTTP as a client does, with tokens that the deployment's own key signed. */
import { env, exports } from 'cloudflare:workers';
import type { Role } from '../../src/contracts/durable-rpc.ts';
import type { DataRegion } from '../../src/domain/ids.ts';
import { servicesOf } from '../../src/worker/services.ts';

/** An answer, with its body already read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON body; undefined where there is none. */
  // eslint-disable-next-line typescript/no-explicit-any -- tests read members of whatever came
  readonly json: any;
}

/** Somebody who can call. */
export interface Person {
  readonly id: string;
  readonly token: string;
}

/** A person who needs no row in the database: a token says all that most calls ask. */
export async function makePerson(
  roles: readonly Role[] = ['customer'],
  region: DataRegion = 'global',
): Promise<Person> {
  const { ids, tokens } = servicesOf(env);
  const id = ids.mintInRegion('usr', region);
  return { id, token: await tokens.issue({ id, roles }) };
}

/** Makes one call. */
export async function call(
  route: string,
  request: {
    readonly as?: Person | null;
    readonly body?: unknown;
    readonly key?: string;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<Answer> {
  const [method = 'GET', path = '/'] = route.split(' ');
  const headers = new Headers(request.headers);
  if (request.as) headers.set('Authorization', `Bearer ${request.as.token}`);
  if (request.key !== undefined) headers.set('Idempotency-Key', request.key);
  if (request.body !== undefined) headers.set('Content-Type', 'application/json');
  const response = await exports.default.fetch(
    new Request(`https://holdfast.test${path}`, {
      method,
      headers,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    }),
  );
  const text = await response.text();
  const isJson = /json$/.test(response.headers.get('Content-Type') ?? '');
  const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}
