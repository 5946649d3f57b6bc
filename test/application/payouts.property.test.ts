/**
 * Whatever providers earn, give back and are charged, and whatever the processor does with each call: what it moved and
 * what is still owed is what was earned, and nothing is moved twice. Judged by the processor's own books.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reverseByHand } from '../../src/application/payouts/command-payout.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { Chance } from '../support/fake-clock.ts';
import type { PayoutFault } from '../support/fake-payout-gateway.ts';
import { PayoutWorld } from './payout-world.ts';

const CURRENCIES = ['usd', 'jpy'] as const;
const PROVIDERS = 3;

const FAULTS: readonly PayoutFault[] = [
  'lost_before',
  'lost_after',
  'late',
  'late',
  'fault',
  'unavailable',
  'misconfigured',
  'refused',
];

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

class Economy {
  readonly world = new PayoutWorld();
  readonly earned = new Map<string, number>();
  readonly providers: string[] = [];
  #commands = 0;

  async open(chance: Chance, faultRate: number): Promise<void> {
    for (let count = 0; count < PROVIDERS; count += 1) {
      this.providers.push(await this.world.provider());
    }
    this.world.gateway.nextFault = () => (chance.happens(faultRate) ? chance.pick(FAULTS) : 'none');
  }

  async take({ kind, who, amount }: { kind: string; who: number; amount: number }): Promise<void> {
    const { world } = this;
    const providerId = this.providers[who % PROVIDERS] ?? '';
    const currency = CURRENCIES[who % CURRENCIES.length] ?? 'usd';
    switch (kind) {
      case 'earn':
        return this.#book(providerId, currency, amount);
      case 'charge':
        return this.#book(providerId, currency, -amount);
      case 'crash':
        world.ledger.postFails = amount === 1;
        return;
      case 'reverse': {
        const payouts = [...world.store.payouts.values()];
        const payoutId = payouts[who % Math.max(payouts.length, 1)]?.id ?? 'pot_g';
        const command = { payoutId, actor: 'operator:1', amountMinor: amount };
        await reverseByHand(world.deps, { ...command, key: String((this.#commands += 1)) }).catch(
          () => undefined, // The ledger is down; what was begun goes on with the next run.
        );
        return;
      }
      default:
        await world.run(who === 1);
        world.clock.advance(amount * HOUR_MS);
        if (amount % 5 === 0) world.gateway.arrive();
    }
  }

  /** Nothing goes wrong any more, and time passes. */
  async heal(): Promise<void> {
    const { world } = this;
    world.ledger.postFails = false;
    world.gateway.nextFault = () => 'none';
    world.gateway.arrive();
    for (let day = 0; day < 40; day += 1) {
      await world.run();
      world.clock.advance(DAY_MS / 2);
    }
  }

  expectWhole(): void {
    const { world } = this;
    for (const providerId of this.providers) {
      for (const currency of CURRENCIES) {
        const movedMinor = world.gateway.movedMinor(`acct_${providerId}`, currency);
        const owedMinor = world.ledger.owed(providerId, currency);
        expect(movedMinor + owedMinor).toBe(this.earned.get(`${providerId} ${currency}`) ?? 0);
      }
    }
  }

  async #book(providerId: string, currency: string, amountMinor: number): Promise<void> {
    if (this.world.ledger.postFails) return;
    const key = `${providerId} ${currency}`;
    this.earned.set(key, (this.earned.get(key) ?? 0) + amountMinor);
    await this.world.earn(providerId, amountMinor, { currency });
  }
}

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
        expect(left.filter((minor) => minor >= 2_500)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
