/** No statement about the ledger or the bank reads a whole table: each is explained by the database itself. */
import { describe, expect, it } from 'vitest';
import { BankRepository } from '../../src/storage/d1/bank-repository.ts';
import { LedgerRepository } from '../../src/storage/d1/ledger-repository.ts';
import { MoneyRepository } from '../../src/storage/d1/money-repository.ts';
import { faultsOf, statementsOf } from '../support/query-plan.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');

describe('every statement finds its rows by an index', () => {
  it('the ledger, and what it is compared with', async () => {
    const entry = {
      id: 'capture:plan',
      kind: 'capture',
      currency: 'usd',
      postings: [
        { account: 'processor:stripe', amountMinor: 1 },
        { account: 'payer:surplus', amountMinor: -1 },
      ],
      processor: 'stripe',
      processorRef: 'pi_plan',
      paymentRef: 'pi_plan',
      bookingId: 'bkg_plan',
      subscriptionId: null,
      providerId: null,
      payoutId: null,
      atMs: NOW,
      availableFromMs: NOW,
    } as const;
    const entries = await statementsOf(LedgerRepository, async (ledger) => {
      await ledger.post([entry]);
      await ledger.apply({ shardKey: 'gplan0000', throughSeq: 1 }, [entry], []);
      expect(await ledger.appliedSeq('gplan0000')).toBe(1);
      await ledger.transactionsOf({ bookingId: 'bkg_plan' });
      await ledger.transactionsOf({ subscriptionId: 'sub_plan' });
      await ledger.payable({ providerId: 'prv_plan', currency: 'usd', availableUntilMs: NOW });
      await ledger.providersWithBalance('', 10);
    });
    const sums = await statementsOf(MoneyRepository, async (money) => {
      const days = { fromMs: NOW, toMs: NOW + 1 };
      await money.booksOf('stripe', ['pi_plan']);
      await money.touchedSince({ processor: 'stripe', sinceMs: NOW, limit: 10 });
      const nothing = {
        processor: 'stripe',
        refs: ['pi_plan'],
        unmatched: [],
        nowMs: NOW,
      } as const;
      await money.recordComparison(nothing);
      await money.unmatchedOf('stripe', 10);
      await money.unmatchedSums();
      await money.bankMovements(days);
      await money.sums();
      await money.sumsByDay(days);
    });
    const statement = {
      id: 'plan',
      format: 'csv',
      account: 'DE1',
      fromAtMs: NOW,
      toAtMs: NOW,
      importedAtMs: NOW,
      importedBy: 'usr_plan',
    } as const;
    const bank = await statementsOf(BankRepository, async (statements) => {
      await statements.insert(statement, []);
      await statements.byId('plan');
      await statements.linesOf({ account: 'DE1', fromAtMs: NOW, toAtMs: NOW });
      await statements.known(['capture:plan']);
      await statements.match([{ lineId: 'x', transactionId: 'capture:plan' }]);
    });
    expect(await faultsOf([...entries, ...sums, ...bank])).toEqual([]);
  });
});
