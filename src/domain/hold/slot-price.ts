/**
 * What a slot costs before anybody's terms: the price of its fare, else its own, else its service's, for the slot or for
 * the hours that are held. Pure; the first step of a hold's price.
 */
import type { Fare, ServiceCard, Slot, TaxRule } from '../inventory/cards.ts';
import { allocate, scaled, type Money } from '../money.ts';
import { HOUR_MS } from '../time.ts';

/** A slot to be priced. */
export interface PricedThing {
  readonly serviceId: string;
  readonly label: string;
  /** For one unit, and for an hour where it is sold by the hour. */
  readonly price: Money;
  readonly priceType: ServiceCard['priceType'];
  readonly lengthMs: number;
  readonly tax: TaxRule | null;
}

/** The fare of a slot by its id; null where it has none of that name. */
export function fareOf(slot: Slot, fareId: string | null): Fare | null {
  return slot.fares?.find(({ id }) => id === fareId) ?? null;
}

/** What a slot of a service is sold at. */
export function pricedThing(
  { slot, service }: { readonly slot: Slot; readonly service: ServiceCard },
  fareId: string | null,
): PricedThing {
  const fare = fareOf(slot, fareId);
  return {
    serviceId: service.id,
    label: fare === null ? service.name : `${service.name}, ${fare.name}`,
    price: fare?.price ?? slot.price ?? service.price,
    priceType: service.priceType,
    lengthMs: slot.endAtMs - slot.startAtMs,
    tax: service.tax,
  };
}

/**
 * What the whole quantity of each comes to, in minor units. Hours of one service at one price are rounded once together,
 * to the nearest with a half up, and shared out by length: three slots of 20 minutes cost what one of an hour does. What
 * is quoted later costs nothing yet.
 */
export function grossOf(things: readonly PricedThing[], quantity: number): number[] {
  const gross = things.map(({ price, priceType }) =>
    priceType === 'fixed' ? price.amount * quantity : 0,
  );
  const hourly = things
    .map((thing, index) => ({ thing, index }))
    .filter(({ thing }) => thing.priceType === 'hourly');
  const together = Map.groupBy(hourly, ({ thing }) => `${thing.serviceId} ${thing.price.amount}`);
  for (const group of together.values()) {
    const lengths = group.map(({ thing }) => thing.lengthMs);
    const by = lengths.reduce((total, lengthMs) => total + lengthMs, 0);
    const hourMinor = (group[0]?.thing.price.amount ?? 0) * quantity;
    const shares = allocate(scaled(hourMinor, { by, over: HOUR_MS }), lengths);
    for (const [place, { index }] of group.entries()) gross[index] = shares[place] ?? 0;
  }
  return gross;
}
