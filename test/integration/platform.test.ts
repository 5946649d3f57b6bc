/** What every route shares: keys, limits, headers, problems, and the pages that document them. */
import { env } from 'cloudflare:workers';
import { createExecutionContext } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { REFUSAL_CODES } from '../../src/domain/codes.ts';
import { ObjectOverloadedError } from '../../src/platform/objects.ts';
import { createApp } from '../../src/worker/app.ts';
import { parseKey } from '../../src/worker/middleware/idempotency-key.ts';
import { PROBLEMS } from '../../src/worker/problem.ts';
import { makePerson } from '../support/api.ts';
import { ORIGIN, expectProblem, send, services } from '../support/http.ts';

const PROVIDER = { name: 'Club', currency: 'usd', timeZone: 'Europe/London' };
let keys = 0;

function freshKey(): string {
  keys += 1;
  return `key-${keys}`;
}

/** Asks the application itself, with another environment than the Worker's. */
async function ask(path: string, changes: object, init: RequestInit = {}): Promise<Response> {
  const app = createApp();
  app.get('/test/throws', () => {
    throw new Error('the secret is 42');
  });
  app.get('/test/overloaded', () => {
    throw new ObjectOverloadedError('busy');
  });
  return app.fetch(
    new Request(ORIGIN + path, init),
    { ...env, ...changes },
    createExecutionContext(),
  );
}

/** Tries to log in from an address, under production's limits; the body is one that costs no hashing. */
function logIn(address: string): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': address };
  const init = { method: 'POST', headers, body: '{"email":1}' };
  return ask('/v1/auth/login', { RATE_LIMITS: 'binding' }, init);
}

/** A database that answers each first row like this. */
function databaseThat(first: () => Promise<unknown>): object {
  return { prepare: () => ({ bind: () => ({ first }) }) };
}

describe('keyed calls that reach no shard', () => {
  it('have one effect and one answer, however the key is written', async () => {
    const { token } = await makePerson();
    const key = freshKey();
    const first = await send('/v1/providers', { token, key, json: PROVIDER });
    const second = await send('/v1/providers', { token, key: `"${key}"`, json: PROVIDER });
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(await second.text()).toBe(await first.text());
    expect(first.headers.get('Idempotent-Replayed')).toBeNull();
    expect(second.headers.get('Idempotent-Replayed')).toBe('true');
    expect(second.headers.get('Content-Type')).toBe(first.headers.get('Content-Type'));
  });

  it('compare the request in its canonical form', async () => {
    const { token } = await makePerson();
    const key = freshKey();
    const first = await send('/v1/providers', { token, key, json: PROVIDER });
    const { name, ...rest } = PROVIDER;
    const reordered = await send('/v1/providers', { token, key, json: { ...rest, name } });
    expect(await reordered.text()).toBe(await first.text());
  });

  it('refuse the key for another request, and keep it for its own', async () => {
    const { token } = await makePerson();
    const key = freshKey();
    await send('/v1/providers', { token, key, json: PROVIDER });
    const other = await send('/v1/providers', { token, key, json: { ...PROVIDER, name: 'Other' } });
    expect(other.status).toBe(422);
    await expectProblem(other, 'idempotency_key_reused');
    expect((await send('/v1/providers', { token, key, json: PROVIDER })).status).toBe(201);
  });

  it('are the caller’s own', async () => {
    const [one, two] = [await makePerson(), await makePerson()];
    const key = freshKey();
    const first = await send('/v1/providers', { token: one.token, key, json: PROVIDER });
    const second = await send('/v1/providers', { token: two.token, key, json: PROVIDER });
    expect(second.headers.get('Idempotent-Replayed')).toBeNull();
    expect(await second.text()).not.toBe(await first.text());
  });

  it('run once when they come at once', async () => {
    const { token } = await makePerson();
    const key = freshKey();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => send('/v1/providers', { token, key, json: PROVIDER })),
    );
    const created = answers.filter((answer) => answer.status === 201);
    expect(new Set(await Promise.all(created.map((answer) => answer.text()))).size).toBe(1);
    expect(created.filter((answer) => !answer.headers.has('Idempotent-Replayed'))).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect(answer.status).toBe(409);
      expect(answer.headers.get('Retry-After')).toBe('1');
      await expectProblem(answer, 'idempotency_key_in_progress');
    }
  });

  it('remember a refusal, and leave no trace of what is not valid', async () => {
    const { token } = await makePerson();
    const key = freshKey();
    const venue = {
      providerId: services.ids.mintInRegion('prv', 'global'),
      name: 'Hall',
      timeZone: 'Europe/London',
    };
    await expectProblem(
      await send('/v1/venues', { token, key, json: { name: 1 } }),
      'validation_failed',
    );
    const first = await send('/v1/venues', { token, key, json: venue });
    const second = await send('/v1/venues', { token, key, json: venue });
    expect(second.headers.get('Idempotent-Replayed')).toBe('true');
    expect(await second.clone().text()).toBe(await first.clone().text());
    await expectProblem(second, 'not_found');
  });

  it('are taken over when their caller has died', async () => {
    const { id } = await makePerson();
    const { calls } = services.databases.forId(id);
    const call = { key: freshKey(), fingerprint: 'f' };
    const nowMs = Date.now();
    const dead = await calls.claim({ callerId: id, call, nowMs });
    expect(dead.kind).toBe('run');
    const claimAt = (atMs: number, fingerprint = 'f') =>
      calls.claim({ callerId: id, call: { ...call, fingerprint }, nowMs: atMs });
    expect(await claimAt(nowMs + 29_999)).toEqual({ kind: 'in_progress' });
    expect(await claimAt(nowMs + 30_000, 'g')).toEqual({ kind: 'mismatch' });
    const next = await claimAt(nowMs + 30_000);
    expect(next.kind).toBe('run');
    if (dead.kind !== 'run' || next.kind !== 'run') return;
    const answer = { status: 201, body: '{}' };
    expect(await calls.finish(dead, { answer, nowMs })).toBe(false);
    expect(await calls.finish(next, { answer, nowMs })).toBe(true);
    expect(await claimAt(nowMs + 60_000)).toEqual({ kind: 'replay', answer });
    expect((await claimAt(nowMs + 73 * 3_600_000, 'other')).kind).toBe('run');
  });

  it('are forgotten after their time and not before', async () => {
    const { id } = await makePerson([], 'eu');
    const { calls } = services.databases.forId(id);
    await calls.claim({ callerId: id, call: { key: 'old', fingerprint: 'f' }, nowMs: 1_000 });
    expect(await calls.forgetExpired(72 * 3_600_000, 10)).toBe(0);
    expect(await calls.forgetExpired(72 * 3_600_000 + 1_001, 10)).toBe(1);
  });

  it.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['a'.repeat(255), 'a'.repeat(255)],
    ['a'.repeat(256), null],
    ['', null],
    ['""', null],
    ['"abc', null],
    ['"a b"', null],
    ['a b', null],
    ['"a\\b"', null],
    ['é', null],
    ['"a"; p=1', null],
  ])('read the key %j as %j', (header, key) => expect(parseKey(header)).toBe(key));
});

describe('limits', () => {
  it('refuse an address that logs in too often, and no other, as production is configured', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 31; attempt += 1) {
      statuses.push((await logIn('192.0.2.1')).status);
    }
    expect(statuses.filter((status) => status === 422)).toHaveLength(30);
    const refused = await logIn('192.0.2.1');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('Retry-After')).toBe('60');
    expect(refused.headers.get('RateLimit-Policy')).toBe('"auth";q=30;w=60');
    await expectProblem(refused, 'rate_limited');
    expect((await logIn('192.0.2.2')).status).toBe(422);
  });

  it('count a signed-in caller by id, wherever they call from', async () => {
    const counted: string[] = [];
    const limiter = {
      limit: async ({ key }: { key: string }) => {
        counted.push(key);
        return { success: true };
      },
    };
    const { id, token } = await makePerson();
    const changes = { RATE_LIMITS: 'binding', RATE_LIMITER: limiter };
    await ask('/v1/me', changes, {
      headers: { Authorization: `Bearer ${token}`, 'CF-Connecting-IP': '192.0.2.3' },
    });
    expect(counted).toEqual([id]);
  });

  it('are told on every answer, and count nothing where they are off', async () => {
    for (const path of ['/healthz', '/v1/me', '/nowhere', '/v1/services']) {
      const response = await send(path);
      expect(response.headers.get('RateLimit-Policy')).toBe('"default";q=600;w=60');
    }
  });
});

describe('answers', () => {
  it('carry their request id and what keeps browsers from misreading them', async () => {
    const response = await send('/v1/me', { headers: { 'X-Request-Id': 'chosen by the caller' } });
    expect(response.headers.get('X-Request-Id')).toMatch(/^req_[0-9a-z]{16}$/);
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(response.headers.get('Strict-Transport-Security')).toContain('max-age=');
    expect(response.headers.get('Cache-Control')).toContain('no-store');
  });

  it('tell nothing of an unexpected error but its request id', async () => {
    const response = await ask('/test/throws', {});
    const text = await response.clone().text();
    expect(response.status).toBe(500);
    expect(text).not.toMatch(/42|stack|Error:/);
    expect(response.headers.get('X-Request-Id')).toMatch(/^req_/);
    await expectProblem(response, 'internal_error');
  });

  it('are 503 while an object sheds load', async () => {
    const response = await ask('/test/overloaded', {});
    expect(response.status).toBe(503);
    expect(response.headers.get('Retry-After')).toBe('1');
    await expectProblem(response, 'overloaded');
  });

  it('tell a path that nobody has from a method that a path has not', async () => {
    await expectProblem(await send('/v1/nowhere'), 'not_found');
    const wrong = await send('/v1/me', { method: 'PUT' });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('Allow')).toBe('GET, HEAD');
    await expectProblem(wrong, 'method_not_allowed');
    const auth = await send('/v1/auth/login');
    expect(auth.headers.get('Allow')).toBe('POST');
  });

  it('to HEAD are those to GET without a body', async () => {
    const response = await send('/healthz', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });
});

describe('operating', () => {
  it('is alive and ready', async () => {
    expect(await (await send('/healthz')).json()).toEqual({ status: 'ok' });
    const ready = await send('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({
      status: 'ready',
      databases: { global: 'ready', eu: 'ready' },
    });
  });

  it('is not ready without its databases, and says which', async () => {
    const response = await ask('/readyz', {
      DB: databaseThat(async () => ({ found: 1 })),
      DB_EU: databaseThat(async () => {
        throw new Error('Network connection lost');
      }),
    });
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: 'not_ready',
      databases: { global: 'not_migrated', eu: 'unreachable' },
    });
  });

  it('counts by route and never by path', async () => {
    await send('/v1/holds/hld_forged', { token: (await makePerson()).token });
    await send('/nowhere/at/all');
    const response = await send('/metrics');
    expect(response.headers.get('Content-Type')).toContain('text/plain');
    const text = await response.text();
    expect(text).toContain(
      'holdfast_http_requests_total{method="GET",route="/v1/holds/:id",status="404"}',
    );
    expect(text).toMatch(
      /holdfast_http_request_duration_seconds_bucket\{method="GET",route="unrouted",le="\+Inf"\} \d+/,
    );
    expect(text).not.toContain('hld_forged');
    expect(text).not.toContain('nowhere');
  });

  it('does not run with an environment that it cannot trust', async () => {
    const response = await ask('/healthz', { ENVIRONMENT: 'production' });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('sk_test');
  });
});

describe('the reference', () => {
  it('has a page for every code, linked from the reference', async () => {
    const docs = await (await send('/docs')).text();
    for (const code of [...REFUSAL_CODES, 'internal_error' as const]) {
      const page = await send(`/problems/${code}`);
      expect(page.status).toBe(200);
      expect(await page.text()).toContain(PROBLEMS[code].title.replaceAll("'", '&#39;'));
      expect(docs).toContain(`/problems/${code}`);
    }
    await expectProblem(await send('/problems/constructor'), 'not_found');
  });

  it('keeps the order of precedence', () => {
    expect(Object.keys(PROBLEMS).filter((code) => code !== 'internal_error')).toEqual([
      ...REFUSAL_CODES,
    ]);
  });

  it('loads nothing from anywhere', async () => {
    const response = await send('/docs');
    expect(response.headers.get('Content-Type')).toContain('text/html');
    expect(response.headers.get('Content-Security-Policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
    expect(await response.text()).not.toMatch(/<script|src=|<link|@import|url\(/);
  });

  it('is OpenAPI 3.1 in which every operation names its problems', async () => {
    const document = await (
      await send('/openapi.json')
    ).json<{
      openapi: string;
      paths: Record<
        string,
        Record<string, { responses: Record<string, unknown>; operationId: string }>
      >;
    }>();
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
    expect(operations.length).toBeGreaterThan(20);
    for (const { responses, operationId } of operations) {
      expect(responses['500'], operationId).toBeDefined();
    }
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  });

  it('points at what is wrong in a body', async () => {
    const { token } = await makePerson();
    const json = { ...PROVIDER, currency: 'xxx', 'odd/~field': 1, nested: {} };
    const problem = await expectProblem(
      await send('/v1/providers', { token, json }),
      'validation_failed',
    );
    expect(problem.errors?.map(({ pointer }) => pointer).toSorted()).toEqual([
      '/currency',
      '/nested',
      '/odd~1~0field',
    ]);
  });
});
