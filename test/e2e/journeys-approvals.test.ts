/**
 * Bookings that their provider approves, sessions with a minimum, and visits that did not take place, paid by card: two
 * yeses at the same moment, a no, a pledge and the one that completes it, and a no-show with a fee. At the end the ledger is
 * what the processor's own books say, to the cent.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLedgerIsBooks } from './support/money.ts';
import {
  Api,
  PAID,
  card,
  expectProblem,
  only,
  spanIn,
  type Answer,
  type Booking,
  type Person,
} from './support/shop.ts';

/** Time to book before the slot begins. */
const SOON_HOURS = 8 / 3_600;
const FEE = { amount: 1_000, currency: 'usd' };

let api: Api;
let owner: Person;
let ann: Person;
let bob: Person;
let operator: Person;

beforeAll(async () => {
  api = await Api.start();
  owner = await api.demo('provider');
  ann = await api.register('ann');
  bob = await api.register('bob');
  operator = await api.demo('operator');
}, 120_000);

afterAll(() => api.stop());

function decide(verb: string, { id }: Booking, body: object = {}): Promise<Answer<Booking>> {
  return api.call(`POST /v1/bookings/${id}/${verb}`, { as: owner, body });
}

async function request(as: Person, slotId: string): Promise<Booking> {
  const booking = await api.mustBook(as, { slotIds: [slotId], payment: card() });
  expect(booking.status).toBe('awaiting_approval');
  expect(booking.payment?.status).toBe('authorized');
  return booking;
}

describe('two requests for one slot', () => {
  it('are approved at the same moment: one is confirmed, the other’s money is released', async () => {
    const slotId = await api.makeSlot({ owner, service: { requiresApproval: true } });
    const requests = [await request(ann, slotId), await request(bob, slotId)];
    expect((await api.slot(slotId)).status).toBe('available');
    const answers = await Promise.all(requests.map((one) => decide('approve', one)));
    const won = answers.findIndex(({ status }) => status === 200);
    const [winner, loser] = won === 0 ? requests : requests.toReversed();
    if (winner === undefined || loser === undefined) throw new Error('two requests');
    expect(answers[won]?.json.status).toBe('confirmed');
    const refused = only(answers.filter(({ status }) => status !== 200));
    expectProblem(refused, 409, 'slot_unavailable');
    expect(await api.money(winner.id)).toEqual(PAID);
    expect(await api.money(loser.id)).toEqual([
      'authorization 2500 succeeded',
      'void 2500 succeeded',
    ]);
    expect((await api.slot(slotId)).status).toBe('booked');
  });

  it('are declined and cancelled without any money moving', async () => {
    const slotId = await api.makeSlot({ owner, service: { requiresApproval: true } });
    const declined = await request(ann, slotId);
    const cancelled = await request(bob, slotId);
    const no = await decide('decline', declined, { reason: 'the hall is being painted' });
    expect([no.status, no.json.status]).toEqual([200, 'cancelled']);
    expect((await api.cancel(bob, cancelled)).json.status).toBe('cancelled');
    for (const { id } of [declined, cancelled])
      expect(await api.money(id)).toEqual(['authorization 2500 succeeded', 'void 2500 succeeded']);
  });
});

describe('a session for at least two', () => {
  const SESSION = {
    resources: [{ capacity: 4 }],
    service: { pledge: { minimumQuantity: 2, decideHoursBefore: 24 } },
  };

  it('charges nobody before there are two, and then both, whoever is there to hear it', async () => {
    const slotId = await api.makeSlot({ owner, ...SESSION });
    const first = await request(ann, slotId);
    expect((await api.slot(slotId)).remaining).toBe(3);
    expect(await api.money(first.id)).toEqual(['authorization 2500 succeeded']);
    const second = await api.mustBook(bob, { slotIds: [slotId], payment: card() });
    expect(second.status).toBe('confirmed');
    await api.untilStatus(ann, first.id, 'confirmed');
    for (const { id } of [first, second]) await api.untilMoney(id, PAID);
  }, 30_000);

  it('lets a pledge go without any money moving', async () => {
    const slotId = await api.makeSlot({ owner, ...SESSION });
    const pledge = await request(ann, slotId);
    expect((await api.cancel(ann, pledge)).json.status).toBe('cancelled');
    await api.untilMoney(pledge.id, ['authorization 2500 succeeded', 'void 2500 succeeded']);
    expect((await api.slot(slotId)).remaining).toBe(4);
  });
});

describe('a slot that nobody comes to', () => {
  it('begins by itself, keeps the fee once it is said, and gives the rest back', async () => {
    const shop = await api.makeShop({ owner, service: { noShowFee: FEE } });
    const [slot] = await api.addSlots(shop, spanIn(SOON_HOURS));
    const booking = await api.mustBook(ann, { slotIds: [slot?.id], payment: card() });
    expectProblem(await decide('no-show', booking), 409, 'invalid_transition');
    await api.untilStatus(ann, booking.id, 'in_progress');
    const said = await decide('no-show', booking);
    expect([said.status, said.json.status]).toEqual([200, 'no_show']);
    await api.untilMoney(booking.id, [...PAID, 'refund 1500 succeeded']);
  }, 30_000);
});

describe('the ledger', () => {
  it('is what the processor’s own books say', async () => {
    await expectLedgerIsBooks(api, operator, ['stripe']);
  });
});
