/** Providers are paid what they are owed, once, whatever the processor answers and whoever asks again. */
import { describe, expect, it } from 'vitest';
import {
  cancelPayout,
  completeByHand,
  reverseByHand,
} from '../../src/application/payouts/command-payout.ts';
import { openPayoutAccount } from '../../src/application/payouts/payout-account.ts';
import { TRIES_MAX } from '../../src/domain/payout/payout-schedule.ts';
import { PAYOUT_SETTINGS_DEFAULT, type Payout } from '../../src/domain/payout/payout.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import type { PayoutFault } from '../support/fake-payout-gateway.ts';
import { makePayout } from '../support/payouts.ts';
import { MONDAY_MS, PayoutWorld } from './payout-world.ts';

const WEEK_MS = 7 * DAY_MS;

/** The fates of the next calls of a kind; all others go well. */
function fates(world: PayoutWorld, call: string, ...faults: PayoutFault[]): void {
  world.gateway.nextFault = (made) => (made === call ? (faults.shift() ?? 'none') : 'none');
}

function only(world: PayoutWorld): Payout {
  const [payout, ...others] = world.store.payouts.values();
  if (payout === undefined || others.length > 0) throw new Error('not one payout');
  return payout;
}

async function owing(amountMinor = 10_000): Promise<{ world: PayoutWorld; id: string }> {
  const world = new PayoutWorld();
  const id = await world.provider();
  await world.earn(id, amountMinor);
  return { world, id };
}

async function paidByHand(): Promise<{ world: PayoutWorld; id: string }> {
  const world = new PayoutWorld();
  const id = await world.provider('none');
  await world.store.saveSettings(id, { ...PAYOUT_SETTINGS_DEFAULT, method: 'manual' });
  await world.earn(id, 5_000);
  return { world, id };
}

describe('a run of payouts', () => {
  it('sends what is available, and owes it no more', async () => {
    const { world, id } = await owing();
    expect(await world.run()).toMatchObject({ made: 1, completed: 1, errors: 0 });
    expect(world.gateway.movedMinor(`acct_${id}`, 'usd')).toBe(10_000);
    expect(world.ledger.owed(id, 'usd')).toBe(0);
    expect(only(world)).toMatchObject({ state: 'completed', period: '2026-11-23' });
  });

  it('sends nothing a second time, in the same week or with nothing new', async () => {
    const { world, id } = await owing();
    await world.run();
    await world.earn(id, 5_000);
    expect(await world.run(true)).toMatchObject({ paid: 1, made: 0 });
    world.clock.advance(WEEK_MS);
    expect(await world.run()).toMatchObject({ made: 1, completed: 1 });
    expect(world.gateway.transfers.map(({ amountMinor }) => amountMinor)).toEqual([10_000, 5_000]);
  });

  it('waits for the escrow days of each earning, counted back from the payout day', async () => {
    const world = new PayoutWorld();
    const id = await world.provider();
    const dayMs = Date.parse('2026-11-23T00:00:00Z');
    await world.earn(id, 3_000, { availableFromMs: dayMs - WEEK_MS });
    await world.earn(id, 4_000, { availableFromMs: dayMs - WEEK_MS + 1 });
    await world.run();
    expect(only(world).amountMinor).toBe(3_000);
  });

  it('by hand pays what is available now', async () => {
    const world = new PayoutWorld();
    const id = await world.provider();
    await world.earn(id, 4_000, { availableFromMs: MONDAY_MS - WEEK_MS });
    expect(await world.run()).toMatchObject({ nothing: 1 });
    expect(await world.run(true)).toMatchObject({ made: 1, completed: 1 });
  });

  it('carries a debt and too small an amount to the next payout', async () => {
    const { world, id } = await owing(60);
    const debtor = await world.provider();
    await world.earn(debtor, -1_000);
    expect(await world.run()).toMatchObject({ below_minimum: 1, negative: 1, made: 0 });
    world.clock.advance(WEEK_MS);
    await world.earn(id, 2_940);
    await world.earn(debtor, 6_000);
    await world.run();
    expect(world.gateway.movedMinor(`acct_${id}`, 'usd')).toBe(3_000);
    expect(world.gateway.movedMinor(`acct_${debtor}`, 'usd')).toBe(5_000);
  });

  it('keeps the reserve back', async () => {
    const { world, id } = await owing();
    await world.store.saveSettings(id, { ...PAYOUT_SETTINGS_DEFAULT, reserveBps: 2_500 });
    await world.run();
    expect(only(world)).toMatchObject({ amountMinor: 7_500, reservedMinor: 2_500 });
    expect(world.ledger.owed(id, 'usd')).toBe(2_500);
  });

  it('pays each currency by itself', async () => {
    const { world, id } = await owing();
    await world.earn(id, 9_000, { currency: 'eur' });
    expect(await world.run()).toMatchObject({ made: 2, completed: 2 });
    expect(world.gateway.movedMinor(`acct_${id}`, 'eur')).toBe(9_000);
  });

  it('pays everybody, however many there are, though one of them fails', async () => {
    const world = new PayoutWorld();
    const ids: string[] = [];
    for (let count = 0; count < 230; count += 1) {
      const id = await world.provider();
      await world.earn(id, 5_000);
      await world.earn(id, 5_000, { currency: 'eur' });
      ids.push(id);
    }
    const unlucky = `acct_${ids[3]}`;
    const transfer = world.gateway.transfer.bind(world.gateway);
    world.gateway.transfer = (request) => {
      if (request.ref === unlucky) throw new Error('a fault of ours');
      return transfer(request);
    };
    expect(await world.run()).toMatchObject({ made: 460, completed: 458, errors: 2 });
    world.gateway.transfer = transfer;
    world.clock.advance(MINUTE_MS);
    expect(await world.run()).toMatchObject({ completed: 2, errors: 0 });
    expect(world.gateway.transfers).toHaveLength(460);
  });

  it('waits for an account that is not ready, and pays once it is', async () => {
    const world = new PayoutWorld();
    const id = await world.provider('pending');
    await world.earn(id, 5_000);
    expect(await world.run()).toMatchObject({ not_ready: 1, made: 0 });
    world.gateway.accounts.set(`acct_${id}`, { isReady: true, country: 'US' });
    expect(await world.run()).toMatchObject({ made: 1, completed: 1 });
  });

  it('calls a payout off when a refund has taken what it was for', async () => {
    const { world, id } = await owing();
    fates(world, 'transfer', 'unavailable');
    expect(await world.run()).toMatchObject({ made: 1, retried: 1 });
    await world.earn(id, -4_000);
    world.clock.advance(HOUR_MS);
    expect(await world.run()).toMatchObject({ cancelled: 1, made: 1, completed: 1 });
    expect(world.states(id)).toEqual(['cancelled', 'completed']);
    expect(world.gateway.movedMinor(`acct_${id}`, 'usd')).toBe(6_000);
  });
});

describe('a transfer that goes wrong', () => {
  it.each([
    ['was lost before it had an effect', ['lost_before']],
    ['was lost after its effect', ['lost_after']],
    ['was lost twice', ['lost_before', 'lost_before']],
    ['was answered with a fault', ['fault']],
    ['was refused', ['refused']],
    ['came at a busy moment', ['unavailable']],
    ['was lost, then refused, then met a fault', ['lost_before', 'refused', 'fault']],
  ] as const)('that %s moves its money once', async (_what, faults) => {
    const { world, id } = await owing();
    fates(world, 'transfer', ...faults);
    for (let count = 0; count < 8; count += 1) {
      await world.run();
      world.clock.advance(13 * HOUR_MS);
    }
    expect(world.gateway.transfers.map(({ amountMinor }) => amountMinor)).toEqual([10_000]);
    expect(world.ledger.owed(id, 'usd')).toBe(0);
    expect(world.states(id)).toEqual(['completed']);
  });

  it('keeps its key while nobody knows what became of it', async () => {
    const { world } = await owing();
    fates(world, 'transfer', 'lost_before', 'unavailable', 'misconfigured', 'late');
    for (let count = 0; count < 5; count += 1) {
      await world.run();
      world.clock.advance(HOUR_MS);
    }
    const sent = world.gateway.calls.filter((call) => call.startsWith('transfer'));
    expect(sent).toHaveLength(5);
    expect(new Set(sent).size).toBe(1);
    world.gateway.arrive();
    expect(world.gateway.transfers).toHaveLength(1);
  });

  it('looks before it repeats anything, and repeats nothing while the processor is silent', async () => {
    const { world } = await owing();
    world.gateway.nextFault = (call) => (call === 'transfer' ? 'lost_after' : 'lost_before');
    for (let count = 0; count < 4; count += 1) {
      await world.run();
      world.clock.advance(HOUR_MS);
    }
    expect(world.gateway.calls.filter((call) => call.startsWith('transfer'))).toHaveLength(1);
    expect(only(world).state).toBe('processing');
    world.gateway.nextFault = () => 'none';
    expect(await world.run()).toMatchObject({ completed: 1 });
  });

  it('fails after so many definite noes; the next period pays, and by hand this one does', async () => {
    const { world, id } = await owing();
    world.gateway.nextFault = (call) => (call === 'transfer' ? 'refused' : 'none');
    for (let count = 0; count < TRIES_MAX + 2; count += 1) {
      await world.run();
      world.clock.advance(13 * HOUR_MS);
    }
    expect(world.states(id)).toEqual(['failed']);
    expect(only(world)).toMatchObject({ reason: 'balance_insufficient', tries: TRIES_MAX });
    expect(world.ledger.owed(id, 'usd')).toBe(10_000);
    world.gateway.nextFault = () => 'none';
    expect(await world.run()).toMatchObject({ made: 0, waiting: 1 });
    expect(await world.run(true)).toMatchObject({ made: 1, completed: 1 });
    expect(world.ledger.owed(id, 'usd')).toBe(0);
  });

  it('believes the processor about a payout that it had given up', async () => {
    const { world, id } = await owing();
    const faults: PayoutFault[] = ['late', 'refused', 'refused', 'refused', 'refused', 'refused'];
    fates(world, 'transfer', ...faults);
    for (let count = 0; count < 7; count += 1) {
      await world.run();
      world.clock.advance(13 * HOUR_MS);
    }
    expect(world.states(id)).toEqual(['failed']);
    world.gateway.transfers.push({
      ref: 'tr_ghost',
      accountRef: `acct_${id}`,
      payoutId: only(world).id,
      currency: 'usd',
      amountMinor: 10_000,
      reversedMinor: 0,
    });
    world.clock.advance(WEEK_MS);
    await world.run();
    expect(world.states(id)).toEqual(['completed']);
    expect(world.gateway.transfers).toHaveLength(1);
  });

  it('is not told as completed before the ledger has it', async () => {
    const { world, id } = await owing();
    world.ledger.postFails = true;
    expect(await world.run()).toMatchObject({ errors: 1, completed: 0 });
    expect(only(world).state).toBe('processing');
    world.ledger.postFails = false;
    world.clock.advance(MINUTE_MS);
    expect(await world.run()).toMatchObject({ completed: 1 });
    expect(world.ledger.owed(id, 'usd')).toBe(0);
    expect(world.gateway.transfers).toHaveLength(1);
  });

  it('is left alone while somebody is at work on it', async () => {
    const { world } = await owing();
    world.ledger.postFails = true;
    await world.run();
    expect(await world.run(true)).toMatchObject({ errors: 0, completed: 0, waiting: 1 });
  });
});

describe('a provider whom operators pay', () => {
  it('is one who was set so: whoever has no account yet waits for one', async () => {
    const world = new PayoutWorld();
    const id = await world.provider('none');
    await world.earn(id, 5_000);
    expect(await world.run(true)).toMatchObject({ made: 0, not_ready: 1 });
  });

  it('is paid by bank, which the ledger then has', async () => {
    const { world, id } = await paidByHand();
    expect(await world.run()).toMatchObject({ made: 1, completed: 0 });
    const payoutId = only(world).id;
    expect(only(world)).toMatchObject({ method: 'manual', state: 'scheduled' });
    const command = { payoutId, actor: 'operator:1', reference: 'SEPA 1' };
    expect((await completeByHand(world.deps, command)).ok).toBe(true);
    expect((await completeByHand(world.deps, command)).ok).toBe(true);
    expect(world.ledger.owed(id, 'usd')).toBe(0);
    expect(only(world)).toMatchObject({ state: 'completed', transferRef: 'SEPA 1' });
    expect(world.gateway.calls).toEqual([]);
  });

  it('is owed again what an operator calls off, and a payout that is sent is not called off', async () => {
    const { world, id } = await paidByHand();
    await world.run();
    const command = { payoutId: only(world).id, actor: 'operator:1', reason: 'wrong bank' };
    expect((await cancelPayout(world.deps, command)).ok).toBe(true);
    expect(world.ledger.owed(id, 'usd')).toBe(5_000);
    await world.run();
    const [, second] = [...world.store.payouts.values()];
    const again = { payoutId: second?.id ?? '', actor: 'operator:1' };
    await completeByHand(world.deps, { ...again, reference: 'SEPA 2' });
    const refused = await cancelPayout(world.deps, { ...again, reason: 'too late' });
    expect(refused).toMatchObject({ ok: false, refusal: { code: 'invalid_transition' } });
  });
});

describe('the id of a payout', () => {
  const call = { actor: 'operator:1', reason: 'wrong bank' };

  it('names nothing unless it is genuine', async () => {
    const { world } = await paidByHand();
    await world.run();
    const { id } = only(world);
    expect(id).toMatch(/^pot_g/);
    const forged = id.slice(0, -1) + (id.endsWith('0') ? '1' : '0');
    const reply = await cancelPayout(world.deps, { ...call, payoutId: forged });
    expect(reply).toMatchObject({ ok: false, refusal: { code: 'not_found' } });
    expect(only(world).state).toBe('scheduled');
  });

  it('from before ids had a check still names its payout', async () => {
    const { world, id: providerId } = await paidByHand();
    const id = `pot_g${'0a'.repeat(15)}`;
    const old = makePayout({ id, providerId, method: 'manual', accountRef: null });
    await world.store.insert(old, { from: null, actor: 'system:payouts', atMs: 0 });
    expect((await cancelPayout(world.deps, { ...call, payoutId: id })).ok).toBe(true);
    expect(only(world).state).toBe('cancelled');
  });
});

describe('a reversal', () => {
  const actor = 'operator:1';

  it('brings money back once, though its answer is lost and its command repeated', async () => {
    const { world, id } = await owing();
    await world.run();
    fates(world, 'reverseTransfer', 'lost_after');
    const command = { payoutId: only(world).id, actor, amountMinor: 4_000, key: 'a' };
    await reverseByHand(world.deps, command);
    expect(world.ledger.owed(id, 'usd')).toBe(0);
    await reverseByHand(world.deps, command);
    world.clock.advance(HOUR_MS);
    expect(await world.run()).toMatchObject({ reversed: 1 });
    await reverseByHand(world.deps, command);
    expect(world.gateway.movedMinor(`acct_${id}`, 'usd')).toBe(6_000);
    expect(world.ledger.owed(id, 'usd')).toBe(4_000);
  });

  it('is repeated where it had no effect, under a new key only after a fault', async () => {
    const { world, id } = await owing();
    await world.run();
    fates(world, 'reverseTransfer', 'lost_before', 'fault');
    const payoutId = only(world).id;
    await reverseByHand(world.deps, { payoutId, actor, amountMinor: null, key: 'a' });
    for (let count = 0; count < 3; count += 1) {
      world.clock.advance(HOUR_MS);
      await world.run();
    }
    expect(world.gateway.movedMinor(`acct_${id}`, 'usd')).toBe(0);
    expect(only(world)).toMatchObject({ reversedMinor: 10_000, reversalTargetMinor: null });
    const keys = world.gateway.calls.filter((call) => call.startsWith('reverseTransfer'));
    expect(keys.map((key) => key.slice(-1))).toEqual(['1', '1', '2']);
  });

  it('takes no more than was sent', async () => {
    const { world } = await owing();
    await world.run();
    const command = { payoutId: only(world).id, actor, amountMinor: 10_001, key: 'a' };
    const refused = await reverseByHand(world.deps, command);
    expect(refused).toMatchObject({ ok: false, refusal: { code: 'validation_failed' } });
  });
});

describe('an account', () => {
  const wanted = { country: undefined, returnUrl: 'https://a.test', refreshUrl: 'https://a.test' };

  it('is opened once, however often its answer is lost', async () => {
    const world = new PayoutWorld();
    const providerId = await world.provider('none');
    const caller = { id: world.ownerId, roles: [] };
    fates(world, 'openAccount', 'lost_after', 'lost_before');
    const ask = (country?: string) =>
      openPayoutAccount(world.deps, caller, { ...wanted, providerId, country });
    expect(await ask('GB')).toMatchObject({
      ok: false,
      refusal: { code: 'processor_unavailable' },
    });
    expect(await ask('DE')).toMatchObject({
      ok: false,
      refusal: { code: 'processor_unavailable' },
    });
    expect(await ask('FR')).toMatchObject({ ok: true, value: { status: 'pending' } });
    expect([...world.gateway.accounts.values()]).toEqual([{ isReady: false, country: 'GB' }]);
  });

  it('may be asked for again after a refusal, for another country', async () => {
    const world = new PayoutWorld();
    const providerId = await world.provider('none');
    const caller = { id: world.ownerId, roles: [] };
    fates(world, 'openAccount', 'refused');
    const ask = (country?: string) =>
      openPayoutAccount(world.deps, caller, { ...wanted, providerId, country });
    expect(await ask('KP')).toMatchObject({ ok: false, refusal: { code: 'validation_failed' } });
    expect(await ask()).toMatchObject({ ok: true });
    expect([...world.gateway.accounts.values()]).toEqual([{ isReady: false, country: 'US' }]);
  });

  it('needs a country where the currency has several', async () => {
    const world = new PayoutWorld();
    const providerId = await world.provider('none', 'eur');
    const caller = { id: world.ownerId, roles: [] };
    const asked = await openPayoutAccount(world.deps, caller, { ...wanted, providerId });
    expect(asked).toMatchObject({ ok: false, refusal: { code: 'validation_failed' } });
  });

  it('of somebody else does not exist', async () => {
    const world = new PayoutWorld();
    const providerId = await world.provider();
    const stranger = { id: world.ids.mintInRegion('usr', 'global'), roles: ['provider'] as const };
    const asked = await openPayoutAccount(world.deps, stranger, { ...wanted, providerId });
    expect(asked).toMatchObject({ ok: false, refusal: { code: 'not_found' } });
  });
});
