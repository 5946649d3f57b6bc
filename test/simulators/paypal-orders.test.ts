/**
 * An order through its life: created, approved by the payer, authorized, captured, voided, forgotten,
 * with the books beside it. Speaks HTTP only.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approved,
  authorized,
  CANCEL_URL,
  captured,
  issueOf,
  newKey,
  orderBody,
  RETURN_URL,
  startPaypal,
  type PaypalRig,
} from './support-paypal.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

let rig: PaypalRig;
beforeEach(async () => {
  rig = await startPaypal();
});
afterEach(() => rig.close());

const create = (body: object) => rig.post('/v2/checkout/orders', body, { key: newKey() });
const order = async (id: string) => (await rig.get(`/v2/checkout/orders/${id}`)).json;
const authorize = (id: string) =>
  rig.post(`/v2/checkout/orders/${id}/authorize`, {}, { key: newKey() });
const authorization = (id: string) => rig.get(`/v2/payments/authorizations/${id}`);
const act = (id: string, verb: string, body: object = {}) =>
  rig.post(`/v2/payments/authorizations/${id}/${verb}`, body, { key: newKey() });

describe('an order', () => {
  it('waits for the payer, who is sent back where they came from', async () => {
    const created = await create(orderBody({ invoice_id: 'pay_one' }));
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({
      status: 'PAYER_ACTION_REQUIRED',
      intent: 'AUTHORIZE',
      purchase_units: [
        {
          reference_id: 'default',
          custom_id: 'bkg_one:pay_one',
          invoice_id: 'pay_one',
          amount: { currency_code: 'USD', value: '25.00' },
        },
      ],
    });
    const id = String(created.json['id']);
    expect(id).toMatch(/^[A-Z0-9]{17}$/);
    expect(created.json['links']).toContainEqual({
      href: `${rig.url}/pay/paypal/${id}`,
      rel: 'payer-action',
      method: 'GET',
    });
    expect(issueOf(await authorize(id))).toBe('422 ORDER_NOT_APPROVED');

    const page = await fetch(`${rig.url}/pay/paypal/${id}`);
    expect(await page.text()).toContain('25.00 USD');
    const form = new URLSearchParams({ action: 'approve', paymentMethod: 'payer_ok' });
    const submitted = await fetch(page.url, { method: 'POST', body: form, redirect: 'manual' });
    expect(submitted.status).toBe(303);
    const back = new URL(String(submitted.headers.get('location')));
    expect(back.href.startsWith(RETURN_URL)).toBe(true);
    expect(back.searchParams.get('token')).toBe(id);
    expect(back.searchParams.get('PayerID')).toMatch(/^[A-Z0-9]{13}$/);
    expect(await order(id)).toMatchObject({
      status: 'APPROVED',
      payer: { email_address: 'payer_ok@example.com' },
    });
    expect(await rig.books()).toEqual([]);
  });

  it('lets a payer turn back, and come again', async () => {
    const created = await create(orderBody());
    const id = String(created.json['id']);
    const form = new URLSearchParams({ action: 'decline' });
    const url = `${rig.url}/pay/paypal/${id}`;
    const submitted = await fetch(url, { method: 'POST', body: form, redirect: 'manual' });
    expect(submitted.headers.get('location')).toBe(`${CANCEL_URL}?token=${id}`);
    expect((await rig.pay(id, { action: 'approve' })).json['status']).toBe('APPROVED');
    expect((await rig.pay(id, { action: 'approve' })).status).toBe(409);
  });

  it('is authorized and captured once, with the fee, and the books name the booking', async () => {
    const { orderId, authorizationId } = await authorized(rig);
    expect(await order(orderId)).toMatchObject({
      status: 'COMPLETED',
      purchase_units: [{ payments: { authorizations: [{ status: 'CREATED' }] } }],
    });
    expect(issueOf(await authorize(orderId))).toBe('422 ORDER_ALREADY_AUTHORIZED');
    const capture = await act(authorizationId, 'capture', { final_capture: true });
    expect(capture.status).toBe(201);
    expect(capture.json).toMatchObject({
      status: 'COMPLETED',
      amount: { value: '25.00' },
      final_capture: true,
      seller_receivable_breakdown: {
        gross_amount: { value: '25.00' },
        paypal_fee: { value: '1.36' },
        net_amount: { value: '23.64' },
      },
      supplementary_data: {
        related_ids: { order_id: orderId, authorization_id: authorizationId },
      },
    });
    expect(issueOf(await act(authorizationId, 'capture'))).toBe(
      '422 AUTHORIZATION_ALREADY_CAPTURED',
    );
    expect(issueOf(await act(authorizationId, 'void'))).toBe('422 PREVIOUSLY_CAPTURED');
    const metadata = { bookingId: 'bkg_one', paymentId: 'pay_one' };
    expect(await rig.books(orderId)).toMatchObject([
      { kind: 'authorization', amount: 2500, currency: 'usd', status: 'succeeded', metadata },
      { kind: 'capture', amount: 2500, currency: 'usd', status: 'succeeded', metadata },
    ]);
  });

  it('with the intent CAPTURE is taken at once', async () => {
    const id = await approved(rig, 'payer_ok', orderBody({}, { intent: 'CAPTURE' }));
    expect(issueOf(await authorize(id))).toBe('422 ACTION_DOES_NOT_MATCH_INTENT');
    const path = `/v2/checkout/orders/${id}/capture`;
    const taken = await rig.post(path, {}, { key: newKey() });
    expect(taken.json).toMatchObject({
      status: 'COMPLETED',
      purchase_units: [{ payments: { captures: [{ status: 'COMPLETED' }] } }],
    });
    expect(issueOf(await rig.post(path, {}, { key: newKey() }))).toBe('422 ORDER_ALREADY_CAPTURED');
    expect((await rig.books(id)).map((row) => row.kind)).toEqual(['capture']);
  });

  it('whose instrument is declined sends the payer back for another one', async () => {
    const id = await approved(rig, 'payer_instrument_declined');
    const refused = await authorize(id);
    expect(issueOf(refused)).toBe('422 INSTRUMENT_DECLINED');
    expect(refused.json['links']).toContainEqual({
      href: `${rig.url}/pay/paypal/${id}`,
      rel: 'payer-action',
      method: 'GET',
    });
    expect((await order(id))['status']).toBe('PAYER_ACTION_REQUIRED');
    await rig.pay(id, { action: 'approve', paymentMethod: 'payer_ok' });
    expect((await authorize(id)).status).toBe(201);
    expect((await rig.books(id)).map((row) => [row.kind, row.status])).toEqual([
      ['authorization', 'failed'],
      ['authorization', 'succeeded'],
    ]);
  });

  it('is forgotten after three hours unless it was completed', async () => {
    const waiting = String((await create(orderBody())).json['id']);
    const agreed = await approved(rig);
    const { orderId } = await authorized(rig);
    await rig.advance(3 * HOUR + 1);
    expect(issueOf(await rig.get(`/v2/checkout/orders/${waiting}`))).toBe(
      '404 INVALID_RESOURCE_ID',
    );
    expect(issueOf(await authorize(agreed))).toBe('422 ORDER_EXPIRED');
    expect((await rig.pay(waiting, { action: 'approve' })).status).toBe(409);
    expect((await order(orderId))['status']).toBe('COMPLETED');
  });
});

describe('an amount', () => {
  it.each([
    { currency: 'JPY', value: '2500', minor: 2500, fee: '127' },
    { currency: 'HUF', value: '2500', minor: 250_000, fee: '127' },
    { currency: 'EUR', value: '0.01', minor: 1, fee: '0.01' },
  ])(
    'of $value $currency on the wire is $minor minor units in the books',
    async ({ currency, value, minor, fee }) => {
      const body = orderBody({ amount: { currency_code: currency, value } });
      const { orderId, authorizationId } = await authorized(rig, 'payer_ok', body);
      const capture = await act(authorizationId, 'capture');
      expect(capture.json['amount']).toEqual({ currency_code: currency, value });
      expect(capture.json['seller_receivable_breakdown']?.['paypal_fee']?.['value']).toBe(fee);
      expect((await rig.books(orderId)).map((row) => row.amount)).toEqual([minor, minor]);
    },
  );

  it.each([
    ['USD', '1.005', '422 DECIMAL_PRECISION'],
    ['JPY', '1.50', '422 DECIMALS_NOT_SUPPORTED'],
    ['KWD', '1.000', '422 CURRENCY_NOT_SUPPORTED'],
    ['USD', '0.00', '422 CANNOT_BE_ZERO_OR_NEGATIVE'],
    ['USD', '1e3', '400 INVALID_PARAMETER_SYNTAX'],
  ])('in %s of %s is refused with %s', async (currency, value, issue) => {
    const body = orderBody({ amount: { currency_code: currency, value } });
    expect(issueOf(await create(body))).toBe(issue);
  });
});

describe('an authorization', () => {
  it('is captured in parts, and a final part releases the rest', async () => {
    const { orderId, authorizationId } = await authorized(rig);
    const part = (value: string, rest: object = {}) =>
      act(authorizationId, 'capture', { amount: { currency_code: 'USD', value }, ...rest });
    expect((await part('10.00')).json['status']).toBe('COMPLETED');
    const path = `/v2/payments/authorizations/${authorizationId}`;
    expect((await rig.get(path)).json['status']).toBe('PARTIALLY_CAPTURED');
    expect(issueOf(await part('15.01'))).toBe('422 MAX_CAPTURE_AMOUNT_EXCEEDED');
    await part('5.00', { final_capture: true });
    expect((await rig.get(path)).json['status']).toBe('CAPTURED');
    expect((await rig.books(orderId)).map((row) => row.amount)).toEqual([2500, 1000, 500]);
  });

  it('is voided once, and then takes no money', async () => {
    const { orderId, authorizationId } = await authorized(rig);
    const brief = { key: newKey(), headers: { prefer: 'return=minimal' } };
    const path = `/v2/payments/authorizations/${authorizationId}/void`;
    expect((await rig.post(path, {}, brief)).status).toBe(204);
    expect(issueOf(await act(authorizationId, 'void'))).toBe('422 PREVIOUSLY_VOIDED');
    expect(issueOf(await act(authorizationId, 'capture'))).toBe('422 AUTHORIZATION_VOIDED');
    expect((await order(orderId))['status']).toBe('VOIDED');
    expect((await rig.books(orderId)).at(-1)).toMatchObject({ kind: 'void', amount: 2500 });
  });

  it('is renewed once, from the fourth day on, without reserving twice', async () => {
    const { orderId, authorizationId } = await authorized(rig, 'payer_capture_refused_late');
    expect(issueOf(await act(authorizationId, 'reauthorize'))).toBe('422 REAUTHORIZATION_TOO_SOON');
    await rig.advance(3 * DAY + 1);
    expect(issueOf(await act(authorizationId, 'capture'))).toBe('422 TRANSACTION_REFUSED');
    const renewed = await act(authorizationId, 'reauthorize');
    expect(renewed.json['status']).toBe('CREATED');
    const id = String(renewed.json['id']);
    expect(id).not.toBe(authorizationId);
    expect(issueOf(await act(authorizationId, 'reauthorize'))).toBe('422 REAUTHORIZATION_TOO_SOON');
    expect(issueOf(await act(id, 'void'))).toBe('422 CANNOT_BE_VOIDED');
    expect((await act(id, 'capture')).json['status']).toBe('COMPLETED');
    expect(issueOf(await act(authorizationId, 'capture'))).toBe(
      '422 AUTHORIZATION_ALREADY_CAPTURED',
    );
    expect((await rig.books(orderId)).map((row) => row.kind)).toEqual(['authorization', 'capture']);
  });

  it('lapses after 29 days, and says by its times that nobody voided it', async () => {
    const { orderId, authorizationId } = await authorized(rig);
    await rig.advance(29 * DAY - 60);
    const path = `/v2/payments/authorizations/${authorizationId}`;
    expect((await rig.get(path)).json['status']).toBe('CREATED');
    await rig.advance(120);
    const { json } = await rig.get(path);
    expect(json['status']).toBe('VOIDED');
    expect(String(json['update_time']) >= String(json['expiration_time'])).toBe(true);
    expect(issueOf(await act(authorizationId, 'capture'))).toBe('422 AUTHORIZATION_EXPIRED');
    expect((await rig.books(orderId)).map((row) => row.kind)).toEqual(['authorization', 'void']);
  });

  it('under review is decided after a while', async () => {
    const reviewed = await authorized(rig, 'payer_authorization_pending');
    const denied = await authorized(rig, 'payer_authorization_denied');
    expect((await authorization(reviewed.authorizationId)).json).toMatchObject({
      status: 'PENDING',
      status_details: { reason: 'PENDING_REVIEW' },
    });
    await rig.advance(600);
    expect((await authorization(reviewed.authorizationId)).json['status']).toBe('CREATED');
    expect((await authorization(denied.authorizationId)).json['status']).toBe('DENIED');
    expect(issueOf(await act(denied.authorizationId, 'capture'))).toBe('422 AUTHORIZATION_DENIED');
    expect((await rig.books(denied.orderId)).map((row) => row.status)).toEqual(['failed']);
  });
});

describe('a capture', () => {
  it('that is declined leaves the money reserved, to be voided', async () => {
    for (const payer of ['payer_capture_declined', 'payer_capture_declined_later']) {
      const { orderId, authorizationId } = await authorized(rig, payer);
      await act(authorizationId, 'capture', { final_capture: true });
      await rig.advance(600);
      expect((await authorization(authorizationId)).json['status']).toBe('CREATED');
      expect((await act(authorizationId, 'void')).status).toBe(200);
      expect((await rig.books(orderId)).at(-1)).toMatchObject({ kind: 'void', amount: 2500 });
    }
  });

  it.each([
    { payer: 'payer_capture_declined', first: 'DECLINED', last: 'DECLINED', booked: 'failed' },
    { payer: 'payer_capture_pending', first: 'PENDING', last: 'COMPLETED', booked: 'succeeded' },
    { payer: 'payer_capture_declined_later', first: 'PENDING', last: 'DECLINED', booked: 'failed' },
  ])(
    'of $payer is $first at first and $last in the end',
    async ({ payer, first, last, booked }) => {
      const { orderId, captureId } = await captured(rig, payer);
      const path = `/v2/payments/captures/${captureId}`;
      expect((await rig.get(path)).json['status']).toBe(first);
      await rig.advance(600);
      expect((await rig.get(path)).json['status']).toBe(last);
      expect((await rig.books(orderId)).at(-1)).toMatchObject({ kind: 'capture', status: booked });
    },
  );
});
