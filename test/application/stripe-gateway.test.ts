/**
 * What leaves the Stripe gateway and what it makes of every kind of answer.
 * Protects: one call per request, our key on every POST, no secret in a reason, no time-out read as a decline.
 */
import { describe, expect, it } from 'vitest';
import { Stripe } from 'stripe';
import { InvariantError } from '../../src/domain/assert.ts';
import { createGatewayRegistry } from '../../src/payments/gateway-registry.ts';
import { createStripeGateway } from '../../src/payments/stripe/gateway.ts';
import { intentJson, json, makeWiredGateway, stripeError, type WireAnswer } from './stripe-wire.ts';

const OPEN = {
  key: 'test:pay_1:open:1',
  amount: { amount: 5_000, currency: 'eur' },
  reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
  returnUrl: null,
};

function coded(code: string): Error {
  return Object.assign(new Error('socket'), { code });
}

const brokenBody: WireAnswer = async () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.error(coded('ECONNRESET'));
      },
    }),
  );
const proxyPage: WireAnswer = async () => new Response('<h1>Bad gateway</h1>', { status: 502 });

describe('what is sent', () => {
  it('opens unconfirmed, with manual capture, our ids and nothing else', async () => {
    const { gateway, calls } = makeWiredGateway([json(intentJson())]);
    await gateway.open(OPEN);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.method).toBe('POST');
    expect(calls[0]?.url).toBe('https://api.stripe.com/v1/payment_intents');
    expect(Object.fromEntries(calls[0]?.body ?? [])).toEqual({
      amount: '5000',
      currency: 'eur',
      capture_method: 'manual',
      'automatic_payment_methods[enabled]': 'true',
      'automatic_payment_methods[allow_redirects]': 'always',
      'metadata[booking_id]': 'bkg_1',
      'metadata[payment_id]': 'pay_1',
      'metadata[bookingId]': 'bkg_1',
      'expand[0]': 'latest_charge.balance_transaction',
    });
  });

  it('sends our key, the pinned version and no telemetry', async () => {
    const { gateway, calls } = makeWiredGateway([json(intentJson())]);
    await gateway.open(OPEN);
    await gateway.fetch('pi_1');
    const [post, get] = calls;
    expect(post?.headers.get('idempotency-key')).toBe(OPEN.key);
    expect(post?.headers.get('stripe-version')).toBe(Stripe.API_VERSION);
    expect(post?.headers.get('authorization')).toBe('Bearer sk_test_verysecret');
    expect(get?.headers.get('x-stripe-client-telemetry')).toBeNull();
    expect(get?.headers.get('idempotency-key')).toBeNull();
    expect(get?.url).toBe(
      'https://api.stripe.com/v1/payment_intents/pi_1?expand[0]=latest_charge.balance_transaction',
    );
  });

  it('puts the path of the base address in front and keeps its port', async () => {
    for (const apiUrl of ['http://127.0.0.1:9787/stripe', 'http://127.0.0.1:9787/stripe/']) {
      const { gateway, calls } = makeWiredGateway([json(intentJson())], { apiUrl });
      await gateway.void({ key: 'k', ref: 'pi_1' });
      expect(calls[0]?.url).toBe('http://127.0.0.1:9787/stripe/v1/payment_intents/pi_1/cancel');
    }
    const plain = makeWiredGateway([json(intentJson())], { apiUrl: 'http://simulator' });
    await plain.gateway.fetch('pi_1');
    expect(plain.calls[0]?.url).toMatch(/^http:\/\/simulator\/v1\//);
  });

  it('confirms with the caller’s return page, or with the configured one', async () => {
    const { gateway, calls } = makeWiredGateway([json(intentJson())]);
    const request = { key: 'k', ref: 'pi_1', paymentMethod: 'pm_card_visa' };
    await gateway.authorize({ ...request, returnUrl: 'https://shop.example/done' });
    await gateway.authorize({ ...request, returnUrl: null });
    expect(calls[0]?.body.get('return_url')).toBe('https://shop.example/done');
    expect(calls[1]?.body.get('return_url')).toBe('https://book.example/return');
    expect(calls[1]?.body.get('payment_method')).toBe('pm_card_visa');
  });

  it('captures, voids and refunds with our amounts', async () => {
    const refund = { id: 're_1', object: 'refund', amount: 700, status: 'pending' };
    const { gateway, calls } = makeWiredGateway([
      json(intentJson()),
      json(intentJson()),
      json(refund),
    ]);
    await gateway.capture({ key: 'c', ref: 'pi_1', amountMinor: 5_000 });
    await gateway.void({ key: 'v', ref: 'pi_1' });
    const reply = await gateway.refund({
      key: 'r',
      ref: 'pi_1',
      amountMinor: 700,
      refundId: 'rfd_1',
    });
    expect(calls[0]?.body.get('amount_to_capture')).toBe('5000');
    expect(calls[1]?.body.get('cancellation_reason')).toBe('abandoned');
    expect(Object.fromEntries(calls[2]?.body ?? [])).toEqual({
      payment_intent: 'pi_1',
      amount: '700',
      'metadata[refund_id]': 'rfd_1',
    });
    expect(reply).toEqual({
      kind: 'refund',
      refund: { ref: 're_1', claimUrl: null, status: 'pending', amountMinor: 700 },
    });
  });

  it('walks the list page by page', async () => {
    const page = { object: 'list', has_more: true, url: '/v1/payment_intents' };
    const { gateway, calls } = makeWiredGateway([
      json({ ...page, data: [intentJson({ metadata: {} }), intentJson({ id: 'pi_2' })] }),
      json({ ...page, has_more: false, data: [] }),
    ]);
    const first = await gateway.listSince({ sinceMs: 1_800_000_000_999, cursor: null });
    expect(first).toEqual({
      payments: [
        {
          ref: 'pi_1',
          state: 'open',
          reference: null,
          createdAtMs: 1_800_000_000_000,
          capturedMinor: 0,
          refundedMinor: 0,
          currency: 'eur',
        },
        expect.objectContaining({
          ref: 'pi_2',
          reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
        }),
      ],
      next: 'pi_2',
    });
    expect(await gateway.listSince({ sinceMs: 0, cursor: 'pi_2' })).toEqual({
      payments: [],
      next: null,
    });
    const query = calls.map((call) => new URL(call.url).searchParams);
    expect(query[0]?.get('created[gte]')).toBe('1800000000');
    expect(query[0]?.get('limit')).toBe('100');
    expect(query[0]?.get('expand[0]')).toBe('data.latest_charge');
    expect(query[0]?.get('starting_after')).toBeNull();
    expect(query[1]?.get('starting_after')).toBe('pi_2');
  });
});

describe('no answer', () => {
  it('does not let the SDK repeat a closed connection', async () => {
    for (const code of ['ECONNRESET', 'EPIPE']) {
      const { gateway, calls } = makeWiredGateway([() => Promise.reject(coded(code))]);
      expect(await gateway.open(OPEN)).toMatchObject({ kind: 'no_answer' });
      expect(calls).toHaveLength(1);
    }
  });

  it('ends a call that is never answered', async () => {
    const { gateway, calls } = makeWiredGateway([
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new DOMException('aborted', 'AbortError'));
          });
        }),
    ]);
    const reply = await gateway.capture({ key: 'c', ref: 'pi_1', amountMinor: 5_000 });
    expect(reply).toMatchObject({ kind: 'no_answer' });
    expect(calls).toHaveLength(1);
  });

  it('does not know what a broken or foreign answer means', async () => {
    for (const answer of [brokenBody, proxyPage]) {
      const { gateway, calls } = makeWiredGateway([answer]);
      expect(await gateway.open(OPEN)).toMatchObject({ kind: 'no_answer' });
      expect(calls).toHaveLength(1);
    }
  });
});

describe('answers of failure', () => {
  const cases: readonly [number, Record<string, unknown>, Record<string, unknown>][] = [
    [
      400,
      { type: 'invalid_request_error', code: 'payment_intent_unexpected_state' },
      { kind: 'already_done' },
    ],
    [
      400,
      { type: 'invalid_request_error', code: 'charge_already_captured' },
      { kind: 'already_done' },
    ],
    [
      400,
      { type: 'invalid_request_error', code: 'charge_already_refunded' },
      { kind: 'already_done' },
    ],
    [
      400,
      { type: 'invalid_request_error', code: 'charge_expired_for_capture' },
      { kind: 'already_done' },
    ],
    [409, { type: 'idempotency_error', code: 'idempotency_key_in_use' }, { kind: 'unavailable' }],
    [429, { type: 'invalid_request_error', code: 'lock_timeout' }, { kind: 'unavailable' }],
    [429, { type: 'invalid_request_error', code: 'rate_limit' }, { kind: 'unavailable' }],
    [400, { type: 'invalid_request_error', code: 'rate_limit' }, { kind: 'unavailable' }],
    [500, { type: 'api_error' }, { kind: 'server_error' }],
    [503, { type: 'api_error' }, { kind: 'server_error' }],
    [
      404,
      { type: 'invalid_request_error', code: 'resource_missing', param: 'intent' },
      { kind: 'missing' },
    ],
    [401, { type: 'invalid_request_error' }, { kind: 'misconfigured' }],
    [403, { type: 'invalid_request_error' }, { kind: 'misconfigured' }],
    [400, { type: 'idempotency_error' }, { kind: 'misconfigured' }],
    [
      400,
      { type: 'invalid_request_error', code: 'parameter_unknown', param: 'payment_method_types' },
      {
        kind: 'misconfigured',
        reason: '400 invalid_request_error parameter_unknown payment_method_types',
      },
    ],
    [
      400,
      { type: 'invalid_request_error', code: 'resource_missing', param: 'payment_method' },
      { kind: 'declined', code: 'payment_method_missing', retry: 'payer', payment: null },
    ],
    [
      400,
      { type: 'invalid_request_error', param: 'payment_method' },
      { kind: 'declined', code: 'payment_method_invalid', retry: 'payer', payment: null },
    ],
    [
      400,
      { type: 'invalid_request_error', code: 'setup_intent_unexpected_state' },
      { kind: 'already_done' },
    ],
    [
      400,
      { type: 'invalid_request_error', code: 'charge_disputed' },
      { kind: 'declined', code: 'charge_disputed', retry: 'never' },
    ],
    [
      400,
      { type: 'invalid_request_error', code: 'balance_insufficient' },
      { kind: 'declined', code: 'balance_insufficient', retry: 'later' },
    ],
  ];

  it.each(cases)('%i %j', async (status, error, expected) => {
    const { gateway, calls } = makeWiredGateway([stripeError(status, error)]);
    const reply = await gateway.authorize({
      key: 'k',
      ref: 'pi_1',
      paymentMethod: 'pm_1',
      returnUrl: null,
    });
    expect(reply).toMatchObject(expected);
    expect(JSON.stringify(reply)).not.toContain('sk_');
    expect(calls).toHaveLength(1);
  });

  const declines: readonly [Record<string, unknown>, string, string][] = [
    [{ code: 'card_declined', decline_code: 'insufficient_funds' }, 'insufficient_funds', 'later'],
    [{ code: 'card_declined', decline_code: 'lost_card' }, 'lost_card', 'never'],
    [
      { code: 'card_declined', decline_code: 'do_not_honor', advice_code: 'do_not_try_again' },
      'do_not_honor',
      'never',
    ],
    [
      { code: 'card_declined', decline_code: 'lost_card', advice_code: 'confirm_card_data' },
      'lost_card',
      'payer',
    ],
    [
      { code: 'card_declined', decline_code: 'generic_decline', network_advice_code: '03' },
      'generic_decline',
      'never',
    ],
    [{ code: 'card_declined', decline_code: 'brand_new_code' }, 'brand_new_code', 'payer'],
    [{ code: 'expired_card' }, 'expired_card', 'payer'],
    [{ code: 'authentication_required' }, 'authentication_required', 'payer'],
    [
      { code: 'authentication_required', advice_code: 'try_again_later' },
      'authentication_required',
      'payer',
    ],
    [{}, 'card_declined', 'later'],
  ];

  it.each(declines)('decline %j is %s, retry %s', async (fields, code, retry) => {
    const failed = intentJson({ last_payment_error: { type: 'card_error', ...fields } });
    const answer = stripeError(402, { type: 'card_error', ...fields, payment_intent: failed });
    const { gateway } = makeWiredGateway([answer]);
    const reply = await gateway.authorize({
      key: 'k',
      ref: 'pi_1',
      paymentMethod: 'pm_1',
      returnUrl: null,
    });
    expect(reply).toMatchObject({
      kind: 'declined',
      code,
      retry,
      payment: { ref: 'pi_1', state: 'failed' },
    });
  });

  it('takes an object of the other mode or of another kind for a wrong configuration', async () => {
    const live = makeWiredGateway([json(intentJson({ livemode: true }))]);
    expect(await live.gateway.fetch('pi_1')).toEqual({
      kind: 'misconfigured',
      reason: 'livemode_mismatch',
    });
    const other = makeWiredGateway([json({ hello: 'world' })]);
    expect((await other.gateway.fetch('pi_1')).kind).toBe('misconfigured');
    const refund = await other.gateway.refund({
      key: 'r',
      ref: 'pi_1',
      amountMinor: 1,
      refundId: 'r',
    });
    expect(refund.kind).toBe('misconfigured');
  });
});

describe('what is thrown', () => {
  it('throws for a broken configuration and for a key that Stripe would not take', async () => {
    const { gateway } = makeWiredGateway([json(intentJson())]);
    await expect(gateway.open({ ...OPEN, key: '' })).rejects.toThrow(InvariantError);
    await expect(gateway.open({ ...OPEN, key: 'x'.repeat(256) })).rejects.toThrow(InvariantError);
    const config = {
      secretKey: 'sk_live_1',
      webhookSecrets: [],
      returnUrl: 'https://book.example/return',
    };
    expect(() =>
      createStripeGateway({ ...config, apiUrl: 'http://127.0.0.1:9787/stripe', isLive: true }),
    ).toThrow(InvariantError);
    expect(() => createStripeGateway({ ...config, apiUrl: 'ftp://x', isLive: false })).toThrow(
      InvariantError,
    );
  });
});

describe('registry', () => {
  const publicUrl = 'https://book.example';

  it('holds the configured processors alone', () => {
    const none = createGatewayRegistry({ publicUrl, stripe: null });
    expect(none.get('stripe')).toBeNull();
    expect(none.all()).toEqual([]);
    const { gateway } = makeWiredGateway([json(intentJson())]);
    const one = createGatewayRegistry({ publicUrl, stripe: null }, [gateway]);
    expect(one.get('stripe')).toBe(gateway);
    expect(one.get('paypal')).toBeNull();
    expect(() => createGatewayRegistry({ publicUrl, stripe: null }, [gateway, gateway])).toThrow(
      InvariantError,
    );
  });

  it('sends a payer who named no page to the front page', async () => {
    const bodies: string[] = [];
    const stripe = {
      secretKey: 'sk_test_1',
      apiUrl: 'https://api.stripe.com',
      webhookSecrets: [],
      isLive: false,
      fetch: async (input: string | URL | Request, init?: RequestInit) => {
        bodies.push(await new Request(input, init).text());
        return Response.json(intentJson());
      },
    };
    const gateway = createGatewayRegistry({ publicUrl, stripe }).get('stripe');
    await gateway?.authorize({ key: 'k', ref: 'pi_1', paymentMethod: 'pm_1', returnUrl: null });
    expect(new URLSearchParams(bodies[0]).get('return_url')).toBe('https://book.example/');
  });
});
