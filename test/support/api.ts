/** Speaks to the Worker over HTTP as a client does, with tokens that the deployment's own key signed. */
import { env, exports } from 'cloudflare:workers';
import type { Role } from '../../src/contracts/calls.ts';
import type { DataRegion } from '../../src/domain/ids.ts';
import { vi } from 'vitest';
import { AuditRepository } from '../../src/storage/d1/audit-repository.ts';
import { BookingRepository } from '../../src/storage/d1/booking-repository.ts';
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

/** A person or guest who needs no row in the database: a token says all that most calls ask. */
export async function makePerson(
  roles: readonly Role[] = ['customer'],
  region: DataRegion = 'global',
): Promise<Person> {
  const { clock, ids, tokens } = servicesOf(env);
  if (roles.includes('guest')) {
    const guestId = ids.mintInRegion('gst', region);
    return { id: guestId, token: await tokens.issueGuest(guestId, clock.nowMs()) };
  }
  const id = ids.mintInRegion('usr', region);
  return { id, token: await tokens.issue({ id, roles }) };
}

/** The Worker itself; the generated types do not know its entry. */
const worker = (exports as unknown as { default: Fetcher }).default;

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
  const response = await worker.fetch(
    new Request(`https://holdfast.test${path}`, {
      method,
      headers,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    }),
  );
  const text = new TextDecoder().decode(await response.arrayBuffer());
  const isJson = (response.headers.get('Content-Type') ?? '').endsWith('json');
  const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}

/** Waits until the queues have brought D1 up to date with every shard, so that a file ends with nothing under way. */
export async function settled(): Promise<void> {
  const shardKeys: string[] = [];
  for (const { database } of servicesOf(env).databases.all()) {
    const { results } = await database
      .prepare('SELECT shard_key AS shardKey FROM shard')
      .all<{ shardKey: string }>();
    shardKeys.push(...results.map(({ shardKey }) => shardKey));
  }
  await shardsSettled(shardKeys);
}

/** The same for shards that no provider in D1 names. */
export async function shardsSettled(shardKeys: readonly string[]): Promise<void> {
  const { databases, objects } = servicesOf(env);
  await vi.waitFor(
    async () => {
      for (const shardKey of shardKeys) {
        const { database } = databases.forId(`_${shardKey}`);
        const { headSeq } = await objects.shard(shardKey).readAudit({ afterSeq: 0, limit: 1 });
        const copied = await new AuditRepository(database).appliedSeq(shardKey);
        const projected = await new BookingRepository(database).appliedSeq(shardKey);
        if (copied < headSeq || projected < headSeq) throw new Error(`${shardKey} is behind`);
      }
    },
    { timeout: 20_000, interval: 100 },
  );
}
