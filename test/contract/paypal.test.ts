/**
 * The payment contract, run by the shipping PayPal adapter against the PayPal simulator over real sockets, and what is
 * PayPal's own: refusals after an approval, captures and refunds that take days, renewed authorisations, disputes.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  AMOUNT,
  fetched,
  newKey,
  open,
  paymentOf,
  refundOf,
  type GatewayTraits,
} from './payment-gateway-subject.ts';
import { describePaymentGateway } from './payment-gateway.case.ts';
import { newRefundId } from './payment-gateway-refunds.case.ts';
import { startPaypal, type PaypalHarness } from './paypal-world.ts';

const DAY_SECONDS = 86_400;

const ONLY_MOVED = 'PayPal lists events, and an order that nobody approved has none';

const TRAITS: GatewayTraits = {
  flow: 'redirect',
  refunds: 'api',
  storesFaults: false,
  authorizationDays: 29,
  webhookAgeSeconds: { past: 4 * DAY_SECONDS, future: 300 },
  exceptions: {
    'finds payments without money since an instant, open and ended': ONLY_MOVED,
    'a payment whose open was lost is listed once': ONLY_MOVED,
    'goes on after the last row of a page and leaves out what is older':
      'PayPal lists events, not orders, so a row is not a place to go on from',
  },
};

describePaymentGateway('paypal', startPaypal, TRAITS);

describe('paypal beside the contract', () => {
  let harness: PaypalHarness;
  const subject = {
    get harness() {
      return harness;
    },
    get gateway() {
      return harness.gateway;
    },
  };
  beforeAll(async () => {
    harness = await startPaypal();
  });
  afterEach(() => harness.clearFaults());
  afterAll(() => harness.close());

  async function approved(payer: string): Promise<string> {
    const { ref } = await open(subject);
    await harness.act(ref, { action: 'approve', paymentMethod: payer });
    return ref;
  }

  const authorize = (ref: string) =>
    harness.gateway.authorize({ key: newKey(), ref, paymentMethod: '', returnUrl: null });

  async function reserved(payer: string): Promise<string> {
    const ref = await approved(payer);
    expect(paymentOf(await authorize(ref)).state).toBe('authorized');
    return ref;
  }

  async function paid(payer: string): Promise<string> {
    const ref = await reserved(payer);
    paymentOf(await harness.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT }));
    return ref;
  }

  it('finds the same order under the same key after a time-out', async () => {
    await harness.setFault('create', 'timeout_after');
    const request = {
      key: newKey(),
      amount: { amount: AMOUNT, currency: 'eur' },
      reference: { bookingId: 'bkg_twice', paymentId: 'pay_twice' },
      returnUrl: null,
    };
    expect((await harness.gateway.open(request)).kind).toBe('no_answer');
    const { ref } = paymentOf(await harness.gateway.open(request));
    expect(paymentOf(await harness.gateway.open(request)).ref).toBe(ref);
  });

  it('tells a refused payer from a fault, and lets another try on the same order succeed', async () => {
    const ref = await approved('payer_instrument_declined');
    expect(await authorize(ref)).toMatchObject({
      kind: 'declined',
      code: 'instrument_declined',
      retry: 'payer',
    });
    expect(await fetched(subject, ref)).toMatchObject({
      state: 'action_required',
      action: { type: 'redirect' },
    });
    await harness.act(ref, { action: 'approve', paymentMethod: 'payer_ok' });
    expect(paymentOf(await authorize(ref)).state).toBe('authorized');
  });

  it.each([
    ['payer_authorization_pending', 'authorized'],
    ['payer_authorization_denied', 'failed'],
  ])('waits while PayPal checks %s, and is %s after that', async (payer, state) => {
    const ref = await approved(payer);
    expect(paymentOf(await authorize(ref)).state).toBe('pending');
    expect((await fetched(subject, ref)).state).toBe('pending');
    await harness.advanceSeconds(5 * DAY_SECONDS);
    expect((await fetched(subject, ref)).state).toBe(state);
  });

  it('has nothing to release where the check ended in a no, and says so', async () => {
    const ref = await approved('payer_authorization_denied');
    expect(paymentOf(await authorize(ref)).state).toBe('pending');
    await harness.advanceSeconds(5 * DAY_SECONDS);
    const reply = await harness.gateway.void({ key: newKey(), ref });
    expect(paymentOf(reply)).toMatchObject({ state: 'voided', authorizedMinor: 0 });
  });

  it('is paid only once a pending capture is complete, under the same key', async () => {
    const ref = await reserved('payer_capture_pending');
    const capture = { key: newKey(), ref, amountMinor: AMOUNT };
    expect((await harness.gateway.capture(capture)).kind).toBe('unavailable');
    expect(await fetched(subject, ref)).toMatchObject({ state: 'pending', capturedMinor: 0 });
    expect((await harness.gateway.capture(capture)).kind).toBe('unavailable');
    await harness.advanceSeconds(5 * DAY_SECONDS);
    expect(paymentOf(await harness.gateway.capture(capture)).capturedMinor).toBe(AMOUNT);
    const captures = (await harness.movements(ref)).filter(({ kind }) => kind === 'capture');
    expect(captures).toHaveLength(1);
  });

  it('has failed when its capture was declined, at once or later, and its funds are released', async () => {
    const atOnce = await reserved('payer_capture_declined');
    const capture = { key: newKey(), ref: atOnce, amountMinor: AMOUNT };
    expect((await harness.gateway.capture(capture)).kind).toBe('declined');
    const later = await reserved('payer_capture_declined_later');
    const lateCapture = { key: newKey(), ref: later, amountMinor: AMOUNT };
    expect((await harness.gateway.capture(lateCapture)).kind).toBe('unavailable');
    await harness.advanceSeconds(5 * DAY_SECONDS);
    expect(await fetched(subject, later)).toMatchObject({ state: 'failed', capturedMinor: 0 });
    for (const ref of [atOnce, later]) {
      const reply = await harness.gateway.void({ key: newKey(), ref });
      expect(['payment', 'already_done']).toContain(reply.kind);
    }
  });

  it('renews an authorisation beyond its honour period before it captures', async () => {
    const ref = await reserved('payer_capture_refused_late');
    await harness.advanceSeconds(4 * DAY_SECONDS);
    harness.advanceAdapter(4 * DAY_SECONDS);
    const capture = { key: newKey(), ref, amountMinor: AMOUNT };
    expect(paymentOf(await harness.gateway.capture(capture))).toMatchObject({
      state: 'captured',
      capturedMinor: AMOUNT,
    });
    expect(await fetched(subject, ref)).toMatchObject({ capturedMinor: AMOUNT });
    harness.advanceAdapter(-4 * DAY_SECONDS);
  });

  it('tells what PayPal keeps of a payment', async () => {
    const { feeMinor } = await fetched(subject, await paid('payer_ok'));
    expect(feeMinor).toBeGreaterThan(0);
    expect(feeMinor).toBeLessThan(AMOUNT);
  });

  it('says that a refund is done only once PayPal does', async () => {
    const slow = await paid('payer_refund_pending');
    const request = { key: newKey(), ref: slow, amountMinor: 500, refundId: newRefundId() };
    const refund = refundOf(await harness.gateway.refund(request));
    expect(refund.status).toBe('pending');
    await harness.advanceSeconds(5 * DAY_SECONDS);
    expect(refundOf(await harness.gateway.fetchRefund(refund.ref)).status).toBe('succeeded');
  });

  it('finds out that a refund failed days later, and may make another', async () => {
    const ref = await paid('payer_refund_failed');
    const request = { key: newKey(), ref, amountMinor: 500, refundId: newRefundId() };
    const refund = refundOf(await harness.gateway.refund(request));
    await harness.advanceSeconds(5 * DAY_SECONDS);
    expect(refundOf(await harness.gateway.fetchRefund(refund.ref)).status).toBe('failed');
    expect((await fetched(subject, ref)).refundedMinor).toBe(0);
  });

  it('is told a definite no to a refund', async () => {
    const ref = await paid('payer_refund_refused');
    const request = { key: newKey(), ref, amountMinor: 500, refundId: newRefundId() };
    expect((await harness.gateway.refund(request)).kind).toBe('declined');
  });

  it('shows a dispute with its deadline, and how it ended', async () => {
    const ref = await paid('payer_ok');
    expect((await fetched(subject, ref)).disputes).toEqual([]);
    await harness.act(ref, { action: 'dispute' });
    const [dispute] = (await fetched(subject, ref)).disputes;
    expect(dispute).toMatchObject({ status: 'open', amountMinor: AMOUNT, currency: 'eur' });
    expect(dispute?.evidenceDueMs).toBeGreaterThan(harness.nowMs());
    const sinceMs = harness.nowMs() - DAY_SECONDS * 1_000;
    expect(await harness.gateway.listDisputesSince({ sinceMs, cursor: null })).toMatchObject({
      disputes: expect.arrayContaining([
        {
          ref: dispute?.ref,
          reference: expect.objectContaining({ bookingId: expect.any(String) }),
        },
      ]),
    });
    const refund = { key: newKey(), ref, amountMinor: 500, refundId: newRefundId() };
    expect(await harness.gateway.refund(refund)).toMatchObject({
      kind: 'declined',
      code: 'refund_not_permitted_due_to_chargeback',
    });
    await harness.advanceSeconds(60 * DAY_SECONDS);
    expect((await fetched(subject, ref)).disputes).toMatchObject([
      { ref: dispute?.ref, status: 'lost' },
    ]);
  });

  it.each([
    ['PAYMENT.CAPTURE.REFUNDED', 'payer_ok'],
    ['CUSTOMER.DISPUTE.CREATED', 'payer_ok'],
  ])('is led to the payment by %s', async (type, payer) => {
    const { ref, metadata } = await fetched(subject, await paid(payer));
    const refundId = newRefundId();
    if (type.startsWith('CUSTOMER')) await harness.act(ref, { action: 'dispute' });
    else await harness.gateway.refund({ key: newKey(), ref, amountMinor: 500, refundId });
    const delivered = await harness.eventOf(
      `${metadata['booking_id']}:${metadata['payment_id']}`,
      type,
    );
    const event = await harness.gateway.readWebhook({ ...delivered, nowMs: harness.nowMs() });
    expect(event).toMatchObject({
      type,
      isExpected: true,
      reference: { bookingId: metadata['booking_id'], paymentId: metadata['payment_id'] },
    });
  });

  it('lists what moved, and how it stands', async () => {
    const sinceMs = harness.nowMs() - 60_000;
    const held = await reserved('payer_ok');
    const taken = await paid('payer_ok');
    const request = { key: newKey(), ref: taken, amountMinor: 45, refundId: newRefundId() };
    refundOf(await harness.gateway.refund(request));
    const ended = await reserved('payer_ok');
    paymentOf(await harness.gateway.void({ key: newKey(), ref: ended }));
    const page = await harness.gateway.listSince({ sinceMs, cursor: null });
    const rows = 'payments' in page ? page.payments : [];
    const rowOf = (ref: string) => rows.find((row) => row.ref === ref);
    expect(rowOf(held)).toMatchObject({ state: 'authorized', capturedMinor: 0 });
    expect(rowOf(taken)).toMatchObject({
      state: 'captured',
      capturedMinor: AMOUNT,
      refundedMinor: 45,
    });
    expect(rowOf(taken)?.reference).toHaveProperty('paymentId');
    expect(rowOf(ended)).toMatchObject({ state: 'ended' });
  });

  it.each([
    ['jpy', 12_345],
    ['huf', 12_300],
    ['usd', 1],
    ['eur', 987_654],
  ])('is paid in %s to the minor unit', async (currency, amount) => {
    const key = newKey();
    const reference = { bookingId: `bkg_${key}`, paymentId: `pay_${key}` };
    const request = { key, amount: { amount, currency }, reference, returnUrl: null };
    const { ref } = paymentOf(await harness.gateway.open(request));
    await harness.act(ref, { action: 'approve' });
    paymentOf(await authorize(ref));
    await harness.gateway.capture({ key: newKey(), ref, amountMinor: amount });
    expect(await fetched(subject, ref)).toMatchObject({
      state: 'captured',
      currency,
      amountMinor: amount,
      capturedMinor: amount,
    });
  });
});
