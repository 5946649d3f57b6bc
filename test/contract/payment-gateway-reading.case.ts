/**
 * Contract of a payment gateway, part three: what is read without asking for an effect.
 * Run by payment-gateway.case.ts.
 */
import { describe, expect, it } from 'vitest';
import type { WebhookEvent } from '../../src/application/ports.ts';
import {
  AMOUNT,
  MINUTE_MS,
  newKey,
  open,
  paymentIdOf,
  authorized,
  captured,
  type Subject,
} from './payment-gateway-subject.ts';

async function readSigned(
  subject: Subject,
  request: {
    secret?: 'current' | 'previous' | 'wrong';
    skewMs?: number;
    sentBody?: (body: string) => string;
  },
): Promise<WebhookEvent | null> {
  const ref = await authorized(subject);
  const { rawBody: body } = await subject.harness.deliveredEvent(ref);
  const nowMs = subject.harness.nowMs();
  const headers = await subject.harness.sign({
    body,
    atMs: nowMs + (request.skewMs ?? 0),
    secret: request.secret ?? 'current',
  });
  const rawBody = request.sentBody ? request.sentBody(body) : body;
  return subject.gateway.readWebhook({ rawBody, headers, nowMs });
}

/** What reconciliation reads. */
export function describeListing(subject: Subject): void {
  describe('listing', () => {
    it('finds every payment since an instant, with our ids and a coarse state', async () => {
      const sinceMs = subject.harness.nowMs() - MINUTE_MS;
      const opened = (await open(subject)).ref;
      const reserved = await authorized(subject);
      const paid = await captured(subject);
      const refund = { key: newKey(), ref: paid, amountMinor: 45, refundId: 'rfd_listed' };
      expect((await subject.gateway.refund(refund)).kind).toBe('refund');
      const ended = (await open(subject)).ref;
      await subject.gateway.void({ key: newKey(), ref: ended });
      const page = await subject.gateway.listSince({ sinceMs, cursor: null });
      if ('failed' in page) throw new Error(page.failed);
      const stateOf = new Map(page.payments.map((row) => [row.ref, row.state]));
      expect(stateOf.get(opened)).toBe('open');
      expect(stateOf.get(reserved)).toBe('authorized');
      expect(stateOf.get(paid)).toBe('captured');
      expect(stateOf.get(ended)).toBe('ended');
      const row = page.payments.find((candidate) => candidate.ref === paid);
      expect(row).toMatchObject({ capturedMinor: AMOUNT, refundedMinor: 45 });
      expect(paymentIdOf(row?.reference)).toMatch(/^pay_/);
      expect(row?.createdAtMs).toBeGreaterThanOrEqual(sinceMs);
      expect(page.payments.find((candidate) => candidate.ref === reserved)).toMatchObject({
        capturedMinor: 0,
        refundedMinor: 0,
      });
    });

    it('goes on after the last row of a page and leaves out what is older', async () => {
      const older = (await open(subject)).ref;
      const newer = (await open(subject)).ref;
      const sinceMs = subject.harness.nowMs() - MINUTE_MS;
      const page = await subject.gateway.listSince({ sinceMs, cursor: newer });
      if ('failed' in page) throw new Error(page.failed);
      const refs = page.payments.map((row) => row.ref);
      expect(refs).toContain(older);
      expect(refs).not.toContain(newer);
      const later = await subject.gateway.listSince({
        sinceMs: subject.harness.nowMs() + 10 * MINUTE_MS,
        cursor: null,
      });
      expect(later).toEqual({ payments: [], next: null });
    });

    it('says so when the list cannot be read', async () => {
      await subject.harness.setFault('list', 'http_500');
      const page = await subject.gateway.listSince({ sinceMs: 0, cursor: null });
      expect(page).toEqual({ failed: expect.stringContaining('server_error') });
    });
  });
}

/** Which events are believed. */
export function describeWebhooks(subject: Subject): void {
  describe('webhooks', () => {
    it('reads a genuine event and names the payment', async () => {
      const ref = await authorized(subject);
      const delivered = await subject.harness.deliveredEvent(ref);
      const nowMs = subject.harness.nowMs();
      const event = await subject.gateway.readWebhook({ ...delivered, nowMs });
      expect(event).toMatchObject({
        objectRef: ref,
        isExpected: true,
        dedupeKey: expect.any(String),
        type: expect.any(String),
        reference: { paymentId: expect.stringMatching(/^pay_/) },
      });
      expect(Math.abs((event?.occurredAtMs ?? 0) - subject.harness.nowMs())).toBeLessThan(
        MINUTE_MS,
      );
    });

    it('accepts the previous secret while it is being rotated', async () => {
      expect(await readSigned(subject, { secret: 'previous' })).not.toBeNull();
    });

    it('refuses a wrong secret', async () => {
      expect(await readSigned(subject, { secret: 'wrong' })).toBeNull();
    });

    it('refuses a time outside 300 s, in the past and in the future', async () => {
      expect(await readSigned(subject, { skewMs: -299_000 })).not.toBeNull();
      expect(await readSigned(subject, { skewMs: -302_000 })).toBeNull();
      expect(await readSigned(subject, { skewMs: 299_000 })).not.toBeNull();
      expect(await readSigned(subject, { skewMs: 302_000 })).toBeNull();
      expect(await readSigned(subject, { skewMs: 365 * 24 * 60 * MINUTE_MS })).toBeNull();
    });

    it('refuses a body that was parsed and written again', async () => {
      const rewritten = await readSigned(subject, {
        sentBody: (body) => ` ${JSON.stringify(JSON.parse(body))}`,
      });
      expect(rewritten).toBeNull();
    });

    it('refuses a missing header', async () => {
      const ref = await authorized(subject);
      const { rawBody } = await subject.harness.deliveredEvent(ref);
      const nowMs = subject.harness.nowMs();
      const headers = new Headers();
      expect(await subject.gateway.readWebhook({ rawBody, headers, nowMs })).toBeNull();
    });
  });
}
