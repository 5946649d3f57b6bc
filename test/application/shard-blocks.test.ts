/** Slots and resources that are kept from sale: what a block refuses, what it ends, and what it leaves. */
import { describe, expect, test } from 'vitest';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { OWNER } from '../support/node-shard.ts';
import { card, codeOf, customer, given, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';

/** An interval in minutes after tomorrow noon. */
function minutes(from: number, to: number) {
  return { startAtMs: TOMORROW_MS + from * MINUTE_MS, endAtMs: TOMORROW_MS + to * MINUTE_MS };
}

function block(
  shop: NodeShop,
  over = minutes(0, 180),
  overrides: Partial<Parameters<NodeShop['shard']['blockResource']>[0]> = {},
) {
  return shop.shard.blockResource({
    caller: OWNER,
    call: null,
    resourceId: 'res_court',
    over,
    reason: 'new floor',
    cancelsBookings: false,
    ...overrides,
  });
}

function unblock(shop: NodeShop, over = minutes(0, 180)) {
  return shop.shard.unblockResource({ caller: OWNER, call: null, resourceId: 'res_court', over });
}

function blockSlot(shop: NodeShop, reason: string | null, slotId = shop.slot()) {
  return shop.shard.blockSlot({ caller: OWNER, call: null, slotId, reason });
}

async function statuses(shop: NodeShop): Promise<string[]> {
  return Promise.all(shop.slotIds.map((id) => shop.slotStatus(id)));
}

describe('a slot that is blocked', () => {
  test('cannot be held until it is opened again', async () => {
    const shop = await NodeShop.open();
    expect(given(await blockSlot(shop, 'wet')).status).toBe('blocked');
    expect(codeOf(await shop.hold([shop.slot()]))).toBe('slot_unavailable');
    shop.shard.crash();
    expect(await statuses(shop)).toEqual(['blocked', 'available', 'available']);
    expect(given(await blockSlot(shop, null)).status).toBe('available');
    expect(codeOf(await shop.hold([shop.slot()]))).toBe('accepted');
  });

  test.each([
    ['slot_held', async (shop: NodeShop) => void (await shop.held())],
    ['slot_booked', async (shop: NodeShop) => void (await shop.booked())],
  ])('is refused as %s where somebody has it', async (code, take) => {
    const shop = await NodeShop.open();
    await take(shop);
    expect(codeOf(await blockSlot(shop, 'wet'))).toBe(code);
    expect(await shop.slotStatus()).not.toBe('blocked');
  });

  test('is booked rather than held where both are true', async () => {
    const shop = await NodeShop.open({
      resources: [{ capacity: 2 }],
      slots: [{ at: 0 }],
    });
    await shop.booked();
    await shop.held([shop.slot()], { by: 'usr_bob' });
    expect(codeOf(await blockSlot(shop, 'wet'))).toBe('slot_booked');
  });

  test('is blocked and opened by its managers alone, and each change is on the record once', async () => {
    const shop = await NodeShop.open();
    const by = { caller: customer(), call: null, slotId: shop.slot() };
    expect(codeOf(await shop.shard.blockSlot({ ...by, reason: 'mine' }))).toBe('not_found');
    await blockSlot(shop, 'wet');
    await blockSlot(shop, 'wet');
    await blockSlot(shop, null);
    const events = shop.shard.store.eventsOf(shop.slot());
    expect(events.map(({ type, from, to, reason }) => [type, from, to, reason])).toEqual([
      ['slot.blocked', 'open', 'blocked', 'wet'],
      ['slot.unblocked', 'blocked', 'open', null],
    ]);
  });
});

describe('a resource that is blocked', () => {
  test('sells nothing of any service in that time, not even what is published later', async () => {
    const shop = await NodeShop.open({
      services: [{}, { id: 'svc_coach', resourceIds: ['res_court'] }],
      slots: [{ at: 0 }, { at: 60 }, { at: 0, serviceId: 'svc_coach', minutes: 30 }],
    });
    const report = given(await block(shop, minutes(0, 60)));
    expect(report.slots.map(({ slotId, status }) => [slotId, status])).toEqual([
      [shop.slot(0), 'blocked'],
      [shop.slot(2), 'blocked'],
    ]);
    shop.slotIds.push(await shop.addSlot({ at: 30, minutes: 20 }));
    for (const crash of [false, true]) {
      if (crash) shop.shard.crash();
      expect(await statuses(shop)).toEqual(['blocked', 'available', 'blocked', 'blocked']);
      expect(codeOf(await shop.hold([shop.slot(3)]))).toBe('slot_unavailable');
    }
    expect(codeOf(await shop.hold([shop.slot(1)]))).toBe('accepted');
  });

  test('keeps the buffers of a slot beside it free too', async () => {
    const shop = await NodeShop.open({ service: { bufferAfterMinutes: 15 }, slots: [{ at: 0 }] });
    given(await block(shop, minutes(70, 120)));
    expect(await statuses(shop)).toEqual(['blocked']);
    given(await unblock(shop, minutes(70, 75)));
    expect(await statuses(shop)).toEqual(['available']);
  });

  test('leaves one court of three: the others are sold, and the blocked one is never chosen', async () => {
    const courts = ['res_a', 'res_court', 'res_c'];
    const shop = await NodeShop.open({
      resources: courts.map((id) => ({ id })),
      service: { resourceIds: courts },
      slots: [{ at: 0 }],
    });
    given(await block(shop));
    expect(given(await shop.shard.getSlot(shop.slot()))).toMatchObject({
      status: 'available',
      capacity: 3,
      remaining: 2,
    });
    for (const by of ['usr_ann', 'usr_bob']) {
      const booking = await shop.booked([shop.slot()], card(), { by });
      expect(booking.slots[0]?.resourceIds).not.toEqual(['res_court']);
    }
    expect(codeOf(await shop.hold([shop.slot()], { by: 'usr_eve' }))).toBe('slot_unavailable');
  });

  test('leaves what is sold to those who have it, and does not sell it again when they give it back', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked([shop.slot(0)]);
    const hold = await shop.held([shop.slot(1)], { by: 'usr_bob' });
    const report = given(await block(shop));
    expect(report.kept).toEqual([
      { slotId: shop.slot(0), bookingId: booking.id, reason: 'booked' },
      { slotId: shop.slot(1), bookingId: null, reason: 'held' },
    ]);
    expect(report.cancelled).toEqual([]);
    expect(await statuses(shop)).toEqual(['booked', 'held', 'blocked']);
    const late = await shop.booked(hold.id, card(), { by: 'usr_bob' });
    expect(late.status).toBe('confirmed');
    given(await shop.cancel(booking.id));
    expect(await statuses(shop)).toEqual(['blocked', 'booked', 'blocked']);
    expect(codeOf(await shop.hold([shop.slot(0)]))).toBe('slot_unavailable');
  });

  test('cancels what is booked there when it is told to, with all the money back', async () => {
    const shop = await NodeShop.open({
      service: { cancellationPolicy: [{ hoursBefore: 0, refundPercent: 0 }] },
    });
    const booking = await shop.booked([shop.slot(0)]);
    const hold = await shop.held([shop.slot(1)], { by: 'usr_bob' });
    const report = given(await block(shop, minutes(0, 120), { cancelsBookings: true }));
    expect(report.cancelled).toEqual([
      { bookingId: booking.id, slotIds: [shop.slot(0)] },
      { bookingId: null, slotIds: [shop.slot(1)] },
    ]);
    expect(report.kept).toEqual([]);
    expect(await statuses(shop)).toEqual(['blocked', 'blocked', 'available']);
    expect(shop.holdRow(hold.id).state).toBe('released');
    await shop.drain();
    expect(shop.bookingRow(booking.id).state).toBe('refunded');
    expect(shop.payment(booking.id)).toMatchObject({ capturedMinor: 2_500, refundedMinor: 2_500 });
  });

  test('cancels of a series only what it meets, and gives back the price of that', async () => {
    const shop = await NodeShop.open({
      service: { cancellationPolicy: [{ hoursBefore: 0, refundPercent: 0 }] },
    });
    const booking = await shop.booked([shop.slot(0), shop.slot(1), shop.slot(2)]);
    const report = given(await block(shop, minutes(60, 120), { cancelsBookings: true }));
    expect(report.cancelled).toEqual([{ bookingId: booking.id, slotIds: [shop.slot(1)] }]);
    expect(await statuses(shop)).toEqual(['booked', 'blocked', 'booked']);
    await shop.drain();
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
    expect(shop.payment(booking.id)).toMatchObject({ capturedMinor: 7_500, refundedMinor: 2_500 });
  });

  test('leaves a booking whose money is being taken at this moment', async () => {
    const shop = await NodeShop.open();
    shop.stripe.faultFor = ({ kind }) => (kind === 'capture' ? 'lost_before' : null);
    const booking = await shop.booked();
    expect(booking.status).toBe('confirming');
    const report = given(await block(shop, minutes(0, 60), { cancelsBookings: true }));
    expect(report).toMatchObject({
      cancelled: [],
      kept: [{ slotId: shop.slot(), bookingId: booking.id, reason: 'booked' }],
    });
    shop.stripe.faultFor = () => null;
    await shop.pass(DAY_MS / 24);
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
  });

  test('opens again as a whole or in part', async () => {
    const shop = await NodeShop.open();
    const { id } = given(await block(shop));
    const report = given(await unblock(shop, minutes(60, 120)));
    expect(report.ended).toEqual([id]);
    expect(report.slots.map(({ slotId }) => slotId)).toEqual([shop.slot(1)]);
    for (const crash of [false, true]) {
      if (crash) shop.shard.crash();
      expect(await statuses(shop)).toEqual(['blocked', 'available', 'blocked']);
    }
    const { data } = given(await shop.shard.listBlocks({ caller: OWNER, resourceId: 'res_court' }));
    expect(data.map(({ from, to, reason }) => [Date.parse(from), Date.parse(to), reason])).toEqual([
      [minutes(0, 60).startAtMs, minutes(0, 60).endAtMs, 'new floor'],
      [minutes(120, 180).startAtMs, minutes(120, 180).endAtMs, 'new floor'],
    ]);
    given(await unblock(shop));
    expect(await statuses(shop)).toEqual(['available', 'available', 'available']);
  });

  test('by two blocks stays blocked until both have ended', async () => {
    const shop = await NodeShop.open();
    given(await block(shop, minutes(0, 60)));
    given(await block(shop, minutes(0, 120)));
    given(await unblock(shop, minutes(60, 120)));
    expect(await statuses(shop)).toEqual(['blocked', 'available', 'available']);
    given(await unblock(shop, minutes(0, 60)));
    expect(await statuses(shop)).toEqual(['available', 'available', 'available']);
  });

  test('is for its managers alone', async () => {
    const shop = await NodeShop.open();
    const caller = customer();
    expect(codeOf(await block(shop, minutes(0, 60), { caller }))).toBe('not_found');
    expect(codeOf(await shop.shard.listBlocks({ caller, resourceId: 'res_court' }))).toBe(
      'not_found',
    );
    expect(await statuses(shop)).toEqual(['available', 'available', 'available']);
  });

  test('is guarded by the storage itself, whatever memory says', async () => {
    const shop = await NodeShop.open();
    const hold = await shop.held([shop.slot(2)]);
    given(await block(shop, minutes(0, 60)));
    const claim = {
      slotId: shop.slot(0),
      resourceId: 'res_court',
      unit: null,
      fareId: null,
      quantity: 1,
      slotQuantity: 1,
      span: minutes(30, 90),
    };
    expect(() => shop.shard.store.insertClaims(hold.id, [claim])).toThrow(
      'the resource is blocked',
    );
  });
});
