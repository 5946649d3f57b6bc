/**
 * Refunds that their payer claims, and the list that reconciliation reads, as the BTCPay gateway makes them of the wire.
 * Protects: nothing is promised twice, and what a person refunded by hand counts.
 */
import { describe, expect, it } from 'vitest';
import {
  INVOICES,
  invoiceJson,
  json,
  makeWiredGateway,
  paidInvoice,
  paymentJson,
  payoutJson,
  problem,
  PULL_PAYMENTS,
  pullPaymentJson,
} from './btcpay-wire.ts';

const REFUND = { key: 'pay_1:refund:1', ref: 'inv1', amountMinor: 700, refundId: 'rfd_1' };

describe('refunding', () => {
  it('asks for a pull payment of the sum, with our id as its name', async () => {
    const { gateway, calls } = makeWiredGateway({
      ...paidInvoice([paymentJson('0.001')]),
      [`POST ${INVOICES}/inv1/refund`]: json(pullPaymentJson()),
    });
    expect(await gateway.refund(REFUND)).toEqual({
      kind: 'refund',
      refund: {
        ref: 'pp1',
        claimUrl: 'https://btcpay.example/pull-payments/pp1',
        status: 'pending',
        amountMinor: 700,
      },
    });
    expect(calls.at(-1)?.body).toEqual({
      name: 'rfd_1',
      description: 'Refund of invoice inv1',
      refundVariant: 'Custom',
      customAmount: '7.00',
      customCurrency: 'EUR',
    });
  });

  it('makes no second one for the same id, and refuses another sum for it', async () => {
    const { gateway, calls } = makeWiredGateway({
      ...paidInvoice([paymentJson('0.001')], { pullPayments: [pullPaymentJson()] }),
      'GET /pull-payments/pp1/payouts': json([payoutJson('7.00', 'Completed')]),
    });
    expect(await gateway.refund(REFUND)).toMatchObject({ refund: { status: 'succeeded' } });
    expect(await gateway.refund({ ...REFUND, amountMinor: 701 })).toMatchObject({
      kind: 'misconfigured',
    });
    expect(calls.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('counts what is promised and not yet claimed, so that it is never promised twice', async () => {
    const pullPayments = [pullPaymentJson({ id: 'pp9', name: 'rfd_9', amount: '49.00' })];
    const answers = {
      ...paidInvoice([paymentJson('0.001')], { pullPayments }),
      [`POST ${INVOICES}/inv1/refund`]: json(pullPaymentJson({ amount: '1.00' })),
    };
    const { gateway } = makeWiredGateway(answers);
    expect(await gateway.fetch('inv1')).toMatchObject({ payment: { refundedMinor: 4_900 } });
    expect(await gateway.refund({ ...REFUND, amountMinor: 101 })).toEqual({
      kind: 'misconfigured',
      reason: 'refund_exceeds_captured',
    });
    expect(await gateway.refund({ ...REFUND, amountMinor: 100 })).toMatchObject({ kind: 'refund' });
  });

  it('counts what a person refunded by hand, in the invoice’s currency or in coins', async () => {
    const byHand = { name: 'Refund inv1', description: '' };
    const pullPayments = [
      pullPaymentJson({ ...byHand, id: 'pp2', amount: '10.00' }),
      pullPaymentJson({ ...byHand, id: 'pp3', currency: 'BTC', amount: '0.0001' }),
      pullPaymentJson({ id: 'pp4', description: 'Refund of invoice inv2' }),
    ];
    const { gateway } = makeWiredGateway(paidInvoice([paymentJson('0.001')], { pullPayments }));
    expect(await gateway.fetch('inv1')).toMatchObject({ payment: { refundedMinor: 1_500 } });
  });

  it('frees what was archived before it was claimed', async () => {
    const pullPayments = [pullPaymentJson({ archived: true, amount: '50.00', name: 'rfd_9' })];
    const { gateway } = makeWiredGateway({
      ...paidInvoice([paymentJson('0.001')], { pullPayments }),
      'GET /pull-payments/pp1/payouts': json([
        payoutJson('20.00', 'Completed'),
        payoutJson('30.00', 'Cancelled'),
      ]),
    });
    expect(await gateway.fetch('inv1')).toMatchObject({ payment: { refundedMinor: 2_000 } });
  });

  it('returns nothing of a payment that brought nothing', async () => {
    const { gateway } = makeWiredGateway(paidInvoice([], { invoice: { status: 'Expired' } }));
    expect(await gateway.refund(REFUND)).toEqual({
      kind: 'misconfigured',
      reason: 'nothing_was_captured',
    });
  });

  it.each([
    { name: 'unclaimed', archived: false, payouts: [], status: 'pending' },
    {
      name: 'waiting for approval',
      archived: false,
      payouts: [payoutJson('7.00', 'AwaitingApproval')],
      status: 'pending',
    },
    {
      name: 'on its way',
      archived: false,
      payouts: [payoutJson('7.00', 'InProgress')],
      status: 'pending',
    },
    {
      name: 'paid out',
      archived: false,
      payouts: [payoutJson('7.00', 'Completed')],
      status: 'succeeded',
    },
    {
      name: 'paid out in parts',
      archived: false,
      payouts: [payoutJson('3.00', 'Completed'), payoutJson('4.00', 'Completed')],
      status: 'succeeded',
    },
    {
      name: 'paid out in part',
      archived: false,
      payouts: [payoutJson('3.00', 'Completed')],
      status: 'pending',
    },
    {
      name: 'claimed in vain, and claimable again',
      archived: false,
      payouts: [payoutJson('7.00', 'Cancelled')],
      status: 'pending',
    },
    { name: 'archived unclaimed', archived: true, payouts: [], status: 'failed' },
    {
      name: 'archived and cancelled',
      archived: true,
      payouts: [payoutJson('7.00', 'Cancelled')],
      status: 'failed',
    },
    {
      name: 'archived on its way',
      archived: true,
      payouts: [payoutJson('7.00', 'InProgress')],
      status: 'pending',
    },
    {
      name: 'archived after a part',
      archived: true,
      payouts: [payoutJson('3.00', 'Completed')],
      status: 'pending',
    },
  ])('a pull payment that is $name', async ({ archived, payouts, status }) => {
    const { gateway } = makeWiredGateway({
      'GET /pull-payments/pp1': json(pullPaymentJson({ archived })),
      'GET /pull-payments/pp1/payouts': json(payouts),
      [`GET ${PULL_PAYMENTS}`]: json([pullPaymentJson({ archived })]),
    });
    const refund = { ref: 'pp1', status, amountMinor: 700 };
    expect(await gateway.fetchRefund('pp1')).toMatchObject({ refund });
    expect(await gateway.findRefund({ ref: 'inv1', refundId: 'rfd_1' })).toMatchObject({ refund });
  });

  it('finds by our id and invoice alone, archived ones too, and nothing when it cannot look', async () => {
    const { gateway, calls } = makeWiredGateway({
      [`GET ${PULL_PAYMENTS}`]: [json([pullPaymentJson()]), problem(403, 'missing-permission')],
    });
    const other = { ref: 'inv2', refundId: 'rfd_1' };
    expect(await gateway.findRefund(other)).toEqual({ kind: 'missing' });
    expect(calls[0]?.path).toContain('includeArchived=true');
    expect(await gateway.findRefund(other)).toEqual({
      kind: 'misconfigured',
      reason: '403 missing-permission',
    });
  });
});

describe('listing', () => {
  it('walks the list page by page', async () => {
    const full = Array.from({ length: 100 }, (_, index) => invoiceJson({ id: `inv${index}` }));
    const { gateway, calls } = makeWiredGateway({
      [`GET ${INVOICES}`]: [json(full), json([invoiceJson({ id: 'last' })])],
    });
    const first = await gateway.listSince({ sinceMs: 1_800_000_000_999, cursor: null });
    expect(first).toMatchObject({ next: '100' });
    const second = await gateway.listSince({ sinceMs: 1_800_000_000_999, cursor: '100' });
    expect(second).toMatchObject({ payments: [{ ref: 'last' }], next: null });
    expect(calls.map(({ path }) => new URL(path, 'https://x').search)).toEqual([
      '?startDate=1800000000&skip=0&take=100&includeArchived=true',
      '?startDate=1800000000&skip=100&take=100&includeArchived=true',
    ]);
  });

  it('tells sums without a call for each invoice', async () => {
    const subscription = { orderId: 'chg_1', subscription_id: 'sub_1', charge_id: 'chg_1' };
    const paid = { status: 'Settled', paidAmount: '50.0049' };
    const { gateway, calls } = makeWiredGateway({
      [`GET ${INVOICES}`]: json([
        invoiceJson({ id: 'inv1', ...paid }),
        invoiceJson({
          id: 'inv2',
          status: 'Expired',
          additionalStatus: 'PaidPartial',
          paidAmount: '9.999',
        }),
        invoiceJson({ id: 'inv3', status: 'Expired' }),
        invoiceJson({ id: 'inv4', status: 'Processing', paidAmount: '50', metadata: subscription }),
        invoiceJson({ id: 'inv5', ...paid, currency: 'BTC', metadata: { orderId: 'theirs' } }),
      ]),
      [`GET ${PULL_PAYMENTS}`]: json([pullPaymentJson()]),
    });
    const page = await gateway.listSince({ sinceMs: 0, cursor: null });
    const reference = { bookingId: 'bkg_1', paymentId: 'pay_1' };
    const createdAtMs = 1_800_000_000_000;
    const sums = { capturedMinor: 0, refundedMinor: 0, currency: 'eur' };
    const row = { reference, createdAtMs, ...sums };
    expect(page).toEqual({
      payments: [
        { ...row, ref: 'inv1', state: 'captured', capturedMinor: 5_000, refundedMinor: 700 },
        { ...row, ref: 'inv2', state: 'captured', capturedMinor: 999 },
        { ...row, ref: 'inv3', state: 'ended' },
        {
          ...row,
          ref: 'inv4',
          state: 'open',
          reference: { subscriptionId: 'sub_1', chargeId: 'chg_1' },
        },
        { ...row, ref: 'inv5', state: 'captured', reference: null, currency: 'btc' },
      ],
      next: null,
    });
    expect(calls).toHaveLength(2);
  });

  it('says why the list could not be read', async () => {
    const { gateway } = makeWiredGateway({ [`GET ${INVOICES}`]: problem(401, 'unauthenticated') });
    expect(await gateway.listSince({ sinceMs: 0, cursor: null })).toEqual({
      failed: 'misconfigured: 401 unauthenticated',
    });
    expect(await gateway.listSince({ sinceMs: 0, cursor: 'no number' })).toEqual({
      failed: 'misconfigured: cursor',
    });
  });
});
