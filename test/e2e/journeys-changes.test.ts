/**
 * A series of four weeks that changes: one week is cancelled, one moves to a dearer hour and one to a cheaper one, and in the
 * end its provider cancels what is left. The ledger is what the processor's own books say, to the cent.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLedgerIsBooks } from './support/money.ts';
import {
  Api,
  card,
  expectProblem,
  only,
  span,
  type Answer,
  type Booking,
  type Person,
  type Shop,
  type SlotWish,
} from './support/shop.ts';

interface Changed extends Booking {
  readonly slots: readonly (Booking['slots'][number] & { cancelledAt: string | null })[];
  readonly quote: { total: { amount: number } };
}

const WEEKS = [7, 14, 21, 28];

let api: Api;
let owner: Person;
let ann: Person;
let operator: Person;
let shop: Shop;
let slotIds: string[];
let dearer: string;
let cheaper: string;

beforeAll(async () => {
  api = await Api.start();
  owner = await api.demo('provider');
  ann = await api.register('ann');
  operator = await api.demo('operator');
  shop = await api.makeShop({ owner });
  slotIds = [];
  for (const days of WEEKS) slotIds.push(await slot(span(days, '09:00')));
  dearer = await slot({ ...span(14, '11:00'), price: { amount: 4_000, currency: 'usd' } });
  cheaper = await slot({ ...span(21, '11:00'), price: { amount: 1_000, currency: 'usd' } });
}, 120_000);

afterAll(() => api.stop());

async function slot(wish: SlotWish): Promise<string> {
  return only(await api.addSlots(shop, wish)).id;
}

function change(verb: string, { id }: Booking, body: object): Promise<Answer<Changed>> {
  return api.call(`POST /v1/bookings/${id}/${verb}`, { as: ann, body });
}

describe('a series of four weeks', () => {
  it('loses one, moves two, and ends with all of the money where it belongs', async () => {
    const [one = '', two = '', three = '', four = ''] = slotIds;
    const series = { firstSlotId: one, count: 4, every: 'week' };
    const booking = await api.mustBook(ann, { series, payment: card() });
    expect(booking.slots.map(({ id }) => id)).toEqual(slotIds);

    const fewer = await change('cancel', booking, { slotIds: [four] });
    expect([fewer.status, fewer.json.status]).toEqual([200, 'confirmed']);
    expect(fewer.json.quote.total.amount).toBe(7_500);
    expect((await api.slot(four)).status).toBe('available');

    const unpaid = await change('reschedule', booking, { slotIds: [one, dearer, three] });
    expectProblem(unpaid, 422, 'payment_required');
    const declined = await change('reschedule', booking, {
      slotIds: [one, dearer, three],
      payment: card('chargeDeclined'),
    });
    expectProblem(declined, 402, 'payment_declined');
    expect((await api.slot(two)).status).toBe('booked');

    const up = await change('reschedule', booking, {
      slotIds: [one, dearer, three],
      payment: card(),
    });
    expect([up.status, up.json.quote.total.amount]).toEqual([200, 9_000]);
    const down = await change('reschedule', booking, { slotIds: [one, dearer, cheaper] });
    expect([down.status, down.json.quote.total.amount]).toEqual([200, 7_500]);
    for (const [id, status] of [
      [one, 'booked'],
      [two, 'available'],
      [three, 'available'],
      [dearer, 'booked'],
      [cheaper, 'booked'],
    ] as const)
      expect((await api.slot(id)).status).toBe(status);

    const captured = (await api.money(booking.id)).filter((row) => row.startsWith('capture'));
    expect(captured).toEqual(['capture 10000 succeeded', 'capture 1500 succeeded']);
    await expectLedgerIsBooks(api, operator, ['stripe']);

    const ended = await api.cancel(owner, booking);
    expect(ended.status).toBe(200);
    await api.untilStatus(ann, booking.id, 'refunded');
    const back = (await api.money(booking.id))
      .filter((row) => row.startsWith('refund'))
      .reduce((sum, row) => sum + Number(row.split(' ')[1]), 0);
    expect(back).toBe(11_500);
    await expectLedgerIsBooks(api, operator, ['stripe']);
  }, 60_000);
});
