/** Half-open intervals: touching is not overlapping, and buffers widen both ends. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/domain/assert.ts';
import { interval, overlaps, widen } from '../../src/domain/time.ts';

const span = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 10 }))
  .map(([start, length]) => interval(start, start + length));

describe('intervals', () => {
  test.each([
    ['empty', 5, 5],
    ['reversed', 6, 5],
    ['of fractions', 0.5, 1],
    ['without an end', 1, Number.POSITIVE_INFINITY],
    ['without a number', Number.NaN, 1],
  ])('one that is %s is refused', (_, start, end) => {
    expect(() => interval(start, end)).toThrow(InvariantError);
  });

  test.each([
    ['10-11 and 10:30-11:30', [600, 660], [630, 690], true],
    ['10-11 and 09:30-10:30', [600, 660], [570, 630], true],
    ['10-11 and 10:15-10:45', [600, 660], [615, 645], true],
    ['10-11 and 09:00-12:00', [600, 660], [540, 720], true],
    ['10-11 and itself', [600, 660], [600, 660], true],
    ['10-11 and 11-12', [600, 660], [660, 720], false],
    ['10-11 and 09-10', [600, 660], [540, 600], false],
    ['10-11 and 11:01-12', [600, 660], [661, 720], false],
  ] as const)('%s overlap: %s', (...[, [a, b], [c, d], expected]) => {
    expect(overlaps(interval(a, b), interval(c, d))).toBe(expected);
    expect(overlaps(interval(c, d), interval(a, b))).toBe(expected);
  });

  test('two intervals overlap exactly when they share an instant', () => {
    fc.assert(
      fc.property(span, span, (a, b) => {
        const instants = Array.from({ length: 60 }, (_, at) => at);
        const holds = (within: typeof a, at: number) =>
          within.startAtMs <= at && at < within.endAtMs;
        expect(overlaps(a, b)).toBe(instants.some((at) => holds(a, at) && holds(b, at)));
      }),
    );
  });

  test('buffers widen on both sides', () => {
    expect(widen(interval(100, 200), { beforeMs: 10, afterMs: 0 })).toEqual(interval(90, 200));
    expect(widen(interval(100, 200), { beforeMs: 0, afterMs: 25 })).toEqual(interval(100, 225));
  });
});
