/** A weekly series in one hold: the same local time every week, all of it or nothing, with what stands in the way named. */
import { describe, expect, it } from 'vitest';
import { formatInstant } from '../../src/contracts/http/views.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { codeOf, given, NodeShop, TOMORROW_MS, type Wish } from '../support/node-shop.ts';

const WEEK_MINUTES = (7 * DAY_MS) / MINUTE_MS;

/** Minutes after the first slot at which the others start. */
async function openWeeks(
  at: readonly number[],
  service: Parameters<typeof NodeShop.open>[0] = {},
): Promise<NodeShop> {
  return NodeShop.open({ ...service, slots: [0, ...at].map((one) => ({ at: one })) });
}

function placeSeries(shop: NodeShop, count: number, wish: Wish = {}) {
  const { claim: _, ...command } = shop.holdCommand([], wish);
  const series = { firstSlotId: shop.slot(0), count };
  return shop.shard.placeHold({
    ...command,
    claim: { series, quantity: null, units: null, fareId: null },
  });
}

describe('a series', () => {
  it('holds the same time of every week, priced together', async () => {
    const shop = await openWeeks([WEEK_MINUTES, 2 * WEEK_MINUTES, 60]);
    const hold = given(await placeSeries(shop, 3));
    expect(hold.slotIds).toEqual([shop.slot(0), shop.slot(1), shop.slot(2)]);
    expect(hold.quote.total).toEqual({ amount: 7_500, currency: 'usd' });
    expect(await shop.slotStatus(shop.slot(3))).toBe('available');
  });

  it('keeps its local time when the clocks of the venue change', async () => {
    // The first slot is in summer time, half a year later it is winter there.
    const timeZone = 'Europe/London';
    const local = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' });
    const atLocal = (week: number): number => {
      const sameElapsedMs = TOMORROW_MS + week * 7 * DAY_MS;
      const candidates = [-HOUR_MS, 0, HOUR_MS].map((shiftMs) => sameElapsedMs + shiftMs);
      const found = candidates.find((ms) => local.format(ms) === local.format(TOMORROW_MS));
      return ((found ?? Number.NaN) - TOMORROW_MS) / MINUTE_MS;
    };
    const weeks = Array.from({ length: 30 }, (_, index) => atLocal(index + 1));
    expect(new Set(weeks.map((minutes) => minutes % WEEK_MINUTES)).size).toBe(2);
    const shop = await openWeeks(weeks, { service: { timeZone } });
    const hold = given(await placeSeries(shop, 31));
    expect(hold.slotIds).toHaveLength(31);
  });

  it('is refused whole where one week is taken and another has no slot, and names both', async () => {
    const shop = await openWeeks([WEEK_MINUTES, 3 * WEEK_MINUTES]);
    await shop.held([shop.slot(1)], { by: 'usr_bob' });
    const refused = await placeSeries(shop, 4);
    expect(refused).toMatchObject({
      ok: false,
      refusal: {
        code: 'slot_unavailable',
        extra: {
          conflicts: [shop.slot(1)],
          missing: [formatInstant(TOMORROW_MS + 14 * DAY_MS)],
        },
      },
    });
    expect(await shop.slotStatus(shop.slot(0))).toBe('available');
    const claims = shop.shard.sql.rows('SELECT slot_id FROM claim WHERE is_live = 1');
    expect(claims).toEqual([{ slot_id: shop.slot(1) }]);
  });

  it('gives back what it took where only a week is missing', async () => {
    const shop = await openWeeks([WEEK_MINUTES]);
    expect(codeOf(await placeSeries(shop, 3))).toBe('slot_unavailable');
    expect(codeOf(await shop.hold([shop.slot(0)], { by: 'usr_bob' }))).toBe('accepted');
  });

  it('asks for slots of the same length on the same resource', async () => {
    const resources = [{ id: 'res_court' }, { id: 'res_other' }];
    const service = { resourceIds: resources.map(({ id }) => id) };
    const shop = await NodeShop.open({
      resources,
      service,
      slots: [
        { at: 0, resourceId: 'res_court' },
        { at: WEEK_MINUTES, resourceId: 'res_other' },
        { at: WEEK_MINUTES, minutes: 90, resourceId: 'res_court' },
      ],
    });
    const refused = await placeSeries(shop, 2);
    expect(refused).toMatchObject({
      refusal: { extra: { conflicts: [], missing: [expect.any(String)] } },
    });
  });

  it('of a slot that is not there is not found', async () => {
    const shop = await NodeShop.open();
    const { claim: _, ...command } = shop.holdCommand([]);
    const series = { firstSlotId: 'slt_nobody', count: 2 };
    const claim = { series, quantity: null, units: null, fareId: null };
    expect(codeOf(await shop.shard.placeHold({ ...command, claim }))).toBe('not_found');
  });
});
