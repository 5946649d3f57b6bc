/**
 * Subscriptions through PayPal, by the shipping adapter against the simulator over real sockets. The shared suite is for
 * processors that are handed a method; here the payer agrees on PayPal's page, so what is kept comes from there.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RecurringGateway } from '../../src/application/ports.ts';
import type { ProcessorReply } from '../../src/domain/payment/processor-reply.ts';
import {
  AMOUNT,
  CURRENCY,
  fetched,
  newKey,
  paymentOf,
  refundOf,
} from './payment-gateway-subject.ts';
import { newRefundId } from './payment-gateway-refunds.case.ts';
import { startPaypal, type PaypalHarness } from './paypal-world.ts';
import { setupOf } from './recurring-gateway-subject.ts';

type ChargeRequest = Parameters<RecurringGateway['openCharge']>[0];

function chargeRequest(): ChargeRequest {
  const key = newKey();
  return {
    key,
    amount: { amount: AMOUNT, currency: CURRENCY },
    customerRef: 'usr_1',
    reference: { subscriptionId: `sub_${key}`, chargeId: `chg_${key}` },
    paymentMethod: null,
    returnUrl: null,
  };
}

describe('subscriptions through paypal', () => {
  let harness: PaypalHarness;
  let recurring: RecurringGateway;
  const subject = {
    get harness() {
      return harness;
    },
    get gateway() {
      return harness.gateway;
    },
  };
  beforeAll(async () => {
    harness = await startPaypal();
    if (harness.gateway.recurring === null) throw new Error('PayPal keeps methods');
    recurring = harness.gateway.recurring;
  });
  afterEach(() => harness.clearFaults());
  afterAll(() => harness.close());

  async function openCharge(paymentMethod: string | null): Promise<string> {
    const request = { ...chargeRequest(), paymentMethod };
    return paymentOf(await recurring.openCharge(request)).ref;
  }

  const confirm = (ref: string, paymentMethod: string): Promise<ProcessorReply> =>
    recurring.confirmCharge({
      key: newKey(),
      ref,
      paymentMethod,
      returnUrl: null,
      isOffSession: paymentMethod !== '',
    });

  /** Signs up as a test payer; the token of what was kept. */
  async function signedUp(payer: string): Promise<string> {
    const ref = await openCharge(null);
    await harness.act(ref, { action: 'approve', paymentMethod: payer });
    const { methodRef } = paymentOf(await confirm(ref, ''));
    if (methodRef === null) throw new Error('a method was to be kept');
    return methodRef;
  }

  it('names a customer without a call', async () => {
    expect(await recurring.openCustomer({ key: newKey(), memberId: 'usr_7' })).toEqual({
      kind: 'customer',
      ref: 'usr_7',
    });
  });

  it('takes the first charge once its payer approved, and keeps what they paid with', async () => {
    const request = chargeRequest();
    const opened = paymentOf(await recurring.openCharge(request));
    expect(opened).toMatchObject({
      state: 'action_required',
      action: { type: 'redirect' },
      capturedMinor: 0,
      metadata: {
        subscription_id: request.reference.subscriptionId,
        charge_id: request.reference.chargeId,
      },
    });
    const { ref } = opened;
    expect(paymentOf(await confirm(ref, '')).state).toBe('action_required');
    await harness.act(ref, { action: 'approve' });
    expect((await fetched(subject, ref)).state).toBe('approved');
    const key = newKey();
    const call = { key, ref, paymentMethod: '', returnUrl: null, isOffSession: false };
    const paid = paymentOf(await recurring.confirmCharge(call));
    expect(paid).toMatchObject({
      state: 'captured',
      capturedMinor: AMOUNT,
      methodRef: expect.any(String),
    });
    expect(paymentOf(await recurring.confirmCharge(call)).methodRef).toBe(paid.methodRef);
    expect(await fetched(subject, ref)).toMatchObject({
      state: 'captured',
      methodRef: paid.methodRef,
    });
    const captures = (await harness.movements(ref)).filter(({ kind }) => kind === 'capture');
    expect(captures).toHaveLength(1);
    expect(captures[0]?.metadata).toMatchObject(request.reference);
  });

  it('charges what is kept while the payer is away, once for each key', async () => {
    const kept = await signedUp('payer_ok');
    const ref = await openCharge(kept);
    expect((await fetched(subject, ref)).state).toBe('created');
    const call = {
      key: newKey(),
      ref,
      paymentMethod: kept,
      returnUrl: null,
      isOffSession: true,
    };
    await harness.setFault('capture', 'timeout_after');
    expect((await recurring.confirmCharge(call)).kind).toBe('no_answer');
    expect(paymentOf(await recurring.confirmCharge(call))).toMatchObject({
      state: 'captured',
      capturedMinor: AMOUNT,
    });
    expect(await confirm(ref, kept)).toEqual({ kind: 'already_done' });
    const captures = (await harness.movements(ref)).filter(({ kind }) => kind === 'capture');
    expect(captures).toHaveLength(1);
  });

  it('gives a charge back like any other payment', async () => {
    const kept = await signedUp('payer_ok');
    const ref = await openCharge(kept);
    paymentOf(await confirm(ref, kept));
    const request = { key: newKey(), ref, amountMinor: 400, refundId: newRefundId() };
    expect(refundOf(await harness.gateway.refund(request)).amountMinor).toBe(400);
    expect((await fetched(subject, ref)).refundedMinor).toBe(400);
    expect(await harness.gateway.void({ key: newKey(), ref })).toEqual({ kind: 'already_done' });
  });

  it('is declined where the payer took the agreement back, or never gave it', async () => {
    const refused = await signedUp('payer_agreement_refused');
    expect(await confirm(await openCharge(refused), refused)).toMatchObject({
      kind: 'declined',
      retry: 'payer',
    });
    expect(await confirm(await openCharge('nobodys'), 'nobodys')).toMatchObject({
      kind: 'declined',
      code: 'payment_method_missing',
      retry: 'payer',
    });
  });

  it('moves nothing on a charge that was given up before its payer approved', async () => {
    const ref = await openCharge(null);
    const reply = await harness.gateway.void({ key: newKey(), ref });
    expect(paymentOf(reply).state).toBe('voided');
    expect(await harness.movements(ref)).toEqual([]);
  });

  it('keeps a method without a payment, and charges it later', async () => {
    const request = {
      key: newKey(),
      customerRef: 'usr_1',
      reference: { subscriptionId: 'sub_trial', chargeId: 'chg_trial' },
      returnUrl: null,
    };
    const setup = setupOf(await recurring.openSetup(request));
    expect(setup).toMatchObject({ state: 'action_required', action: { type: 'redirect' } });
    expect(setupOf(await recurring.openSetup(request)).ref).toBe(setup.ref);
    expect(setupOf(await recurring.fetchSetup(setup.ref)).state).toBe('action_required');
    await harness.act(setup.ref, { action: 'approve' });
    const kept = setupOf(await recurring.fetchSetup(setup.ref));
    expect(kept).toMatchObject({ state: 'succeeded', methodRef: expect.any(String), action: null });
    expect(setupOf(await recurring.fetchSetup(setup.ref)).methodRef).toBe(kept.methodRef);
    const call = { key: newKey(), ref: setup.ref };
    expect(await recurring.cancelSetup(call)).toEqual({ kind: 'already_done' });
    const ref = await openCharge(kept.methodRef);
    expect(paymentOf(await confirm(ref, kept.methodRef ?? '')).capturedMinor).toBe(AMOUNT);
  });

  it('describes what is kept with its payer covered, and lets go of it, twice as well as once', async () => {
    const kept = await signedUp('payer_ok');
    expect(await recurring.describeMethod(kept)).toMatchObject({
      kind: 'method',
      method: { ref: kept, kind: 'paypal', payer: 'p•••@example.com', last4: null },
    });
    for (let time = 0; time < 2; time += 1)
      expect(await recurring.detachMethod({ key: newKey(), ref: kept })).toEqual({
        kind: 'detached',
      });
    expect(await recurring.describeMethod(kept)).toEqual({ kind: 'missing' });
    const ref = await openCharge(kept);
    expect(await confirm(ref, kept)).toMatchObject({ code: 'payment_method_missing' });
  });

  it('pays for a booking with what its customer saved, and with no token that anybody sends', async () => {
    const kept = await signedUp('payer_ok');
    const book = async (customerRef: string | null) => {
      const key = newKey();
      const opened = await harness.gateway.open({
        key,
        amount: { amount: AMOUNT, currency: CURRENCY },
        reference: { bookingId: `bkg_${key}`, paymentId: `pay_${key}` },
        customerRef,
        returnUrl: null,
      });
      const { ref } = paymentOf(opened);
      const request = { key: newKey(), ref, paymentMethod: kept, customerRef, returnUrl: null };
      return { opened, reply: await harness.gateway.authorize(request), request };
    };
    const { opened, reply, request } = await book('usr_1');
    expect(paymentOf(opened)).toMatchObject({ state: 'created', action: null });
    expect(paymentOf(reply)).toMatchObject({ state: 'authorized', authorizedMinor: AMOUNT });
    expect(paymentOf(await harness.gateway.authorize(request)).ref).toBe(request.ref);
    expect(paymentOf((await book(null)).reply)).toMatchObject({ state: 'action_required' });
    await recurring.detachMethod({ key: newKey(), ref: kept });
    expect((await book('usr_1')).reply).toMatchObject({
      kind: 'declined',
      code: 'payment_method_missing',
    });
  });

  it('gives a setup up, and calls one that is not there missing', async () => {
    const request = {
      key: newKey(),
      customerRef: 'usr_1',
      reference: { subscriptionId: 'sub_given-up', chargeId: 'chg_given-up' },
      returnUrl: null,
    };
    const { ref } = setupOf(await recurring.openSetup(request));
    expect(setupOf(await recurring.cancelSetup({ key: newKey(), ref })).state).toBe('cancelled');
    expect(await recurring.fetchSetup('SETUPOFNOBODY')).toEqual({ kind: 'missing' });
    expect(await recurring.cancelSetup({ key: newKey(), ref: '../x' })).toEqual({
      kind: 'missing',
    });
  });
});
