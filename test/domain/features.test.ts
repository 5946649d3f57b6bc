/** What a plan may grant: each feature has one type, and a value that is wrong is refused before it is sold. */
import { describe, expect, it } from 'vitest';
import {
  COUNTED_FEATURES,
  effectiveFeatures,
  featureFault,
  FEATURES,
  integerOf,
  listOf,
} from '../../src/domain/membership/features.ts';
import type { Json } from '../../src/domain/result.ts';

const COUNT = 'must be a whole number from 0 on';
const TRUTH = 'must be true or false';
const LIST = 'must be a list of texts';
const BPS = 'must be 0 to 10000 basis points';
const LIMITED = 'cannot be unlimited';

/** Feature, value, and what is wrong with it. */
const VALUES: readonly [string, Json, string | null][] = [
  ['access.members', true, null],
  ['access.members', false, null],
  ['access.members', 1, TRUTH],
  ['access.members', 'true', TRUTH],
  ['access.members', null, LIMITED],
  ['bookings.perPeriod', 0, null],
  ['bookings.perPeriod', 8, null],
  ['bookings.perPeriod', null, null],
  ['bookings.perPeriod', -1, COUNT],
  ['bookings.perPeriod', 1.5, COUNT],
  ['bookings.perPeriod', Number.NaN, COUNT],
  ['bookings.perPeriod', Number.MAX_SAFE_INTEGER, null],
  ['bookings.perPeriod', Number.MAX_SAFE_INTEGER + 1, COUNT],
  ['bookings.perPeriod', '8', COUNT],
  ['minutes.perPeriod', 600, null],
  ['minutes.perPeriod', null, null],
  ['holds.concurrent', 3, null],
  ['holds.concurrent', null, null],
  ['window.days', 60, null],
  ['window.days', null, null],
  ['window.days', true, COUNT],
  ['earlyAccess.minutes', 1_440, null],
  ['earlyAccess.minutes', null, null],
  ['categories', [], null],
  ['categories', ['tennis', 'padel'], null],
  ['categories', null, null],
  ['categories', 'tennis', LIST],
  ['categories', ['tennis', ''], LIST],
  ['categories', ['tennis', 7], LIST],
  ['price.discountBps', 0, null],
  ['price.discountBps', 10_000, null],
  ['price.discountBps', 10_001, BPS],
  ['price.discountBps', -1, BPS],
  ['price.discountBps', null, LIMITED],
  ['bookings.included', 4, null],
  ['bookings.included', null, null],
  ['guestPasses.perPeriod', 2, null],
  ['guestPasses.perPeriod', null, null],
  ['overage.price', 500, null],
  ['overage.price', null, LIMITED],
  ['overage.price', 4.99, COUNT],
  ['bookings.perperiod', 8, 'is not a feature'],
  ['toString', true, 'is not a feature'],
  ['__proto__', true, 'is not a feature'],
  ['', true, 'is not a feature'],
];

describe('a value of a feature', () => {
  it.each(VALUES)('%s %j: %s', (feature, value, fault) => {
    expect(featureFault(feature, value)).toBe(fault);
  });

  it('is tried above for every feature', () => {
    for (const feature of Object.keys(FEATURES)) {
      const faults = VALUES.filter(([name]) => name === feature).map(([, , fault]) => fault);
      expect(faults, feature).toContain(null);
    }
  });

  it('is counted per period only where it is a number', () => {
    for (const feature of COUNTED_FEATURES) expect(FEATURES[feature].type).toBe('integer');
  });
});

describe('the features of a subscription', () => {
  const plan = { 'access.members': true, 'window.days': 30, 'bookings.perPeriod': 8 };

  it('are those of its plan where it has none of its own', () => {
    expect(effectiveFeatures(plan, { overrides: {}, removals: [] })).toEqual(plan);
  });

  it('are its own where both say something', () => {
    const own = { overrides: { 'window.days': null, 'holds.concurrent': 2 }, removals: [] };
    expect(effectiveFeatures(plan, own)).toEqual({
      'access.members': true,
      'window.days': null,
      'bookings.perPeriod': 8,
      'holds.concurrent': 2,
    });
  });

  it('lack what was taken away, though it has one of its own', () => {
    const own = { overrides: { 'window.days': 90 }, removals: ['window.days', 'access.members'] };
    expect(effectiveFeatures(plan, own)).toEqual({ 'bookings.perPeriod': 8 });
  });

  it('leave the plan as it was', () => {
    effectiveFeatures(plan, { overrides: { 'window.days': 1 }, removals: ['access.members'] });
    expect(plan).toEqual({ 'access.members': true, 'window.days': 30, 'bookings.perPeriod': 8 });
  });
});

describe('the reading of a feature', () => {
  it.each([
    [{}, null],
    [{ 'window.days': null }, 'unlimited'],
    [{ 'window.days': 0 }, 0],
    [{ 'window.days': 30 }, 30],
    [{ 'window.days': 'many' }, null],
  ] as const)('as a number: %j is %s', (features, wanted) => {
    expect(integerOf(features, 'window.days')).toBe(wanted);
  });

  it.each([
    [{}, null],
    [{ categories: null }, null],
    [{ categories: [] }, []],
    [{ categories: ['tennis', 7] }, ['tennis']],
  ] as const)('as a list: %j is %j', (features, wanted) => {
    expect(listOf(features, 'categories')).toEqual(wanted);
  });
});
