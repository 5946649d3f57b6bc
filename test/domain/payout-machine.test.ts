/** A payout: what was moved is never forgotten, and what may have been moved is never called off. */
import { describe, expect, it } from 'vitest';
import { LIVE_PAYOUT_STATES, PAYOUT_MACHINE } from '../../src/domain/payout/payout-machine.ts';
import { reachable } from '../../src/domain/machine.ts';
import { terminalStates, testEveryCell } from './machine-table.ts';

describe('the machine of a payout', () => {
  testEveryCell(
    PAYOUT_MACHINE,
    `
               send       complete   retry     fail   cancel
    scheduled  processing completed  =         failed cancelled
    processing =          completed  scheduled failed -
    completed  -          =          -         -      -
    failed     -          completed  -         =      -
    cancelled  -          -          -         -      =
    `,
  );

  it('ends completed or called off; a failed one may still turn out to have moved its money', () => {
    expect(terminalStates(PAYOUT_MACHINE)).toEqual(['cancelled', 'completed']);
    expect([...reachable(PAYOUT_MACHINE, 'failed')]).toEqual(['failed', 'completed']);
  });

  it('never sends again what has ended', () => {
    const ended = (['completed', 'failed', 'cancelled'] as const).flatMap((state) => [
      ...reachable(PAYOUT_MACHINE, state),
    ]);
    expect(ended.filter((state) => LIVE_PAYOUT_STATES.has(state))).toEqual([]);
  });
});
