/**
 * BTCPay in its world: signed webhooks and their redelivery, the fault script, the payer's page, a restart on the
 * same state.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  API_KEY,
  invoiceBody,
  startBtcpay,
  startBtcpayReceiver,
  STORE_ID,
  type BtcpayReceiver,
  type BtcpayRig,
  type Wire,
} from './btcpay-support.ts';
import { until } from './support.ts';

let receiver: BtcpayReceiver;
let btcpay: BtcpayRig;
beforeAll(async () => {
  receiver = await startBtcpayReceiver();
  btcpay = await startBtcpay({ platformUrl: receiver.url });
});
afterEach(() => btcpay.rig.control('faults', undefined, 'DELETE'));
afterAll(async () => {
  await btcpay.rig.simulators.close();
  await receiver.close();
});

const INVOICES = `stores/${STORE_ID}/invoices`;
const FAST = { checkout: { speedPolicy: 'HighSpeed' } };

const byText = (one: unknown, other: unknown): number => String(one).localeCompare(String(other));

const typesOf = (id: string): unknown[] =>
  receiver
    .about(id)
    .map(({ event }) => event['type'])
    .toSorted(byText);

async function delivered(id: string, count: number): Promise<void> {
  await until(() => receiver.about(id).length >= count);
}

const deliveryOf = async (id: string, type: string) => {
  const { json } = await btcpay.rig.control('webhooks');
  return json.data.find((row) => row['objectId'] === id && row['type'] === type);
};

const fault = (operation: string, name: string, more: object = {}) =>
  btcpay.rig.control('faults', {
    processor: 'btcpay',
    operation,
    fault: name,
    count: 1,
    ...more,
  });
const count = async (orderId: string): Promise<number> =>
  (await btcpay.call<Wire[]>(`${INVOICES}?orderId=${orderId}`)).json.length;
const order = (orderId: string) => invoiceBody({ metadata: { orderId } });

const page = (id: string, form?: Record<string, string>) =>
  fetch(`${btcpay.rig.url}/pay/btcpay/${id}`, {
    redirect: 'manual',
    ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
  });
const html = async (id: string): Promise<string> => (await page(id)).text();

describe('webhooks', () => {
  it('are signed over the indented bytes and name the invoice and the store', async () => {
    const { id } = await btcpay.create();
    await delivered(id, 1);
    const [call] = receiver.about(id);
    expect(call?.isSigned).toBe(true);
    expect(call?.body).toMatch(/^\{\n {2}"/);
    expect(call?.event).toMatchObject({
      type: 'InvoiceCreated',
      storeId: STORE_ID,
      invoiceId: id,
      isRedelivery: false,
      originalDeliveryId: call?.event['deliveryId'],
      metadata: { orderId: 'pay_1' },
    });
    expect(Number(call?.event['timestamp'])).toBeGreaterThan(Date.now() / 1000 - 60);
  });

  it('tell of a payment from its arrival to its settlement', async () => {
    const { id } = await btcpay.create();
    await btcpay.act(id, 'pay', { amount: 2600 });
    await btcpay.advance(600);
    await delivered(id, 5);
    expect(typesOf(id)).toEqual([
      'InvoiceCreated',
      'InvoicePaymentSettled',
      'InvoiceProcessing',
      'InvoiceReceivedPayment',
      'InvoiceSettled',
    ]);
    const of = (type: string) => receiver.about(id).find(({ event }) => event['type'] === type);
    expect(of('InvoiceReceivedPayment')?.event).toMatchObject({
      afterExpiration: false,
      paymentMethodId: 'BTC-CHAIN',
      payment: { status: 'Processing' },
    });
    expect(of('InvoiceSettled')?.event).toMatchObject({ overPaid: true, manuallyMarked: false });
  });

  it('tell of what expired, came late and was made invalid', async () => {
    const late = await btcpay.create();
    await btcpay.act(late.id, 'pay', { amount: 1000 });
    await btcpay.advance(900);
    await btcpay.act(late.id, 'pay');
    const voided = await btcpay.create();
    await btcpay.call(`${INVOICES}/${voided.id}/status`, { status: 'Invalid' });
    await delivered(late.id, 7);
    await delivered(voided.id, 2);
    expect(typesOf(late.id)).toEqual([
      'InvoiceCreated',
      'InvoiceExpired',
      'InvoiceExpiredPaidPartial',
      'InvoicePaidAfterExpiration',
      'InvoicePaymentSettled',
      'InvoiceReceivedPayment',
      'InvoiceReceivedPayment',
    ]);
    const invalid = receiver
      .about(voided.id)
      .find(({ event }) => event['type'] === 'InvoiceInvalid');
    expect(invalid?.event).toMatchObject({ manuallyMarked: true });
  });

  it('tell of a claim until it is paid out', async () => {
    const { id } = await btcpay.create(FAST);
    await btcpay.act(id, 'pay');
    const pull = await btcpay.refund(id);
    await btcpay.act(pull.id, 'claim');
    await btcpay.advance(600);
    const about = () => receiver.calls.filter(({ event }) => event['pullPaymentId'] === pull.id);
    await until(() => about().length === 4);
    expect(
      about()
        .map(({ event }) => event['payoutState'])
        .toSorted(byText),
    ).toEqual(['AwaitingApproval', 'AwaitingPayment', 'Completed', 'InProgress']);
  });

  it('come again ten seconds after a fault, as a delivery of their own that names the first', async () => {
    receiver.statuses.push(503);
    const { id } = await btcpay.create();
    const row = await until(async () => {
      const found = await deliveryOf(id, 'InvoiceCreated');
      return found?.['lastStatus'] === 503 ? found : null;
    });
    expect(row).toMatchObject({ status: 'pending', attempts: 1 });
    const waitMs = Date.parse(String(row['nextAttemptAt'])) - Date.parse(String(row['createdAt']));
    expect(waitMs).toBeGreaterThanOrEqual(10_000);
    expect(waitMs).toBeLessThan(15_000);
    await btcpay.rig.control(`webhooks/${String(row['id'])}/resend`, {});
    await delivered(id, 2);
    const [first, second] = receiver.about(id);
    expect(second?.isSigned).toBe(true);
    expect(second?.event).toMatchObject({
      isRedelivery: true,
      originalDeliveryId: first?.event['deliveryId'],
      timestamp: first?.event['timestamp'],
    });
    expect(second?.event['deliveryId']).not.toBe(first?.event['deliveryId']);
  });

  it.each([
    [400, 'failed'],
    [404, 'failed'],
    [408, 'pending'],
    [429, 'pending'],
  ])('answered with %i are %s', async (status, expected) => {
    receiver.statuses.push(status);
    const { id } = await btcpay.create();
    const row = await until(async () => {
      const found = await deliveryOf(id, 'InvoiceCreated');
      return found?.['lastStatus'] === status ? found : null;
    });
    expect(row['status']).toBe(expected);
  });
});

describe('the fault script', () => {
  it.each([
    ['http_500', 500],
    ['http_429', 429],
  ])('answers %s with an empty body and no effect', async (name, status) => {
    await fault('create', name);
    expect(await btcpay.call(INVOICES, order(name))).toEqual({ status, json: null });
    expect(await count(name)).toBe(0);
    expect(await btcpay.call(INVOICES, order(name))).toMatchObject({ status: 200 });
  });

  it.each([
    { label: 'lost before', rule: { fault: 'timeout_before', ms: 20 }, made: 0 },
    { label: 'reset before', rule: { fault: 'reset' }, made: 0 },
    { label: 'lost after', rule: { fault: 'timeout_after', ms: 20 }, made: 1 },
    { label: 'reset after', rule: { fault: 'reset', after: true }, made: 1 },
  ])('leaves $made invoices to be found where an answer was $label', async (scripted) => {
    const orderId = scripted.label.replaceAll(' ', '_');
    await fault('create', scripted.rule.fault, scripted.rule);
    await expect(btcpay.call(INVOICES, order(orderId))).rejects.toThrow();
    expect(await count(orderId)).toBe(scripted.made);
  });

  it('meets fetch, list, void and refund by their names', async () => {
    const { id } = await btcpay.create(FAST);
    for (const operation of ['fetch', 'list', 'void', 'refund']) await fault(operation, 'http_500');
    const refund = { refundVariant: 'Fiat' };
    expect((await btcpay.call(`${INVOICES}/${id}`)).status).toBe(500);
    expect((await btcpay.call(INVOICES)).status).toBe(500);
    expect((await btcpay.call(`${INVOICES}/${id}/status`, { status: 'Invalid' })).status).toBe(500);
    await btcpay.act(id, 'pay');
    expect((await btcpay.call(`${INVOICES}/${id}/refund`, refund)).status).toBe(500);
    expect((await btcpay.call(`${INVOICES}/${id}/refund`, refund)).status).toBe(200);
  });

  it('bends the webhooks of a call', async () => {
    await fault('create', 'webhook_drop');
    const dropped = await btcpay.create();
    expect(await until(() => deliveryOf(dropped.id, 'InvoiceCreated'))).toMatchObject({
      status: 'dropped',
    });
    await fault('create', 'webhook_duplicate');
    const doubled = await btcpay.create();
    await delivered(doubled.id, 2);
    const originals = receiver.about(doubled.id).map(({ event }) => event['originalDeliveryId']);
    expect(new Set(originals).size).toBe(1);
  });
});

describe('the log of calls', () => {
  it('has each call with its answer, and of the key the end only', async () => {
    const { id } = await btcpay.create();
    const { json } = await btcpay.rig.control('requests?processor=btcpay');
    const row = json.data.find((entry) => String(entry['response']).includes(id));
    expect(row).toMatchObject({ method: 'POST', status: 200, path: `/btcpay/api/v1/${INVOICES}` });
    expect(JSON.stringify(row)).not.toContain(API_KEY);
  });
});

describe('the payer’s page', () => {
  it('pays in part by the button that says so, then the rest', async () => {
    const { id } = await btcpay.create();
    expect(await html(id)).toContain('value="pay:1250"');
    await page(id, { action: 'pay:1250' });
    expect(await html(id)).toContain('12.50 of 25.00 USD have arrived.');
    await page(id, { action: 'pay' });
    expect(await html(id)).toContain('Confirm now');
    await page(id, { action: 'confirm' });
    expect(await btcpay.fetch(id)).toMatchObject({ status: 'Settled', additionalStatus: 'None' });
  });

  it('pays too much, and late', async () => {
    const { id } = await btcpay.create();
    await btcpay.advance(900);
    expect(await html(id)).toContain('Pay too much late');
    await page(id, { action: 'pay:2750' });
    expect(await btcpay.fetch(id)).toMatchObject({ additionalStatus: 'PaidLate' });
  });

  it('leads back to the shop where the invoice says so', async () => {
    const redirectURL = 'http://shop.test/paid?order={OrderId}&invoice={InvoiceId}';
    const checkout = { redirectURL, redirectAutomatically: true };
    const { id } = await btcpay.create({ checkout });
    const paid = await page(id, { action: 'pay' });
    expect(paid.status).toBe(303);
    expect(paid.headers.get('location')).toBe(`http://shop.test/paid?order=pay_1&invoice=${id}`);
  });

  it('claims a refund behind its link', async () => {
    const { id } = await btcpay.create(FAST);
    await btcpay.act(id, 'pay');
    const pull = await btcpay.refund(id);
    expect(await html(pull.id)).toContain('Claim the refund');
    await page(pull.id, { action: 'claim' });
    expect(await html(pull.id)).toContain('AwaitingApproval');
    expect((await page('none')).status).toBe(404);
  });

  it('says what a payer cannot do', async () => {
    const { id } = await btcpay.create();
    expect(await btcpay.act(id, 'decline')).toMatchObject({ status: 409 });
    expect(await btcpay.act(id, 'confirm')).toMatchObject({ status: 409 });
    expect(await btcpay.act(id, 'pay', { paymentMethod: 'X' })).toMatchObject({ status: 422 });
    expect(await btcpay.act('none', 'pay')).toMatchObject({ status: 404 });
  });
});

describe('a restart', () => {
  it('keeps invoices, payments, claims and what is still to happen', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'simulators-btcpay-'));
    const before = await startBtcpay({ state: { directory } });
    const { id } = await before.create();
    await before.act(id, 'pay');
    await before.rig.simulators.close();
    const after = await startBtcpay({ state: { directory } });
    expect(await after.fetch(id)).toMatchObject({ status: 'Processing' });
    await after.advance(600);
    expect(await after.fetch(id)).toMatchObject({ status: 'Settled' });
    await after.rig.simulators.close();
    rmSync(directory, { recursive: true });
  });
});

describe('simulators without a key for BTCPay', () => {
  it('do not serve it', async () => {
    const without = await startBtcpay({ btcpay: null });
    expect((await without.call(INVOICES)).status).toBe(404);
    expect(await without.act('none', 'pay')).toMatchObject({ status: 404 });
    const refused = await without.rig.control('faults', { processor: 'btcpay', fault: 'reset' });
    expect(refused.status).toBe(422);
    await without.rig.simulators.close();
  });
});
