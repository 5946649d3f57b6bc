/** What a refusal offers instead: the nearest slots that the customer could hold now, and none that they could not. */
import { describe, expect, test } from 'vitest';
import type { Fare } from '../../src/domain/inventory/cards.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';
import { OWNER } from '../support/node-shard.ts';
import { NodeShop, TOMORROW_MS, type Wish } from '../support/node-shop.ts';

/** Which slots, by their place in the shop, a refused hold offers. */
async function offered(
  shop: NodeShop,
  wanted: readonly number[] = [0],
  wish: Wish = {},
): Promise<number[]> {
  const slotIds = wanted.map((index) => shop.slot(index));
  const reply = await shop.hold(slotIds, { by: 'usr_bob', ...wish });
  if (reply.ok || reply.refusal.code !== 'slot_unavailable') throw new Error('not refused');
  const found = reply.refusal.extra?.['alternatives'] as unknown as { id: string }[];
  return found.map(({ id }) => shop.slotIds.indexOf(id));
}

function fare(id: string, quota: number): Fare {
  return { id, name: id, price: { amount: 100, currency: 'usd' }, quota };
}

describe('alternatives', () => {
  test('are the nearest free slots of the service, the earlier of two, three at most', async () => {
    const slots = [0, 60, -60, 180, -240, 120].map((at) => ({ at }));
    const shop = await NodeShop.open({ slots });
    await shop.held([shop.slot(0)]);
    expect(await offered(shop)).toEqual([2, 1, 5]);
    await shop.held([shop.slot(1)]);
    expect(await offered(shop)).toEqual([2, 5, 3]);
  });

  test('are of services of its kind at its venue where its own are gone, and of no other', async () => {
    const courts = ['a', 'b', 'c', 'd', 'e'].map((name) => `res_${name}`);
    const [own = '', sibling = '', elsewhere = '', other = '', closed = ''] = courts;
    const shop = await NodeShop.open({
      resources: courts.map((id) => ({ id })),
      services: [
        { id: 'svc_own', resourceIds: [own] },
        { id: 'svc_sibling', resourceIds: [sibling] },
        { id: 'svc_elsewhere', resourceIds: [elsewhere], venueId: 'ven_other' },
        { id: 'svc_other', resourceIds: [other], category: 'wellness' },
        { id: 'svc_closed', resourceIds: [closed], active: false },
      ],
      slots: [
        { at: 0, serviceId: 'svc_own' },
        { at: 120, serviceId: 'svc_own' },
        { at: 0, serviceId: 'svc_sibling' },
        { at: 0, serviceId: 'svc_elsewhere' },
        { at: 0, serviceId: 'svc_other' },
        { at: 0, serviceId: 'svc_closed' },
      ],
    });
    await shop.held([shop.slot(0)]);
    expect(await offered(shop)).toEqual([1, 2]);
  });

  test('have room for as many, also where a sum over courts would seem to', async () => {
    const shop = await NodeShop.open({
      resources: [{ id: 'res_a' }, { id: 'res_b' }, { id: 'res_pool', capacity: 4 }],
      services: [
        { id: 'svc_courts', resourceIds: ['res_a', 'res_b'], maxQuantity: 2 },
        { id: 'svc_pool', resourceIds: ['res_pool'], maxQuantity: 2 },
      ],
      slots: [
        { at: 0, serviceId: 'svc_courts' },
        { at: 120, serviceId: 'svc_courts' },
        { at: 0, serviceId: 'svc_pool' },
      ],
    });
    expect(await offered(shop, [0], { quantity: 2 })).toEqual([2]);
  });

  test('have the same seats where the hall has them, and the fare that was asked for', async () => {
    const shop = await NodeShop.open({
      resources: [{ capacity: 2, units: ['A1', 'A2'] }],
      service: { maxQuantity: 2 },
      slots: [{ at: 0 }, { at: 60 }, { at: 120 }],
    });
    await shop.held([shop.slot(0)], { units: ['A1'] });
    await shop.held([shop.slot(1)], { units: ['A1'] });
    expect(await offered(shop, [0], { units: ['A1'] })).toEqual([2]);
    const hall = await NodeShop.open({
      resources: [{ capacity: 2 }],
      slots: [0, 60, 120, 180].map((at) => ({
        at,
        fares: at === 180 ? [fare('other', 1)] : [fare('child', 1), fare('adult', 1)],
      })),
    });
    await hall.held([hall.slot(0)], { fareId: 'child' });
    await hall.held([hall.slot(1)], { fareId: 'child' });
    expect(await offered(hall, [0], { fareId: 'child' })).toEqual([2, 3]);
  });

  test('are neither blocked nor past, nor too soon, too far, or more than the customer may have', async () => {
    const shop = await NodeShop.open({
      service: { minimumNoticeMinutes: 60, bookingWindowDays: 2 },
      slots: [0, 60, -60, 120, 4_000].map((at) => ({ at })),
    });
    const blocked = { caller: OWNER, call: null, slotId: shop.slot(1), reason: 'wet' };
    await shop.shard.blockSlot(blocked);
    await shop.held([shop.slot(0)]);
    expect(await offered(shop)).toEqual([2, 3]);
    shop.clock.set(TOMORROW_MS - 100 * MINUTE_MS);
    await shop.held([shop.slot(0)]);
    expect(await offered(shop)).toEqual([3]);
    const capped = await NodeShop.open({ service: { maxPerCustomer: 1 } });
    await capped.held([capped.slot(0)]);
    await capped.held([capped.slot(1)], { by: 'usr_bob' });
    expect(await offered(capped)).toEqual([]);
  });

  test('are for members where members are asked, and for nobody else', async () => {
    const shop = await NodeShop.open({
      resources: [{ id: 'res_a' }, { id: 'res_b' }],
      services: [
        { id: 'svc_open', resourceIds: ['res_a'] },
        { id: 'svc_club', resourceIds: ['res_b'], access: 'subscribers' },
      ],
      slots: [
        { at: 0, serviceId: 'svc_open' },
        { at: 0, serviceId: 'svc_club' },
      ],
    });
    await shop.held([shop.slot(0)]);
    expect(await offered(shop)).toEqual([]);
    const access = { isMember: true, planId: 'pln_a', benefits: null, grant: null, refusal: null };
    expect(await offered(shop, [0], { access })).toEqual([1]);
  });
});
