/**
 * Contract of a payment gateway, part two: what is said when the wire or the request is broken.
 * Protects: a time-out is never read as a decline, and nothing takes effect twice. Run by payment-gateway.case.ts.
 */
import { describe, expect, it } from 'vitest';
import {
  AMOUNT,
  CURRENCY,
  MINUTE_MS,
  newKey,
  paymentIdOf,
  paymentOf,
  refundOf,
  open,
  authorized,
  captured,
  fetched,
  movementsOf,
  type Subject,
} from './payment-gateway-subject.ts';

/** Time-outs, faults and lost connections. */
export function describeFailing(subject: Subject): void {
  describe('failing calls', () => {
    it('time-out before the effect: nobody knows, the fetch shows that nothing was done', async () => {
      const ref = await authorized(subject);
      const capture = { key: newKey(), ref, amountMinor: AMOUNT };
      await subject.harness.setFault('capture', 'timeout_before');
      expect((await subject.gateway.capture(capture)).kind).toBe('no_answer');
      expect((await fetched(subject, ref)).state).toBe('authorized');
      expect(await subject.harness.countCalls(capture.key)).toBe(1);
      expect(paymentOf(await subject.gateway.capture(capture)).state).toBe('captured');
      expect(await movementsOf(subject, ref, 'capture')).toHaveLength(1);
    });

    it('time-out after the effect: nobody knows, the fetch shows that it was done', async () => {
      const ref = await authorized(subject);
      const capture = { key: newKey(), ref, amountMinor: AMOUNT };
      await subject.harness.setFault('capture', 'timeout_after');
      expect((await subject.gateway.capture(capture)).kind).toBe('no_answer');
      expect((await fetched(subject, ref)).state).toBe('captured');
      expect(paymentOf(await subject.gateway.capture(capture)).state).toBe('captured');
      expect(await movementsOf(subject, ref, 'capture')).toHaveLength(1);
    });

    it('time-out of an open: the same key finds the same payment', async () => {
      await subject.harness.setFault('create', 'timeout_after');
      const request = {
        key: newKey(),
        amount: { amount: AMOUNT, currency: CURRENCY },
        reference: { bookingId: 'bkg_lost', paymentId: 'pay_lost' },
      };
      expect((await subject.gateway.open(request)).kind).toBe('no_answer');
      const payment = paymentOf(await subject.gateway.open(request));
      expect(paymentOf(await subject.gateway.open(request)).ref).toBe(payment.ref);
      const page = await subject.gateway.listSince({
        sinceMs: subject.harness.nowMs() - MINUTE_MS,
        cursor: null,
      });
      const rows = 'payments' in page ? page.payments : [];
      expect(rows.filter((row) => paymentIdOf(row.reference) === 'pay_lost')).toHaveLength(1);
    });

    it('a lost refund is found again under its key and is made once', async () => {
      const ref = await captured(subject);
      const request = { key: newKey(), ref, amountMinor: 500, refundId: 'rfd_lost' };
      await subject.harness.setFault('refund', 'timeout_after');
      expect((await subject.gateway.refund(request)).kind).toBe('no_answer');
      expect(refundOf(await subject.gateway.refund(request)).amountMinor).toBe(500);
      expect((await fetched(subject, ref)).refundedMinor).toBe(500);
    });

    it('an answered 500 stays under its key; a new key is safe after a fetch', async () => {
      const ref = await authorized(subject);
      const capture = { key: newKey(), ref, amountMinor: AMOUNT };
      await subject.harness.setFault('capture', 'http_500');
      expect((await subject.gateway.capture(capture)).kind).toBe('server_error');
      expect((await subject.gateway.capture(capture)).kind).toBe('server_error');
      const found = await fetched(subject, ref);
      const reply = await subject.gateway.capture({ ...capture, key: newKey() });
      expect(reply.kind).toBe(found.state === 'captured' ? 'already_done' : 'payment');
      expect((await fetched(subject, ref)).capturedMinor).toBe(AMOUNT);
      expect(await movementsOf(subject, ref, 'capture')).toHaveLength(1);
    });

    it('a 429 says that nothing was done, and the same key works afterwards', async () => {
      const ref = await authorized(subject);
      const capture = { key: newKey(), ref, amountMinor: AMOUNT };
      await subject.harness.setFault('capture', 'http_429');
      expect((await subject.gateway.capture(capture)).kind).toBe('unavailable');
      expect((await fetched(subject, ref)).state).toBe('authorized');
      expect(paymentOf(await subject.gateway.capture(capture)).state).toBe('captured');
    });

    it('a reset connection is no answer, and is not repeated behind our back', async () => {
      const ref = await authorized(subject);
      const capture = { key: newKey(), ref, amountMinor: AMOUNT };
      await subject.harness.setFault('capture', 'reset');
      expect((await subject.gateway.capture(capture)).kind).toBe('no_answer');
      expect(await subject.harness.countCalls(capture.key)).toBe(1);
      await subject.gateway.capture(capture);
      expect((await fetched(subject, ref)).capturedMinor).toBe(AMOUNT);
      expect(await movementsOf(subject, ref, 'capture')).toHaveLength(1);
    });

    it('a failing read is told apart from a missing payment', async () => {
      const { ref } = await open(subject);
      await subject.harness.setFault('fetch', 'http_500');
      expect((await subject.gateway.fetch(ref)).kind).toBe('server_error');
      await subject.harness.setFault('fetch', 'reset');
      expect((await subject.gateway.fetch(ref)).kind).toBe('no_answer');
      expect((await subject.gateway.fetch(ref)).kind).toBe('payment');
    });
  });
}

/** References and credentials that are wrong. */
export function describeMisconfiguring(subject: Subject): void {
  describe('wrong requests', () => {
    it('calls an unknown reference missing', async () => {
      const ref = subject.harness.unknownRef;
      const key = newKey();
      expect(await subject.gateway.fetch(ref)).toEqual({ kind: 'missing' });
      expect(await subject.gateway.fetch('../customers')).toEqual({ kind: 'missing' });
      expect(await subject.gateway.void({ key, ref })).toEqual({ kind: 'missing' });
      expect(await subject.gateway.capture({ key: newKey(), ref, amountMinor: 1 })).toEqual({
        kind: 'missing',
      });
      expect(
        await subject.gateway.refund({ key: newKey(), ref, amountMinor: 1, refundId: 'rfd_none' }),
      ).toEqual({ kind: 'missing' });
    });

    it('calls wrong credentials misconfigured and keeps them out of the reason', async () => {
      const { ref } = await open(subject);
      const reply = await subject.harness.stranger.fetch(ref);
      expect(reply.kind).toBe('misconfigured');
      expect(JSON.stringify(reply)).not.toMatch(/sk_|secret|Bearer/i);
      const page = await subject.harness.stranger.listSince({ sinceMs: 0, cursor: null });
      expect(page).toHaveProperty('failed');
      expect(JSON.stringify(page)).not.toMatch(/sk_|Bearer/i);
    });
  });
}
