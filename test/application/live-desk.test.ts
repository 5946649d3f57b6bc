/** The bounds of telling watchers: what is kept and for how long, when a snapshot takes over, and what nobody pays for. */
import { beforeEach, describe, expect, test } from 'vitest';
import { KEPT_CHANGES_MAX, KEPT_UNWATCHED_MS } from '../../src/application/live/live-desk.ts';
import { NO_ACCESS } from '../../src/domain/hold/hold.ts';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { makeResourceCard, makeServiceCard } from '../support/cards.ts';
import { FakeClock, NOON_MS } from '../support/fake-clock.ts';
import { NodeShard, OWNER } from '../support/node-shard.ts';

const SERVICE = makeServiceCard({ price: { amount: 0, currency: 'usd' }, maxQuantity: 9 });
const TOPIC = SERVICE.id;

interface Message {
  readonly seq: number;
  readonly type: string;
  readonly data: { readonly isComplete?: boolean; readonly slots?: readonly unknown[] };
}

let clock: FakeClock;
let shard: NodeShard;
let calls: number;

beforeEach(async () => {
  clock = new FakeClock();
  shard = new NodeShard(clock);
  calls = 0;
  await shard.putResource({ caller: OWNER, card: makeResourceCard() });
  await shard.putService({ caller: OWNER, card: SERVICE });
});

/** Publishes slots of ten minutes, one after the other. */
async function publish(count: number, fromMinutes = 0): Promise<string[]> {
  const slots = Array.from({ length: count }, (_, n) => {
    const startAtMs = NOON_MS + DAY_MS + (fromMinutes + n * 10) * MINUTE_MS;
    return {
      startAtMs,
      endAtMs: startAtMs + 10 * MINUTE_MS,
      resourceId: null,
      capacity: null,
      priceMinor: null,
      priceCurrency: null,
      fares: null,
    };
  });
  const reply = await shard.createSlots({ caller: OWNER, call: null, serviceId: TOPIC, slots });
  if (!reply.ok) throw new Error(reply.refusal.code);
  return reply.value.data.map(({ id }) => id);
}

async function hold(slotIds: readonly string[]) {
  calls += 1;
  return shard.placeHold({
    caller: { id: 'usr_ann', roles: ['customer'] },
    call: { key: `k${calls}`, fingerprint: `k${calls}` },
    access: NO_ACCESS,
    claim: { slotIds, quantity: null, units: null, fareId: null },
    holdBudget: 1_000,
  });
}

/** So many changes of one slot, each in a transaction of its own. */
async function change(slotId: string, times: number): Promise<void> {
  for (let n = 0; n < times; n += 2) {
    const held = await hold([slotId]);
    if (!held.ok) throw new Error(held.refusal.code);
    if (n + 1 < times)
      await shard.releaseHold({ id: 'usr_ann', roles: ['customer'] }, held.value.id);
  }
}

function watch(after: number | null): Message[] {
  const watched = shard.watch({ topic: TOPIC, after, caller: null });
  return watched.map((text) => JSON.parse(text) as Message);
}

function told(): Message[] {
  return shard.told.splice(0).map(({ text }) => JSON.parse(text) as Message);
}

function kept(): number {
  return shard.sql.rows('SELECT seq FROM live_change').length;
}

describe('while nobody watches', () => {
  test('nothing is kept and nothing is told', async () => {
    const [slot = ''] = await publish(1);
    await change(slot, 4);
    expect(kept()).toBe(0);
    expect(told()).toEqual([]);
  });

  test.each([
    [KEPT_UNWATCHED_MS - 1, ['slot']],
    [KEPT_UNWATCHED_MS, ['snapshot']],
  ])('any more, a change is kept for those who come back %i ms later', async (afterMs, types) => {
    const [slot = ''] = await publish(1);
    const [first] = watch(null);
    shard.decide(() => shard.desk.leave(TOPIC));
    await change(slot, 1);
    // The hold would expire meanwhile, and be told.
    shard.decide((state) => state.deadlines.takeDue(Number.MAX_SAFE_INTEGER));
    clock.advance(afterMs);
    expect(watch(first?.seq ?? 0).map(({ type }) => type)).toEqual(types);
  });
});

describe('a snapshot takes over', () => {
  test.each([
    [200, 200, 'slot'],
    [201, 1, 'snapshot'],
  ])('from messages when one commit changes %i slots', async (count, messages, type) => {
    const [first] = watch(null);
    await publish(count);
    const heard = told();
    expect(heard).toHaveLength(messages);
    expect(new Set(heard.map((message) => message.type))).toEqual(new Set([type]));
    expect(heard[0]?.seq).toBeGreaterThan(first?.seq ?? 0);
    const back = watch(first?.seq ?? 0);
    expect(back.map(({ seq }) => seq)).toEqual(heard.map(({ seq }) => seq));
  });

  test.each([
    [500, 'slot'],
    [501, 'snapshot'],
  ])('from history when a reader has missed %i changes', async (count, type) => {
    const [slot = ''] = await publish(1);
    const [first] = watch(null);
    await change(slot, count);
    const back = watch(first?.seq ?? 0);
    expect(back[0]?.type).toBe(type);
    expect(back.at(-1)?.seq).toBe((first?.seq ?? 0) + count);
  });

  test('and says so where it does not show all there is', async () => {
    await publish(500);
    expect(watch(null)[0]?.data).toMatchObject({ isComplete: true });
    await publish(1, 60 * 24 * 10);
    clock.advance(MINUTE_MS);
    const [, ...rest] = [...watch(null)];
    expect(rest).toEqual([]);
    const [whole] = watch(null);
    expect(whole?.data.isComplete).toBe(false);
    expect(whole?.data.slots).toHaveLength(500);
  });
});

describe('a change', () => {
  test('that was undone within its commit is not told: a hold that gets one slot and not the other', async () => {
    const [a = '', b = ''] = await publish(2);
    await hold([b]);
    watch(null);
    expect((await hold([a, b])).ok).toBe(false);
    expect(told()).toEqual([]);
  });

  test('is told once per slot, however often its commit changes it', async () => {
    const [slot = ''] = await publish(1);
    watch(null);
    await shard.openBooking({
      caller: { id: 'usr_ann', roles: ['customer'] },
      call: { key: 'b', fingerprint: 'b' },
      access: NO_ACCESS,
      target: { claim: { slotIds: [slot], quantity: null, units: null, fareId: null } },
      payment: null,
      holdBudget: 1_000,
      canReserve: true,
    });
    expect(told().map(({ data }) => data)).toEqual([
      expect.objectContaining({ id: slot, status: 'booked' }),
    ]);
  });

  test('is kept among so many at most, and no number is given twice after all were forgotten', async () => {
    const [slot = ''] = await publish(1);
    watch(null);
    const many = KEPT_CHANGES_MAX + 1_999;
    shard.sql
      .rows(`WITH RECURSIVE n (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM n WHERE seq < ${many})
      INSERT INTO live_change (seq, topic, type, data) SELECT seq, '${TOPIC}', 'slot', '{}' FROM n`);
    shard.crash();
    expect(kept()).toBe(many);
    await change(slot, 1);
    expect(kept()).toBe(KEPT_CHANGES_MAX);
    expect(watch(1_999)[0]?.type).toBe('snapshot');
    const last = watch(null).at(-1)?.seq ?? 0;
    expect(last).toBe(many + 1);
    shard.decide(() => shard.desk.leave(TOPIC));
    clock.advance(KEPT_UNWATCHED_MS);
    await shard.wake();
    expect(kept()).toBe(1);
    shard.crash();
    expect(watch(null)[0]?.seq).toBeGreaterThan(last);
  });
});
