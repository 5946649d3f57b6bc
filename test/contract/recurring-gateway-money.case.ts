/**
 * Contract of recurring payments, part one: the ways of the money when the wire works.
 * Run by recurring-gateway.case.ts.
 */
import { describe, expect, it } from 'vitest';
import type { ProcessorReply } from '../../src/domain/payment/processor-reply.ts';
import {
  AMOUNT,
  CURRENCY,
  fetched,
  movementsOf,
  newKey,
  paymentOf,
  refundOf,
} from './payment-gateway-subject.ts';
import {
  charge,
  confirmCharge,
  confirmSetup,
  customer,
  keptOf,
  renew,
  setup,
  setupOf,
  type RecurringSubject,
} from './recurring-gateway-subject.ts';

/** The first charge, with the payer there. */
export function describeSigningUp(subject: RecurringSubject): void {
  describe('the first charge', () => {
    it('opens without moving money and carries our ids', async () => {
      const payment = await charge(subject, await customer(subject), 'opened');
      expect(payment).toMatchObject({
        ref: expect.stringMatching(subject.harness.ids.charge),
        state: 'created',
        amountMinor: AMOUNT,
        currency: CURRENCY,
        capturedMinor: 0,
        methodRef: null,
        declineCode: null,
        action: { type: 'sdk', clientSecret: expect.any(String) },
        metadata: { subscription_id: 'sub_opened', charge_id: 'chg_opened' },
      });
      expect(await subject.harness.movements(payment.ref)).toEqual([]);
    });

    it('takes the money at once, says what it was paid with, and the books name the subscription', async () => {
      const { ref } = await charge(subject, await customer(subject), 'paid');
      const paymentMethod = subject.harness.cards.approved;
      const paid = paymentOf(await confirmCharge(subject, ref, { paymentMethod }));
      expect(paid).toMatchObject({
        state: 'captured',
        capturedMinor: AMOUNT,
        refundedMinor: 0,
        action: null,
        methodRef: expect.stringMatching(subject.harness.ids.method),
      });
      expect(await fetched(subject, ref)).toEqual(paid);
      expect(await movementsOf(subject, ref, 'capture')).toMatchObject([
        { amount: AMOUNT, status: 'succeeded', metadata: { subscriptionId: 'sub_paid' } },
      ]);
    });

    it('is declined with a code and with who may try again, and keeps nothing', async () => {
      for (const decline of subject.harness.declines) {
        const { ref } = await charge(subject, await customer(subject));
        const reply = await confirmCharge(subject, ref, { paymentMethod: decline.method });
        const { code, retry } = decline;
        expect(reply, decline.method).toMatchObject({
          kind: 'declined',
          code,
          retry,
          payment: { ref, state: 'failed', methodRef: null, capturedMinor: 0 },
        });
        expect(await fetched(subject, ref)).toMatchObject({ state: 'failed', declineCode: code });
      }
    });

    it('sends the payer away, is paid after the authentication, and can then do without them', async () => {
      const customerRef = await customer(subject);
      const { ref } = await charge(subject, customerRef);
      const paymentMethod = subject.harness.cards.challengedOnce;
      const asked = paymentOf(await confirmCharge(subject, ref, { paymentMethod }));
      expect(asked).toMatchObject({
        state: 'action_required',
        capturedMinor: 0,
        action: { type: 'redirect', url: expect.stringMatching(/^https?:/) },
      });
      await subject.harness.actAsPayer(ref, 'authenticate');
      const paid = await fetched(subject, ref);
      expect(paid).toMatchObject({ state: 'captured', capturedMinor: AMOUNT, action: null });
      const later = await renew(subject, { customerRef, method: keptOf(paid) });
      expect(paymentOf(later).state).toBe('captured');
    });

    it('fails with a code after a failed authentication', async () => {
      const { ref } = await charge(subject, await customer(subject));
      const paymentMethod = subject.harness.cards.challengedAlways;
      await confirmCharge(subject, ref, { paymentMethod });
      await subject.harness.actAsPayer(ref, 'fail');
      expect(await fetched(subject, ref)).toMatchObject({
        state: 'failed',
        capturedMinor: 0,
        declineCode: expect.any(String),
      });
    });

    it('is paid and kept by a payer who chooses a method at the processor', async () => {
      const customerRef = await customer(subject);
      const { ref } = await charge(subject, customerRef);
      await subject.harness.actAsPayer(ref, 'approve');
      const paid = await fetched(subject, ref);
      expect(paid).toMatchObject({ state: 'captured', capturedMinor: AMOUNT });
      const later = await renew(subject, { customerRef, method: keptOf(paid) });
      expect(paymentOf(later).state).toBe('captured');
    });

    it('can be ended before it is paid, and not after', async () => {
      const customerRef = await customer(subject);
      const { ref } = await charge(subject, customerRef);
      expect(paymentOf(await subject.gateway.void({ key: newKey(), ref })).state).toBe('voided');
      const paymentMethod = subject.harness.cards.approved;
      const late = await confirmCharge(subject, ref, { paymentMethod });
      expect(late).toEqual({ kind: 'already_done' });
      const paid = await charge(subject, customerRef);
      await confirmCharge(subject, paid.ref, { paymentMethod });
      const reply = await subject.gateway.void({ key: newKey(), ref: paid.ref });
      expect(reply).toEqual({ kind: 'already_done' });
    });

    it('is given back in parts, and never more than was taken', async () => {
      const { ref } = await charge(subject, await customer(subject));
      await confirmCharge(subject, ref, { paymentMethod: subject.harness.cards.approved });
      const part = { key: newKey(), ref, amountMinor: 345, refundId: 'chg_part' };
      const refund = refundOf(await subject.gateway.refund(part));
      expect(refund).toMatchObject({ status: 'succeeded', amountMinor: 345 });
      expect(refundOf(await subject.gateway.fetchRefund(refund.ref))).toEqual(refund);
      const tooMuch = { key: newKey(), ref, amountMinor: AMOUNT, refundId: 'chg_too_much' };
      expect((await subject.gateway.refund(tooMuch)).kind).not.toBe('refund');
      expect((await fetched(subject, ref)).refundedMinor).toBe(345);
    });
  });
}

/** A method that was kept, charged while its payer is away. */
export function describeRenewing(subject: RecurringSubject): void {
  async function kept(card: string): Promise<{ customerRef: string; method: string }> {
    const customerRef = await customer(subject);
    const { ref } = await setup(subject, customerRef);
    const reply = await confirmSetup(subject, ref, card);
    if (setupOf(reply).state === 'action_required') {
      await subject.harness.actAsPayer(ref, 'authenticate');
    }
    return { customerRef, method: keptOf(setupOf(await subject.recurring.fetchSetup(ref))) };
  }

  describe('later charges', () => {
    it('need no payer, time after time', async () => {
      const member = await kept(subject.harness.cards.approved);
      for (let period = 0; period < 3; period++) {
        const paid = paymentOf(await renew(subject, member));
        expect(paid).toMatchObject({ state: 'captured', methodRef: member.method });
      }
    });

    it('ask for the payer where the issuer does, and are paid when the payer comes', async () => {
      const member = await kept(subject.harness.cards.challengedAlways);
      expect(await renew(subject, member)).toMatchObject({
        kind: 'declined',
        code: 'authentication_required',
        retry: 'payer',
        payment: { state: 'failed', capturedMinor: 0 },
      });
      const { ref } = await charge(subject, member.customerRef);
      const asked = await confirmCharge(subject, ref, { paymentMethod: member.method });
      expect(paymentOf(asked).state).toBe('action_required');
      await subject.harness.actAsPayer(ref, 'authenticate');
      expect((await fetched(subject, ref)).state).toBe('captured');
    });

    it('do not try again what is declined for good', async () => {
      const customerRef = await customer(subject);
      const reply = await renew(subject, { customerRef, method: subject.harness.cards.lost });
      expect(reply).toMatchObject({ kind: 'declined', retry: 'never' });
    });

    it('are declined for a card that could be kept and has no money', async () => {
      const member = await kept(subject.harness.cards.chargedInVain);
      expect(await renew(subject, member)).toMatchObject({
        kind: 'declined',
        retry: 'later',
        payment: { state: 'failed', capturedMinor: 0 },
      });
    });

    it('never use what another member has kept', async () => {
      const { method } = await kept(subject.harness.cards.approved);
      const reply = await renew(subject, { customerRef: await customer(subject), method });
      expect(reply).toMatchObject({ kind: 'declined', retry: 'payer' });
    });
  });
}

/** Keeping a method without a payment. */
export function describeKeeping(subject: RecurringSubject): void {
  describe('keeping a method without money', () => {
    it('opens with our ids, and keeps what the payer offers', async () => {
      const opened = await setup(subject, await customer(subject), 'kept');
      expect(opened).toMatchObject({
        ref: expect.stringMatching(subject.harness.ids.setup),
        state: 'created',
        methodRef: null,
        declineCode: null,
        action: { type: 'sdk', clientSecret: expect.any(String) },
        metadata: { subscription_id: 'sub_kept', charge_id: 'chg_kept' },
      });
      const done = setupOf(await confirmSetup(subject, opened.ref, subject.harness.cards.approved));
      expect(done).toMatchObject({
        state: 'succeeded',
        action: null,
        methodRef: expect.stringMatching(subject.harness.ids.method),
      });
      expect(setupOf(await subject.recurring.fetchSetup(opened.ref))).toEqual(done);
      expect(await subject.harness.movements(opened.ref)).toEqual([]);
    });

    it('sends the payer away, and is done after the authentication', async () => {
      const { ref } = await setup(subject, await customer(subject));
      const asked = await confirmSetup(subject, ref, subject.harness.cards.challengedOnce);
      expect(setupOf(asked)).toMatchObject({
        state: 'action_required',
        action: { type: 'redirect', url: expect.stringMatching(/^https?:/) },
      });
      await subject.harness.actAsPayer(ref, 'authenticate');
      const done = setupOf(await subject.recurring.fetchSetup(ref));
      expect(done).toMatchObject({ state: 'succeeded', action: null });
    });

    it('fails with a code after a failed authentication', async () => {
      const { ref } = await setup(subject, await customer(subject));
      await confirmSetup(subject, ref, subject.harness.cards.challengedOnce);
      await subject.harness.actAsPayer(ref, 'fail');
      expect(setupOf(await subject.recurring.fetchSetup(ref))).toMatchObject({
        state: 'failed',
        methodRef: null,
        action: null,
        declineCode: expect.any(String),
      });
    });

    it('is declined with a code', async () => {
      const { ref } = await setup(subject, await customer(subject));
      const reply = await confirmSetup(subject, ref, subject.harness.cards.lost);
      expect(reply).toMatchObject({ kind: 'declined', code: 'lost_card', retry: 'never' });
      const found = setupOf(await subject.recurring.fetchSetup(ref));
      expect(found).toMatchObject({ state: 'failed', declineCode: 'lost_card' });
    });

    it('is done by a payer who chooses a method at the processor', async () => {
      const { ref } = await setup(subject, await customer(subject));
      await subject.harness.actAsPayer(ref, 'approve');
      expect(setupOf(await subject.recurring.fetchSetup(ref))).toMatchObject({
        state: 'succeeded',
        methodRef: expect.stringMatching(subject.harness.ids.method),
      });
    });

    it('can be ended before it is done, and not after', async () => {
      const customerRef = await customer(subject);
      const ended = (await setup(subject, customerRef)).ref;
      const end = () => subject.recurring.cancelSetup({ key: newKey(), ref: ended });
      expect(setupOf(await end()).state).toBe('cancelled');
      expect(await end()).toEqual({ kind: 'already_done' });
      const { ref } = await setup(subject, customerRef);
      const { approved } = subject.harness.cards;
      await confirmSetup(subject, ref, approved);
      expect(await confirmSetup(subject, ref, approved)).toEqual({ kind: 'already_done' });
      const reply = await subject.recurring.cancelSetup({ key: newKey(), ref });
      expect(reply).toEqual({ kind: 'already_done' });
    });
  });
}

/** A method that its owner saved by itself: naming it in a booking's payment, and ending it. */
export function describeSaving(subject: RecurringSubject): void {
  describe('a saved method', () => {
    it('is described by what its owner knows it by', async () => {
      const { method } = await saved(subject);
      expect(await subject.recurring.describeMethod(method)).toEqual({
        kind: 'method',
        method: {
          ref: method,
          kind: 'card',
          brand: 'visa',
          last4: '4242',
          expiresMonth: expect.any(Number),
          expiresYear: expect.any(Number),
          payer: null,
        },
      });
      expect(await subject.recurring.describeMethod('pm_of_nobody')).toEqual({ kind: 'missing' });
    });

    it('pays again and again for its customer, and for nobody else', async () => {
      const kept = await saved(subject);
      for (let time = 0; time < 2; time += 1)
        expect(paymentOf(await payBooking(subject, kept))).toMatchObject({ state: 'authorized' });
      for (const customerRef of [null, await customer(subject)]) {
        const reply = await payBooking(subject, { ...kept, customerRef });
        expect(reply).toMatchObject({ kind: 'declined' });
      }
    });

    it('pays no more once it is detached, which is done twice as well as once', async () => {
      const kept = await saved(subject);
      const key = newKey();
      for (const again of [key, key, newKey()]) {
        const reply = await subject.recurring.detachMethod({ key: again, ref: kept.method });
        expect(reply).toEqual({ kind: 'detached' });
      }
      expect(await payBooking(subject, kept)).toMatchObject({ kind: 'declined' });
      for (const ref of ['pm_of_nobody', '../x']) {
        const reply = await subject.recurring.detachMethod({ key: newKey(), ref });
        expect(reply).toEqual({ kind: 'missing' });
      }
    });
  });
}

async function saved(subject: RecurringSubject) {
  const customerRef = await customer(subject);
  const key = newKey();
  const reference = { savedMethodId: `pmt_${key}` };
  const request = { key, customerRef, reference, returnUrl: null };
  const opened = setupOf(await subject.recurring.openSetup(request));
  expect(opened.metadata).toMatchObject({ saved_method_id: reference.savedMethodId });
  const done = await confirmSetup(subject, opened.ref, subject.harness.cards.approved);
  return { customerRef, method: keptOf(setupOf(done)) };
}

/** A booking's payment, opened and authorised. */
async function payBooking(
  { gateway }: RecurringSubject,
  { customerRef, method }: { readonly customerRef: string | null; readonly method: string },
): Promise<ProcessorReply> {
  const key = newKey();
  const amount = { amount: AMOUNT, currency: CURRENCY };
  const reference = { bookingId: `bkg_${key}`, paymentId: `pay_${key}` };
  const opened = await gateway.open({ key, amount, reference, customerRef, returnUrl: null });
  const { ref } = paymentOf(opened);
  const request = { key: newKey(), ref, paymentMethod: method, customerRef, returnUrl: null };
  return gateway.authorize(request);
}
