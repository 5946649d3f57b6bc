/** One try to move a subscription's money: money that arrived is never taken back by a late event. */
import { describe, expect, test } from 'vitest';
import { reachable, step } from '../../src/domain/machine.ts';
import {
  CHARGE_EVENTS,
  CHARGE_MACHINE,
  CHARGE_STATES,
  OPEN_CHARGE_STATES,
} from '../../src/domain/subscription/charge-machine.ts';
import { reachableWithout, terminalStates, testEveryCell } from './machine-table.ts';

describe('charge machine', () => {
  testEveryCell(
    CHARGE_MACHINE,
    `
                    require_action   wait     succeed    fail    cancel
    created         action_required  pending  succeeded  failed  cancelled
    action_required =                pending  succeeded  failed  cancelled
    pending         =                =        succeeded  failed  cancelled
    succeeded       =                =        =          =       -
    failed          =                =        succeeded  =       =
    cancelled       =                =        succeeded  =       =
    `,
  );

  test('every state can be reached from created', () => {
    expect([...reachable(CHARGE_MACHINE, 'created')].toSorted()).toEqual(
      [...CHARGE_STATES].toSorted(),
    );
  });

  test('money that came is the only end without a way out', () => {
    expect(terminalStates(CHARGE_MACHINE)).toEqual(['succeeded']);
  });

  test('money that comes after the end of a try is known, whatever the end was', () => {
    for (const state of CHARGE_STATES) {
      expect(step(CHARGE_MACHINE, state, 'succeed')).toMatchObject({ ok: true, to: 'succeeded' });
    }
  });

  test('no event but money leads out of an end', () => {
    for (const start of ['failed', 'cancelled'] as const) {
      const reached = reachableWithout(CHARGE_MACHINE, { start, without: ['succeed'] });
      expect(reached).toEqual([start]);
    }
  });

  test('exactly the tries that may still bring money are open', () => {
    const open = CHARGE_STATES.filter((state) => OPEN_CHARGE_STATES.has(state));
    expect(open).toEqual(['created', 'action_required', 'pending']);
  });

  test('the table knows every event and no other', () => {
    expect(Object.keys(CHARGE_MACHINE.created).toSorted()).toEqual([...CHARGE_EVENTS].toSorted());
  });
});
