/** A reservation counts until its shard has said otherwise, and what came back once does not come back by an old word. */
import { describe, expect, it, test } from 'vitest';
import { NO_USES } from '../../src/domain/hold/quota.ts';
import { CALL_RETENTION_MS } from '../../src/domain/idempotency.ts';
import { statesOf } from '../../src/domain/machine.ts';
import {
  COUNTING_STATES,
  RESERVATION_MACHINE,
  RESERVATION_STATES,
  UNSETTLED_STATES,
} from '../../src/domain/membership/reservation-machine.ts';
import {
  GRANT_VALID_MS,
  HELD_ASK_MS,
  SETTLE_MARGIN_MS,
  renew,
} from '../../src/domain/grant/grant-life.ts';
import {
  covers,
  isForgettable,
  liveIn,
  newReservation,
  reserveAgain,
  settled,
  usesIn,
  type Outcome,
  type Reservation,
} from '../../src/domain/membership/reservation.ts';
import { testEveryCell } from './machine-table.ts';

const NOON_MS = 1_800_000_000_000;
const USES = { bookings: 2, minutes: 120, included: 1, overage: 0, guestPasses: 1 };
const MADE = {
  id: 'call.1',
  callId: 'call',
  group: 'membership',
  periodStartMs: NOON_MS - 1_000,
  ask: { shardKey: 'g00000001', slots: 2, guests: 1, minutes: 120 },
  uses: USES,
  countsGuests: true,
  overagePrice: null,
};

/** What a shard said, and how long after the reservation it was asked; told at once. */
function after(outcome: Outcome['state'], atMs = 1, uses: Outcome['uses'] = null) {
  const nowMs = NOON_MS + atMs;
  return (reservation: Reservation): Reservation =>
    settled(reservation, { state: outcome, uses }, { askedAtMs: nowMs, nowMs });
}

const reserved = newReservation(MADE, NOON_MS);
const held = after('held')(reserved);
const kept = after('kept')(reserved);
const returned = after('returned')(reserved);

describe('reservation machine', () => {
  testEveryCell(
    RESERVATION_MACHINE,
    `
               reserve   hold  keep  give_back
    reserved   =         held  kept  returned
    held       =         =     kept  returned
    kept       =         =     =     returned
    returned   reserved  =     =     =
    `,
  );

  test('whatever may still be used counts, and nothing else', () => {
    expect(statesOf(RESERVATION_MACHINE)).toEqual([...RESERVATION_STATES]);
    expect([...COUNTING_STATES]).toEqual(['reserved', 'held', 'kept']);
    expect([...UNSETTLED_STATES]).toEqual(['reserved', 'held']);
  });
});

describe('a reservation that was never reported', () => {
  const overMs = GRANT_VALID_MS + SETTLE_MARGIN_MS;

  it('comes back when its shard knows nothing of it after its validity and the margin', () => {
    expect(after('unknown', overMs)(reserved)).toMatchObject({ state: 'returned', uses: NO_USES });
  });

  it('stays while a shard that knows nothing of it may still take it', () => {
    expect(after('unknown', overMs - 1)(reserved)).toBe(reserved);
  });

  it('stays when it was made valid anew after the shard was asked', () => {
    const renewed = renew(reserved, NOON_MS + overMs);
    const told = settled(
      renewed,
      { state: 'unknown', uses: null },
      { askedAtMs: NOON_MS + overMs, nowMs: NOON_MS + 10 * overMs },
    );
    expect(told).toBe(renewed);
  });

  it('is not taken from a booking by a shard that has lost it', () => {
    expect(after('unknown', overMs)(kept)).toBe(kept);
  });
});

describe('what a shard tells', () => {
  it('counts from then on for what was really taken', () => {
    const less = { ...NO_USES, bookings: 1 };
    expect(after('held', 1, less)(reserved).uses).toEqual(less);
    expect(after('kept', 1, less)(kept).uses).toEqual(less);
  });

  it('never counts for more than was granted', () => {
    const more = { ...USES, bookings: 9, minutes: 1 };
    expect(after('held', 1, more)(reserved).uses).toEqual({ ...USES, minutes: 1 });
  });

  it('changes nothing when it is told again', () => {
    expect(after('held', 2, USES)(held)).toBe(held);
    expect(after('kept', 2, USES)(kept)).toBe(kept);
    expect(after('returned', 2)(returned)).toBe(returned);
  });

  it('changes nothing when it comes after a later word', () => {
    expect(after('held', 2, NO_USES)(kept)).toBe(kept);
    expect(after('held', 2, USES)(returned)).toBe(returned);
    expect(after('kept', 2, USES)(returned)).toBe(returned);
  });

  it('puts the next question about a hold off, and ends the questions once the end is known', () => {
    expect(held.dueAtMs).toBe(NOON_MS + 1 + HELD_ASK_MS);
    const lateMs = 2 * HELD_ASK_MS;
    expect(after('held', lateMs)(held).dueAtMs).toBe(NOON_MS + lateMs + HELD_ASK_MS);
    expect([kept.dueAtMs, returned.dueAtMs]).toEqual([null, null]);
  });
});

describe('a repeat of the call', () => {
  it('finds its reservation valid anew', () => {
    const nowMs = NOON_MS + 8_000;
    expect(renew(reserved, nowMs).validUntilMs).toBe(nowMs + GRANT_VALID_MS);
  });

  it('writes nothing for a moment', () => {
    expect(renew(reserved, NOON_MS + 999)).toBe(reserved);
  });

  it('does not make valid what a hold or a booking has taken', () => {
    expect(renew(held, NOON_MS + 8_000)).toBe(held);
    expect(renew(kept, NOON_MS + 8_000)).toBe(kept);
  });

  it('reserves anew what had come back', () => {
    const again = reserveAgain(returned, MADE, NOON_MS + 5);
    expect(again).toMatchObject({ id: reserved.id, state: 'reserved', uses: USES });
    expect(again.validUntilMs).toBe(NOON_MS + 5 + GRANT_VALID_MS);
  });

  it('is told from another request under the same key', () => {
    expect(covers(reserved, { ...MADE.ask, minutes: null }, NOON_MS)).toBe(true);
    expect(covers(reserved, { ...MADE.ask, slots: 3 }, NOON_MS)).toBe(false);
    expect(covers(reserved, { ...MADE.ask, guests: 0 }, NOON_MS)).toBe(false);
    expect(covers(reserved, { ...MADE.ask, minutes: 121 }, NOON_MS)).toBe(false);
    expect(covers(reserved, { ...MADE.ask, shardKey: 'g00000002' }, NOON_MS)).toBe(false);
  });

  it('is a new call once its key is forgotten', () => {
    expect(covers(kept, MADE.ask, NOON_MS + CALL_RETENTION_MS)).toBe(true);
    expect(covers(kept, MADE.ask, NOON_MS + CALL_RETENTION_MS + 1)).toBe(false);
  });
});

describe('counting', () => {
  const period = { group: MADE.group, periodStartMs: MADE.periodStartMs };

  it('adds up what is reserved, held and kept in the period of the group', () => {
    const elsewhere = [
      { ...reserved, group: 'other' },
      { ...reserved, periodStartMs: 0 },
    ];
    expect(usesIn([reserved, held, kept, returned, ...elsewhere], period)).toEqual({
      bookings: 6,
      minutes: 360,
      included: 3,
      overage: 0,
      guestPasses: 3,
    });
  });

  it('counts holds as live whichever period they belong to', () => {
    expect(liveIn([reserved, { ...held, periodStartMs: 0 }, kept, returned], MADE.group)).toBe(2);
  });

  it('forgets only what has ended, counts no more, and whose key is forgotten', () => {
    const lateMs = NOON_MS + CALL_RETENTION_MS + 1;
    const next = NOON_MS + 1;
    expect(isForgettable(kept, next, lateMs)).toBe(true);
    expect(isForgettable(kept, MADE.periodStartMs, lateMs)).toBe(false);
    expect(isForgettable(returned, MADE.periodStartMs, lateMs)).toBe(true);
    expect(isForgettable(returned, next, lateMs - 1)).toBe(false);
    expect(isForgettable(held, next, lateMs)).toBe(false);
    expect(isForgettable(reserved, next, lateMs)).toBe(false);
  });
});
