/**
 * One inventory shard at work: its storage, its memory of what is taken, its chain, its deadlines.
 * Commands change it synchronously inside one transaction; if that throws, the object is thrown away with it,
 * so memory and storage never part. Nothing here is asynchronous, and nothing may become so.
 */
import type { Caller } from '../contracts/calls.ts';
import type { ChainEvent } from '../contracts/shard-streams.ts';
import { bookingDueAtMs } from '../domain/booking/attendance.ts';
import type { Booking, Payment } from '../domain/booking/booking.ts';
import { standing } from '../domain/booking/booked-items.ts';
import type { Calendar } from '../domain/calendar.ts';
import { invariant, required } from '../domain/assert.ts';
import { chainHash, GENESIS_HASH } from '../domain/chain.ts';
import { DeadlineQueue } from '../domain/deadline-queue.ts';
import { CLOSING_GRACE_MS, type Hold } from '../domain/hold/hold.ts';
import { LIVE_HOLD_STATES } from '../domain/hold/hold-machine.ts';
import { outcomeOf, type HeldGrant, type HoldQuota } from '../domain/hold/quota.ts';
import type { ProviderCard } from '../domain/inventory/cards.ts';
import type { Claim } from '../domain/inventory/claim.ts';
import { Inventory } from '../domain/inventory/inventory.ts';
import type { Json } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import { lastOfferAtMs, Waitlist, type WaitlistEntry } from '../domain/waitlist/waitlist.ts';
import type { ChainHead, InventoryStore } from './inventory-store.ts';
import { unitOfWork, type UnitOfWork } from './unit-of-work.ts';
import type { Clock, Digest, Entropy, IdCodec } from './ports.ts';

/** What a shard is built from. */
export interface ShardPorts {
  readonly store: InventoryStore;
  readonly clock: Clock;
  readonly ids: IdCodec;
  readonly digest: Digest;
  readonly entropy: Entropy;
  /** Local time in the zones of venues. */
  readonly calendar: Calendar;
  readonly publicUrl: string;
  /** How long units are reserved for whoever is first in a waiting line, in milliseconds. */
  readonly offerMs: number;
}

/** A change to be linked into the chain. */
export interface Happening {
  readonly entityId: string;
  readonly parentId: string | null;
  readonly type: string;
  readonly from: string | null;
  readonly to: string;
  readonly actor: string;
  readonly reason?: string | null;
  readonly metadata?: { readonly [key: string]: Json };
}

/** Types of events that moved money: the ledger's consumer is told of these and of no others. */
export const MONEY_EVENTS: ReadonlySet<string> = new Set([
  'payment.received',
  'payment.fee',
  'refund.succeeded',
  'refund.failed',
  'dispute.open',
  'dispute.won',
  'dispute.lost',
]);

/** The actor of what time alone brings about. */
export const CLOCK_ACTOR = 'system:clock';

export class ShardState {
  readonly ports: ShardPorts;
  readonly store: UnitOfWork;
  readonly shardKey: string;
  readonly inventory = new Inventory();
  readonly waitlist = new Waitlist(this.inventory);
  /** Deadlines and ends of holds (hold ids); the last offers to waiting lines (ids of their entries); looks at payments and the time of bookings (booking ids). */
  readonly deadlines = new DeadlineQueue();
  /** Bookings whose money needs somebody outside this object; handed to a queue once the transaction stands. */
  readonly wakeUps = new Set<string>();
  /** The instant of the running transaction: one for all that it decides. */
  nowMs: EpochMs = 0;
  provider: ProviderCard;
  #head: ChainHead;
  /** How far each consumer of the chain is known to have applied it; looked at after every transaction. */
  readonly #cursors = new Map<string, number>();
  readonly #liveHolds = new Map<string, number>();
  readonly #liveUnits = new Map<string, number>();
  #hasNotices: boolean;
  #lastMoneySeq: number;

  /** Loads a provisioned shard from its storage. */
  constructor(ports: ShardPorts) {
    this.ports = ports;
    this.store = unitOfWork(ports.store);
    const provisioned = required(
      ports.store.provider(),
      'a shard is provisioned before it is loaded',
    );
    this.shardKey = provisioned.shardKey;
    this.provider = provisioned.card;
    this.#head = ports.store.chainHead() ?? { seq: 0, hash: GENESIS_HASH };
    this.#hasNotices = ports.store.quotaNotices(1).length > 0;
    this.#lastMoneySeq = ports.store.lastMoneySeq();
    this.#load();
  }

  /** True for whoever may manage what is sold here: the provider's owners and staff, and operators. */
  isManagedBy(caller: Caller): boolean {
    return this.provider.owners.includes(caller.id) || caller.roles.includes('operator');
  }

  get headSeq(): number {
    return this.#head.seq;
  }

  /** The place of the last event that moved money; 0 when none did. */
  get lastMoneySeq(): number {
    return this.#lastMoneySeq;
  }

  /** How far a consumer of the chain has applied it. */
  cursor(stream: string): number {
    const known = this.#cursors.get(stream) ?? this.store.streamCursor(stream);
    this.#cursors.set(stream, known);
    return known;
  }

  /** A consumer has applied the chain through `seq`; an older word changes nothing. */
  advanceCursor(stream: string, seq: number): void {
    if (seq <= this.cursor(stream)) return;
    this.store.saveStreamCursor(stream, seq);
    this.#cursors.set(stream, seq);
  }

  /** True while a member's object has not acknowledged what became of one of its grants. */
  get hasNotices(): boolean {
    return this.#hasNotices;
  }

  /** Puts into the outbox what became of a grant, in the transaction of the hold's change. */
  notice(granted: HeldGrant | HoldQuota): void {
    this.store.addQuotaNotice({ memberId: granted.memberId, outcome: outcomeOf(granted) });
    this.#hasNotices = true;
  }

  /** Members' objects have acknowledged these notices. */
  forgetNotices(seqs: readonly number[]): void {
    this.store.forgetQuotaNotices(seqs);
    this.#hasNotices = this.store.quotaNotices(1).length > 0;
  }

  /** Links an event into the chain, in the transaction of the state that it tells of. */
  record(happening: Happening): void {
    const seq = this.#head.seq + 1;
    const body = {
      seq,
      id: this.ports.ids.mintInShard('evt', this.shardKey),
      entityId: happening.entityId,
      parentId: happening.parentId,
      type: happening.type,
      from: happening.from,
      to: happening.to,
      actor: happening.actor,
      reason: happening.reason ?? null,
      metadata: happening.metadata ?? {},
      atMs: this.nowMs,
    };
    const hash = chainHash(this.ports.digest, this.#head.hash, body);
    const event: ChainEvent = { ...body, previousHash: this.#head.hash, hash };
    this.store.appendEvents([event]);
    this.#head = { seq, hash };
    if (MONEY_EVENTS.has(event.type)) this.#lastMoneySeq = seq;
  }

  /** Writes a new hold with the claims that memory already took for it. */
  openHold(hold: Hold, claims: readonly Claim[]): void {
    this.store.saveHold(hold);
    this.insertClaims(hold, claims);
    this.countHold(hold, 1);
    if (hold.state !== 'committed') this.deadlines.push(hold.expiresAtMs, hold.id);
  }

  /** Replaces a hold's row; what its claims do is `closeClaims`' and `commitClaims`' business. */
  saveHold(before: Hold, after: Hold): void {
    this.countHold(before, -1);
    this.countHold(after, 1);
    this.store.saveHold(after);
    if (after.state === 'active') this.deadlines.push(after.expiresAtMs, after.id);
    if (after.state === 'closing')
      this.deadlines.push(after.expiresAtMs + CLOSING_GRACE_MS, after.id);
  }

  /** Ends a hold's claims in memory and in storage. */
  closeClaims(hold: Hold): void {
    const isHold = hold.state !== 'committed';
    // Those of a hold that is over are in storage alone.
    if (!hold.isOver)
      for (const claim of this.store.claimsOf(hold.id)) this.inventory.release(claim, isHold);
    this.store.endClaims(hold.id);
  }

  /** Puts others in the place of a committed hold's claims; those that are the same stay untouched. */
  replaceClaims(hold: Hold, after: readonly Claim[]): void {
    const before = this.store.claimsOf(hold.id);
    const changed = [...without(before, after), ...without(after, before)];
    const slotIds = new Set(changed.map(({ slotId }) => slotId));
    const taken = after.filter(({ slotId }) => slotIds.has(slotId));
    for (const claim of before) if (slotIds.has(claim.slotId)) this.inventory.release(claim, false);
    for (const claim of taken) this.inventory.restore(claim, false);
    this.store.endClaims(hold.id, [...slotIds]);
    this.insertClaims(hold, taken);
    this.deadlines.push(lastEndMs(after), hold.id);
  }

  /** Turns a hold's claims into claims without a deadline, and notes when the last of them ends. */
  commitClaims(hold: Hold): void {
    const claims = this.store.claimsOf(hold.id);
    for (const claim of claims) this.inventory.commit(claim);
    this.deadlines.push(lastEndMs(claims), hold.id);
  }

  /**
   * Memory forgets the claims of a committed hold once all of them have ended: nothing that is still to come can overlap
   * them. Storage keeps them as they are. True when it is so.
   */
  retireHold(hold: Hold): boolean {
    const claims = this.store.claimsOf(hold.id);
    if (hold.isOver || lastEndMs(claims) > this.nowMs) return false;
    for (const claim of claims) this.inventory.release(claim, false);
    this.saveHold(hold, { ...hold, isOver: true });
    return true;
  }

  saveBooking(booking: Booking): Booking {
    const saved = { ...booking, version: booking.version + 1 };
    this.store.saveBooking(saved);
    return saved;
  }

  /** Notes when time alone moves a booking on; to be called whenever that instant may have come nearer. */
  watchBooking(booking: Booking): void {
    const dueAtMs = bookingDueAtMs(booking);
    if (dueAtMs !== null) this.deadlines.push(dueAtMs, booking.id);
  }

  /** Saves a payment and lets its booking's version grow, so that projections see the change. */
  savePayment(payment: Payment): void {
    this.store.savePayment(payment);
    this.saveBooking(required(this.store.booking(payment.bookingId), 'a payment has its booking'));
    if (payment.dueAtMs === null) return;
    this.deadlines.push(payment.dueAtMs, payment.bookingId);
  }

  /** Active and closing holds of a principal in this shard. */
  liveHoldsOf(callerId: string): number {
    return this.#liveHolds.get(callerId) ?? 0;
  }

  /** Active and closing holds of guests who came from one place. */
  liveHoldsFrom(originKey: string): number {
    return this.#liveHolds.get(originKey) ?? 0;
  }

  /** Live units of a customer over a service, held and booked. */
  liveUnitsOf(callerId: string, serviceId: string): number {
    return this.#liveUnits.get(`${callerId} ${serviceId}`) ?? 0;
  }

  private insertClaims(hold: Hold, claims: readonly Claim[]): void {
    const rows = claims.map((claim) => ({
      ...claim,
      slotQuantity: this.inventory.slotQuantity(claim),
    }));
    this.store.insertClaims(hold.id, rows);
  }

  private countHold(hold: Hold, sign: 1 | -1): void {
    // What is offered to a customer is not theirs yet.
    if (!LIVE_HOLD_STATES.has(hold.state) || hold.isOver || hold.entryId !== null) return;
    if (hold.state !== 'committed') {
      grow(this.#liveHolds, hold.callerId, sign);
      if (hold.originKey !== undefined) grow(this.#liveHolds, hold.originKey, sign);
    }
    for (const item of standing(hold.items)) {
      grow(this.#liveUnits, `${hold.callerId} ${item.serviceId}`, sign * hold.quantity);
    }
  }

  #loadEntry(entry: WaitlistEntry): void {
    this.waitlist.put(entry);
    const slot = required(this.inventory.slot(entry.slotId), 'a line has its slot');
    const service = required(this.inventory.service(entry.serviceId), 'a slot has its service');
    this.deadlines.push(lastOfferAtMs(slot, service, this.ports.offerMs) + 1, entry.id);
  }

  #load(): void {
    for (const card of this.store.resources()) this.inventory.putResource(card);
    for (const card of this.store.services()) this.inventory.putService(card);
    this.inventory.putSlots([...this.store.slots()]);
    for (const slot of this.store.withdrawnSlots()) this.inventory.withdrawSlot(slot);
    for (const id of this.store.leavingSlots()) {
      this.inventory.setLeaving(required(this.inventory.slot(id), 'a slot that leaves'), true);
    }
    for (const block of this.store.blocks()) this.inventory.block(block.resourceId, block);
    const ends = new Map<string, EpochMs>();
    for (const { holdId, claim, isHold } of this.store.liveClaims()) {
      this.inventory.restore(claim, isHold);
      if (!isHold) ends.set(holdId, Math.max(ends.get(holdId) ?? 0, claim.span.endAtMs));
    }
    for (const [holdId, endAtMs] of ends) this.deadlines.push(endAtMs, holdId);
    for (const hold of this.store.liveHolds()) {
      this.countHold(hold, 1);
      if (hold.state === 'active') this.deadlines.push(hold.expiresAtMs, hold.id);
      if (hold.state === 'closing')
        this.deadlines.push(hold.expiresAtMs + CLOSING_GRACE_MS, hold.id);
    }
    for (const { bookingId, dueAtMs } of [
      ...this.store.duePayments(),
      ...this.store.dueBookings(),
    ]) {
      this.deadlines.push(dueAtMs, bookingId);
    }
    for (const entry of this.store.entriesInLine()) this.#loadEntry(entry);
  }
}

function lastEndMs(claims: readonly Claim[]): EpochMs {
  return Math.max(...claims.map(({ span }) => span.endAtMs));
}

/** The claims of the first list that are not in the second. */
function without(claims: readonly Claim[], others: readonly Claim[]): Claim[] {
  return claims.filter((claim) => !others.some((other) => isSame(claim, other)));
}

function isSame(a: Claim, b: Claim): boolean {
  return (
    a.slotId === b.slotId &&
    a.resourceId === b.resourceId &&
    a.unit === b.unit &&
    a.quantity === b.quantity &&
    a.fareId === b.fareId &&
    a.span.startAtMs === b.span.startAtMs &&
    a.span.endAtMs === b.span.endAtMs
  );
}

function grow(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  invariant(count >= 0, 'a count of what is live cannot fall below zero');
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
