/** Refunds after payouts in the database: told with the ledger's entries, moved with the payout that is reversed, kept. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { runPayouts } from '../../src/application/payouts/run-payouts.ts';
import { entriesOfBooking, type MovedMoney } from '../../src/domain/ledger/booking-money.ts';
import { PAYOUT_SETTINGS_DEFAULT } from '../../src/domain/payout/payout.ts';
import { movedRecovery, recoveriesOf } from '../../src/domain/payout/recovery.ts';
import { LedgerRepository } from '../../src/storage/d1/ledger-repository.ts';
import { PayoutRepository } from '../../src/storage/d1/payout-repository.ts';
import { payoutDeps } from '../../src/worker/payout-deps.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { FakePayoutGateway } from '../support/fake-payout-gateway.ts';
import { makePayoutAccount } from '../support/payouts.ts';

const services = servicesOf(env);
const store = new PayoutRepository(env.DB);
const ledger = new LedgerRepository(env.DB);

let facts = 0;

/** One transfer of 90.00 for a booking of 100.00, by a processor that is this test's own. */
async function paid() {
  const providerId = services.ids.mintInRegion('prv', 'global');
  const gateway = new FakePayoutGateway();
  await store.saveAccount(makePayoutAccount(providerId));
  await store.saveSettings(providerId, { ...PAYOUT_SETTINGS_DEFAULT, interval: 'day' });
  gateway.accounts.set(`acct_${providerId}`, { isReady: true, country: 'US' });
  const tell = async (kind: MovedMoney['kind'], amountMinor: number): Promise<string> => {
    facts += 1;
    const fact: MovedMoney = {
      eventId: `evt_recovery_${facts}`,
      kind,
      bookingId: `bkg_${providerId}`,
      processor: 'stripe',
      processorRef: `pi_${providerId}`,
      entityRef: null,
      amountMinor,
      currency: 'usd',
      feeMinor: null,
      isEarned: true,
      providerId,
      commissionMinor: amountMinor / 10,
      taxMinor: 0,
      serviceEndsAtMs: 0,
      atMs: facts,
    };
    const batch = { shardKey: `g${providerId.slice(5, 13)}`, throughSeq: facts };
    // Told twice, as a queue may.
    await ledger.apply(batch, entriesOfBooking(fact), recoveriesOf(fact));
    await ledger.apply(batch, entriesOfBooking(fact), recoveriesOf(fact));
    return `recovery:${fact.eventId}`;
  };
  const run = () => runPayouts({ ...payoutDeps(services), gateway }, { byHand: true });
  await tell('captured', 10_000);
  expect(await run()).toMatchObject({ completed: 1, errors: 0 });
  const owed = () =>
    ledger.payable({ providerId, currency: 'usd', availableUntilMs: Number.MAX_SAFE_INTEGER });
  return { providerId, gateway, tell, run, owed };
}

describe('a refund after a payout', () => {
  it('is taken back from the transfer once, in the provider’s share', async () => {
    const club = await paid();
    const id = await club.tell('refunded', 4_000);
    expect(await store.recovery(id)).toMatchObject({ state: 'open', amountMinor: 3_600 });
    expect(await club.run()).toMatchObject({ reversed: 1, errors: 0 });
    expect(await club.run()).toMatchObject({ reversed: 0, carried: 0, errors: 0 });
    expect(await store.recovery(id)).toMatchObject({ state: 'reversed', reversedMinor: 3_600 });
    expect(club.gateway.movedMinor(`acct_${club.providerId}`, 'usd')).toBe(5_400);
    expect(await club.owed()).toBe(0);
    const told = await ledger.transactionsOf({ bookingId: `bkg_${club.providerId}` });
    expect(told.map(({ kind }) => kind)).toEqual(['capture', 'refund', 'transfer_reversed']);
  });

  it('is known to be under way while its answer is lost, and no payout is made meanwhile', async () => {
    const club = await paid();
    let isSilent = true;
    club.gateway.nextFault = () => (isSilent ? 'lost_after' : 'none');
    const id = await club.tell('refunded', 10_000);
    expect(await club.run()).toMatchObject({ unsettled: 2 });
    expect(await store.recovery(id)).toMatchObject({ state: 'reversing', reversedMinor: 0 });
    expect(await store.isReversing(club.providerId, 'usd')).toBe(true);
    isSilent = false;
    expect(await club.run()).toMatchObject({ reversed: 1, errors: 0 });
    expect(await store.recovery(id)).toMatchObject({ state: 'reversed', reversedMinor: 9_000 });
    expect(await store.isReversing(club.providerId, 'usd')).toBe(false);
    expect(await club.owed()).toBe(0);
  });

  it('is a debt where the account has too little, and stays one', async () => {
    const club = await paid();
    club.gateway.nextFault = (call) => (call === 'reverseTransfer' ? 'refused' : 'none');
    const id = await club.tell('refunded', 10_000);
    expect(await club.run()).toMatchObject({ carried: 1, errors: 0 });
    const kept = { state: 'carried', reason: 'balance_insufficient', reversedMinor: 0 };
    expect(await store.recovery(id)).toMatchObject(kept);
    expect(await club.run()).toMatchObject({ carried: 0, reversed: 0 });
    expect(await club.owed()).toBe(-9_000);
  });

  it('moves with its payout or not at all, and never back', async () => {
    const club = await paid();
    const id = await club.tell('refunded', 10_000);
    const recovery = await store.recovery(id);
    const [payout] = await store.list({ providerId: club.providerId, before: null, limit: 1 });
    if (recovery === null || payout === undefined) throw new Error('both are there');
    const reversing = movedRecovery(recovery, 'reverse', { payoutId: payout.id });
    const late = { ...payout, recoveryId: id, reversalTargetMinor: 9_000 };
    expect(await store.save(late, null, reversing)).toBe(false);
    expect((await store.recovery(id))?.state).toBe('open');
    await club.run();
    const undo = env.DB.prepare("UPDATE payout_recovery SET state = 'open' WHERE id = ?1").bind(id);
    await expect(undo.run()).rejects.toThrow(/payout_recovery_immutable/);
    const remove = env.DB.prepare('DELETE FROM payout_recovery WHERE id = ?1').bind(id);
    await expect(remove.run()).rejects.toThrow(/payout_recovery_immutable/);
  });
});
