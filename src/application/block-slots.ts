/**
 * Keeping slots and resources from sale. Synchronous, inside the shard's transaction. A block of a resource is an interval
 * that no claim may touch, so that it holds for slots of every service, and for those that are published later.
 */
import type { Caller, KeyedReply, Reply } from '../contracts/calls.ts';
import type { BlockReport, BlockView, UnblockReport } from '../contracts/http/blocks.ts';
import type { SlotView } from '../contracts/http/catalogue.ts';
import { formatInstant } from '../contracts/http/views.ts';
import type {
  BlockResourceCommand,
  BlockSlotCommand,
  ResourceBlock,
  UnblockResourceCommand,
} from '../contracts/shard-schedule.ts';
import { required } from '../domain/assert.ts';
import { BOOKING_MACHINE } from '../domain/booking/booking-machine.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { LIVE_HOLD_STATES } from '../domain/hold/hold-machine.ts';
import { step } from '../domain/machine.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { overlaps, type Interval } from '../domain/time.ts';
import { dropChange } from './booking-change.ts';
import { cancel } from './cancel-booking.ts';
import { namesAllStanding } from './cancel-slots.ts';
import { viewSlot } from './hold-lines.ts';
import { answerKeyed, type Decision } from './keyed-calls.ts';
import { actorOf } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';
import { moveHold } from './transitions.ts';

/** Holds and bookings that one block may end: all of it is one transaction. */
export const ENDED_AT_ONCE_MAX = 500;

type Ended = BlockReport['cancelled'];
type Kept = BlockReport['kept'];

/** `POST /v1/slots/{id}/block` and `/unblock`. Refusals: `not_found`, `slot_booked`, `slot_held`. */
export function blockSlot(shard: ShardState, command: BlockSlotCommand): KeyedReply<SlotView> {
  return keyed(shard, command, () => {
    const slot = shard.inventory.slot(command.slotId);
    const isKnown = slot !== null && !shard.inventory.isWithdrawn(slot);
    if (!isKnown || !shard.isManagedBy(command.caller))
      return refuse('not_found', 'There is no such slot.');
    if (slot.blockedReason === command.reason) return ok(viewSlot(shard, slot));
    const keeper = command.reason === null ? null : shard.inventory.keeper(slot.id);
    if (keeper === 'booked') return refuse('slot_booked', 'Somebody has booked the slot.');
    if (keeper === 'held') return refuse('slot_held', 'Somebody holds the slot at this moment.');
    const changed = { ...slot, blockedReason: command.reason, version: slot.version + 1 };
    shard.store.updateSlot(changed, shard.inventory.isLeaving(slot.id) ? 'leaving' : 'open');
    shard.inventory.putSlot(changed);
    const isBlocked = command.reason !== null;
    shard.record({
      entityId: slot.id,
      parentId: slot.serviceId,
      type: isBlocked ? 'slot.blocked' : 'slot.unblocked',
      from: slot.blockedReason === null ? 'open' : 'blocked',
      to: isBlocked ? 'blocked' : 'open',
      actor: actorOf(shard, command.caller),
      reason: command.reason,
    });
    return ok(viewSlot(shard, changed));
  });
}

/** `POST /v1/resources/{id}/blocks`. Refusals: `not_found`, `validation_failed` where too much would end at once. */
export function blockResource(
  shard: ShardState,
  command: BlockResourceCommand,
): KeyedReply<BlockReport> {
  return keyed(shard, command, () => {
    const { resourceId, over, caller, reason } = command;
    if (shard.inventory.resource(resourceId) === null || !shard.isManagedBy(caller))
      return refuse('not_found', 'There is no such resource.');
    const inTheWay = shard.store
      .holdsOn(resourceId, over)
      .map((id) => required(shard.store.hold(id), 'a live claim has its hold'));
    if (command.cancelsBookings && inTheWay.length > ENDED_AT_ONCE_MAX) {
      const detail = `at most ${ENDED_AT_ONCE_MAX} bookings end at once; there are ${inTheWay.length}`;
      return refuse('validation_failed', 'Too much is booked there to be cancelled at once.', {
        errors: [{ pointer: '/to', detail }],
      });
    }
    const block = openBlock(shard, { ...over, resourceId, reason, caller });
    const { cancelled, kept } = command.cancelsBookings
      ? endAll(shard, inTheWay, command)
      : { cancelled: [], kept: inTheWay.flatMap((hold) => keptSlots(hold, command)) };
    const blocked = slotsOn(shard, resourceId, over).filter(
      ({ status }) => status === 'blocked' || status === 'available',
    );
    return ok({
      ...blockView(block),
      slots: blocked.map(({ id, status, remaining }) => ({ slotId: id, status, remaining })),
      cancelled,
      kept,
    });
  });
}

/** `POST /v1/resources/{id}/unblock`. Refusals: `not_found`. */
export function unblockResource(
  shard: ShardState,
  command: UnblockResourceCommand,
): KeyedReply<UnblockReport> {
  return keyed(shard, command, () => {
    const { resourceId, over, caller } = command;
    if (shard.inventory.resource(resourceId) === null || !shard.isManagedBy(caller))
      return refuse('not_found', 'There is no such resource.');
    const touched = blocksOf(shard, resourceId).filter((block) => overlaps(block, over));
    for (const block of touched) {
      closeBlock(shard, block, caller);
      const { reason, startAtMs, endAtMs } = block;
      if (startAtMs < over.startAtMs)
        openBlock(shard, { resourceId, reason, caller, startAtMs, endAtMs: over.startAtMs });
      if (endAtMs > over.endAtMs)
        openBlock(shard, { resourceId, reason, caller, startAtMs: over.endAtMs, endAtMs });
    }
    const opened = slotsOn(shard, resourceId, over).filter(({ status }) => status === 'available');
    return ok({
      ended: touched.map(({ id }) => id),
      slots: opened.map(({ id, status, remaining }) => ({ slotId: id, status, remaining })),
    });
  });
}

/** `GET /v1/resources/{id}/blocks`: those that are not over, for whoever manages the resource. Refusals: `not_found`. */
export function listBlocks(
  shard: ShardState,
  query: { readonly caller: Caller; readonly resourceId: string },
): Reply<{ data: BlockView[] }> {
  const { resourceId, caller } = query;
  if (shard.inventory.resource(resourceId) === null || !shard.isManagedBy(caller))
    return refuse('not_found', 'There is no such resource.');
  const open = blocksOf(shard, resourceId).filter(({ endAtMs }) => endAtMs > shard.nowMs);
  return ok({ data: open.map(blockView) });
}

function keyed<T>(
  shard: ShardState,
  command: Pick<BlockSlotCommand, 'caller' | 'call'>,
  decide: () => Result<T>,
): KeyedReply<T> {
  const decision = (): Decision<T> => {
    const result = decide();
    return result.ok ? { ...result, status: 200 } : result;
  };
  if (command.call === null) return { ...decision(), replayed: false };
  return answerKeyed(shard, { callerId: command.caller.id, call: command.call }, decision);
}

function openBlock(
  shard: ShardState,
  wanted: Interval & { resourceId: string; reason: string; caller: Caller },
): ResourceBlock {
  const { caller, ...fields } = wanted;
  const block: ResourceBlock = {
    ...fields,
    id: shard.ports.ids.mintInShard('blk', shard.shardKey),
    createdAtMs: shard.nowMs,
  };
  shard.store.insertBlock(block);
  shard.inventory.block(block.resourceId, block);
  recordBlock(shard, block, { to: 'blocked', caller });
  return block;
}

function closeBlock(shard: ShardState, block: ResourceBlock, caller: Caller): void {
  shard.store.deleteBlock(block.id);
  shard.inventory.unblock(block.resourceId, block);
  recordBlock(shard, block, { to: 'open', caller });
}

function recordBlock(
  shard: ShardState,
  block: ResourceBlock,
  change: { to: 'blocked' | 'open'; caller: Caller },
): void {
  shard.record({
    entityId: block.id,
    parentId: block.resourceId,
    type: change.to === 'blocked' ? 'resource.blocked' : 'resource.unblocked',
    from: change.to === 'blocked' ? 'open' : 'blocked',
    to: change.to,
    actor: actorOf(shard, change.caller),
    reason: block.reason,
    metadata: { startAtMs: block.startAtMs, endAtMs: block.endAtMs },
  });
}

/** Ends every hold and booking in the way; one whose money is being taken at this moment has to stay. */
function endAll(
  shard: ShardState,
  holds: readonly Hold[],
  command: BlockResourceCommand,
): { cancelled: Ended; kept: Kept } {
  const cancelled: Ended = [];
  const kept: Kept = [];
  for (const hold of holds) {
    const slotIds = metSlots(shard, hold, command);
    if (end(shard, hold, command)) cancelled.push({ bookingId: hold.bookingId, slotIds });
    else kept.push(...keptSlots(hold, command));
  }
  return { cancelled, kept };
}

function end(shard: ShardState, hold: Hold, command: BlockResourceCommand): boolean {
  const { caller, reason } = command;
  if (hold.bookingId === null) {
    moveHold(shard, hold, { event: 'release', actor: actorOf(shard, caller), reason });
    return true;
  }
  const booking = required(shard.store.booking(hold.bookingId), 'a hold names its booking');
  if (booking.change?.holdId === hold.id) {
    dropChange(shard, booking.id, { actor: actorOf(shard, caller), reason });
    shard.wakeUps.add(booking.id);
    return true;
  }
  if (!step(BOOKING_MACHINE, booking.state, 'cancel').ok) return false;
  const slotIds = metSlots(shard, hold, command);
  const isPart = booking.state === 'confirmed' && !namesAllStanding(booking, slotIds);
  const refusal = cancel(shard, {
    caller,
    bookingId: booking.id,
    reason,
    ...(isPart ? { slotIds } : {}),
  });
  if (refusal !== null) return false;
  // The money goes back by way of the queue: nobody waits here for a processor.
  shard.wakeUps.add(booking.id);
  if (isPart) return true;
  const after = required(shard.store.hold(hold.id), 'a hold stays');
  return !LIVE_HOLD_STATES.has(after.state);
}

/** The slots of a hold whose claims a block meets, buffers included: those of a series, and not the other weeks. */
function metSlots(
  shard: ShardState,
  hold: Hold,
  { resourceId, over }: BlockResourceCommand,
): string[] {
  const met = shard.store
    .claimsOf(hold.id)
    .filter((claim) => claim.resourceId === resourceId && overlaps(claim.span, over));
  return [...new Set(met.map(({ slotId }) => slotId))];
}

/** The slots of a hold that a block meets, with who keeps them. */
function keptSlots(hold: Hold, { resourceId, over }: BlockResourceCommand): Kept {
  const reason = hold.state === 'committed' ? ('booked' as const) : ('held' as const);
  return hold.items
    .filter((item) => item.resourceIds.includes(resourceId) && overlaps(item, over))
    .map(({ slotId }) => ({ slotId, bookingId: hold.bookingId, reason }));
}

/** Slots ahead, of all services, that a block of a resource meets, buffers included, as they are seen now. */
function slotsOn(shard: ShardState, resourceId: string, span: Interval): SlotView[] {
  const { inventory, nowMs } = shard;
  return [...inventory.serviceIds()]
    .flatMap((id) => [...inventory.slotsOver(id, { resourceId, span })])
    .filter(({ startAtMs }) => startAtMs > nowMs)
    .toSorted((a, b) => a.startAtMs - b.startAtMs)
    .slice(0, REPORTED_SLOTS_MAX)
    .map((slot) => viewSlot(shard, slot));
}

/** Slots that a report names at most: the block holds for all of them, named or not. */
const REPORTED_SLOTS_MAX = 1_000;

function blocksOf(shard: ShardState, resourceId: string): ResourceBlock[] {
  return shard.store.blocks().filter((block) => block.resourceId === resourceId);
}

function blockView(block: ResourceBlock): BlockView {
  return {
    id: block.id,
    resourceId: block.resourceId,
    from: formatInstant(block.startAtMs),
    to: formatInstant(block.endAtMs),
    reason: block.reason,
    createdAt: formatInstant(block.createdAtMs),
  };
}
