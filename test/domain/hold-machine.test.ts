/** A hold ends once: committed, released or expired; a second ending gets the first verdict. */
import { describe, expect, test } from 'vitest';
import { HOLD_MACHINE, HOLD_STATES, LIVE_HOLD_STATES } from '../../src/domain/hold/hold-machine.ts';
import { reachable } from '../../src/domain/machine.ts';
import { reachableWithout, terminalStates, testEveryCell } from './machine-table.ts';

describe('hold machine', () => {
  testEveryCell(
    HOLD_MACHINE,
    `
               commit         release          close            expire           free      yield
    active     committed      released         closing          expired          -         released
    closing    committed      released         =                expired          -         released
    committed  =              !hold_committed  !hold_committed  !hold_committed  released  !hold_committed
    released   !hold_expired  =                !hold_expired    !hold_expired    =         !hold_expired
    expired    !hold_expired  =                !hold_expired    =                -         !hold_expired
    `,
  );

  test('every state can be reached from active', () => {
    expect([...reachable(HOLD_MACHINE, 'active')].toSorted()).toEqual([...HOLD_STATES].toSorted());
  });

  test('a released or expired hold never comes back', () => {
    expect(terminalStates(HOLD_MACHINE)).toEqual(['expired', 'released']);
  });

  test('a committed hold is given up only when its booking frees it', () => {
    expect(reachableWithout(HOLD_MACHINE, { start: 'committed', without: ['free'] })).toEqual([
      'committed',
    ]);
  });

  test('exactly the holds that still keep others out count as live', () => {
    expect([...LIVE_HOLD_STATES].toSorted()).toEqual(['active', 'closing', 'committed']);
  });
});
