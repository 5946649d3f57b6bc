/** What a request carries while it waits: a price that is still to be named, and the quota of its customer's plan. */
import { describe, expect, test } from 'vitest';
import type { SellerDeed } from '../../src/contracts/durable-rpc.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { METHODS } from '../support/fake-processor.ts';
import { card, codeOf, CRYPTO, given, NodeShop, type ShopOptions } from '../support/node-shop.ts';

const APPROVE: SellerDeed = { kind: 'approve', price: null };
const DECLINE: SellerDeed = { kind: 'decline', reason: 'the hall is being painted' };
const ASKS: ShopOptions = { service: { requiresApproval: true } };

function statusOf(shop: NodeShop, { id }: { id: string }): string {
  return shop.bookingRow(id).state;
}

function used(shop: NodeShop): number {
  return shop.members.member('usr_ann').used().bookings;
}

describe('a price that was left open', () => {
  const CUSTOM: ShopOptions = { service: { priceType: 'custom' } };
  const QUOTE: SellerDeed = { kind: 'approve', price: { amount: 4_200, currency: 'usd' } };

  test('is named with the yes, holds the slot for a day at most, and is then paid', async () => {
    const shop = await NodeShop.open({ ...CUSTOM, slots: [{ at: 3 * 24 * 60 }] });
    const asked = await shop.booked([shop.slot()], null);
    expect(asked).toMatchObject({ status: 'awaiting_approval', payment: null });
    const offered = given(await shop.act(asked.id, QUOTE));
    expect(offered).toMatchObject({ status: 'pending', quote: { total: { amount: 4_200 } } });
    expect(await shop.slotStatus()).toBe('held');
    expect(shop.holdRow(offered.holdId).expiresAtMs).toBe(shop.clock.nowMs() + DAY_MS);
    expect(codeOf(await shop.book(offered.holdId, null))).toBe('payment_required');
    const paid = await shop.booked(offered.holdId, card(METHODS.asksPayer));
    expect(paid).toMatchObject({ id: asked.id, payment: { amount: { amount: 4_200 } } });
    // A payer who has to act gets no less time than the price stands for.
    expect(shop.holdRow(offered.holdId).expiresAtMs).toBeGreaterThan(shop.clock.nowMs() + HOUR_MS);
    shop.stripe.payerApproves('stripe_1');
    expect(given(await shop.confirm(asked.id)).status).toBe('confirmed');
    expect(shop.stripe.objectOf('stripe_1').capturedMinor).toBe(4_200);
  });

  test('that nobody pays in time frees the slot', async () => {
    const shop = await NodeShop.open({ ...CUSTOM, slots: [{ at: 3 * 24 * 60 }] });
    const asked = await shop.booked([shop.slot()], null);
    given(await shop.act(asked.id, QUOTE));
    await shop.pass(DAY_MS);
    expect(statusOf(shop, asked)).toBe('expired');
    expect(await shop.slotStatus()).toBe('available');
  });

  test('has to be named, in the currency of the service', async () => {
    const shop = await NodeShop.open(CUSTOM);
    const { id } = await shop.booked([shop.slot()], null);
    const inEuros: SellerDeed = { kind: 'approve', price: { amount: 1, currency: 'eur' } };
    for (const deed of [APPROVE, inEuros])
      expect(codeOf(await shop.act(id, deed))).toBe('validation_failed');
  });

  test('of nothing confirms at once', async () => {
    const shop = await NodeShop.open(CUSTOM);
    const { id } = await shop.booked([shop.slot()], null);
    const gift: SellerDeed = { kind: 'approve', price: { amount: 0, currency: 'usd' } };
    expect(given(await shop.act(id, gift)).status).toBe('confirmed');
  });

  test('is not named for a slot that somebody else has got', async () => {
    const shop = await NodeShop.open(CUSTOM);
    const ann = await shop.booked([shop.slot()], null);
    const bob = await shop.booked([shop.slot()], null, { by: 'usr_bob' });
    given(await shop.act(ann.id, QUOTE));
    expect(codeOf(await shop.act(bob.id, QUOTE))).toBe('slot_unavailable');
    expect(statusOf(shop, bob)).toBe('cancelled');
  });

  test('may be paid by a processor that cannot reserve funds', async () => {
    const shop = await NodeShop.open(CUSTOM);
    const asked = await shop.booked([shop.slot()], CRYPTO);
    expect(asked.status).toBe('awaiting_approval');
    const { holdId } = given(await shop.act(asked.id, QUOTE));
    expect((await shop.booked(holdId, CRYPTO)).payment?.status).toBe('action_required');
  });
});

describe('the quota of a plan', () => {
  const TWO = { 'bookings.perPeriod': 2 };

  async function member(options: ShopOptions): Promise<NodeShop> {
    const shop = await NodeShop.open(options);
    shop.members.member('usr_ann').join(TWO);
    return shop;
  }

  test('stays taken while a request waits, and once it is approved', async () => {
    const shop = await member(ASKS);
    const { id } = await shop.booked();
    await shop.tellMembers();
    expect(used(shop)).toBe(1);
    given(await shop.act(id, APPROVE));
    await shop.tellMembers();
    expect(used(shop)).toBe(1);
    given(await shop.cancel(id));
    expect(used(shop)).toBe(0);
  });

  test.each([
    ['declined', (shop: NodeShop, id: string) => shop.act(id, DECLINE)],
    ['cancelled', (shop: NodeShop, id: string) => shop.cancel(id)],
    ['not answered', (shop: NodeShop) => shop.pass(3 * DAY_MS)],
  ])('comes back when the request is %s', async (_name, end) => {
    const shop = await member(ASKS);
    const { id } = await shop.booked();
    await end(shop, id);
    await shop.tellMembers();
    expect(used(shop)).toBe(0);
  });

  test('comes back when the slot was taken meanwhile, or the capture is refused', async () => {
    const shop = await member(ASKS);
    const taken = await shop.booked();
    given(
      await shop.act((await shop.booked([shop.slot()], card(), { by: 'usr_bob' })).id, APPROVE),
    );
    expect(codeOf(await shop.act(taken.id, APPROVE))).toBe('slot_unavailable');
    const refused = await shop.booked([shop.slot(1)], card(METHODS.captureRefused));
    given(await shop.act(refused.id, APPROVE));
    await shop.tellMembers();
    expect(used(shop)).toBe(0);
  });

  test('is not exceeded by requests', async () => {
    const shop = await member(ASKS);
    await shop.booked([shop.slot(0)]);
    await shop.booked([shop.slot(1)]);
    expect(codeOf(await shop.book([shop.slot(2)]))).toBe('quota_exhausted');
  });

  test('is carried by a price that was named, and comes back when nobody pays it', async () => {
    const shop = await member({ service: { priceType: 'custom' } });
    const asked = await shop.booked([shop.slot()], null);
    const price = { amount: 4_200, currency: 'usd' };
    given(await shop.act(asked.id, { kind: 'approve', price }));
    await shop.tellMembers();
    expect(used(shop)).toBe(1);
    await shop.pass(DAY_MS);
    await shop.tellMembers();
    expect(used(shop)).toBe(0);
  });
});
