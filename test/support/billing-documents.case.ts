/**
 * What every store of billing does for invoices, charges and credit notes: each "at most one", the numbers without a gap,
 * and that what was paid stays as it was paid. A part of the suite over D1 and over the store in memory.
 */
import { describe, expect, it } from 'vitest';
import type { BillingStore } from '../../src/application/billing-ports.ts';
import type { Charge, Invoice } from '../../src/domain/subscription/subscription.ts';
import {
  PAID,
  makeCharge,
  makeInvoice,
  makeNote,
  next,
  payUp,
  signUp,
} from './billing-fixtures.ts';
import { NOON_MS } from './fake-clock.ts';

/** Runs this part over a store; its rows may be shared with other tests. */
export function describeDocuments(store: BillingStore): void {
  const numberOf = async (invoiceId: string) => (await store.invoice(invoiceId))?.number ?? null;

  describe('an invoice', () => {
    it('bills a period once, unless the first was void', async () => {
      const { subscription, invoice } = await payUp(store);
      const second = makeInvoice(subscription);
      const after = next(subscription);
      await expect(store.save({ subscription: after, invoices: [second] })).rejects.toThrow();
      const later = makeInvoice(subscription, { periodStartMs: invoice.periodEndMs - 1 });
      expect(await store.save({ subscription: after, invoices: [later] })).toBe('done');
      const anew = { ...later, id: `${later.id}_anew` };
      const replaced = [anew, { ...later, state: 'void' as const }];
      expect(await store.save({ subscription: next(after), invoices: replaced })).toBe('done');
      expect((await store.load(subscription.id))?.openInvoice).toEqual(anew);
    });

    it('is the only open one of its subscription', async () => {
      const { subscription, invoice } = await signUp(store);
      const change = makeInvoice(subscription, { kind: 'change' });
      const after = next(subscription);
      await expect(store.save({ subscription: after, invoices: [change] })).rejects.toThrow();
      const turned = [change, { ...invoice, state: 'uncollectible' as const }];
      expect(await store.save({ subscription: after, invoices: turned })).toBe('done');
    });

    it('gets the next number when it is paid, without a gap among fifty at once', async () => {
      const signedUp = await Promise.all(Array.from({ length: 50 }, () => signUp(store)));
      const before = countOf((await payUp(store)).invoice.number);
      const outcomes = await Promise.all(
        signedUp.map(({ subscription, invoice }) =>
          store.save({ subscription: next(subscription), invoices: [{ ...invoice, ...PAID }] }),
        ),
      );
      expect(new Set(outcomes)).toEqual(new Set(['done']));
      const numbers = await Promise.all(signedUp.map(({ invoice }) => numberOf(invoice.id)));
      expect(numbers.every((number) => /^HF-\d{6}$/.test(number ?? ''))).toBe(true);
      expect(numbers.map((number) => countOf(number)).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 50 }, (_, index) => before + 1 + index),
      );
    });

    it('leaves no gap when its payment is not written after all', async () => {
      const { subscription, invoice } = await signUp(store);
      const before = countOf((await payUp(store)).invoice.number);
      const paid = { ...invoice, ...PAID };
      const twice = [makeCharge(invoice), makeCharge(invoice)];
      await expect(
        store.save({ subscription: next(subscription), invoices: [paid], charges: twice }),
      ).rejects.toThrow();
      const stale = { ...subscription, creditMinor: 1 };
      expect(await store.save({ subscription: stale, invoices: [paid] })).toBe('conflict');
      expect(await numberOf(invoice.id)).toBeNull();
      await store.save({ subscription: next(subscription), invoices: [paid] });
      expect(countOf(await numberOf(invoice.id))).toBe(before + 1);
    });

    it('stays as it was paid: its number for ever, and only more of it given back', async () => {
      const { subscription, invoice } = await payUp(store);
      const back = { ...invoice, number: null, refundedMinor: 400 };
      const after = next(subscription);
      expect(await store.save({ subscription: after, invoices: [back] })).toBe('done');
      expect(await store.invoice(invoice.id)).toEqual({ ...back, number: invoice.number });
      const edits: Partial<Invoice>[] = [
        { refundedMinor: 399 },
        { refundedMinor: 1_901 },
        { state: 'void', paidAtMs: null },
        {
          totalMinor: 1,
          refundedMinor: 0,
          lines: [{ kind: 'period', label: 'x', amountMinor: 1 }],
        },
        { lines: invoice.lines.map((line) => ({ ...line, label: 'other' })) },
        { taxMinor: 1 },
        { paidAtMs: NOON_MS + 1 },
        { periodEndMs: invoice.periodEndMs + 1 },
      ];
      for (const edit of edits) {
        const invoices = [{ ...back, ...edit }];
        await expect(store.save({ subscription: next(after), invoices })).rejects.toThrow();
      }
    });
  });

  describe('a charge', () => {
    it('is the only payment or setup under way', async () => {
      const { subscription, invoice } = await signUp(store);
      const [first, second] = [makeCharge(invoice), makeCharge(invoice)];
      const after = next(subscription);
      await store.save({ subscription: after, charges: [first] });
      const setup = makeCharge(invoice, { purpose: 'setup', invoiceId: null, amountMinor: 0 });
      for (const charge of [second, setup]) {
        await expect(
          store.save({ subscription: next(after), charges: [charge] }),
        ).rejects.toThrow();
      }
      const charges = [
        second,
        { ...first, state: 'failed' as const, declineCode: 'x', call: null },
      ];
      expect(await store.save({ subscription: next(after), charges })).toBe('done');
      const ids = (await store.chargesOf(invoice.id)).map(({ id }) => id);
      expect(ids).toEqual([first.id, second.id].toSorted());
    });

    it('has its object at the processor to itself', async () => {
      const [mine, yours] = [await signUp(store), await signUp(store)];
      const charge = makeCharge(mine.invoice, { ref: `pi_${mine.invoice.id}` });
      await store.save({ subscription: next(mine.subscription), charges: [charge] });
      const same = makeCharge(yours.invoice, { ref: charge.ref });
      await expect(
        store.save({ subscription: next(yours.subscription), charges: [same] }),
      ).rejects.toThrow();
    });

    it('keeps its amount, and keeps its money once it came', async () => {
      const { subscription, invoice } = await signUp(store);
      const charge = makeCharge(invoice, { state: 'succeeded', call: null });
      const after = next(subscription);
      await store.save({ subscription: after, charges: [charge] });
      const edits: Partial<Charge>[] = [
        { amountMinor: 1 },
        { state: 'failed' },
        { currency: 'eur' },
      ];
      for (const edit of edits) {
        const charges = [{ ...charge, ...edit }];
        await expect(store.save({ subscription: next(after), charges })).rejects.toThrow();
      }
    });

    it('is never given back more than once over', async () => {
      const { subscription, invoice } = await payUp(store);
      const payment = makeCharge(invoice, { state: 'succeeded', call: null });
      const refund = (amountMinor: number) =>
        makeCharge(invoice, { purpose: 'refund', ofChargeId: payment.id, amountMinor });
      const first = refund(1_500);
      let after = next(subscription);
      await store.save({ subscription: after, charges: [payment, first] });
      const tooMuch = { subscription: next(after), charges: [refund(401)] };
      await expect(store.save(tooMuch)).rejects.toThrow();
      after = next(after);
      await store.save({
        subscription: after,
        charges: [refund(400), { ...first, state: 'failed' }],
      });
      expect(await store.save({ subscription: next(after), charges: [refund(1_500)] })).toBe(
        'done',
      );
    });

    it('gives back in one piece what came in excess', async () => {
      const { subscription, invoice } = await payUp(store);
      const payment = makeCharge(invoice, { state: 'succeeded', call: null });
      const refund = (amountMinor: number) =>
        makeCharge(invoice, { purpose: 'refund', ofChargeId: payment.id, amountMinor });
      const after = next(subscription);
      const charges = [payment, refund(payment.amountMinor + 500)];
      expect(await store.save({ subscription: after, charges })).toBe('done');
      const again = { subscription: next(after), charges: [refund(1)] };
      await expect(store.save(again)).rejects.toThrow();
    });

    it('of what came in excess leaves all that was earned to be given back', async () => {
      const { subscription, invoice } = await payUp(store);
      const amountMinor = invoice.totalMinor;
      const payment = makeCharge(invoice, {
        state: 'succeeded',
        call: null,
        capturedMinor: amountMinor + 500,
      });
      const refund = (minor: number) =>
        makeCharge(invoice, { purpose: 'refund', ofChargeId: payment.id, amountMinor: minor });
      const first = next(subscription);
      const charges = [payment, refund(500)];
      expect(await store.save({ subscription: first, charges })).toBe('done');
      const second = next(first);
      expect(await store.save({ subscription: second, charges: [refund(amountMinor)] })).toBe(
        'done',
      );
      const tooMuch = { subscription: next(second), charges: [refund(1)] };
      await expect(store.save(tooMuch)).rejects.toThrow('charge_refund_exceeds_payment');
    });
  });

  describe('a credit note', () => {
    it('gets the next number of its own series, and never exceeds its invoice', async () => {
      const { subscription, invoice } = await payUp(store);
      const [first, second] = [makeNote(invoice, 1_000), makeNote(invoice, 900)];
      const after = next(subscription);
      await store.save({ subscription: after, creditNotes: [first, second] });
      const notes = await store.creditNotesOf(invoice.id);
      expect(notes.map(({ number: _number, ...rest }) => rest)).toEqual(
        [first, second]
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .map(({ number: _number, ...rest }) => rest),
      );
      const numbers = notes.map(({ number }) => number);
      expect(numbers.every((number) => /^HF-CN-\d{6}$/.test(number ?? ''))).toBe(true);
      const [low = 0, high = 0] = numbers
        .map((number) => countOf(number))
        .toSorted((a, b) => a - b);
      expect(high).toBe(low + 1);
      const over = { subscription: next(after), creditNotes: [makeNote(invoice, 1)] };
      await expect(store.save(over)).rejects.toThrow();
      const other = await payUp(store);
      const third = {
        subscription: next(other.subscription),
        creditNotes: [makeNote(other.invoice, 1)],
      };
      await store.save(third);
      const [noted] = await store.creditNotesOf(other.invoice.id);
      expect(countOf(noted?.number ?? null)).toBe(high + 1);
    });

    it('is for an invoice that was paid', async () => {
      const { subscription, invoice } = await signUp(store);
      const change = { subscription: next(subscription), creditNotes: [makeNote(invoice, 1)] };
      await expect(store.save(change)).rejects.toThrow();
    });
  });
}

/** The place of a number in its series. */
function countOf(number: string | null): number {
  return Number(number?.split('-').at(-1));
}
