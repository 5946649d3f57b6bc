/** Refusals of a hold in the shard: one that just fails for each code, what wins when several apply, and no trace left. */
import { describe, expect, test } from 'vitest';
import { REFUSAL_CODES } from '../../src/domain/codes.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/domain/time.ts';
import { NOON_MS } from '../support/fake-clock.ts';
import {
  codeOf,
  NodeShop,
  TOMORROW_MS,
  type ShopOptions,
  type Wish,
} from '../support/node-shop.ts';

/** Everything that can be wrong with one hold, most decisive first, and how to put it right. */
const WRONGS: readonly (readonly [string, ShopOptions['service'], Wish])[] = [
  ['subscription_required', { access: 'subscribers' }, {}],
  ['sale_not_open', { saleStartsAtMs: NOON_MS + 1 }, {}],
  ['validation_failed', {}, { units: ['Z1', 'Z2'] }],
  ['quantity_limit_exceeded', { maxQuantity: 1 }, { quantity: 2 }],
  ['notice_too_short', { minimumNoticeMinutes: 24 * 60 + 1 }, {}],
  ['customer_limit_reached', { maxPerCustomer: 0 }, {}],
  ['hold_limit_reached', {}, { budget: 0 }],
];

function merged(from: number): { service: ShopOptions['service']; wish: Wish } {
  const rest = WRONGS.slice(from);
  return {
    service: Object.assign({ maxQuantity: 9 }, ...rest.map(([, service]) => service)) as object,
    wish: Object.assign({}, ...rest.map(([, , wish]) => wish)) as Wish,
  };
}

describe('a refused hold', () => {
  test.each(WRONGS)('answers %s when that alone is wrong', async (code, service, wish) => {
    const shop = await NodeShop.open({ service: { maxQuantity: 9, ...service } });
    expect(codeOf(await shop.hold([shop.slot()], wish))).toBe(code);
  });

  test.each(WRONGS.map(([code], index) => [code, index] as const))(
    'answers %s when that and all that is less decisive is wrong',
    async (code, index) => {
      const { service, wish } = merged(index);
      const shop = await NodeShop.open({ service: service ?? {} });
      expect(codeOf(await shop.hold([shop.slot()], wish))).toBe(code);
    },
  );

  test('the order above is the published order', () => {
    const codes = WRONGS.map(([code]) => code);
    expect(REFUSAL_CODES.filter((code) => codes.includes(code))).toEqual(codes);
  });

  test('a slot that is taken outranks a slot that has begun, and money outranks both', async () => {
    const shop = await NodeShop.open();
    await shop.held([shop.slot()], { by: 'usr_bob' });
    const begun = TOMORROW_MS - NOON_MS;
    expect(codeOf(await shop.book([shop.slot()], null))).toBe('payment_required');
    shop.clock.advance(begun - 1);
    await shop.held([shop.slot()], { by: 'usr_bob' });
    shop.clock.advance(1);
    expect(codeOf(await shop.hold([shop.slot()]))).toBe('slot_unavailable');
    shop.clock.advance(10 * MINUTE_MS);
    expect(codeOf(await shop.hold([shop.slot()]))).toBe('slot_past');
  });

  test.each([
    [-SECOND_MS, 'accepted'],
    [0, 'slot_past'],
    [SECOND_MS, 'slot_past'],
  ])('%i ms from the start of the slot a hold is %s', async (offMs, code) => {
    const shop = await NodeShop.open();
    shop.clock.set(TOMORROW_MS + offMs);
    expect(codeOf(await shop.hold([shop.slot()]))).toBe(code);
  });

  test('an unknown slot among known ones is not found', async () => {
    const shop = await NodeShop.open();
    expect(codeOf(await shop.hold([shop.slot(), 'slt_nowhere']))).toBe('not_found');
  });

  test('slots of two currencies, and units that do not exist, are bad input', async () => {
    const shop = await NodeShop.open({
      services: [{}, { id: 'svc_euro', price: { amount: 1, currency: 'eur' } }],
      slots: [{ at: 0 }, { at: 60, serviceId: 'svc_euro' }],
    });
    expect(codeOf(await shop.hold(shop.slotIds))).toBe('validation_failed');
    expect(codeOf(await shop.hold([shop.slot()], { units: ['A1'] }))).toBe('validation_failed');
  });

  test('too far ahead is refused, and the very last allowed instant is not', async () => {
    const shop = await NodeShop.open({ service: { bookingWindowDays: 1 } });
    expect(codeOf(await shop.hold([shop.slot(0)]))).toBe('accepted');
    expect(codeOf(await shop.hold([shop.slot(1)]))).toBe('outside_booking_window');
  });

  test.each(WRONGS)(
    'that is refused with %s leaves no trace but its key',
    async (_, service, wish) => {
      const shop = await NodeShop.open({ service: { maxQuantity: 9, ...service } });
      const before = shop.shard.state.headSeq;
      await shop.hold([shop.slot()], wish);
      expect(shop.shard.sql.rows('SELECT count(*) AS n FROM hold')).toEqual([{ n: 0 }]);
      expect(shop.shard.sql.rows('SELECT count(*) AS n FROM claim')).toEqual([{ n: 0 }]);
      expect(shop.shard.state.headSeq).toBe(before);
      expect(await shop.slotStatus()).toBe('available');
      expect(shop.shard.state.liveHoldsOf('usr_ann')).toBe(0);
    },
  );
});
