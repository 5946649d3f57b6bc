/** What a hold takes of its member's plan: when it may be had, how it is priced, and what a refusal leaves of it. */
import { describe, expect, test } from 'vitest';
import { NO_USES, type QuotaTerms } from '../../src/domain/hold/quota.ts';
import { GRANT_VALID_MS, SETTLE_MARGIN_MS } from '../../src/domain/grant/grant-life.ts';
import { NOON_MS } from '../support/fake-clock.ts';
import { METHODS } from '../support/fake-processor.ts';
import { ann, openClub, outcomeOf } from '../support/node-club.ts';
import { memberVerdict } from '../support/node-members.ts';
import { card, codeOf, given, NodeShop } from '../support/node-shop.ts';

function grant(change: Partial<QuotaTerms> = {}): QuotaTerms {
  return {
    id: 'grant',
    memberId: 'usr_ann',
    validUntilMs: NOON_MS + GRANT_VALID_MS,
    uses: { ...NO_USES, bookings: 1 },
    countsGuests: false,
    overagePrice: null,
    ...change,
  };
}

describe('a hold of a member', () => {
  test('is held against the plan, and a repeat of the call counts once', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    const first = given(await shop.admitted([shop.slot()], { key: 'k' }));
    const again = await shop.admitted([shop.slot()], { key: 'k' });
    expect(again).toMatchObject({ replayed: true, value: first });
    expect(await outcomeOf(shop)).toMatchObject({ state: 'held', uses: { bookings: 1 } });
    expect(codeOf(await shop.admitted([shop.slot(1)]))).toBe('quota_exhausted');
  });

  test('that the plan forbids is refused under its key, and stays so', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 0 });
    expect(codeOf(await shop.admitted([shop.slot()], { key: 'k' }))).toBe('quota_exhausted');
    ann(shop).join({ 'bookings.perPeriod': 1 });
    const again = await shop.admitted([shop.slot()], { key: 'k' });
    expect(again).toMatchObject({ replayed: true, refusal: { code: 'quota_exhausted' } });
    expect(codeOf(await shop.admitted([shop.slot()]))).toBe('accepted');
  });

  test('a limit for the moment is not remembered', async () => {
    const shop = await NodeShop.open();
    const refusal = {
      code: 'hold_limit_reached',
      detail: 'The plan allows one at a time.',
    } as const;
    const barred = { ...memberVerdict(), refusal };
    expect(codeOf(await shop.hold([shop.slot()], { key: 'k', access: barred }))).toBe(refusal.code);
    expect(codeOf(await shop.hold([shop.slot()], { key: 'k', access: memberVerdict() }))).toBe(
      'accepted',
    );
  });

  test('whose grant is past its time is turned away for the moment, and takes nothing', async () => {
    const shop = await NodeShop.open();
    const access = { ...memberVerdict(), grant: grant() };
    shop.clock.advance(GRANT_VALID_MS);
    const late = await shop.hold([shop.slot()], { key: 'k', access });
    expect(late).toMatchObject({
      refusal: { code: 'overloaded', extra: { retryAfterSeconds: 1 } },
    });
    expect(await shop.slotStatus()).toBe('available');
    shop.clock.advance(-1);
    expect(codeOf(await shop.hold([shop.slot()], { key: 'k', access }))).toBe('accepted');
  });

  test('never shares its grant with another hold that counts, however the calls are named', async () => {
    const shop = await NodeShop.open();
    const access = { ...memberVerdict(), grant: grant() };
    const { id } = await shop.held([shop.slot()], { access });
    expect(codeOf(await shop.hold([shop.slot(1)], { access }))).toBe('idempotency_key_reused');
    await shop.giveUp(id);
    expect(codeOf(await shop.hold([shop.slot(2)], { access }))).toBe('accepted');
    expect(await shop.shard.grantOutcomes(['grant', 'another'])).toEqual([
      { grantId: 'grant', state: 'held', uses: { ...NO_USES, bookings: 1 } },
      { grantId: 'another', state: 'unknown', uses: null },
    ]);
  });

  test('is measured where the plan counts minutes', async () => {
    const shop = await openClub({ 'minutes.perPeriod': 100 });
    expect(codeOf(await shop.admitted([shop.slot()]))).toBe('accepted');
    expect(ann(shop).used().minutes).toBe(60);
    expect(codeOf(await shop.admitted([shop.slot(1)]))).toBe('quota_exhausted');
    expect(codeOf(await shop.admitted(['slt_nowhere']))).toBe('not_found');
  });

  test('asks no member for a booking of what is held', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    const hold = given(await shop.admitted());
    ann(shop).isReachable = false;
    expect((await shop.booked(hold.id)).status).toBe('confirmed');
  });

  test('fails where its member cannot be asked, and takes nothing', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    ann(shop).isReachable = false;
    await expect(shop.admitted()).rejects.toThrow('the member cannot be reached');
    expect(await shop.slotStatus()).toBe('available');
  });
});

describe('the price of a member', () => {
  test('is what the quote, the items and the payment say', async () => {
    const shop = await openClub({
      'bookings.included': 1,
      'bookings.perPeriod': 1,
      'overage.price': 300,
      'price.discountBps': 1_000,
    });
    const hold = given(await shop.admitted([shop.slot(), shop.slot(1)]));
    expect(hold.quote.total).toEqual({ amount: 2_250 + 300, currency: 'usd' });
    expect(hold.quote.lines.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['slot', 2_500],
      ['slot', 2_500],
      ['discount', -500],
      ['included', -2_250],
      ['overage', 300],
    ]);
    expect(shop.holdRow(hold.id).items.map(({ priceMinor }) => priceMinor)).toEqual([0, 2_550]);
    const booking = await shop.booked(hold.id);
    expect(shop.payment(booking.id)).toMatchObject({ amountMinor: 2_550, state: 'captured' });
  });

  test('of an included slot is nothing, and needs no payment', async () => {
    const shop = await openClub({ 'bookings.included': 1 });
    expect((await shop.booked([shop.slot()], null)).status).toBe('confirmed');
    expect(codeOf(await shop.book([shop.slot(1)], null))).toBe('payment_required');
  });

  test('leaves what it did not need for the very next hold', async () => {
    const shop = await openClub(
      { 'bookings.included': 1, 'guestPasses.perPeriod': 2 },
      { slots: [{ at: 0, priceMinor: 0 }, { at: 60 }] },
    );
    given(await shop.admitted([shop.slot()]));
    expect(ann(shop).used()).toMatchObject({ included: 0, bookings: 1 });
    expect(given(await shop.admitted([shop.slot(1)])).quote.total.amount).toBe(0);
  });

  test('counts guest passes on members services alone', async () => {
    const service = { maxQuantity: 9, resourceIds: ['res_pool'] };
    const shop = await openClub(
      { 'guestPasses.perPeriod': 2 },
      {
        resources: [{ id: 'res_pool', capacity: 50 }],
        services: [service, { ...service, id: 'svc_club', access: 'subscribers' }],
        slots: [{ at: 0 }, { at: 0, serviceId: 'svc_club' }],
      },
    );
    given(await shop.admitted([shop.slot(0)], { quantity: 5 }));
    expect(ann(shop).used().guestPasses).toBe(0);
    given(await shop.admitted([shop.slot(1)], { quantity: 3 }));
    expect(ann(shop).used().guestPasses).toBe(2);
    const refused = await shop.admitted([shop.slot(1)], { quantity: 2 });
    expect(refused).toMatchObject({
      refusal: { code: 'quota_exhausted', extra: { feature: 'guestPasses.perPeriod' } },
    });
    expect(codeOf(await shop.admitted([shop.slot(1)], { quantity: 1 }))).toBe('accepted');
  });
});

describe('a refusal of the shard', () => {
  test('gives the grant back before it is answered', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    await shop.held([shop.slot()], { by: 'usr_bob' });
    expect(codeOf(await shop.admitted([shop.slot()]))).toBe('slot_unavailable');
    expect(ann(shop).used().bookings).toBe(0);
    expect(codeOf(await shop.admitted([shop.slot(1)]))).toBe('accepted');
  });

  test('gives it back for a booking at once, but not for a payment that was declined', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    expect(codeOf(await shop.book([shop.slot()], null))).toBe('payment_required');
    expect(ann(shop).used().bookings).toBe(0);
    expect(codeOf(await shop.book([shop.slot()], card(METHODS.declines)))).toBe('payment_declined');
    expect(ann(shop).used().bookings).toBe(1);
    expect(await outcomeOf(shop)).toMatchObject({ state: 'unknown' });
  });

  test('stands when its member cannot be told: the member asks by itself', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    await shop.held([shop.slot()], { by: 'usr_bob' });
    const { shard } = shop;
    const placeHold = shard.placeHold.bind(shard);
    shard.placeHold = async (command) => {
      const reply = await placeHold(command);
      ann(shop).isReachable = false;
      return reply;
    };
    expect(codeOf(await shop.admitted([shop.slot()]))).toBe('slot_unavailable');
    ann(shop).isReachable = true;
    await ann(shop).wake();
    expect(ann(shop).used().bookings).toBe(1);
    shop.clock.advance(GRANT_VALID_MS + SETTLE_MARGIN_MS);
    await ann(shop).wake();
    expect(ann(shop).used().bookings).toBe(0);
  });

  test('that tells of another call under the key leaves the grant to its hold', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    given(await shop.admitted([shop.slot()], { key: 'k' }));
    expect(codeOf(await shop.admitted([shop.slot(1)], { key: 'k' }))).toBe(
      'idempotency_key_reused',
    );
    expect(ann(shop).used().bookings).toBe(1);
    expect(ann(shop).settled).toEqual([]);
  });

  test('for the moment keeps the grant for the next try under the key', async () => {
    const shop = await openClub({ 'bookings.perPeriod': 1 });
    const first = await shop.admitted([shop.slot()], { key: 'k', budget: 0 });
    expect(codeOf(first)).toBe('hold_limit_reached');
    expect(codeOf(await shop.admitted([shop.slot()], { key: 'k' }))).toBe('accepted');
    expect(ann(shop).used().bookings).toBe(1);
  });
});
