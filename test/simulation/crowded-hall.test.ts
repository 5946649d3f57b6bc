/**
 * Thousands of payments by one processor, many at once, with faults, crashes, late events, refunds by hand and disputes:
 * a card that is reserved first, an order that its payer approves, an invoice that is paid by pushing money.
 */
import { describe, expect, test } from 'vitest';
import { PROCESSORS } from '../../src/domain/payment/processor-reply.ts';
import { isFullRun, newTally, seedsOf, tryOut } from './history.ts';

/** Halls per history of the smaller worlds: a full run has enough of them for the payments below. */
const HALLS_SHARE = 0.09;
/** Payments that a full run plays with each processor. */
const PAYMENTS_MIN = 2_000;

describe('a hall whose visitors all pay by one processor', () => {
  test.each(PROCESSORS)(
    'keeps every promise with %s, and its books are equal to the cent',
    async (processor) => {
      const tally = newTally();
      for (const seed of seedsOf(HALLS_SHARE)) await tryOut(seed, tally, processor);
      if (isFullRun()) expect(tally.played.get(processor)).toBeGreaterThanOrEqual(PAYMENTS_MIN);
    },
    600_000,
  );
});
