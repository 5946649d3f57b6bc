/**
 * The features that a plan may grant, with the type of each value, and how a subscription's effective features are made.
 * A feature that is not here cannot be granted; a plan is never named. `null` is unlimited.
 */
import type { Json } from '../result.ts';
import type { Features } from '../subscription/plan.ts';

/** What a feature's value may be. Integers are not negative. */
export type FeatureType = 'boolean' | 'integer' | 'list' | 'bps';

/** Every feature, with its type and whether it may be unlimited. */
export const FEATURES = {
  /** Members' services are open. */
  'access.members': { type: 'boolean', canBeUnlimited: false },
  /** Slots held per period; a cancellation within policy gives them back. */
  'bookings.perPeriod': { type: 'integer', canBeUnlimited: true },
  /** Minutes held per period. */
  'minutes.perPeriod': { type: 'integer', canBeUnlimited: true },
  /** Live holds at one time, over all shards. */
  'holds.concurrent': { type: 'integer', canBeUnlimited: true },
  /** Days ahead that a slot may be held; takes the place of the service's own window. */
  'window.days': { type: 'integer', canBeUnlimited: true },
  /** Minutes before the general sale; unlimited is any time before. */
  'earlyAccess.minutes': { type: 'integer', canBeUnlimited: true },
  /** Categories of members' services; unlimited or absent is all of them. */
  categories: { type: 'list', canBeUnlimited: true },
  /** Taken off the price of every slot, in basis points. */
  'price.discountBps': { type: 'bps', canBeUnlimited: false },
  /** Slots per period that cost nothing. */
  'bookings.included': { type: 'integer', canBeUnlimited: true },
  /** People beyond the member per period, on members' services. */
  'guestPasses.perPeriod': { type: 'integer', canBeUnlimited: true },
  /** What each slot beyond `bookings.perPeriod` costs, in minor units of the plan's currency. */
  'overage.price': { type: 'integer', canBeUnlimited: false },
} as const satisfies Readonly<
  Record<string, { readonly type: FeatureType; readonly canBeUnlimited: boolean }>
>;

export type Feature = keyof typeof FEATURES;

/** Features whose uses are counted per period. */
export const COUNTED_FEATURES = [
  'bookings.perPeriod',
  'minutes.perPeriod',
  'bookings.included',
  'guestPasses.perPeriod',
] as const satisfies readonly Feature[];

/** What is wrong with a feature's value; null when nothing is. */
export function featureFault(feature: string, value: Json): string | null {
  if (!Object.hasOwn(FEATURES, feature)) return 'is not a feature';
  const { type, canBeUnlimited } = FEATURES[feature as Feature];
  if (value === null) return canBeUnlimited ? null : 'cannot be unlimited';
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false';
    case 'integer':
      return isCount(value) ? null : 'must be a whole number from 0 on';
    case 'bps':
      return isCount(value) && value <= 10_000 ? null : 'must be 0 to 10000 basis points';
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')
        ? null
        : 'must be a list of texts';
  }
}

/** The plan's features, with the subscription's own values over them and without what was removed. */
export function effectiveFeatures(
  plan: Features,
  own: { readonly overrides: Features; readonly removals: readonly string[] },
): Features {
  const removed = new Set(own.removals);
  const merged = Object.entries({ ...plan, ...own.overrides });
  return Object.fromEntries(merged.filter(([feature]) => !removed.has(feature)));
}

/** A whole number of a feature: its value, `unlimited`, or null where the plan says nothing. */
export function integerOf(features: Features, feature: Feature): number | 'unlimited' | null {
  if (!Object.hasOwn(features, feature)) return null;
  const value = features[feature];
  if (value === null) return 'unlimited';
  return typeof value === 'number' ? value : null;
}

/** A list of a feature; null for all. */
export function listOf(features: Features, feature: Feature): readonly string[] | null {
  const value = features[feature];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : null;
}

function isCount(value: Json): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
