/** Payment state only moves forward: what comes late changes nothing, and money that comes after the end is never lost. */
import { describe, expect, test } from 'vitest';
import { reachable, step } from '../../src/domain/machine.ts';
import {
  OPEN_OPERATION_STATES,
  OPERATION_MACHINE,
  OPERATION_STATES,
} from '../../src/domain/payment/operation-machine.ts';
import {
  ACTIVE_PAYMENT_STATES,
  PAYMENT_MACHINE,
  PAYMENT_STATES,
} from '../../src/domain/payment/payment-machine.ts';
import { DISPUTE_MACHINE } from '../../src/domain/payment/dispute-machine.ts';
import { REFUND_MACHINE } from '../../src/domain/payment/refund-machine.ts';
import { SAVED_METHOD_MACHINE } from '../../src/domain/payment/saved-method-machine.ts';
import { reachableWithout, terminalStates, testEveryCell } from './machine-table.ts';

describe('payment machine', () => {
  testEveryCell(
    PAYMENT_MACHINE,
    `
                     require_action   wait             authorize        begin_capture    capture          refund_all       return_refund    fail             expire           void
    created          action_required  pending          authorized       -                captured         -                -                failed           expired          voided
    action_required  =                pending          authorized       -                captured         -                -                failed           expired          voided
    pending          =                =                authorized       -                captured         -                -                failed           expired          voided
    authorized       =                =                =                capturing        captured         -                -                failed           expired          voided
    capturing        =                =                =                =                captured         -                -                failed           expired          voided
    captured         =                =                =                =                =                refunded         =                =                =                -
    refunded         =                =                =                -                =                =                captured         =                =                -
    failed           =                =                authorized       -                captured         -                -                =                =                =
    expired          =                =                authorized       -                captured         -                -                =                =                =
    voided           =                =                authorized       -                captured         -                -                =                =                =
    `,
  );

  test('every state can be reached from created', () => {
    expect([...reachable(PAYMENT_MACHINE, 'created')].toSorted()).toEqual(
      [...PAYMENT_STATES].toSorted(),
    );
  });

  test('money that was captured is only ever given back', () => {
    expect([...reachable(PAYMENT_MACHINE, 'captured')].toSorted()).toEqual([
      'captured',
      'refunded',
    ]);
    expect(terminalStates(PAYMENT_MACHINE)).toEqual([]);
    const without = ['return_refund'] as const;
    expect(reachableWithout(PAYMENT_MACHINE, { start: 'refunded', without })).toEqual(['refunded']);
  });

  test.each(['failed', 'expired', 'voided'] as const)(
    'an attempt that %s moves again only when funds or money turn up',
    (start) => {
      const without = ['authorize', 'capture'] as const;
      expect(reachableWithout(PAYMENT_MACHINE, { start, without })).toEqual([start]);
      expect(step(PAYMENT_MACHINE, start, 'capture')).toMatchObject({ ok: true, to: 'captured' });
    },
  );

  test('capture is begun only for reserved funds', () => {
    const begins = PAYMENT_STATES.filter((state) => {
      const outcome = step(PAYMENT_MACHINE, state, 'begin_capture');
      return outcome.ok && outcome.moved;
    });
    expect(begins).toEqual(['authorized']);
  });

  test('exactly the attempts that may still bring money count as active', () => {
    expect([...ACTIVE_PAYMENT_STATES].toSorted()).toEqual([
      'action_required',
      'authorized',
      'capturing',
      'created',
      'pending',
    ]);
  });
});

describe('operation machine', () => {
  testEveryCell(
    OPERATION_MACHINE,
    `
               wait     succeed    decline   lose
    requested  pending  succeeded  declined  unknown
    pending    =        succeeded  declined  =
    unknown    pending  succeeded  declined  =
    succeeded  =        =          -         =
    declined   -        -          =         =
    `,
  );

  test('every state can be reached from requested', () => {
    expect([...reachable(OPERATION_MACHINE, 'requested')].toSorted()).toEqual(
      [...OPERATION_STATES].toSorted(),
    );
  });

  test('a definite answer is final, and no answer is not a definite one', () => {
    expect(terminalStates(OPERATION_MACHINE)).toEqual(['declined', 'succeeded']);
    expect(step(OPERATION_MACHINE, 'requested', 'lose')).toMatchObject({ to: 'unknown' });
    expect([...OPEN_OPERATION_STATES].toSorted()).toEqual(['pending', 'requested', 'unknown']);
  });
});

describe('refund machine', () => {
  testEveryCell(
    REFUND_MACHINE,
    `
               wait     succeed    fail
    requested  pending  succeeded  failed
    pending    =        succeeded  failed
    succeeded  =        =          failed
    failed     =        =          =
    `,
  );

  test('a refund may come back after it had gone, and then stays failed', () => {
    expect(terminalStates(REFUND_MACHINE)).toEqual(['failed']);
    expect(step(REFUND_MACHINE, 'succeeded', 'fail')).toMatchObject({ to: 'failed' });
  });
});

describe('saved method machine', () => {
  testEveryCell(
    SAVED_METHOD_MACHINE,
    `
              keep    fail    remove    end
    pending   active  failed  removing  -
    active    =       -       removing  -
    failed    =       =       =         -
    removing  =       =       =         removed
    removed   =       =       =         =
    `,
  );

  test('what is to go never comes back', () => {
    expect(terminalStates(SAVED_METHOD_MACHINE)).toEqual(['failed', 'removed']);
    expect(step(SAVED_METHOD_MACHINE, 'removing', 'keep')).toMatchObject({ to: 'removing' });
  });
});

describe('dispute machine', () => {
  testEveryCell(
    DISPUTE_MACHINE,
    `
                  inquire  open  review        win  lose
    inquiry       =        open  -             won  -
    open          =        =     under_review  won  lost
    under_review  =        =     =             won  lost
    won           =        =     =             =    =
    lost          =        =     =             won  =
    `,
  );

  test('what is won is final, and what is lost may still be won by an appeal', () => {
    expect(terminalStates(DISPUTE_MACHINE)).toEqual(['won']);
    expect([...reachable(DISPUTE_MACHINE, 'lost')].toSorted()).toEqual(['lost', 'won']);
  });
});
