/**
 * Tells watchers what changed. Sees every change of the shard's memory before it happens, compares at the end of the
 * transaction what slots showed before and after, and numbers what differs, in that same transaction: one message per
 * slot and commit, and none for what was taken and given back within one. The numbered changes are kept for a while, so
 * that a reader who comes back reads what it would have read. While nobody watches, nothing is seen, compared or kept.
 * Synchronous; it never sends: whoever runs the transaction takes the messages once it stands.
 */
import type { LiveMessageType, Watch } from '../../contracts/live.ts';
import type { Slot } from '../../domain/inventory/cards.ts';
import type { Claim } from '../../domain/inventory/claim.ts';
import type { InventoryObserver } from '../../domain/inventory/inventory-observer.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import { MINUTE_MS, SECOND_MS, type EpochMs } from '../../domain/time.ts';
import { readBooking } from '../read-booking.ts';
import { viewSlot } from '../hold-lines.ts';
import type { ShardState } from '../shard-state.ts';
import { bookingSnapshot, slotsSnapshot } from './live-snapshot.ts';
import type { LiveRow, LiveStore } from './live-store.ts';

/** How long the changes of a topic are kept after its last watcher left: a reader changes networks, or restarts. */
export const KEPT_UNWATCHED_MS = 10 * MINUTE_MS;
/** Numbered changes that a shard keeps; whoever is further behind gets a snapshot. */
export const KEPT_CHANGES_MAX = 10_000;
/** Rows that go beyond the limit before they are deleted, so that a change seldom pays for a deletion. */
const TRIM_EVERY = 1_000;
/** Changes that are sent one by one to a reader who comes back; beyond it a snapshot is shorter. */
const REPLAY_MAX = 500;
/** Slots of a service that one transaction tells one by one; beyond it the service's watchers get a snapshot. */
const SLOTS_AT_ONCE_MAX = 200;
/** How long a snapshot serves those who come next, with the changes since; a crowd that connects at once shares it. */
const SNAPSHOT_SHARED_MS = 2 * SECOND_MS;

/** A message for everybody who watches one of the topics. */
export interface LiveMessage {
  readonly topics: readonly string[];
  readonly text: string;
}

interface Snapshot {
  readonly seq: number;
  readonly atMs: EpochMs;
  readonly text: string;
}

export class LiveDesk implements InventoryObserver {
  readonly #shard: ShardState;
  readonly #store: LiveStore;
  /** What is watched, with the instant until which it is kept when nobody watches any more. */
  readonly #topics = new Map<string, EpochMs | null>();
  readonly #snapshots = new Map<string, Snapshot>();
  /** By service, what its slots showed before the running transaction; null for a slot that was not there. */
  readonly #before = new Map<string, Map<string, string | null>>();
  /** Services of which the running transaction changed too much to tell it slot by slot. */
  readonly #cut = new Set<string>();
  #told: LiveRow[] = [];
  #headSeq: number;
  /** The chain's head when the running transaction began. */
  #chainSeq = 0;

  constructor(shard: ShardState, store: LiveStore) {
    this.#shard = shard;
    this.#store = store;
    this.#headSeq = store.headSeq();
    for (const { topic, untilMs } of store.topics()) this.#topics.set(topic, untilMs);
    this.#observe();
  }

  /** After a start: topics whose watchers did not survive it are kept for a while. In a transaction. */
  reconcile(watched: ReadonlySet<string>): void {
    for (const [topic, untilMs] of this.#topics) {
      if (untilMs === null && !watched.has(topic)) this.leave(topic);
    }
  }

  /** First in each transaction, once its instant is known. */
  begin(): void {
    if (this.#topics.size === 0) return;
    for (const [topic, untilMs] of this.#topics) {
      if (untilMs !== null && untilMs <= this.#shard.nowMs) this.#forget(topic);
    }
    this.#chainSeq = this.#shard.headSeq;
  }

  /** Last in each transaction, before the shard's rows are flushed: numbers and keeps what changed. */
  settle(): void {
    if (this.#topics.size === 0) return;
    // What is cut comes last: its snapshot then has the highest number of this transaction.
    const cuts = [...this.#cut].map((topic) => ({ topic, type: 'cut' as const, data: '' }));
    const rows = [...this.#slotChanges(), ...this.#bookingChanges(), ...cuts];
    this.#before.clear();
    this.#cut.clear();
    this.#append(rows);
  }

  /** What the transactions that stand have changed; each message is given once. */
  take(): LiveMessage[] {
    const rows = this.#told;
    if (rows.length === 0) return [];
    this.#told = [];
    const providerId = this.#shard.provider.providerId;
    const messages: LiveMessage[] = [];
    const renewed = new Set<string>();
    for (const row of rows) {
      const isOfService = row.topic.startsWith('svc_');
      if (row.type === 'cut') {
        renewed.add(row.topic).add(providerId);
      } else if (row.type !== 'start') {
        const topics = isOfService ? [row.topic, providerId] : [row.topic];
        messages.push({ topics, text: textOf(row) });
      }
    }
    for (const topic of renewed) {
      if (this.#topics.get(topic) === null)
        messages.push({ topics: [topic], text: this.#snapshot(topic).text });
    }
    return messages;
  }

  /**
   * Lets somebody watch, and keeps what changes from here on. In a transaction.
   * Refusals: `unauthenticated` and `not_found` for a booking, `not_found` for what is not of this shard.
   */
  admit({ topic, caller }: Watch): Result<null> {
    const refusal = this.#refusalOf(topic, caller);
    if (refusal !== null) return refusal;
    const known = this.#topics.get(topic);
    if (known === null) return ok(null);
    this.#topics.set(topic, null);
    this.#store.saveTopic({ topic, untilMs: null });
    if (known === undefined) this.#append([{ topic, type: 'start', data: '' }]);
    this.#observe();
    return ok(null);
  }

  /**
   * The messages with which a stream begins: what the reader has missed, or a snapshot where it comes with nothing or
   * its history is gone. Outside of transactions, in the turn in which the reader begins to be told.
   */
  resume({ topic, after }: Watch): string[] {
    const missed = after === null ? null : this.#missed(topic, after);
    if (missed !== null) return missed;
    const shared = this.#snapshots.get(topic);
    if (shared !== undefined && shared.atMs + SNAPSHOT_SHARED_MS > this.#shard.nowMs) {
      const since = this.#missed(topic, shared.seq);
      if (since !== null) return [shared.text, ...since];
    }
    return [this.#snapshot(topic).text];
  }

  /** The last watcher of a topic is gone: it is kept for a while. In a transaction. */
  leave(topic: string): void {
    if (this.#topics.get(topic) !== null) return;
    const untilMs = this.#shard.nowMs + KEPT_UNWATCHED_MS;
    this.#topics.set(topic, untilMs);
    this.#store.saveTopic({ topic, untilMs });
  }

  occupancyChanging(change: Pick<Claim, 'resourceId' | 'span'>): void {
    for (const serviceId of this.#watchedServices()) {
      for (const slot of this.#shard.inventory.slotsOver(serviceId, change)) this.#note(slot);
    }
  }

  slotChanging(slot: Slot): void {
    if (this.#isWatched(slot.serviceId)) this.#note(slot);
  }

  serviceChanging(id: string): void {
    if (this.#isWatched(id)) this.#cut.add(id);
  }

  resourceChanging(id: string): void {
    for (const serviceId of this.#watchedServices()) {
      if (this.#shard.inventory.service(serviceId)?.resourceIds.includes(id) === true)
        this.#cut.add(serviceId);
    }
  }

  #observe(): void {
    const { inventory } = this.#shard;
    if (this.#topics.size === 0) inventory.unobserve(this);
    else inventory.observe(this);
  }

  #forget(topic: string): void {
    this.#topics.delete(topic);
    this.#snapshots.delete(topic);
    this.#store.forgetTopic(topic);
    if (this.#topics.size > 0) return;
    this.#store.trim(this.#headSeq);
    this.#observe();
  }

  #isWatched(serviceId: string): boolean {
    return this.#topics.has(serviceId) || this.#topics.has(this.#shard.provider.providerId);
  }

  #watchedServices(): Iterable<string> {
    return this.#topics.has(this.#shard.provider.providerId)
      ? this.#shard.inventory.serviceIds()
      : this.#topics.keys();
  }

  /** Remembers what a slot shows, at its first change of the transaction. */
  #note(slot: Slot): void {
    const { serviceId } = slot;
    if (this.#cut.has(serviceId)) return;
    const seen = this.#before.get(serviceId) ?? new Map<string, string | null>();
    if (seen.has(slot.id)) return;
    if (seen.size === SLOTS_AT_ONCE_MAX) {
      this.#cut.add(serviceId);
      return;
    }
    this.#before.set(serviceId, seen);
    seen.set(slot.id, this.#shown(slot.id));
  }

  #shown(slotId: string): string | null {
    const slot = this.#shard.inventory.slot(slotId);
    return slot === null ? null : JSON.stringify(viewSlot(this.#shard, slot));
  }

  *#slotChanges(): Generator<Omit<LiveRow, 'seq'>> {
    for (const [topic, seen] of this.#before) {
      if (this.#cut.has(topic)) continue;
      for (const [slotId, before] of seen) {
        const data = this.#shown(slotId);
        if (data !== null && data !== before) yield { topic, type: 'slot', data };
      }
    }
  }

  /** A booking changed when the chain says so of it or of what belongs to it. */
  *#bookingChanges(): Generator<Omit<LiveRow, 'seq'>> {
    const added = this.#shard.headSeq - this.#chainSeq;
    const hasBookings = [...this.#topics.keys()].some((topic) => topic.startsWith('bkg_'));
    if (added === 0 || !hasBookings) return;
    const changed = new Set<string>();
    for (const { entityId, parentId } of this.#shard.store.events(this.#chainSeq, added)) {
      for (const id of [entityId, parentId]) {
        if (id !== null && id.startsWith('bkg_') && this.#topics.has(id)) changed.add(id);
      }
    }
    for (const topic of changed)
      yield { topic, type: 'booking', data: bookingSnapshot(this.#shard, topic) };
  }

  #append(changes: readonly Omit<LiveRow, 'seq'>[]): void {
    if (changes.length === 0) return;
    const rows = changes.map((change, index) => ({ seq: this.#headSeq + 1 + index, ...change }));
    this.#store.append(rows);
    const former = this.#headSeq;
    this.#headSeq += rows.length;
    if (Math.floor(former / TRIM_EVERY) !== Math.floor(this.#headSeq / TRIM_EVERY))
      this.#store.trim(this.#headSeq - KEPT_CHANGES_MAX);
    this.#told.push(...rows);
  }

  /** What a reader has not seen, or null where only a snapshot tells it. */
  #missed(topic: string, after: number): string[] | null {
    if (after > this.#headSeq || after < this.#headSeq - KEPT_CHANGES_MAX) return null;
    if (after === this.#headSeq) return [];
    const rows = this.#store.rowsAfter({
      topic,
      withServices: topic === this.#shard.provider.providerId,
      afterSeq: after,
      limit: REPLAY_MAX + 1,
    });
    const isGone = ({ topic: about, type }: LiveRow): boolean =>
      type === 'cut' || (type === 'start' && about === topic);
    if (rows.length > REPLAY_MAX || rows.some(isGone)) return null;
    return rows.filter(({ type }) => type !== 'start').map(textOf);
  }

  #snapshot(topic: string): Snapshot {
    const data = topic.startsWith('bkg_')
      ? bookingSnapshot(this.#shard, topic)
      : slotsSnapshot(
          this.#shard,
          topic.startsWith('svc_') ? [topic] : this.#shard.inventory.serviceIds(),
        );
    const seq = this.#headSeq;
    const made = {
      seq,
      atMs: this.#shard.nowMs,
      text: messageText({ seq, type: 'snapshot', data }),
    };
    this.#snapshots.set(topic, made);
    return made;
  }

  #refusalOf(topic: string, caller: Watch['caller']) {
    if (topic.startsWith('bkg_')) {
      if (caller === null) return refuse('unauthenticated', 'Sign in to watch a booking.');
      const read = readBooking(this.#shard, caller, topic);
      return read.ok ? null : read;
    }
    const isHere = topic.startsWith('svc_')
      ? this.#shard.inventory.service(topic) !== null
      : topic === this.#shard.provider.providerId;
    return isHere ? null : refuse('not_found', 'There is no such thing.');
  }
}

/** One message; its data is JSON already. */
function messageText(message: { seq: number; type: LiveMessageType; data: string }): string {
  return `{"seq":${message.seq},"type":"${message.type}","data":${message.data}}`;
}

function textOf({ seq, type, data }: LiveRow): string {
  return messageText({ seq, type: type === 'booking' ? 'booking' : 'slot', data });
}
