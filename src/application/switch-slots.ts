/**
 * The moment in which a booking changes its slots: the claims that it will have are found with its own out of the way, and
 * take the place of those that it has. Synchronous, inside the shard's transaction.
 */
import { required } from '../domain/assert.ts';
import type { Booking } from '../domain/booking/booking.ts';
import type { MovedSale } from '../domain/booking/moved-slots.ts';
import type { Hold } from '../domain/hold/hold.ts';
import type { Claim } from '../domain/inventory/claim.ts';
import { ok, type Result } from '../domain/result.ts';
import { slotUnavailable } from './alternatives.ts';
import { earningPayments, refundAcross } from './booking-refunds.ts';
import { assignments, type SlotLine } from './hold-lines.ts';
import { settleShares } from './money-facts.ts';
import type { ShardState } from './shard-state.ts';
import { entriesOn, serveEntries, withoutOffers } from './waitlist/claim-for-customer.ts';

/** Slots that leave a booking, and those that come. */
export interface SlotSwitch {
  readonly leaving: readonly string[];
  readonly lines: readonly SlotLine[];
  /** They were taken for it before: that they are no longer sold keeps it out no more. */
  readonly isOwn?: boolean;
}

/** The claims that the booking would have. Named units move along where they can. Refusals: slot_unavailable. */
export function claimsFor(
  shard: ShardState,
  { id, callerId, quantity, units, fareId }: Hold,
  { leaving, lines, isOwn = false }: SlotSwitch,
): Result<readonly Claim[]> {
  const before = shard.store.claimsOf(id);
  const kept = before.filter(({ slotId }) => !leaving.includes(slotId));
  const offered = entriesOn(shard, [callerId], lines);
  const attempt = (named: readonly string[] | null) =>
    withoutOffers(shard, offered, () =>
      shard.inventory.rearrange(
        { before, kept },
        { slots: lines, quantity, units: named, fareId, isOwn },
      ),
    );
  const first = attempt(units);
  const outcome = first.ok || units === null ? first : attempt(null);
  if (outcome.ok) return ok(outcome.claims);
  const asked = { lines, quantity, fareId, ownerIds: [callerId] };
  return slotUnavailable(shard, { ...asked, conflicts: outcome.conflicts });
}

/** The new slots are the booking's from here on, and the old ones are free. */
export function switchOver(
  shard: ShardState,
  { booking, hold }: { booking: Booking; hold: Hold },
  change: SlotSwitch & {
    readonly sale: Pick<MovedSale, 'items' | 'quote' | 'backMinor'>;
    readonly claims: readonly Claim[];
    readonly actor: string;
  },
): void {
  const { sale, claims, actor, lines, leaving } = change;
  settleShares(shard, booking);
  const assigned = new Map(
    assignments(lines, claims).map((one, index) => [lines[index]?.slot.id, one]),
  );
  const items = sale.items.map((item) =>
    item.cancelled === null ? { ...item, ...assigned.get(item.slotId) } : item,
  );
  serveEntries(shard, entriesOn(shard, [booking.customerId], lines), actor);
  shard.replaceClaims(hold, claims);
  shard.saveHold(hold, { ...hold, items });
  const moved = shard.saveBooking({
    ...required(shard.store.booking(booking.id), 'a booking stays'),
    items,
    quote: sale.quote,
    change: null,
    rescheduledAtMs: shard.nowMs,
  });
  shard.watchBooking(moved);
  const refunded = refundAcross(shard, earningPayments(shard, booking.id), {
    amountMinor: sale.backMinor,
    reason: 'moved to a cheaper slot',
    actor,
  });
  shard.record({
    entityId: booking.id,
    parentId: null,
    type: 'booking.rescheduled',
    from: booking.state,
    to: booking.state,
    actor,
    metadata: {
      slotsBefore: leaving,
      slotsAfter: lines.map(({ slot }) => slot.id),
      refunded,
      total: sale.quote.totalMinor,
      currency: sale.quote.currency,
    },
  });
}
