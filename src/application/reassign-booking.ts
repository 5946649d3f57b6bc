/**
 * Moving a booking to another resource of its service at the same time: by its seller, all of it or nothing. Price and
 * ladder stay as they are. Synchronous, inside the shard's transaction.
 */
import { required } from '../domain/assert.ts';
import { standing } from '../domain/booking/booked-items.ts';
import type { Booking } from '../domain/booking/booking.ts';
import type { Hold, HoldItem } from '../domain/hold/hold.ts';
import type { Slot } from '../domain/inventory/cards.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import { slotUnavailable } from './alternatives.ts';
import { assignments, findLines, type SlotLine } from './hold-lines.ts';
import type { ShardState } from './shard-state.ts';

/**
 * Everything that is not over and not on the resource already. Refusals: invalid_transition, validation_failed (no resource
 * that its service may choose), slot_unavailable.
 */
export function reassign(
  shard: ShardState,
  booking: Booking,
  { resourceId, actor }: { resourceId: string; actor: string },
): Refusal | null {
  const { state } = booking;
  if (state !== 'confirmed' && state !== 'in_progress')
    return refuse('invalid_transition', `A booking that is ${state} cannot be moved.`, {
      status: state,
    }).refusal;
  if (booking.change !== null)
    return refuse('invalid_transition', 'The booking is moving to other slots.', { status: state })
      .refusal;
  const leaving = standing(booking.items).filter(
    (item) => item.endAtMs > shard.nowMs && !item.resourceIds.includes(resourceId),
  );
  if (leaving.length === 0) return null;
  const lines = required(
    findLines(
      shard,
      leaving.map(({ slotId }) => slotId),
    ),
    'a booking has its slots',
  );
  const unfit = lines.some(({ slot, service }) => {
    const isChosen = slot.resourceId !== null || service.allocation === 'any';
    return !isChosen || !service.resourceIds.includes(resourceId);
  });
  if (unfit) {
    return refuse('validation_failed', 'The service cannot take this resource instead.', {
      errors: [{ pointer: '/resourceId', detail: 'is not one that the service chooses from' }],
    }).refusal;
  }
  return move(shard, booking, { leaving, lines, resourceId, actor });
}

function move(
  shard: ShardState,
  booking: Booking,
  to: {
    leaving: readonly HoldItem[];
    lines: readonly SlotLine[];
    resourceId: string;
    actor: string;
  },
): Refusal | null {
  const { leaving, resourceId, actor } = to;
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  const before = shard.store.claimsOf(hold.id);
  const gone = new Set(leaving.map(({ slotId }) => slotId));
  const lines = to.lines.map((line) => ({ ...line, slot: slotOn(shard, line, resourceId) }));
  const { quantity, units, fareId } = hold;
  const outcome = shard.inventory.rearrange(
    { before, kept: before.filter(({ slotId }) => !gone.has(slotId)) },
    { slots: lines, quantity, units, fareId, isOwn: true },
  );
  if (!outcome.ok) {
    const asked = { lines, quantity, fareId, ownerIds: [booking.customerId] };
    return slotUnavailable(shard, { ...asked, conflicts: outcome.conflicts }).refusal;
  }
  const assigned = assignments(lines, outcome.claims);
  const items = booking.items.map((item): HoldItem => {
    const index = leaving.indexOf(item);
    const line = lines[index];
    return line === undefined ? item : { ...item, slotId: line.slot.id, ...assigned[index] };
  });
  shard.replaceClaims(hold, outcome.claims);
  write(shard, { booking, hold, items });
  shard.record({
    entityId: booking.id,
    parentId: null,
    type: 'booking.reassigned',
    from: booking.state,
    to: booking.state,
    actor,
    metadata: {
      resourceId,
      resourcesBefore: [...new Set(leaving.flatMap(({ resourceIds }) => resourceIds))],
      slotIds: [...gone],
    },
  });
  return null;
}

function write(
  shard: ShardState,
  { booking, hold, items }: { booking: Booking; hold: Hold; items: readonly HoldItem[] },
): void {
  shard.saveHold(hold, { ...hold, items });
  shard.saveBooking({ ...booking, items, rescheduledAtMs: shard.nowMs });
}

/** The slot of the same interval that is sold on the resource by itself, or else this slot, on that resource. */
function slotOn(shard: ShardState, { slot, service }: SlotLine, resourceId: string): Slot {
  const { startAtMs, endAtMs } = slot;
  const twin =
    slot.resourceId === null
      ? null
      : shard.inventory.findSlot(service.id, { startAtMs, endAtMs, resourceId });
  return twin ?? { ...slot, resourceId };
}
