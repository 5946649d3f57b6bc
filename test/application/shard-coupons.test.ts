/** Coupons from the code to the booking and back: what they take off, how often, for whom, and what a crash changes. */
import { describe, expect, test } from 'vitest';
import type { ServiceCard } from '../../src/domain/inventory/cards.ts';
import { promotionName, type Coupon } from '../../src/domain/promotion/coupon.ts';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { NOON_MS } from '../support/fake-clock.ts';
import { METHODS } from '../support/fake-processor.ts';
import { memberVerdict } from '../support/node-members.ts';
import { makeCoupon, type NodePromotion } from '../support/node-promotions.ts';
import { OWNER } from '../support/node-shard.ts';
import { card, codeOf, given, NodeShop } from '../support/node-shop.ts';

interface Sale {
  readonly shop: NodeShop;
  readonly promotion: NodePromotion;
}

async function openSale(
  coupon: Partial<Coupon> = {},
  service: Partial<ServiceCard> = {},
): Promise<Sale> {
  const shop = await NodeShop.open({ service });
  const made = makeCoupon(coupon);
  const promotion = shop.members.promotion(promotionName(made));
  promotion.written = made;
  return { shop, promotion };
}

const SPRING = { couponCode: ' spring ' };

async function settle({ shop }: Sale): Promise<void> {
  await shop.tellMembers();
}

describe('a coupon', () => {
  test('takes its part off the price, and says so', async () => {
    const { shop } = await openSale();
    const hold = given(await shop.admitted([shop.slot()], SPRING));
    expect(hold.quote).toEqual({
      total: { amount: 2_250, currency: 'usd' },
      lines: [
        { kind: 'slot', label: 'An hour of padel', amount: 2_500 },
        { kind: 'coupon', label: 'Coupon SPRING', amount: -250 },
      ],
    });
  });

  test('makes a booking free when it takes everything off', async () => {
    const sale = await openSale({ discount: { amount: { amount: 9_999, currency: 'usd' } } });
    const { status, quote } = await sale.shop.booked([sale.shop.slot()], null, SPRING);
    expect([status, quote.total.amount]).toEqual(['confirmed', 0]);
    expect(sale.promotion.used()).toBe(1);
  });

  test.each<[string, Partial<Coupon>, Partial<ServiceCard>, string]>([
    ['of another code', { code: 'AUTUMN' }, {}, 'coupon_invalid'],
    ['that was called back', { isActive: false }, {}, 'coupon_invalid'],
    ['from a minute ago on', { validFromMs: NOON_MS - MINUTE_MS }, {}, 'accepted'],
    ['from now on', { validFromMs: NOON_MS }, {}, 'accepted'],
    ['from later on', { validFromMs: NOON_MS + 1 }, {}, 'coupon_invalid'],
    ['until later', { validUntilMs: NOON_MS + 1 }, {}, 'accepted'],
    ['until now', { validUntilMs: NOON_MS }, {}, 'coupon_invalid'],
    ['for this service', { serviceIds: ['svc_hour'] }, {}, 'accepted'],
    ['for another service', { serviceIds: ['svc_other'] }, {}, 'coupon_invalid'],
    ['for this person', { customerIds: ['usr_ann'] }, {}, 'accepted'],
    ['for another person', { customerIds: ['usr_bob'] }, {}, 'coupon_invalid'],
    ['for whoever has no plan', { segment: 'customer' }, {}, 'accepted'],
    ['for members', { segment: 'member' }, {}, 'coupon_invalid'],
    ['for what is free', {}, { price: { amount: 0, currency: 'usd' } }, 'coupon_invalid'],
    ['for what is quoted later', {}, { priceType: 'custom' }, 'coupon_invalid'],
  ])('%s', async (...[, coupon, service, code]) => {
    const sale = await openSale(coupon, service);
    const reply = await sale.shop.admitted([sale.shop.slot()], SPRING);
    expect(codeOf(reply)).toBe(code);
    expect(sale.promotion.used()).toBe(code === 'accepted' ? 1 : 0);
  });

  test('is for members where its provider says so', async () => {
    const { shop } = await openSale({ segment: 'member' });
    shop.members.member('usr_ann').join({ 'price.discountBps': 1_000 });
    const hold = given(await shop.admitted([shop.slot()], SPRING));
    expect(hold.quote.total.amount).toBe(2_025);
  });

  test('is used up for everybody, and for one', async () => {
    const { shop } = await openSale({ maxUses: 2, maxUsesPerCustomer: 1 });
    const ask = (by: string, index: number) =>
      shop.admitted([shop.slot(index)], { ...SPRING, by }).then(codeOf);
    expect(await ask('usr_ann', 0)).toBe('accepted');
    expect(await ask('usr_ann', 1)).toBe('coupon_exhausted');
    expect(await ask('usr_bob', 1)).toBe('accepted');
    expect(await ask('usr_cat', 2)).toBe('coupon_exhausted');
    expect(await shop.slotStatus(shop.slot(2))).toBe('available');
  });

  test('is refused after what stands before it: a slot that is gone, not a use', async () => {
    const { shop, promotion } = await openSale({ maxUses: 1 });
    await shop.held([shop.slot()], { by: 'usr_bob' });
    expect(codeOf(await shop.admitted([shop.slot()], SPRING))).toBe('slot_unavailable');
    expect(promotion.used()).toBe(0);
  });
});

describe('a use', () => {
  test('counts from the hold on and returns when the hold dies', async () => {
    const sale = await openSale({ maxUses: 1 });
    const { shop, promotion } = sale;
    const hold = given(await shop.admitted([shop.slot()], SPRING));
    expect(promotion.used()).toBe(1);
    await shop.giveUp(hold.id);
    expect(promotion.used()).toBe(0);
    given(await shop.admitted([shop.slot()], SPRING));
    await shop.pass(10 * MINUTE_MS);
    await settle(sale);
    expect(promotion.used()).toBe(0);
  });

  test('is kept by the booking, however often its end is told', async () => {
    const sale = await openSale();
    await sale.shop.booked([sale.shop.slot()], card(), SPRING);
    await settle(sale);
    sale.shop.clock.advance(2 * DAY_MS);
    await sale.promotion.wake();
    expect(sale.promotion.redemptions().map(({ state }) => state)).toEqual(['kept']);
    expect(sale.promotion.used()).toBe(1);
  });

  test.each([
    ['within the ladder', [{ hoursBefore: 0, refundPercent: 1 }], false, 0],
    ['too late for any money', [{ hoursBefore: 0, refundPercent: 0 }], false, 1],
    ['by the provider, however late', [{ hoursBefore: 0, refundPercent: 0 }], true, 0],
  ])('cancelled %s', async (...[, cancellationPolicy, isByProvider, used]) => {
    const sale = await openSale({}, { cancellationPolicy });
    const { id } = await sale.shop.booked([sale.shop.slot()], card(), SPRING);
    given(await sale.shop.cancel(id, isByProvider ? { by: OWNER } : {}));
    expect(sale.promotion.used()).toBe(used);
  });

  test('returns when the payment is refused for good', async () => {
    const sale = await openSale();
    const refused = await sale.shop.book([sale.shop.slot()], card(METHODS.declines), SPRING);
    expect(codeOf(refused)).toBe('payment_declined');
    await sale.shop.pass(10 * MINUTE_MS);
    await settle(sale);
    expect(sale.promotion.used()).toBe(0);
  });

  test('is one for a call and its repeats', async () => {
    const { shop, promotion } = await openSale({ maxUses: 1 });
    const wish = { ...SPRING, key: 'once' };
    const first = given(await shop.admitted([shop.slot()], wish));
    promotion.crash();
    const again = await shop.admitted([shop.slot()], wish);
    expect(again).toMatchObject({ replayed: true, value: { id: first.id } });
    expect(promotion.used()).toBe(1);
  });

  test('that no hold took comes back by itself, and no sooner', async () => {
    const { shop, promotion } = await openSale({ maxUses: 1 });
    await promotion.redeem({
      providerId: 'prv_club',
      code: 'SPRING',
      customerId: 'usr_ann',
      booker: 'customer',
      callId: 'a call that died',
      shardKey: shop.shard.state.shardKey,
    });
    promotion.crash();
    shop.clock.advance(14_999);
    await promotion.wake();
    expect(promotion.used()).toBe(1);
    shop.clock.advance(1);
    await promotion.wake();
    expect(promotion.used()).toBe(0);
  });

  test('is not taken by a shard once its time is over', async () => {
    const { shop, promotion } = await openSale();
    const coupon = await promotion.redeem({
      providerId: 'prv_club',
      code: 'SPRING',
      customerId: 'usr_ann',
      booker: 'customer',
      callId: 'slow',
      shardKey: shop.shard.state.shardKey,
    });
    const command = {
      ...shop.holdCommand([shop.slot()]),
      coupon,
    };
    shop.clock.advance(10_000);
    expect(codeOf(await shop.shard.placeHold(command))).toBe('overloaded');
    shop.clock.advance(-1);
    expect(codeOf(await shop.shard.placeHold(command))).toBe('accepted');
    const other = { ...shop.holdCommand([shop.slot(1)]), coupon: command.coupon };
    expect(codeOf(await shop.shard.placeHold(other))).toBe('idempotency_key_reused');
  });

  test('is asked for before the coupon is said to be used up', async () => {
    const { shop, promotion } = await openSale({ maxUses: 1 });
    const hold = given(await shop.admitted([shop.slot()], SPRING));
    promotion.isReachable = false;
    await shop.giveUp(hold.id);
    promotion.isReachable = true;
    expect(promotion.used()).toBe(1);
    expect(codeOf(await shop.admitted([shop.slot()], SPRING))).toBe('accepted');
  });

  test('keeps its price when the coupon changes, and the next one has the new limits', async () => {
    const { shop, promotion } = await openSale();
    const hold = given(await shop.admitted([shop.slot()], SPRING));
    await promotion.putCoupon(makeCoupon({ isActive: false, version: 3 }));
    await promotion.putCoupon(makeCoupon({ version: 2 }));
    expect(codeOf(await shop.admitted([shop.slot(1)], SPRING))).toBe('coupon_invalid');
    const { quote, status } = await shop.booked(hold.id);
    expect([quote.total.amount, status]).toEqual([2_250, 'confirmed']);
  });
});

test.each<[string, Partial<Coupon>, number]>([
  ['a percentage', {}, 2_250],
  ['an amount', { discount: { amount: { amount: 300, currency: 'usd' } } }, 2_200],
])('%s off moves with the booking to another slot', async (...[, coupon, amount]) => {
  const { shop, promotion } = await openSale(coupon);
  const { id } = await shop.booked([shop.slot(0)], card(), SPRING);
  const moved = given(await shop.reschedule(id, [shop.slot(1)]));
  expect(moved.quote.total.amount).toBe(amount);
  expect(promotion.used()).toBe(1);
});

test('a code that nobody made leaves nothing behind', async () => {
  const { shop } = await openSale();
  expect(codeOf(await shop.admitted([shop.slot()], { couponCode: 'GUESS' }))).toBe(
    'coupon_invalid',
  );
  expect(codeOf(await shop.admitted([shop.slot()], { couponCode: '%' }))).toBe('coupon_invalid');
  const guessed = shop.members.promotion('cpn:prv_club:GUESS');
  expect(guessed.redemptions()).toEqual([]);
});

test('a discount of a plan comes before the coupon', async () => {
  const { shop } = await openSale({ discount: { percent: 50 } });
  const wish = { access: memberVerdict({ discountBps: 1_000 }) };
  const coupon = await shop.members.promotion('cpn:prv_club:SPRING').redeem({
    providerId: 'prv_club',
    code: 'SPRING',
    customerId: 'usr_ann',
    booker: 'member',
    callId: 'c',
    shardKey: shop.shard.state.shardKey,
  });
  const command = shop.holdCommand([shop.slot()], wish);
  const held = given(await shop.shard.placeHold({ ...command, coupon }));
  expect(held.quote.total.amount).toBe(1_125);
});
