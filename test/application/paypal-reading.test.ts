/** What the PayPal adapter reads and gives back: refunds by our own id, looks with their disputes, the list of what moved. */
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
const DAY_MS = 86_400_000;
const RESERVED = order({ payments: { authorizations: [authorization()] } });
const PAID = order({
  payments: { authorizations: [authorization({ status: 'CAPTURED' })], captures: [capture()] },
});
const NO_DISPUTES: Script = { 'GET /v1/customer/disputes': { status: 200, body: { items: [] } } };

function orders(answer: Answer): Script {
  return { ...TOKEN, [`GET ${PATH}`]: answer };
}

function withRefunds(...refunds: object[]): object {
  return order({ payments: { captures: [capture({ status: 'PARTIALLY_REFUNDED' })], refunds } });
}

function event(type: string, atMs: number, resource: object): object {
  return {
    id: `WH-${type}-${atMs}`,
    event_type: type,
    create_time: new Date(atMs).toISOString(),
    resource,
  };
}

function related(orderId: string): object {
  return { supplementary_data: { related_ids: { order_id: orderId } } };
}

describe('a refund', () => {
  const REFUND = { key: 'k', ref: ORDER_ID, amountMinor: 500, refundId: 'rfd_1' };
  const MADE = { id: 'REF1', status: 'COMPLETED', amount: eur('5.00'), invoice_id: 'rfd_1' };

  it('names our own id twice over: for PayPal to take once, and for us to find again', async () => {
    const { gateway, asked } = wire({
      ...orders({ status: 200, body: PAID }),
      'POST /v2/payments/captures/CAPT1/refund': { status: 201, body: MADE },
    });
    expect(await gateway.refund(REFUND)).toEqual({
      kind: 'refund',
      refund: { ref: 'REF1', status: 'succeeded', amountMinor: 500, claimUrl: null },
    });
    expect(asked[1]?.body).toEqual({
      amount: eur('5.00'),
      invoice_id: 'rfd_1',
      custom_id: 'bkg_1:pay_1',
    });
  });

  it('that is there is answered and not made again, under whatever key', async () => {
    const { gateway, asked } = wire(orders({ status: 200, body: withRefunds(MADE) }));
    expect(await gateway.refund({ ...REFUND, key: 'another' })).toMatchObject({
      refund: { ref: 'REF1' },
    });
    expect((await gateway.refund({ ...REFUND, amountMinor: 400 })).kind).toBe('misconfigured');
    expect(asked.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('that failed may be made again', async () => {
    const failed = { ...MADE, id: 'REF0', status: 'FAILED' };
    const { gateway } = wire({
      ...orders({ status: 200, body: withRefunds(failed) }),
      'POST /v2/payments/captures/CAPT1/refund': { status: 201, body: MADE },
    });
    expect(await gateway.refund(REFUND)).toMatchObject({ refund: { ref: 'REF1' } });
    expect(await gateway.findRefund(REFUND)).toMatchObject({
      refund: { ref: 'REF0', status: 'failed' },
    });
  });

  it('is found by our id, or is said to be missing', async () => {
    const other = { ...MADE, id: 'REF0', invoice_id: 'rfd_0' };
    const { gateway } = wire(orders({ status: 200, body: withRefunds(other, MADE) }));
    expect(await gateway.findRefund({ ref: ORDER_ID, refundId: 'rfd_1' })).toMatchObject({
      refund: { ref: 'REF1' },
    });
    expect(await gateway.findRefund({ ref: ORDER_ID, refundId: 'rfd_2' })).toEqual({
      kind: 'missing',
    });
    const broken = wire(orders(issue(500)));
    const reply = await broken.gateway.findRefund({ ref: ORDER_ID, refundId: 'rfd_1' });
    expect(reply.kind).toBe('server_error');
  });

  it.each([
    ['TRANSACTION_DISPUTED', 'never'],
    ['REFUND_TIME_LIMIT_EXCEEDED', 'never'],
    ['REFUND_FAILED_INSUFFICIENT_FUNDS', 'later'],
  ])('that PayPal refuses with %s is a decline', async (name, retry) => {
    const { gateway } = wire({
      ...orders({ status: 200, body: PAID }),
      'POST /v2/payments/captures/CAPT1/refund': issue(422, name),
    });
    expect(await gateway.refund(REFUND)).toMatchObject({
      kind: 'declined',
      code: name.toLowerCase(),
      retry,
    });
  });
});

describe('a look', () => {
  it('at a paid order tells its disputes, each with how it ended', async () => {
    const dispute = {
      dispute_id: 'PP-D-1',
      status: 'WAITING_FOR_SELLER_RESPONSE',
      reason: 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED',
      dispute_amount: eur('12.34'),
      dispute_life_cycle_stage: 'CHARGEBACK',
      seller_response_due_date: '2026-12-01T00:00:00.000Z',
    };
    const { gateway, asked } = wire({
      ...orders({ status: 200, body: PAID }),
      'GET /v1/customer/disputes': { status: 200, body: { items: [{ dispute_id: 'PP-D-1' }] } },
      'GET /v1/customer/disputes/PP-D-1': { status: 200, body: dispute },
    });
    expect(await gateway.fetch(ORDER_ID)).toMatchObject({
      payment: {
        disputes: [
          {
            ref: 'PP-D-1',
            status: 'open',
            amountMinor: 1_234,
            currency: 'eur',
            reason: 'merchandise_or_service_not_received',
            evidenceDueMs: Date.parse('2026-12-01T00:00:00Z'),
          },
        ],
      },
    });
    expect(asked[1]?.path).toBe('/v1/customer/disputes?disputed_transaction_id=CAPT1');
  });

  it('that cannot read the disputes says so, and never that there are none', async () => {
    const { gateway } = wire({
      ...orders({ status: 200, body: PAID }),
      'GET /v1/customer/disputes': issue(403, 'PERMISSION_DENIED'),
    });
    const reply = await gateway.fetch(ORDER_ID);
    expect(reply).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('disputes'),
    });
  });

  it('at an order that is not paid costs one call', async () => {
    const { gateway, asked } = wire(orders({ status: 200, body: RESERVED }));
    await gateway.fetch(ORDER_ID);
    expect(asked).toHaveLength(1);
  });

  it('shares one deadline with all its calls', async () => {
    const { gateway } = wire(
      { ...orders({ status: 200, body: PAID }), 'GET /v1/customer/disputes': 'silence' },
      { timeoutMs: 200 },
    );
    const startedAtMs = performance.now();
    expect((await gateway.fetch(ORDER_ID)).kind).toBe('no_answer');
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });

  it('at what is no order of one unit is a fault of the address', async () => {
    for (const body of [{}, { id: ORDER_ID }, { ...RESERVED, purchase_units: [] }]) {
      const { gateway } = wire(orders({ status: 200, body }));
      expect((await gateway.fetch(ORDER_ID)).kind).toBe('misconfigured');
    }
  });

  it('at what is no id names nothing and goes nowhere', async () => {
    const { gateway, asked, tokens } = wire({ ...TOKEN, ...NO_DISPUTES });
    for (const ref of ['', '../customers', 'a/b', 'a?b', 'x'.repeat(65)]) {
      expect(await gateway.fetch(ref)).toEqual({ kind: 'missing' });
      expect(await gateway.fetchRefund(ref)).toEqual({ kind: 'missing' });
    }
    expect([...asked, ...tokens]).toEqual([]);
  });
});

describe('the list', () => {
  it('puts orders together from the events of the day', async () => {
    const events = [
      event('PAYMENT.CAPTURE.REFUNDED', NOW_MS - 1_000, {
        id: 'REF1',
        amount: eur('2.00'),
        links: [{ rel: 'up', href: 'https://paypal.example/v2/payments/captures/CAPT1' }],
      }),
      event('PAYMENT.CAPTURE.COMPLETED', NOW_MS - 2_000, {
        id: 'CAPT1',
        custom_id: 'bkg_1:pay_1',
        amount: eur('12.34'),
        ...related('ORDER1'),
      }),
      event('PAYMENT.AUTHORIZATION.VOIDED', NOW_MS - 3_000, { id: 'A2', ...related('ORDER2') }),
      event('PAYMENT.AUTHORIZATION.CREATED', NOW_MS - 4_000, {
        id: 'A3',
        custom_id: 'sub_1:chg_1',
        ...related('ORDER3'),
      }),
      event('PAYMENT.AUTHORIZATION.CREATED', NOW_MS - 5_000, { id: 'A2', ...related('ORDER2') }),
      event('PAYMENT.AUTHORIZATION.CREATED', NOW_MS - 6_000, {
        id: 'A1',
        custom_id: 'bkg_1:pay_1',
        ...related('ORDER1'),
      }),
      event('VAULT.PAYMENT-TOKEN.CREATED', NOW_MS - 7_000, { id: 'tok' }),
    ];
    const { gateway, asked } = wire({
      ...TOKEN,
      'GET /v1/notifications/webhooks-events': { status: 200, body: { events, links: [] } },
    });
    const page = await gateway.listSince({ sinceMs: NOW_MS - DAY_MS, cursor: null });
    expect(page).toMatchObject({ next: null });
    const rows = 'payments' in page ? page.payments : [];
    const byRef = new Map(rows.map((row) => [row.ref, row]));
    expect(byRef.get('ORDER1')).toEqual({
      ref: 'ORDER1',
      state: 'captured',
      reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
      createdAtMs: NOW_MS - 6_000,
      capturedMinor: 1_234,
      refundedMinor: 200,
      currency: 'eur',
    });
    expect(byRef.get('ORDER2')).toMatchObject({ state: 'ended', reference: null });
    expect(byRef.get('ORDER3')).toMatchObject({
      state: 'authorized',
      reference: { subscriptionId: 'sub_1', chargeId: 'chg_1' },
    });
    expect(rows).toHaveLength(3);
    const query = new URLSearchParams(asked[0]?.path.split('?')[1]);
    expect(query.get('start_time')).toBe('2026-11-20T12:00:00Z');
    expect(query.get('end_time')).toBe('2026-11-21T12:00:00Z');
  });

  it('goes on by the query of PayPal’s link, and never to its host', async () => {
    const href =
      'https://evil.example/v1/notifications/webhooks-events?page_size=100&start_after=W1';
    const { gateway, asked } = wire({
      ...TOKEN,
      'GET /v1/notifications/webhooks-events': [
        { status: 200, body: { events: [], links: [{ rel: 'next', href }] } },
        { status: 200, body: { events: [], links: [] } },
      ],
    });
    const first = await gateway.listSince({ sinceMs: NOW_MS, cursor: null });
    const cursor = 'next' in first ? first.next : null;
    expect(await gateway.listSince({ sinceMs: NOW_MS, cursor })).toEqual({
      payments: [],
      next: null,
    });
    expect(asked[1]?.path).toBe('/v1/notifications/webhooks-events?page_size=100&start_after=W1');
  });
});
