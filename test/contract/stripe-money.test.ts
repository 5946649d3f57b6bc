/**
 * What the Stripe adapter reads beyond the common contract, against the simulator over real sockets: fees, disputes from
 * the first objection to the end, and cards that a wallet hands over.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stripe } from 'stripe';
import type { PaymentGateway, WebhookEvent } from '../../src/application/ports.ts';
import type { ProcessorPayment } from '../../src/domain/payment/processor-reply.ts';
import { createStripeGateway } from '../../src/payments/stripe/gateway.ts';
import { AMOUNT, CURRENCY, newKey, paymentOf, RETURN_URL } from './payment-gateway-subject.ts';
import { startStripe, SECRET_KEY, type StripeWorld } from './stripe-world.ts';

/** 2.9 % of 12,345 rounded half up, and 30. */
const FEE = 388;

let world: StripeWorld;
let gateway: PaymentGateway;
let dashboard: Stripe;
beforeAll(async () => {
  world = await startStripe();
  gateway = createStripeGateway(world.config);
  dashboard = dashboardOf(world);
});
afterAll(() => world.close());

/** The operator at Stripe's own pages, who answers disputes there. */
function dashboardOf({ config }: StripeWorld): Stripe {
  const base = new URL(config.apiUrl);
  return new Stripe(SECRET_KEY, {
    protocol: 'http',
    host: base.hostname,
    port: base.port,
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: Stripe.createFetchHttpClient((input: string | URL | Request, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      url.pathname = `${base.pathname}${url.pathname}`;
      return fetch(url, init);
    }),
  });
}

async function opened(): Promise<string> {
  const key = newKey();
  const reply = await gateway.open({
    key,
    amount: { amount: AMOUNT, currency: CURRENCY },
    reference: { bookingId: `bkg_${key}`, paymentId: `pay_${key}` },
    returnUrl: null,
  });
  return paymentOf(reply).ref;
}

async function reserved(paymentMethod: string): Promise<ProcessorPayment> {
  const ref = await opened();
  const request = { key: newKey(), ref, paymentMethod, returnUrl: RETURN_URL };
  return paymentOf(await gateway.authorize(request));
}

async function paid(paymentMethod: string): Promise<ProcessorPayment> {
  const { ref } = await reserved(paymentMethod);
  return paymentOf(await gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT }));
}

async function fetched(ref: string): Promise<ProcessorPayment> {
  return paymentOf(await gateway.fetch(ref));
}

async function event(type: string, ref: string): Promise<WebhookEvent | null> {
  const delivery = await world.events.first(type, ref);
  return gateway.readWebhook({ ...delivery, nowMs: Date.now() });
}

describe('fees', () => {
  it('are told with the capture and not before', async () => {
    const { ref, feeMinor } = await reserved('pm_card_visa');
    expect(feeMinor).toBeNull();
    const captured = paymentOf(await gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT }));
    expect(captured.feeMinor).toBe(FEE);
    expect((await fetched(ref)).feeMinor).toBe(FEE);
  });

  it('are not told of a payment that was never captured', async () => {
    const { ref } = await reserved('pm_card_visa');
    expect(paymentOf(await gateway.void({ key: newKey(), ref })).feeMinor).toBeNull();
  });
});

describe('disputes', () => {
  const open = {
    status: 'open',
    amountMinor: AMOUNT,
    currency: CURRENCY,
    reason: 'fraudulent',
    ref: expect.stringMatching(/^du_/),
  };

  it('are none for a payment that nobody objected to', async () => {
    expect((await paid('pm_card_visa')).disputes).toEqual([]);
  });

  it('show with the payment, with the time until which evidence counts', async () => {
    const { ref } = await paid('pm_card_createDispute');
    const { disputes, state, capturedMinor } = await fetched(ref);
    expect({ state, capturedMinor }).toEqual({ state: 'captured', capturedMinor: AMOUNT });
    expect(disputes).toEqual([{ ...open, evidenceDueMs: expect.any(Number) }]);
    expect(disputes[0]?.evidenceDueMs).toBeGreaterThan(Date.now() + 8 * 86_400_000);
  });

  it('are told of by events that name the payment', async () => {
    const { ref } = await paid('pm_card_createDispute');
    for (const type of ['charge.dispute.created', 'charge.dispute.funds_withdrawn']) {
      expect(await event(type, ref)).toMatchObject({ type, objectRef: ref, isExpected: true });
    }
  });

  it('are under review once answered, and won by good evidence', async () => {
    const { ref } = await paid('pm_card_createDispute');
    const id = (await fetched(ref)).disputes[0]?.ref ?? '';
    await dashboard.disputes.update(id, { evidence: { product_description: 'a booking' } });
    expect((await fetched(ref)).disputes).toMatchObject([{ ref: id, status: 'under_review' }]);
    await dashboard.disputes.update(id, { evidence: { uncategorized_text: 'winning_evidence' } });
    expect((await fetched(ref)).disputes).toMatchObject([{ ref: id, status: 'won' }]);
    const closed = await event('charge.dispute.closed', ref);
    expect(closed).toMatchObject({ objectRef: ref, isExpected: true });
    expect(await event('charge.dispute.funds_reinstated', ref)).toMatchObject({ objectRef: ref });
  });

  it('are lost by bad evidence and by waiting too long, and then nothing is refunded', async () => {
    const answered = await paid('pm_card_createDisputeProductNotReceived');
    const id = (await fetched(answered.ref)).disputes[0]?.ref ?? '';
    await dashboard.disputes.update(id, { evidence: { uncategorized_text: 'losing_evidence' } });
    expect((await fetched(answered.ref)).disputes).toMatchObject([
      { status: 'lost', reason: 'product_not_received', amountMinor: AMOUNT },
    ]);
    const waited = await paid('pm_card_createDispute');
    await world.advanceSeconds(9 * 86_400);
    expect((await fetched(waited.ref)).disputes).toMatchObject([{ status: 'lost' }]);
    const refund = { key: newKey(), ref: waited.ref, amountMinor: AMOUNT, refundId: 'rfd_lost_1' };
    expect(await gateway.refund(refund)).toMatchObject({
      kind: 'declined',
      code: 'charge_disputed',
      retry: 'never',
    });
  });

  it('may begin as an inquiry, which takes nothing and leaves refunds open', async () => {
    const { ref } = await paid('pm_card_createDisputeInquiry');
    const [inquiry] = (await fetched(ref)).disputes;
    expect(inquiry).toMatchObject({ status: 'inquiry', reason: 'general' });
    const refund = { key: newKey(), ref, amountMinor: AMOUNT, refundId: 'rfd_inquiry' };
    expect((await gateway.refund(refund)).kind).toBe('refund');
    await dashboard.disputes.close(inquiry?.ref ?? '');
    expect((await fetched(ref)).disputes).toMatchObject([{ status: 'won' }]);
  });

  it('are listed since an instant with the payment that they are about, page after page', async () => {
    const sinceMs = Date.now() - 60_000;
    const { ref, metadata } = await paid('pm_card_createDispute');
    const id = (await fetched(ref)).disputes[0]?.ref ?? '';
    const first = await gateway.listDisputesSince({ sinceMs, cursor: null });
    if ('failed' in first) throw new Error(first.failed);
    const { booking_id: bookingId, payment_id: paymentId } = metadata;
    expect(first.disputes[0]).toEqual({ ref: id, reference: { bookingId, paymentId } });
    const rest = await gateway.listDisputesSince({ sinceMs, cursor: id });
    if ('failed' in rest) throw new Error(rest.failed);
    expect(rest.disputes.map((row) => row.ref)).not.toContain(id);
    await world.setFault('list', 'http_500');
    expect(await gateway.listDisputesSince({ sinceMs, cursor: null })).toEqual({
      failed: expect.stringContaining('server_error'),
    });
    await world.clearFaults();
  });

  it('that cannot be read leave the payment unknown instead of undisputed', async () => {
    const { ref } = await paid('pm_card_createDispute');
    await world.setFault('list', 'http_500');
    expect((await gateway.fetch(ref)).kind).toBe('no_answer');
    await world.clearFaults();
    expect((await fetched(ref)).disputes).toMatchObject([open]);
  });
});

describe('wallets', () => {
  it.each([
    ['Apple Pay', 'pm_card_applePay', 'apple_pay'],
    ['Google Pay', 'pm_card_googlePay', 'google_pay'],
  ])('%s pays, is captured and refunded like any card', async (_name, method, wallet) => {
    const payment = await paid(method);
    expect(payment).toMatchObject({ state: 'captured', capturedMinor: AMOUNT, feeMinor: FEE });
    const intent = await dashboard.paymentIntents.retrieve(payment.ref, {
      expand: ['latest_charge', 'payment_method'],
    });
    const { latest_charge: charge, payment_method: kept } = intent;
    if (charge === null || typeof charge === 'string') throw new Error('not expanded');
    if (kept === null || typeof kept === 'string') throw new Error('not expanded');
    expect(charge.payment_method_details?.card?.wallet?.type).toBe(wallet);
    expect(kept.card?.wallet?.type).toBe(wallet);
    const refund = { key: newKey(), ref: payment.ref, amountMinor: 100, refundId: `rfd_${wallet}` };
    expect(await gateway.refund(refund)).toMatchObject({ refund: { status: 'succeeded' } });
  });

  it('pay with a token that the payer’s device made', async () => {
    const method = await dashboard.paymentMethods.create({
      type: 'card',
      card: { token: 'tok_applePay' },
    });
    expect((await paid(method.id)).methodRef).toBe(method.id);
  });

  it('are declined like any card', async () => {
    for (const paymentMethod of ['pm_card_applePayDeclined', 'pm_card_googlePayDeclined']) {
      const request = { key: newKey(), ref: await opened(), paymentMethod, returnUrl: RETURN_URL };
      expect(await gateway.authorize(request)).toMatchObject({
        kind: 'declined',
        code: 'insufficient_funds',
        retry: 'later',
      });
    }
  });
});
