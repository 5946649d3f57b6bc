/**
 * Money on its way back: refunds and disputes, with the account's statement and the books beside them.
 * Speaks HTTP only.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  authorized,
  captured,
  issueOf,
  newKey,
  startPaypal,
  type PaypalRig,
} from './support-paypal.ts';

const DAY = 86_400;

let rig: PaypalRig;
beforeEach(async () => {
  rig = await startPaypal();
});
afterEach(() => rig.close());

const refund = (captureId: string, body: object = {}) =>
  rig.post(`/v2/payments/captures/${captureId}/refund`, body, { key: newKey() });
const part = (value: string) => ({ amount: { currency_code: 'USD', value } });
const captureOf = async (id: string) => (await rig.get(`/v2/payments/captures/${id}`)).json;
const rowsOf = async (orderId: string, kind: string) =>
  (await rig.books(orderId)).filter((row) => row.kind === kind);

const disputeOf = async (captureId: string) => {
  const list = await rig.get(`/v1/customer/disputes?disputed_transaction_id=${captureId}`);
  const id = String(list.json['items']?.[0]?.['dispute_id']);
  return { id, path: `/v1/customer/disputes/${id}` };
};
const isoTime = (ms: number) => new Date(ms).toISOString();
const search = async (rest = '') => {
  const now = Date.now();
  const range = `start_date=${isoTime(now - 3_600_000)}&end_date=${isoTime(now + 3_600_000)}`;
  return (await rig.get(`/v1/reporting/transactions?${range}${rest}`)).json;
};
const lines = async (rest = '') =>
  (await search(rest))['transaction_details']?.map((row) => {
    const info = row['transaction_info'];
    return [info?.['transaction_event_code'], info?.['transaction_amount']?.['value']];
  });

describe('a refund', () => {
  it('is given in parts until everything is back, and is found by the order', async () => {
    const { orderId, captureId } = await captured(rig);
    const first = await refund(captureId, { ...part('10.00'), invoice_id: 'rfd_one' });
    expect(first.status).toBe(201);
    expect(first.json).toMatchObject({
      status: 'COMPLETED',
      invoice_id: 'rfd_one',
      custom_id: 'bkg_one:pay_one',
      seller_payable_breakdown: { total_refunded_amount: { value: '10.00' } },
    });
    expect((await captureOf(captureId))['status']).toBe('PARTIALLY_REFUNDED');
    expect(issueOf(await refund(captureId, part('15.01')))).toBe('422 REFUND_AMOUNT_EXCEEDED');
    expect(issueOf(await refund(captureId, { ...part('1.00'), invoice_id: 'rfd_one' }))).toBe(
      '422 DUPLICATE_INVOICE_ID',
    );
    const rest = await refund(captureId);
    expect(rest.json['amount']).toEqual({ currency_code: 'USD', value: '15.00' });
    expect((await captureOf(captureId))['status']).toBe('REFUNDED');
    expect(issueOf(await refund(captureId))).toBe('422 CAPTURE_FULLY_REFUNDED');
    const { json } = await rig.get(`/v2/checkout/orders/${orderId}`);
    const refunds = json['purchase_units']?.[0]?.['payments']?.['refunds'];
    expect(refunds?.map((row) => row['id'])).toEqual([first.json['id'], rest.json['id']]);
    expect((await rowsOf(orderId, 'refund')).map((row) => row.amount)).toEqual([1000, 1500]);
  });

  it.each([
    { payer: 'payer_refund_pending', last: 'COMPLETED', capture: 'REFUNDED', booked: 'succeeded' },
    { payer: 'payer_refund_failed', last: 'FAILED', capture: 'COMPLETED', booked: 'failed' },
  ])('for $payer is pending, then $last', async ({ payer, last, capture, booked }) => {
    const { orderId, captureId } = await captured(rig, payer);
    const asked = await refund(captureId, { invoice_id: 'rfd_one' });
    expect(asked.json['status']).toBe('PENDING');
    await rig.advance(600);
    const path = `/v2/payments/refunds/${String(asked.json['id'])}`;
    expect((await rig.get(path)).json['status']).toBe(last);
    expect((await captureOf(captureId))['status']).toBe(capture);
    expect((await rowsOf(orderId, 'refund')).map((row) => row.status)).toEqual([booked]);
    // Only one that came through has used up its invoice_id.
    const again = await refund(captureId, { invoice_id: 'rfd_one' });
    expect(again.status).toBe(last === 'FAILED' ? 201 : 422);
  });

  it('is refused while the capture is pending, without funds, and after 180 days', async () => {
    const pending = await captured(rig, 'payer_capture_pending');
    expect(issueOf(await refund(pending.captureId))).toBe('422 PENDING_CAPTURE');
    const poor = await captured(rig, 'payer_refund_refused');
    expect(issueOf(await refund(poor.captureId))).toBe('422 REFUND_FAILED_INSUFFICIENT_FUNDS');
    const old = await captured(rig);
    await rig.advance(181 * DAY);
    expect(issueOf(await refund(old.captureId))).toBe('422 REFUND_TIME_LIMIT_EXCEEDED');
  });
});

describe('a dispute', () => {
  it('takes the money while it is open, and keeps it when nobody answers', async () => {
    const { orderId, captureId } = await captured(rig, 'payer_dispute');
    const { path } = await disputeOf(captureId);
    expect((await rig.get(path)).json).toMatchObject({
      status: 'WAITING_FOR_SELLER_RESPONSE',
      dispute_life_cycle_stage: 'CHARGEBACK',
      reason: 'UNAUTHORISED',
      dispute_amount: { currency_code: 'USD', value: '25.00' },
      disputed_transactions: [{ seller_transaction_id: captureId, custom: 'bkg_one:pay_one' }],
    });
    expect(issueOf(await refund(captureId))).toBe('422 REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK');
    await rig.advance(10 * DAY);
    expect((await rig.get(path)).json).toMatchObject({
      status: 'RESOLVED',
      dispute_outcome: { outcome_code: 'RESOLVED_BUYER_FAVOUR' },
    });
    expect(await rowsOf(orderId, 'dispute')).toMatchObject([{ amount: 2500, status: 'succeeded' }]);
  });

  it('is won with evidence, once, and the money may be refunded again', async () => {
    const { orderId, captureId } = await captured(rig, 'payer_dispute');
    const { path } = await disputeOf(captureId);
    const evidence = { evidence_type: 'PROOF_OF_FULFILLMENT', notes: 'winning_evidence' };
    const form = new FormData();
    form.set('input', JSON.stringify({ evidences: [evidence] }));
    const encoded = new Response(form);
    const sent = await rig.call('POST', `${path}/provide-evidence`, {
      body: await encoded.text(),
      headers: { 'content-type': String(encoded.headers.get('content-type')) },
    });
    expect(sent.status).toBe(200);
    expect((await rig.get(path)).json['dispute_outcome']).toEqual({
      outcome_code: 'RESOLVED_SELLER_FAVOUR',
    });
    const again = await rig.post(`${path}/provide-evidence`, { evidences: [evidence] });
    expect(again.status).toBe(422);
    expect(await rowsOf(orderId, 'dispute')).toMatchObject([{ status: 'failed' }]);
    expect((await refund(captureId)).status).toBe(201);
  });

  it('under review waits for a decision', async () => {
    const { captureId } = await captured(rig, 'payer_dispute');
    const { path } = await disputeOf(captureId);
    await rig.post(`${path}/provide-evidence`, {
      evidences: [{ evidence_type: 'OTHER', notes: 'They were there.' }],
    });
    await rig.advance(60 * DAY);
    expect((await rig.get(path)).json['status']).toBe('UNDER_REVIEW');
    await rig.post(`${path}/adjudicate`, { adjudication_outcome: 'SELLER_FAVOR' });
    expect((await rig.get(path)).json['status']).toBe('RESOLVED');
  });

  it('that only asks takes nothing, and rests when everything is given back', async () => {
    const { orderId, captureId } = await captured(rig, 'payer_inquiry');
    const { path } = await disputeOf(captureId);
    expect((await rig.get(path)).json['dispute_life_cycle_stage']).toBe('INQUIRY');
    expect(issueOf(await refund(captureId, part('1.00')))).toBe('422 TRANSACTION_DISPUTED');
    expect((await refund(captureId)).status).toBe(201);
    expect((await rig.get(path)).json['dispute_outcome']).toEqual({
      outcome_code: 'CANCELED_BY_BUYER',
    });
    expect(await rowsOf(orderId, 'dispute')).toMatchObject([{ status: 'failed' }]);
  });

  it('may be given in to, which gives the money away', async () => {
    const { orderId, captureId } = await captured(rig, 'payer_inquiry');
    const { path } = await disputeOf(captureId);
    expect((await rig.post(`${path}/accept-claim`, { note: 'Sorry.' })).status).toBe(200);
    expect(await rowsOf(orderId, 'dispute')).toMatchObject([{ status: 'succeeded' }]);
  });

  it('may be opened by the payer at any later time, about a part of the money', async () => {
    const { orderId, captureId } = await captured(rig);
    expect((await rig.pay(orderId, { action: 'dispute', amount: 2501 })).status).toBe(422);
    expect((await rig.pay(orderId, { action: 'dispute', amount: 1000 })).status).toBe(200);
    expect((await rig.pay(orderId, { action: 'dispute' })).status).toBe(409);
    const { path } = await disputeOf(captureId);
    expect((await rig.get(path)).json['dispute_amount']?.['value']).toBe('10.00');
  });
});

describe('the statement', () => {
  it('has a line for every movement, with our own reference and the fee', async () => {
    const { captureId } = await captured(rig);
    await refund(captureId, part('10.00'));
    await authorized(rig);
    expect(await lines()).toEqual([
      ['T0006', '25.00'],
      ['T1107', '-10.00'],
    ]);
    expect((await search())['transaction_details']?.[0]?.['transaction_info']).toMatchObject({
      transaction_id: captureId,
      custom_field: 'bkg_one:pay_one',
      transaction_status: 'S',
      fee_amount: { currency_code: 'USD', value: '-1.36' },
    });
    expect(await lines('&balance_affecting_records_only=N')).toHaveLength(4);
  });

  it('shows what a dispute holds, gives back and takes', async () => {
    const { orderId } = await captured(rig);
    await rig.pay(orderId, { action: 'dispute' });
    await rig.advance(10 * DAY);
    expect(await lines()).toEqual([
      ['T0006', '25.00'],
      ['T1110', '-25.00'],
      ['T1111', '25.00'],
      ['T1201', '-25.00'],
    ]);
  });

  it('is read page by page', async () => {
    await captured(rig);
    await captured(rig);
    const second = await search('&page_size=1&page=2');
    expect(second).toMatchObject({ page: 2, total_items: 2, total_pages: 2 });
    expect(second['transaction_details']).toHaveLength(1);
    expect((await search('&page_size=1'))['links']?.[0]?.['rel']).toBe('next');
    const unbound = await rig.get('/v1/reporting/transactions?start_date=2026-01-01T00:00:00Z');
    expect(unbound.status).toBe(400);
  });
});
