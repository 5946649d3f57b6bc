/** What a hold takes of a plan, slot by slot, and how it goes back: once, and never twice. */
import { describe, expect, test } from 'vitest';
import {
  minutesOf,
  NO_USES,
  outcomeOf,
  QUOTA_MACHINE,
  sharesOf,
  totalUses,
  type HoldQuota,
  type SharedSlot,
} from '../../src/domain/hold/quota.ts';
import { reachable } from '../../src/domain/machine.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { terminalStates, testEveryCell } from './machine-table.ts';

function slot(minutes: number, change: Partial<SharedSlot> = {}): SharedSlot {
  return {
    startAtMs: 0,
    endAtMs: minutes * MINUTE_MS,
    isIncluded: false,
    isOverage: false,
    guests: 0,
    ...change,
  };
}

describe('the quota of a hold', () => {
  testEveryCell(
    QUOTA_MACHINE,
    `
              keep   give_back
    held      kept   returned
    kept      =      returned
    returned  -      =
    `,
  );

  test('that went back never counts again', () => {
    expect(terminalStates(QUOTA_MACHINE)).toEqual(['returned']);
    expect([...reachable(QUOTA_MACHINE, 'held')].toSorted()).toEqual(['held', 'kept', 'returned']);
  });

  test('is shared out over its slots, and together never more than was granted', () => {
    const granted = { bookings: 2, minutes: 90, included: 2, overage: 1, guestPasses: 9 };
    const slots = [slot(60, { isIncluded: true, guests: 1 }), slot(30, { isOverage: true })];
    const shares = sharesOf(granted, slots);
    expect(shares).toEqual([
      { bookings: 1, minutes: 60, included: 1, overage: 0, guestPasses: 1 },
      { bookings: 1, minutes: 30, included: 0, overage: 1, guestPasses: 0 },
    ]);
    expect(totalUses(shares)).toEqual({
      bookings: 2,
      minutes: 90,
      included: 1,
      overage: 1,
      guestPasses: 1,
    });
  });

  test('counts nothing that the plan does not count', () => {
    expect(sharesOf(NO_USES, [slot(60)])).toEqual([NO_USES]);
    expect(totalUses([])).toEqual(NO_USES);
  });

  test.each([
    [60, 60],
    [59.5, 60],
    [60.001, 61],
  ])('%d minutes count for %i', (long, counted) => {
    expect(minutesOf({ startAtMs: 0, endAtMs: long * MINUTE_MS })).toBe(counted);
  });

  test('is told as what counts: all of it while it is held or kept, nothing once it went back', () => {
    const share = { ...NO_USES, bookings: 1, minutes: 60 };
    const quota: HoldQuota = {
      grantId: 'g',
      memberId: 'usr_ann',
      state: 'kept',
      shares: [share, share],
    };
    expect(outcomeOf(quota)).toEqual({
      grantId: 'g',
      state: 'kept',
      uses: { ...NO_USES, bookings: 2, minutes: 120 },
    });
    expect(outcomeOf({ ...quota, state: 'returned' }).uses).toEqual(NO_USES);
  });
});
