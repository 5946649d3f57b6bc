/**
 * Contract of a payment gateway, part one: the ways of the money when the wire works.
 * Run by payment-gateway.case.ts.
 */
import { describe, expect } from 'vitest';
import {
  AMOUNT,
  CURRENCY,
  RETURN_URL,
  MINUTE_MS,
  newKey,
  paymentOf,
  open,
  confirm,
  authorized,
  captured,
  fetched,
  movementsOf,
  promisesOf,
  type Contract,
} from './payment-gateway-subject.ts';

async function challenged(contract: Contract): Promise<string> {
  const { ref } = await open(contract);
  const payment = paymentOf(await confirm(contract, ref, contract.harness.methods.challenged));
  expect(payment.state).toBe('action_required');
  expect(payment.action).toMatchObject({
    type: 'redirect',
    url: expect.stringMatching(/^https?:/),
  });
  expect(payment.authorizedMinor).toBe(0);
  return ref;
}

/** Open, authorise, capture, and the promise of idempotency. */
export function describePaying(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('paying', () => {
    describeOpening(contract);
    if (contract.traits.flow !== 'push') describeReserving(contract);
    if (contract.traits.flow === 'direct') {
      promise('authorises without a return page of the caller', async () => {
        const { ref } = await open(contract);
        const reply = await contract.gateway.authorize({
          key: newKey(),
          ref,
          paymentMethod: contract.harness.methods.approved,
          returnUrl: null,
        });
        expect(paymentOf(reply).state).toBe('authorized');
      });
    }
  });
}

function describeOpening(contract: Contract): void {
  const promise = promisesOf(contract);
  const isDirect = contract.traits.flow === 'direct';

  promise('opens without moving money and carries our ids', async () => {
    const payment = await open(contract, 'paying-1');
    expect(payment).toMatchObject({
      state: isDirect ? 'created' : 'action_required',
      amountMinor: AMOUNT,
      currency: CURRENCY,
      authorizedMinor: 0,
      capturedMinor: 0,
      refundedMinor: 0,
      captureBeforeMs: null,
      declineCode: null,
      disputes: [],
    });
    expect(payment.metadata).toMatchObject({
      booking_id: 'bkg_paying-1',
      payment_id: 'pay_paying-1',
    });
    expect(payment.action).toMatchObject(
      isDirect
        ? { type: 'sdk', clientSecret: expect.any(String) }
        : { type: 'redirect', url: expect.stringMatching(/^https?:/) },
    );
    expect(await contract.harness.movements(payment.ref)).toEqual([]);
  });

  promise('opens once for the same key', async () => {
    const first = await open(contract, 'same-open');
    expect(await open(contract, 'same-open')).toEqual(first);
  });
}

function describeReserving(contract: Contract): void {
  const promise = promisesOf(contract);

  promise('reserves, says until when, and then captures the whole amount', async () => {
    const { ref } = await open(contract);
    const reserved = paymentOf(await confirm(contract, ref, contract.harness.methods.approved));
    expect(reserved).toMatchObject({
      ref,
      state: 'authorized',
      authorizedMinor: AMOUNT,
      capturedMinor: 0,
      action: null,
    });
    expect(reserved.captureBeforeMs).toBeGreaterThan(
      contract.harness.nowMs() + 24 * 60 * MINUTE_MS,
    );
    const paid = paymentOf(
      await contract.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT }),
    );
    expect(paid).toMatchObject({
      state: 'captured',
      authorizedMinor: AMOUNT,
      capturedMinor: AMOUNT,
      disputes: [],
    });
    expect(await fetched(contract, ref)).toEqual(paid);
    expect(await movementsOf(contract, ref, 'capture')).toMatchObject([
      { amount: AMOUNT, status: 'succeeded' },
    ]);
  });

  promise('answers the same for the same key and acts once', async () => {
    const first = await open(contract);
    const isDirect = contract.traits.flow === 'direct';
    const method = contract.harness.methods.approved;
    if (!isDirect) await contract.harness.actAsPayer(first.ref, 'approve', method);
    const authorize = {
      key: newKey(),
      ref: first.ref,
      paymentMethod: isDirect ? method : '',
      returnUrl: RETURN_URL,
    };
    const reserved = await contract.gateway.authorize(authorize);
    expect(await contract.gateway.authorize(authorize)).toEqual(reserved);
    const capture = { key: newKey(), ref: first.ref, amountMinor: AMOUNT };
    const paid = await contract.gateway.capture(capture);
    expect(await contract.gateway.capture(capture)).toEqual(paid);
    expect(await movementsOf(contract, first.ref, 'capture')).toHaveLength(1);
  });
}

/** Every class of decline. */
export function describeDeclining(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('declining', () => {
    promise('names the code and who may try again, for each class', async () => {
      expect(contract.harness.declines.length).toBeGreaterThan(0);
      for (const decline of contract.harness.declines) {
        const { ref } = await open(contract);
        const reply = await confirm(contract, ref, decline.method);
        expect(reply, decline.method).toMatchObject({
          kind: 'declined',
          code: decline.code,
          retry: decline.retry,
        });
      }
    });

    if (contract.traits.flow === 'direct') {
      promise('shows what was declined as failed', async () => {
        for (const { code, method } of contract.harness.declines) {
          const { ref } = await open(contract);
          const reply = await confirm(contract, ref, method);
          const payment = { ref, state: 'failed', declineCode: code };
          expect(reply, method).toMatchObject({ payment });
          const found = await fetched(contract, ref);
          expect(found).toMatchObject({ ...payment, action: null, authorizedMinor: 0 });
        }
      });

      promise('takes a payment method that does not exist for the payer’s mistake', async () => {
        const { ref } = await open(contract);
        const reply = await confirm(contract, ref, contract.harness.methods.unknown);
        expect(reply).toMatchObject({ kind: 'declined', retry: 'payer' });
      });
    }
  });
}

/** Payments that need the payer again. */
export function describeChallenging(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('3-D Secure', () => {
    promise('sends the payer away, and is authorised after the authentication', async () => {
      const ref = await challenged(contract);
      await contract.harness.actAsPayer(ref, 'authenticate');
      expect(await fetched(contract, ref)).toMatchObject({
        state: 'authorized',
        authorizedMinor: AMOUNT,
        action: null,
      });
    });

    promise('fails with a code after a failed authentication', async () => {
      const ref = await challenged(contract);
      await contract.harness.actAsPayer(ref, 'fail');
      const payment = await fetched(contract, ref);
      expect(payment).toMatchObject({ state: 'failed', authorizedMinor: 0, action: null });
      expect(payment.declineCode).toEqual(expect.any(String));
    });

    promise('can be voided while the payer is away', async () => {
      const ref = await challenged(contract);
      expect(paymentOf(await contract.gateway.void({ key: newKey(), ref })).state).toBe('voided');
    });
  });
}

/** Payments that the payer approves on the processor's page. */
export function describeApproving(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('approving', () => {
    promise('waits for us once the payer has approved, and nothing moves before', async () => {
      const { ref } = await open(contract);
      await contract.harness.actAsPayer(ref, 'approve', contract.harness.methods.approved);
      expect(await fetched(contract, ref)).toMatchObject({
        state: 'approved',
        authorizedMinor: 0,
        capturedMinor: 0,
      });
      expect(await contract.harness.movements(ref)).toEqual([]);
    });

    promise('is not authorised before the payer has approved', async () => {
      const { ref } = await open(contract);
      await contract.gateway.authorize({
        key: newKey(),
        ref,
        paymentMethod: '',
        returnUrl: RETURN_URL,
      });
      expect(await fetched(contract, ref)).toMatchObject({
        state: 'action_required',
        authorizedMinor: 0,
      });
    });
  });
}

/** Ending a payment without money. */
export function describeVoiding(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('voiding', () => {
    promise('ends a payment before it is authorised', async () => {
      const { ref } = await open(contract);
      const payment = paymentOf(await contract.gateway.void({ key: newKey(), ref }));
      expect(payment).toMatchObject({ state: 'voided', action: null });
    });

    promise('says already done after a capture', async () => {
      const paid = await captured(contract);
      expect(await contract.gateway.void({ key: newKey(), ref: paid })).toEqual({
        kind: 'already_done',
      });
      expect((await fetched(contract, paid)).capturedMinor).toBe(AMOUNT);
    });

    if (contract.traits.flow === 'direct') {
      promise('authorises nothing that was ended', async () => {
        const { ref } = await open(contract);
        paymentOf(await contract.gateway.void({ key: newKey(), ref }));
        const reply = await confirm(contract, ref, contract.harness.methods.approved);
        expect(reply).toEqual({ kind: 'already_done' });
      });
    }
    if (contract.traits.flow !== 'push') describeReleasing(contract);
  });
}

function describeReleasing(contract: Contract): void {
  const promise = promisesOf(contract);

  promise('releases an authorisation and moves no money', async () => {
    const ref = await authorized(contract);
    const payment = paymentOf(await contract.gateway.void({ key: newKey(), ref }));
    expect(payment).toMatchObject({ state: 'voided', authorizedMinor: 0, capturedMinor: 0 });
    expect(await movementsOf(contract, ref, 'capture')).toEqual([]);
    expect(await movementsOf(contract, ref, 'refund')).toEqual([]);
  });

  promise('says already done for a second release', async () => {
    const ended = await authorized(contract);
    paymentOf(await contract.gateway.void({ key: newKey(), ref: ended }));
    expect(await contract.gateway.void({ key: newKey(), ref: ended })).toEqual({
      kind: 'already_done',
    });
  });
}

/** Captures that come twice or too late. */
export function describeCapturing(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('capturing', () => {
    promise('says already done under a second key and moves the money once', async () => {
      const ref = await captured(contract);
      const reply = await contract.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT });
      expect(reply).toEqual({ kind: 'already_done' });
      expect(await movementsOf(contract, ref, 'capture')).toHaveLength(1);
    });

    promise(
      'says already done after a void, and the payment shows that it was voided',
      async () => {
        const ref = await authorized(contract);
        paymentOf(await contract.gateway.void({ key: newKey(), ref }));
        const reply = await contract.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT });
        expect(reply).toEqual({ kind: 'already_done' });
        expect((await fetched(contract, ref)).state).toBe('voided');
      },
    );

    promise('is refused before an authorisation', async () => {
      const { ref } = await open(contract);
      const reply = await contract.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT });
      expect(reply).toEqual({ kind: 'already_done' });
      const untouched = contract.traits.flow === 'direct' ? 'created' : 'action_required';
      expect((await fetched(contract, ref)).state).toBe(untouched);
    });

    promise(
      'is refused after the authorisation has lapsed, which the payment shows as expired',
      async () => {
        const ref = await authorized(contract);
        const days = (contract.traits.authorizationDays ?? 0) + 1;
        await contract.harness.advanceSeconds(days * 24 * 3600);
        const reply = await contract.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT });
        expect(reply).toEqual({ kind: 'already_done' });
        expect(await fetched(contract, ref)).toMatchObject({ state: 'expired', capturedMinor: 0 });
      },
    );
  });
}
