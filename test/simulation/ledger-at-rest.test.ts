/**
 * The ledger after histories full of faults: once they end and everything was looked at, it has every cent that the
 * processors moved, and the reconciliation finds nothing that differs.
 */
import { describe, expect, it } from 'vitest';
import { isFullRun, seedsOf } from './history.ts';
import { World } from './world.ts';

const STEPS = 120;

describe('the ledger', () => {
  it('explains all money once the faults end, whatever happened before', async () => {
    const kinds = new Set<string>();
    for (const seed of seedsOf(0.3)) {
      const world = await World.open(seed);
      for (let count = 0; count < STEPS; count++) await world.step();
      await world.heal();
      const { entries, unmatched } = world.money.global;
      const money = world.processors.flatMap(({ objects }) => [...objects.values()]);
      const left = money.reduce(
        (sum, { capturedMinor, refundedMinor }) => sum + capturedMinor - refundedMinor,
        0,
      );
      const moved = [...entries.values()]
        .filter(({ kind }) => kind !== 'fee' && !kind.startsWith('dispute'))
        .flatMap(({ postings }) => postings)
        .filter(({ account }) => account.startsWith('processor:'))
        .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
      expect({ seed, unmatched, moved }).toEqual({ seed, unmatched: [], moved: left });
      for (const { kind } of entries.values()) kinds.add(kind);
      world.shop.shard.sql.close();
    }
    if (!isFullRun()) return;
    for (const kind of ['capture', 'fee', 'refund']) expect(kinds).toContain(kind);
  }, 120_000);
});
