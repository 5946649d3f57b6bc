/**
 * Offers: what becomes free is reserved for those who wait, first come first served, before anybody else is served. An
 * offer is a hold of its own kind: its claims net it from what is left, its deadline ends it, storage guards it.
 * Synchronous, inside the shard's transaction; called after every command and after deadlines have passed.
 */
import { customerLimitRefusal, NO_ACCESS, type Hold } from '../../domain/hold/hold.ts';
import type { Claim } from '../../domain/inventory/claim.ts';
import { lastOfferAtMs, type WaitlistEntry } from '../../domain/waitlist/waitlist.ts';
import { holdFacts } from '../hold-facts.ts';
import { assignments, findLines, type SlotLine } from '../hold-lines.ts';
import { CLOCK_ACTOR, type ShardState } from '../shard-state.ts';
import { moveEntry } from './move-entry.ts';

/** The actor of offers. */
const WAITLIST_ACTOR = 'system:waitlist';

/** Runs a command; what it frees is offered before anybody else decides. */
export function decideAndOffer<T>(shard: ShardState, command: (shard: ShardState) => T): T {
  const decided = command(shard);
  makeOffers(shard);
  return decided;
}

/**
 * Offers what has become free. Within a line whoever came first is asked first; an entry that wants more than is free
 * keeps its place, and the next that fits is served.
 */
export function makeOffers(shard: ShardState): void {
  const waiting = shard.waitlist.takeTouched();
  if (waiting.length === 0) return;
  // What could not be had for one cannot be had for whoever wants as much or more: offers only take.
  const refused = new Map<string, number>();
  for (const entry of waiting) {
    const wish = `${entry.slotId} ${entry.fareId ?? ''}`;
    if (entry.quantity >= (refused.get(wish) ?? Number.POSITIVE_INFINITY)) continue;
    if (!offer(shard, entry)) refused.set(wish, entry.quantity);
  }
  shard.waitlist.forgetTouched();
}

/** The time for offers of a slot has passed: whoever still waits for it waits in vain. */
export function passLastOffer(shard: ShardState, entryId: string): void {
  const entry = shard.waitlist.entry(entryId);
  if (entry?.state !== 'waiting') return;
  const [line] = findLines(shard, [entry.slotId]) ?? [];
  const untilMs = line === undefined ? shard.nowMs : lastOffer(shard, line);
  if (untilMs >= shard.nowMs && line !== undefined) {
    shard.deadlines.push(untilMs + 1, entry.id); // The notice of the service has changed meanwhile.
    return;
  }
  close(shard, entry, 'an offer would end too late');
}

/** Ends an entry that can never be offered anything; it was refused for no want of units. */
function close(shard: ShardState, entry: WaitlistEntry, reason: string): true {
  moveEntry(shard, entry, { event: 'close', actor: CLOCK_ACTOR, reason });
  return true;
}

/** The last instant at which an offer of the slot may begin. */
export function lastOffer(shard: ShardState, { slot, service }: SlotLine): number {
  return lastOfferAtMs(slot, service, shard.ports.offerMs);
}

/** Reserves the units for an entry; false where there are not enough. Whoever may not have them is passed over. */
function offer(shard: ShardState, entry: WaitlistEntry): boolean {
  const [line] = findLines(shard, [entry.slotId]) ?? [];
  if (line === undefined || lastOffer(shard, line) < shard.nowMs) return false;
  if (shard.inventory.isWithdrawn(line.slot))
    return close(shard, entry, 'the slot is not for sale any more');
  if (isAtLimit(shard, entry, line)) return true;
  const { quantity, fareId } = entry;
  const outcome = shard.inventory.claim({ slots: [line], quantity, units: null, fareId });
  if (!outcome.ok) return false;
  const hold = offerHold(shard, { entry, line, claims: outcome.claims });
  shard.openHold(hold, outcome.claims);
  shard.record({
    entityId: hold.id,
    parentId: entry.id,
    type: 'hold.active',
    from: null,
    to: 'active',
    actor: WAITLIST_ACTOR,
    metadata: { slotIds: [entry.slotId], quantity, expiresAtMs: hold.expiresAtMs },
  });
  moveEntry(shard, entry, {
    event: 'offer',
    actor: WAITLIST_ACTOR,
    offer: { holdId: hold.id, offerEndsAtMs: hold.expiresAtMs },
    metadata: { holdId: hold.id, quantity, expiresAtMs: hold.expiresAtMs },
  });
  return true;
}

function isAtLimit(shard: ShardState, entry: WaitlistEntry, line: SlotLine): boolean {
  const facts = holdFacts(shard, {
    ownerIds: [entry.customerId],
    quantity: entry.quantity,
    access: NO_ACCESS,
    lines: [line],
  });
  return customerLimitRefusal(facts) !== null;
}

/** It has no price: whoever takes the offer holds the slot by the ordinary rules, at the price of then. */
function offerHold(
  shard: ShardState,
  { entry, line, claims }: { entry: WaitlistEntry; line: SlotLine; claims: readonly Claim[] },
): Hold {
  const { slot, service } = line;
  const { offerMs, ids } = shard.ports;
  const [assigned] = assignments([line], claims);
  return {
    id: ids.mintInShard('hld', shard.shardKey),
    state: 'active',
    callerId: entry.customerId,
    entryId: entry.id,
    quantity: entry.quantity,
    units: null,
    fareId: entry.fareId,
    items: [
      {
        slotId: slot.id,
        serviceId: service.id,
        label: service.name,
        startAtMs: slot.startAtMs,
        endAtMs: slot.endAtMs,
        fareId: entry.fareId,
        priceMinor: 0,
        taxMinor: 0,
        tax: null,
        awaitsQuote: false,
        policy: [],
        noShowFeeMinor: null,
        commissionBps: 0,
        resourceIds: assigned?.resourceIds ?? [],
        units: assigned?.units ?? [],
        cancelled: null,
      },
    ],
    quote: { totalMinor: 0, currency: service.price.currency, lines: [] },
    ttlMs: offerMs,
    createdAtMs: shard.nowMs,
    expiresAtMs: shard.nowMs + offerMs,
    isExtended: false,
    bookingId: null,
    approval: 'none',
    isOver: false,
    quota: null,
    coupon: null,
  };
}
