/**
 * BTCPay's invoices on the wire: what they show, how they are found, what is refused and in which shape.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  invoiceBody,
  startBtcpay,
  STORE_ID,
  type BtcpayRig,
  type CallOptions,
  type Wire,
} from './btcpay-support.ts';

let btcpay: BtcpayRig;
beforeAll(async () => {
  btcpay = await startBtcpay();
});
afterAll(() => btcpay.rig.simulators.close());

const INVOICES = `stores/${STORE_ID}/invoices`;
const found = async (query: string): Promise<string[]> =>
  (await btcpay.call<Wire[]>(`${INVOICES}?${query}`)).json.map(({ id }) => id);

describe('an invoice', () => {
  it('shows what was sent, the store’s defaults and where to pay', async () => {
    const created = await btcpay.create({ checkout: { redirectURL: 'http://example.test/back' } });
    expect(created).toMatchObject({
      storeId: STORE_ID,
      amount: '25.00',
      paidAmount: '0',
      currency: 'USD',
      type: 'Standard',
      status: 'New',
      additionalStatus: 'None',
      availableStatusesForManualMarking: ['Settled', 'Invalid'],
      archived: false,
      metadata: { orderId: 'pay_1', booking_id: 'bkg_1', payment_id: 'pay_1' },
      checkout: {
        speedPolicy: 'MediumSpeed',
        expirationMinutes: 15,
        monitoringMinutes: 1440,
        paymentTolerance: 0,
        redirectURL: 'http://example.test/back',
      },
      checkoutLink: `${btcpay.rig.url}/pay/btcpay/${created.id}`,
    });
    const createdTime = Number(created['createdTime']);
    expect(created['expirationTime']).toBe(createdTime + 15 * 60);
    expect(created['monitoringExpiration']).toBe(createdTime + (15 + 1440) * 60);
    expect(await btcpay.fetch(created.id)).toEqual(created);
    expect((await btcpay.call(`invoices/${created.id}`)).json).toEqual(created);
  });

  it('is another one each time, because there is no idempotency key', async () => {
    const metadata = { orderId: 'pay_twice' };
    const first = await btcpay.create({ metadata });
    const second = await btcpay.create({ metadata });
    expect(second.id).not.toBe(first.id);
    expect(await found('orderId=pay_twice')).toEqual([second.id, first.id]);
    expect(await found('orderId=pay_twice&orderId=pay_none')).toEqual([second.id, first.id]);
    expect(await found('orderId=pay_none')).toEqual([]);
  });

  it('is found by page, by status and since an instant, newest first', async () => {
    const metadata = { orderId: 'pay_paged' };
    const ids = [
      (await btcpay.create({ metadata })).id,
      (await btcpay.create({ metadata })).id,
      (await btcpay.create({ metadata })).id,
    ];
    const newest = ids.toReversed();
    expect(await found('orderId=pay_paged&take=2')).toEqual(newest.slice(0, 2));
    expect(await found('orderId=pay_paged&skip=2&take=2')).toEqual(newest.slice(2));
    await btcpay.call(`${INVOICES}/${ids[1]}/status`, { status: 'Invalid' });
    expect(await found('orderId=pay_paged&status=Invalid')).toEqual([ids[1]]);
    expect(await found('orderId=pay_paged&status=New&take=1')).toEqual([newest[0]]);
    const tomorrow = Math.floor(Date.now() / 1000) + 86_400;
    expect(await found(`orderId=pay_paged&startDate=${String(tomorrow)}`)).toEqual([]);
    expect(await found(`orderId=pay_paged&startDate=${String(tomorrow - 172_800)}`)).toEqual(
      newest,
    );
  });

  it.each([
    ['JPY', '2500', '2500.5'],
    ['KWD', '2.505', '2.5055'],
    ['HUF', '2500.50', '2500.505'],
  ])('in %s costs %s and never %s', async (currency, amount, tooFine) => {
    expect(await btcpay.create({ currency, amount })).toMatchObject({ currency, amount });
    const refused = await btcpay.call(INVOICES, invoiceBody({ currency, amount: tooFine }));
    expect(refused).toMatchObject({ status: 422, json: [{ path: 'amount' }] });
  });
});

describe('a call that is wrong', () => {
  it.each<[string, object, string]>([
    ['no amount', { amount: null }, 'amount'],
    ['nothing', { amount: '0.00' }, 'amount'],
    ['less than nothing', { amount: '-1.00' }, 'amount'],
    ['a word', { amount: 'much' }, 'amount'],
    ['a misspelt field', { ammount: '1' }, 'ammount'],
    ['a misspelt setting', { checkout: { redirectUrl: 'x' } }, 'checkout.redirectUrl'],
    ['an unknown policy', { checkout: { speedPolicy: 'Warp' } }, 'checkout.speedPolicy'],
    ['a life too short', { checkout: { expirationMinutes: 0.1 } }, 'checkout.expirationMinutes'],
    ['a foreign way to pay', { checkout: { paymentMethods: ['X'] } }, 'checkout.paymentMethods[0]'],
  ])('with %s is refused with the path of the field', async (_name, more, path) => {
    const refused = await btcpay.call(INVOICES, invoiceBody(more));
    expect(refused).toMatchObject({ status: 422, json: [{ path }] });
  });

  it.each<{ name: string; path: string; options?: CallOptions; status: number; code: string }>([
    {
      name: 'without a key',
      path: INVOICES,
      options: { authorization: null },
      status: 401,
      code: 'unauthenticated',
    },
    {
      name: 'with another key',
      path: INVOICES,
      options: { authorization: 'token no' },
      status: 401,
      code: 'unauthenticated',
    },
    {
      name: 'with another scheme',
      path: INVOICES,
      options: { authorization: 'Bearer no' },
      status: 401,
      code: 'unauthenticated',
    },
    {
      name: 'for another store',
      path: 'stores/Other/invoices',
      status: 403,
      code: 'missing-permission',
    },
    { name: 'for no invoice', path: `${INVOICES}/none`, status: 404, code: 'invoice-not-found' },
    {
      name: 'for no pull payment',
      path: 'pull-payments/none',
      status: 404,
      code: 'pullpayment-not-found',
    },
  ])('$name is answered with a code', async ({ path, options, status, code }) => {
    expect(await btcpay.call(path, undefined, options)).toMatchObject({ status, json: { code } });
  });

  it('to nowhere is 404 with an empty body', async () => {
    expect(await btcpay.call('stores')).toEqual({ status: 404, json: null });
  });
});

describe('marking', () => {
  it('makes an open invoice invalid once', async () => {
    const { id } = await btcpay.create();
    const marked = await btcpay.call(`${INVOICES}/${id}/status`, { status: 'Invalid' });
    expect(marked).toMatchObject({
      status: 200,
      json: { id, status: 'Invalid', additionalStatus: 'Marked' },
    });
    const again = await btcpay.call(`${INVOICES}/${id}/status`, { status: 'Invalid' });
    expect(again).toMatchObject({ status: 422, json: [{ path: 'status' }] });
  });

  it('does not make a settled invoice invalid', async () => {
    const { id } = await btcpay.create({ checkout: { speedPolicy: 'HighSpeed' } });
    await btcpay.act(id, 'pay');
    const marked = await btcpay.call(`${INVOICES}/${id}/status`, { status: 'Invalid' });
    expect(marked).toMatchObject({ status: 422, json: [{ path: 'status' }] });
    expect(await btcpay.fetch(id)).toMatchObject({ status: 'Settled' });
  });
});
