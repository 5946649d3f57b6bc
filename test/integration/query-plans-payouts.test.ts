/** No statement about payouts, statements or commissions reads a whole table. */
import { describe, expect, it } from 'vitest';
import type { MovedMoney } from '../../src/domain/ledger/booking-money.ts';
import { PAYOUT_SETTINGS_DEFAULT } from '../../src/domain/payout/payout.ts';
import { movedRecovery, recoveriesOf } from '../../src/domain/payout/recovery.ts';
import { CommissionRepository } from '../../src/storage/d1/commission-repository.ts';
import { PayoutRepository } from '../../src/storage/d1/payout-repository.ts';
import { ProviderStatementRepository } from '../../src/storage/d1/provider-statement-repository.ts';
import { makePayout, makePayoutAccount } from '../support/payouts.ts';
import { faultsOf, statementsOf } from '../support/query-plan.ts';

const NOW = Date.parse('2026-11-21T09:00:00Z');

const FACT: MovedMoney = {
  eventId: 'evt_plan',
  kind: 'refunded',
  bookingId: 'bkg_plan',
  processor: 'stripe',
  processorRef: 'pi_plan',
  entityRef: null,
  amountMinor: 1_000,
  currency: 'usd',
  feeMinor: null,
  isEarned: true,
  providerId: 'prv_plan',
  commissionMinor: 100,
  taxMinor: 0,
  serviceEndsAtMs: NOW,
  atMs: NOW,
};

describe('every statement finds its rows by an index', () => {
  it('payouts, statements and commissions', async () => {
    const payouts = await statementsOf(PayoutRepository, async (store) => {
      const made = makePayout({ id: 'pot_gplan', providerId: 'prv_plan' });
      await store.insert(made, { from: null, actor: 'system:plan', atMs: NOW });
      await store.save({ ...made, version: 2 }, null);
      const fact = { ...FACT, providerId: 'prv_plan', bookingId: 'bkg_plan' };
      const [recovery] = recoveriesOf(fact);
      if (recovery === undefined) throw new Error('a refund is recovered');
      const reversing = movedRecovery(recovery, 'reverse', { payoutId: made.id });
      await store.save({ ...made, version: 3 }, null, reversing);
      await store.isReversing('prv_plan', 'usd');
      await store.recovery(recovery.id);
      await store.openRecoveries({ after: { providerId: '', id: '' }, limit: 10 });
      const change = { reason: 'as_set', settledAtMs: NOW };
      await store.carryRecovery(movedRecovery(recovery, 'carry', change));
      await store.statedOf(recovery);
      await store.byId(made.id);
      await store.live('prv_plan', 'usd');
      await store.ofPeriod({ providerId: 'prv_plan', currency: 'usd', name: made.period });
      await store.latest('prv_plan', 'usd');
      await store.unsettled({ nowMs: NOW, afterId: '', limit: 10 });
      await store.list({ providerId: 'prv_plan', before: null, limit: 10 });
      const before = { createdAtMs: NOW, id: 'x' };
      await store.list({ providerId: 'prv_plan', before, limit: 10 });
      await store.manualOf({ period: made.period, afterId: '', limit: 10 });
      await store.saveAccount(makePayoutAccount('prv_plan'));
      await store.account('prv_plan');
      await store.saveSettings('prv_plan', PAYOUT_SETTINGS_DEFAULT);
      await store.settings('prv_plan');
    });
    const statements = await statementsOf(ProviderStatementRepository, async (ledger) => {
      await ledger.totals('prv_plan');
      const query = { providerId: 'prv_plan', before: null, limit: 10 };
      await ledger.lines(query);
      await ledger.linesOfPayout({ ...query, payoutId: 'pot_gplan' });
      await ledger.statedMinor('pot_gplan');
    });
    const commissions = await statementsOf(CommissionRepository, async (store) => {
      const rates = { anyBps: 1_000, guestBps: null, memberBps: null };
      const platform = { anyBps: 1_000, guestBps: 1_200, memberBps: 800 };
      const change = { actor: 'usr_plan', atMs: NOW };
      await store.termsOf('ven_plan', platform);
      const scopes = [
        { scope: 'global' },
        { scope: 'provider', id: 'prv_plan' },
        { scope: 'venue', id: 'ven_plan' },
      ] as const;
      for (const scope of scopes) {
        await store.rates(scope);
        await store.save(scope, rates, change);
        await store.staleServices({ scope, platform, afterId: '', limit: 10 });
      }
    });
    expect(await faultsOf([...payouts, ...statements, ...commissions])).toEqual([]);
  });
});
