/** A confirmed booking is absorbing for the processor and the clock; only a person's command ends it. */
import { describe, expect, test } from 'vitest';
import {
  BOOKING_MACHINE,
  BOOKING_STATES,
  LIVE_BOOKING_STATES,
  type BookingEvent,
} from '../../src/domain/booking/booking-machine.ts';
import { reachable, step } from '../../src/domain/machine.ts';
import { reachableWithout, terminalStates, testEveryCell } from './machine-table.ts';

/** What processors and deadlines can say; everything else is a command or the clock of the slot itself. */
const PROCESSOR_AND_DEADLINE: readonly BookingEvent[] = [
  'lock',
  'confirm',
  'fail_payment',
  'expire',
  'refund_all',
];

const COMMANDS: readonly BookingEvent[] = [
  'request_approval',
  'quote',
  'retry_payment',
  'cancel',
  'decline',
  'start',
  'complete',
  'mark_no_show',
];

describe('booking machine', () => {
  testEveryCell(
    BOOKING_MACHINE,
    `
                      request_approval  quote    lock        confirm    fail_payment    retry_payment  expire   cancel     decline    start        complete   mark_no_show  refund_all
    pending           awaiting_approval -        confirming  confirmed  payment_failed  =              expired  cancelled  -          -            -          -             -
    awaiting_approval =                 pending  confirming  confirmed  payment_failed  -              expired  cancelled  cancelled  -            -          -             -
    confirming        -                 -        =           confirmed  payment_failed  -              -        -          -          -            -          -             -
    confirmed         -                 -        =           =          -               -              -        cancelled  -          in_progress  -          no_show       -
    in_progress       -                 -        -           =          -               -              -        cancelled  -          =            completed  no_show       -
    completed         -                 -        -           =          -               -              -        -          -          -            =          no_show       refunded
    no_show           -                 -        -           =          -               -              -        -          -          -            -          =             refunded
    cancelled         -                 -        -           -          =               -              =        -          -          -            -          -             refunded
    expired           -                 -        confirming  -          =               -              =        -          -          -            -          -             -
    payment_failed    -                 -        confirming  -          =               pending        =        cancelled  -          -            -          -             -
    refunded          -                 -        -           -          =               -              =        -          -          -            -          -             =
    `,
  );

  test('every state can be reached from pending', () => {
    expect([...reachable(BOOKING_MACHINE, 'pending')].toSorted()).toEqual(
      [...BOOKING_STATES].toSorted(),
    );
  });

  test('refunded is the only state without a way out', () => {
    expect(terminalStates(BOOKING_MACHINE)).toEqual(['refunded']);
  });

  test('no sequence of processor and deadline events leads out of confirmed', () => {
    const without = COMMANDS;
    expect(reachableWithout(BOOKING_MACHINE, { start: 'confirmed', without })).toEqual([
      'confirmed',
    ]);
  });

  test.each(['in_progress', 'completed', 'no_show'] as const)(
    'what was confirmed and is now %s is not undone by a late failure or a deadline',
    (state) => {
      for (const event of ['fail_payment', 'expire'] as const) {
        expect(step(BOOKING_MACHINE, state, event).ok).toBe(false);
      }
    },
  );

  test('nothing is confirmed without having been locked or free of charge', () => {
    const before = reachableWithout(BOOKING_MACHINE, {
      start: 'pending',
      without: ['lock', 'confirm'],
    });
    expect(before).not.toContain('confirming');
    expect(before).not.toContain('confirmed');
    expect(before).not.toContain('completed');
  });

  test('a cancelled booking never becomes live again', () => {
    for (const state of reachable(BOOKING_MACHINE, 'cancelled')) {
      expect(LIVE_BOOKING_STATES.has(state)).toBe(false);
    }
  });

  test('the events split into those of people and those of processors and deadlines', () => {
    expect([...PROCESSOR_AND_DEADLINE, ...COMMANDS].toSorted()).toEqual(
      Object.keys(BOOKING_MACHINE.pending).toSorted(),
    );
  });

  test('exactly the bookings that keep others out count as live', () => {
    expect([...LIVE_BOOKING_STATES].toSorted()).toEqual([
      'completed',
      'confirmed',
      'confirming',
      'in_progress',
      'no_show',
    ]);
  });
});
