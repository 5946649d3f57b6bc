/** Plans over HTTP: written, sold, versioned and retired as data, and what a member reads about their own. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it } from 'vitest';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, type Answer } from '../support/api.ts';

const operator = await makePerson(['operator']);
const { ids, objects, clock } = servicesOf(env);

const TERMS = {
  name: 'Club',
  price: { amount: 1_900, currency: 'usd' },
  interval: { unit: 'month', count: 1 },
  entitlements: { 'access.members': true, 'bookings.perPeriod': null },
};

let count = 0;

/** Makes a call as the operator. */
function ask(route: string, body: unknown = {}, key?: string): Promise<Answer> {
  const isRead = route.startsWith('GET');
  return call(route, {
    as: operator,
    ...(isRead ? {} : { body }),
    ...(key === undefined ? {} : { key }),
  });
}

/** Writes a draft under a code of its own. */
async function write(more: object = {}): Promise<{ id: string; code: string }> {
  const code = `plan-${(count += 1)}`;
  const { status, json } = await ask('POST /v1/ops/plans', { code, ...TERMS, ...more });
  expect(status).toBe(201);
  return json;
}

async function onSale(): Promise<{ id: string; version: number; name: string }[]> {
  return (await call('GET /v1/plans')).json.data;
}

function pointers({ json }: Answer): string[] {
  return json.errors.map(({ pointer }: { pointer: string }) => pointer);
}

function placeOf({ id, version }: { id: string; version: number }): string {
  return `${id} ${version}`;
}

afterEach(async () => {
  for (const { id } of await onSale()) await ask(`POST /v1/ops/plans/${id}/retire`);
});

describe('a plan', () => {
  it('is sold once it is published, with everything that a customer must know', async () => {
    const { id, code } = await write({ trialDays: 14 });
    expect(await onSale()).toEqual([]);
    const published = await ask(`POST /v1/ops/plans/${id}/publish`);
    expect(published.status).toBe(200);
    const sold = {
      id,
      code,
      ...TERMS,
      group: 'membership',
      trialDays: 14,
      trialNeedsPaymentMethod: true,
      trialEnd: 'cancel',
      graceDays: 7,
      changePolicy: { upgrade: 'now', downgrade: 'period_end', trial: 'now' },
      cancelRefund: 'none',
      tax: { rateBps: 0, inclusive: true },
      version: 1,
    };
    expect(await onSale()).toEqual([sold]);
    expect(published.json).toEqual({
      ...sold,
      dunningDays: [1, 3, 5, 7, 10, 14],
      cancelAfterDays: 28,
      status: 'published',
      createdAt: expect.any(String),
    });
  });

  it('keeps every term that it is written with', async () => {
    const terms = {
      group: 'gym',
      price: { amount: 0, currency: 'eur' },
      interval: { unit: 'day', count: 366 },
      trialDays: 30,
      trialNeedsPaymentMethod: false,
      trialEnd: 'pause',
      graceDays: 0,
      dunningDays: [2, 60],
      cancelAfterDays: 60,
      changePolicy: { upgrade: 'period_end', downgrade: 'now', trial: 'period_end' },
      cancelRefund: 'prorated',
      tax: { rateBps: 2_000, inclusive: false },
      entitlements: {
        'access.members': false,
        'bookings.perPeriod': 8,
        'minutes.perPeriod': 600,
        'holds.concurrent': 3,
        'window.days': null,
        'earlyAccess.minutes': 60,
        categories: ['sport', 'Été'],
        'price.discountBps': 1_000,
        'bookings.included': 2,
        'guestPasses.perPeriod': 0,
        'overage.price': 500,
      },
    };
    const { id } = await write(terms);
    const read = await ask(`GET /v1/ops/plans/${id}`);
    expect(read.json).toMatchObject({ ...terms, name: 'Club', version: 1, status: 'draft' });
    expect(read.json.versions).toHaveLength(1);
  });

  it('has a code of its own', async () => {
    const { code } = await write();
    const again = await ask('POST /v1/ops/plans', { code, ...TERMS });
    expect([again.status, again.json.code]).toEqual([422, 'validation_failed']);
    expect(pointers(again)).toEqual(['/code']);
  });

  it.each([
    [{ code: 'Gold' }, '/code'],
    [{ code: 'c'.repeat(61) }, '/code'],
    [{ price: { amount: -1, currency: 'usd' } }, '/price/amount'],
    [{ interval: { unit: 'month', count: 367 } }, '/interval/count'],
    [{ interval: { unit: 'hour', count: 1 } }, '/interval/unit'],
    [{ cancelAfterDays: 6 }, '/cancelAfterDays'],
    [{ entitlements: { 'window.days': -1 } }, '/entitlements/window.days'],
    [{ entitlements: { 'a/b~c': true } }, '/entitlements/a~1b~0c'],
    [{ entitlements: JSON.parse('{"__proto__":true}') }, '/entitlements/__proto__'],
    [{ perks: [] }, '/perks'],
  ])('is refused with %j', async (more, pointer) => {
    const refused = await ask('POST /v1/ops/plans', { code: 'refused', ...TERMS, ...more });
    expect([refused.status, refused.json.code]).toEqual([422, 'validation_failed']);
    expect(pointers(refused)).toContain(pointer);
  });

  it('is written once by a call that is repeated with its key', async () => {
    const body = { code: 'repeated', ...TERMS };
    const first = await ask('POST /v1/ops/plans', body, 'plan-key');
    const again = await ask('POST /v1/ops/plans', body, 'plan-key');
    expect([again.status, again.json]).toEqual([201, first.json]);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  });

  it('is not there under an id that names none', async () => {
    const nobody = ids.mintInRegion('pln', 'global');
    for (const path of ['publish', 'retire', 'versions', 'migrate']) {
      expect((await ask(`POST /v1/ops/plans/${nobody}/${path}`)).status).toBe(404);
    }
    expect((await ask(`GET /v1/ops/plans/${nobody}`)).status).toBe(404);
  });
});

describe('a further version', () => {
  it('is sold in place of the one before, which stays as it was', async () => {
    const { id } = await write();
    await ask(`POST /v1/ops/plans/${id}/publish`);
    const price = { amount: 2_400, currency: 'usd' };
    const next = await ask(`POST /v1/ops/plans/${id}/versions`, { price, name: 'Club two' });
    expect([next.status, next.json.version, next.json.status]).toEqual([201, 2, 'draft']);
    expect(await onSale()).toMatchObject([{ version: 1, price: TERMS.price }]);
    await ask(`POST /v1/ops/plans/${id}/publish`, { version: 2 });
    expect(await onSale()).toMatchObject([{ id, version: 2, name: 'Club two', price }]);
    const { json } = await ask(`GET /v1/ops/plans/${id}`);
    expect(json.versions).toMatchObject([
      { version: 2, status: 'published', price },
      { version: 1, status: 'retired', price: TERMS.price, name: 'Club' },
    ]);
  });

  it('has a number of its own, however many are written at once', async () => {
    const { id } = await write();
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) => ask(`POST /v1/ops/plans/${id}/versions`, { name }, name)),
    );
    const versions = answers.map(({ json }) => json.version);
    expect(versions.toSorted((a, b) => a - b)).toEqual([2, 3, 4]);
  });

  it('is the only one on sale, whoever publishes what at once', async () => {
    const { id } = await write();
    for (const name of ['two', 'three']) await ask(`POST /v1/ops/plans/${id}/versions`, { name });
    await Promise.all(
      [1, 2, 3].map((version) => ask(`POST /v1/ops/plans/${id}/publish`, { version })),
    );
    expect((await onSale()).map((plan) => plan.id)).toEqual([id]);
  });

  it('takes subscribers along only when it is on sale', async () => {
    const { id } = await write();
    const early = await ask(`POST /v1/ops/plans/${id}/migrate`);
    expect([early.status, early.json.code]).toEqual([409, 'invalid_transition']);
    await ask(`POST /v1/ops/plans/${id}/publish`);
    const done = await ask(`POST /v1/ops/plans/${id}/migrate`);
    expect(done.json).toEqual({ planId: id, version: 1, migrated: 0, remaining: 0 });
    expect((await ask(`GET /v1/ops/plans/${id}`)).json.migrationTarget).toBe(1);
  });

  it('is listed with all others, newest first, page by page', async () => {
    const first = await write();
    const second = await write();
    await ask(`POST /v1/ops/plans/${first.id}/versions`);
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await ask(`GET /v1/ops/plans?limit=2${cursor}`);
      seen.push(...page.json.data.map(placeOf));
      cursor = page.json.nextCursor === null ? '' : `&cursor=${page.json.nextCursor}`;
    } while (cursor !== '');
    expect(new Set(seen).size).toBe(seen.length);
    const mine = seen.filter((place) => place.includes(first.id) || place.includes(second.id));
    expect(mine.toSorted()).toEqual(
      [`${first.id} 1`, `${first.id} 2`, `${second.id} 1`].toSorted(),
    );
    expect(pointers(await ask('GET /v1/ops/plans?cursor=bad'))).toEqual(['/cursor']);
  });
});

describe('what somebody subscribed to', () => {
  it.each([
    'UPDATE plan_version SET price_minor = 1',
    `UPDATE plan_version SET entitlements = '{}'`,
    `UPDATE plan_version SET status = 'draft'`,
    'UPDATE plan_version SET version = 9',
    'DELETE FROM plan_version',
    'INSERT OR REPLACE INTO plan_version SELECT * FROM plan_version',
    `UPDATE plan SET code = 'other'`,
    `UPDATE plan SET group_name = 'other'`,
    'DELETE FROM plan',
    `INSERT OR REPLACE INTO plan SELECT id, 'other', group_name, NULL, 0 FROM plan`,
  ])('cannot be changed by any statement: %s', async (sql) => {
    const { id } = await write();
    await ask(`POST /v1/ops/plans/${id}/publish`);
    await expect(env.DB.prepare(sql).run()).rejects.toThrow('plan_immutable');
  });

  it('cannot be on sale in two versions by any statement', async () => {
    const { id } = await write();
    await ask(`POST /v1/ops/plans/${id}/versions`);
    const both = env.DB.prepare(
      `UPDATE plan_version SET status = 'published' WHERE plan_id = ?1`,
    ).bind(id);
    await expect(both.run()).rejects.toThrow('UNIQUE');
  });
});

describe("a subscription's own values", () => {
  const path = `PUT /v1/ops/subscriptions/${ids.mintInRegion('sub', 'global')}/overrides`;

  it.each([
    [{ overrides: { 'holds.concurrent': 'many' } }, '/overrides/holds.concurrent'],
    [{ overrides: { surprise: 1 } }, '/overrides/surprise'],
    [{ removals: ['surprise'] }, '/removals/0'],
    [{ removals: ['categories', 'categories'] }, '/removals/1'],
    [{ overrides: { categories: null }, removals: ['categories'] }, '/removals/0'],
  ])('are features and nothing else: %j', async (body, pointer) => {
    const refused = await ask(path, body);
    expect([refused.status, pointers(refused)]).toEqual([422, [pointer]]);
  });
});

describe('GET /v1/me/entitlements', () => {
  it('tells a member without a plan that there is none', async () => {
    const { json } = await call('GET /v1/me/entitlements', { as: await makePerson() });
    expect(json).toEqual({
      plan: null,
      limits: {},
      used: {},
      remaining: {},
      until: null,
      memberships: [],
    });
  });

  it('tells a member what the plan allows from the moment it was granted', async () => {
    const person = await makePerson();
    const nowMs = Math.floor(clock.nowMs() / 1_000) * 1_000;
    await objects.member(person.id).putEntitlements({
      memberId: person.id,
      subscriptionId: ids.mintInRegion('sub', 'global'),
      group: 'membership',
      planId: ids.mintInRegion('pln', 'global'),
      planName: 'Club',
      features: { 'access.members': true, 'bookings.perPeriod': 8 },
      currency: 'usd',
      periodStartMs: nowMs - 1_000,
      periodEndMs: nowMs + 86_400_000,
      validUntilMs: nowMs + 2 * 86_400_000,
      version: nowMs,
    });
    const { json } = await call('GET /v1/me/entitlements', { as: person });
    expect(json).toMatchObject({
      plan: { name: 'Club' },
      limits: { 'access.members': true, 'bookings.perPeriod': 8 },
      used: { 'bookings.perPeriod': 0 },
      remaining: { 'bookings.perPeriod': 8 },
    });
    expect(Date.parse(json.until)).toBe(nowMs + 2 * 86_400_000);
    expect(json.memberships).toMatchObject([{ group: 'membership', plan: { name: 'Club' } }]);
  });
});
