/**
 * One suite for every route that the document lists, also those written later: what a hostile client sends is answered
 * with a documented problem, in the contract's order of precedence, and changes nothing anywhere.
 */
import { listDurableObjectIds } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REFUSAL_CODES, type RefusalCode } from '../../src/domain/codes.ts';
import { makePerson, type Person } from '../support/api.ts';
import { expectProblem, send, type Sent } from '../support/http.ts';
import { everyOperation, type Operation } from './every-route.ts';
import { hostileTokens } from './tokens.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const KIB = 1_024;
const operations = everyOperation();
const withBody = operations.filter(({ body }) => body === 'optional' || body === 'required');
const secured = operations.filter(({ access }) => access !== 'public');
let everybody: Person;
let before: string;

beforeAll(async () => {
  everybody = await makePerson(['customer', 'provider', 'operator']);
  before = await stateOfTheWorld();
});

afterAll(async () => {
  expect(await stateOfTheWorld()).toBe(before);
});

/** How many rows each table has, and which objects were ever named. */
async function stateOfTheWorld(): Promise<string> {
  const counts: Record<string, number> = {};
  for (const [place, database] of [
    ['global', env.DB],
    ['eu', env.DB_EU],
  ] as const) {
    const tables = await database
      .prepare(
        "select name from sqlite_master where type = 'table' and name not like '\\_%' escape '\\'",
      )
      .all<{ name: string }>();
    for (const { name } of tables.results) {
      const row = await database
        .prepare(`select count(*) as n from "${name}"`)
        .first<{ n: number }>();
      counts[`${place}.${name}`] = row?.n ?? 0;
    }
  }
  const objects = [
    await listDurableObjectIds(env.INVENTORY),
    await listDurableObjectIds(env.MEMBERSHIP),
  ];
  return JSON.stringify({ counts, objects: objects.flat().map(String) });
}

/** A request that passes every check before the one that is tried. */
function asked(operation: Operation, changes: Sent = {}): Sent {
  const hasBody = operation.body !== 'none';
  return {
    method: operation.method,
    ...(operation.access === 'public' ? {} : { token: everybody.token }),
    ...(operation.key === 'none' ? {} : { key: 'a-key-of-this-suite' }),
    ...(hasBody && changes.body === undefined ? { body: '{}' } : {}),
    ...changes,
    headers: { ...(hasBody ? JSON_TYPE : {}), ...changes.headers },
  };
}

/** Expects the refusal, and that the document lists it. */
async function expectRefusal(
  operation: Operation,
  response: Response,
  code: RefusalCode,
): Promise<void> {
  const { status } = await expectProblem(response, code);
  expect(operation.answers.get(status), `${operation.name} documents ${code}`).toContain(
    `\`${code}\``,
  );
}

it('covers the whole document', () => {
  expect(operations.length).toBeGreaterThan(25);
  expect(secured.length).toBeGreaterThan(15);
  expect(withBody.length).toBeGreaterThan(10);
});

describe.each(secured)('$name, to somebody it does not know', (operation) => {
  it('is refused without a token, unless it is open to all', async () => {
    if (operation.access !== 'signed_in') return;
    const response = await send(operation.path, asked(operation, { token: null }));
    expect(response.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
    await expectRefusal(operation, response, 'unauthenticated');
  });

  it('is refused with a token that must not be believed', async () => {
    for (const [flaw, token] of await hostileTokens()) {
      const response = await send(operation.path, asked(operation, { token }));
      expect(response.status, flaw).toBe(401);
      await expectRefusal(operation, response, 'unauthenticated');
    }
    const basic = { headers: { Authorization: 'Basic YTpi' }, token: null };
    const response = await send(operation.path, asked(operation, basic));
    await expectRefusal(operation, response, 'unauthenticated');
  });
});

describe.each(operations.filter(({ isRoleWanted }) => isRoleWanted))('$name', (operation) => {
  it('is refused without the role, before anything is looked up', async () => {
    const { token } = await makePerson(['customer', 'provider']);
    const path = operation.forgedPath ?? operation.path;
    await expectRefusal(operation, await send(path, asked(operation, { token })), 'role_required');
  });
});

describe.each(operations.filter(({ forgedPath }) => forgedPath !== null))('$name', (operation) => {
  it('does not know a forged id, and names no object by it', async () => {
    const response = await send(operation.forgedPath ?? '', asked(operation));
    await expectRefusal(operation, response, 'not_found');
  });
});

describe.each(operations.filter(({ key }) => key !== 'none'))('$name', (operation) => {
  it('wants a well-formed idempotency key, and one at all where it is required', async () => {
    for (const key of ['two words', '"unclosed', 'k'.repeat(256)]) {
      const response = await send(operation.path, asked(operation, { key, token: null }));
      expect(response.headers.get('Link')).toContain('rel="describedby"');
      await expectRefusal(operation, response, 'idempotency_key_invalid');
    }
    if (operation.key !== 'required') return;
    const { key: _key, ...keyless } = asked(operation, { token: null });
    const response = await send(operation.path, keyless);
    await expectRefusal(operation, response, 'idempotency_key_required');
  });
});

describe.each(withBody)('$name, with a body that it cannot use', (operation) => {
  it.each([
    ['half an object', '{"a":'],
    ['two values', '{} {}'],
    ['a trailing comma', '{"a":1,}'],
    ['NaN', '{"a":NaN}'],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('refuses %s before anything else', async (_what, body) => {
    const { key: _key, ...keyless } = asked(operation, { body, token: null });
    await expectRefusal(operation, await send(operation.path, keyless), 'invalid_json');
  });

  it('refuses more than 256 KiB, whatever the length says', async () => {
    const body = `{"a":"${'x'.repeat(256 * KIB)}"}`;
    await expectRefusal(
      operation,
      await send(operation.path, asked(operation, { body })),
      'body_too_large',
    );
    const response = await send(operation.path, asked(operation, { body: streamOf(body) }));
    await expectRefusal(operation, response, 'body_too_large');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'x',
  ])('refuses the media type %s', async (type) => {
    const headers = { 'Content-Type': type };
    const response = await send(operation.path, asked(operation, { headers }));
    await expectRefusal(operation, response, 'unsupported_media_type');
  });

  it('refuses a field that it does not know, also one with a dangerous name', async () => {
    for (const field of ['surprise', '__proto__', 'constructor']) {
      const body = `{"${field}":{"polluted":true}}`;
      const response = await send(operation.path, asked(operation, { body }));
      const problem = await response.clone().json<{ errors?: { pointer: string }[] }>();
      await expectRefusal(operation, response, 'validation_failed');
      expect(problem.errors?.map(({ pointer }) => pointer)).toContain(`/${field}`);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each(['[]', 'null', '"text"', '1', 'true'])('refuses %s, which is no object', async (body) => {
    const response = await send(operation.path, asked(operation, { body }));
    await expectRefusal(operation, response, 'validation_failed');
  });
});

describe.each(operations.filter(({ body }) => body === 'raw'))('$name', (operation) => {
  it('refuses what nobody signed, what is no file of its kind, and more than 256 KiB', async () => {
    const code = operation.access === 'public' ? 'invalid_signature' : 'validation_failed';
    for (const body of ['{}', 'no json', '']) {
      const response = await send(operation.path, asked(operation, { body }));
      await expectRefusal(operation, response, code);
    }
    const body = 'x'.repeat(256 * KIB + 1);
    await expectRefusal(
      operation,
      await send(operation.path, asked(operation, { body })),
      'body_too_large',
    );
  });
});

describe.each(operations)('$name', (operation) => {
  it('documents codes that exist, each under its status', () => {
    for (const description of operation.answers.values()) {
      const codes = [...description.matchAll(/^`(\w+)`|, `(\w+)`/g)].map(
        (match) => match[1] ?? match[2],
      );
      for (const code of codes) expect([...REFUSAL_CODES, 'internal_error']).toContain(code);
    }
  });

  it('has no other method than those of its path', async () => {
    const methods = operations.filter(({ path }) => patternOf(path).test(operation.path));
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      if (methods.some((known) => known.method === method)) continue;
      const response = await send(operation.path, { method, token: everybody.token });
      expect(response.headers.get('Allow')).toContain(operation.method);
      await expectProblem(response, 'method_not_allowed');
    }
  });
});

/** A body whose length nobody announces. */
function streamOf(text: string): ReadableStream {
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

/** What the path takes with any id in it: also a word that stands where a sibling of it has an id. */
function patternOf(path: string): RegExp {
  const parts = path.split(/[a-z]{3}_[0-9a-z]+/);
  const literal = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join('[^/]+')}$`);
}
