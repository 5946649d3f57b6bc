/** The step function that every claim rests on, against a count made instant by instant. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/domain/assert.ts';
import { Lane, Occupancy } from '../../src/domain/inventory/occupancy.ts';
import { interval, type Interval } from '../../src/domain/time.ts';

const HORIZON = 40;

const span = fc
  .tuple(fc.integer({ min: 0, max: HORIZON - 1 }), fc.integer({ min: 1, max: 15 }))
  .map(([start, length]) => interval(start, Math.min(HORIZON, start + length)));

const steps = fc.array(
  fc.record({ span, quantity: fc.integer({ min: 1, max: 3 }), giveBack: fc.nat() }),
  { maxLength: 60 },
);

interface Taken {
  readonly span: Interval;
  readonly quantity: number;
}

function levelAt(taken: readonly Taken[], at: number): number {
  return taken
    .filter((one) => one.span.startAtMs <= at && at < one.span.endAtMs)
    .reduce((level, { quantity }) => level + quantity, 0);
}

function peakOf(taken: readonly Taken[], over: Interval): number {
  let peak = 0;
  for (let at = over.startAtMs; at < over.endAtMs; at++) peak = Math.max(peak, levelAt(taken, at));
  return peak;
}

/** Steps that a minimal step function needs: the instants at which the level changes. */
function changes(taken: readonly Taken[]): number {
  let count = 0;
  for (let at = 0; at <= HORIZON; at++) {
    if (levelAt(taken, at) !== levelAt(taken, at - 1)) count += 1;
  }
  return count;
}

describe('occupancy', () => {
  test('every peak equals a count made instant by instant, after any additions and returns', () => {
    fc.assert(
      fc.property(steps, span, (list, probe) => {
        const occupancy = new Occupancy();
        const taken: Taken[] = [];
        for (const { span: where, quantity, giveBack } of list) {
          occupancy.add(where, quantity);
          taken.push({ span: where, quantity });
          if (giveBack % 3 === 0) {
            const [back] = taken.splice(giveBack % taken.length, 1);
            if (back !== undefined) occupancy.add(back.span, -back.quantity);
          }
          expect(occupancy.peak(probe)).toBe(peakOf(taken, probe));
          expect(occupancy.peak(where)).toBe(peakOf(taken, where));
        }
        expect(occupancy.size).toBe(changes(taken));
      }),
    );
  });

  test('giving everything back, in any order, leaves nothing in memory', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }), (order) => {
        const occupancy = new Occupancy();
        const spans = order.map((n) => interval(n * 3, n * 3 + 7));
        for (const one of spans.toSorted((a, b) => a.startAtMs - b.startAtMs))
          occupancy.add(one, 2);
        for (const one of spans) occupancy.add(one, -2);
        expect(occupancy.size).toBe(0);
        expect(occupancy.peak(interval(0, 100))).toBe(0);
      }),
    );
  });

  test('touching intervals do not add up', () => {
    const occupancy = new Occupancy();
    occupancy.add(interval(0, 10), 1);
    occupancy.add(interval(10, 20), 1);
    expect(occupancy.peak(interval(0, 20))).toBe(1);
    expect(occupancy.size).toBe(2);
  });

  test('giving back more than was taken is a broken invariant', () => {
    const occupancy = new Occupancy();
    occupancy.add(interval(0, 10), 1);
    expect(() => occupancy.add(interval(5, 11), -1)).toThrow(InvariantError);
  });
});

describe('a lane', () => {
  test('is free by its capacity less its peak, never below zero', () => {
    const lane = new Lane(2);
    lane.claim(interval(0, 10), { quantity: 1, isHold: true });
    lane.claim(interval(5, 15), { quantity: 1, isHold: false });
    expect(lane.free(interval(0, 5))).toBe(1);
    expect(lane.free(interval(0, 6))).toBe(0);
    expect(lane.free(interval(10, 20))).toBe(1);
    expect(lane.free(interval(15, 20))).toBe(2);
    lane.claim(interval(5, 10), { quantity: 1, isHold: false });
    expect(lane.free(interval(5, 10))).toBe(0);
  });

  test('tells a hold from a booking until it is committed', () => {
    const lane = new Lane(1);
    lane.claim(interval(0, 10), { quantity: 1, isHold: true });
    expect(lane.hasHold(interval(9, 20))).toBe(true);
    expect(lane.hasHold(interval(10, 20))).toBe(false);
    lane.commit(interval(0, 10), 1);
    expect(lane.hasHold(interval(0, 10))).toBe(false);
    expect(lane.free(interval(0, 10))).toBe(0);
    lane.release(interval(0, 10), { quantity: 1, isHold: false });
    expect(lane.free(interval(0, 10))).toBe(1);
  });
});
