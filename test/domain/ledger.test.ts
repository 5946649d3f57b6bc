/** The ledger's entries: always balanced, explained to the cent, and a refund of all reverses all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entriesOfBooking, type MovedMoney } from '../../src/domain/ledger/booking-money.ts';
import { balanced, shareOfPiece, type LedgerEntry } from '../../src/domain/ledger/entry.ts';
import {
  entriesOfDispute,
  entriesOfPayment,
  entriesOfRefund,
  entryOfCredit,
  entryOfFee,
} from '../../src/domain/ledger/subscription-money.ts';
import { charge } from './billing-fixture.ts';

const AT = 1_800_000_000_000;

const FACT: MovedMoney = {
  eventId: 'evt_1',
  kind: 'captured',
  bookingId: 'bkg_1',
  processor: 'stripe',
  processorRef: 'pi_1',
  entityRef: null,
  amountMinor: 2_500,
  currency: 'usd',
  feeMinor: null,
  isEarned: true,
  providerId: 'prv_1',
  commissionMinor: 250,
  taxMinor: 0,
  serviceEndsAtMs: AT + 3_600_000,
  atMs: AT,
};

/** The sum of each account that is not zero. */
function balances(entries: readonly LedgerEntry[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const { account, amountMinor } of entries.flatMap(({ postings }) => postings))
    sums.set(account, (sums.get(account) ?? 0) + amountMinor);
  return Object.fromEntries([...sums].filter(([, amountMinor]) => amountMinor !== 0));
}

function isBalanced({ postings }: LedgerEntry): boolean {
  return postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0) === 0;
}

const facts: fc.Arbitrary<MovedMoney> = fc
  .record({
    kind: fc.constantFrom<MovedMoney['kind']>(
      'captured',
      'refunded',
      'refund_failed',
      'disputed',
      'dispute_won',
      'dispute_lost',
    ),
    amountMinor: fc.nat(99_999_999),
    shareBps: fc.nat(10_000),
    taxBps: fc.nat(10_000),
    feeMinor: fc.option(fc.nat(10_000)),
    isEarned: fc.boolean(),
    eventId: fc.uuid(),
  })
  .map(({ shareBps, taxBps, ...values }) => ({
    ...FACT,
    ...values,
    commissionMinor: values.isEarned ? Math.floor((values.amountMinor * shareBps) / 10_000) : 0,
    taxMinor: values.isEarned ? Math.floor((values.amountMinor * taxBps) / 10_000) : 0,
  }));

describe('money of bookings', () => {
  it('a capture is what the processor holds: the provider’s but for the commission, the fee the platform’s', () => {
    const entries = entriesOfBooking({ ...FACT, feeMinor: 103 });
    expect(balances(entries)).toEqual({
      'processor:stripe': 2_500 - 103,
      'provider:prv_1': -2_250,
      'platform:commission': -250,
      'platform:fees': 103,
    });
    expect(entries.map(({ id, kind }) => [id, kind])).toEqual([
      ['capture:evt_1', 'capture'],
      ['fee:evt_1', 'fee'],
    ]);
    expect(entries[0]).toMatchObject({ paymentRef: 'pi_1', availableFromMs: AT + 3_600_000 });
  });

  it('tax in it is the provider’s with the rest, and told apart until it has gone back', () => {
    const taxed = entriesOfBooking({ ...FACT, commissionMinor: 210, taxMinor: 400 });
    expect(balances(taxed)).toEqual({
      'processor:stripe': 2_500,
      'provider:prv_1': -2_290,
      'platform:commission': -210,
      'tax:prv_1': -400,
      'tax:stripe': 400,
    });
    const went = { ...FACT, kind: 'refunded' as const, eventId: 'evt_2' };
    const back = entriesOfBooking({ ...went, commissionMinor: 210, taxMinor: 400 });
    expect(balances([...taxed, ...back])).toEqual({});
    expect(() => entriesOfBooking({ ...FACT, taxMinor: 2_501 })).toThrow('tax');
  });

  it('a fee that is told later is posted alone', () => {
    const fact = { ...FACT, amountMinor: 0, commissionMinor: 0, isEarned: false, feeMinor: 9 };
    expect(balances(entriesOfBooking(fact))).toEqual({
      'platform:fees': 9,
      'processor:stripe': -9,
    });
  });

  it('money that no booking earned is the payer’s, and going back it leaves nothing', () => {
    const came = { ...FACT, isEarned: false, commissionMinor: 0 };
    const entries = entriesOfBooking(came);
    expect(balances(entries)).toEqual({ 'processor:stripe': 2_500, 'payer:surplus': -2_500 });
    const went = entriesOfBooking({ ...came, kind: 'refunded', eventId: 'evt_2' });
    expect(balances([...entries, ...went])).toEqual({});
  });

  it('a lost dispute keeps what its opening took, a won one gives it back', () => {
    const took = entriesOfBooking({ ...FACT, kind: 'disputed', entityRef: 'dp_1' });
    expect(took[0]).toMatchObject({ kind: 'dispute', processorRef: 'dp_1', paymentRef: 'pi_1' });
    expect(entriesOfBooking({ ...FACT, kind: 'dispute_lost', eventId: 'evt_2' })).toEqual([]);
    const gave = entriesOfBooking({ ...FACT, kind: 'dispute_won', eventId: 'evt_2' });
    expect(balances([...took, ...gave])).toEqual({});
  });

  it('every fact is balanced, and moves exactly its amount and its fee at the processor', () => {
    fc.assert(
      fc.property(facts, (fact) => {
        const entries = entriesOfBooking(fact);
        expect(entries.every((entry) => isBalanced(entry))).toBe(true);
        expect(
          entries.flatMap(({ postings }) => postings).every((line) => line.amountMinor !== 0),
        ).toBe(true);
        const held = entries
          .flatMap(({ postings }) => postings)
          .filter(({ account }) => account === 'processor:stripe')
          .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
        const isIn = ['captured', 'refund_failed', 'dispute_won'].includes(fact.kind);
        const moved =
          fact.kind === 'dispute_lost' ? 0 : isIn ? fact.amountMinor : -fact.amountMinor;
        // Adding zero makes the negative zero of a fact without an amount an ordinary one.
        expect(held + 0).toBe(moved - (fact.feeMinor ?? 0) + 0);
      }),
    );
  });

  it('refuses lines that do not add up, and a commission beyond its money', () => {
    expect(() => balanced([{ account: 'a:b', amountMinor: 1 }])).toThrow('off by 1');
    expect(() => entriesOfBooking({ ...FACT, commissionMinor: 2_501 })).toThrow('commission');
  });
});

describe('a part of a whole that goes back in pieces', () => {
  it('goes back by at most its own, piece by piece, and whole with the last piece', () => {
    const split = fc
      .record({
        pieces: fc.array(fc.nat(100_000), { minLength: 1, maxLength: 12 }),
        bps: fc.nat(10_000),
      })
      .map(({ pieces, bps }) => {
        const wholeMinor = pieces.reduce((sum, piece) => sum + piece, 0);
        return { pieces, wholeMinor, partMinor: Math.floor((wholeMinor * bps) / 10_000) };
      });
    fc.assert(
      fc.property(split, ({ pieces, wholeMinor, partMinor }) => {
        let beforeMinor = 0;
        let partBackMinor = 0;
        for (const amountMinor of pieces) {
          const share = shareOfPiece({ partMinor, wholeMinor }, { beforeMinor, amountMinor });
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(amountMinor);
          beforeMinor += amountMinor;
          partBackMinor += share;
        }
        expect(partBackMinor).toBe(partMinor);
      }),
    );
  });
});

describe('money of subscriptions', () => {
  const paid = charge({
    state: 'succeeded',
    ref: 'pi_1',
    amountMinor: 1_900,
    capturedMinor: 1_900,
  });
  const bill = { totalMinor: 1_900, taxMinor: 317 };

  it('a payment that settles its invoice is revenue and the tax inside', () => {
    const entries = entriesOfPayment({ ...paid, feeMinor: 85 }, bill, AT);
    expect(balances(entries)).toEqual({
      'processor:stripe': 1_815,
      'platform:revenue': -1_583,
      'platform:tax': -317,
      'platform:fees': 85,
    });
    expect(entryOfFee({ ...paid, feeMinor: 85 }, AT)).toEqual([entries[1]]);
  });

  it('money that nobody waited for, too little of it, and what was too much is the payer’s', () => {
    expect(balances(entriesOfPayment(paid, null, AT))).toEqual({
      'processor:stripe': 1_900,
      'payer:surplus': -1_900,
    });
    const excess = { ...paid, capturedMinor: 2_000 };
    expect(balances(entriesOfPayment(excess, bill, AT))).toEqual({
      'processor:stripe': 2_000,
      'platform:revenue': -1_583,
      'platform:tax': -317,
      'payer:surplus': -100,
    });
    const part = { ...paid, capturedMinor: 1_899 };
    expect(balances(entriesOfPayment(part, bill, AT))).toEqual({
      'processor:stripe': 1_899,
      'payer:surplus': -1_899,
    });
  });

  it('what was too much goes back first and takes nothing of what was earned', () => {
    const [capture] = entriesOfPayment({ ...paid, capturedMinor: 2_000 }, bill, AT);
    const refund = charge({ id: 'chg_r', purpose: 'refund', ref: 're_1', state: 'succeeded' });
    const given = (amountMinor: number, returnedMinor: number) =>
      entriesOfRefund(
        { ...refund, amountMinor },
        {
          captured: capture?.postings ?? null,
          paymentRef: 'pi_1',
          returnedMinor,
          returnedByThisMinor: 0,
          told: 0,
        },
        AT,
      );
    expect(balances(given(100, 0))).toEqual({ 'processor:stripe': -100, 'payer:surplus': 100 });
    expect(balances(given(1_900, 100))).toEqual({
      'processor:stripe': -1_900,
      'platform:revenue': 1_583,
      'platform:tax': 317,
    });
  });

  it('a dispute takes in the shares in which the money came, beyond what came from nobody, and gives back what it took', () => {
    const [capture] = entriesOfPayment(paid, bill, AT);
    const seen = { ref: 'du_1', amountMinor: 1_900, currency: 'usd', reason: null } as const;
    const told = (state: 'open' | 'lost' | 'won', takenMinor: number, returnedMinor = takenMinor) =>
      entriesOfDispute(
        { charge: paid, dispute: { ...seen, state } },
        {
          captured: capture?.postings ?? null,
          paymentRef: 'pi_1',
          returnedMinor,
          returnedByThisMinor: takenMinor,
          told: takenMinor === 0 ? 0 : 1,
        },
        AT,
      );
    const open = told('open', 0);
    expect(open).toMatchObject([{ kind: 'dispute', processorRef: 'du_1', paymentRef: 'pi_1' }]);
    expect(balances(open)).toEqual({
      'processor:stripe': -1_900,
      'platform:revenue': 1_583,
      'platform:tax': 317,
    });
    expect(told('lost', 1_900)).toEqual([]);
    expect(balances([...open, ...told('won', 1_900)])).toEqual({});
    // Of 1,900 that came 500 had gone back: the rest is what was earned, and nobody's what is more.
    expect(balances(told('open', 0, 500))).toMatchObject({
      'processor:stripe': -1_900,
      'payer:surplus': 500,
    });
  });

  it('credit that was given is owed until an invoice uses it', () => {
    const invoice = { id: 'inv_1', subscriptionId: 'sub_1', currency: 'usd' };
    const of = (used: number, given: number, id: string) =>
      entryOfCredit(
        { ...invoice, id, creditUsedMinor: used, creditGivenMinor: given } as never,
        AT,
      );
    const given = of(0, 500, 'inv_1');
    expect(balances(given)).toEqual({ 'member:credit': -500, 'platform:revenue': 500 });
    expect(balances([...given, ...of(500, 0, 'inv_2')])).toEqual({});
    expect(of(0, 0, 'inv_3')).toEqual([]);
  });

  it('refunds of all reverse all, however they are cut, fail and come back', () => {
    const cuts = fc.array(
      fc.record({ amountMinor: fc.integer({ min: 1, max: 700 }), fails: fc.boolean() }),
      {
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(cuts, fc.nat(1_900), fc.nat(1_900), (pieces, totalMinor, tax) => {
        const taxMinor = Math.min(tax, totalMinor);
        const [capture] = entriesOfPayment(paid, { totalMinor, taxMinor }, AT);
        const told: LedgerEntry[] = capture === undefined ? [] : [capture];
        let returnedMinor = 0;
        const tell = (
          index: number,
          state: 'pending' | 'failed' | 'succeeded',
          amountMinor: number,
        ) => {
          const refund = charge({
            id: `chg_r${index}`,
            purpose: 'refund',
            ref: `re_${index}`,
            state,
            amountMinor,
          });
          const own = told.filter(({ id }) => id.split(':')[1] === refund.id);
          const given =
            own.some(({ kind }) => kind === 'refund') &&
            !own.some(({ kind }) => kind === 'refund_failed');
          const entries = entriesOfRefund(
            refund,
            {
              captured: capture?.postings ?? null,
              paymentRef: 'pi_1',
              returnedMinor,
              returnedByThisMinor: given ? amountMinor : 0,
              told: own.length,
            },
            AT,
          );
          for (const { kind } of entries)
            returnedMinor += kind === 'refund' ? amountMinor : -amountMinor;
          told.push(...entries);
        };
        for (const [index, { amountMinor, fails }] of pieces.entries()) {
          if (returnedMinor + amountMinor > 1_900) continue;
          tell(index, 'pending', amountMinor);
          tell(index, fails ? 'failed' : 'succeeded', amountMinor);
        }
        if (returnedMinor < 1_900) tell(99, 'succeeded', 1_900 - returnedMinor);
        expect(told.every((entry) => isBalanced(entry))).toBe(true);
        expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
        expect(balances(told)).toEqual({});
      }),
    );
  });
});
