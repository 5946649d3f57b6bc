/** How much a customer may have of one day: by the venue's clock, over sessions, with what is over that day, in one transaction too. */
import { describe, expect, test } from 'vitest';
import { placeHold } from '../../src/application/place-hold.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { codeOf, given, NodeShop } from '../support/node-shop.ts';

/** Noon of tomorrow is nine at night in Tokyo: three hours later another day begins there. */
const TOKYO = { timeZone: 'Asia/Tokyo', maxPerCustomerPerDay: 2, maxQuantity: 5 };
const SLOTS = [0, 60, 120, 180, 240, 300].map((at) => ({ at }));

async function refusalOf(shop: NodeShop, slots: readonly number[], by = 'usr_ann') {
  return codeOf(
    await shop.hold(
      slots.map((index) => shop.slot(index)),
      { by },
    ),
  );
}

describe('a limit for a day', () => {
  test('counts what a customer holds and has booked of the venue’s day', async () => {
    const shop = await NodeShop.open({ service: TOKYO, slots: SLOTS });
    await shop.booked([shop.slot(0)]);
    expect(await refusalOf(shop, [1])).toBe('accepted');
    expect(await refusalOf(shop, [2])).toBe('customer_limit_reached');
    expect(await refusalOf(shop, [2], 'usr_bob')).toBe('accepted');
    expect(await refusalOf(shop, [3])).toBe('accepted');
    shop.shard.crash();
    expect(await refusalOf(shop, [4, 5])).toBe('customer_limit_reached');
    expect(await refusalOf(shop, [4])).toBe('accepted');
  });

  test('counts the slots of one hold together, and gives back what is given up', async () => {
    const shop = await NodeShop.open({ service: TOKYO, slots: SLOTS });
    expect(await refusalOf(shop, [0, 1, 2])).toBe('customer_limit_reached');
    const { id } = await shop.held([shop.slot(0), shop.slot(1)]);
    expect(await refusalOf(shop, [2])).toBe('customer_limit_reached');
    given(await shop.giveUp(id));
    expect(await refusalOf(shop, [1, 2])).toBe('accepted');
  });

  test('counts a visit that is over as long as its day lasts', async () => {
    const service = { ...TOKYO, maxPerCustomerPerDay: 1 };
    const shop = await NodeShop.open({ service, slots: SLOTS });
    await shop.booked([shop.slot(0)]);
    await shop.pass(25.5 * HOUR_MS);
    expect(await refusalOf(shop, [2])).toBe('customer_limit_reached');
    expect(await refusalOf(shop, [3])).toBe('accepted');
  });

  test('counts holds that are decided in the same transaction', async () => {
    const shop = await NodeShop.open({ service: TOKYO, slots: SLOTS });

    const codes = shop.shard.decide((shard) =>
      [0, 1, 2].map((index) => codeOf(placeHold(shard, shop.holdCommand([shop.slot(index)])))),
    );
    expect(codes).toEqual(['accepted', 'accepted', 'customer_limit_reached']);
  });

  test('counts named units by the slot', async () => {
    const shop = await NodeShop.open({
      service: TOKYO,
      resources: [{ capacity: 4, units: ['A', 'B', 'C', 'D'] }],
      slots: SLOTS,
    });
    given(await shop.hold([shop.slot(0)], { units: ['A', 'B'] }));
    expect(codeOf(await shop.hold([shop.slot(1)], { units: ['C'] }))).toBe(
      'customer_limit_reached',
    );
    expect(codeOf(await shop.hold([shop.slot(3)], { units: ['C'] }))).toBe('accepted');
  });
});
