/** Money never loses or makes a minor unit, however it is split. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../src/domain/assert.ts';
import { add, allocate, isCurrency, money, portion, times } from '../../src/domain/money.ts';

const amount = fc.integer({ min: 0, max: 10 ** 12 });
const weights = fc
  .array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 12 })
  .filter((list) => list.some((weight) => weight > 0));

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

describe('money', () => {
  test('adds and multiplies within one currency', () => {
    expect(add(money(1_999, 'usd'), money(1, 'usd'))).toEqual({ amount: 2_000, currency: 'usd' });
    expect(times(money(250, 'jpy'), 3)).toEqual({ amount: 750, currency: 'jpy' });
  });

  test.each([
    ['a fraction', () => money(0.5, 'usd')],
    ['more than an integer can say', () => money(Number.MAX_SAFE_INTEGER + 1, 'usd')],
    ['an unknown currency', () => money(1, 'xxx')],
    ['an upper-case currency', () => money(1, 'USD')],
    ['a sum of two currencies', () => add(money(1, 'usd'), money(1, 'eur'))],
    ['a broken count', () => times(money(1, 'usd'), 1.5)],
    ['a sum beyond what an integer can say', () => times(money(10 ** 15, 'usd'), 1_000)],
  ])('refuses %s', (_, build) => {
    expect(build).toThrow(InvariantError);
  });

  test('knows no currency by the name of an object member', () => {
    expect(isCurrency('eur')).toBe(true);
    expect(isCurrency('constructor')).toBe(false);
    expect(isCurrency('__proto__')).toBe(false);
  });
});

describe('portion', () => {
  test.each([
    [1_000, 1_000, 100],
    [999, 5_000, 499],
    [1, 9_999, 0],
    [1, 10_000, 1],
    [2_500, 0, 0],
    [9_007_199_254_740_991, 10_000, 9_007_199_254_740_991],
  ])('of %i at %i bps is %i, rounded down', (whole, rate, part) => {
    expect(portion(whole, rate)).toBe(part);
  });

  test.each([
    [-1, 100],
    [1.5, 100],
    [100, -1],
    [100, 10_001],
    [100, 0.5],
  ])('refuses %d at %d bps', (whole, rate) => {
    expect(() => portion(whole, rate)).toThrow(InvariantError);
  });

  test('is never more than the whole, grows with the rate, and misses the exact share by less than a unit', () => {
    const rate = fc.integer({ min: 0, max: 10_000 });
    fc.assert(
      fc.property(amount, rate, rate, (whole, a, b) => {
        const [low, high] = [portion(whole, Math.min(a, b)), portion(whole, Math.max(a, b))];
        expect(low).toBeLessThanOrEqual(high);
        expect(high).toBeLessThanOrEqual(whole);
        const lost = BigInt(whole) * BigInt(Math.min(a, b)) - BigInt(low) * 10_000n;
        expect(lost >= 0n && lost < 10_000n).toBe(true);
      }),
    );
  });
});

describe('allocate', () => {
  test.each([
    [100, [1, 1, 1], [34, 33, 33]],
    [5, [0, 1], [0, 5]],
    [0, [3, 7], [0, 0]],
    [10, [5, 5, 0], [5, 5, 0]],
    [1, [1, 2], [0, 1]],
    [7, [2, 2, 3], [2, 2, 3]],
  ])('%i by %j gives %j', (whole, by, parts) => {
    expect(allocate(whole, by)).toEqual(parts);
  });

  test.each([
    ['no weights', () => allocate(1, [])],
    ['weights that are all zero', () => allocate(1, [0, 0])],
    ['a negative weight', () => allocate(1, [2, -1])],
    ['a negative amount', () => allocate(-1, [1])],
  ])('refuses %s', (_, split) => {
    expect(split).toThrow(InvariantError);
  });

  test('the parts add up to the whole to the unit', () => {
    fc.assert(
      fc.property(amount, weights, (whole, by) => {
        expect(sum(allocate(whole, by))).toBe(whole);
      }),
    );
  });

  test('each part misses its exact share by less than one unit, and a zero weight gets nothing', () => {
    fc.assert(
      fc.property(amount, weights, (whole, by) => {
        const total = BigInt(sum(by));
        for (const [index, part] of allocate(whole, by).entries()) {
          const exact = BigInt(whole) * BigInt(by[index] ?? 0);
          const off = BigInt(part) * total - exact;
          expect(off > -total && off < total).toBe(true);
          if (by[index] === 0) expect(part).toBe(0);
        }
      }),
    );
  });

  test('equal weights never differ by more than one unit, the earlier getting more', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 1, max: 12 }), (whole, count) => {
        const parts = allocate(
          whole,
          Array.from({ length: count }, () => 7),
        );
        expect(parts).toEqual(parts.toSorted((a, b) => b - a));
        expect((parts[0] ?? 0) - (parts.at(-1) ?? 0)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
