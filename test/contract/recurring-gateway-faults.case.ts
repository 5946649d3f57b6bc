/**
 * Contract of recurring payments, part two: broken wires, repeated keys, and what is read without asking for an effect.
 * Protects: nothing is charged twice, and what was done is found. Run by recurring-gateway.case.ts.
 */
import { describe, expect, it } from 'vitest';
import {
  AMOUNT,
  CURRENCY,
  fetched,
  MINUTE_MS,
  movementsOf,
  newKey,
  paymentOf,
  RETURN_URL,
} from './payment-gateway-subject.ts';
import {
  charge,
  confirmCharge,
  confirmSetup,
  customer,
  setup,
  setupOf,
  type RecurringSubject,
} from './recurring-gateway-subject.ts';

function approval(subject: RecurringSubject, ref: string) {
  const paymentMethod = subject.harness.cards.approved;
  return { key: newKey(), ref, paymentMethod, returnUrl: RETURN_URL };
}

/** Time-outs and repeats. */
export function describeRecurringFaults(subject: RecurringSubject): void {
  describe('failing and repeated calls', () => {
    it('answer the same for the same key and act once', async () => {
      const open = { key: newKey(), memberId: 'usr_twice' };
      const member = await subject.recurring.openCustomer(open);
      expect(await subject.recurring.openCustomer(open)).toEqual(member);
      if (member.kind !== 'customer') throw new Error('a customer was due');
      expect(member.ref).toMatch(subject.harness.ids.customer);
      const first = await charge(subject, member.ref, 'charged-twice');
      expect(await charge(subject, member.ref, 'charged-twice')).toEqual(first);
      const confirm = { ...approval(subject, first.ref), isOffSession: false };
      const paid = await subject.recurring.confirmCharge(confirm);
      expect(await subject.recurring.confirmCharge(confirm)).toEqual(paid);
      expect(await movementsOf(subject, first.ref, 'capture')).toHaveLength(1);
      const opened = await setup(subject, member.ref, 'set-up-twice');
      expect(await setup(subject, member.ref, 'set-up-twice')).toEqual(opened);
      const keep = approval(subject, opened.ref);
      const kept = await subject.recurring.confirmSetup(keep);
      expect(await subject.recurring.confirmSetup(keep)).toEqual(kept);
    });

    it('say already done for a second charge of what is paid', async () => {
      const { ref } = await charge(subject, await customer(subject));
      const paymentMethod = subject.harness.cards.approved;
      await confirmCharge(subject, ref, { paymentMethod });
      const again = await confirmCharge(subject, ref, { paymentMethod });
      expect(again).toEqual({ kind: 'already_done' });
      expect(await movementsOf(subject, ref, 'capture')).toHaveLength(1);
    });

    it('time-out after the charge: nobody knows, the fetch shows that it was done', async () => {
      const { ref } = await charge(subject, await customer(subject));
      const confirm = { ...approval(subject, ref), isOffSession: false };
      await subject.harness.setFault('confirm', 'timeout_after');
      expect((await subject.recurring.confirmCharge(confirm)).kind).toBe('no_answer');
      const found = await fetched(subject, ref);
      expect(found).toMatchObject({ state: 'captured', capturedMinor: AMOUNT });
      expect(paymentOf(await subject.recurring.confirmCharge(confirm))).toEqual(found);
      expect(await movementsOf(subject, ref, 'capture')).toHaveLength(1);
    });

    it('time-out before the charge: the fetch shows that nothing was done, and the same key does it', async () => {
      const { ref } = await charge(subject, await customer(subject));
      const confirm = { ...approval(subject, ref), isOffSession: false };
      await subject.harness.setFault('confirm', 'timeout_before');
      expect((await subject.recurring.confirmCharge(confirm)).kind).toBe('no_answer');
      expect((await fetched(subject, ref)).state).toBe('created');
      expect(paymentOf(await subject.recurring.confirmCharge(confirm)).state).toBe('captured');
    });

    it('time-out of an open: the same key finds the same charge', async () => {
      const customerRef = await customer(subject);
      const request = {
        key: newKey(),
        amount: { amount: AMOUNT, currency: CURRENCY },
        customerRef,
        reference: { subscriptionId: 'sub_lost', chargeId: 'chg_lost' },
        paymentMethod: null,
        returnUrl: null,
      };
      await subject.harness.setFault('create', 'timeout_after');
      expect((await subject.recurring.openCharge(request)).kind).toBe('no_answer');
      const found = paymentOf(await subject.recurring.openCharge(request));
      expect(paymentOf(await subject.recurring.openCharge(request)).ref).toBe(found.ref);
    });

    it('time-out after a setup: the fetch shows what was kept', async () => {
      const { ref } = await setup(subject, await customer(subject));
      const confirm = approval(subject, ref);
      await subject.harness.setFault('confirm', 'timeout_after');
      expect((await subject.recurring.confirmSetup(confirm)).kind).toBe('no_answer');
      const found = setupOf(await subject.recurring.fetchSetup(ref));
      expect(found).toMatchObject({
        state: 'succeeded',
        methodRef: expect.stringMatching(subject.harness.ids.method),
      });
      expect(setupOf(await subject.recurring.confirmSetup(confirm))).toEqual(found);
    });

    it('an answered 500 stays under its key; a new key is safe after a fetch', async () => {
      const { ref } = await charge(subject, await customer(subject));
      const confirm = { ...approval(subject, ref), isOffSession: false };
      await subject.harness.setFault('confirm', 'http_500');
      expect((await subject.recurring.confirmCharge(confirm)).kind).toBe('server_error');
      expect((await subject.recurring.confirmCharge(confirm)).kind).toBe('server_error');
      expect((await fetched(subject, ref)).state).toBe('created');
      const anew = { ...confirm, key: newKey() };
      expect(paymentOf(await subject.recurring.confirmCharge(anew)).state).toBe('captured');
    });

    it('call what does not exist missing', async () => {
      const { recurring } = subject;
      const { unknownRef, unknownSetup, unknownCustomer } = subject.harness;
      expect(await recurring.fetchSetup(unknownSetup)).toEqual({ kind: 'missing' });
      expect(await recurring.fetchSetup('../customers')).toEqual({ kind: 'missing' });
      expect(await confirmSetup(subject, unknownSetup, 'any')).toEqual({ kind: 'missing' });
      const cancel = { key: newKey(), ref: unknownSetup };
      expect(await recurring.cancelSetup(cancel)).toEqual({ kind: 'missing' });
      expect(await confirmCharge(subject, unknownRef, { paymentMethod: 'any' })).toEqual({
        kind: 'missing',
      });
      const open = {
        amount: { amount: AMOUNT, currency: CURRENCY },
        customerRef: unknownCustomer,
        reference: { subscriptionId: 'sub_1', chargeId: 'chg_1' },
        paymentMethod: null,
        returnUrl: null,
      };
      expect(await recurring.openCharge({ ...open, key: newKey() })).toEqual({ kind: 'missing' });
      expect(await recurring.openSetup({ ...open, key: newKey() })).toEqual({ kind: 'missing' });
    });

    it('takes a payment method that does not exist for the payer’s mistake', async () => {
      const customerRef = await customer(subject);
      const { unknown: paymentMethod } = subject.harness.methods;
      const { ref } = await charge(subject, customerRef);
      const declined = { kind: 'declined', retry: 'payer' };
      expect(await confirmCharge(subject, ref, { paymentMethod })).toMatchObject(declined);
      const kept = await setup(subject, customerRef);
      expect(await confirmSetup(subject, kept.ref, paymentMethod)).toMatchObject(declined);
    });
  });
}

/** Lists and events. */
export function describeRecurringReading(subject: RecurringSubject): void {
  describe('reading', () => {
    it('lists charges with the subscription that they belong to', async () => {
      const { ref } = await charge(subject, await customer(subject), 'listed');
      const page = await subject.gateway.listSince({
        sinceMs: subject.harness.nowMs() - MINUTE_MS,
        cursor: null,
      });
      if ('failed' in page) throw new Error(page.failed);
      expect(page.payments.find((row) => row.ref === ref)).toMatchObject({
        state: 'open',
        reference: { subscriptionId: 'sub_listed', chargeId: 'chg_listed' },
      });
    });

    it('reads events of charges and setups, and names the subscription', async () => {
      const customerRef = await customer(subject);
      const paid = await charge(subject, customerRef, 'told-charge');
      await confirmCharge(subject, paid.ref, { paymentMethod: subject.harness.cards.approved });
      const kept = await setup(subject, customerRef, 'told-setup');
      await confirmSetup(subject, kept.ref, subject.harness.cards.approved);
      for (const [ref, name] of [
        [paid.ref, 'told-charge'],
        [kept.ref, 'told-setup'],
      ] as const) {
        const delivered = await subject.harness.deliveredEvent(ref);
        const nowMs = subject.harness.nowMs();
        expect(await subject.gateway.readWebhook({ ...delivered, nowMs })).toMatchObject({
          objectRef: ref,
          isExpected: true,
          reference: { subscriptionId: `sub_${name}`, chargeId: `chg_${name}` },
        });
      }
    });
  });
}
