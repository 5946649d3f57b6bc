/** Payouts in the database: what it refuses by itself, what it remembers, and what a statement adds up to. */
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { LedgerTransaction } from '../../src/application/ledger-ports.ts';
import { moved, noted, PAYOUT_SETTINGS_DEFAULT } from '../../src/domain/payout/payout.ts';
import { LedgerRepository } from '../../src/storage/d1/ledger-repository.ts';
import { PayoutRepository } from '../../src/storage/d1/payout-repository.ts';
import { ProviderStatementRepository } from '../../src/storage/d1/provider-statement-repository.ts';
import { makePayout, makePayoutAccount } from '../support/payouts.ts';

const NOON_MS = Date.parse('2026-11-23T12:00:00Z');
const MADE = { from: null, actor: 'system:payouts', atMs: NOON_MS };
const SENT = { ...MADE, from: 'scheduled' } as const;

const store = new PayoutRepository(env.DB);
const ledger = new LedgerRepository(env.DB);
const statements = new ProviderStatementRepository(env.DB);

let count = 0;

/** A provider of this test's own, and a payout of theirs. */
function fresh(own: Partial<ReturnType<typeof makePayout>> = {}) {
  count += 1;
  return makePayout({ id: `pot_g${count}`, providerId: `prv_${count}`, ...own });
}

/** 100.00 that a customer paid for a booking, of which the platform keeps a tenth. */
function capture(providerId: string, availableFromMs: number): LedgerTransaction {
  count += 1;
  return {
    id: `capture:${count}`,
    kind: 'capture',
    currency: 'usd',
    postings: [
      { account: 'processor:stripe', amountMinor: 10_000 },
      { account: `provider:${providerId}`, amountMinor: -9_000 },
      { account: 'platform:commission', amountMinor: -1_000 },
    ],
    processor: 'stripe',
    processorRef: `pi_${count}`,
    bookingId: `bkg_${count}`,
    subscriptionId: null,
    providerId,
    payoutId: null,
    atMs: NOON_MS + count,
    availableFromMs,
  };
}

/** What the database said, however its error was wrapped. */
async function refusalOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'nothing was refused';
  } catch (error) {
    const { cause } = error as Error;
    return cause instanceof Error ? cause.message : String(error);
  }
}

describe('a payout in the database', () => {
  it('is there once, and comes back as it went in', async () => {
    const payout = fresh();
    expect(await store.insert(payout, MADE)).toBe(true);
    expect(await store.insert(payout, MADE)).toBe(false);
    expect(await store.byId(payout.id)).toEqual(payout);
    expect(await store.live(payout.providerId, 'usd')).toEqual(payout);
  });

  it('has no live one beside it, and none of its period once it is completed', async () => {
    const payout = fresh();
    await store.insert(payout, MADE);
    const twin = { ...payout, id: `${payout.id}b`, sequence: 2 };
    expect(await store.insert({ ...twin, period: '2026-11-30' }, MADE)).toBe(false);
    const done = moved(payout, 'complete', { transferRef: 'tr_1', nextAttemptAtMs: null });
    expect(await store.save(done, SENT)).toBe(true);
    expect(await store.insert(twin, MADE)).toBe(false);
    expect(await store.insert({ ...twin, period: '2026-11-30' }, MADE)).toBe(true);
  });

  it('gives its period up when it is called off', async () => {
    const payout = fresh();
    await store.insert(payout, MADE);
    await store.save(moved(payout, 'cancel', { reason: 'balance_fell' }), SENT);
    expect(await store.insert({ ...payout, id: `${payout.id}b`, sequence: 2 }, MADE)).toBe(true);
    const period = { providerId: payout.providerId, currency: 'usd', name: payout.period };
    const states = (await store.ofPeriod(period)).map(({ state }) => state);
    expect(states).toEqual(['cancelled', 'scheduled']);
    expect((await store.latest(payout.providerId, 'usd'))?.sequence).toBe(2);
  });

  it('is written by one of two who read the same version', async () => {
    const payout = fresh();
    await store.insert(payout, MADE);
    expect(await store.save(moved(payout, 'send', {}), SENT)).toBe(true);
    expect(await store.save(moved(payout, 'cancel', {}), SENT)).toBe(false);
    expect((await store.byId(payout.id))?.state).toBe('processing');
  });

  it('never changes its amount, its end or its transfer, and is never removed', async () => {
    const payout = fresh();
    await store.insert(payout, MADE);
    const done = moved(payout, 'complete', { transferRef: 'tr_1', nextAttemptAtMs: null });
    await store.save(done, SENT);
    for (const change of [
      { amountMinor: 1 },
      { state: 'scheduled' as const },
      { transferRef: 'tr_2' },
    ]) {
      const forged = { ...done, ...change, version: done.version + 1 };
      expect(await refusalOf(store.save(forged, null))).toMatch(/payout_immutable/);
    }
    const removal = env.DB.prepare('DELETE FROM payout WHERE id = ?1').bind(payout.id).run();
    await expect(removal).rejects.toThrow(/payout_immutable/);
  });

  it('has a history that nobody can write', async () => {
    const payout = fresh();
    await store.insert(payout, MADE);
    const sent = moved(payout, 'send', {});
    await store.save(sent, SENT);
    const looked = noted(sent, { nextAttemptAtMs: NOON_MS + 1 });
    await store.save(looked, null);
    const done = moved(looked, 'complete', { transferRef: 'tr_1', nextAttemptAtMs: null });
    await store.save(done, { from: 'processing', actor: 'operator:usr_1', atMs: NOON_MS + 2 });
    const { results } = await env.DB.prepare(
      'SELECT version, from_state, to_state, actor FROM payout_event WHERE payout_id = ?1 ORDER BY version',
    )
      .bind(payout.id)
      .all();
    expect(results).toEqual([
      { version: 1, from_state: null, to_state: 'scheduled', actor: 'system:payouts' },
      { version: 2, from_state: 'scheduled', to_state: 'processing', actor: 'system:payouts' },
      { version: 4, from_state: 'processing', to_state: 'completed', actor: 'operator:usr_1' },
    ]);
    const forged = env.DB.prepare("UPDATE payout_event SET actor = 'x' WHERE payout_id = ?1")
      .bind(payout.id)
      .run();
    await expect(forged).rejects.toThrow(/append_only/);
  });

  it('is looked at while something is to be done and nobody is at work on it', async () => {
    const payout = fresh({ nextAttemptAtMs: NOON_MS + 500, leaseUntilMs: NOON_MS + 10 });
    await store.insert(payout, MADE);
    const isSeen = async (nowMs: number) =>
      (await store.unsettled({ nowMs, afterId: '', limit: 500 })).some(
        ({ id }) => id === payout.id,
      );
    expect(await isSeen(NOON_MS + 9)).toBe(false);
    expect(await isSeen(NOON_MS + 10)).toBe(true);
    await store.save(noted(payout, { nextAttemptAtMs: null }), null);
    expect(await isSeen(NOON_MS + 10)).toBe(false);
  });
});

describe('accounts and settings', () => {
  it('come back as they went in, and an account keeps the name that the processor gave it', async () => {
    const account = makePayoutAccount('prv_kept');
    await store.saveAccount({ ...account, ref: null, isReady: false });
    await store.saveAccount(account);
    expect(await store.account('prv_kept')).toEqual(account);
    const other = store.saveAccount({ ...account, ref: 'acct_other' });
    expect(await refusalOf(other)).toMatch(/payout_account_immutable/);
    expect(await store.settings('prv_kept')).toBeNull();
    const settings = { ...PAYOUT_SETTINGS_DEFAULT, minimumsMinor: { jpy: 100 } };
    await store.saveSettings('prv_kept', PAYOUT_SETTINGS_DEFAULT);
    await store.saveSettings('prv_kept', settings);
    expect(await store.settings('prv_kept')).toEqual(settings);
  });
});

describe('a statement', () => {
  it('says what was earned, taken, paid out and is owed, to the cent', async () => {
    const { providerId } = fresh();
    await ledger.post([capture(providerId, NOON_MS), capture(providerId, NOON_MS)]);
    const transfer: LedgerTransaction = {
      ...capture(providerId, NOON_MS),
      id: `transfer:${providerId}`,
      kind: 'transfer',
      postings: [
        { account: `provider:${providerId}`, amountMinor: 5_000 },
        { account: 'processor:stripe', amountMinor: -5_000 },
      ],
    };
    await ledger.post([transfer]);
    expect(await statements.totals(providerId)).toEqual([
      {
        currency: 'usd',
        earnedMinor: 20_000,
        takenMinor: 2_000,
        taxMinor: 0,
        paidOutMinor: 5_000,
        owedMinor: 13_000,
      },
    ]);
    const lines = await statements.lines({ providerId, before: null, limit: 2 });
    expect(lines.map(({ amountMinor }) => amountMinor)).toEqual([-5_000, 9_000]);
    const { atMs, id } = lines[1] ?? { atMs: 0, id: '' };
    const rest = await statements.lines({ providerId, before: { atMs, id }, limit: 2 });
    expect(rest.map(({ amountMinor }) => amountMinor)).toEqual([9_000]);
  });

  it('of a payout has what was available and in none before; what is called off is in the next', async () => {
    const payout = fresh({ amountMinor: 9_000, payableMinor: 9_000 });
    const { providerId } = payout;
    await ledger.post([capture(providerId, NOON_MS), capture(providerId, NOON_MS + 1)]);
    await store.insert(payout, MADE);
    expect(await statements.statedMinor(payout.id)).toBe(9_000);
    await store.save(moved(payout, 'cancel', { reason: 'balance_fell' }), SENT);
    expect(await statements.statedMinor(payout.id)).toBe(0);
    const next = { ...payout, id: `${payout.id}b`, sequence: 2, availableUntilMs: NOON_MS + 1 };
    await store.insert(next, MADE);
    expect(await statements.statedMinor(next.id)).toBe(18_000);
    const query = { providerId, payoutId: next.id, before: null, limit: 10 };
    expect(await statements.linesOfPayout(query)).toHaveLength(2);
  });
});
