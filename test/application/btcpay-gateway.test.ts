/**
 * What leaves the BTCPay gateway and what it makes of every kind of answer.
 * Protects: nothing is made twice though BTCPay keeps no keys, no secret is in a reason, no time-out is read as a no.
 */
import { describe, expect, it } from 'vitest';
import { InvariantError } from '../../src/domain/assert.ts';
import { createBtcpayGateway } from '../../src/payments/btcpay/gateway.ts';
import {
  INVOICES,
  invoiceJson,
  json,
  makeWiredGateway,
  paidInvoice,
  paymentJson,
  problem,
  type WireAnswer,
} from './btcpay-wire.ts';

const OPEN = {
  key: 'pay_1:open:1',
  amount: { amount: 5_000, currency: 'eur' },
  reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
  returnUrl: null,
};
const REFUND = { key: 'pay_1:refund:1', ref: 'inv1', amountMinor: 700, refundId: 'rfd_1' };
const VOID = { key: 'pay_1:void:1', ref: 'inv1' };

const silence: WireAnswer = (signal) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
const slowlySettled: WireAnswer = async (signal) => {
  await new Promise((resolve) => {
    setTimeout(resolve, 30);
  });
  signal.throwIfAborted();
  return Response.json(invoiceJson({ status: 'Settled' }));
};
const reset: WireAnswer = async () => {
  throw new TypeError('fetch failed');
};
const proxyPage: WireAnswer = async () => new Response('<h1>Bad gateway</h1>', { status: 502 });

describe('opening', () => {
  it('looks by our id before it makes an invoice, and makes it for the exact sum', async () => {
    const { gateway, calls } = makeWiredGateway({
      [`GET ${INVOICES}`]: json([]),
      [`POST ${INVOICES}`]: json(invoiceJson()),
    });
    const reply = await gateway.open(OPEN);
    expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /api/v1${INVOICES}?orderId=pay_1&includeArchived=true`,
      `POST /api/v1${INVOICES}`,
    ]);
    expect(calls[1]?.body).toEqual({
      amount: '50.00',
      currency: 'EUR',
      metadata: { orderId: 'pay_1', booking_id: 'bkg_1', payment_id: 'pay_1' },
      checkout: {
        speedPolicy: 'MediumSpeed',
        expirationMinutes: 15,
        monitoringMinutes: 1_440,
        paymentTolerance: 0,
        redirectURL: 'https://book.example/return',
        redirectAutomatically: true,
      },
    });
    expect(calls[1]?.headers.get('authorization')).toBe('token verysecret');
    expect(reply).toMatchObject({
      kind: 'payment',
      payment: {
        ref: 'inv1',
        state: 'action_required',
        action: { type: 'redirect', url: 'https://btcpay.example/i/inv1' },
      },
    });
  });

  it('sends the payer back to the page that the caller named', async () => {
    const { gateway, calls } = makeWiredGateway({
      [`GET ${INVOICES}`]: json([]),
      [`POST ${INVOICES}`]: json(invoiceJson()),
    });
    const named = { ...OPEN, returnUrl: 'https://shop.example/done' };
    await gateway.open(named);
    expect(calls[1]?.body).toMatchObject({
      checkout: { redirectURL: 'https://shop.example/done' },
    });
  });

  it('answers the invoice that an earlier call has made', async () => {
    const { gateway, calls } = makeWiredGateway({ [`GET ${INVOICES}`]: json([invoiceJson()]) });
    expect(await gateway.open(OPEN)).toMatchObject({ kind: 'payment', payment: { ref: 'inv1' } });
    expect(calls).toHaveLength(1);
  });

  it('of several invoices answers the one with money, then the oldest', async () => {
    const list = [
      invoiceJson({ id: 'new', createdTime: 30 }),
      invoiceJson({ id: 'old', createdTime: 10 }),
      invoiceJson({ id: 'paid', createdTime: 20, status: 'Processing' }),
    ];
    const paid = makeWiredGateway({ [`GET ${INVOICES}`]: json(list) });
    expect(await paid.gateway.open(OPEN)).toMatchObject({ payment: { ref: 'paid' } });
    const open = makeWiredGateway({ [`GET ${INVOICES}`]: json(list.slice(0, 2)) });
    expect(await open.gateway.open(OPEN)).toMatchObject({ payment: { ref: 'old' } });
  });

  it('does not take an invoice for its own that only has the same order id', async () => {
    const foreign = invoiceJson({ id: 'foreign', metadata: { orderId: 'pay_1' } });
    const { gateway } = makeWiredGateway({
      [`GET ${INVOICES}`]: json([foreign]),
      [`POST ${INVOICES}`]: json(invoiceJson({ id: 'own' })),
    });
    expect(await gateway.open(OPEN)).toMatchObject({ payment: { ref: 'own' } });
  });

  it('refuses another sum or currency under a used reference', async () => {
    for (const known of [invoiceJson({ amount: '50.01' }), invoiceJson({ currency: 'USD' })]) {
      const { gateway } = makeWiredGateway({ [`GET ${INVOICES}`]: json([known]) });
      expect(await gateway.open(OPEN)).toEqual({
        kind: 'misconfigured',
        reason: 'another_amount_under_a_used_reference',
      });
    }
  });

  it.each([
    { currency: 'jpy', amount: 5_000, text: '5000' },
    { currency: 'eur', amount: 5, text: '0.05' },
    { currency: 'kwd', amount: 5_001, text: '5.001' },
    { currency: 'usd', amount: 9_007_199_254_740_991, text: '90071992547409.91' },
  ])('writes $amount minor units of $currency exactly', async ({ currency, amount, text }) => {
    const invoice = invoiceJson({ amount: text, currency: currency.toUpperCase() });
    const { gateway, calls } = makeWiredGateway({
      [`GET ${INVOICES}`]: json([]),
      [`POST ${INVOICES}`]: json(invoice),
    });
    const reply = await gateway.open({ ...OPEN, amount: { amount, currency } });
    expect(calls[1]?.body).toMatchObject({ amount: text, currency: currency.toUpperCase() });
    expect(reply).toMatchObject({ payment: { amountMinor: amount, currency } });
  });

  it('refuses a currency that is not on sale without a call', async () => {
    const { gateway, calls } = makeWiredGateway({});
    const reply = await gateway.open({ ...OPEN, amount: { amount: 1, currency: 'btc' } });
    expect(reply).toEqual({ kind: 'misconfigured', reason: 'currency_not_supported' });
    expect(calls).toEqual([]);
  });

  it('does not make an invoice when it cannot look', async () => {
    const { gateway, calls } = makeWiredGateway({ [`GET ${INVOICES}`]: problem(500, 'fault') });
    expect(await gateway.open(OPEN)).toEqual({ kind: 'server_error', reason: '500 fault' });
    expect(calls).toHaveLength(1);
  });
});

describe('ending', () => {
  it('marks an invoice that waits for money as invalid', async () => {
    const marked = invoiceJson({ status: 'Invalid', additionalStatus: 'Marked' });
    const { gateway, calls } = makeWiredGateway({
      ...paidInvoice([], { invoice: { status: 'New' } }),
      [`POST ${INVOICES}/inv1/status`]: json(marked),
    });
    expect(await gateway.void(VOID)).toMatchObject({ payment: { state: 'voided', action: null } });
    expect(calls.find(({ method }) => method === 'POST')?.body).toEqual({ status: 'Invalid' });
  });

  it.each(['Processing', 'Settled', 'Expired', 'Invalid'])(
    'leaves alone what is %s',
    async (status) => {
      const { gateway, calls } = makeWiredGateway({
        [`GET ${INVOICES}/inv1`]: json(invoiceJson({ status })),
      });
      expect(await gateway.void(VOID)).toEqual({ kind: 'already_done' });
      expect(calls).toHaveLength(1);
    },
  );

  it('says already done when the invoice moved on in between', async () => {
    const { gateway } = makeWiredGateway({
      [`GET ${INVOICES}/inv1`]: json(invoiceJson()),
      [`POST ${INVOICES}/inv1/status`]: json([{ path: 'status', message: 'not now' }], 422),
    });
    expect(await gateway.void(VOID)).toEqual({ kind: 'already_done' });
  });
});

describe('failing calls', () => {
  const READ = `GET ${INVOICES}/inv1`;

  it.each<[string, WireAnswer, Record<string, unknown>]>([
    ['silence', silence, { kind: 'no_answer', reason: 'the call timed out' }],
    ['a lost connection', reset, { kind: 'no_answer', reason: 'the connection to BTCPay failed' }],
    ['a proxy’s page', proxyPage, { kind: 'no_answer', reason: '502' }],
    ['a page instead of JSON', async () => new Response('<h1>Hi</h1>'), { kind: 'no_answer' }],
    ['a fault', async () => new Response('', { status: 500 }), { kind: 'server_error' }],
    ['too many calls', async () => new Response('', { status: 429 }), { kind: 'unavailable' }],
    ['no such invoice', problem(404, 'invoice-not-found'), { kind: 'missing' }],
    ['no such store', problem(404, 'store-not-found'), { kind: 'misconfigured' }],
    [
      'no such page',
      async () => new Response('', { status: 404 }),
      { kind: 'misconfigured', reason: '404' },
    ],
    ['a wrong key', problem(401, 'unauthenticated'), { reason: '401 unauthenticated' }],
    [
      'a redirect',
      async () =>
        new Response(null, { status: 302, headers: { location: 'https://evil.example' } }),
      { kind: 'misconfigured', reason: '302' },
    ],
    ['another object', json({ id: 'inv1' }), { reason: 'unexpected_object' }],
    ['another invoice', json(invoiceJson({ id: 'inv2' })), { reason: 'unexpected_object' }],
    [
      'a number that is none',
      json(invoiceJson({ amount: '1e3' })),
      { reason: 'unexpected_object' },
    ],
  ])('%s', async (_name, answer, reply) => {
    const { gateway, calls } = makeWiredGateway({ [READ]: answer });
    const seen = await gateway.fetch('inv1');
    expect(seen).toMatchObject(reply);
    expect(JSON.stringify(seen)).not.toMatch(/verysecret|zoe/);
    expect(calls).toHaveLength(1);
  });

  it('names the fields that were refused, and not what was said of them', async () => {
    const refused = [{ path: 'customAmount', message: 'zoe@example.org' }, { path: 'name' }];
    const { gateway } = makeWiredGateway({
      ...paidInvoice([paymentJson('0.001')]),
      [`POST ${INVOICES}/inv1/refund`]: json(refused, 422),
    });
    expect(await gateway.refund(REFUND)).toEqual({
      kind: 'misconfigured',
      reason: '422 customAmount name',
    });
  });

  it('ends all calls of a request by one deadline', async () => {
    const { gateway } = makeWiredGateway({
      [READ]: slowlySettled,
      [`${READ}/payment-methods`]: silence,
    });
    const startedMs = performance.now();
    expect(await gateway.fetch('inv1')).toEqual({
      kind: 'no_answer',
      reason: 'the call timed out',
    });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('asks for no object by a text that is no id', async () => {
    const { gateway, calls } = makeWiredGateway({});
    for (const ref of ['', '../stores', 'a/b', 'a?b', 'x'.repeat(65)]) {
      expect(await gateway.fetch(ref)).toEqual({ kind: 'missing' });
      expect(await gateway.fetchRefund(ref)).toEqual({ kind: 'missing' });
      expect(await gateway.void({ key: 'k', ref })).toEqual({ kind: 'missing' });
      expect(await gateway.refund({ ...REFUND, ref })).toEqual({ kind: 'missing' });
    }
    expect(calls).toEqual([]);
  });
});

describe('subscriptions', () => {
  it('opens an invoice for each charge, found by the charge', async () => {
    const metadata = { orderId: 'chg_1', subscription_id: 'sub_1', charge_id: 'chg_1' };
    const { gateway, calls } = makeWiredGateway({
      [`GET ${INVOICES}`]: json([]),
      [`POST ${INVOICES}`]: json(invoiceJson({ metadata })),
    });
    const reply = await gateway.recurring?.openCharge({
      key: 'chg_1:open:1',
      amount: OPEN.amount,
      customerRef: 'usr_1',
      reference: { subscriptionId: 'sub_1', chargeId: 'chg_1' },
      paymentMethod: null,
      returnUrl: null,
    });
    expect(calls[0]?.path).toContain('orderId=chg_1');
    expect(calls[1]?.body).toMatchObject({ metadata });
    expect(reply).toMatchObject({ payment: { state: 'action_required', metadata } });
  });

  it('is paid by its payer every period: nothing is kept and nothing is confirmed', async () => {
    const { gateway, calls } = makeWiredGateway({
      [`GET ${INVOICES}/inv1`]: json(invoiceJson()),
    });
    const { recurring } = gateway;
    expect(recurring?.kind).toBe('each_period');
    expect(await recurring?.openCustomer({ key: 'k', memberId: 'usr_1' })).toEqual({
      kind: 'customer',
      ref: 'usr_1',
    });
    const noSetup = { kind: 'misconfigured', reason: 'setup_not_supported' };
    const reference = { subscriptionId: 'sub_1', chargeId: 'chg_1' };
    const setup = { key: 'k', customerRef: 'usr_1', reference, returnUrl: null };
    expect(await recurring?.openSetup(setup)).toEqual(noSetup);
    expect(await recurring?.fetchSetup('seti_1')).toEqual(noSetup);
    expect(calls).toEqual([]);
    const charge = { key: 'k', ref: 'inv1', paymentMethod: '', returnUrl: null };
    expect(await recurring?.confirmCharge({ ...charge, isOffSession: true })).toEqual({
      kind: 'already_done',
    });
  });
});

describe('configuration', () => {
  const CONFIG = {
    apiUrl: 'https://btcpay.example',
    apiKey: 'verysecret',
    storeId: 'store1',
    webhookSecrets: ['a'],
    isLive: true,
    returnUrl: 'https://book.example',
  };

  it('takes live payments over TLS alone', () => {
    expect(() => createBtcpayGateway(CONFIG)).not.toThrow();
    const plain = { ...CONFIG, apiUrl: 'http://btcpay.example' };
    expect(() => createBtcpayGateway(plain)).toThrow(InvariantError);
    expect(() => createBtcpayGateway({ ...plain, isLive: false })).not.toThrow();
  });

  it('refuses an empty key or store and an address that is none', () => {
    for (const broken of [{ apiKey: '' }, { storeId: '' }, { apiUrl: 'ftp://btcpay.example' }]) {
      const config = { ...CONFIG, isLive: false, ...broken };
      expect(() => createBtcpayGateway(config)).toThrow(InvariantError);
    }
  });

  it('puts the path of the address in front', async () => {
    for (const apiUrl of ['http://127.0.0.1:9787/btcpay', 'http://127.0.0.1:9787/btcpay/']) {
      const { gateway, calls } = makeWiredGateway(
        { [`GET ${INVOICES}/inv1`]: json(invoiceJson()) },
        { apiUrl },
      );
      expect((await gateway.fetch('inv1')).kind).toBe('payment');
      expect(calls[0]?.path).toBe(`/btcpay/api/v1${INVOICES}/inv1`);
    }
  });
});
