/** What is believed of PayPal's webhooks: who signed, with which certificate from where, over which bytes, and when. */
import { createSign } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { crc32 } from '../../src/payments/paypal/crc32.ts';
import {
  CertificateUnavailable,
  createWebhookReader,
  type PaypalWebhookConfig,
} from '../../src/payments/paypal/webhook.ts';
import { makeSigner, type Signer } from './paypal-certificates.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WEBHOOK_ID = '1JE4291016473214C';
const CERT_URL = 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270';

const BODY = JSON.stringify({
  id: 'WH-58D329510W468432D-8HN650336L201105X',
  event_type: 'PAYMENT.CAPTURE.COMPLETED',
  create_time: '2026-11-21T11:59:58.123Z',
  resource: {
    id: '2GG279541U471931P',
    custom_id: 'bkg_1:pay_1',
    note: 'Größe: 1 × “L” 🎾',
    supplementary_data: { related_ids: { order_id: '5O190127TN364715T' } },
  },
});

let paypal: Signer;
beforeAll(() => {
  paypal = signerOf({});
});

function signerOf(wish: Partial<Parameters<typeof makeSigner>[0]>): Signer {
  return makeSigner({
    commonName: 'messageverificationcerts.paypal.com',
    notBeforeMs: NOW_MS - 30 * DAY_MS,
    // Beyond 2049, where certificates write years in full.
    notAfterMs: NOW_MS + 30 * 365 * DAY_MS,
    ...wish,
  });
}

interface Sent {
  readonly body?: string;
  readonly signer?: Signer;
  readonly webhookId?: string;
  readonly atMs?: number;
  readonly certUrl?: string;
  readonly headers?: Record<string, string | null>;
}

function headersOf(sent: Sent): Headers {
  const { body = BODY, signer = paypal, webhookId = WEBHOOK_ID, atMs = NOW_MS } = sent;
  const time = new Date(atMs).toISOString().replace('.000', '');
  const text = `tid-1|${time}|${webhookId}|${zlibCrc32(body)}`;
  const headers = new Headers({
    'paypal-transmission-id': 'tid-1',
    'paypal-transmission-time': time,
    'paypal-transmission-sig': createSign('sha256').update(text).sign(signer.privateKey, 'base64'),
    'paypal-cert-url': sent.certUrl ?? CERT_URL,
    'paypal-auth-algo': 'SHA256withRSA',
  });
  for (const [name, value] of Object.entries(sent.headers ?? {})) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  return headers;
}

/** A reader, and the addresses that it asked for certificates. */
function readerOf(
  config: Partial<PaypalWebhookConfig> & { pem?: string; answer?: () => Response } = {},
) {
  const { pem = paypal.pem, answer = () => new Response(pem), ...rest } = config;
  const asked: string[] = [];
  const read = createWebhookReader({
    apiUrl: 'https://api-m.paypal.com',
    webhookIds: [WEBHOOK_ID],
    certHosts: ['api.paypal.com'],
    isLive: true,
    fetch: (input) => {
      asked.push(input instanceof Request ? input.url : input.toString());
      return Promise.resolve(answer());
    },
    ...rest,
  });
  const receive = (sent: Sent = {}, rawBody = sent.body ?? BODY) =>
    read({ rawBody, headers: headersOf(sent), nowMs: NOW_MS });
  return { receive, asked };
}

describe('a webhook of PayPal', () => {
  it('is believed when PayPal signed these very bytes for our webhook', async () => {
    const { receive } = readerOf();
    expect(await receive()).toEqual({
      dedupeKey: 'WH-58D329510W468432D-8HN650336L201105X',
      type: 'PAYMENT.CAPTURE.COMPLETED',
      objectRef: '5O190127TN364715T',
      reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
      isExpected: true,
      occurredAtMs: Date.parse('2026-11-21T11:59:58.123Z'),
    });
  });

  it('is not believed when a byte, the webhook or the signer is another', async () => {
    const { receive } = readerOf();
    expect(await receive({}, BODY.replace('"L"', '"M"').replace('1 ×', '2 ×'))).toBeNull();
    expect(await receive({}, JSON.stringify(JSON.parse(BODY), null, 2))).toBeNull();
    expect(await receive({ webhookId: '9AB4291016473214C' })).toBeNull();
    expect(await receive({ signer: signerOf({}) })).toBeNull();
  });

  it('is believed for each of our webhooks while one replaces another', async () => {
    const { receive } = readerOf({ webhookIds: ['0NEW291016473214C', WEBHOOK_ID] });
    expect(await receive()).not.toBeNull();
  });

  it.each([
    ['4 days old', -4 * DAY_MS, true],
    ['older', -4 * DAY_MS - 1_000, false],
    ['5 minutes ahead', 5 * MINUTE_MS, true],
    ['further ahead', 5 * MINUTE_MS + 1_000, false],
    ['a year ahead', 365 * DAY_MS, false],
  ])('that is %s is taken or refused by its time', async (_, offsetMs, isTaken) => {
    const { receive } = readerOf();
    expect((await receive({ atMs: NOW_MS + offsetMs })) !== null).toBe(isTaken);
  });

  it.each([
    ['paypal-transmission-id', null],
    ['paypal-transmission-id', 'a|b'],
    ['paypal-transmission-time', null],
    ['paypal-transmission-time', 'yesterday'],
    ['paypal-transmission-time', '2026-11-21 12:00:00Z'],
    ['paypal-transmission-sig', null],
    ['paypal-transmission-sig', '%%%'],
    ['paypal-cert-url', null],
    ['paypal-auth-algo', null],
    ['paypal-auth-algo', 'SHA1withRSA'],
    ['paypal-auth-algo', 'none'],
  ])('with %s = %s is refused before anything is fetched', async (name, value) => {
    const { receive, asked } = readerOf();
    expect(await receive({ headers: { [name]: value } })).toBeNull();
    expect(asked).toEqual([]);
  });

  it.each([
    'http://api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1',
    'https://evil.example/v1/notifications/certs/CERT-1',
    'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com:8443/v1/notifications/certs/CERT-1',
    'https://user@api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com/v1/notifications/certs/%2e%2e/uploads/mine',
    'https://api.paypal.com/uploads/v1/notifications/certs/CERT-1',
    'http://127.0.0.1:9787/paypal/v1/notifications/certs/CERT-1',
    'file:///etc/passwd',
    'not an address',
  ])('never fetches a certificate from %s in production', async (certUrl) => {
    const { receive, asked } = readerOf();
    expect(await receive({ certUrl })).toBeNull();
    expect(asked).toEqual([]);
  });

  it('may name a certificate of the simulator on this machine outside production alone', async () => {
    const certUrl = 'http://127.0.0.1:9787/paypal/v1/notifications/certs/CERT-1';
    const local = {
      apiUrl: 'http://127.0.0.1:9787/paypal',
      certHosts: ['127.0.0.1:9787'],
      isLive: false,
    };
    expect(await readerOf(local).receive({ certUrl })).not.toBeNull();
    expect(await readerOf({ ...local, isLive: true }).receive({ certUrl })).toBeNull();
    const elsewhere = certUrl.replace('127.0.0.1:9787', '127.0.0.1:9999');
    expect(await readerOf(local).receive({ certUrl: elsewhere })).toBeNull();
    const remote = { ...local, certHosts: ['pay.example'] };
    const plain = 'http://pay.example/v1/notifications/certs/CERT-1';
    expect(await readerOf(remote).receive({ certUrl: plain })).toBeNull();
  });

  it('is refused with a certificate that is out of its time or not PayPal’s', async () => {
    const ended = signerOf({ notAfterMs: NOW_MS - 1_000 });
    const future = signerOf({ notBeforeMs: NOW_MS + 1_000 });
    const other = signerOf({ commonName: 'paypal.com.evil.example' });
    for (const signer of [ended, future, other]) {
      expect(await readerOf({ pem: signer.pem }).receive({ signer })).toBeNull();
    }
  });

  it('is refused with a key of another kind, and with what is no certificate', async () => {
    const elliptic = signerOf({ isElliptic: true });
    expect(await readerOf({ pem: elliptic.pem }).receive({ signer: elliptic })).toBeNull();
    const cut = paypal.pem.replace(/\n[^\n]{64}\n/, '\n');
    for (const pem of ['', 'hello', cut, paypal.pem.slice(0, 200), 'x'.repeat(40_000)]) {
      expect(await readerOf({ pem }).receive()).toBeNull();
    }
    expect(
      await readerOf({ answer: () => new Response('', { status: 404 }) }).receive(),
    ).toBeNull();
  });

  it('is asked for again, and not refused, while the certificate cannot be had', async () => {
    const { receive } = readerOf({ answer: () => new Response('', { status: 503 }) });
    await expect(receive()).rejects.toThrow(CertificateUnavailable);
  });

  it('costs one look at a certificate for many events', async () => {
    const { receive, asked } = readerOf();
    for (const atMs of [NOW_MS, NOW_MS - 1_000, NOW_MS - 2_000]) {
      expect(await receive({ atMs })).not.toBeNull();
    }
    expect(asked).toEqual([CERT_URL]);
  });

  it.each([
    ['an order', { id: 'ORDER1', purchase_units: [{ custom_id: 'bkg_1:pay_1' }] }, 'ORDER1'],
    ['an order of somebody else', { id: 'ORDER2', purchase_units: [{}] }, 'ORDER2'],
  ])('about %s names the order', async (_, resource, ref) => {
    const body = JSON.stringify({
      id: 'WH-1',
      event_type: 'CHECKOUT.ORDER.APPROVED',
      create_time: '2026-11-21T11:59:58Z',
      resource,
    });
    const { receive } = readerOf();
    expect(await receive({ body })).toMatchObject({ objectRef: ref });
  });

  it('about a dispute or a refund leads to us by our own ids', async () => {
    const { receive } = readerOf();
    const event = { id: 'WH-1', create_time: '2026-11-21T11:59:58Z' };
    const dispute = {
      ...event,
      event_type: 'CUSTOMER.DISPUTE.CREATED',
      resource: { dispute_id: 'PP-D-1', disputed_transactions: [{ custom: 'sub_1:chg_1' }] },
    };
    expect(await receive({ body: JSON.stringify(dispute) })).toMatchObject({
      objectRef: null,
      reference: { subscriptionId: 'sub_1', chargeId: 'chg_1' },
    });
    const refund = {
      ...event,
      event_type: 'PAYMENT.CAPTURE.REFUNDED',
      resource: { id: 'REFUND1', custom_id: 'bkg_1:pay_1' },
    };
    expect(await receive({ body: JSON.stringify(refund) })).toMatchObject({
      reference: { bookingId: 'bkg_1', paymentId: 'pay_1' },
    });
  });

  it('whose signed body is no event is refused', async () => {
    const { receive } = readerOf();
    for (const body of ['', 'null', '{"id":"WH-1"}', '[]', 'not json']) {
      expect(await receive({ body }, body)).toBeNull();
    }
  });
});

describe('the checksum', () => {
  it('is the one of zlib', () => {
    for (const text of ['', 'a', BODY, 'x'.repeat(10_000)]) {
      expect(crc32(new TextEncoder().encode(text))).toBe(zlibCrc32(text));
    }
  });
});
