/** However units of fares are taken and given back, each fare sells its quota at most, and the slot no more than it has. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { required } from '../../src/domain/assert.ts';
import type { Claim } from '../../src/domain/inventory/claim.ts';
import { makeSlot, stock, SEATS, SWIM } from './inventory-model.ts';

const FARES = [
  { id: 'adult', name: 'Adult', price: { amount: 2_000, currency: 'usd' }, quota: 2 },
  { id: 'child', name: 'Child', price: { amount: 1_000, currency: 'usd' }, quota: 1 },
];

const step = fc.record({
  fareId: fc.constantFrom('adult', 'child', 'senior', null),
  quantity: fc.integer({ min: 1, max: 3 }),
  giveBack: fc.option(fc.nat()),
});

test.each([
  ['a pool', SWIM, FARES],
  ['a pool that another slot takes from', SWIM, [{ ...FARES[0], quota: 3 }, FARES[1]]],
  ['named units', SEATS, FARES],
])('of %s', (_, service, given) => {
  const fares = given.map((fare) => ({ ...required(FARES[0], 'a fare'), ...fare }));
  const slot = makeSlot(service, 600, { fares });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const inventory = stock([slot]);
      const live: { fareId: string; quantity: number; claims: readonly Claim[] }[] = [];
      for (const { fareId, quantity, giveBack } of steps) {
        const sold = (id: string) =>
          live.filter((one) => one.fareId === id).reduce((sum, one) => sum + one.quantity, 0);
        const seen = inventory.availability(slot, 0);
        const fare = fares.find(({ id }) => id === fareId);
        const taken = live.reduce((sum, one) => sum + one.quantity, 0);
        const isFree = fare !== undefined && sold(fare.id) + quantity <= fare.quota;
        expect(seen.fares).toEqual(
          fares.map((one) => ({
            ...one,
            remaining: Math.min(one.quota - sold(one.id), 3 - taken),
          })),
        );
        const wish = { slots: [{ slot, service }], quantity, units: null, fareId };
        const outcome = inventory.claim(wish);
        expect(outcome.ok).toBe(isFree && taken + quantity <= 3);
        if (outcome.ok && fareId !== null) live.push({ fareId, quantity, claims: outcome.claims });
        const [gone] = giveBack === null ? [] : live.splice(giveBack % (live.length + 1), 1);
        for (const claim of gone?.claims ?? []) inventory.release(claim, true);
      }
    }),
  );
});
