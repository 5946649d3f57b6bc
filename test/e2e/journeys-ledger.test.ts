/**
 * The ledger behind whole journeys: after a booking that stands, one that was given back, one whose answers were lost, and a
 * subscription that was changed, everything is explained to the cent and nothing differs from the processor.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { card, type Booking } from './support/shop.ts';
import { Club } from './support/subscriptions.ts';

interface Overview {
  readonly unmatched: { readonly amount: number; readonly count: number };
  readonly processors: readonly {
    readonly processor: string;
    readonly currency: string;
    readonly captured: number;
    readonly refunded: number;
    readonly unmatched: number;
  }[];
}

interface Entry {
  readonly kind: string;
  readonly postings: readonly { readonly account: string; readonly amount: number }[];
}

let club: Club;

beforeAll(async () => {
  club = await Club.open();
}, 120_000);

afterAll(() => club.api.stop());

async function overview(): Promise<Overview> {
  await club.api.reconcile(club.operator);
  const answer = await club.api.call<Overview>('GET /v1/ops/money', { as: club.operator });
  return answer.json;
}

async function entriesOf(booking: Booking): Promise<readonly Entry[]> {
  const path = `GET /v1/ops/bookings/${booking.id}/money`;
  const answer = await club.api.call<{ data: Entry[] }>(path, { as: club.operator });
  return answer.json.data;
}

async function buy(): Promise<{ customer: Awaited<ReturnType<Club['join']>>; booking: Booking }> {
  const customer = await club.join();
  const slotId = await club.api.makeSlot({});
  const booking = await club.api.mustBook(customer, { slotIds: [slotId], payment: card() });
  return { customer, booking };
}

/** What of the overview is the card processor's. */
function stripe({ processors }: Overview) {
  const own = processors.find(({ processor }) => processor === 'stripe');
  return own ?? { captured: 0, refunded: 0 };
}

describe('the ledger', () => {
  it('explains what bookings and subscriptions moved, and differs from the processor in nothing', async () => {
    const before = await overview();
    expect(before.unmatched).toMatchObject({ amount: 0, count: 0 });
    const kept = await buy();
    const back = await buy();
    expect((await club.api.cancel(back.customer, back.booking)).status).toBe(200);
    await club.api.fault('timeout_after', { operation: 'capture', ms: 12_000 });
    const { booking: lost } = await buy();
    const basic = await club.sell({ name: 'Basic', price: { amount: 2000, currency: 'usd' } });
    await club.mustSubscribe(await club.join(), basic);
    const after = await overview();
    expect(after.unmatched).toMatchObject({ amount: 0, count: 0 });
    expect(stripe(after).captured - stripe(before).captured).toBe(3 * 2_500 + 2_000);
    expect(stripe(after).refunded - stripe(before).refunded).toBe(2_500);
    const kinds = (await entriesOf(back.booking)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== 'fee')).toEqual(['capture', 'refund']);
    for (const booking of [kept.booking, back.booking, lost]) {
      for (const { postings } of await entriesOf(booking)) {
        expect(postings.reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
      }
    }
  });
});
