/** What a customer has of a service on one day by the venue's clock: a day of 23 hours is a day. Synchronous, in the shard. */
import { formatLocal } from '../contracts/http/views.ts';
import type { ServiceCard, Slot } from '../domain/inventory/cards.ts';
import type { LocalDate } from '../domain/local-date.ts';
import { firstAtOrAfter } from '../domain/inventory/slot-book.ts';
import { DAY_MS, type EpochMs, type Interval } from '../domain/time.ts';
import type { ShardState } from './shard-state.ts';

/** Longer than any day of a clock, so that all of it is looked at. */
const DAY_MS_MAX = DAY_MS + DAY_MS / 4;
const DATE_LENGTH = 10;

/** The date that the venue's clock shows. */
export function venueDate({ timeZone }: Pick<ServiceCard, 'timeZone'>, atMs: EpochMs): LocalDate {
  return formatLocal(atMs, timeZone).slice(0, DATE_LENGTH);
}

/** Units held and booked on the date of a slot, visits of that day which are over among them. */
export function unitsOnDateOf(
  shard: ShardState,
  callerId: string,
  { service, slot }: { readonly service: ServiceCard; readonly slot: Slot },
): number {
  const date = venueDate(service, slot.startAtMs);
  const starts = {
    startAtMs: slot.startAtMs - DAY_MS_MAX,
    endAtMs: slot.startAtMs + DAY_MS_MAX,
  };
  return (
    shard.store
      .liveUnitsIn({ service, starts, slotIds: slotsWithNames(shard, service, starts) })
      .filter(({ startAtMs }) => venueDate(service, startAtMs) === date)
      // What is offered to a customer is not theirs yet.
      .filter(({ holdId }) => !shard.waitlist.isOffer(holdId))
      .filter(
        ({ callerId: known, holdId }) => (known ?? shard.store.hold(holdId)?.callerId) === callerId,
      )
      .reduce((total, { quantity }) => total + quantity, 0)
  );
}

/** Slots whose claims name units; none where the service has no named units. */
function slotsWithNames(shard: ShardState, service: ServiceCard, starts: Interval): string[] {
  const { inventory } = shard;
  if (service.resourceIds.every((id) => (inventory.resource(id)?.units ?? null) === null))
    return [];
  const schedule = inventory.schedule(service.id);
  const first = firstAtOrAfter(schedule, starts.startAtMs);
  const last = firstAtOrAfter(schedule, starts.endAtMs);
  return schedule.slice(first, last).map(({ id }) => id);
}
