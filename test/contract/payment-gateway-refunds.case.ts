/**
 * Contract of a payment gateway, part four: giving money back, in parts, never too much, and found again by our own id.
 * Run by payment-gateway.case.ts.
 */
import { describe, expect } from 'vitest';
import {
  AMOUNT,
  captured,
  collect,
  fetched,
  movementsOf,
  newKey,
  promisesOf,
  refundOf,
  type Contract,
} from './payment-gateway-subject.ts';

/** Giving money back, in parts and never too much. */
export function describeRefunding(contract: Contract): void {
  const promise = promisesOf(contract);
  const isClaimed = contract.traits.refunds === 'claim';
  describe('refunding', () => {
    promise('gives back a part and then the rest', async () => {
      const ref = await captured(contract);
      const first = { key: newKey(), ref, amountMinor: 2_345, refundId: newRefundId() };
      const part = refundOf(await contract.gateway.refund(first));
      expect(part).toMatchObject({
        status: isClaimed ? 'pending' : 'succeeded',
        amountMinor: 2_345,
        claimUrl: isClaimed ? expect.stringMatching(/^https?:/) : null,
      });
      expect(await fetched(contract, ref)).toMatchObject({
        state: 'captured',
        capturedMinor: AMOUNT,
        refundedMinor: 2_345,
      });
      const rest = { key: newKey(), ref, amountMinor: 10_000, refundId: newRefundId() };
      const second = refundOf(await contract.gateway.refund(rest));
      expect(second.ref).not.toBe(part.ref);
      expect((await fetched(contract, ref)).refundedMinor).toBe(AMOUNT);
      expect(refundOf(await contract.gateway.refund(first))).toEqual(part);
      await collect(contract, part.ref);
      await collect(contract, second.ref);
      expect(await movementsOf(contract, ref, 'refund')).toHaveLength(2);
    });

    promise('never gives back more than was captured', async () => {
      const ref = await captured(contract);
      const tooMuch = { key: newKey(), ref, amountMinor: AMOUNT + 1, refundId: newRefundId() };
      expect((await contract.gateway.refund(tooMuch)).kind).toBe('misconfigured');
      expect((await fetched(contract, ref)).refundedMinor).toBe(0);
      const all = { key: newKey(), ref, amountMinor: AMOUNT, refundId: newRefundId() };
      refundOf(await contract.gateway.refund(all));
      const again = { key: newKey(), ref, amountMinor: AMOUNT, refundId: newRefundId() };
      expect(await contract.gateway.refund(again)).toEqual({ kind: 'already_done' });
      expect((await fetched(contract, ref)).refundedMinor).toBe(AMOUNT);
    });

    promise('calls another request under a used key misconfigured', async () => {
      const ref = await captured(contract);
      const used = { key: newKey(), ref, refundId: newRefundId() };
      refundOf(await contract.gateway.refund({ ...used, amountMinor: 100 }));
      const reply = await contract.gateway.refund({ ...used, amountMinor: 200 });
      expect(reply.kind).toBe('misconfigured');
      expect((await fetched(contract, ref)).refundedMinor).toBe(100);
    });

    promise('says of a refund by its own reference what became of it', async () => {
      const ref = await captured(contract);
      const request = { key: newKey(), ref, amountMinor: 700, refundId: newRefundId() };
      const made = refundOf(await contract.gateway.refund(request));
      expect(refundOf(await contract.gateway.fetchRefund(made.ref))).toEqual(made);
      await collect(contract, made.ref);
      expect(refundOf(await contract.gateway.fetchRefund(made.ref))).toMatchObject({
        ref: made.ref,
        status: 'succeeded',
        amountMinor: 700,
      });
      expect(await movementsOf(contract, ref, 'refund')).toMatchObject([{ amount: 700 }]);
    });
  });
}

/** What is asked before a refund is made again. */
export function describeFindingRefunds(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('finding refunds', () => {
    promise('finds a refund of a payment by our own id, among others', async () => {
      const ref = await captured(contract);
      const wanted = { key: newKey(), ref, amountMinor: 300, refundId: newRefundId() };
      const made = refundOf(await contract.gateway.refund(wanted));
      const other = { key: newKey(), ref, amountMinor: 400, refundId: newRefundId() };
      refundOf(await contract.gateway.refund(other));
      const found = await contract.gateway.findRefund({ ref, refundId: wanted.refundId });
      expect(refundOf(found)).toEqual(made);
    });

    promise('calls a refund that was never asked for missing', async () => {
      const ref = await captured(contract);
      const refundId = newRefundId();
      expect(await contract.gateway.findRefund({ ref, refundId })).toEqual({ kind: 'missing' });
      refundOf(await contract.gateway.refund({ key: newKey(), ref, amountMinor: 300, refundId }));
      const elsewhere = await captured(contract);
      const reply = await contract.gateway.findRefund({ ref: elsewhere, refundId });
      expect(reply).toEqual({ kind: 'missing' });
    });
  });
}

/** An id that no other refund has, of the length and letters of a real one. */
export function newRefundId(): string {
  return `rfd_${newKey().replace(/\D/g, '').padStart(26, '0')}`;
}
