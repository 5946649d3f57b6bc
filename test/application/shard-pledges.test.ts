/** Sessions with a minimum: pledges keep their places, nobody is charged before the minimum, and all are decided at once. */
import { describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { METHODS } from '../support/fake-processor.ts';
import { OWNER } from '../support/node-shard.ts';
import {
  card,
  codeOf,
  CRYPTO,
  given,
  NodeShop,
  ORDER,
  TOMORROW_MS,
  type ShopOptions,
} from '../support/node-shop.ts';

const [ANN, BOB, CYD] = ['usr_ann', 'usr_bob', 'usr_cyd'];
const SLOT_AT_DAYS = 20;
const START_MS = TOMORROW_MS + SLOT_AT_DAYS * DAY_MS;

/** A session for five that needs three, decided a day before; what stands open is far enough away to need new funds. */
const SESSION: ShopOptions = {
  resources: [{ capacity: 5 }],
  service: { pledge: { minimumQuantity: 3, decideHoursBefore: 24 }, maxQuantity: 3 },
  slots: [{ at: SLOT_AT_DAYS * 24 * 60 }, { at: (SLOT_AT_DAYS + 1) * 24 * 60 }],
};

async function pledged(shop: NodeShop, by: string, quantity = 1) {
  return shop.booked([shop.slot()], card(), { by, quantity });
}

function statesOf(shop: NodeShop): string[] {
  return shop.shard.sql
    .rows('SELECT state FROM booking ORDER BY rowid')
    .map(({ state }) => String(state));
}

function moneyOf(shop: NodeShop): string[] {
  return [...shop.stripe.objects.values()].map(({ state }) => state);
}

async function passTo(shop: NodeShop, atMs: number): Promise<void> {
  await shop.pass(atMs - shop.clock.nowMs());
}

describe('a pledge', () => {
  test('reserves funds, keeps its place, and says how the session stands', async () => {
    const shop = await NodeShop.open(SESSION);
    const booking = await pledged(shop, ANN, 2);
    expect(booking).toMatchObject({
      status: 'awaiting_approval',
      approveBy: null,
      payment: { status: 'authorized' },
      pledge: {
        minimum: 3,
        pledged: 2,
        decideAt: new Date(START_MS - DAY_MS).toISOString().replace('.000Z', 'Z'),
      },
    });
    const slot = await shop.shard.getSlot(shop.slot());
    expect(slot).toMatchObject({ ok: true, value: { remaining: 3 } });
    expect(moneyOf(shop)).toEqual(['authorized']);
  });

  test('is never one too many', async () => {
    const shop = await NodeShop.open(SESSION);
    await pledged(shop, ANN, 2);
    await pledged(shop, BOB, 3);
    expect(codeOf(await shop.book([shop.slot()], card(), { by: CYD }))).toBe('slot_unavailable');
  });

  test('is for one session, by a processor that can reserve funds', async () => {
    const shop = await NodeShop.open(SESSION);
    const both = [shop.slot(0), shop.slot(1)];
    expect(codeOf(await shop.book(both))).toBe('validation_failed');
    expect(codeOf(await shop.book([shop.slot()], CRYPTO))).toBe('processor_not_supported');
  });

  test('is left by its customer without any money moving', async () => {
    const shop = await NodeShop.open(SESSION);
    const { id } = await pledged(shop, ANN, 2);
    expect(given(await shop.cancel(id)).status).toBe('cancelled');
    expect(moneyOf(shop)).toEqual(['voided']);
    const slot = await shop.shard.getSlot(shop.slot());
    expect(slot).toMatchObject({ ok: true, value: { remaining: 5 } });
  });

  test('is declined by its provider, and approved by the number alone', async () => {
    const shop = await NodeShop.open(SESSION);
    const { id } = await pledged(shop, ANN);
    expect(codeOf(await shop.act(id, { kind: 'approve', price: null }))).toBe('invalid_transition');
    const no = await shop.act(id, { kind: 'decline', reason: 'the teacher is ill' });
    expect(given(no).status).toBe('cancelled');
    expect(moneyOf(shop)).toEqual(['voided']);
  });
});

describe('at the minimum', () => {
  test('all are captured, each once, and later ones at once', async () => {
    const shop = await NodeShop.open(SESSION);
    await pledged(shop, ANN);
    await pledged(shop, BOB);
    expect(moneyOf(shop)).toEqual(['authorized', 'authorized']);
    const third = await pledged(shop, CYD);
    expect(third).toMatchObject({ status: 'confirmed', pledge: { pledged: 3 } });
    await shop.drain();
    expect(statesOf(shop)).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(moneyOf(shop)).toEqual(['captured', 'captured', 'captured']);
    expect((await pledged(shop, 'usr_dan')).status).toBe('confirmed');
    expect(shop.calls().filter((kind) => kind === 'capture')).toHaveLength(4);
  });

  test('one whose capture is refused frees its place, and the others stay', async () => {
    const shop = await NodeShop.open(SESSION);
    await shop.booked([shop.slot()], card(METHODS.captureRefused), { by: ANN });
    await pledged(shop, BOB, 2);
    await shop.drain();
    expect(statesOf(shop)).toEqual(['payment_failed', 'confirmed']);
    await passTo(shop, START_MS - HOUR_MS);
    expect(statesOf(shop)).toEqual(['payment_failed', 'confirmed']);
  });

  test('a crash after the decision loses nobody’s capture', async () => {
    const shop = await NodeShop.open(SESSION);
    await pledged(shop, ANN);
    await pledged(shop, BOB, 2);
    shop.shard.wakeUps.length = 0;
    shop.shard.crash();
    await shop.pass(MINUTE_MS);
    expect(statesOf(shop)).toEqual(['confirmed', 'confirmed']);
    expect(moneyOf(shop)).toEqual(['captured', 'captured']);
  });

  test('what is free is confirmed without any processor', async () => {
    const price = { amount: 0, currency: 'usd' };
    const shop = await NodeShop.open({ ...SESSION, service: { ...SESSION.service, price } });
    const one = await shop.booked([shop.slot()], null, { by: ANN, quantity: 2 });
    expect(one.status).toBe('awaiting_approval');
    const two = await shop.booked([shop.slot()], null, { by: BOB });
    expect(two.status).toBe('confirmed');
    expect(statesOf(shop)).toEqual(['confirmed', 'confirmed']);
  });

  test('a minimum that was lowered meanwhile counts at the deadline', async () => {
    const shop = await NodeShop.open(SESSION);
    await pledged(shop, ANN, 2);
    const pledge = { minimumQuantity: 2, decideHoursBefore: 24 };
    await shop.shard.patchService({ caller: OWNER, id: 'svc_hour', patch: { pledge } });
    await passTo(shop, START_MS - DAY_MS);
    expect(statesOf(shop)).toEqual(['confirmed']);
  });
});

describe('below the minimum at the deadline', () => {
  test('everybody is let go, and the session is closed', async () => {
    const shop = await NodeShop.open(SESSION);
    await pledged(shop, ANN);
    await pledged(shop, BOB);
    await passTo(shop, START_MS - DAY_MS - 1);
    await shop.drain();
    expect(statesOf(shop)).toEqual(['awaiting_approval', 'awaiting_approval']);
    await passTo(shop, START_MS - DAY_MS);
    await shop.drain();
    expect(statesOf(shop)).toEqual(['expired', 'expired']);
    expect(moneyOf(shop)).not.toContain('authorized');
    expect(moneyOf(shop)).not.toContain('captured');
    expect(codeOf(await shop.book([shop.slot()], card(), { by: CYD }))).toBe('notice_too_short');
  });

  test('a hold from before the deadline cannot be pledged after it, whether free or paid', async () => {
    const shop = await NodeShop.open({
      ...SESSION,
      service: { ...SESSION.service, holdTtlSeconds: 3_600 },
    });
    await passTo(shop, START_MS - DAY_MS - MINUTE_MS);
    const hold = await shop.held();
    await shop.pass(2 * MINUTE_MS);
    const reply = await shop.book(hold.id);
    expect(codeOf(reply)).toBe('payment_declined');
    expect(moneyOf(shop)).toEqual(['voided']);
  });
});

describe('funds that the processor would let go before the decision', () => {
  test('are reserved anew by the same method a day before, as often as it takes', async () => {
    const shop = await NodeShop.open(SESSION);
    const { id } = await pledged(shop, ANN);
    await shop.pass(6 * DAY_MS - MINUTE_MS);
    expect(shop.payments(id)).toHaveLength(1);
    await shop.pass(2 * MINUTE_MS);
    expect(moneyOf(shop)).toEqual(['voided', 'authorized']);
    expect(statesOf(shop)).toEqual(['awaiting_approval']);
    await shop.pass(7 * DAY_MS);
    expect(moneyOf(shop)).toEqual(['voided', 'voided', 'authorized']);
    await pledged(shop, BOB, 2);
    await shop.drain();
    expect(statesOf(shop)).toEqual(['confirmed', 'confirmed']);
    expect(moneyOf(shop).filter((state) => state === 'captured')).toHaveLength(2);
  });

  test('end the pledge when they are refused', async () => {
    const shop = await NodeShop.open(SESSION);
    const { id } = await pledged(shop, ANN, 2);
    shop.stripe.faultFor = ({ kind }) =>
      kind === 'authorize'
        ? { kind: 'declined', code: 'card_declined', retry: 'payer', payment: null }
        : null;
    await shop.pass(6 * DAY_MS + MINUTE_MS);
    expect(shop.bookingRow(id).state).toBe('payment_failed');
    const slot = await shop.shard.getSlot(shop.slot());
    expect(slot).toMatchObject({ ok: true, value: { remaining: 5 } });
  });

  test('wait for a payer who has to agree again, and end with the deadline when they do not', async () => {
    const shop = await NodeShop.open(SESSION);
    const booking = await shop.booked([shop.slot()], ORDER, { by: ANN });
    shop.paypal.payerApproves('paypal_1');
    await shop.advance(booking.id);
    expect(statesOf(shop)).toEqual(['awaiting_approval']);
    await shop.pass(6 * DAY_MS + MINUTE_MS);
    const asked = given(await shop.shard.getBooking({ id: ANN, roles: ['customer'] }, booking.id));
    expect(asked.view.payment).toMatchObject({ status: 'action_required' });
    await passTo(shop, START_MS - DAY_MS);
    for (let pass = 0; pass < 3; pass++) await shop.pass(HOUR_MS);
    expect(statesOf(shop)).toEqual(['expired']);
    expect([...shop.paypal.objects.values()].map(({ state }) => state)).not.toContain('authorized');
  });

  test('are granted with the rest once their payer has agreed again', async () => {
    const shop = await NodeShop.open(SESSION);
    const booking = await shop.booked([shop.slot()], ORDER, { by: ANN });
    shop.paypal.payerApproves('paypal_1');
    await shop.advance(booking.id);
    await shop.pass(6 * DAY_MS + MINUTE_MS);
    await pledged(shop, BOB, 2);
    expect(statesOf(shop)).toEqual(['awaiting_approval', 'confirmed']);
    shop.paypal.payerApproves('paypal_2');
    await shop.advance(booking.id);
    expect(statesOf(shop)).toEqual(['confirmed', 'confirmed']);
  });

  test('are not touched where they last until the decision', async () => {
    const shop = await NodeShop.open({ ...SESSION, slots: [{ at: 5 * 24 * 60 }] });
    const { id } = await pledged(shop, ANN);
    expect(shop.payment(id).dueAtMs).toBeNull();
    await shop.pass(4 * DAY_MS);
    expect(shop.payments(id)).toHaveLength(1);
  });
});

describe('the quota of a plan', () => {
  test('is kept by a pledge, and comes back when the session does not take place', async () => {
    const shop = await NodeShop.open(SESSION);
    const member = shop.members.member(ANN);
    member.join({ 'bookings.perPeriod': 2 });
    await pledged(shop, ANN);
    await shop.tellMembers();
    expect(member.used().bookings).toBe(1);
    await passTo(shop, START_MS - DAY_MS);
    await shop.tellMembers();
    expect(member.used().bookings).toBe(0);
  });
});
