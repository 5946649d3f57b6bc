/** The shard in the real runtime: concurrency, group commit, eviction, and the storage's own guard. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterAll, expect, it } from 'vitest';
import { shardsSettled } from '../support/api.ts';
import {
  openFreeBooking,
  placeHoldCommand,
  provisionShop,
  shardOf,
} from '../support/shard-shop.ts';

const HOUR_MS = 3_600_000;

afterAll(() => shardsSettled(['gaaaaaa01', 'gaaaaaa02', 'gaaaaaa03', 'gaaaaaa04']));

it('sells one unit once to two hundred who ask at the same moment', async () => {
  const shop = await provisionShop('gaaaaaa01');
  const [slot] = await shop.createSlots([{ startsInMs: 48 * HOUR_MS }]);
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      shop.shard.placeHold(
        placeHoldCommand({ callerId: `usr_${i}`, key: `k${i}`, slotIds: [slot] }),
      ),
    ),
  );
  expect(replies.filter((reply) => reply.ok)).toHaveLength(1);
  const codes = new Set(replies.flatMap((reply) => (reply.ok ? [] : [reply.refusal.code])));
  expect([...codes]).toEqual(['slot_unavailable']);
});

it('gives fifty repeats of one call one effect and one answer', async () => {
  const shop = await provisionShop('gaaaaaa02');
  const [slot] = await shop.createSlots([{ startsInMs: 48 * HOUR_MS }]);
  const command = placeHoldCommand({ callerId: 'usr_a', key: 'same', slotIds: [slot] });
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => shop.shard.placeHold(command)),
  );
  const answers = new Set(
    replies.map((reply) => JSON.stringify(reply.ok ? reply.value : reply.refusal)),
  );
  expect(answers.size).toBe(1);
  expect(replies.filter((reply) => !reply.replayed)).toHaveLength(1);
});

it('knows every claim, answer and link again after an eviction', async () => {
  const shop = await provisionShop('gaaaaaa03');
  const [slot] = await shop.createSlots([{ startsInMs: 48 * HOUR_MS }]);
  const booked = await openFreeBooking(shop, { callerId: 'usr_a', key: 'b1', slotId: slot });
  const headBefore = await shop.shard.readAudit({ afterSeq: 0, limit: 500 });
  await evictDurableObject(shop.stub);
  const again = await openFreeBooking(shop, { callerId: 'usr_a', key: 'b1', slotId: slot });
  expect(again).toEqual({ ...booked, replayed: true });
  const rival = await shop.shard.placeHold(
    placeHoldCommand({ callerId: 'usr_b', key: 'k', slotIds: [slot] }),
  );
  expect(rival.ok ? null : rival.refusal.code).toBe('slot_unavailable');
  const after = await shop.shard.readAudit({ afterSeq: 0, limit: 500 });
  expect(after.events).toEqual(headBefore.events);
});

it('refuses a double in storage when the check in memory is bypassed', async () => {
  const shop = await provisionShop('gaaaaaa04');
  const [slot] = await shop.createSlots([{ startsInMs: 48 * HOUR_MS }]);
  const first = await shop.shard.placeHold(
    placeHoldCommand({ callerId: 'usr_a', key: 'k1', slotIds: [slot] }),
  );
  expect(first.ok).toBe(true);
  const refused = await runInDurableObject(shop.stub, (_instance, state) => {
    const { sql } = state.storage;
    const [claim] = sql.exec<{
      hold_id: string;
      resource_id: string;
      start_at_ms: number;
      end_at_ms: number;
    }>('SELECT hold_id, resource_id, start_at_ms, end_at_ms FROM claim');
    if (claim === undefined) return 'no claim';
    try {
      sql.exec(
        `INSERT INTO claim (hold_id, slot_id, resource_id, unit, quantity, slot_quantity, start_at_ms, end_at_ms, is_live)
         VALUES (?, ?, ?, '', 1, 1, ?, ?, 1)`,
        claim.hold_id,
        slot,
        claim.resource_id,
        claim.end_at_ms - 1,
        claim.end_at_ms + HOUR_MS,
      );
      return 'written';
    } catch (error) {
      return String(error);
    }
  });
  expect(refused).toContain('guard: overlapping claim');
});

it('writes no schema for an object that nobody provisioned', async () => {
  const { stub, shard } = shardOf('gzzzzzzzz');
  const reply = await shard.getSlot('slt_x');
  expect(reply.ok ? null : reply.refusal.code).toBe('not_found');
  const tables = await runInDurableObject(stub, (_instance, state) =>
    state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray(),
  );
  expect(tables).toEqual([]);
});
