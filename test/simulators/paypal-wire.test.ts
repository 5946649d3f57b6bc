/**
 * The protocol around the calls: tokens, request ids, invoices, errors, faults and the log. Speaks HTTP
 * only.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approved,
  authorized,
  captured,
  fetchToken,
  issueOf,
  newKey,
  orderBody,
  startPaypal,
  type PaypalRig,
} from './support-paypal.ts';

const HOUR = 3600;

let rig: PaypalRig;
beforeEach(async () => {
  rig = await startPaypal();
});
afterEach(() => rig.close());

const fault = (rule: object) => rig.control('faults', { processor: 'paypal', count: 1, ...rule });

const ask = (credentials: string, body: string) =>
  fetch(`${rig.url}/paypal/v1/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body,
  });

describe('an access token', () => {
  it('is given to the client alone', async () => {
    const good = 'grant_type=client_credentials';
    expect((await ask('client-simulated:wrong', good)).status).toBe(401);
    expect((await ask('client-simulated:secret-simulated', '')).status).toBe(400);
    const given = await ask('client-simulated:secret-simulated', good);
    expect(await given.json()).toMatchObject({ token_type: 'Bearer', expires_in: 9 * HOUR });
  });

  it('is asked of every call, and runs out', async () => {
    const token = await fetchToken(rig.url);
    const path = '/v2/checkout/orders/5O190127TN364715T';
    expect((await rig.get(path, { token: 'A21AA.x.y.z' })).json['error']).toBe('invalid_token');
    expect((await rig.get(path, { token })).status).toBe(404);
    await rig.advance(9 * HOUR);
    expect((await rig.get(path, { token })).status).toBe(401);
    expect((await rig.get(path, { token: await fetchToken(rig.url) })).status).toBe(404);
  });

  it('is not kept in the log of calls', async () => {
    const token = await fetchToken(rig.url);
    const { json } = await rig.control('requests?processor=paypal');
    expect(JSON.stringify(json)).not.toContain(token);
  });
});

describe('a request id', () => {
  it('brings the same answer again, and nothing twice', async () => {
    const { authorizationId, orderId } = await authorized(rig);
    const path = `/v2/payments/authorizations/${authorizationId}/capture`;
    const first = await rig.post(path, {}, { key: 'cap' });
    const again = await rig.post(path, {}, { key: 'cap' });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.json).toEqual(first.json);
    expect((await rig.books(orderId)).filter((row) => row.kind === 'capture')).toHaveLength(1);
  });

  it('is kept for six hours with orders and for 45 days with payments', async () => {
    const body = orderBody({ invoice_id: 'pay_one' });
    const first = await rig.post('/v2/checkout/orders', body, { key: 'open' });
    const { captureId } = await captured(rig);
    const refund = (key: string) =>
      rig.post(`/v2/payments/captures/${captureId}/refund`, { invoice_id: 'rfd_one' }, { key });
    const refunded = await refund('rfd');
    await rig.advance(6 * HOUR + 60);
    const fresh = await rig.post('/v2/checkout/orders', body, { key: 'open' });
    expect(fresh.json['id']).not.toBe(first.json['id']);
    expect((await refund('rfd')).json['id']).toBe(refunded.json['id']);
  });

  it('of a decline brings the decline again, though the payer has changed', async () => {
    const id = await approved(rig, 'payer_instrument_declined');
    const path = `/v2/checkout/orders/${id}/authorize`;
    expect(issueOf(await rig.post(path, {}, { key: 'aut' }))).toBe('422 INSTRUMENT_DECLINED');
    await rig.pay(id, { action: 'approve' });
    expect(issueOf(await rig.post(path, {}, { key: 'aut' }))).toBe('422 INSTRUMENT_DECLINED');
    expect((await rig.post(path, {}, { key: 'aut-2' })).status).toBe(201);
  });

  it('of a refusal that changed nothing may be tried again', async () => {
    const created = await rig.post('/v2/checkout/orders', orderBody(), { key: newKey() });
    const id = String(created.json['id']);
    const path = `/v2/checkout/orders/${id}/authorize`;
    expect(issueOf(await rig.post(path, {}, { key: 'aut' }))).toBe('422 ORDER_NOT_APPROVED');
    await rig.pay(id, { action: 'approve' });
    expect((await rig.post(path, {}, { key: 'aut' })).status).toBe(201);
  });

  it('that is still being served is refused, for orders and for payments in their own way', async () => {
    const { authorizationId } = await authorized(rig);
    const orderId = await approved(rig);
    await fault({ fault: 'latency', ms: 300, count: 2 });
    const paths = [
      `/v2/payments/authorizations/${authorizationId}/capture`,
      `/v2/checkout/orders/${orderId}/authorize`,
    ];
    const issues: string[] = [];
    for (const path of paths) {
      const slow = rig.post(path, {}, { key: 'same' });
      await expect
        .poll(async () => {
          const answer = await rig.post(path, {}, { key: 'same' });
          return answer.status >= 400 ? issues.push(issueOf(answer)) : 0;
        })
        .toBeGreaterThan(0);
      expect((await slow).status).toBeLessThan(300);
    }
    expect(issues).toEqual([
      '409 PREVIOUS_REQUEST_IN_PROGRESS',
      '422 ORDER_COMPLETION_IN_PROGRESS',
    ]);
  });

  it('is needed where an order names how it is paid', async () => {
    const refused = await rig.post('/v2/checkout/orders', orderBody());
    expect(issueOf(refused)).toBe('400 PAYPAL_REQUEST_ID_REQUIRED');
  });
});

describe('an invoice id', () => {
  it('pays one order only, which guards a payment whose request id is forgotten', async () => {
    const body = orderBody({ invoice_id: 'pay_one' });
    const first = await approved(rig, 'payer_ok', body);
    const second = await approved(rig, 'payer_ok', body);
    const authorize = (id: string) =>
      rig.post(`/v2/checkout/orders/${id}/authorize`, {}, { key: newKey() });
    expect((await authorize(first)).status).toBe(201);
    expect(issueOf(await authorize(second))).toBe('422 DUPLICATE_INVOICE_ID');
    const third = await rig.post('/v2/checkout/orders', body, { key: newKey() });
    expect(issueOf(third)).toBe('422 DUPLICATE_INVOICE_ID');
  });
});

describe('an answer', () => {
  it('is as short as PayPal makes it unless the caller prefers all of it', async () => {
    const headers = { prefer: 'return=minimal' };
    const created = await rig.post('/v2/checkout/orders', orderBody(), { key: newKey(), headers });
    expect(Object.keys(created.json).toSorted()).toEqual([
      'id',
      'links',
      'payment_source',
      'status',
    ]);
    const { authorizationId } = await authorized(rig);
    const path = `/v2/payments/authorizations/${authorizationId}/capture`;
    const capture = await rig.post(path, {}, { key: newKey(), headers });
    expect(Object.keys(capture.json).toSorted()).toEqual(['id', 'links', 'status']);
  });

  it('that is an error has a name, an issue and the id of its log', async () => {
    const answer = await rig.post('/v2/checkout/orders', { intent: 'SELL' }, { key: newKey() });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      name: 'INVALID_REQUEST',
      debug_id: answer.headers.get('paypal-debug-id'),
      details: [{ field: '/intent', location: 'body', issue: 'INVALID_PARAMETER_VALUE' }],
    });
    expect((await rig.get('/v2/checkout/unknown')).status).toBe(404);
    const text = await rig.call('POST', '/v2/checkout/orders', {
      body: '{',
      headers: { 'content-type': 'text/plain' },
    });
    expect(text.status).toBe(415);
    const torn = await rig.call('POST', '/v2/checkout/orders', { body: '{' });
    expect(issueOf(torn)).toBe('400 MALFORMED_REQUEST_JSON');
  });

  it('may be asked for by the name of its issue, as in the sandbox', async () => {
    const id = await approved(rig);
    const headers = {
      'paypal-mock-response': '{"mock_application_codes":"INSTRUMENT_DECLINED"}',
    };
    const path = `/v2/checkout/orders/${id}/authorize`;
    const refused = await rig.post(path, {}, { key: newKey(), headers });
    expect(issueOf(refused)).toBe('422 INSTRUMENT_DECLINED');
    expect((await rig.post(path, {}, { key: newKey() })).status).toBe(201);
  });
});

describe('the fault script', () => {
  it('answers a 500 or a 429 without an effect, and the same request id may be tried again', async () => {
    const { authorizationId, orderId } = await authorized(rig);
    const path = `/v2/payments/authorizations/${authorizationId}/capture`;
    await fault({ operation: 'capture', fault: 'http_500' });
    await fault({ operation: 'capture', fault: 'http_429' });
    expect((await rig.post(path, {}, { key: 'cap' })).json['name']).toBe('INTERNAL_SERVER_ERROR');
    expect((await rig.post(path, {}, { key: 'cap' })).json['name']).toBe('RATE_LIMIT_REACHED');
    expect(await rig.books(orderId)).toHaveLength(1);
    expect((await rig.post(path, {}, { key: 'cap' })).status).toBe(201);
  });

  it('closes without an answer, with the effect or without it', async () => {
    const { authorizationId, orderId } = await authorized(rig);
    const path = `/v2/payments/authorizations/${authorizationId}/capture`;
    const captures = async () =>
      (await rig.books(orderId)).filter((row) => row.kind === 'capture').length;
    for (const rule of [
      { fault: 'timeout_before', ms: 0 },
      { fault: 'reset' },
      { fault: 'timeout_after', ms: 0 },
    ]) {
      await fault({ operation: 'capture', ...rule });
      expect(await captures()).toBe(0);
      await expect(rig.post(path, {}, { key: 'cap' })).rejects.toThrow();
    }
    expect(await captures()).toBe(1);
    expect((await rig.post(path, {}, { key: 'cap' })).status).toBe(200);
    expect(await captures()).toBe(1);
  });

  it.each([
    ['create', 'POST', '/v2/checkout/orders'],
    ['confirm', 'POST', '/v2/checkout/orders/X/authorize'],
    ['authorize', 'POST', '/v2/checkout/orders/X/authorize'],
    ['capture', 'POST', '/v2/checkout/orders/X/capture'],
    ['void', 'POST', '/v2/payments/authorizations/X/void'],
    ['refund', 'POST', '/v2/payments/captures/X/refund'],
    ['fetch', 'GET', '/v2/checkout/orders/X'],
    ['list', 'GET', '/v1/notifications/webhooks-events'],
  ])('knows what is meant by %s', async (operation, method, path) => {
    await fault({ operation, fault: 'http_429' });
    const options = method === 'GET' ? {} : { body: '{}' };
    expect((await rig.call(method, path, options)).status).toBe(429);
  });
});
