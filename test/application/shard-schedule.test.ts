/** Slots that rules want, applied to a shard: what is made, what goes, and what nobody may take away. */
import { describe, expect, test } from 'vitest';
import type { ApplyScheduleCommand, ScheduleReport } from '../../src/contracts/shard-schedule.ts';
import type { WantedSlot } from '../../src/domain/availability/rule.ts';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { OWNER } from '../support/node-shard.ts';
import { codeOf, customer, given, NodeShop, TOMORROW_MS } from '../support/node-shop.ts';

const SERVICE_ID = 'svc_hour';
const TOMORROW = { startAtMs: TOMORROW_MS, endAtMs: TOMORROW_MS + DAY_MS };

/** A slot that a rule wants, in minutes after tomorrow noon. */
function want(at: number, overrides: Partial<WantedSlot> = {}): WantedSlot {
  const startAtMs = TOMORROW_MS + at * MINUTE_MS;
  return {
    startAtMs,
    endAtMs: startAtMs + 60 * MINUTE_MS,
    resourceId: null,
    price: null,
    ruleId: 'rul_one',
    ...overrides,
  };
}

function command(
  wanted: readonly WantedSlot[],
  overrides: Partial<ApplyScheduleCommand> = {},
): ApplyScheduleCommand {
  return {
    caller: OWNER,
    serviceId: SERVICE_ID,
    version: 1,
    over: TOMORROW,
    wanted,
    isDryRun: false,
    ...overrides,
  };
}

async function applied(
  shop: NodeShop,
  wanted: readonly WantedSlot[],
  overrides: Partial<ApplyScheduleCommand> = {},
): Promise<ScheduleReport> {
  const answer = given(await shop.shard.applySchedule(command(wanted, overrides)));
  if (answer.kind !== 'applied') throw new Error('the rules are newer');
  return answer.report;
}

/** The slots for sale: minutes after tomorrow noon and prices. */
async function onSale(shop: NodeShop) {
  const page = given(
    await shop.shard.listSlots({
      serviceId: SERVICE_ID,
      fromMs: null,
      toMs: null,
      timeZone: null,
      status: null,
      after: null,
      limit: 500,
    }),
  );
  return page.data.map(({ id, startAt, price }) => ({
    id,
    at: (Date.parse(startAt) - TOMORROW_MS) / MINUTE_MS,
    price: price.amount,
  }));
}

async function idAt(shop: NodeShop, at: number): Promise<string> {
  const found = (await onSale(shop)).find((slot) => slot.at === at);
  if (found === undefined) throw new Error(`nothing is for sale at ${at}`);
  return found.id;
}

describe('what rules want', () => {
  test('is made once, however often it is asked for', async () => {
    const shop = await NodeShop.open({ slots: [] });
    const wanted = [want(0), want(60), want(120)];
    expect(await applied(shop, wanted)).toMatchObject({ created: 3, skipped: 0, removed: 0 });
    expect(await applied(shop, wanted)).toMatchObject({ created: 0, skipped: 3, removed: 0 });
    expect((await onSale(shop)).map(({ at }) => at)).toEqual([0, 60, 120]);
    shop.shard.crash();
    expect(await applied(shop, wanted)).toMatchObject({ created: 0, skipped: 3, removed: 0 });
  });

  test('leaves alone what a person published, and does not make it twice', async () => {
    const shop = await NodeShop.open({ slots: [{ at: 0 }, { at: 30 }] });
    const report = await applied(shop, [want(0), want(60)]);
    expect(report).toMatchObject({ created: 1, skipped: 1, removed: 0 });
    expect(await applied(shop, [])).toMatchObject({ removed: 1, kept: [] });
    expect((await onSale(shop)).map(({ at }) => at)).toEqual([0, 30]);
  });

  test('changes the price of what is free, and keeps the address of a slot that comes back', async () => {
    const shop = await NodeShop.open({ slots: [] });
    await applied(shop, [want(0), want(60)]);
    const id = await idAt(shop, 60);
    const dearer = want(0, { price: { amount: 4_000, currency: 'usd' } });
    expect(await applied(shop, [dearer])).toMatchObject({ updated: 1, removed: 1 });
    expect((await onSale(shop)).map(({ price }) => price)).toEqual([4_000]);
    expect(await shop.slotStatus(id)).toBe('not_found');
    expect(codeOf(await shop.hold([id]))).toBe('slot_unavailable');
    await applied(shop, [dearer, want(60)]);
    expect(await idAt(shop, 60)).toBe(id);
    expect(codeOf(await shop.hold([id]))).toBe('accepted');
  });

  test('never moves what somebody holds or has booked, and says so', async () => {
    const shop = await NodeShop.open({ slots: [] });
    await applied(shop, [want(0), want(60), want(120)]);
    const [held, booked, free] = [await idAt(shop, 0), await idAt(shop, 60), await idAt(shop, 120)];
    await shop.held([held]);
    const booking = await shop.booked([booked]);
    const expected = {
      removed: 1,
      kept: [
        { slotId: held, reason: 'held' },
        { slotId: booked, reason: 'booked' },
      ],
    };
    expect(await applied(shop, [], { isDryRun: true })).toMatchObject(expected);
    expect(await shop.slotStatus(free)).toBe('available');
    expect(await applied(shop, [])).toMatchObject(expected);
    expect([await shop.slotStatus(held), await shop.slotStatus(booked)]).toEqual([
      'held',
      'booked',
    ]);
    expect(await shop.slotStatus(free)).toBe('not_found');
    const dearer = { price: { amount: 9_900, currency: 'usd' } };
    expect(await applied(shop, [want(60, dearer)])).toMatchObject({
      updated: 0,
      kept: [
        { slotId: held, reason: 'held' },
        { slotId: booked, reason: 'booked' },
      ],
    });
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
    expect((await onSale(shop)).find(({ id }) => id === booked)?.price).toBe(2_500);
  });

  test('sells nothing more of what is kept, and takes it away once it is given back', async () => {
    const shop = await NodeShop.open({ slots: [], resources: [{ capacity: 3 }] });
    await applied(shop, [want(0), want(60)]);
    const [slotId, other] = [await idAt(shop, 0), await idAt(shop, 60)];
    const booking = await shop.booked([slotId]);
    await shop.booked([other]);
    await applied(shop, []);
    for (const crash of [false, true]) {
      if (crash) shop.shard.crash();
      expect(given(await shop.shard.getSlot(slotId))).toMatchObject({
        status: 'booked',
        remaining: 0,
      });
      expect(codeOf(await shop.hold([slotId]))).toBe('slot_unavailable');
    }
    given(await shop.cancel(booking.id));
    expect(await shop.slotStatus(slotId)).toBe('blocked');
    expect(codeOf(await shop.hold([slotId]))).toBe('slot_unavailable');
    expect(await applied(shop, [want(60)])).toMatchObject({ removed: 1, kept: [] });
    expect(await shop.slotStatus(slotId)).toBe('not_found');
    expect(codeOf(await shop.hold([other], { by: 'usr_bob' }))).toBe('accepted');
  });

  test('can still be read by those whose booking of it is over', async () => {
    const shop = await NodeShop.open({ slots: [] });
    await applied(shop, [want(0)]);
    const slotId = await idAt(shop, 0);
    const booking = await shop.booked([slotId]);
    given(await shop.cancel(booking.id));
    expect(await applied(shop, [])).toMatchObject({ removed: 1, kept: [] });
    for (const crash of [false, true]) {
      if (crash) shop.shard.crash();
      const { view } = given(await shop.shard.getBooking(customer(), booking.id));
      expect(view.slots[0]).toMatchObject({ id: slotId, status: 'blocked' });
    }
  });

  test('of older rules is not applied over newer ones', async () => {
    const shop = await NodeShop.open({ slots: [] });
    await applied(shop, [want(0)], { version: 3 });
    const answer = await shop.shard.applySchedule(command([want(60)], { version: 2 }));
    expect(given(answer)).toEqual({ kind: 'stale' });
    expect((await onSale(shop)).map(({ at }) => at)).toEqual([0]);
  });

  test('does not reach what has started, nor beyond its stretch of time', async () => {
    const shop = await NodeShop.open({ slots: [] });
    await applied(shop, [want(0), want(60), want(120)]);
    shop.clock.set(TOMORROW_MS);
    const over = { startAtMs: TOMORROW_MS - DAY_MS, endAtMs: TOMORROW_MS + 120 * MINUTE_MS };
    expect(await applied(shop, [want(-60)], { over })).toMatchObject({ created: 0, removed: 1 });
    expect((await onSale(shop)).map(({ at }) => at)).toEqual([0, 120]);
  });

  test('is for the managers of the service alone', async () => {
    const shop = await NodeShop.open({ slots: [] });
    const stranger = customer('usr_mallory');
    expect(codeOf(await shop.shard.applySchedule(command([want(0)], { caller: stranger })))).toBe(
      'not_found',
    );
    expect(await onSale(shop)).toEqual([]);
  });

  test('is on the record with who changed it and how much', async () => {
    const shop = await NodeShop.open({ slots: [] });
    await applied(shop, [want(0), want(60)], { version: 7 });
    await applied(shop, [want(0), want(60)], { version: 7 });
    const events = shop.shard.store
      .eventsOf(SERVICE_ID)
      .filter(({ type }) => type === 'service.schedule_applied');
    expect(events.map(({ actor, metadata }) => ({ actor, metadata }))).toEqual([
      {
        actor: 'provider:usr_owner',
        metadata: { created: 2, updated: 0, removed: 0, kept: 0, version: 7 },
      },
    ]);
  });
});
