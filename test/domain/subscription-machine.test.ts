/** A subscription's life: nothing is paid for after its end, and nothing but a payment or a trial begins one. */
import { describe, expect, test } from 'vitest';
import { reachable, step } from '../../src/domain/machine.ts';
import {
  LIVE_SUBSCRIPTION_STATES,
  SUBSCRIPTION_EVENTS,
  SUBSCRIPTION_MACHINE,
  SUBSCRIPTION_STATES,
} from '../../src/domain/subscription/subscription-machine.ts';
import { reachableWithout, terminalStates, testEveryCell } from './machine-table.ts';

describe('subscription machine', () => {
  testEveryCell(
    SUBSCRIPTION_MACHINE,
    `
               begin_trial  pay     miss       suspend    give_up    pause   resume  cancel     end        expire
    incomplete trialing     active  -          -          -          -       -       cancelled  -          expired
    trialing   -            active  past_due   -          -          paused  -       cancelled  cancelled  -
    active     -            =       past_due   -          -          paused  -       cancelled  cancelled  -
    past_due   -            active  =          suspended  cancelled  -       -       cancelled  cancelled  -
    suspended  -            active  =          =          cancelled  -       -       cancelled  cancelled  -
    paused     -            -       -          -          -          -       active  cancelled  -          -
    cancelled  -            -       -          -          -          -       -       -          -          -
    expired    -            -       -          -          -          -       -       -          -          -
    `,
  );

  test('every state can be reached from incomplete', () => {
    expect([...reachable(SUBSCRIPTION_MACHINE, 'incomplete')].toSorted()).toEqual(
      [...SUBSCRIPTION_STATES].toSorted(),
    );
  });

  test('cancelled and expired are the only ends, and are not live', () => {
    expect(terminalStates(SUBSCRIPTION_MACHINE)).toEqual(['cancelled', 'expired']);
    const live = SUBSCRIPTION_STATES.filter((state) => LIVE_SUBSCRIPTION_STATES.has(state));
    expect(live).toEqual(['incomplete', 'trialing', 'active', 'past_due', 'suspended', 'paused']);
  });

  test('nothing becomes active without a payment or a resumption', () => {
    const without = ['pay', 'resume'] as const;
    expect(reachableWithout(SUBSCRIPTION_MACHINE, { start: 'incomplete', without })).not.toContain(
      'active',
    );
  });

  test('what was begun never expires: only a sign-up does', () => {
    const started = ['trialing', 'active', 'past_due', 'suspended', 'paused'] as const;
    for (const state of started) {
      expect(reachable(SUBSCRIPTION_MACHINE, state).has('expired')).toBe(false);
    }
  });

  test('whatever is live can be cancelled', () => {
    for (const state of LIVE_SUBSCRIPTION_STATES) {
      expect(step(SUBSCRIPTION_MACHINE, state, 'cancel')).toMatchObject({ to: 'cancelled' });
    }
  });

  test('only what was missed is suspended or given up', () => {
    for (const event of ['suspend', 'give_up'] as const) {
      const states = SUBSCRIPTION_STATES.filter(
        (state) => step(SUBSCRIPTION_MACHINE, state, event).ok,
      );
      expect(states).toEqual(['past_due', 'suspended']);
    }
  });

  test('the table knows every event and no other', () => {
    expect(Object.keys(SUBSCRIPTION_MACHINE.active).toSorted()).toEqual(
      [...SUBSCRIPTION_EVENTS].toSorted(),
    );
  });
});
