/**
 * Refunds at BTCPay: a link that the payer has to claim, and a payout that takes its time. Money is back when the
 * payout is completed, and the books say so then.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBtcpay, STORE_ID, type BtcpayRig, type Wire } from './btcpay-support.ts';

let btcpay: BtcpayRig;
beforeAll(async () => {
  btcpay = await startBtcpay();
});
afterAll(() => btcpay.rig.simulators.close());

const refundPath = (id: string): string => `stores/${STORE_ID}/invoices/${id}/refund`;

async function settled(amount?: number): Promise<Wire> {
  const invoice = await btcpay.create({ checkout: { speedPolicy: 'HighSpeed' } });
  await btcpay.act(invoice.id, 'pay', amount === undefined ? {} : { amount });
  return invoice;
}

async function payoutStates(pullPaymentId: string): Promise<unknown[]> {
  return (await btcpay.payouts(pullPaymentId)).map(({ state }) => state);
}

async function refunds(invoiceId: string): Promise<unknown[]> {
  const rows = await btcpay.rig.books(invoiceId);
  return rows.filter(({ kind }) => kind === 'refund').map(({ id, amount }) => [id, amount]);
}

describe('a refund', () => {
  it('is a link with our name on it, and no money yet', async () => {
    const { id } = await settled();
    const pull = await btcpay.refund(id, { name: 'rfd_1', description: 'Cancelled in time' });
    expect(pull).toMatchObject({
      name: 'rfd_1',
      description: 'Cancelled in time',
      currency: 'USD',
      amount: '25.00',
      autoApproveClaims: false,
      archived: false,
      viewLink: `${btcpay.rig.url}/pay/btcpay/${pull.id}`,
    });
    const anonymous = { authorization: null };
    expect((await btcpay.call(`pull-payments/${pull.id}`, undefined, anonymous)).json).toEqual(
      pull,
    );
    const listed = await btcpay.call<Wire[]>(`stores/${STORE_ID}/pull-payments`);
    expect(listed.json).toContainEqual(pull);
    expect(await payoutStates(pull.id)).toEqual([]);
    expect(await refunds(id)).toEqual([]);
  });

  it('is paid out step by step after it was claimed', async () => {
    const { id } = await settled();
    const pull = await btcpay.refund(id, { customAmount: '10.00' });
    expect(await btcpay.act(pull.id, 'claim')).toEqual({ status: 200, state: 'AwaitingApproval' });
    await btcpay.advance(120);
    expect(await payoutStates(pull.id)).toEqual(['AwaitingPayment']);
    await btcpay.advance(180);
    expect(await payoutStates(pull.id)).toEqual(['InProgress']);
    expect(await refunds(id)).toEqual([]);
    await btcpay.advance(300);
    expect(await payoutStates(pull.id)).toEqual(['Completed']);
    expect(await refunds(id)).toEqual([[pull.id, 1000]]);
    const [row] = (await btcpay.rig.books(id)).filter(({ kind }) => kind === 'refund');
    expect(row).toMatchObject({ status: 'succeeded', of: id, metadata: { bookingId: 'bkg_1' } });
  });

  it('is paid out by one move of the clock past all steps, or at once by hand', async () => {
    const { id } = await settled();
    const slow = await btcpay.refund(id, { customAmount: '10.00' });
    await btcpay.act(slow.id, 'claim');
    await btcpay.advance(600);
    const fast = await btcpay.refund(id, { customAmount: '15.00' });
    await btcpay.act(fast.id, 'claim');
    expect(await btcpay.act(fast.id, 'confirm')).toEqual({ status: 200, state: 'Completed' });
    expect(await refunds(id)).toEqual([
      [slow.id, 1000],
      [fast.id, 1500],
    ]);
  });

  it('whose claim was refused can be claimed again', async () => {
    const { id } = await settled();
    const pull = await btcpay.refund(id);
    await btcpay.act(pull.id, 'claim');
    expect(await btcpay.act(pull.id, 'decline')).toEqual({ status: 200, state: 'Unclaimed' });
    await btcpay.advance(600);
    expect(await payoutStates(pull.id)).toEqual(['Cancelled']);
    expect((await btcpay.call(`pull-payments/${pull.id}/payouts`)).json).toEqual([]);
    await btcpay.act(pull.id, 'claim');
    await btcpay.advance(600);
    expect(await payoutStates(pull.id)).toEqual(['Completed', 'Cancelled']);
    expect(await refunds(id)).toEqual([[pull.id, 2500]]);
  });

  it('can be claimed in parts, and never for more than it is', async () => {
    const { id } = await settled();
    const pull = await btcpay.refund(id);
    const claim = (amount: string, destination: string) =>
      btcpay.call(`pull-payments/${pull.id}/payouts`, { amount, destination });
    expect(await claim('20.00', 'a')).toMatchObject({
      status: 200,
      json: { state: 'AwaitingApproval', originalAmount: '20.00', payoutAmount: null },
    });
    expect(await claim('1.00', 'a')).toMatchObject({ json: { code: 'duplicate-destination' } });
    expect(await claim('5.01', 'b')).toMatchObject({ status: 400, json: { code: 'overdraft' } });
    expect(await claim('5.00', 'b')).toMatchObject({ status: 200 });
    expect(await btcpay.act(pull.id, 'claim')).toMatchObject({ status: 409 });
    await btcpay.advance(600);
    expect(await refunds(id)).toEqual([
      [pull.id, 2000],
      [pull.id, 500],
    ]);
  });

  it('that was taken back can no longer be claimed', async () => {
    const { id } = await settled();
    const pull = await btcpay.refund(id);
    await btcpay.act(pull.id, 'claim');
    const path = `stores/${STORE_ID}/pull-payments/${pull.id}`;
    expect(await btcpay.call(path, undefined, { method: 'DELETE' })).toMatchObject({ status: 200 });
    expect(await payoutStates(pull.id)).toEqual(['Cancelled']);
    expect(await btcpay.act(pull.id, 'claim')).toMatchObject({ status: 409 });
    const listed = await btcpay.call<Wire[]>(`stores/${STORE_ID}/pull-payments`);
    expect(listed.json.map((row) => row.id)).not.toContain(pull.id);
  });
});

describe('what can be refunded', () => {
  it('is what is over: settled, invalid, or expired with money', async () => {
    const open = await btcpay.create();
    await btcpay.act(open.id, 'pay', { amount: 1000 });
    const body = { refundVariant: 'Custom', customAmount: '10.00', customCurrency: 'USD' };
    const refused = { status: 400, json: { code: 'non-refundable' } };
    expect(await btcpay.call(refundPath(open.id), body)).toMatchObject(refused);
    const unpaid = await btcpay.create();
    await btcpay.advance(15 * 60);
    expect(await btcpay.call(refundPath(unpaid.id), body)).toMatchObject(refused);
    expect(await btcpay.call(refundPath(open.id), body)).toMatchObject({ status: 200 });
  });

  it.each<[string, object, string]>([
    ['no variant', { refundVariant: null }, 'refundVariant'],
    ['no amount', { customAmount: null }, 'customAmount'],
    ['too fine an amount', { customAmount: '1.001' }, 'customAmount'],
    ['no currency', { customCurrency: null }, 'customCurrency'],
    ['an amount that is not asked for', { refundVariant: 'Fiat' }, 'customAmount'],
    [
      'no excess',
      { refundVariant: 'OverpaidAmount', customAmount: null, customCurrency: null },
      'refundVariant',
    ],
    ['an unknown field', { amount: '1' }, 'amount'],
  ])('is not said with %s', async (_name, more, path) => {
    const { id } = await settled();
    const custom = { refundVariant: 'Custom', customAmount: '1.00', customCurrency: 'USD' };
    const refused = await btcpay.call(refundPath(id), { ...custom, ...more });
    expect(refused).toMatchObject({ status: 422, json: [{ path }] });
  });

  it('follows the variant: all of it in its currency, in bitcoin, or what was too much', async () => {
    const { id } = await settled(3000);
    const refund = async (body: object) => (await btcpay.call(refundPath(id), body)).json;
    const [method] = await btcpay.methods(id);
    const fiat = await refund({ refundVariant: 'Fiat' });
    expect(fiat).toMatchObject({ amount: '30.00', currency: 'USD', autoApproveClaims: false });
    const then = await refund({ refundVariant: 'RateThen' });
    expect(then).toMatchObject({
      amount: method?.totalPaid,
      currency: 'BTC',
      autoApproveClaims: true,
    });
    const excess = await refund({ refundVariant: 'OverpaidAmount' });
    expect(excess).toMatchObject({ amount: method?.due.slice(1), currency: 'BTC' });
    const less = await refund({ refundVariant: 'Fiat', subtractPercentage: '2.5' });
    expect(less).toMatchObject({ amount: '29.25' });
    await btcpay.act(excess.id, 'claim');
    expect(await payoutStates(excess.id)).toEqual(['AwaitingPayment']);
    await btcpay.advance(600);
    expect(await refunds(id)).toEqual([[excess.id, 500]]);
  });
});
