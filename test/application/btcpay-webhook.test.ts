/**
 * Which webhook requests the BTCPay gateway believes, and what it reads from them.
 * The signer is Node's, so that our reading of the scheme is not tested against itself.
 */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { WebhookEvent } from '../../src/application/ports.ts';
import type { BtcpayGatewayConfig } from '../../src/payments/btcpay/gateway.ts';
import { makeWiredGateway, STORE, WEBHOOK_SECRET } from './btcpay-wire.ts';

const NOW_MS = 1_800_000_000_500;
const NOW_S = 1_800_000_000;

function eventBody(overrides: Record<string, unknown> = {}): string {
  const event = {
    overPaid: false,
    deliveryId: 'del1',
    webhookId: 'hook1',
    originalDeliveryId: 'del1',
    isRedelivery: false,
    type: 'InvoiceSettled',
    timestamp: NOW_S - 5,
    storeId: STORE,
    invoiceId: 'inv1',
    metadata: { orderId: 'pay_1', booking_id: 'bkg_1', payment_id: 'pay_1', itemCount: 2 },
    ...overrides,
  };
  return JSON.stringify(event, null, 2);
}

function signature(body: string, secret = WEBHOOK_SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body, 'utf8').digest('hex')}`;
}

function readRaw(
  rawBody: string,
  header: string | null,
  config: Partial<BtcpayGatewayConfig> = {},
): Promise<WebhookEvent | null> {
  const { gateway } = makeWiredGateway({}, config);
  const headers = new Headers(header === null ? {} : { 'BTCPay-Sig': header });
  return gateway.readWebhook({ rawBody, headers, nowMs: NOW_MS });
}

function readEvent(overrides: Record<string, unknown> = {}): Promise<WebhookEvent | null> {
  const body = eventBody(overrides);
  return readRaw(body, signature(body));
}

describe('signature', () => {
  const body = eventBody();

  it('accepts what was signed and reads it', async () => {
    expect(await readRaw(body, signature(body))).toEqual({
      dedupeKey: 'del1',
      type: 'InvoiceSettled',
      objectRef: 'inv1',
      reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
      isExpected: true,
      occurredAtMs: (NOW_S - 5) * 1_000,
    });
    expect(await readRaw(body, signature(body).toUpperCase().replace('SHA', 'sha'))).not.toBeNull();
  });

  it('tries every secret', async () => {
    const webhookSecrets = ['next', WEBHOOK_SECRET, 'former'];
    for (const secret of webhookSecrets) {
      expect(
        await readRaw(body, signature(body, secret), { webhookSecrets }),
        secret,
      ).not.toBeNull();
    }
    expect(await readRaw(body, signature(body, 'other'), { webhookSecrets })).toBeNull();
  });

  it('refuses malformed headers, empty secrets and other bodies', async () => {
    const good = signature(body);
    for (const header of [
      '',
      'sha256=',
      good.slice(7),
      `${good}00`,
      good.slice(0, -1),
      `x${good}`,
    ]) {
      expect(await readRaw(body, header), header).toBeNull();
    }
    expect(await readRaw(body, null)).toBeNull();
    expect(await readRaw(JSON.stringify(JSON.parse(body)), good)).toBeNull();
    expect(await readRaw(`${body} `, good)).toBeNull();
    expect(await readRaw('', good)).toBeNull();
    expect(await readRaw(body, good, { webhookSecrets: [] })).toBeNull();
    const unsecured = { webhookSecrets: [''] };
    expect(await readRaw(body, good, unsecured)).toBeNull();
  });

  it('checks the bytes, not the meaning: unicode is kept as it came', async () => {
    const unicode = eventBody({ note: 'Zoë 🎈 \u2028' });
    expect(await readRaw(unicode, signature(unicode))).not.toBeNull();
    expect(await readRaw(unicode.replace('ë', '\\u00eb'), signature(unicode))).toBeNull();
  });

  it('refuses a signed body that is no event', async () => {
    for (const text of ['not json', 'null', '[]', '{}', '{"deliveryId":"del1"}']) {
      expect(await readRaw(text, signature(text)), text).toBeNull();
    }
  });
});

describe('time', () => {
  it.each([
    ['a day old', -24 * 3_600 + 1, true],
    ['older than a day', -24 * 3_600 - 1, false],
    ['five minutes ahead', 300, true],
    ['more than five minutes ahead', 301, false],
    ['a year ahead', 31_536_000, false],
  ])('%s', async (_name, skewS, isAccepted) => {
    expect((await readEvent({ timestamp: NOW_S + skewS })) !== null).toBe(isAccepted);
  });
});

describe('content', () => {
  it('tells a repeated delivery by the first one', async () => {
    const first = await readEvent({ deliveryId: 'del1', originalDeliveryId: null });
    const again = { deliveryId: 'del2', originalDeliveryId: 'del1', isRedelivery: true };
    expect((await readEvent(again))?.dedupeKey).toBe(first?.dedupeKey);
    expect((await readEvent({ deliveryId: 'del2', originalDeliveryId: 'del2' }))?.dedupeKey).toBe(
      'del2',
    );
  });

  it('names the subscription that a charge belongs to', async () => {
    const metadata = { orderId: 'chg_1', subscription_id: 'sub_1', charge_id: 'chg_1' };
    expect((await readEvent({ metadata }))?.reference).toEqual({
      subscriptionId: 'sub_1',
      chargeId: 'chg_1',
    });
  });

  it('of half a reference, or of none, names nothing of ours', async () => {
    for (const metadata of [{ booking_id: 'bkg_1', charge_id: 'chg_1' }, {}, null, undefined]) {
      expect((await readEvent({ metadata }))?.reference).toBeNull();
    }
  });

  it('of a payout or a test names no invoice', async () => {
    const payout = { type: 'PayoutUpdated', invoiceId: undefined, pullPaymentId: 'pp1' };
    expect(await readEvent(payout)).toMatchObject({ type: 'PayoutUpdated', objectRef: null });
    expect((await readEvent({ invoiceId: '../stores' }))?.objectRef).toBeNull();
  });

  it('expects events of our store alone', async () => {
    expect((await readEvent())?.isExpected).toBe(true);
    expect((await readEvent({ storeId: 'other' }))?.isExpected).toBe(false);
    expect((await readEvent({ storeId: undefined }))?.isExpected).toBe(false);
  });
});
