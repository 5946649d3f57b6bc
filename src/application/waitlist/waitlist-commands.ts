/**
 * Waiting lines as customers and sellers see them: join, read, leave. Synchronous, inside the shard's transaction. Who
 * gets what is free is decided elsewhere, by the order of the line.
 */
import {
  identitiesOf,
  isOwnedBy,
  type Caller,
  type KeyedReply,
  type Reply,
} from '../../contracts/calls.ts';
import type { WaitlistEntryView, WaitlistLineView } from '../../contracts/http/waitlist.ts';
import { formatInstant } from '../../contracts/http/views.ts';
import type { JoinWaitlistCommand, ReadLineQuery } from '../../contracts/shard-waitlist.ts';
import { required } from '../../domain/assert.ts';
import { fareOf } from '../../domain/hold/slot-price.ts';
import { ok, refuse, type Refusal } from '../../domain/result.ts';
import { IN_LINE_STATES } from '../../domain/waitlist/waitlist-machine.ts';
import type { WaitlistEntry } from '../../domain/waitlist/waitlist.ts';
import { slotUnavailable } from '../alternatives.ts';
import { findLines, type SlotLine } from '../hold-lines.ts';
import { answerKeyed, type Decision } from '../keyed-calls.ts';
import { actorOf } from '../read-booking.ts';
import type { ShardState } from '../shard-state.ts';
import { moveHold } from '../transitions.ts';
import { entriesOn } from './claim-for-customer.ts';
import { lastOffer } from './make-offers.ts';
import { moveEntry } from './move-entry.ts';

/** Lines in which one customer may stand at a time in a shard: offers keep others out. */
export const LINES_PER_CUSTOMER_MAX = 20;

/** `POST /v1/slots/{id}/waitlist`. */
export function joinWaitlist(
  shard: ShardState,
  command: JoinWaitlistCommand,
): KeyedReply<WaitlistEntryView> {
  const decide = (): Decision<WaitlistEntryView> => {
    const [line] = findLines(shard, [command.slotId]) ?? [];
    if (line === undefined || shard.inventory.isWithdrawn(line.slot))
      return refuse('not_found', 'There is no such slot.');
    const refusal = joinRefusal(shard, line, command);
    if (refusal !== null) return { ok: false, refusal };
    return { ok: true, status: 201, value: entryView(shard, join(shard, line, command)) };
  };
  if (command.call === null) return { ...decide(), replayed: false };
  return answerKeyed(shard, { callerId: command.caller.id, call: command.call }, decide);
}

/** `GET /v1/waitlist/{id}`: for its customer, the seller and operators. Refusals: `not_found`. */
export function readEntry(shard: ShardState, caller: Caller, id: string): Reply<WaitlistEntryView> {
  const entry = visibleEntry(shard, caller, id);
  return entry === null
    ? refuse('not_found', 'There is no such entry.')
    : ok(entryView(shard, entry));
}

/** `DELETE /v1/waitlist/{id}`: leaves the line, or declines the offer; again changes nothing. Refusals: `not_found`. */
export function leaveWaitlist(shard: ShardState, caller: Caller, id: string): Reply<null> {
  const entry = visibleEntry(shard, caller, id);
  if (entry === null) return refuse('not_found', 'There is no such entry.');
  if (!IN_LINE_STATES.has(entry.state)) return ok(null);
  const actor = actorOf(shard, caller);
  moveEntry(shard, entry, { event: 'leave', actor });
  if (entry.holdId !== null) {
    const hold = required(shard.store.hold(entry.holdId), 'an offer has its hold');
    moveHold(shard, hold, { event: 'release', actor, reason: 'the offer was declined' });
  }
  return ok(null);
}

/** `GET /v1/slots/{id}/waitlist`: the line, for the seller and operators, one page. Refusals: `not_found`. */
export function readLine(shard: ShardState, query: ReadLineQuery): Reply<WaitlistLineView> {
  const slot = shard.inventory.slot(query.slotId);
  if (slot === null || !shard.isManagedBy(query.caller))
    return refuse('not_found', 'There is no such slot.');
  const rest = shard.waitlist.line(slot.id).filter(({ seq }) => seq > query.afterSeq);
  const page = rest.slice(0, query.limit);
  const last = rest.length > query.limit ? page.at(-1) : undefined;
  return ok({
    data: page.map((entry) => ({ ...entryView(shard, entry), customerId: entry.customerId })),
    nextSeq: last?.seq ?? null,
  });
}

/** In the order of their precedence. */
function joinRefusal(
  shard: ShardState,
  line: SlotLine,
  command: JoinWaitlistCommand,
): Refusal | null {
  const { slot, service } = line;
  const { quantity, fareId, caller } = command;
  if ((slot.fares !== null || fareId !== null) && fareOf(slot, fareId) === null)
    return refuse('validation_failed', 'Name a fare of the slot.', {
      errors: [
        {
          pointer: '/fareId',
          detail: fareId === null ? 'the slot is sold by fares' : `there is no fare ${fareId}`,
        },
      ],
    }).refusal;
  const most = Math.min(service.maxQuantity, shard.inventory.capacityOf(slot));
  if (quantity > most)
    return refuse('quantity_limit_exceeded', `${service.name} sells at most ${most} at a time.`, {
      maxQuantity: most,
    }).refusal;
  const { status } = shard.inventory.availability(slot, shard.nowMs);
  if (status === 'blocked' || shard.inventory.isLeaving(slot.id)) {
    const asked = { lines: [line], quantity, fareId, ownerIds: identitiesOf(caller) };
    return slotUnavailable(shard, { ...asked, conflicts: [slot.id] }).refusal;
  }
  const refusal = timeRefusal(shard, line);
  if (refusal !== null) return refusal;
  const [known] = entriesOn(shard, identitiesOf(caller), [line]);
  if (known !== undefined)
    return refuse('invalid_transition', 'You stand in this line already.', {
      waitlistId: known.id,
      status: known.state,
    }).refusal;
  if (shard.inventory.canClaim(line, { quantity, units: null, fareId }))
    return refuse('invalid_transition', 'The slot is free: hold it.', { slotId: slot.id }).refusal;
  if (shard.waitlist.linesOf(caller.id) < LINES_PER_CUSTOMER_MAX) return null;
  return refuse('hold_limit_reached', `At most ${LINES_PER_CUSTOMER_MAX} lines at a time.`, {
    limit: LINES_PER_CUSTOMER_MAX,
    retryAfterSeconds: 60,
  }).refusal;
}

function timeRefusal(shard: ShardState, line: SlotLine): Refusal | null {
  const { slot } = line;
  if (slot.startAtMs <= shard.nowMs)
    return refuse('slot_past', 'The slot has started.', { slotId: slot.id }).refusal;
  if (lastOffer(shard, line) >= shard.nowMs) return null;
  return refuse('notice_too_short', 'It is too late to wait for this slot.', { slotId: slot.id })
    .refusal;
}

function join(
  shard: ShardState,
  line: SlotLine,
  { caller, quantity, fareId }: JoinWaitlistCommand,
): WaitlistEntry {
  const fresh = {
    id: shard.ports.ids.mintInShard('wtl', shard.shardKey),
    slotId: line.slot.id,
    serviceId: line.service.id,
    customerId: caller.id,
    quantity,
    fareId,
    state: 'waiting',
    holdId: null,
    offerEndsAtMs: null,
    isTold: false,
    createdAtMs: shard.nowMs,
  } as const;
  const entry: WaitlistEntry = { ...fresh, seq: shard.store.insertEntry(fresh) };
  shard.waitlist.put(entry);
  shard.deadlines.push(lastOffer(shard, line) + 1, entry.id);
  shard.record({
    entityId: entry.id,
    parentId: entry.slotId,
    type: 'waitlist.waiting',
    from: null,
    to: 'waiting',
    actor: `customer:${caller.id}`,
    metadata: { quantity, fareId },
  });
  return entry;
}

function visibleEntry(shard: ShardState, caller: Caller, id: string): WaitlistEntry | null {
  const entry = shard.waitlist.entry(id) ?? shard.store.waitlistEntry(id);
  if (entry === null) return null;
  return isOwnedBy(caller, entry.customerId) || shard.isManagedBy(caller) ? entry : null;
}

function entryView(shard: ShardState, entry: WaitlistEntry): WaitlistEntryView {
  return {
    id: entry.id,
    slotId: entry.slotId,
    quantity: entry.quantity,
    fareId: entry.fareId,
    position: shard.waitlist.position(entry),
    status: entry.state,
    ...(entry.offerEndsAtMs === null
      ? {}
      : { offer: { expiresAt: formatInstant(entry.offerEndsAtMs) } }),
    createdAt: formatInstant(entry.createdAtMs),
  };
}
