/**
 * Agreements that are kept for later: with a payment and without one, charged while nobody is there,
 * deleted. Speaks HTTP only.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approved,
  issueOf,
  newKey,
  orderBody,
  RETURN_URL,
  startPaypal,
  type PaypalRig,
} from './support-paypal.ts';

let rig: PaypalRig;
beforeEach(async () => {
  rig = await startPaypal();
});
afterEach(() => rig.close());

const CHARGE = { custom_id: 'sub_one:chg_two', invoice_id: 'chg_two' };

const setup = () =>
  rig.post(
    '/v3/vault/setup-tokens',
    {
      customer: { merchant_customer_id: 'usr_ann' },
      payment_source: {
        paypal: { usage_type: 'MERCHANT', experience_context: { return_url: RETURN_URL } },
      },
    },
    { key: newKey() },
  );
const exchange = (id: string, key = newKey()) =>
  rig.post(
    '/v3/vault/payment-tokens',
    { payment_source: { token: { id, type: 'SETUP_TOKEN' } } },
    { key },
  );
const byAgreement = (tokenId: string) => ({
  payment_source: {
    paypal: {
      vault_id: tokenId,
      stored_credential: {
        payment_initiator: 'MERCHANT',
        payment_type: 'RECURRING',
        usage: 'SUBSEQUENT',
      },
    },
  },
});

async function keep(payer = 'payer_ok'): Promise<string> {
  const { json } = await setup();
  await rig.pay(String(json['id']), { action: 'approve', paymentMethod: payer });
  return String((await exchange(String(json['id']))).json['id']);
}

describe('an agreement', () => {
  it('is kept with the first payment', async () => {
    const vault = { store_in_vault: 'ON_SUCCESS', usage_type: 'MERCHANT' };
    const source = {
      paypal: {
        attributes: { customer: { merchant_customer_id: 'usr_ann' }, vault },
        experience_context: { return_url: RETURN_URL },
      },
    };
    const body = orderBody({}, { intent: 'CAPTURE', payment_source: source });
    const id = await approved(rig, 'payer_ok', body);
    const { json } = await rig.post(`/v2/checkout/orders/${id}/capture`, {}, { key: newKey() });
    const kept = json['payment_source']?.['paypal']?.['attributes']?.['vault'];
    expect(kept).toMatchObject({
      status: 'VAULTED',
      customer: { merchant_customer_id: 'usr_ann' },
    });
    const token = await rig.get(`/v3/vault/payment-tokens/${String(kept?.['id'])}`);
    expect(token.json).toMatchObject({ id: kept?.['id'], customer: kept?.['customer'] });
  });

  it('is kept without a payment, once the payer agreed', async () => {
    const created = await setup();
    expect(created.json['status']).toBe('PAYER_ACTION_REQUIRED');
    const id = String(created.json['id']);
    expect(created.json['links']).toContainEqual({
      href: `${rig.url}/pay/paypal/${id}`,
      rel: 'approve',
      method: 'GET',
    });
    expect(issueOf(await exchange(id))).toBe('422 PAYER_ACTION_REQUIRED');
    await rig.pay(id, { action: 'approve' });
    const first = await exchange(id, 'keep');
    const again = await exchange(id, 'keep');
    expect([first.status, again.json['id']]).toEqual([201, first.json['id']]);
    expect((await rig.get(`/v3/vault/setup-tokens/${id}`)).json['status']).toBe('VAULTED');
    expect(await rig.books()).toEqual([]);
  });

  it('pays at once when an order is created with it', async () => {
    const tokenId = await keep();
    const body = orderBody(CHARGE, { intent: 'CAPTURE', ...byAgreement(tokenId) });
    const paid = await rig.post('/v2/checkout/orders', body, { key: newKey() });
    expect(paid.json).toMatchObject({
      status: 'COMPLETED',
      purchase_units: [{ payments: { captures: [{ status: 'COMPLETED' }] } }],
    });
    expect(await rig.books(String(paid.json['id']))).toMatchObject([
      { kind: 'capture', metadata: { subscriptionId: 'sub_one', chargeId: 'chg_two' } },
    ]);
  });

  it('pays an order that was created first and is captured with it', async () => {
    const tokenId = await keep();
    const body = orderBody(CHARGE, { intent: 'CAPTURE', payment_source: undefined });
    const created = await rig.post('/v2/checkout/orders', body, { key: newKey() });
    expect(created.json['status']).toBe('CREATED');
    const path = `/v2/checkout/orders/${String(created.json['id'])}/capture`;
    const paid = await rig.post(path, byAgreement(tokenId), { key: newKey() });
    expect(paid.json['status']).toBe('COMPLETED');
  });

  it('may be refused later, and is gone once it is deleted', async () => {
    const refused = await keep('payer_agreement_refused');
    const charge = (tokenId: string) =>
      rig.post(
        '/v2/checkout/orders',
        orderBody({}, { intent: 'CAPTURE', ...byAgreement(tokenId) }),
        { key: newKey() },
      );
    expect(issueOf(await charge(refused))).toBe('422 INSTRUMENT_DECLINED');
    const tokenId = await keep();
    const path = `/v3/vault/payment-tokens/${tokenId}`;
    const customerId = String((await rig.get(path)).json['customer']?.['id']);
    const list = await rig.get(`/v3/vault/payment-tokens?customer_id=${customerId}`);
    expect(list.json['payment_tokens']?.map((token) => token['id'])).toEqual([tokenId]);
    expect((await rig.call('DELETE', path, {})).status).toBe(204);
    expect((await rig.get(path)).status).toBe(404);
    expect(issueOf(await charge(tokenId))).toBe('403 PERMISSION_DENIED');
  });
});
