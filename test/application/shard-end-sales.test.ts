/** Ending what a shard sells: who keeps it from ending, and that nobody can hold anything afterwards. */
import { expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { OWNER } from '../support/node-shard.ts';
import { card, codeOf, customer, given, NodeShop } from '../support/node-shop.ts';

async function end(shop: NodeShop, isDryRun = false) {
  const ended = await shop.shard.endSales({ caller: OWNER, isDryRun });
  const { liveBookings, liveHolds, services, resources } = given(ended);
  const cards = [...services, ...resources];
  return [liveBookings, liveHolds, cards.length, cards.filter(({ active }) => active).length];
}

async function isOnSale(shop: NodeShop): Promise<boolean> {
  return given(await shop.shard.getService('svc_hour')).active;
}

test('everything goes off sale at once, again and again, and a look changes nothing', async () => {
  const shop = await NodeShop.open();
  expect(await end(shop, true)).toEqual([0, 0, 0, 0]);
  expect(await isOnSale(shop)).toBe(true);
  expect(await end(shop)).toEqual([0, 0, 2, 0]);
  expect(codeOf(await shop.hold([shop.slot()]))).not.toBe('accepted');
  shop.shard.crash();
  expect(await end(shop)).toEqual([0, 0, 2, 0]);
  expect(given(await shop.shard.getService('svc_hour')).version).toBe(2);
});

test('a hold keeps it from ending until it is over', async () => {
  const shop = await NodeShop.open();
  await shop.held();
  expect(await end(shop)).toEqual([0, 1, 0, 0]);
  expect(await isOnSale(shop)).toBe(true);
  await shop.pass(HOUR_MS);
  expect(await end(shop)).toEqual([0, 0, 2, 0]);
});

test('a booking keeps it from ending until it is cancelled or its time has passed', async () => {
  const shop = await NodeShop.open();
  const first = await shop.booked([shop.slot(0)]);
  await shop.booked([shop.slot(1)]);
  expect(await end(shop)).toEqual([2, 0, 0, 0]);
  await shop.cancel(first.id);
  expect(await end(shop)).toEqual([1, 0, 0, 0]);
  await shop.pass(3 * DAY_MS);
  expect(await end(shop)).toEqual([0, 0, 2, 0]);
});

test('a request that waits for its provider keeps it from ending, though it claims nothing', async () => {
  const shop = await NodeShop.open({ service: { requiresApproval: true } });
  const { id } = await shop.booked([shop.slot()], card());
  expect(await end(shop)).toEqual([1, 0, 0, 0]);
  await shop.act(id, { kind: 'decline', reason: 'closing down' });
  expect(await end(shop)).toEqual([0, 0, 2, 0]);
});

test('only whoever manages the provider ends it', async () => {
  const shop = await NodeShop.open();
  const refused = await shop.shard.endSales({ caller: customer('usr_eve'), isDryRun: false });
  expect(codeOf(refused)).toBe('not_found');
});
