/**
 * PayPal's webhooks: signed with a certificate that a receiver fetches, sent again, listed, and kept
 * over a restart. The receiver verifies from PayPal's documentation alone.
 */
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { until } from './support.ts';
import { end, ProcessRig } from './support-process.ts';
import {
  approved,
  authorized,
  captured,
  CLIENT,
  makePaypalRig,
  newKey,
  startPaypal,
  startPaypalReceiver,
  WEBHOOK_ID,
  type PaypalReceiver,
  type PaypalRig,
} from './support-paypal.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let receiver: PaypalReceiver;
let rig: PaypalRig;
beforeEach(async () => {
  receiver = await startPaypalReceiver();
  rig = await startPaypal({ platformUrl: receiver.url });
});
afterEach(async () => {
  await rig.close();
  await receiver.close();
});

describe('a webhook', () => {
  it('tells of every step, signed so that anybody can check it', async () => {
    const { orderId, captureId } = await captured(rig);
    await rig.post(`/v2/payments/captures/${captureId}/refund`, {}, { key: newKey() });
    await rig.pay(orderId, { action: 'approve' });
    await until(() => receiver.calls.length === 5);
    expect(receiver.types().toSorted()).toEqual([
      'CHECKOUT.ORDER.APPROVED',
      'CHECKOUT.ORDER.COMPLETED',
      'PAYMENT.AUTHORIZATION.CREATED',
      'PAYMENT.CAPTURE.COMPLETED',
      'PAYMENT.CAPTURE.REFUNDED',
    ]);
    const capture = receiver.calls.find(({ event }) => event['resource']?.['id'] === captureId);
    expect(capture?.event).toMatchObject({
      id: expect.stringMatching(/^WH-[A-Z0-9]{17}-[A-Z0-9]{17}$/),
      resource_type: 'capture',
      event_type: 'PAYMENT.CAPTURE.COMPLETED',
      resource: { supplementary_data: { related_ids: { order_id: orderId } } },
    });
  });

  it('that was not taken comes again as the same transmission', async () => {
    receiver.statuses.push(503);
    await approved(rig);
    await until(() => receiver.calls.length === 2);
    const [first, second] = receiver.calls;
    expect(second).toEqual(first);
  });

  it('obeys the fault script', async () => {
    const rule = { processor: 'paypal', operation: 'authorize', count: 2 };
    await rig.control('faults', { ...rule, fault: 'webhook_drop' });
    const { authorizationId } = await authorized(rig);
    await rig.control('faults', undefined, 'DELETE');
    const path = `/v2/payments/authorizations/${authorizationId}/void`;
    await rig.post(path, {}, { key: newKey() });
    await until(() => receiver.calls.length === 2);
    expect(receiver.types().toSorted()).toEqual([
      'CHECKOUT.ORDER.APPROVED',
      'PAYMENT.AUTHORIZATION.VOIDED',
    ]);
  });

  it('is told of what the clock does', async () => {
    const voided = await authorized(rig);
    await approved(rig);
    const { orderId } = await captured(rig, 'payer_capture_pending');
    await rig.pay(orderId, { action: 'dispute' });
    await rig.advance(600);
    await rig.pay(orderId, { action: 'dispute' });
    await rig.advance(30 * 86_400);
    await until(() => receiver.types().includes('PAYMENT.CAPTURE.REVERSED'));
    expect(receiver.types()).toEqual(
      expect.arrayContaining([
        'CHECKOUT.PAYMENT-APPROVAL.REVERSED',
        'PAYMENT.CAPTURE.PENDING',
        'PAYMENT.CAPTURE.COMPLETED',
        'CUSTOMER.DISPUTE.CREATED',
        'CUSTOMER.DISPUTE.RESOLVED',
      ]),
    );
    const lapsed = receiver.calls.find(
      ({ event }) => event['event_type'] === 'PAYMENT.AUTHORIZATION.VOIDED',
    );
    expect(lapsed?.event['resource']?.['id']).toBe(voided.authorizationId);
  });
});

describe('the list of events', () => {
  const EVENTS = '/v1/notifications/webhooks-events';

  it('holds what was raised, newest first, page by page, and sends one again', async () => {
    await captured(rig);
    await until(() => receiver.calls.length === 4);
    const first = await rig.get(`${EVENTS}?page_size=3`);
    expect(first.json['count']).toBe(3);
    expect(first.json['events']?.[0]?.['event_type']).toBe('PAYMENT.CAPTURE.COMPLETED');
    const next = first.json['links']?.find((link) => link['rel'] === 'next');
    const second = await rig.get(String(next?.['href']).slice(`${rig.url}/paypal`.length));
    expect(second.json['events']?.map((event) => event['event_type'])).toEqual([
      'CHECKOUT.ORDER.APPROVED',
    ]);
    const filtered = await rig.get(`${EVENTS}?event_type=CHECKOUT.ORDER.COMPLETED`);
    expect(filtered.json['count']).toBe(1);

    const id = String(filtered.json['events']?.[0]?.['id']);
    expect((await rig.post(`${EVENTS}/${id}/resend`)).status).toBe(202);
    await until(() => receiver.calls.length === 5);
    expect(receiver.calls[4]?.event['id']).toBe(id);
  });

  it('keeps to the instants that are asked for', async () => {
    await approved(rig);
    const later = new Date(Date.now() + 60_000).toISOString();
    expect((await rig.get(`${EVENTS}?start_time=${later}`)).json['count']).toBe(0);
    expect((await rig.get(`${EVENTS}?start_time=yesterday`)).status).toBe(400);
  });
});

describe('a restart', () => {
  it('keeps orders, request ids, tokens and the certificate', async () => {
    const processes = new ProcessRig();
    try {
      const env = {
        PAYPAL_CLIENT_ID: CLIENT.clientId,
        PAYPAL_CLIENT_SECRET: CLIENT.clientSecret,
        PAYPAL_WEBHOOK_ID: WEBHOOK_ID,
        PLATFORM_URL: receiver.url,
      };
      const first = await processes.launch(env);
      const before = makePaypalRig(first.rig);
      const { authorizationId, orderId } = await authorized(before);
      const path = `/v2/payments/authorizations/${authorizationId}/capture`;
      const capture = await before.post(path, {}, { key: 'cap' });
      await until(() => receiver.calls.length === 4);
      await end(first.child, 'SIGKILL');

      const second = await processes.launch(env);
      const after = makePaypalRig(second.rig);
      const again = await after.post(path, {}, { key: 'cap' });
      expect(again.json['id']).toBe(capture.json['id']);
      expect((await after.books(orderId)).map((row) => row.kind)).toEqual([
        'authorization',
        'capture',
      ]);
      await approved(after);
      // The receiver keeps only what verifies.
      await until(() => receiver.calls.length === 5);
    } finally {
      await processes.clean();
    }
  });

  it('refuses to start with half of what PayPal needs, and serves no PayPal without any', async () => {
    const processes = new ProcessRig();
    try {
      const refused = await processes.launchRefused({ PAYPAL_CLIENT_ID: 'client' });
      expect(refused.stderr).toContain('PAYPAL_CLIENT_SECRET');
      const { rig: bare } = await processes.launch();
      const health = await fetch(`${bare.url}/healthz`);
      expect(await health.json()).toMatchObject({ processors: ['stripe'] });
      expect((await fetch(`${bare.url}/paypal/v1/oauth2/token`, { method: 'POST' })).status).toBe(
        404,
      );
    } finally {
      await processes.clean();
    }
  });
});

describe('the certificate', () => {
  it('is one that a receiver can read: self-signed, of PayPal’s name, valid now', async () => {
    const urls: string[] = [];
    const server = createServer((request, response) => {
      urls.push(String(request.headers['paypal-cert-url']));
      response.end();
    });
    server.listen(0, '127.0.0.1');
    await until(() => server.listening);
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const other = await startPaypal({ platformUrl: `http://127.0.0.1:${String(port)}` });
    try {
      await approved(other);
      const url = await until(() => urls[0]);
      expect(url).toContain('/v1/notifications/certs/CERT-');
      const certificate = new X509Certificate(await (await fetch(url)).text());
      expect(certificate.subject).toBe('CN=messageverificationcerts.paypal.com');
      expect(certificate.verify(certificate.publicKey)).toBe(true);
      expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now());
      expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
      const unknown = await fetch(`${other.url}/paypal/v1/notifications/certs/CERT-0-0-0`);
      expect(unknown.status).toBe(404);
    } finally {
      await other.close();
      server.closeAllConnections();
      server.close();
    }
  });
});
