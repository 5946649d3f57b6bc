/**
 * Saved methods in D1: the suite of their promises over the real tables and triggers, and what the routes do with them.
 * No processor answers here; the journeys with one are in test/e2e.
 */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { moved, newMethod } from '../../src/application/payment-methods/method-change.ts';
import { regionOfId, type DataRegion } from '../../src/domain/ids.ts';
import { verifyAudit } from '../../src/application/verify-audit.ts';
import { AuditRepository } from '../../src/storage/d1/audit-repository.ts';
import { PaymentMethodRepository } from '../../src/storage/d1/payment-method-repository.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { verifyAuditDeps } from '../../src/worker/use-case-deps.ts';
import { call, makePerson, type Person } from '../support/api.ts';
import { send } from '../support/http.ts';
import { faultsOf, statementsOf } from '../support/query-plan.ts';
import { describeSavedMethods } from '../support/saved-methods.case.ts';
import { expectCode, newKey, operator, sell, signUp } from '../support/subscribers.ts';

const services = servicesOf(env);
const { databases } = services;
const JSON_TYPE = { 'Content-Type': 'application/json' };
const CARD = '4242424242424242';

const trail = async (id: string): Promise<string[]> => {
  const audit = new AuditRepository(databases.of(regionOfId(id)));
  return (await audit.readStream(id, 0, 100)).map(({ type }) => type);
};

/** A live subscription that costs nothing, given a method as if it had been paid with it. */
async function subscribeWith(userId: string, methodRef: string): Promise<void> {
  const token = await services.tokens.issue({ id: userId, roles: ['customer'] });
  const { status, text } = await signUp({ id: userId, token }, { planId: await sell() });
  expect(status, text).toBe(201);
  await databases
    .of(regionOfId(userId))
    .prepare(
      "UPDATE subscription SET method_processor = 'stripe', method_ref = ?2, version = version + 1 WHERE user_id = ?1",
    )
    .bind(userId, methodRef)
    .run();
}

describeSavedMethods('in D1', async () => ({
  ids: services.ids,
  store: new PaymentMethodRepository(env.DB),
  subscribeWith,
  trail,
}));

/** A method of the person as the processor would have kept it. */
async function keep(person: Person): Promise<string> {
  const region = regionOfId(person.id);
  const store = new PaymentMethodRepository(databases.of(region));
  const id = services.ids.mintInRegion('pmt', region);
  const begun = newMethod(services, {
    id,
    userId: person.id,
    processor: 'stripe',
    offered: `pm_${id}`,
    returnUrl: null,
    preferredAtMs: 0,
    dueAtMs: services.clock.nowMs(),
  });
  await store.insert(begun);
  const customerRef = await store.keepCustomer(person.id, {
    processor: 'stripe',
    ref: `cus_${person.id}`,
  });
  const values = {
    customerRef,
    methodRef: `pm_${id}`,
    setupRef: 'seti_1',
    kind: 'card',
    brand: 'mastercard',
    last4: '4444',
    expiresMonth: 2,
    expiresYear: 2031,
    dueAtMs: null,
  } as const;
  await store.save(moved(services, begun.method, { event: 'keep', actor: 'test', values }));
  return id;
}

const list = async (as: Person) => (await call('GET /v1/payment-methods', { as })).json.data;

function add(as: Person, body: object, key = newKey()) {
  return call('POST /v1/payment-methods', { as, body, key });
}

describe('the routes', () => {
  it('show a method in what its owner knows it by, and never a token', async () => {
    const person = await makePerson();
    const id = await keep(person);
    expect(await list(person)).toEqual([
      {
        id,
        processor: 'stripe',
        status: 'active',
        kind: 'card',
        brand: 'mastercard',
        last4: '4444',
        expiresMonth: 2,
        expiresYear: 2031,
        label: 'Mastercard •••• 4444',
        isDefault: true,
        createdAt: expect.any(String),
      },
    ]);
    expect(await list(await makePerson())).toEqual([]);
  });

  it.each([
    ['as the method', { processor: 'stripe', paymentMethod: CARD }],
    ['inside a token', { processor: 'stripe', paymentMethod: `pm_${CARD}` }],
    [
      'in an address',
      { processor: 'paypal', returnUrl: `https://shop.test/?n=4242-4242-4242-4242` },
    ],
    ['in a field of its own', { processor: 'stripe', number: CARD }],
  ])('refuse a card number %s, and keep nothing of it', async (_where, body) => {
    const person = await makePerson();
    const refused = await add(person, body);
    expectCode(refused, 422, 'validation_failed');
    expect(refused.text).not.toContain('4242');
    expect(await list(person)).toEqual([]);
    const calls = await env.DB.prepare('SELECT count(*) AS n FROM call WHERE caller_id = ?')
      .bind(person.id)
      .first<{ n: number }>();
    expect(calls?.n).toBe(0);
  });

  it('want a key, know what keeps nothing, and do not save what is saved', async () => {
    const person = await makePerson();
    const body = { processor: 'stripe', paymentMethod: 'pm_card_visa' };
    const keyless = await call('POST /v1/payment-methods', { as: person, body });
    expectCode(keyless, 400, 'idempotency_key_required');
    expectCode(await add(person, { processor: 'btcpay' }), 422, 'processor_not_supported');
    const id = await keep(person);
    const again = await add(person, { processor: 'stripe', paymentMethod: id });
    expectCode(again, 422, 'validation_failed');
  });

  it('say so while the processor is silent, and go on where they were under the same key', async () => {
    const person = await makePerson();
    const body = { processor: 'stripe', paymentMethod: 'pm_card_visa' };
    expectCode(await add(person, body, 'silent'), 503, 'processor_unavailable');
    expectCode(await add(person, body, 'silent'), 503, 'processor_unavailable');
    expect(await list(person)).toMatchObject([{ status: 'pending', label: 'Payment method' }]);
  });

  it('take an empty body for one that was left out, as fetch sends it', async () => {
    const person = await makePerson();
    await add(person, { processor: 'stripe', paymentMethod: 'pm_card_visa' });
    const [{ id }] = await list(person);
    const path = `/v1/payment-methods/${id}/confirm`;
    const bodies = [{ body: new Uint8Array() }, { body: '', headers: JSON_TYPE }, {}];
    for (const sent of bodies) {
      const response = await send(path, { method: 'POST', token: person.token, ...sent });
      expect(response.status).toBe(503);
      await response.text();
    }
  });

  it('remove for their owner alone, at once, and answer twice alike', async () => {
    const person = await makePerson();
    const id = await keep(person);
    const path = `/v1/payment-methods/${id}`;
    expectCode(await call(`DELETE ${path}`, { as: await makePerson() }), 404, 'not_found');
    for (let time = 0; time < 2; time += 1)
      expect((await call(`DELETE ${path}`, { as: person })).status).toBe(204);
    expect(await list(person)).toEqual([]);
    // The processor is silent: it is told by the sweep, and the row waits for that.
    expect(await new PaymentMethodRepository(env.DB).byId(id)).toMatchObject({
      state: 'removing',
      methodRef: `pm_${id}`,
      dueAtMs: expect.any(Number),
    });
    const run = await call('POST /v1/ops/jobs/reconciliation/run', { as: operator });
    expect(run.json.report).toMatchObject({ methodsFailed: 0 });
    expect(run.json.report.methodsLookedAt).toBeGreaterThan(0);
  });

  it('keep what a live subscription is paid with, and say why', async () => {
    const person = await makePerson();
    const id = await keep(person);
    await subscribeWith(person.id, `pm_${id}`);
    const refused = await call(`DELETE /v1/payment-methods/${id}`, { as: person });
    expectCode(refused, 409, 'invalid_transition');
    expect(refused.json.detail).toContain('subscription');
    expect(await list(person)).toHaveLength(1);
  });

  it.each(['global', 'eu'] as const)(
    'keep the methods of %s people in their region',
    async (region: DataRegion) => {
      const person = await makePerson(['customer'], region);
      const id = await keep(person);
      expect(await list(person)).toMatchObject([{ id }]);
      const elsewhere = databases.of(region === 'eu' ? 'global' : 'eu');
      expect(await new PaymentMethodRepository(elsewhere).byId(id)).toBeNull();
    },
  );
});

describe('what names a method', () => {
  it('is refused for somebody else’s, a forged one, and another processor’s', async () => {
    const [owner, other] = [await makePerson(), await makePerson()];
    const id = await keep(owner);
    const planId = await sell({ price: { amount: 900, currency: 'usd' } });
    const wish = (paymentMethod: string, processor = 'stripe') => ({
      planId,
      payment: { processor, paymentMethod },
    });
    expectCode(await signUp(other, wish(id)), 404, 'not_found');
    expectCode(await signUp(owner, wish('pmt_gmadeup')), 404, 'not_found');
    expectCode(await signUp(owner, wish(id, 'paypal')), 422, 'validation_failed');
  });

  it('keeps a saved method for a trial without asking anybody', async () => {
    const person = await makePerson();
    const id = await keep(person);
    const planId = await sell({ price: { amount: 900, currency: 'usd' }, trialDays: 7 });
    const payment = { processor: 'stripe', paymentMethod: id };
    const begun = await signUp(person, { planId, payment });
    expect([begun.status, begun.json.status], begun.text).toEqual([201, 'trialing']);
    const refused = await call(`DELETE /v1/payment-methods/${id}`, { as: person });
    expectCode(refused, 409, 'invalid_transition');
  });
});

describe('the trail of a method', () => {
  it('verifies with its witness, and shows a row that was taken away from it', async () => {
    const person = await makePerson();
    const id = await keep(person);
    expect(await trail(id)).toEqual(['payment_method.pending', 'payment_method.active']);
    const found = await call(`GET /v1/ops/audit?entityId=${id}`, { as: operator });
    expect(found.json.data).toHaveLength(2);
    expect(found.text).not.toContain('4444');
    const verdict = await verifyAudit(verifyAuditDeps(services));
    expect(verdict.streams.find(({ stream }) => stream === id)).toMatchObject({ rows: 2 });
    expect(verdict.streams.filter(({ firstBad }) => firstBad !== undefined)).toEqual([]);
  });

  it('cannot be written without the method, nor the method by two at once', async () => {
    const person = await makePerson();
    const store = new PaymentMethodRepository(env.DB);
    const method = await store.byId(await keep(person));
    if (method === null) throw new Error('it was just kept');
    const change = moved(services, method, { event: 'remove', actor: 'test' });
    const said = await Promise.all([store.save(change), store.save(change)]);
    expect(said.toSorted()).toEqual(['conflict', 'done']);
    expect(await trail(method.id)).toHaveLength(3);
    await expect(
      env.DB.prepare('DELETE FROM payment_method WHERE id = ?').bind(method.id).run(),
    ).rejects.toThrow('payment_method_immutable');
  });
});

it('finds every method by an index', async () => {
  const person = await makePerson();
  const id = await keep(person);
  const statements = await statementsOf(PaymentMethodRepository, async (store) => {
    const method = await store.byId(id);
    if (method === null) throw new Error('it was just kept');
    const next = services.ids.mintInRegion('pmt', 'global');
    const { userId } = method;
    const wanted = {
      id: next,
      userId,
      processor: 'stripe',
      offered: null,
      returnUrl: null,
    } as const;
    await store.insert(newMethod(services, { ...wanted, preferredAtMs: 0, dueAtMs: 1 }));
    await store.liveOf(userId);
    await store.due({ dueUntilMs: 1, afterId: '', limit: 10 });
    await store.due({ dueUntilMs: null, afterId: '', limit: 10 });
    await store.customerOf(userId, 'stripe');
    await store.keepCustomer(userId, { processor: 'stripe', ref: 'cus_other' });
    await store.save(moved(services, method, { event: 'remove', actor: 'test' }));
  });
  expect(await faultsOf(statements)).toEqual([]);
});
