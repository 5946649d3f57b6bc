/**
 * Contract of a payment gateway, part two: what is said when the wire or the request is broken.
 * Protects: a time-out is never read as a decline, and nothing takes effect twice. Run by payment-gateway.case.ts.
 */
import { describe, expect } from 'vitest';
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
  promisesOf,
  type Contract,
} from './payment-gateway-subject.ts';
import { newRefundId } from './payment-gateway-refunds.case.ts';

/** Time-outs, faults and lost connections. */
export function describeFailing(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('failing calls', () => {
    promise(
      'time-out before the effect: nobody knows, the fetch shows that nothing was done',
      async () => {
        const ref = await authorized(contract);
        const capture = { key: newKey(), ref, amountMinor: AMOUNT };
        await contract.harness.setFault('capture', 'timeout_before');
        expect((await contract.gateway.capture(capture)).kind).toBe('no_answer');
        expect((await fetched(contract, ref)).state).toBe('authorized');
        expect(await contract.harness.countCalls(capture.key)).toBe(1);
        expect(paymentOf(await contract.gateway.capture(capture)).state).toBe('captured');
        expect(await movementsOf(contract, ref, 'capture')).toHaveLength(1);
      },
    );

    promise(
      'time-out after the effect: nobody knows, the fetch shows that it was done',
      async () => {
        const ref = await authorized(contract);
        const capture = { key: newKey(), ref, amountMinor: AMOUNT };
        await contract.harness.setFault('capture', 'timeout_after');
        expect((await contract.gateway.capture(capture)).kind).toBe('no_answer');
        expect((await fetched(contract, ref)).state).toBe('captured');
        expect(paymentOf(await contract.gateway.capture(capture)).state).toBe('captured');
        expect(await movementsOf(contract, ref, 'capture')).toHaveLength(1);
      },
    );

    promise('an answered 500 is told as such; a new key is safe after a fetch', async () => {
      const ref = await authorized(contract);
      const capture = { key: newKey(), ref, amountMinor: AMOUNT };
      await contract.harness.setFault('capture', 'http_500');
      expect((await contract.gateway.capture(capture)).kind).toBe('server_error');
      if (contract.traits.storesFaults) {
        expect((await contract.gateway.capture(capture)).kind).toBe('server_error');
      }
      const found = await fetched(contract, ref);
      const reply = await contract.gateway.capture({ ...capture, key: newKey() });
      expect(reply.kind).toBe(found.state === 'captured' ? 'already_done' : 'payment');
      expect((await fetched(contract, ref)).capturedMinor).toBe(AMOUNT);
      expect(await movementsOf(contract, ref, 'capture')).toHaveLength(1);
    });

    promise('a 429 says that nothing was done, and the same key works afterwards', async () => {
      const ref = await authorized(contract);
      const capture = { key: newKey(), ref, amountMinor: AMOUNT };
      await contract.harness.setFault('capture', 'http_429');
      expect((await contract.gateway.capture(capture)).kind).toBe('unavailable');
      expect((await fetched(contract, ref)).state).toBe('authorized');
      expect(paymentOf(await contract.gateway.capture(capture)).state).toBe('captured');
    });

    promise('a reset connection is no answer, and is not repeated behind our back', async () => {
      const ref = await authorized(contract);
      const capture = { key: newKey(), ref, amountMinor: AMOUNT };
      await contract.harness.setFault('capture', 'reset');
      expect((await contract.gateway.capture(capture)).kind).toBe('no_answer');
      expect(await contract.harness.countCalls(capture.key)).toBe(1);
      await contract.gateway.capture(capture);
      expect((await fetched(contract, ref)).capturedMinor).toBe(AMOUNT);
      expect(await movementsOf(contract, ref, 'capture')).toHaveLength(1);
    });
  });
}

/** Lost answers to what every processor is asked: opens, refunds, reads. */
export function describeLosing(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('lost answers', () => {
    promise('time-out of an open: the same key finds the same payment', async () => {
      await contract.harness.setFault('create', 'timeout_after');
      const request = {
        key: newKey(),
        amount: { amount: AMOUNT, currency: CURRENCY },
        reference: { bookingId: 'bkg_lost', paymentId: 'pay_lost' },
        returnUrl: null,
      };
      expect((await contract.gateway.open(request)).kind).toBe('no_answer');
      const payment = paymentOf(await contract.gateway.open(request));
      expect(paymentOf(await contract.gateway.open(request)).ref).toBe(payment.ref);
    });

    promise('a payment whose open was lost is listed once', async () => {
      const key = newKey();
      await contract.harness.setFault('create', 'timeout_after');
      await expect(open(contract, key)).rejects.toThrow('no_answer');
      await open(contract, key);
      expect(await listedOf(contract, `pay_${key}`)).toHaveLength(1);
    });

    promise('a lost refund is found again by our own id and is made once', async () => {
      const ref = await captured(contract);
      const request = { key: newKey(), ref, amountMinor: 500, refundId: newRefundId() };
      await contract.harness.setFault('refund', 'timeout_after');
      expect((await contract.gateway.refund(request)).kind).toBe('no_answer');
      const { refundId } = request;
      const found = refundOf(await contract.gateway.findRefund({ ref, refundId }));
      expect(found.amountMinor).toBe(500);
      expect(refundOf(await contract.gateway.refund(request))).toEqual(found);
      expect((await fetched(contract, ref)).refundedMinor).toBe(500);
    });

    promise('a refund that never arrived is missing, and is then made', async () => {
      const ref = await captured(contract);
      const request = { key: newKey(), ref, amountMinor: 500, refundId: newRefundId() };
      await contract.harness.setFault('refund', 'timeout_before');
      expect((await contract.gateway.refund(request)).kind).toBe('no_answer');
      const { refundId } = request;
      expect(await contract.gateway.findRefund({ ref, refundId })).toEqual({ kind: 'missing' });
      expect(refundOf(await contract.gateway.refund(request)).amountMinor).toBe(500);
      expect((await fetched(contract, ref)).refundedMinor).toBe(500);
    });

    promise('a failing read is told apart from a missing payment', async () => {
      const { ref } = await open(contract);
      await contract.harness.setFault('fetch', 'http_500');
      expect((await contract.gateway.fetch(ref)).kind).toBe('server_error');
      await contract.harness.setFault('fetch', 'reset');
      expect((await contract.gateway.fetch(ref)).kind).toBe('no_answer');
      expect((await contract.gateway.fetch(ref)).kind).toBe('payment');
    });
  });
}

async function listedOf(contract: Contract, paymentId: string): Promise<unknown[]> {
  const page = await contract.gateway.listSince({
    sinceMs: contract.harness.nowMs() - MINUTE_MS,
    cursor: null,
  });
  const rows = 'payments' in page ? page.payments : [];
  return rows.filter((row) => paymentIdOf(row.reference) === paymentId);
}

/** References and credentials that are wrong. */
export function describeMisconfiguring(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('wrong requests', () => {
    promise('calls an unknown reference missing', async () => {
      const ref = contract.harness.unknownRef;
      const key = newKey();
      expect(await contract.gateway.fetch(ref)).toEqual({ kind: 'missing' });
      expect(await contract.gateway.fetch('../customers')).toEqual({ kind: 'missing' });
      expect(await contract.gateway.void({ key, ref })).toEqual({ kind: 'missing' });
      expect(await contract.gateway.capture({ key: newKey(), ref, amountMinor: 1 })).toEqual({
        kind: 'missing',
      });
      const refundId = newRefundId();
      expect(
        await contract.gateway.refund({ key: newKey(), ref, amountMinor: 1, refundId }),
      ).toEqual({ kind: 'missing' });
    });

    promise('calls wrong credentials misconfigured and keeps them out of the reason', async () => {
      const { ref } = await open(contract);
      const reply = await contract.harness.stranger.fetch(ref);
      expect(reply.kind).toBe('misconfigured');
      expect(JSON.stringify(reply)).not.toMatch(/sk_|secret|Bearer|Basic|token /i);
      const page = await contract.harness.stranger.listSince({ sinceMs: 0, cursor: null });
      expect(page).toHaveProperty('failed');
      expect(JSON.stringify(page)).not.toMatch(/sk_|Bearer|Basic|token /i);
    });
  });
}
