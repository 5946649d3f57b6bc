/**
 * The payment contract, run by the shipping BTCPay adapter against the BTCPay simulator over real sockets, and what is
 * BTCPay's own: charges of subscriptions, claims that are refused, and money that never became certain.
 */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createBtcpayGateway,
  type BtcpayGatewayConfig,
} from '../../src/payments/btcpay/gateway.ts';
import {
  AMOUNT,
  CURRENCY,
  fetched,
  MINUTE_MS,
  newKey,
  open,
  paymentOf,
  pushed,
  refundOf,
  type Delivery,
  type GatewayHarness,
  type GatewayTraits,
} from './payment-gateway-subject.ts';
import { describePaymentGateway } from './payment-gateway.case.ts';
import { newRefundId } from './payment-gateway-refunds.case.ts';
import { isRecord, type ProcessorControl } from '../support/processor-control.ts';
import { controlOf, handsOn, startSimulated, TIMEOUT_MS } from './simulated.ts';

const API_KEY = 'btcpay-key-of-the-contract';
const STORE_ID = 'contract-store';
const SECRETS = { current: 'btcpay-current', previous: 'btcpay-previous', wrong: 'btcpay-wrong' };

const DAY_SECONDS = 86_400;
const EXPIRY_SECONDS = 900;

const TRAITS: GatewayTraits = {
  flow: 'push',
  refunds: 'claim',
  storesFaults: false,
  authorizationDays: null,
  webhookAgeSeconds: { past: DAY_SECONDS, future: 300 },
  exceptions: {},
};

describePaymentGateway('btcpay', startHarness, TRAITS);

describe('btcpay beside the contract', () => {
  let harness: GatewayHarness & { act: Act };
  const subject = {
    get harness() {
      return harness;
    },
    get gateway() {
      return harness.gateway;
    },
  };
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.close());

  it('opens an invoice for every period of a subscription, which its payer pays', async () => {
    const { recurring } = harness.gateway;
    if (recurring === null) throw new Error('BTCPay takes subscriptions');
    const customer = await recurring.openCustomer({ key: newKey(), memberId: 'usr_1' });
    if (customer.kind !== 'customer') throw new Error('a customer was due');
    const request = {
      key: newKey(),
      amount: { amount: AMOUNT, currency: CURRENCY },
      customerRef: customer.ref,
      reference: { subscriptionId: 'sub_period', chargeId: 'chg_period' },
      paymentMethod: null,
      returnUrl: null,
    };
    const { ref } = paymentOf(await recurring.openCharge(request));
    expect(paymentOf(await recurring.openCharge(request)).ref).toBe(ref);
    await harness.push?.pay(ref, AMOUNT);
    await harness.push?.settle(ref);
    expect(await fetched(subject, ref)).toMatchObject({ state: 'captured', capturedMinor: AMOUNT });
    const sinceMs = harness.nowMs() - MINUTE_MS;
    const page = await harness.gateway.listSince({ sinceMs, cursor: null });
    const rows = 'payments' in page ? page.payments : [];
    expect(rows.find((row) => row.ref === ref)?.reference).toEqual(request.reference);
    const [movement] = await harness.movements(ref);
    expect(movement?.metadata).toMatchObject({ subscriptionId: 'sub_period' });
  });

  it('goes on waiting for an invoice whose money was spent elsewhere', async () => {
    const { ref } = await open(subject);
    await harness.push?.pay(ref, AMOUNT);
    await harness.act(ref, { action: 'fail' });
    expect((await fetched(subject, ref)).state).toBe('action_required');
    await harness.push?.pay(ref, AMOUNT);
    await harness.push?.settle(ref);
    expect((await fetched(subject, ref)).capturedMinor).toBe(AMOUNT);
  });

  it('keeps a refund open whose claim was refused, and pays it out to another claim', async () => {
    const ref = await pushed(subject, AMOUNT);
    const request = { key: newKey(), ref, amountMinor: 700, refundId: newRefundId() };
    const refund = refundOf(await harness.gateway.refund(request));
    await harness.act(refund.ref, { action: 'claim' });
    await harness.act(refund.ref, { action: 'decline' });
    expect(await refundStatus(refund.ref)).toBe('pending');
    await harness.act(refund.ref, { action: 'claim' });
    expect(await refundStatus(refund.ref)).toBe('pending');
    await harness.advanceSeconds(EXPIRY_SECONDS);
    expect(await refundStatus(refund.ref)).toBe('succeeded');
  });

  it('returns a part payment to whom it came from', async () => {
    const ref = await pushed(subject, 5_000);
    await harness.advanceSeconds(EXPIRY_SECONDS + 60);
    const request = { key: newKey(), ref, amountMinor: 5_000, refundId: newRefundId() };
    const refund = refundOf(await harness.gateway.refund(request));
    await harness.claimRefund?.(refund.ref);
    expect(await refundStatus(refund.ref)).toBe('succeeded');
    expect(await fetched(subject, ref)).toMatchObject({
      capturedMinor: 5_000,
      refundedMinor: 5_000,
    });
  });

  it.each([
    ['jpy', 12_345],
    ['kwd', 12_345],
    ['usd', 1],
    ['eur', 987_654_321],
  ])('is paid in %s to the minor unit', async (currency, amount) => {
    const key = newKey();
    const reference = { bookingId: `bkg_${key}`, paymentId: `pay_${key}` };
    const opened = await harness.gateway.open({
      key,
      amount: { amount, currency },
      reference,
      returnUrl: null,
    });
    const { ref } = paymentOf(opened);
    await harness.push?.pay(ref, amount);
    await harness.push?.settle(ref);
    expect(await fetched(subject, ref)).toMatchObject({
      state: 'captured',
      currency,
      amountMinor: amount,
      capturedMinor: amount,
    });
  });

  async function refundStatus(ref: string): Promise<string> {
    return refundOf(await harness.gateway.fetchRefund(ref)).status;
  }
});

type Act = (id: string, action: { action: string; amount?: number }) => Promise<void>;

async function startHarness(): Promise<GatewayHarness & { act: Act }> {
  const simulated = await startSimulated({
    btcpay: {
      apiKey: API_KEY,
      storeId: STORE_ID,
      webhookSecret: SECRETS.current,
      confirmationSeconds: null,
    },
  });
  const control = controlOf(simulated, 'btcpay');
  const config: BtcpayGatewayConfig = {
    apiUrl: `${simulated.url}/btcpay`,
    apiKey: API_KEY,
    storeId: STORE_ID,
    webhookSecrets: [SECRETS.current, SECRETS.previous],
    isLive: false,
    returnUrl: 'https://book.example/return',
    timeoutMs: TIMEOUT_MS,
  };
  return {
    gateway: createBtcpayGateway(config),
    stranger: createBtcpayGateway({ ...config, apiKey: 'of-a-stranger' }),
    methods: { approved: '', challenged: '', unknown: '' },
    declines: [],
    unknownRef: 'inv-of-nobody',
    nowMs: () => Date.now(),
    deliveredEvent: (ref) => simulated.events.first(ref),
    sign: async (request) => signEvent(request),
    cursorAfter: (_row, index) => String(index + 1),
    close: () => simulated.close(),
    ...handsOn(control),
    ...controlledBy(control),
  };
}

function controlledBy(control: ProcessorControl) {
  const act: Act = (id, action) => control.act(id, action);
  return {
    act,
    actAsPayer: (ref: string, action: string) => act(ref, { action }),
    push: {
      pay: (ref: string, amount: number) => act(ref, { action: 'pay', amount }),
      settle: (ref: string) => act(ref, { action: 'confirm' }),
      expirySeconds: EXPIRY_SECONDS,
    },
    claimRefund: async (refundRef: string) => {
      await act(refundRef, { action: 'claim' });
      await act(refundRef, { action: 'confirm' });
    },
    // BTCPay keeps no keys: a call is told by what it carries.
    countCalls: async (key: string) => {
      const calls = await control.calls();
      return calls.filter(({ body }) => typeof body === 'string' && body.includes(key)).length;
    },
  };
}

/** The time that counts is in the body, so the event is written anew with it before it is signed. */
function signEvent(request: Parameters<GatewayHarness['sign']>[0]): Delivery {
  const event: unknown = JSON.parse(request.body);
  if (!isRecord(event)) throw new Error('an event is an object');
  const rawBody = JSON.stringify(
    { ...event, timestamp: Math.floor(request.atMs / 1_000) },
    null,
    2,
  );
  const mac = createHmac('sha256', SECRETS[request.secret]).update(rawBody, 'utf8').digest('hex');
  return { rawBody, headers: new Headers({ 'btcpay-sig': `sha256=${mac}` }) };
}
