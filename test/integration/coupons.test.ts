/**
 * Coupons over HTTP: what a provider makes, changes and calls back, who may see it, and a limit that holds over several
 * inventories at once, whoever asks where.
 */
import { createExecutionContext, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { promotionName } from '../../src/domain/promotion/coupon.ts';
import { createApp } from '../../src/worker/app.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, settled, shardsSettled, type Person } from '../support/api.ts';
import { create, openShop, slotAt, type Shop } from '../support/http-shop.ts';
import { makeCoupon } from '../support/node-promotions.ts';
import { provisionShop } from '../support/shard-shop.ts';

const HOUR_MS = 3_600_000;
const SHARDS = Array.from({ length: 8 }, (_, index) => `gcccccc0${index}`);
const CROWD = 200;
const USES = 5;

/** Slots by shard; no two of a shard overlap. */
const slots: string[][] = [];

beforeAll(async () => {
  for (const shardKey of SHARDS) {
    const shop = await provisionShop(shardKey, { price: { amount: 1_000, currency: 'usd' } });
    const starts = Array.from({ length: CROWD / SHARDS.length }, (_, index) => ({
      startsInMs: (48 + index) * HOUR_MS,
    }));
    slots.push(await shop.createSlots(starts));
  }
});

afterAll(async () => {
  await settled();
  await shardsSettled(SHARDS);
}, 30_000);

/** A customer's hold with a code. */
async function holdWith(couponCode: string, slotId: string | undefined, as?: Person) {
  const body = { slotIds: [slotId], couponCode };
  const person = as ?? (await makePerson());
  return call('POST /v1/holds', { as: person, key: `${person.id}-${slotId}`, body });
}

async function slotsOf(shop: Shop, days: readonly number[]): Promise<string[]> {
  const made = await call(`POST /v1/services/${shop.serviceId}/slots`, {
    as: shop.owner,
    body: { slots: days.map(slotAt) },
  });
  return made.json.data.map(({ id }: { id: string }) => id);
}

describe('the uses of a coupon', () => {
  const coupon = makeCoupon({ providerId: 'prv_1', code: 'CROWD', maxUses: USES });
  const promotion = () => env.PROMOTION.getByName(promotionName(coupon));

  it('are as many as it has when two hundred ask in eight inventories at once', async () => {
    const { objects } = servicesOf(env);
    await objects.promotion(promotionName(coupon)).putCoupon(coupon);
    const answers = await Promise.all(
      Array.from({ length: CROWD }, (_, index) =>
        holdWith('crowd', slots[index % SHARDS.length]?.[Math.floor(index / SHARDS.length)]),
      ),
    );
    const held = answers.filter(({ status }) => status === 201);
    expect(held).toHaveLength(USES);
    expect(held.map(({ json }) => json.quote.total.amount)).toEqual(
      Array.from({ length: USES }, () => 900),
    );
    const others = new Set(
      answers.filter(({ status }) => status !== 201).map(({ json }) => json.code),
    );
    expect([...others]).toEqual(['coupon_exhausted']);
    expect(await promotion().usage()).toEqual({ used: USES });
  });

  it('survive a restart of its object, and its alarm takes none of them back', async () => {
    await runDurableObjectAlarm(promotion());
    expect(await promotion().usage()).toEqual({ used: USES });
    expect((await holdWith('crowd', slots[0]?.[24])).json.code).toBe('coupon_exhausted');
  });
});

describe('a coupon', () => {
  it('is made once, is there for the next hold, and is counted', async () => {
    const shop = await openShop();
    const terms = { providerId: shop.providerId, code: 'summer', percentOff: 20, maxUses: 2 };
    const made = await call('POST /v1/coupons', { as: shop.owner, key: 'make', body: terms });
    expect(made.status, made.text).toBe(201);
    expect(made.json).toMatchObject({ code: 'SUMMER', percentOff: 20, maxUses: 2, active: true });
    const again = await call('POST /v1/coupons', { as: shop.owner, key: 'make', body: terms });
    expect(again.json).toEqual(made.json);
    const [slotId] = await slotsOf(shop, [8]);
    const hold = await holdWith('Summer', slotId);
    expect(hold.json.quote.total.amount).toBe(2_000);
    const read = await call(`GET /v1/coupons/${made.json.id}`, { as: shop.owner });
    expect(read.json).toEqual({ ...made.json, used: 1 });
    const listed = await call(`GET /v1/coupons?providerId=${shop.providerId}`, { as: shop.owner });
    expect(listed.json).toEqual({ data: [made.json], nextCursor: null });
  });

  it('is changed and called back at once', async () => {
    const shop = await openShop();
    const body = { providerId: shop.providerId, amountOff: { amount: 500, currency: 'usd' } };
    const id = await create('/v1/coupons', shop.owner, body);
    const { code } = (await call(`GET /v1/coupons/${id}`, { as: shop.owner })).json;
    expect(code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    const [first, second, third] = await slotsOf(shop, [9, 10, 11]);
    expect((await holdWith(code, first)).json.quote.total.amount).toBe(2_000);
    const limited = { as: shop.owner, body: { maxUses: 1 } };
    expect((await call(`PATCH /v1/coupons/${id}`, limited)).json).toMatchObject({ maxUses: 1 });
    expect((await holdWith(code, second)).json.code).toBe('coupon_exhausted');
    const free = { as: shop.owner, body: { maxUses: null } };
    await call(`PATCH /v1/coupons/${id}`, free);
    expect((await holdWith(code, second)).status).toBe(201);
    expect((await call(`DELETE /v1/coupons/${id}`, { as: shop.owner })).status).toBe(204);
    expect((await holdWith(code, third)).json.code).toBe('coupon_invalid');
  });

  it('comes in numbers, each with a code of its own', async () => {
    const shop = await openShop();
    const body = { providerId: shop.providerId, percentOff: 100, count: 1_000, maxUses: 1 };
    const request = { as: shop.owner, key: 'many', body };
    const made = await call('POST /v1/coupons', request);
    expect(made.status, made.text.slice(0, 500)).toBe(201);
    const codes = new Set(made.json.data.map(({ code }: { code: string }) => code));
    expect(codes.size).toBe(1_000);
    const [slotId] = await slotsOf(shop, [12]);
    expect((await holdWith(made.json.data[999].code, slotId)).json.quote.total.amount).toBe(0);
    const page = await call(`GET /v1/coupons?providerId=${shop.providerId}&limit=500`, {
      as: shop.owner,
    });
    const next = `limit=500&cursor=${page.json.nextCursor}`;
    const rest = await call(`GET /v1/coupons?providerId=${shop.providerId}&${next}`, {
      as: shop.owner,
    });
    const listed = [...page.json.data, ...rest.json.data].map(({ code }) => code);
    expect(new Set(listed)).toEqual(codes);
    expect(rest.json.nextCursor).toBeNull();
  });

  it.each([
    [{ percentOff: 10, amountOff: { amount: 1, currency: 'usd' } }, '/percentOff'],
    [{}, '/percentOff'],
    [{ percentOff: 101 }, '/percentOff'],
    [{ amountOff: { amount: 0, currency: 'usd' } }, '/amountOff/amount'],
    [{ amountOff: { amount: 1, currency: 'eur' } }, '/amountOff/currency'],
    [{ percentOff: 10, code: 'a!' }, '/code'],
    [{ percentOff: 10, code: 'TWICE', count: 2 }, '/count'],
    [{ percentOff: 10, count: 1_001 }, '/count'],
    [{ percentOff: 10, serviceIds: ['svc_nobodys'] }, '/serviceIds/0'],
    [
      { percentOff: 10, validFrom: '2027-01-02T00:00:00Z', validUntil: '2027-01-02T00:00:00Z' },
      '/validUntil',
    ],
  ])('is refused as %j', async (terms, pointer) => {
    const shop = await openShop();
    const body = { providerId: shop.providerId, ...terms };
    const refused = await call('POST /v1/coupons', { as: shop.owner, body });
    expect(refused.json).toMatchObject({ code: 'validation_failed', errors: [{ pointer }] });
  });

  it('has a code that its provider gives once, and another provider may give too', async () => {
    const [one, two] = [await openShop(), await openShop()];
    const body = { code: 'SAME', percentOff: 10 };
    await create('/v1/coupons', one.owner, { ...body, providerId: one.providerId });
    await create('/v1/coupons', two.owner, { ...body, providerId: two.providerId });
    const twice = await call('POST /v1/coupons', {
      as: one.owner,
      body: { ...body, providerId: one.providerId },
    });
    expect(twice.json).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/code' }] });
  });

  it('does not exist for anybody else', async () => {
    const [shop, other] = [await openShop(), await openShop()];
    const body = { providerId: shop.providerId, code: 'MINE', percentOff: 10 };
    const id = await create('/v1/coupons', shop.owner, body);
    const tries: readonly (readonly [string, unknown?])[] = [
      [`GET /v1/coupons/${id}`],
      [`PATCH /v1/coupons/${id}`, { maxUses: 1 }],
      [`DELETE /v1/coupons/${id}`],
      [`GET /v1/coupons?providerId=${shop.providerId}`],
      ['POST /v1/coupons', body],
    ];
    for (const [route, sent] of tries)
      expect((await call(route, { as: other.owner, body: sent })).status, route).toBe(404);
  });
});

describe('guessing', () => {
  it('is closed to whoever guesses too much, good codes included', async () => {
    const shop = await openShop();
    const body = { providerId: shop.providerId, code: 'REAL', percentOff: 10 };
    await create('/v1/coupons', shop.owner, body);
    const [slotId] = await slotsOf(shop, [13]);
    const [guesser, other] = [await makePerson(), await makePerson()];
    const ask = async (couponCode: string, as = guesser, address = '192.0.2.1') => {
      const headers = {
        Authorization: `Bearer ${as.token}`,
        'Content-Type': 'application/json',
        'CF-Connecting-IP': address,
        'Idempotency-Key': `${as.id} ${couponCode} ${address}`.replaceAll(' ', '-'),
      };
      const sent = JSON.stringify({ slotIds: [slotId], couponCode });
      const request = new Request('https://holdfast.test/v1/holds', {
        method: 'POST',
        headers,
        body: sent,
      });
      const limits = { ...env, RATE_LIMITS: 'binding' };
      const answer = await createApp().fetch(request, limits, createExecutionContext());
      return answer.status === 201 ? 'held' : (await answer.json<{ code: string }>()).code;
    };
    const codes: string[] = [];
    for (let guess = 0; guess < 12; guess++) codes.push(await ask(`GUESS-${guess}`));
    expect(codes[0]).toBe('coupon_invalid');
    expect(codes.at(-1)).toBe('rate_limited');
    expect(await ask('REAL')).toBe('rate_limited');
    expect(await ask('REAL', other)).toBe('rate_limited');
    expect(await ask('REAL', other, '192.0.2.2')).toBe('held');
  });
});
