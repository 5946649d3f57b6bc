/** The second layer: what is written past the check in memory is refused by the shard's SQLite itself. */
import { describe, expect, test } from 'vitest';
import type { Claim } from '../../src/domain/inventory/claim.ts';
import { migrateShard } from '../../src/storage/durable/migrate-shard.ts';
import { SHARD_MIGRATIONS } from '../../src/storage/durable/shard-migrations.ts';
import { createSqliteInventoryStore } from '../../src/storage/durable/sqlite-inventory-store.ts';
import { NodeShop, TOMORROW_MS } from '../support/node-shop.ts';
import { openNodeSql } from '../support/node-sql.ts';

const HOUR_MS = 3_600_000;

async function openShop(): Promise<NodeShop> {
  return NodeShop.open({
    resources: [
      {},
      { id: 'res_pool', capacity: 3 },
      { id: 'res_hall', capacity: 2, units: ['A', 'B'] },
    ],
    services: [
      {},
      { id: 'svc_swim', resourceIds: ['res_pool'], maxQuantity: 3 },
      { id: 'svc_seat', resourceIds: ['res_hall'], maxQuantity: 2 },
    ],
    slots: [
      { at: 0 },
      { at: 0, serviceId: 'svc_swim' },
      { at: 0, serviceId: 'svc_swim', capacity: 2, minutes: 61 },
      { at: 0, serviceId: 'svc_seat' },
    ],
  });
}

/** Writes claims for a hold that is there, without asking memory. */
function insert(shop: NodeShop, claims: readonly Partial<Claim>[], holdId: string): void {
  const whole = claims.map((claim) => ({
    slotId: shop.slot(),
    resourceId: 'res_court',
    unit: null,
    quantity: 1,
    fareId: null,
    slotQuantity: claim.quantity ?? 1,
    span: { startAtMs: TOMORROW_MS, endAtMs: TOMORROW_MS + HOUR_MS },
    ...claim,
  }));
  shop.shard.sql.transactionSync(() => shop.shard.store.insertClaims(holdId, whole));
}

function hours(from: number, to: number): Claim['span'] {
  return { startAtMs: TOMORROW_MS + from * HOUR_MS, endAtMs: TOMORROW_MS + to * HOUR_MS };
}

async function deadHold(shop: NodeShop): Promise<string> {
  const { id } = await shop.held([shop.slot()], { by: 'usr_dead' });
  await shop.giveUp(id, 'usr_dead');
  return id;
}

describe('the guard of the storage', () => {
  test.each([
    ['the same', 0, 1],
    ['one that begins inside', 0.5, 2],
    ['one that ends inside', -1, 0.5],
    ['one within', 0.25, 0.75],
    ['one around', -1, 3],
  ])('refuses a second claim on an exclusive resource over %s interval', async (_, from, to) => {
    const shop = await openShop();
    const other = await deadHold(shop);
    await shop.held();
    expect(() => insert(shop, [{ span: hours(from, to) }], other)).toThrow(/overlapping claim/);
  });

  test.each([
    ['before', -1, 0],
    ['after', 1, 2],
  ])('lets a claim stand that touches another %s it', async (_, from, to) => {
    const shop = await openShop();
    const other = await deadHold(shop);
    await shop.held();
    expect(() => insert(shop, [{ span: hours(from, to) }], other)).not.toThrow();
  });

  test('finds the overlap among many claims, whichever was made first', async () => {
    const shop = await openShop();
    const other = await deadHold(shop);
    for (const at of [8, 2, 6, 4, 0]) insert(shop, [{ span: hours(at, at + 1) }], other);
    for (const at of [8, 2, 6, 4, 0])
      expect(() => insert(shop, [{ span: hours(at + 0.5, at + 0.6) }], other)).toThrow(/guard/);
    expect(() => insert(shop, [{ span: hours(-1, 20) }], other)).toThrow(/guard/);
    expect(() => insert(shop, [{ span: hours(1, 2) }], other)).not.toThrow();
  });

  test('refuses a named unit twice in a slot, and overlapping in two', async () => {
    const shop = await openShop();
    const other = await deadHold(shop);
    const seat = { slotId: shop.slot(3), resourceId: 'res_hall', unit: 'A' };
    await shop.held([shop.slot(3)], { units: ['A'] });
    expect(() => insert(shop, [seat], other)).toThrow();
    const later = { ...seat, slotId: shop.slot(0), span: hours(0.5, 1.5) };
    expect(() => insert(shop, [later], other)).toThrow(/overlapping claim/);
    expect(() => insert(shop, [{ ...seat, unit: 'B' }], other)).not.toThrow();
  });

  test('refuses a pool more than it has at any moment of the interval', async () => {
    const shop = await openShop();
    const other = await deadHold(shop);
    const pool = { slotId: shop.slot(1), resourceId: 'res_pool' };
    insert(shop, [{ ...pool, quantity: 2, span: hours(0, 2) }], other);
    insert(shop, [{ ...pool, quantity: 1, span: hours(1, 3) }], other);
    expect(() => insert(shop, [{ ...pool, span: hours(0, 5) }], other)).toThrow(/CHECK/);
    expect(() => insert(shop, [{ ...pool, span: hours(1.5, 1.6) }], other)).toThrow(/CHECK/);
    expect(() => insert(shop, [{ ...pool, span: hours(0, 1) }], other)).not.toThrow();
    expect(() => insert(shop, [{ ...pool, quantity: 3, span: hours(3, 4) }], other)).not.toThrow();
  });

  test('keeps the levels of a pool true through many claims and ends', async () => {
    const shop = await openShop();
    for (let round = 0; round < 12; round++) {
      const by = `usr_${round}`;
      const quantity = 1 + (round % 3);
      const { id } = await shop.held([shop.slot(1)], { by, quantity });
      await shop.giveUp(id, by);
    }
    const levels = shop.shard.sql.rows('SELECT DISTINCT level FROM pool_level');
    expect(levels).toEqual([{ level: 0 }]);
  });

  test('refuses a slot more than its own capacity', async () => {
    const shop = await openShop();
    const other = await deadHold(shop);
    const small = { slotId: shop.slot(2), resourceId: 'res_pool' };
    insert(shop, [{ ...small, quantity: 2 }], other);
    expect(() => insert(shop, [small], other)).toThrow(/CHECK/);
  });

  test('refuses to revive a dead claim', async () => {
    const shop = await openShop();
    await deadHold(shop);
    expect(() => shop.shard.sql.rows('UPDATE claim SET is_live = 1')).toThrow(/dead claim/);
  });

  test('refuses refunds that together exceed the capture, and a second active payment', async () => {
    const shop = await openShop();
    const { id } = await shop.booked();
    const payment = shop.payment(id);
    const refund = {
      id: 'rfd_1',
      paymentId: payment.id,
      bookingId: id,
      amountMinor: 2_000,
      earnedMinor: 2_000,
      state: 'requested' as const,
      ref: null,
      claimUrl: null,
      isExternal: false,
      commissionMinor: 0,
      taxMinor: 0,
      reason: 'a test',
      createdAtMs: 0,
    };
    shop.shard.store.saveRefund(refund);
    const more = { ...refund, id: 'rfd_2', amountMinor: 501, earnedMinor: 501 };
    expect(() => shop.shard.store.saveRefund(more)).toThrow(/refund exceeds capture/);
    shop.shard.store.saveRefund({ ...refund, state: 'failed' });
    expect(() => shop.shard.store.saveRefund(more)).not.toThrow();
    shop.shard.store.savePayment({ ...payment, state: 'authorized' });
    const second = { ...payment, id: 'pay_2', attempt: 2, ref: 'x', state: 'created' as const };
    expect(() => shop.shard.store.savePayment(second)).toThrow(/UNIQUE/);
  });

  test('refuses to change or delete a link of the chain', async () => {
    const shop = await openShop();
    await shop.booked();
    expect(() => shop.shard.sql.rows("UPDATE chain_event SET actor = 'x'")).toThrow(/append-only/);
    expect(() => shop.shard.sql.rows('DELETE FROM chain_event')).toThrow(/append-only/);
  });

  test('refuses a grant to a second hold while the first one counts', async () => {
    const shop = await openShop();
    const row = shop.holdRow((await shop.held()).id);
    const quota = { grantId: 'g', memberId: 'usr_ann', state: 'held', shares: [] } as const;
    const { store } = shop.shard;
    store.saveHold({ ...row, id: 'hld_1', quota });
    expect(() => store.saveHold({ ...row, id: 'hld_2', quota })).toThrow(/UNIQUE/);
    store.saveHold({ ...row, id: 'hld_1', quota: { ...quota, state: 'returned' } });
    store.saveHold({ ...row, id: 'hld_2', quota: { ...quota, state: 'kept' } });
    expect(store.holdsOfGrant('g').map(({ id }) => id)).toEqual(['hld_1', 'hld_2']);
  });

  test('a refused write takes the whole transaction with it, and memory is loaded anew', async () => {
    const shop = await openShop();
    const other = await deadHold(shop);
    const claim: Claim = {
      slotId: shop.slot(),
      resourceId: 'res_court',
      unit: null,
      fareId: null,
      quantity: 1,
      span: hours(0, 1),
    };
    const before = shop.shard.state.headSeq;
    const bypass = () =>
      shop.shard.decide((shard) => {
        shard.inventory.claim({ slots: [], quantity: 1, units: null, fareId: null });
        shard.store.insertClaims(other, [{ ...claim, slotQuantity: 1 }]);
        shard.store.insertClaims(other, [{ ...claim, slotQuantity: 1 }]);
      });
    expect(bypass).toThrow(/guard/);
    expect(shop.shard.state.headSeq).toBe(before);
    expect(await shop.slotStatus()).toBe('available');
  });
});

test('a shard from before quota was kept goes on with its holds, which have taken none', () => {
  const { sql, storage } = openNodeSql();
  const before = SHARD_MIGRATIONS.findIndex(({ id }) => id === '0005_create_quota');
  migrateShard(storage, SHARD_MIGRATIONS.slice(0, before));
  const body = JSON.stringify({ id: 'hld_old', state: 'active', callerId: 'usr_ann', items: [] });
  const statement =
    "INSERT INTO hold (id, state, caller_id, expires_at_ms, body) VALUES ('hld_old', 'active', 'usr_ann', 0, ?)";
  sql.exec(statement, body);
  migrateShard(storage, SHARD_MIGRATIONS);
  const store = createSqliteInventoryStore(sql);
  expect(store.hold('hld_old')).toMatchObject({ id: 'hld_old', quota: null });
  expect([...store.liveHolds()]).toMatchObject([{ id: 'hld_old', quota: null }]);
  expect(store.quotaNotices(1)).toEqual([]);
});
