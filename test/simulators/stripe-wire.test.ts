/**
 * The wire: parameters, errors, lists and shapes are Stripe's own. Shapes are checked against the
 * official SDK's types at compile time: this file does not compile when a field goes missing.
 */
import type { Stripe } from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as connect from '../../simulators/stripe/connect-shapes.ts';
import type * as shapes from '../../simulators/stripe/shapes.ts';
import { authorize, INTENT, pay, refusal, SECRET_KEY, startRig, type Rig } from './support.ts';

/** Compiles only while each of the simulator's shapes can be read as the SDK's. */
export const CONFORMANCE = {
  account: (object: connect.AccountObject): Stripe.Account => object,
  balance: (object: shapes.BalanceTransactionObject): Stripe.BalanceTransaction => object,
  charge: (object: shapes.ChargeObject): Stripe.Charge => object,
  customer: (object: shapes.CustomerObject): Stripe.Customer => object,
  dispute: (object: shapes.DisputeObject): Stripe.Dispute => object,
  paymentIntent: (object: shapes.PaymentIntentObject): Stripe.PaymentIntent => object,
  paymentMethod: (object: shapes.PaymentMethodObject): Stripe.PaymentMethod => object,
  payout: (object: connect.PayoutObject): Stripe.Payout => object,
  refund: (object: shapes.RefundObject): Stripe.Refund => object,
  transfer: (object: connect.TransferObject): Stripe.Transfer => object,
  transferReversal: (object: connect.TransferReversalObject): Stripe.TransferReversal => object,
  setupIntent: (object: shapes.SetupIntentObject): Stripe.SetupIntent => object,
};

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.simulators.close());

const send = (path: string, body?: string, headers: Record<string, string> = {}) =>
  fetch(`${rig.url}/stripe/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${SECRET_KEY}`,
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });

describe('parameters', () => {
  it.each([
    ['amount=2500&currency=usd&payment_method_types[]=card', 'parameter_unknown'],
    ['amount=2500&currency=usd&colour=red', 'parameter_unknown'],
    ['amount=2500&currency=usd&automatic_payment_methods[colour]=red', 'parameter_unknown'],
    ['currency=usd', 'parameter_missing'],
    ['amount=2500', 'parameter_missing'],
    ['amount=25.00&currency=usd', 'parameter_invalid_integer'],
    ['amount=49&currency=usd', 'amount_too_small'],
    ['amount=100000000&currency=usd', 'amount_too_large'],
  ])('%s is refused with %s', async (body, code) => {
    const response = await send('payment_intents', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', code } });
  });

  it.each([
    ['amount=2500&currency=zzz', 'currency'],
    ['amount=2500&currency=usd&capture_method=later', 'capture_method'],
    ['amount=2500&currency=usd&off_session=true', 'off_session'],
    ['amount=2500&currency=usd&transfer_data[destination]=acct_1', 'transfer_data'],
    ['amount=2500&currency=usd&confirm=true&payment_method=pm_card_visa', 'return_url'],
  ])('%s is refused because of %s', async (body, param) => {
    const response = await send('payment_intents', body);
    expect(await response.json()).toMatchObject({ error: { param } });
    expect(response.status).toBe(400);
  });

  it('merges metadata by key and takes nested and listed encodings', async () => {
    const intent = await rig.stripe.paymentIntents.create({
      ...INTENT,
      metadata: { a: '1', b: '2' },
    });
    const updated = await rig.stripe.paymentIntents.update(intent.id, {
      metadata: { a: '', c: '3' },
    });
    expect(updated.metadata).toEqual({ b: '2', c: '3' });
    const prototype = await send('payment_intents', 'amount=2500&currency=usd&__proto__[x]=1');
    expect(prototype.status).toBe(400);
  });
});

describe('errors and headers', () => {
  it('unknown keys, paths and objects answer as Stripe does', async () => {
    const unauthenticated = await fetch(`${rig.url}/stripe/v1/payment_intents`);
    expect(unauthenticated.status).toBe(401);
    const wrongKey = await send('payment_intents', undefined, { authorization: 'Bearer sk_x' });
    expect(await wrongKey.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
    expect((await send('invoices', '')).status).toBe(404);
    const missing = await refusal(rig.stripe.paymentIntents.retrieve('pi_unknown'));
    expect(missing).toMatchObject({ statusCode: 404, code: 'resource_missing' });
    const unknownMethod = await refusal(
      rig.stripe.paymentIntents.create({ ...INTENT, payment_method: 'pm_unknown' }),
    );
    expect(unknownMethod).toMatchObject({ statusCode: 400, param: 'payment_method' });
  });

  it('echoes the version and names the request', async () => {
    const response = await send('payment_intents', undefined, {
      'stripe-version': '2026-10-28.endive',
    });
    expect(response.headers.get('stripe-version')).toBe('2026-10-28.endive');
    expect(response.headers.get('request-id')).toMatch(/^req_\w+$/);
  });

  it('logs the call as it came, with the key shortened', async () => {
    await send('payment_intents', 'amount=2500&currency=usd&metadata[mark]=log-me');
    const { json } = await rig.control('requests?processor=stripe');
    const row = json.data.find((call) => String(call['body']).includes('log-me'));
    expect(row).toMatchObject({
      processor: 'stripe',
      method: 'POST',
      path: '/stripe/v1/payment_intents',
      body: 'amount=2500&currency=usd&metadata[mark]=log-me',
      status: 200,
    });
    expect(JSON.stringify(row)).not.toContain(SECRET_KEY);
    expect(JSON.parse(String(row?.['response']))).toMatchObject({ object: 'payment_intent' });
  });
});

describe('lists', () => {
  it('page newest first by cursor and by creation, as a reconciler reads them', async () => {
    const before = await rig.stripe.paymentIntents.list({ limit: 1 });
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift((await rig.stripe.paymentIntents.create(INTENT)).id);
    }
    const gathered: string[] = [];
    const since = (before.data[0]?.created ?? 0) - 60;
    for await (const intent of rig.stripe.paymentIntents.list({
      limit: 2,
      created: { gte: since },
    })) {
      gathered.push(intent.id);
    }
    expect(gathered.slice(0, 5)).toEqual(ids);
    expect(new Set(gathered).size).toBe(gathered.length);
    const future = await rig.stripe.paymentIntents.list({ created: { gt: since + 10_000 } });
    expect(future).toMatchObject({ data: [], has_more: false });
    const earlier = await rig.stripe.paymentIntents.list({ limit: 2, ending_before: ids[2] ?? '' });
    expect(earlier.data.map((row) => row.id)).toEqual(ids.slice(0, 2));
  });

  it('expand nested references in objects and lists', async () => {
    const { id } = await pay(rig.stripe);
    const intent = await rig.stripe.paymentIntents.retrieve(id, {
      expand: ['latest_charge.balance_transaction', 'payment_method'],
    });
    const charge = intent.latest_charge;
    if (charge === null || typeof charge === 'string') throw new Error('not expanded');
    expect(charge.balance_transaction).toMatchObject({ amount: 2500, fee: 103, net: 2397 });
    const list = await rig.stripe.paymentIntents.list({ limit: 1, expand: ['data.latest_charge'] });
    expect(list.data[0]?.latest_charge).toMatchObject({ object: 'charge' });
    const error = await refusal(
      rig.stripe.paymentIntents.retrieve(id, { expand: ['no_such_thing'] }),
    );
    expect(error.statusCode).toBe(400);
  });

  it('tell events, newest first, by type', async () => {
    const { id } = await authorize(rig.stripe);
    const list = await rig.stripe.events.list({
      type: 'payment_intent.amount_capturable_updated',
      limit: 1,
    });
    expect(list.data[0]).toMatchObject({
      api_version: '2026-10-28.endive',
      livemode: false,
      data: { object: { id, status: 'requires_capture' } },
    });
  });
});

describe('lifetimes', () => {
  it('an authorisation nobody captures lapses on the virtual clock', async () => {
    const { id } = await authorize(rig.stripe);
    await rig.control('clock', { advanceSeconds: 7 * 86_400 - 60 });
    expect((await rig.stripe.paymentIntents.retrieve(id)).status).toBe('requires_capture');
    await rig.control('clock', { advanceSeconds: 60 });
    const lapsed = await rig.stripe.paymentIntents.retrieve(id);
    expect(lapsed).toMatchObject({ status: 'canceled', cancellation_reason: 'automatic' });
    const error = await refusal(rig.stripe.paymentIntents.capture(id));
    expect(error.code).toBe('payment_intent_unexpected_state');
    expect((await rig.books(id)).map((row) => row.kind)).toEqual(['authorization', 'void']);
    const types = (await rig.stripe.events.list({ limit: 3 })).data.map((event) => event.type);
    expect(types).toEqual(expect.arrayContaining(['charge.expired', 'payment_intent.canceled']));
  });

  it('the virtual clock leaves the start clock alone and refuses to go back', async () => {
    await rig.control('clock', { advanceSeconds: 1000 });
    const intent = await rig.stripe.paymentIntents.create(INTENT);
    expect(Math.abs(intent.created - Date.now() / 1000)).toBeLessThan(5);
    expect((await rig.control('clock', { advanceSeconds: -1 })).status).toBe(422);
    expect((await rig.control('clock', { advanceSeconds: 1.5 })).status).toBe(422);
  });
});
