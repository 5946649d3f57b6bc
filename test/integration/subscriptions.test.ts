/**
 * Subscriptions over HTTP where no processor is needed, or none answers: what is refused, who sees what, what a crash or a
 * silence leaves behind. Journeys with a processor are in test/e2e.
 */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DataRegion } from '../../src/domain/ids.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, type Person } from '../support/api.ts';
import {
  command,
  expectCode,
  newKey,
  operator,
  sell,
  signUp,
  subscribe,
} from '../support/subscribers.ts';

const { clock, databases } = servicesOf(env);
const DAY_MS = 86_400_000;

let freeId: string;
let paidId: string;
let trialId: string;

async function planOf(member: Person): Promise<string | null> {
  const { json } = await call('GET /v1/me/entitlements', { as: member });
  return json.plan?.id ?? null;
}

/** A member of a free plan. */
function begin(region: DataRegion = 'global', more: object = {}) {
  return subscribe(freeId, region, more);
}

beforeAll(async () => {
  freeId = await sell();
  paidId = await sell({ price: { amount: 1_900, currency: 'usd' } });
  trialId = await sell({
    price: { amount: 1_900, currency: 'usd' },
    trialDays: 14,
    trialNeedsPaymentMethod: false,
  });
});

describe('signing up', () => {
  it('for what is free is active at once, in whole, and known to the member’s object', async () => {
    const { member, subscription } = await begin();
    expect(subscription).toEqual({
      id: expect.stringMatching(/^sub_g/),
      planId: freeId,
      planVersion: 1,
      status: 'active',
      currentPeriodStart: subscription.createdAt,
      currentPeriodEnd: expect.any(String),
      trialEnd: null,
      cancelAtPeriodEnd: false,
      pendingPlanId: null,
      timeZone: 'UTC',
      price: { amount: 0, currency: 'usd' },
      credit: { amount: 0, currency: 'usd' },
      createdAt: expect.any(String),
      endedAt: null,
    });
    expect(await planOf(member)).toBe(freeId);
    expect((await call('GET /v1/subscriptions/current', { as: member })).json).toEqual(
      subscription,
    );
  });

  it('counts months in the zone that the member names', async () => {
    const zone = 'America/New_York';
    const { subscription } = await begin('global', { timeZone: zone });
    expect(subscription.timeZone).toBe(zone);
    const days = (Date.parse(subscription.currentPeriodEnd) - clock.nowMs()) / DAY_MS;
    expect(days).toBeGreaterThan(27.9);
    expect(days).toBeLessThan(31.1);
  });

  it('keeps EU members in the EU, under numbers of their own', async () => {
    const { member, id } = await begin('eu');
    expect(id).toMatch(/^sub_e/);
    const { json } = await call(`GET /v1/subscriptions/${id}/invoices`, { as: member });
    expect(json.data[0].number).toMatch(/^HFE-\d{6}$/);
    const stored = await env.DB.prepare('SELECT id FROM subscription WHERE id = ?').bind(id).all();
    expect(stored.results).toEqual([]);
  });

  it('begins a trial without a card where the plan allows it, once', async () => {
    const member = await makePerson();
    const { status, json } = await signUp(member, { planId: trialId });
    expect([status, json.status]).toEqual([201, 'trialing']);
    expect(json.trialEnd).toBe(json.currentPeriodEnd);
    expect(await planOf(member)).toBe(trialId);
    const ended = await command(member, `${json.id}/cancel`, { atPeriodEnd: false });
    expect(ended.json.status).toBe('cancelled');
    expect(await planOf(member)).toBeNull();
    expectCode(await signUp(member, { planId: trialId }), 422, 'payment_required');
  });

  it('is refused by field, by plan and by key before anything is written', async () => {
    const member = await makePerson();
    expectCode(await signUp(member, { planId: 'pln_nope' }), 404, 'not_found');
    expectCode(await signUp(member, { planId: paidId }), 422, 'payment_required');
    const wrong = await signUp(member, { planId: freeId, timeZone: 'Mars/Base', coupon: 1 });
    expectCode(wrong, 422, 'validation_failed');
    const pointers = wrong.json.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/timeZone', '/coupon']));
    const paypal = { planId: paidId, payment: { processor: 'paypal' } };
    expectCode(await signUp(member, paypal), 422, 'processor_not_supported');
    const card = {
      planId: paidId,
      payment: { processor: 'stripe', paymentMethod: '4242424242424242' },
    };
    expectCode(await signUp(member, card), 422, 'validation_failed');
    const keyless = await call('POST /v1/subscriptions', { as: member, body: { planId: freeId } });
    expectCode(keyless, 400, 'idempotency_key_required');
    expectCode(await call('GET /v1/subscriptions/current', { as: member }), 404, 'not_found');
  });

  it('has one effect and one answer under one key', async () => {
    const member = await makePerson();
    const key = newKey();
    const [first, again] = [
      await signUp(member, { planId: freeId }, key),
      await signUp(member, { planId: freeId }, key),
    ];
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expectCode(await signUp(member, { planId: trialId }, key), 422, 'idempotency_key_reused');
    const other = await signUp(member, { planId: freeId });
    expectCode(other, 409, 'subscription_exists');
    expect(other.json.subscriptionId).toBe(first.json.id);
  });

  it('is finished by the next try with the same key when its first answer was lost', async () => {
    const member = await makePerson();
    const key = newKey();
    const first = await signUp(member, { planId: freeId }, key);
    await databases
      .of('global')
      .prepare('DELETE FROM call WHERE caller_id = ? AND key = ?')
      .bind(member.id, key)
      .run();
    const again = await signUp(member, { planId: freeId }, key);
    expect([again.status, again.json.id]).toEqual([201, first.json.id]);
  });

  it('waits where the processor is silent, instead of guessing', async () => {
    const member = await makePerson();
    const payment = { processor: 'stripe', paymentMethod: 'pm_card_visa' };
    const { status, json } = await signUp(member, { planId: paidId, payment });
    expect([status, json.status]).toEqual([201, 'incomplete']);
    expect(json.payment).toMatchObject({ status: 'created', processorId: null });
    expect(await planOf(member)).toBeNull();
    expectCode(await command(member, `${json.id}/confirm`), 402, 'payment_incomplete');
    expectCode(await signUp(member, { planId: paidId, payment }), 409, 'subscription_exists');
    const given = await command(member, `${json.id}/cancel`, { atPeriodEnd: false });
    expect([given.status, given.json.status]).toEqual([200, 'cancelled']);
  });
});

describe('commands', () => {
  it('want a key, save for /confirm and the payment method', async () => {
    const { member, id } = await begin();
    for (const name of ['cancel', 'resume', 'pause', 'change'])
      expectCode(
        await call(`POST /v1/subscriptions/${id}/${name}`, { as: member, body: {} }),
        400,
        'idempotency_key_required',
      );
    expect((await call(`POST /v1/subscriptions/${id}/confirm`, { as: member })).status).toBe(200);
  });

  it('are repeated with the first answer', async () => {
    const { member, id } = await begin();
    const sent = { as: member, body: { atPeriodEnd: false }, key: newKey() };
    const first = await call(`POST /v1/subscriptions/${id}/cancel`, sent);
    const again = await call(`POST /v1/subscriptions/${id}/cancel`, sent);
    expect([first.status, again.status, again.text]).toEqual([200, 200, first.text]);
    expectCode(await command(member, `${id}/cancel`), 409, 'invalid_transition');
  });

  it.each([
    ['cancel', { atPeriodEnd: false }, { status: 'cancelled' }],
    ['pause', {}, { status: 'paused' }],
  ])('%s is answered as done when its first try died before it could answer', async (...row) => {
    const [name, body, expected] = row;
    const { member, id } = await begin();
    const sent = { as: member, body, key: newKey() };
    const route = `POST /v1/subscriptions/${id}/${name}`;
    expect((await call(route, sent)).json).toMatchObject(expected);
    await env.DB.prepare(
      "UPDATE call SET state = 'running', status = NULL, body = NULL, lease_until_ms = 0 WHERE key = ?",
    )
      .bind(sent.key)
      .run();
    const again = await call(route, sent);
    expect(again.status).toBe(200);
    expect(again.json).toMatchObject(expected);
    expectCode(await call(route, { ...sent, key: newKey() }), 409, 'invalid_transition');
  });

  it('cancel at the end of the period unless told otherwise, and end at once what is told to', async () => {
    const { member, id } = await begin();
    expect((await command(member, `${id}/cancel`)).json).toMatchObject({
      status: 'active',
      cancelAtPeriodEnd: true,
    });
    expect(await planOf(member)).toBe(freeId);
    expect((await command(member, `${id}/resume`)).json.cancelAtPeriodEnd).toBe(false);
    expect((await command(member, `${id}/pause`)).json.status).toBe('paused');
    expect(await planOf(member)).toBeNull();
    expect((await command(member, `${id}/resume`)).json.status).toBe('active');
    expect(await planOf(member)).toBe(freeId);
  });

  it('of an operator reach anybody’s subscription; nobody else’s do', async () => {
    const { member, id } = await begin();
    const stranger = await makePerson();
    const body = { payment: { paymentMethod: 'pm_card_visa' } };
    const put = await call(`PUT /v1/subscriptions/${id}/payment-method`, { as: stranger, body });
    expectCode(put, 404, 'not_found');
    for (const name of ['confirm', 'cancel', 'pause', 'resume'])
      expectCode(await command(stranger, `${id}/${name}`), 404, 'not_found');
    expectCode(await command(stranger, `${id}/change`, { planId: paidId }), 404, 'not_found');
    for (const path of [id, `${id}/invoices`])
      expectCode(await call(`GET /v1/subscriptions/${path}`, { as: stranger }), 404, 'not_found');
    expect((await call(`GET /v1/subscriptions/${id}`, { as: operator })).status).toBe(200);
    expect((await command(operator, `${id}/cancel`, { atPeriodEnd: false })).status).toBe(200);
    expect(await planOf(member)).toBeNull();
  });

  it('take a payment method at the top or under `payment`, and not both', async () => {
    const { member, id } = await begin();
    const path = `PUT /v1/subscriptions/${id}/payment-method`;
    const fields = { processor: 'paypal', paymentMethod: 'pm_card_visa' };
    for (const body of [fields, { payment: fields }])
      expectCode(await call(path, { as: member, body }), 422, 'processor_not_supported');
    const both = await call(path, { as: member, body: { ...fields, payment: fields } });
    expectCode(both, 422, 'validation_failed');
    expect(both.json.errors[0].pointer).toBe('/payment');
  });
});

describe('operators', () => {
  it('change what one subscription grants, and the member’s object knows it before they are answered', async () => {
    const { member, id } = await begin();
    const body = { overrides: { 'holds.concurrent': 2 }, removals: ['access.members'] };
    const put = await call(`PUT /v1/ops/subscriptions/${id}/overrides`, { as: operator, body });
    expect([put.status, put.json.id]).toEqual([200, id]);
    const { json } = await call('GET /v1/me/entitlements', { as: member });
    expect(json.limits).toEqual({ 'holds.concurrent': 2 });
  });

  it('move subscribers to a newer version of their plan', async () => {
    const planId = await sell();
    const { member, id } = await subscribe(planId);
    const body = { entitlements: { 'access.members': true, 'holds.concurrent': 7 } };
    const as = operator;
    await call(`POST /v1/ops/plans/${planId}/versions`, { as, body });
    await call(`POST /v1/ops/plans/${planId}/publish`, { as });
    const before = await call(`GET /v1/subscriptions/${id}`, { as: member });
    expect(before.json.planVersion).toBe(1);
    const moved = await call(`POST /v1/ops/plans/${planId}/migrate`, { as });
    expect(moved.json).toEqual({ planId, version: 2, migrated: 1, remaining: 0 });
    const after = await call(`GET /v1/subscriptions/${id}`, { as: member });
    expect(after.json.planVersion).toBe(2);
    const { json } = await call('GET /v1/me/entitlements', { as: member });
    expect(json.limits['holds.concurrent']).toBe(7);
  });
});

describe('an invoice', () => {
  it('is JSON or a page by what is asked for, to its member and to operators', async () => {
    const { member, id } = await begin();
    const list = await call(`GET /v1/subscriptions/${id}/invoices`, { as: member });
    const [invoice] = list.json.data;
    expect(list.json).toEqual({ data: [invoice], nextCursor: null });
    expect(invoice).toEqual({
      id: expect.stringMatching(/^inv_g/),
      number: expect.stringMatching(/^HF-\d{6}$/),
      status: 'paid',
      subscriptionId: id,
      planId: freeId,
      kind: 'period',
      periodStart: expect.any(String),
      periodEnd: expect.any(String),
      currency: 'usd',
      lines: [{ kind: 'period', label: 'Club', amount: 0 }],
      tax: { amount: 0, currency: 'usd' },
      total: { amount: 0, currency: 'usd' },
      refunded: { amount: 0, currency: 'usd' },
      creditNotes: [],
      refunds: [],
      createdAt: expect.any(String),
      dueAt: expect.any(String),
      paidAt: expect.any(String),
      legalEntity: { name: 'Holdfast', address: '', taxId: null },
    });
    const route = `GET /v1/invoices/${invoice.id}`;
    expect((await call(route, { as: operator })).json).toEqual(invoice);
    const html = await call(route, { as: member, headers: { Accept: 'text/html' } });
    expect(html.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(html.headers.get('Content-Security-Policy')).toContain("form-action 'none'");
    expect(html.text).toContain(`<h1>Invoice ${invoice.number}</h1>`);
    expectCode(await call(route, { as: await makePerson() }), 404, 'not_found');
    expectCode(await call(route, { as: null }), 401, 'unauthenticated');
  });

  it('shows names as text, whatever they are made of', async () => {
    const planId = await sell({ name: '<script>alert(1)</script> & "more"' });
    const { member, id } = await subscribe(planId);
    const { json } = await call(`GET /v1/subscriptions/${id}/invoices`, { as: member });
    const headers = { Accept: 'text/html' };
    const page = await call(`GET /v1/invoices/${json.data[0].id}`, { as: member, headers });
    expect(page.text).not.toContain('<script>');
    expect(page.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;');
  });

  it('has a page of its own for whoever has the link, and for nobody else', async () => {
    const { member, id } = await begin();
    const { json } = await call(`GET /v1/subscriptions/${id}/invoices`, { as: member });
    const invoiceId: string = json.data[0].id;
    const row = await env.DB.prepare('SELECT pay_token AS token FROM invoice WHERE id = ?')
      .bind(invoiceId)
      .first<{ token: string }>();
    const path = `/invoices/${invoiceId}/pay?token=`;
    const page = await call(`GET ${path}${row?.token}`);
    expect([page.status, page.text]).toEqual([
      200,
      expect.stringContaining('This invoice is paid.'),
    ]);
    expect(page.text).not.toContain('<form');
    expect(page.headers.get('Cache-Control')).toBe('private, no-store');
    expect(page.headers.get('Referrer-Policy')).toBe('no-referrer');
    expectCode(await call(`GET ${path}wrong`), 404, 'not_found');
    expectCode(await call(`POST ${path}wrong`), 404, 'not_found');
    expectCode(await call(`GET /invoices/${invoiceId}/pay`), 422, 'validation_failed');
  });
});
