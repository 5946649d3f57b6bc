/** What the PayPal adapter does to an order: which calls it makes, under which key and token, and what each failure means. */
import { describe, expect, it } from 'vitest';
import {
  authorization,
  capture,
  eur,
  issue,
  NOW_MS,
  order,
  ORDER_ID,
  TOKEN,
  wire,
  type Answer,
  type Script,
} from './paypal-wire.ts';

const PATH = `/v2/checkout/orders/${ORDER_ID}`;
const OPEN = {
  key: 'pay_1:open:1',
  amount: { amount: 1_234, currency: 'eur' },
  reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
  returnUrl: null,
};
const PAYER_LINK = { rel: 'payer-action', href: 'https://www.paypal.com/checkoutnow?token=1' };
const OPENED = order({ status: 'PAYER_ACTION_REQUIRED', links: [PAYER_LINK] });
const RESERVED = order({ payments: { authorizations: [authorization()] } });
const PAID = order({
  payments: { authorizations: [authorization({ status: 'CAPTURED' })], captures: [capture()] },
});

function orders(answer: Answer): Script {
  return { ...TOKEN, [`GET ${PATH}`]: answer };
}

describe('opening an order', () => {
  it('asks for the decimal amount, our ids, and the payer’s way there and back', async () => {
    const { gateway, asked } = wire({
      ...TOKEN,
      'POST /v2/checkout/orders': { status: 201, body: OPENED },
    });
    expect(await gateway.open(OPEN)).toMatchObject({
      kind: 'payment',
      payment: {
        ref: ORDER_ID,
        state: 'action_required',
        amountMinor: 1_234,
        currency: 'eur',
        action: { type: 'redirect', url: PAYER_LINK.href },
        metadata: { booking_id: 'bkg_1', payment_id: 'pay_1' },
      },
    });
    expect(asked[0]?.body).toEqual({
      intent: 'AUTHORIZE',
      purchase_units: [
        {
          reference_id: 'default',
          custom_id: 'bkg_1:pay_1',
          invoice_id: 'pay_1',
          amount: eur('12.34'),
        },
      ],
      payment_source: {
        paypal: {
          experience_context: {
            return_url: 'https://book.example/',
            cancel_url: 'https://book.example/',
            user_action: 'PAY_NOW',
            shipping_preference: 'NO_SHIPPING',
          },
        },
      },
    });
    expect(asked[0]?.headers.get('paypal-request-id')).toBe(OPEN.key);
    expect(asked[0]?.headers.get('prefer')).toBe('return=representation');
    expect(asked[0]?.headers.get('authorization')).toBe('Bearer A21');
  });

  it('brings the payer back to the page that the caller named', async () => {
    const { gateway, asked } = wire({
      ...TOKEN,
      'POST /v2/checkout/orders': { status: 201, body: OPENED },
    });
    const returnUrl = 'https://shop.example/done?order=7';
    await gateway.open({ ...OPEN, returnUrl });
    expect(asked[0]?.body).toMatchObject({
      payment_source: {
        paypal: { experience_context: { return_url: returnUrl, cancel_url: returnUrl } },
      },
    });
  });

  it('replaces a key that is too long for PayPal by its digest, the same each time', async () => {
    const { gateway, asked } = wire({
      ...TOKEN,
      'POST /v2/checkout/orders': { status: 201, body: OPENED },
    });
    for (const key of ['k'.repeat(108), 'k'.repeat(109), 'k'.repeat(109), 'k'.repeat(110)]) {
      await gateway.open({ ...OPEN, key });
    }
    const sent = asked.map(({ headers }) => headers.get('paypal-request-id'));
    expect(sent[0]).toBe('k'.repeat(108));
    expect(sent[1]).toMatch(/^[0-9a-f]{64}$/);
    expect(sent[2]).toBe(sent[1]);
    expect(sent[3]).not.toBe(sent[1]);
  });

  it('refuses a currency that PayPal does not take, without a call', async () => {
    const { gateway, asked, tokens } = wire({});
    for (const currency of ['kwd', 'bhd', 'krw', 'clp', 'inr', 'try']) {
      const reply = await gateway.open({ ...OPEN, amount: { amount: 1_000, currency } });
      expect(reply).toMatchObject({ kind: 'declined', code: 'currency_not_supported' });
    }
    const forint = await gateway.open({ ...OPEN, amount: { amount: 1_050, currency: 'huf' } });
    expect(forint).toMatchObject({ kind: 'declined', code: 'amount_not_supported' });
    expect([...asked, ...tokens]).toEqual([]);
  });

  it('sends the payer nowhere but to PayPal', async () => {
    const hosts = [
      'https://evil.example/pay',
      'https://paypal.com.evil.example/',
      'http://www.paypal.com/',
    ];
    for (const href of [...hosts, 'javascript:alert(1)']) {
      const body = order({
        status: 'PAYER_ACTION_REQUIRED',
        links: [{ rel: 'payer-action', href }],
      });
      const { gateway } = wire(orders({ status: 200, body }));
      const reply = await gateway.fetch(ORDER_ID);
      expect(reply).toMatchObject({ payment: { state: 'action_required', action: null } });
    }
  });
});

describe('the access token', () => {
  it('is asked for once and used until five minutes before its end', async () => {
    let nowMs = NOW_MS;
    const { gateway, tokens } = wire(orders({ status: 200, body: OPENED }), {
      nowMs: () => nowMs,
    });
    await gateway.fetch(ORDER_ID);
    nowMs += 32_400_000 - 300_001;
    await gateway.fetch(ORDER_ID);
    expect(tokens).toHaveLength(1);
    nowMs += 1;
    await gateway.fetch(ORDER_ID);
    expect(tokens).toEqual(Array(2).fill(`Basic ${btoa('client-id:client-5e3r3t')}`));
  });

  it('is renewed once where PayPal refuses it, and the call is made with the new one', async () => {
    const refused: Answer = { status: 401, body: { error: 'invalid_token' } };
    const { gateway, asked, tokens } = wire({
      'POST /v1/oauth2/token': [
        { status: 200, body: { access_token: 'OLD', expires_in: 32_400 } },
        { status: 200, body: { access_token: 'NEW', expires_in: 32_400 } },
      ],
      'POST /v2/checkout/orders': [refused, { status: 201, body: OPENED }],
    });
    expect((await gateway.open(OPEN)).kind).toBe('payment');
    expect(tokens).toHaveLength(2);
    const sent = asked.map(({ headers }) => headers.get('authorization'));
    expect(sent).toEqual(['Bearer OLD', 'Bearer NEW']);
    const keys = asked.map(({ headers }) => headers.get('paypal-request-id'));
    expect(keys).toEqual([OPEN.key, OPEN.key]);
  });

  it('that is refused again leaves a reason without a secret', async () => {
    const { gateway, asked } = wire({
      ...TOKEN,
      'POST /v2/checkout/orders': { status: 401, body: { error: 'invalid_token' } },
    });
    const reply = await gateway.open(OPEN);
    expect(reply.kind).toBe('misconfigured');
    expect(asked).toHaveLength(2);
    const stranger = wire({
      'POST /v1/oauth2/token': { status: 401, body: { error: 'invalid_client' } },
    });
    const other = await stranger.gateway.open(OPEN);
    expect(other).toEqual({ kind: 'misconfigured', reason: 'token: 401' });
    expect(stranger.asked).toEqual([]);
    expect(JSON.stringify([reply, other])).not.toContain('5e3r3t');
  });

  it('that cannot be had means that nothing was done', async () => {
    for (const answer of [{ status: 503 }, { status: 429 }, 'reset'] as const) {
      const { gateway, asked } = wire({ 'POST /v1/oauth2/token': answer });
      expect((await gateway.open(OPEN)).kind).toBe('unavailable');
      expect(asked).toEqual([]);
    }
  });
});

describe('an approved order', () => {
  it('is authorized under our key', async () => {
    const { gateway, asked } = wire({
      ...TOKEN,
      [`POST ${PATH}/authorize`]: { status: 201, body: RESERVED },
    });
    const request = { key: 'pay_1:authorize:1', ref: ORDER_ID, paymentMethod: '', returnUrl: null };
    expect(await gateway.authorize(request)).toMatchObject({
      payment: {
        state: 'authorized',
        authorizedMinor: 1_234,
        captureBeforeMs: Date.parse('2026-12-20T11:00:00Z'),
      },
    });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers.get('paypal-request-id')).toBe('pay_1:authorize:1');
  });

  it('that is none yet is shown as waiting for its payer', async () => {
    const request = { key: 'k', ref: ORDER_ID, paymentMethod: '', returnUrl: null };
    for (const name of ['ORDER_NOT_APPROVED', 'PAYER_ACTION_REQUIRED']) {
      const { gateway } = wire({
        ...orders({ status: 200, body: OPENED }),
        [`POST ${PATH}/authorize`]: issue(422, name),
      });
      expect(await gateway.authorize(request)).toMatchObject({
        kind: 'payment',
        payment: { state: 'action_required', action: { type: 'redirect' } },
      });
    }
  });
});

describe('a capture', () => {
  const CAPTURE = { key: 'pay_1:capture:1', ref: ORDER_ID, amountMinor: 1_234 };
  const CAPTURE_PATH = 'POST /v2/payments/authorizations/AUTH1/capture';

  it('takes all of the authorization for good, and tells the fee', async () => {
    const { gateway, asked } = wire({
      ...orders({ status: 200, body: RESERVED }),
      [CAPTURE_PATH]: { status: 201, body: capture() },
    });
    expect(await gateway.capture(CAPTURE)).toMatchObject({
      payment: { state: 'captured', capturedMinor: 1_234, feeMinor: 78 },
    });
    expect(asked[1]?.body).toEqual({ amount: eur('12.34'), final_capture: true });
    expect(asked[1]?.headers.get('paypal-request-id')).toBe(CAPTURE.key);
  });

  it('renews an authorization that PayPal no longer vouches for, and captures the new one', async () => {
    const old = authorization({ create_time: '2026-11-18T11:59:59Z' });
    const { gateway, asked } = wire({
      ...orders({ status: 200, body: order({ payments: { authorizations: [old] } }) }),
      'POST /v2/payments/authorizations/AUTH1/reauthorize': {
        status: 201,
        body: authorization({ id: 'AUTH2' }),
      },
      'POST /v2/payments/authorizations/AUTH2/capture': { status: 201, body: capture() },
    });
    expect(await gateway.capture(CAPTURE)).toMatchObject({ payment: { state: 'captured' } });
    const keys = asked.map(({ headers }) => headers.get('paypal-request-id'));
    expect(keys).toEqual([null, `${CAPTURE.key}:reauthorize`, CAPTURE.key]);
  });

  it('tries the old authorization where the renewal is refused', async () => {
    const old = authorization({ create_time: '2026-11-01T00:00:00Z' });
    const { gateway } = wire({
      ...orders({ status: 200, body: order({ payments: { authorizations: [old] } }) }),
      'POST /v2/payments/authorizations/AUTH1/reauthorize': issue(422, 'REAUTHORIZATION_TOO_SOON'),
      [CAPTURE_PATH]: { status: 201, body: capture() },
    });
    expect((await gateway.capture(CAPTURE)).kind).toBe('payment');
  });

  it('that PayPal has not decided settles nothing, and is not made twice', async () => {
    const pending = capture({ status: 'PENDING' });
    const first = wire({
      ...orders({ status: 200, body: RESERVED }),
      [CAPTURE_PATH]: { status: 201, body: pending },
    });
    expect((await first.gateway.capture(CAPTURE)).kind).toBe('unavailable');
    const payments = {
      authorizations: [authorization({ status: 'PENDING' })],
      captures: [pending],
    };
    const later = wire(orders({ status: 200, body: order({ payments }) }));
    expect((await later.gateway.capture(CAPTURE)).kind).toBe('unavailable');
    expect(later.asked).toHaveLength(1);
    const void_ = await later.gateway.void({ key: 'k', ref: ORDER_ID });
    expect(void_.kind).toBe('unavailable');
    expect((await later.gateway.fetch(ORDER_ID)).kind).toBe('payment');
  });

  it('that is refused in a success is a decline', async () => {
    const { gateway } = wire({
      ...orders({ status: 200, body: RESERVED }),
      [CAPTURE_PATH]: { status: 201, body: capture({ status: 'DECLINED' }) },
    });
    expect(await gateway.capture(CAPTURE)).toMatchObject({
      kind: 'declined',
      code: 'capture_declined',
    });
  });

  it.each([
    [issue(422, 'AUTHORIZATION_ALREADY_CAPTURED'), 'already_done'],
    [issue(422, 'AUTHORIZATION_VOIDED'), 'already_done'],
    [issue(422, 'AUTHORIZATION_EXPIRED'), 'already_done'],
    [issue(422, 'DUPLICATE_INVOICE_ID'), 'already_done'],
    [issue(422, 'PREVIOUS_REQUEST_IN_PROGRESS'), 'unavailable'],
    [issue(409, 'RESOURCE_CONFLICT'), 'unavailable'],
    [issue(429), 'unavailable'],
    [issue(422, 'INSTRUMENT_DECLINED'), 'declined'],
    [issue(422, 'MAX_CAPTURE_AMOUNT_EXCEEDED'), 'misconfigured'],
    [issue(422, 'PAYEE_ACCOUNT_RESTRICTED'), 'misconfigured'],
    [issue(422, 'SOMETHING_NEW'), 'misconfigured'],
    [issue(403, 'PERMISSION_DENIED'), 'misconfigured'],
    [issue(404, 'INVALID_RESOURCE_ID'), 'missing'],
    [issue(500), 'server_error'],
    [issue(503), 'server_error'],
    [{ status: 502, text: '<html>bad gateway</html>' }, 'no_answer'],
    [{ status: 302, text: 'elsewhere' }, 'no_answer'],
    ['reset', 'no_answer'],
    ['silence', 'no_answer'],
  ] as [Answer, string][])('that is answered with %j is %s', async (answer, kind) => {
    const { gateway } = wire(
      { ...orders({ status: 200, body: RESERVED }), [CAPTURE_PATH]: answer },
      { timeoutMs: 200 },
    );
    const reply = await gateway.capture(CAPTURE);
    expect(reply.kind).toBe(kind);
    expect(JSON.stringify(reply)).not.toContain('jane@example.com');
  });

  it('is not made where the order cannot be read, so that its key stays free', async () => {
    const failures: Answer[] = [issue(500), 'reset', issue(429)];
    for (const answer of failures) {
      const { gateway, asked } = wire(orders(answer));
      expect((await gateway.capture(CAPTURE)).kind).toBe('unavailable');
      expect(asked).toHaveLength(1);
    }
  });
});

describe('a void', () => {
  const VOID = { key: 'pay_1:void:1', ref: ORDER_ID };

  it('releases the authorization', async () => {
    const { gateway, asked } = wire({
      ...orders({ status: 200, body: RESERVED }),
      'POST /v2/payments/authorizations/AUTH1/void': { status: 204 },
    });
    expect(await gateway.void(VOID)).toMatchObject({
      payment: { state: 'voided', authorizedMinor: 0 },
    });
    expect(asked[1]?.headers.get('paypal-request-id')).toBe(VOID.key);
  });

  it('of a renewed authorization ends the first one, which PayPal asks for', async () => {
    const authorizations = [authorization(), authorization({ id: 'AUTH2' })];
    const { gateway } = wire({
      ...orders({ status: 200, body: order({ payments: { authorizations } }) }),
      'POST /v2/payments/authorizations/AUTH1/void': { status: 204 },
    });
    expect((await gateway.void(VOID)).kind).toBe('payment');
  });

  it('of an order that was never authorized needs no call: nothing moves without us', async () => {
    for (const body of [OPENED, order({ status: 'APPROVED' })]) {
      const { gateway, asked } = wire(orders({ status: 200, body }));
      expect(await gateway.void(VOID)).toMatchObject({
        payment: { state: 'voided', action: null },
      });
      expect(asked).toHaveLength(1);
    }
  });

  it('comes too late for money that was taken or released', async () => {
    const voided = order({ payments: { authorizations: [authorization({ status: 'VOIDED' })] } });
    for (const body of [PAID, voided]) {
      const { gateway } = wire(orders({ status: 200, body }));
      expect(await gateway.void(VOID)).toEqual({ kind: 'already_done' });
    }
  });
});
