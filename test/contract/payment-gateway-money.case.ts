/**
 * Contract of a payment gateway, part one: the ways of the money when the wire works.
 * Run by payment-gateway.case.ts.
 */
import { describe, expect, it } from 'vitest';
import {
  AMOUNT,
  CURRENCY,
  RETURN_URL,
  MINUTE_MS,
  newKey,
  paymentOf,
  refundOf,
  open,
  confirm,
  authorized,
  captured,
  fetched,
  movementsOf,
  type Subject,
} from './payment-gateway-subject.ts';

async function challenged(subject: Subject): Promise<string> {
  const { ref } = await open(subject);
  const payment = paymentOf(await confirm(subject, ref, subject.harness.methods.challenged));
  expect(payment.state).toBe('action_required');
  expect(payment.action).toMatchObject({
    type: 'redirect',
    url: expect.stringMatching(/^https?:/),
  });
  expect(payment.authorizedMinor).toBe(0);
  return ref;
}

/** Open, authorise, capture, and the promise of idempotency. */
export function describePaying(subject: Subject): void {
  describe('paying', () => {
    it('opens without moving money and carries our ids', async () => {
      const payment = await open(subject, 'paying-1');
      expect(payment).toMatchObject({
        state: 'created',
        amountMinor: AMOUNT,
        currency: CURRENCY,
        authorizedMinor: 0,
        capturedMinor: 0,
        refundedMinor: 0,
        captureBeforeMs: null,
        declineCode: null,
      });
      expect(payment.metadata).toMatchObject({
        booking_id: 'bkg_paying-1',
        payment_id: 'pay_paying-1',
      });
      expect(payment.action).toMatchObject({ type: 'sdk', clientSecret: expect.any(String) });
      expect(await subject.harness.movements(payment.ref)).toEqual([]);
    });

    it('reserves, says until when, and then captures the whole amount', async () => {
      const { ref } = await open(subject);
      const reserved = paymentOf(await confirm(subject, ref, subject.harness.methods.approved));
      expect(reserved).toMatchObject({
        ref,
        state: 'authorized',
        authorizedMinor: AMOUNT,
        capturedMinor: 0,
        action: null,
      });
      expect(reserved.captureBeforeMs).toBeGreaterThan(
        subject.harness.nowMs() + 24 * 60 * MINUTE_MS,
      );
      const paid = paymentOf(
        await subject.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT }),
      );
      expect(paid).toMatchObject({
        state: 'captured',
        authorizedMinor: AMOUNT,
        capturedMinor: AMOUNT,
      });
      expect(await fetched(subject, ref)).toEqual(paid);
      expect(await movementsOf(subject, ref, 'capture')).toMatchObject([
        { amount: AMOUNT, status: 'succeeded' },
      ]);
    });

    it('authorises without a return page of the caller', async () => {
      const { ref } = await open(subject);
      const reply = await subject.gateway.authorize({
        key: newKey(),
        ref,
        paymentMethod: subject.harness.methods.approved,
        returnUrl: null,
      });
      expect(paymentOf(reply).state).toBe('authorized');
    });

    it('answers the same for the same key and acts once', async () => {
      const first = await open(subject, 'same-key');
      const second = await open(subject, 'same-key');
      expect(second).toEqual(first);
      const authorize = {
        key: newKey(),
        ref: first.ref,
        paymentMethod: subject.harness.methods.approved,
        returnUrl: RETURN_URL,
      };
      const reserved = await subject.gateway.authorize(authorize);
      expect(await subject.gateway.authorize(authorize)).toEqual(reserved);
      const capture = { key: newKey(), ref: first.ref, amountMinor: AMOUNT };
      const paid = await subject.gateway.capture(capture);
      expect(await subject.gateway.capture(capture)).toEqual(paid);
      expect(await movementsOf(subject, first.ref, 'capture')).toHaveLength(1);
    });

    it('calls another request under a used key misconfigured', async () => {
      const ref = await captured(subject);
      const key = newKey();
      const refundId = 'rfd_reuse';
      refundOf(await subject.gateway.refund({ key, ref, amountMinor: 100, refundId }));
      const reply = await subject.gateway.refund({ key, ref, amountMinor: 200, refundId });
      expect(reply.kind).toBe('misconfigured');
      expect((await fetched(subject, ref)).refundedMinor).toBe(100);
    });
  });
}

/** Every class of decline. */
export function describeDeclining(subject: Subject): void {
  describe('declining', () => {
    it('names the code and who may try again, for each class', async () => {
      expect(subject.harness.declines.length).toBeGreaterThan(0);
      for (const decline of subject.harness.declines) {
        const { ref } = await open(subject);
        const reply = await confirm(subject, ref, decline.method);
        expect(reply, decline.method).toMatchObject({
          kind: 'declined',
          code: decline.code,
          retry: decline.retry,
          payment: { ref, state: 'failed', declineCode: decline.code },
        });
        const found = await fetched(subject, ref);
        expect(found).toMatchObject({ state: 'failed', declineCode: decline.code, action: null });
        expect(found.authorizedMinor).toBe(0);
      }
    });

    it('takes a payment method that does not exist for the payer’s mistake', async () => {
      const { ref } = await open(subject);
      const reply = await confirm(subject, ref, subject.harness.methods.unknown);
      expect(reply).toMatchObject({ kind: 'declined', retry: 'payer' });
    });
  });
}

/** Payments that need the payer again. */
export function describeChallenging(subject: Subject): void {
  describe('3-D Secure', () => {
    it('sends the payer away, and is authorised after the authentication', async () => {
      const ref = await challenged(subject);
      await subject.harness.actAsPayer(ref, 'authenticate');
      expect(await fetched(subject, ref)).toMatchObject({
        state: 'authorized',
        authorizedMinor: AMOUNT,
        action: null,
      });
    });

    it('fails with a code after a failed authentication', async () => {
      const ref = await challenged(subject);
      await subject.harness.actAsPayer(ref, 'fail');
      const payment = await fetched(subject, ref);
      expect(payment).toMatchObject({ state: 'failed', authorizedMinor: 0, action: null });
      expect(payment.declineCode).toEqual(expect.any(String));
    });

    it('can be voided while the payer is away', async () => {
      const ref = await challenged(subject);
      expect(paymentOf(await subject.gateway.void({ key: newKey(), ref })).state).toBe('voided');
    });
  });
}

/** Ending a payment without money. */
export function describeVoiding(subject: Subject): void {
  describe('voiding', () => {
    it('ends a payment before it is authorised', async () => {
      const { ref } = await open(subject);
      const payment = paymentOf(await subject.gateway.void({ key: newKey(), ref }));
      expect(payment).toMatchObject({ state: 'voided', action: null });
      const reply = await confirm(subject, ref, subject.harness.methods.approved);
      expect(reply).toEqual({ kind: 'already_done' });
    });

    it('releases an authorisation and moves no money', async () => {
      const ref = await authorized(subject);
      const payment = paymentOf(await subject.gateway.void({ key: newKey(), ref }));
      expect(payment).toMatchObject({ state: 'voided', authorizedMinor: 0, capturedMinor: 0 });
      expect(await movementsOf(subject, ref, 'capture')).toEqual([]);
      expect(await movementsOf(subject, ref, 'refund')).toEqual([]);
    });

    it('says already done the second time and after a capture', async () => {
      const ended = await authorized(subject);
      paymentOf(await subject.gateway.void({ key: newKey(), ref: ended }));
      expect(await subject.gateway.void({ key: newKey(), ref: ended })).toEqual({
        kind: 'already_done',
      });
      const paid = await captured(subject);
      expect(await subject.gateway.void({ key: newKey(), ref: paid })).toEqual({
        kind: 'already_done',
      });
      expect((await fetched(subject, paid)).capturedMinor).toBe(AMOUNT);
    });
  });
}

/** Captures that come twice or too late. */
export function describeCapturing(subject: Subject): void {
  describe('capturing', () => {
    it('says already done under a second key and moves the money once', async () => {
      const ref = await captured(subject);
      const reply = await subject.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT });
      expect(reply).toEqual({ kind: 'already_done' });
      expect(await movementsOf(subject, ref, 'capture')).toHaveLength(1);
    });

    it('says already done after a void, and the payment shows that it was voided', async () => {
      const ref = await authorized(subject);
      paymentOf(await subject.gateway.void({ key: newKey(), ref }));
      const reply = await subject.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT });
      expect(reply).toEqual({ kind: 'already_done' });
      expect((await fetched(subject, ref)).state).toBe('voided');
    });

    it('is refused before an authorisation', async () => {
      const { ref } = await open(subject);
      const reply = await subject.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT });
      expect(reply).toEqual({ kind: 'already_done' });
      expect((await fetched(subject, ref)).state).toBe('created');
    });

    it('is refused after the authorisation has lapsed, which the payment shows as expired', async () => {
      const ref = await authorized(subject);
      await subject.harness.advanceSeconds(8 * 24 * 3600);
      const reply = await subject.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT });
      expect(reply).toEqual({ kind: 'already_done' });
      expect(await fetched(subject, ref)).toMatchObject({ state: 'expired', capturedMinor: 0 });
    });
  });
}

/** Giving money back, in parts and never too much. */
export function describeRefunding(subject: Subject): void {
  describe('refunding', () => {
    it('gives back a part and then the rest', async () => {
      const ref = await captured(subject);
      const first = { key: newKey(), ref, amountMinor: 2_345, refundId: 'rfd_part' };
      const part = refundOf(await subject.gateway.refund(first));
      expect(part).toMatchObject({ status: 'succeeded', amountMinor: 2_345 });
      expect(await fetched(subject, ref)).toMatchObject({
        state: 'captured',
        refundedMinor: 2_345,
      });
      const rest = { key: newKey(), ref, amountMinor: 10_000, refundId: 'rfd_rest' };
      const second = refundOf(await subject.gateway.refund(rest));
      expect(second.ref).not.toBe(part.ref);
      expect((await fetched(subject, ref)).refundedMinor).toBe(AMOUNT);
      expect(refundOf(await subject.gateway.refund(first))).toEqual(part);
      expect(await movementsOf(subject, ref, 'refund')).toHaveLength(2);
    });

    it('never gives back more than was captured', async () => {
      const ref = await captured(subject);
      const tooMuch = { key: newKey(), ref, amountMinor: AMOUNT + 1, refundId: 'rfd_too_much' };
      expect((await subject.gateway.refund(tooMuch)).kind).toBe('misconfigured');
      expect((await fetched(subject, ref)).refundedMinor).toBe(0);
      const all = { key: newKey(), ref, amountMinor: AMOUNT, refundId: 'rfd_all' };
      refundOf(await subject.gateway.refund(all));
      const again = { key: newKey(), ref, amountMinor: AMOUNT, refundId: 'rfd_again' };
      expect(await subject.gateway.refund(again)).toEqual({ kind: 'already_done' });
      expect((await fetched(subject, ref)).refundedMinor).toBe(AMOUNT);
    });
  });
}
