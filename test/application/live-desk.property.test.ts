/**
 * Whatever is held, released, booked, cancelled, expired, published, blocked, priced or lost to a crash: a reader who folds its
 * messages sees each slot as it is; the numbers it sees only grow; and whoever comes back reads the very messages that
 * one who stayed has read.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SNAPSHOT_SLOTS_MAX } from '../../src/application/live/live-snapshot.ts';
import { viewSlot } from '../../src/application/hold-lines.ts';
import type { SlotView } from '../../src/contracts/http/catalogue.ts';
import { required } from '../../src/domain/assert.ts';
import { NO_ACCESS } from '../../src/domain/hold/hold.ts';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { makeResourceCard, makeServiceCard } from '../support/cards.ts';
import { FakeClock, NOON_MS } from '../support/fake-clock.ts';
import { NodeShard, OWNER } from '../support/node-shard.ts';

const TOMORROW_MS = NOON_MS + DAY_MS;
const PRICE = { amount: 0, currency: 'usd' };

/** Two services that share a court: one by the hour on either of two courts, one of long slots on both together. */
const SERVICES = [
  makeServiceCard({
    id: 'svc_hour',
    resourceIds: ['res_a', 'res_b'],
    price: PRICE,
    holdTtlSeconds: 60,
  }),
  makeServiceCard({
    id: 'svc_match',
    resourceIds: ['res_a', 'res_b'],
    allocation: 'all',
    price: PRICE,
    bufferAfterMinutes: 30,
    holdTtlSeconds: 60,
  }),
];

interface Message {
  readonly seq: number;
  readonly type: string;
  readonly data: SlotView & { slots: SlotView[] };
}

/** A reader as a client is: it keeps its place and what it was told. */
class Reader {
  readonly topic: string;
  readonly slots = new Map<string, SlotView>();
  readonly texts = new Map<number, string>();
  lastSeq: number | null = null;
  isThere = false;

  constructor(topic: string) {
    this.topic = topic;
  }

  hear(text: string): void {
    const { seq, type, data } = JSON.parse(text) as Message;
    if (this.lastSeq !== null) expect(seq).toBeGreaterThanOrEqual(this.lastSeq);
    // Only a snapshot may say again what the number before it said: it is what stands at that number.
    if (type !== 'snapshot') expect(seq).not.toBe(this.lastSeq);
    this.lastSeq = seq;
    if (type === 'snapshot') {
      this.slots.clear();
      for (const slot of data.slots) this.slots.set(slot.id, slot);
    } else {
      this.texts.set(seq, text);
      this.slots.set(data.id, data);
    }
  }
}

class World {
  readonly clock = new FakeClock();
  readonly shard = new NodeShard(this.clock);
  readonly stayed = [new Reader('svc_hour'), new Reader('svc_match'), new Reader('prv_club')];
  readonly moving = [new Reader('svc_hour'), new Reader('prv_club')];
  readonly holds: string[] = [];
  readonly bookings: string[] = [];
  #calls = 0;

  async open(): Promise<void> {
    for (const id of ['res_a', 'res_b'])
      await this.shard.putResource({ caller: OWNER, card: makeResourceCard({ id }) });
    for (const card of SERVICES) await this.shard.putService({ caller: OWNER, card });
    for (let hour = 0; hour < 4; hour += 1) {
      await this.publish('svc_hour', hour * 60, 60);
      await this.publish('svc_match', hour * 60 + 30, 120);
    }
    for (const reader of this.stayed) this.join(reader);
  }

  async publish(serviceId: string, atMinutes: number, minutes: number): Promise<void> {
    const startAtMs = TOMORROW_MS + atMinutes * MINUTE_MS;
    const slot = {
      startAtMs,
      endAtMs: startAtMs + minutes * MINUTE_MS,
      resourceId: null,
      capacity: null,
      priceMinor: null,
      priceCurrency: null,
      fares: null,
    };
    await this.shard.createSlots({ caller: OWNER, call: null, serviceId, slots: [slot] });
  }

  join(reader: Reader): void {
    if (reader.isThere) return;
    const beginning = this.shard.watch({
      topic: reader.topic,
      after: reader.lastSeq,
      caller: null,
    });
    this.tell();
    reader.isThere = true;
    for (const text of beginning) reader.hear(text);
  }

  leave(reader: Reader): void {
    reader.isThere = false;
    const readers = [...this.stayed, ...this.moving];
    if (readers.some(({ topic, isThere }) => isThere && topic === reader.topic)) return;
    this.shard.decide(() => this.shard.desk.leave(reader.topic));
  }

  tell(): void {
    for (const { topics, text } of this.shard.told.splice(0)) {
      for (const reader of [...this.stayed, ...this.moving]) {
        if (reader.isThere && topics.includes(reader.topic)) reader.hear(text);
      }
    }
  }

  /** The process dies with its sockets; those who stay come back at once. */
  crash(): void {
    this.shard.crash();
    for (const reader of [...this.stayed, ...this.moving]) reader.isThere = false;
    this.shard.decide(() => this.shard.desk.reconcile(new Set()));
    for (const reader of this.stayed) this.join(reader);
  }

  async hold(slots: readonly number[], by: number): Promise<void> {
    const all = SERVICES.flatMap(({ id }) => this.shard.state.inventory.schedule(id));
    const slotIds = [...new Set(slots.map((index) => all[index % all.length]?.id ?? ''))];
    this.#calls += 1;
    const reply = await this.shard.placeHold({
      caller: { id: `usr_${by}`, roles: ['customer'] },
      call: { key: `k${this.#calls}`, fingerprint: `k${this.#calls}` },
      access: NO_ACCESS,
      claim: { slotIds, quantity: null, units: null, fareId: null },
      holdBudget: 1_000,
    });
    if (reply.ok) this.holds.push(`${by} ${reply.value.id}`);
  }

  async book(which: number): Promise<void> {
    const [by, holdId = ''] = (this.holds[which % this.holds.length] ?? '').split(' ');
    this.#calls += 1;
    const opened = await this.shard.openBooking({
      caller: { id: `usr_${by}`, roles: ['customer'] },
      call: { key: `k${this.#calls}`, fingerprint: `k${this.#calls}` },
      access: NO_ACCESS,
      target: { holdId },
      payment: null,
      canReserve: false,
      holdBudget: 1_000,
    });
    if (opened.kind === 'final' && opened.reply.ok) this.bookings.push(opened.reply.value.id);
  }

  async cancel(which: number): Promise<void> {
    const bookingId = this.bookings[which % this.bookings.length] ?? '';
    this.#calls += 1;
    const call = { key: `k${this.#calls}`, fingerprint: `k${this.#calls}` };
    await this.shard.cancelBooking({ caller: OWNER, call, bookingId, reason: null });
  }

  /** Keeps a court, or a slot, from sale; or lets a part of a court be sold again. */
  async block(kind: string, which: number): Promise<void> {
    const asked = { caller: OWNER, call: null };
    const startAtMs = TOMORROW_MS + which * 25 * MINUTE_MS;
    const over = { startAtMs, endAtMs: startAtMs + 45 * MINUTE_MS };
    const at = { ...asked, resourceId: which % 2 === 0 ? 'res_a' : 'res_b', over };
    if (kind === 'unblock') {
      await this.shard.unblockResource(at);
    } else if (kind === 'block_slot') {
      const slots = this.shard.state.inventory.schedule('svc_hour');
      const slotId = slots[which % slots.length]?.id ?? '';
      await this.shard.blockSlot({ ...asked, slotId, reason: 'wet' });
    } else {
      const cancelsBookings = kind === 'block_with_bookings';
      await this.shard.blockResource({ ...at, reason: 'wet', cancelsBookings });
    }
  }

  async release(which: number): Promise<void> {
    const [by, id = ''] = (this.holds[which % this.holds.length] ?? '').split(' ');
    await this.shard.releaseHold({ id: `usr_${by}`, roles: ['customer'] }, id);
  }

  check(): void {
    const { state } = this.shard;
    for (const reader of [...this.stayed, ...this.moving].filter(({ isThere }) => isThere)) {
      const ids = reader.topic === 'prv_club' ? SERVICES.map(({ id }) => id) : [reader.topic];
      const slots = ids.flatMap((id) => [...state.inventory.schedule(id)]);
      expect(slots.length).toBeLessThan(SNAPSHOT_SLOTS_MAX);
      const seen = slots.map((slot) => viewSlot(state, slot));
      expect(seen.map(({ id }) => reader.slots.get(id))).toEqual(seen);
      expect(reader.slots.size).toBe(slots.length);
    }
    for (const reader of this.moving) {
      const other = this.stayed.find(({ topic }) => topic === reader.topic);
      for (const [seq, text] of reader.texts) expect(other?.texts.get(seq)).toBe(text);
    }
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('hold'),
      slots: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
      by: fc.nat(2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('book', 'cancel', 'release'), which: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('join', 'leave'), which: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('wait', 'crash', 'publish', 'price'),
      which: fc.nat(9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('block', 'block_with_bookings', 'unblock', 'block_slot'),
      which: fc.nat(9),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take(world: World, one: Step): Promise<void> {
  if ('slots' in one) return world.hold(one.slots, one.by);
  const reader = required(world.moving[one.which % world.moving.length], 'a reader');
  switch (one.kind) {
    case 'book':
      return world.book(one.which);
    case 'cancel':
      return world.cancel(one.which);
    case 'release':
      return world.release(one.which);
    case 'join':
      return world.join(reader);
    case 'leave':
      return world.leave(reader);
    case 'wait':
      world.clock.advance(one.which * 20_000);
      return world.shard.wake();
    case 'crash':
      return world.crash();
    case 'publish':
      return world.publish('svc_hour', 15 + one.which * 10, 45);
    case 'price':
      await world.shard.patchService({
        caller: OWNER,
        id: 'svc_hour',
        patch: { name: `an hour, the ${one.which}th`, price: PRICE },
      });
      return undefined;
    case 'block':
    case 'block_with_bookings':
    case 'unblock':
    case 'block_slot':
      return world.block(one.kind, one.which);
  }
}

test(
  'readers see each slot as it is, and none hears of a change twice or never',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const world = new World();
        await world.open();
        for (const one of steps) {
          await take(world, one);
          world.tell();
          world.check();
        }
        for (const reader of world.moving) world.join(reader);
        world.check();
      }),
      { numRuns: 60 },
    );
  },
);
