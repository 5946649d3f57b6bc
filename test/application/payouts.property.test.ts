/**
 * Whatever providers earn, give back and are charged, and whatever the processor does with each call: what it moved and
 * what is still owed is what was earned, and nothing is moved twice. Judged by the processor's own books.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chance } from '../support/fake-clock.ts';
import { CURRENCIES, Economy } from './payout-economy.ts';

const step = fc.oneof(
  fc.record({
    kind: fc.constant('earn'),
    who: fc.nat(),
    amount: fc.integer({ min: 1, max: 20_000 }),
  }),
  fc.record({
    kind: fc.constant('charge'),
    who: fc.nat(),
    amount: fc.integer({ min: 1, max: 9_000 }),
  }),
  fc.record({
    kind: fc.constant('run'),
    who: fc.constantFrom(0, 1),
    amount: fc.nat({ max: 24 }),
  }),
  fc.record({
    kind: fc.constant('reverse'),
    who: fc.nat(),
    amount: fc.integer({ min: 1, max: 5_000 }),
  }),
  fc.record({ kind: fc.constant('crash'), who: fc.nat(), amount: fc.constantFrom(0, 1) }),
);

describe('over random earnings, charges, faults, time-outs and crashes', () => {
  it('what was moved and what is owed is what was earned, and no payout moved money twice', async () => {
    const input = [
      fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
      fc.integer(),
      fc.constantFrom(0, 0.2, 0.5, 0.8),
    ] as const;
    await fc.assert(
      fc.asyncProperty(...input, async (steps, seed, faultRate) => {
        const economy = new Economy();
        await economy.open(new Chance(seed), faultRate);
        for (const taken of steps) await economy.take(taken);
        await economy.heal();
        economy.expectWhole();
        const { world } = economy;
        const ids = world.gateway.transfers.map(({ payoutId }) => payoutId);
        expect(new Set(ids).size).toBe(ids.length);
        const states = [...world.store.payouts.values()].map(({ state }) => state);
        expect(states.filter((state) => state === 'processing')).toEqual([]);
        // What every provider is owed at the end is what no payout may take: too little, or a debt.
        const left = economy.providers.flatMap((id) =>
          CURRENCIES.map((currency) => world.ledger.owed(id, currency)),
        );
        expect(left.filter((minor) => minor >= 100)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Six bookings of two providers, so that most of what happens meets something that happened. */
const trade = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constantFrom('sell', 'refund', 'dispute', 'lose'),
      who: fc.nat({ max: 5 }),
      amount: fc.integer({ min: 3_000, max: 20_000 }),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('run'),
      who: fc.constantFrom(0, 1),
      amount: fc.constantFrom(0, 1, 5, 24, 168),
    }),
    weight: 4,
  },
  {
    arbitrary: fc.record({
      kind: fc.constantFrom('crash', 'reverse'),
      who: fc.nat({ max: 5 }),
      amount: fc.constantFrom(0, 1),
    }),
    weight: 1,
  },
);

describe('over random sales, refunds, disputes, payouts, faults and crashes', () => {
  it('what went back to customers is taken from their providers once, and everything adds up', async () => {
    const input = [
      fc.array(trade, { minLength: 20, maxLength: 80, size: 'max' }),
      fc.integer(),
      fc.constantFrom(0, 0.1, 0.4),
    ] as const;
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(...input, async (steps, seed, faultRate) => {
        const economy = new Economy();
        const chance = new Chance(seed);
        await economy.open(chance, faultRate);
        const { gateway } = economy.world;
        const usual = gateway.nextFault;
        // Accounts that were emptied are what recoveries have to live with.
        gateway.nextFault = (call) =>
          call === 'reverseTransfer' && chance.happens(0.3) ? 'refused' : usual(call);
        for (const taken of steps) {
          await economy.take(taken);
          economy.expectNothingTwice();
        }
        await economy.heal();
        economy.expectWhole();
        economy.expectNothingTwice();
        economy.expectRecovered();
        for (const { state, reason } of economy.world.store.recoveries.values()) {
          ends.add(reason ?? state);
        }
      }),
      { numRuns: 200 },
    );
    // A property that never met a reversal would prove nothing.
    expect([...ends]).toEqual(
      expect.arrayContaining(['reversed', 'not_transferred', 'balance_insufficient']),
    );
  });
});
