/** Customers are refunded first; what their providers were sent of it comes back once, by a reversal or from the next payout. */
import { describe, expect, it } from 'vitest';
import { completeByHand, reverseByHand } from '../../src/application/payouts/command-payout.ts';
import { PAYOUT_SETTINGS_DEFAULT, type Payout } from '../../src/domain/payout/payout.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import type { PayoutFault } from '../support/fake-payout-gateway.ts';
import { PayoutWorld } from './payout-world.ts';

const WEEK_MS = 7 * DAY_MS;
const BOOKING = 'bkg_1';

interface Paid {
  readonly world: PayoutWorld;
  readonly providerId: string;
}

/** A booking of 100.00 whose 90.00 were transferred, and others like it. */
async function paid(others: readonly string[] = []): Promise<Paid> {
  const world = new PayoutWorld();
  const providerId = await world.provider();
  for (const bookingId of [BOOKING, ...others]) {
    await world.tell({ kind: 'captured', bookingId, providerId, amountMinor: 10_000 });
  }
  expect(await world.run()).toMatchObject({ completed: 1 });
  return { world, providerId };
}

/** What went back to the customer of the booking, less commission. */
function refund({ world, providerId }: Paid, amountMinor: number): Promise<void> {
  return world.tell({ kind: 'refunded', bookingId: BOOKING, providerId, amountMinor });
}

function faults(world: PayoutWorld, ...fates: PayoutFault[]): void {
  world.gateway.nextFault = (call) =>
    call === 'reverseTransfer' ? (fates.shift() ?? 'none') : 'none';
}

function kept({ world, providerId }: Paid): { moved: number; owed: number } {
  const moved = world.gateway.movedMinor(`acct_${providerId}`, 'usd');
  return { moved, owed: world.ledger.owed(providerId, 'usd') };
}

function reversals(world: PayoutWorld): string[] {
  return world.gateway.calls.filter((call) => call.startsWith('reverseTransfer'));
}

function recoveries(world: PayoutWorld): unknown[] {
  return [...world.store.recoveries.values()].map(({ state, reversedMinor, reason }) => [
    state,
    reversedMinor,
    reason,
  ]);
}

function first(world: PayoutWorld): Payout {
  const [payout] = world.store.payouts.values();
  if (payout === undefined) throw new Error('there is no payout');
  return payout;
}

describe('a refund after the transfer', () => {
  it('takes its share of the transfer back, once, however often the run comes', async () => {
    const club = await paid();
    await refund(club, 4_000);
    expect(await club.world.run()).toMatchObject({ reversed: 1, errors: 0 });
    for (let count = 0; count < 3; count += 1) {
      club.world.clock.advance(WEEK_MS);
      await club.world.run();
    }
    expect(kept(club)).toEqual({ moved: 5_400, owed: 0 });
    expect(reversals(club.world)).toHaveLength(1);
    expect(recoveries(club.world)).toEqual([['reversed', 3_600, null]]);
    expect(first(club.world)).toMatchObject({ reversedMinor: 3_600, state: 'completed' });
  });

  it('in parts takes back each part, and all of them no more than was sent', async () => {
    const club = await paid();
    for (const part of [1_000, 2_000]) await refund(club, part);
    expect(await club.world.run()).toMatchObject({ reversed: 2 });
    club.world.clock.advance(WEEK_MS);
    await club.world.run();
    await refund(club, 7_000);
    expect(await club.world.run()).toMatchObject({ reversed: 1 });
    expect(kept(club)).toEqual({ moved: 0, owed: 0 });
    expect(reversals(club.world)).toHaveLength(3);
  });

  it('leaves what other customers paid to be sent as if nothing had been', async () => {
    const club = await paid();
    const { world, providerId } = club;
    await world.tell({ kind: 'captured', bookingId: 'bkg_2', providerId, amountMinor: 5_000 });
    await refund(club, 10_000);
    world.clock.advance(WEEK_MS);
    expect(await world.run()).toMatchObject({ reversed: 1, made: 1, completed: 1 });
    expect(world.gateway.transfers).toMatchObject([
      { amountMinor: 9_000, reversedMinor: 9_000 },
      { amountMinor: 4_500, reversedMinor: 0 },
    ]);
    expect(kept(club)).toEqual({ moved: 4_500, owed: 0 });
  });

  it('is netted from the next payout where the account has too little, and never reversed as well', async () => {
    const club = await paid();
    const { world, providerId } = club;
    await refund(club, 10_000);
    faults(world, 'refused');
    expect(await world.run()).toMatchObject({ carried: 1, reversed: 0, errors: 0 });
    expect(recoveries(world)).toEqual([['carried', 0, 'balance_insufficient']]);
    expect(kept(club)).toEqual({ moved: 9_000, owed: -9_000 });
    await world.tell({ kind: 'captured', bookingId: 'bkg_2', providerId, amountMinor: 20_000 });
    world.clock.advance(WEEK_MS);
    expect(await world.run()).toMatchObject({ completed: 1 });
    world.clock.advance(WEEK_MS);
    await world.run();
    expect(world.gateway.transfers.map(({ amountMinor }) => amountMinor)).toEqual([9_000, 9_000]);
    expect(kept(club)).toEqual({ moved: 18_000, owed: 0 });
    expect(reversals(world)).toHaveLength(1);
  });

  it.each([
    ['after its effect', 'lost_after'],
    ['before its effect', 'lost_before'],
    ['to a fault', 'fault'],
  ] as const)(
    'comes back once though the answer was lost %s; nothing is netted meanwhile',
    async (_, fault) => {
      const club = await paid();
      const { world, providerId } = club;
      await refund(club, 10_000);
      await world.tell({ kind: 'captured', bookingId: 'bkg_2', providerId, amountMinor: 20_000 });
      world.clock.advance(WEEK_MS);
      faults(world, fault);
      expect(await world.run()).toMatchObject({ unsettled: 1, made: 0, waiting: 1 });
      world.clock.advance(HOUR_MS);
      expect(await world.run()).toMatchObject({ reversed: 1, made: 1, completed: 1 });
      expect(world.gateway.transfers).toMatchObject([
        { amountMinor: 9_000, reversedMinor: 9_000 },
        { amountMinor: 18_000, reversedMinor: 0 },
      ]);
      expect(recoveries(world)).toEqual([['reversed', 9_000, null]]);
      expect(kept(club).owed).toBe(0);
    },
  );

  it('is told to the ledger once, though the process dies between the two writes', async () => {
    const club = await paid();
    const { world } = club;
    await refund(club, 10_000);
    world.ledger.postFails = true;
    expect(await world.run()).toMatchObject({ errors: 1 });
    world.ledger.postFails = false;
    world.clock.advance(MINUTE_MS);
    expect(await world.run()).toMatchObject({ reversed: 1 });
    expect(kept(club)).toEqual({ moved: 0, owed: 0 });
    expect(reversals(world)).toHaveLength(1);
  });

  it('that failed after all is paid out again', async () => {
    const club = await paid();
    const { world, providerId } = club;
    await refund(club, 10_000);
    await world.run();
    await world.tell({
      kind: 'refund_failed',
      bookingId: BOOKING,
      providerId,
      amountMinor: 10_000,
    });
    world.clock.advance(WEEK_MS);
    await world.run();
    expect(kept(club)).toEqual({ moved: 9_000, owed: 0 });
  });

  it('that failed after it was taken back counts against the next one', async () => {
    const club = await paid(['bkg_2']);
    const { world, providerId } = club;
    await refund(club, 4_000);
    await world.run();
    await world.tell({ kind: 'refund_failed', bookingId: BOOKING, providerId, amountMinor: 4_000 });
    await refund(club, 10_000);
    expect(await world.run()).toMatchObject({ reversed: 1 });
    expect(recoveries(world)).toEqual([
      ['reversed', 3_600, null],
      ['reversed', 5_400, null],
    ]);
    expect(kept(club)).toEqual({ moved: 9_000, owed: 0 });
  });

  it('that failed before anybody looked takes nothing back', async () => {
    const club = await paid();
    const { world, providerId } = club;
    await refund(club, 10_000);
    await world.tell({
      kind: 'refund_failed',
      bookingId: BOOKING,
      providerId,
      amountMinor: 10_000,
    });
    expect(await world.run()).toMatchObject({ carried: 1, reversed: 0 });
    expect(kept(club)).toEqual({ moved: 9_000, owed: 0 });
  });

  it('is left to the next payouts where it was set so', async () => {
    const club = await paid();
    const { world, providerId } = club;
    await world.store.saveSettings(providerId, { ...PAYOUT_SETTINGS_DEFAULT, recovery: 'carry' });
    await refund(club, 10_000);
    expect(await world.run()).toMatchObject({ carried: 1, reversed: 0 });
    expect(recoveries(world)).toEqual([['carried', 0, 'as_set']]);
    await world.store.saveSettings(providerId, PAYOUT_SETTINGS_DEFAULT);
    expect(await world.run()).toMatchObject({ carried: 0, reversed: 0 });
  });

  it('does not take a second time what an operator’s reversal in doubt may have taken', async () => {
    const club = await paid();
    const { world } = club;
    faults(world, 'lost_after');
    const command = {
      payoutId: first(world).id,
      actor: 'operator:1',
      amountMinor: 9_000,
      key: 'a',
    };
    await reverseByHand(world.deps, command);
    await refund(club, 10_000);
    expect(await world.run()).toMatchObject({ reversed: 0, made: 0 });
    world.clock.advance(HOUR_MS);
    expect(await world.run()).toMatchObject({ reversed: 1, carried: 1 });
    await reverseByHand(world.deps, command);
    expect(kept(club)).toEqual({ moved: 0, owed: 0 });
    expect(recoveries(world)).toEqual([['carried', 0, 'nothing_left']]);
  });
});

describe('a dispute after the transfer', () => {
  it('is withheld from the next payout while it is open, and taken back once it is lost', async () => {
    const club = await paid();
    const { world, providerId } = club;
    const dispute = { bookingId: BOOKING, providerId, amountMinor: 10_000 };
    await world.tell({ kind: 'disputed', ...dispute });
    expect(await world.run()).toMatchObject({ reversed: 0, carried: 0 });
    expect(kept(club)).toEqual({ moved: 9_000, owed: -9_000 });
    await world.tell({ kind: 'dispute_lost', ...dispute });
    expect(await world.run()).toMatchObject({ reversed: 1 });
    expect(kept(club)).toEqual({ moved: 0, owed: 0 });
  });

  it('that a payout has withheld is not taken back when it is lost', async () => {
    const club = await paid();
    const { world, providerId } = club;
    const dispute = { bookingId: BOOKING, providerId, amountMinor: 10_000 };
    await world.tell({ kind: 'disputed', ...dispute });
    await world.tell({ kind: 'captured', bookingId: 'bkg_2', providerId, amountMinor: 20_000 });
    world.clock.advance(WEEK_MS);
    expect(await world.run()).toMatchObject({ completed: 1 });
    await world.tell({ kind: 'dispute_lost', ...dispute });
    expect(await world.run()).toMatchObject({ carried: 1, reversed: 0 });
    expect(kept(club)).toEqual({ moved: 18_000, owed: 0 });
  });
});

describe('a refund before the transfer', () => {
  it('calls off the payout that waits for its next try, without waiting for that', async () => {
    const world = new PayoutWorld();
    const providerId = await world.provider();
    const club = { world, providerId };
    await world.tell({ kind: 'captured', bookingId: BOOKING, providerId, amountMinor: 10_000 });
    world.gateway.nextFault = (call) => (call === 'transfer' ? 'refused' : 'none');
    expect(await world.run()).toMatchObject({ made: 1, retried: 1 });
    await refund(club, 4_000);
    world.gateway.nextFault = () => 'none';
    world.clock.advance(MINUTE_MS);
    expect(await world.run()).toMatchObject({ cancelled: 1, carried: 1, made: 1, completed: 1 });
    expect([...world.store.payouts.values()]).toMatchObject([
      { state: 'cancelled', reason: 'balance_fell', amountMinor: 9_000 },
      { state: 'completed', reason: null, amountMinor: 5_400 },
    ]);
    expect(kept(club)).toEqual({ moved: 5_400, owed: 0 });
    expect(reversals(world)).toEqual([]);
  });

  it('waits for a transfer in doubt, and is taken back once that shows', async () => {
    const world = new PayoutWorld();
    const providerId = await world.provider();
    const club = { world, providerId };
    await world.tell({ kind: 'captured', bookingId: BOOKING, providerId, amountMinor: 10_000 });
    world.gateway.nextFault = (call) => (call === 'transfer' ? 'lost_after' : 'none');
    expect(await world.run()).toMatchObject({ unsettled: 1 });
    await refund(club, 10_000);
    expect(await world.run()).toMatchObject({ waiting: 1, reversed: 0 });
    world.clock.advance(HOUR_MS);
    expect(await world.run()).toMatchObject({ completed: 1, reversed: 1 });
    expect(kept(club)).toEqual({ moved: 0, owed: 0 });
  });
});

describe('a refund after a payout by bank', () => {
  it('is netted from the next one', async () => {
    const world = new PayoutWorld();
    const providerId = await world.provider('none');
    const club = { world, providerId };
    await world.store.saveSettings(providerId, { ...PAYOUT_SETTINGS_DEFAULT, method: 'manual' });
    await world.tell({ kind: 'captured', bookingId: BOOKING, providerId, amountMinor: 10_000 });
    await world.run();
    await refund(club, 4_000);
    expect(await world.run()).toMatchObject({ waiting: 2, carried: 0 });
    const command = { payoutId: first(world).id, actor: 'operator:1', reference: 'SEPA 1' };
    await completeByHand(world.deps, command);
    await world.run();
    expect(recoveries(world)).toEqual([['carried', 0, 'paid_by_bank']]);
    await world.tell({ kind: 'captured', bookingId: 'bkg_2', providerId, amountMinor: 20_000 });
    world.clock.advance(WEEK_MS);
    await world.run();
    const amounts = [...world.store.payouts.values()].map(({ amountMinor }) => amountMinor);
    expect(amounts).toEqual([9_000, 14_400]);
  });
});
