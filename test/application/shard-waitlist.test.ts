/** Waiting lines: who may stand in one, how long an offer stands, and who is told of it. */
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { tellOffers, type OfferNotice } from '../../src/application/waitlist/tell-offers.ts';
import { OFFER_MS, OWNER } from '../support/node-shard.ts';
import { codeOf, customer, given, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';
import { entry, join, lineOfTwo, serviceOf, statusOf, tryJoin } from './waiting-lines.ts';

describe('a waiting line', () => {
  test('is joined in order of arrival, and only by those who cannot hold the slot at once', async () => {
    const { shop, bob, cyd } = await lineOfTwo();
    expect((await entry(shop, bob)).position).toBe(1);
    expect((await entry(shop, cyd)).position).toBe(2);
    expect(codeOf(await tryJoin(shop, 'usr_dan', { slotId: shop.slot(1) }))).toBe(
      'invalid_transition',
    );
    expect(codeOf(await tryJoin(shop, 'usr_bob'))).toBe('invalid_transition');
    expect(codeOf(await tryJoin(shop, 'usr_dan', { slotId: 'slt_none' }))).toBe('not_found');
    expect(codeOf(await tryJoin(shop, 'usr_dan', { quantity: 2 }))).toBe('quantity_limit_exceeded');
    expect(codeOf(await tryJoin(shop, 'usr_dan', { fareId: 'adult' }))).toBe('validation_failed');
  });

  test('is refused for a slot that is blocked, past, or too near to be offered', async () => {
    const shop = await NodeShop.open({ service: { minimumNoticeMinutes: 60 } });
    await shop.shard.blockSlot({
      caller: OWNER,
      call: null,
      slotId: shop.slot(1),
      reason: 'wet',
    });
    const blocked = await tryJoin(shop, 'usr_bob', { slotId: shop.slot(1) });
    expect(codeOf(blocked)).toBe('slot_unavailable');
    await shop.booked([shop.slot()]);
    shop.clock.set(TOMORROW_MS - 60 * MINUTE_MS - OFFER_MS);
    expect(codeOf(await tryJoin(shop, 'usr_bob'))).toBe('accepted');
    shop.clock.advance(1);
    expect(codeOf(await tryJoin(shop, 'usr_cyd'))).toBe('notice_too_short');
    shop.clock.set(TOMORROW_MS);
    expect(codeOf(await tryJoin(shop, 'usr_dan'))).toBe('slot_past');
  });

  test('is seen by its people alone, and as a whole by the seller', async () => {
    const { shop, bob } = await lineOfTwo();
    expect(codeOf(await shop.shard.getWaitlistEntry(customer('usr_cyd'), bob))).toBe('not_found');
    expect(codeOf(await shop.shard.leaveWaitlist(customer('usr_cyd'), bob))).toBe('not_found');
    const query = { slotId: shop.slot(), afterSeq: 0, limit: 1 };
    expect(codeOf(await shop.shard.readWaitlist({ ...query, caller: customer('usr_bob') }))).toBe(
      'not_found',
    );
    const first = given(await shop.shard.readWaitlist({ ...query, caller: OWNER }));
    const afterSeq = first.nextSeq ?? -1;
    const second = given(await shop.shard.readWaitlist({ ...query, caller: OWNER, afterSeq }));
    expect([...first.data, ...second.data].map(({ customerId }) => customerId)).toEqual([
      'usr_bob',
      'usr_cyd',
    ]);
    expect(second.nextSeq).toBe(null);
  });

  test('holds a customer once per slot, and in twenty lines at most', async () => {
    const slots = Array.from({ length: 21 }, (_, index) => ({ at: index * 60 }));
    const shop = await NodeShop.open({ slots });
    for (const slotId of shop.slotIds) await shop.held([slotId]);
    for (const slotId of shop.slotIds.slice(0, 20)) await join(shop, 'usr_bob', { slotId });
    expect(codeOf(await tryJoin(shop, 'usr_bob', { slotId: shop.slot(20) }))).toBe(
      'hold_limit_reached',
    );
  });

  test('answers a repeated call with the first answer', async () => {
    const shop = await NodeShop.open();
    await shop.held();
    const command = {
      caller: customer('usr_bob'),
      call: { key: 'once', fingerprint: 'join' },
      slotId: shop.slot(),
      quantity: 1,
      fareId: null,
    };
    const first = await shop.shard.joinWaitlist(command);
    const again = await shop.shard.joinWaitlist(command);
    expect(again).toEqual({ ...first, replayed: true });
  });
});

describe('the time of an offer', () => {
  test('ends while the slot can still be held: after that nobody is offered anything, and the line is closed', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo({ service: { minimumNoticeMinutes: 120 } });
    const booking = await shop.booked(hold.id);
    const lastMs = TOMORROW_MS - 2 * HOUR_MS - OFFER_MS;
    shop.clock.set(lastMs);
    await shop.cancel(booking.id);
    const { offer } = await entry(shop, bob);
    expect(Date.parse(offer?.expiresAt ?? '')).toBe(TOMORROW_MS - 2 * HOUR_MS);
    await shop.pass(1);
    expect(await statusOf(shop, bob, cyd)).toEqual(['offered', 'closed']);
    shop.clock.set(TOMORROW_MS - 2 * HOUR_MS - 1);
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_bob' }))).toBe('accepted');
  });

  test('is over by itself, whether anybody looks or not', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await shop.giveUp(hold.id);
    shop.clock.advance(OFFER_MS - 1);
    expect((await entry(shop, bob)).status).toBe('offered');
    shop.clock.advance(1);
    expect((await entry(shop, bob)).status).toBe('lapsed');
    expect((await entry(shop, cyd)).status).toBe('offered');
  });

  test('goes on where it was after a restart, and so does the line', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    await shop.giveUp(hold.id);
    shop.shard.crash();
    expect(await statusOf(shop, bob, cyd)).toEqual(['offered', 'waiting']);
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_dan' }))).toBe('slot_unavailable');
    shop.clock.advance(OFFER_MS);
    expect(await statusOf(shop, bob, cyd)).toEqual(['lapsed', 'offered']);
    shop.shard.crash();
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_cyd' }))).toBe('accepted');
    expect(await statusOf(shop, cyd)).toEqual(['taken']);
  });

  test('closes a line whose slot begins while nobody looks', async () => {
    const { shop, hold, bob } = await lineOfTwo();
    await shop.booked(hold.id);
    shop.clock.advance(3 * DAY_MS);
    shop.shard.crash();
    expect(await statusOf(shop, bob)).toEqual(['closed']);
  });
});

describe('an offer', () => {
  test('is no hold that anybody asked for: it cannot be read, booked, given up or counted', async () => {
    const { shop, hold, bob } = await lineOfTwo();
    await shop.giveUp(hold.id);
    const offered = shop.shard.state.waitlist.entry(bob)?.holdId ?? '';
    expect(codeOf(await shop.shard.getHold(customer('usr_bob'), offered))).toBe('not_found');
    expect(codeOf(await shop.book(offered, undefined, { by: 'usr_bob' }))).toBe('not_found');
    expect(codeOf(await shop.shard.releaseHold(customer('usr_bob'), offered))).toBe('not_found');
    expect(await shop.shard.liveHoldsOf('usr_bob')).toBe(0);
    expect(shop.shard.state.liveUnitsOf('usr_bob', serviceOf(shop))).toBe(0);
  });

  test('is on the record from the line to its end', async () => {
    const { shop, hold, bob } = await lineOfTwo();
    await shop.giveUp(hold.id);
    await shop.held([shop.slot()], { by: 'usr_bob' });
    const events = shop.shard.store.eventsOf(bob);
    expect(events.map(({ type, from, actor }) => [type, from, actor])).toEqual([
      ['waitlist.waiting', null, 'customer:usr_bob'],
      ['waitlist.offered', 'waiting', 'system:waitlist'],
      ['waitlist.taken', 'offered', 'customer:usr_bob'],
    ]);
  });

  test('is told to its customer until somebody has taken the notice, and not after it is over', async () => {
    const { shop, hold, bob, cyd } = await lineOfTwo();
    const told: OfferNotice[] = [];
    let fault: string | null = 'nobody there';
    const tell = () =>
      tellOffers({
        shard: shop.shard,
        tellCustomer: async (notice) => {
          told.push(notice);
          return fault;
        },
      });
    await tell();
    expect(told).toEqual([]);
    await shop.giveUp(hold.id);
    await expect(tell()).rejects.toThrow('nobody there');
    shop.shard.crash();
    expect(shop.shard.state.waitlist.hasUntold).toBe(true);
    fault = null;
    await tell();
    await tell();
    expect(shop.shard.state.waitlist.hasUntold).toBe(false);
    expect(told.map(({ userId, waitlistId }) => [userId, waitlistId])).toEqual([
      ['usr_bob', bob],
      ['usr_bob', bob],
    ]);
    expect(told[0]?.id).toBe(told[1]?.id);
    shop.clock.advance(OFFER_MS);
    await tell();
    expect(told.at(-1)).toMatchObject({
      kind: 'waitlist_offer',
      userId: 'usr_cyd',
      waitlistId: cyd,
    });
  });

  test('is refused by storage where it would sell a court twice, whatever memory believes', async () => {
    const { shop, hold, bob } = await lineOfTwo();
    await shop.giveUp(hold.id);
    const { state } = shop.shard;
    const offered = state.waitlist.entry(bob)?.holdId ?? '';
    for (const claim of shop.shard.store.claimsOf(offered)) state.inventory.release(claim, true);
    await expect(shop.hold([shop.slot()], { by: 'usr_dan' })).rejects.toThrow('guard');
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_dan' }))).toBe('slot_unavailable');
  });
});
