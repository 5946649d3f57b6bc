/** What becomes free, while people wait for it: who is offered it, and what becomes of the offer. */
import { describe, expect, test } from 'vitest';
import type { Fare } from '../../src/domain/inventory/cards.ts';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { OFFER_MS, OWNER } from '../support/node-shard.ts';
import { codeOf, customer, given, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';
import { entry, join, left, lineOfTwo, serviceOf, statusOf, tryJoin } from './waiting-lines.ts';

function fare(id: string, quota: number): Fare {
  return { id, name: id, price: { amount: 900, currency: 'usd' }, quota };
}

describe('a unit that becomes free', () => {
  test.each([
    ['its hold is given up', async (shop: NodeShop, holdId: string) => shop.giveUp(holdId)],
    ['its hold expires', async (shop: NodeShop) => shop.pass(10 * MINUTE_MS)],
    [
      'its booking is cancelled',
      async (shop: NodeShop, holdId: string) => shop.cancel((await shop.booked(holdId)).id),
    ],
  ])('is offered to the first in line when %s, and to nobody else', async (_, free) => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await free(shop, hold.id);
    expect(await statusOf(shop, bob, cyd)).toEqual(['offered', 'waiting']);
    expect((await entry(shop, bob)).position).toBe(null);
    expect((await entry(shop, cyd)).position).toBe(1);
    expect(await left(shop)).toBe(0);
    expect(await shop.slotStatus()).toBe('held');
    for (const by of ['usr_cyd', 'usr_ann'])
      expect(codeOf(await shop.hold([shop.slot()], { by }))).toBe('slot_unavailable');
  });

  test('is taken by an ordinary hold of whoever was offered it, at the ordinary price', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await shop.giveUp(hold.id);
    const taken = await shop.held([shop.slot()], { by: 'usr_bob' });
    expect(taken.quote.total.amount).toBe(2_500);
    expect(await statusOf(shop, bob, cyd)).toEqual(['taken', 'waiting']);
    expect((await shop.booked(taken.id, undefined, { by: 'usr_bob' })).status).toBe('confirmed');
  });

  test('is booked at once by whoever was offered it', async () => {
    const { shop, hold, bob } = await lineOfTwo();
    await shop.giveUp(hold.id);
    const booking = await shop.booked([shop.slot()], undefined, { by: 'usr_bob' });
    expect(booking.status).toBe('confirmed');
    expect(await statusOf(shop, bob)).toEqual(['taken']);
  });

  test('passes to the next in line when the offer lapses, and to everybody after the last', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await shop.giveUp(hold.id);
    const { offer } = await entry(shop, bob);
    expect(Date.parse(offer?.expiresAt ?? '')).toBe(shop.clock.nowMs() + OFFER_MS);
    await shop.pass(OFFER_MS);
    expect(await statusOf(shop, bob, cyd)).toEqual(['lapsed', 'offered']);
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_bob' }))).toBe('slot_unavailable');
    await shop.pass(OFFER_MS);
    expect(await statusOf(shop, bob, cyd)).toEqual(['lapsed', 'lapsed']);
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_dan' }))).toBe('accepted');
  });

  test('passes on when the offer is declined, and leaving twice is leaving once', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await shop.giveUp(hold.id);
    for (const _ of [1, 2])
      expect(codeOf(await shop.shard.leaveWaitlist(customer('usr_bob'), bob))).toBe('accepted');
    expect(await statusOf(shop, bob, cyd)).toEqual(['left', 'offered']);
  });

  test('goes to the next in line when the booking that an offer became is cancelled: an offer is used once', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await shop.giveUp(hold.id);
    const booking = await shop.booked([shop.slot()], undefined, { by: 'usr_bob' });
    await shop.cancel(booking.id, { by: customer('usr_bob') });
    expect(await statusOf(shop, bob, cyd)).toEqual(['taken', 'offered']);
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_bob' }))).toBe('slot_unavailable');
  });

  test('is where a booking of whoever was offered it moves to', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    const other = await shop.booked([shop.slot(2)], undefined, { by: 'usr_bob' });
    await shop.giveUp(hold.id);
    const moved = given(
      await shop.reschedule(other.id, [shop.slot()], { by: customer('usr_bob') }),
    );
    expect(moved.slots.map(({ id }) => id)).toEqual([shop.slot()]);
    expect(await statusOf(shop, bob, cyd)).toEqual(['taken', 'waiting']);
    expect(await left(shop, shop.slot(2))).toBe(1);
  });

  test('stays with its offer where the hold of its owner is refused', async () => {
    const { shop, hold, bob } = await lineOfTwo();
    await shop.giveUp(hold.id);
    const refused = await shop.hold([shop.slot()], { by: 'usr_bob', budget: 0 });
    expect(codeOf(refused)).toBe('hold_limit_reached');
    const both = await shop.hold([shop.slot(), shop.slot(1)], { by: 'usr_bob' });
    expect(codeOf(both)).toBe('accepted');
    expect(await statusOf(shop, bob)).toEqual(['taken']);
  });

  test('is put back beside a slot that cannot be had with it', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await shop.held([shop.slot(1)], { by: 'usr_dan' });
    await shop.giveUp(hold.id);
    const both = await shop.hold([shop.slot(), shop.slot(1)], { by: 'usr_bob' });
    expect(both).toMatchObject({ refusal: { extra: { conflicts: [shop.slot(1)] } } });
    expect(await statusOf(shop, bob, cyd)).toEqual(['offered', 'waiting']);
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_cyd' }))).toBe('slot_unavailable');
  });

  test('is offered as often as units are free, and not once more', async () => {
    const shop = await NodeShop.open({
      resources: [{ capacity: 3 }],
      service: { maxQuantity: 3 },
      slots: [{ at: 0 }],
    });
    const hold = await shop.held([shop.slot()], { quantity: 2 });
    await shop.held([shop.slot()], { by: 'usr_eve' });
    const ids = [
      await join(shop, 'usr_bob', { quantity: 3 }),
      await join(shop, 'usr_cyd'),
      await join(shop, 'usr_dan', { quantity: 2 }),
      await join(shop, 'usr_fay'),
    ];
    await shop.giveUp(hold.id);
    // Bob wants more than there is and keeps his place; Dan no longer fits after Cyd.
    expect(await statusOf(shop, ...ids)).toEqual(['waiting', 'offered', 'waiting', 'offered']);
    expect((await entry(shop, ids[0] ?? '')).position).toBe(1);
    expect(await left(shop)).toBe(0);
    for (const id of ids) await shop.shard.leaveWaitlist(OWNER, id);
    expect(await left(shop)).toBe(2);
  });

  test('leaves what its owner does not take to the next in line', async () => {
    const shop = await NodeShop.open({
      resources: [{ capacity: 2 }],
      service: { maxQuantity: 2 },
      slots: [{ at: 0 }],
    });
    const hold = await shop.held([shop.slot()], { quantity: 2 });
    const bob = await join(shop, 'usr_bob', { quantity: 2 });
    const cyd = await join(shop, 'usr_cyd');
    await shop.giveUp(hold.id);
    expect(await statusOf(shop, bob, cyd)).toEqual(['offered', 'waiting']);
    await shop.held([shop.slot()], { by: 'usr_bob', quantity: 1 });
    expect(await statusOf(shop, bob, cyd)).toEqual(['taken', 'offered']);
  });

  test('is offered once over all slots that it frees: whoever waited longest for one of them is first', async () => {
    const shop = await NodeShop.open({
      services: [{}, { id: 'svc_lesson', resourceIds: ['res_court'] }],
      slots: [{ at: 0 }, { at: 30, minutes: 30, serviceId: 'svc_lesson' }, { at: 0, minutes: 20 }],
    });
    const booking = await shop.booked([shop.slot(0)]);
    const lesson = await join(shop, 'usr_bob', { slotId: shop.slot(1) });
    const hour = await join(shop, 'usr_cyd', { slotId: shop.slot(0) });
    const short = await join(shop, 'usr_dan', { slotId: shop.slot(2) });
    await shop.cancel(booking.id);
    expect(await statusOf(shop, lesson, hour, short)).toEqual(['offered', 'waiting', 'offered']);
  });

  test('is offered at the fare that was waited for', async () => {
    const shop = await NodeShop.open({
      resources: [{ capacity: 2 }],
      slots: [{ at: 0, fares: [fare('child', 1), fare('adult', 1)] }],
    });
    const child = await shop.held([shop.slot()], { fareId: 'child' });
    expect(codeOf(await tryJoin(shop, 'usr_bob'))).toBe('validation_failed');
    const bob = await join(shop, 'usr_bob', { fareId: 'child' });
    await shop.held([shop.slot()], { by: 'usr_cyd', fareId: 'adult' });
    const dan = await join(shop, 'usr_dan', { fareId: 'adult' });
    await shop.giveUp(child.id);
    expect(await statusOf(shop, bob, dan)).toEqual(['offered', 'waiting']);
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_bob', fareId: 'child' }))).toBe(
      'accepted',
    );
  });

  test('is not offered to whoever may have no more of the service, who keeps the place', async () => {
    const shop = await NodeShop.open({ service: { maxPerCustomer: 1 } });
    const hold = await shop.held([shop.slot()]);
    const own = await shop.held([shop.slot(1)], { by: 'usr_bob' });
    const bob = await join(shop, 'usr_bob');
    const cyd = await join(shop, 'usr_cyd');
    await shop.giveUp(hold.id);
    expect(await statusOf(shop, bob, cyd)).toEqual(['waiting', 'offered']);
    await shop.giveUp(own.id, 'usr_bob');
    await shop.shard.leaveWaitlist(customer('usr_cyd'), cyd);
    expect(await statusOf(shop, bob)).toEqual(['offered']);
  });

  test('is offered when a block, a closed court or a deactivated service opens again', async () => {
    const { shop, hold, bob } = await lineOfTwo();
    const over = { startAtMs: TOMORROW_MS, endAtMs: TOMORROW_MS + HOUR_MS };
    const where = { caller: OWNER, call: null, resourceId: 'res_court', over };
    await shop.shard.blockResource({ ...where, reason: 'floor', cancelsBookings: false });
    await shop.giveUp(hold.id);
    expect(await statusOf(shop, bob)).toEqual(['waiting']);
    await shop.shard.unblockResource(where);
    expect(await statusOf(shop, bob)).toEqual(['offered']);
  });

  test('takes an offer back where its resource is blocked for all, and the place in line stays', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await shop.giveUp(hold.id);
    const over = { startAtMs: TOMORROW_MS, endAtMs: TOMORROW_MS + HOUR_MS };
    const where = { caller: OWNER, call: null, resourceId: 'res_court', over };
    await shop.shard.blockResource({ ...where, reason: 'floor', cancelsBookings: true });
    expect(await statusOf(shop, bob, cyd)).toEqual(['waiting', 'waiting']);
    expect((await entry(shop, bob)).position).toBe(1);
    await shop.shard.unblockResource(where);
    expect(await statusOf(shop, bob, cyd)).toEqual(['offered', 'waiting']);
  });

  test('is offered again when the service is on sale again', async () => {
    const { shop, hold, bob } = await lineOfTwo();
    const id = serviceOf(shop);
    const patch = (active: boolean) =>
      shop.shard.patchService({ caller: OWNER, id, patch: { active } });
    given(await patch(false));
    await shop.giveUp(hold.id);
    expect(await statusOf(shop, bob)).toEqual(['waiting']);
    given(await patch(true));
    expect(await statusOf(shop, bob)).toEqual(['offered']);
  });
});
