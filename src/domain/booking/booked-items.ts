/** The slots of a booking: those that stand, and what is left of those that were cancelled by themselves. Pure. */
import type { HoldItem } from '../hold/hold.ts';

/** The items that were not cancelled by themselves. A booking always has one: with the last of them it is cancelled whole. */
export function standing<T extends Pick<HoldItem, 'cancelled'>>(items: readonly T[]): T[] {
  return items.filter(({ cancelled }) => cancelled === null);
}

/** What cancellations of single slots kept of their prices, in minor units. */
export function keptMinor(items: readonly Pick<HoldItem, 'cancelled'>[]): number {
  return items.reduce((kept, { cancelled }) => kept + (cancelled?.keptMinor ?? 0), 0);
}
