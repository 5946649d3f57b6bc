/** Moving a booking to another resource of its service: by its seller, all of it or nothing, and the old one is free. */
import { describe, expect, test } from 'vitest';
import { OWNER } from '../support/node-shard.ts';
import { card, codeOf, customer, given, NodeShop, type ShopOptions } from '../support/node-shop.ts';

const COURTS: ShopOptions = {
  resources: [{ id: 'res_court' }, { id: 'res_other' }, { id: 'res_third' }],
  service: { resourceIds: ['res_court', 'res_other'] },
  slots: [
    { at: 0 },
    { at: 60 },
    { at: 0, resourceId: 'res_court' },
    { at: 0, resourceId: 'res_other' },
  ],
};
const to = (resourceId: string) => ({ kind: 'reassign', resourceId }) as const;

function resourcesOf(shop: NodeShop, id: string) {
  return shop.bookingRow(id).items.map(({ resourceIds }) => resourceIds);
}

describe('a booking on one court', () => {
  test('moves to the other, and its customer may book the first one again', async () => {
    const shop = await NodeShop.open(COURTS);
    const { id } = await shop.booked([shop.slot(0), shop.slot(1)]);
    const [first] = resourcesOf(shop, id);
    const other = first?.[0] === 'res_court' ? 'res_other' : 'res_court';
    const view = given(await shop.act(id, to(other)));
    expect(view.slots.map(({ resourceIds }) => resourceIds)).toEqual([[other], [other]]);
    expect(shop.payment(id)).toMatchObject({ capturedMinor: 5_000, refundedMinor: 0 });
    expect(codeOf(await shop.book([shop.slot(0)]))).toBe('accepted');
    expect(codeOf(await shop.book([shop.slot(0)], card(), { by: 'usr_bob' }))).toBe(
      'slot_unavailable',
    );
  });

  test('sold as such becomes the slot of the other court', async () => {
    const shop = await NodeShop.open(COURTS);
    const { id } = await shop.booked([shop.slot(2)]);
    const view = given(await shop.act(id, to('res_other')));
    expect(view.slots.map((slot) => slot.id)).toEqual([shop.slot(3)]);
    expect(await shop.slotStatus(shop.slot(2))).toBe('available');
    expect(await shop.slotStatus(shop.slot(3))).toBe('booked');
  });

  test('stays where it is when the other is taken for a part of it', async () => {
    const shop = await NodeShop.open(COURTS);
    const { id } = await shop.booked([shop.slot(2), shop.slot(1)]);
    const taken = await shop.held([shop.slot(1)], { by: 'usr_bob' });
    const before = resourcesOf(shop, id);
    const blocked = shop.holdRow(taken.id).items[0]?.resourceIds[0] ?? '';
    expect(codeOf(await shop.act(id, to(blocked)))).toBe('slot_unavailable');
    expect(resourcesOf(shop, id)).toEqual(before);
  });

  test('is moved once, however often it is asked for', async () => {
    const shop = await NodeShop.open(COURTS);
    const { id } = await shop.booked([shop.slot(2)]);
    given(await shop.act(id, to('res_other'), { key: 'one' }));
    expect(await shop.act(id, to('res_other'), { key: 'one' })).toMatchObject({ replayed: true });
    given(await shop.act(id, to('res_other')));
    const moves = shop.shard.store.eventsOf(id).filter(({ type }) => type === 'booking.reassigned');
    expect(moves).toHaveLength(1);
  });

  test('moves to no court that its service does not have, and by nobody but its seller', async () => {
    const shop = await NodeShop.open(COURTS);
    const { id } = await shop.booked();
    expect(codeOf(await shop.act(id, to('res_third')))).toBe('validation_failed');
    expect(codeOf(await shop.act(id, to('res_other'), { by: customer() }))).toBe('role_required');
    given(await shop.cancel(id, { by: OWNER }));
    expect(codeOf(await shop.act(id, to('res_other')))).toBe('invalid_transition');
  });

  test('that takes every court of its service has no other', async () => {
    const service = { resourceIds: ['res_court', 'res_other'], allocation: 'all' } as const;
    const shop = await NodeShop.open({ ...COURTS, service, slots: [{ at: 0 }] });
    const { id } = await shop.booked();
    given(await shop.act(id, to('res_other')));
    expect(codeOf(await shop.act(id, to('res_third')))).toBe('validation_failed');
  });
});
