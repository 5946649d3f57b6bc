/**
 * The members' gate as it is met from outside: a tier that nobody had thought of, made by calls alone, and the moment at
 * which access ends, with many connections trying to get in on both sides of it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem, span } from './support/shop.ts';
import { Club, type Member } from './support/subscriptions.ts';

/** Connections that one member holds with at a time. */
const CONNECTIONS = 8;
/** Holds that are begun on each connection after access has ended. */
const TRIES_AFTER = 6;

interface Limits {
  readonly plan: { readonly id: string } | null;
  readonly limits: Readonly<Record<string, unknown>>;
  readonly used: Readonly<Record<string, number>>;
  readonly remaining: Readonly<Record<string, number | null>>;
}

interface Quoted {
  readonly id: string;
  readonly quote: {
    readonly total: { readonly amount: number };
    readonly lines: readonly { readonly kind: string; readonly amount: number }[];
  };
}

let club: Club;

beforeAll(async () => {
  club = await Club.open();
}, 120_000);

afterAll(() => club.api.stop());

async function limitsOf(member: Member): Promise<Limits> {
  const answer = await club.api.call<Limits>('GET /v1/me/entitlements', { as: member });
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

/**
 * A member holds on many connections without a pause, while something ends their access. Gives the statuses of the holds
 * that were begun before the answer to that, and of those begun after it.
 */
async function holdAround(
  member: Member,
  slotId: string,
  end: () => Promise<unknown>,
): Promise<{ before: number[]; after: number[] }> {
  const statuses = { before: [] as number[], after: [] as number[] };
  let isOver = false;
  const connection = async (): Promise<void> => {
    for (let tries = 0; tries < TRIES_AFTER; tries += isOver ? 1 : 0) {
      const side = isOver ? statuses.after : statuses.before;
      const { status } = await club.api.hold(member, { slotIds: [slotId] });
      side.push(status);
    }
  };
  const holding = Promise.all(Array.from({ length: CONNECTIONS }, connection));
  await end();
  isOver = true;
  await holding;
  return statuses;
}

describe('a tier made at run time', () => {
  it('is taken by a member and obeyed by the gate: price, limits and perks', async () => {
    const shop = await club.api.makeShop({ service: { access: 'subscribers' } });
    const [one, two, three, far] = await club.api.addSlots(
      shop,
      span(10, '10:00'),
      span(11, '10:00'),
      span(12, '10:00'),
      span(60, '10:00'),
    );
    const member = await club.join();
    const hold = (slot: { id: string } | undefined) =>
      club.api.hold(member, { slotIds: [slot?.id ?? ''] });
    const planId = await club.sell({
      name: 'Gold',
      price: { amount: 4500, currency: 'usd' },
      entitlements: {
        'access.members': true,
        'bookings.perPeriod': 2,
        'price.discountBps': 2000,
        'window.days': 40,
      },
    });
    const refused = expectProblem(await hold(one), 403, 'subscription_required');
    expect(refused['plans']).toContainEqual({ id: planId, name: 'Gold' });

    const { id } = await club.mustSubscribe(member, planId);
    expect(await club.money(id)).toEqual(['capture 4500 succeeded']);
    const first = (await hold(one)).json as unknown as Quoted;
    expect(first.quote.total.amount).toBe(2000);
    expect(first.quote.lines.map(({ kind, amount }) => `${kind} ${amount}`)).toEqual([
      'slot 2500',
      'discount -500',
    ]);
    expectProblem(await hold(far), 409, 'outside_booking_window');
    const second = await hold(two);
    expect(second.status).toBe(201);
    expectProblem(await hold(three), 403, 'quota_exhausted');
    expect(await limitsOf(member)).toMatchObject({
      plan: { id: planId },
      used: { 'bookings.perPeriod': 2 },
      remaining: { 'bookings.perPeriod': 0 },
    });

    const given = await club.api.call(`DELETE /v1/holds/${second.json.id}`, { as: member });
    expect(given.status).toBe(204);
    expect((await hold(three)).status).toBe(201);
    expectProblem(await hold(two), 403, 'quota_exhausted');
  });

  it('opens a sale earlier, some categories, and more slots at a price of their own', async () => {
    const saleStartsAt = new Date(Date.now() + 60 * 60_000).toISOString();
    const early = await club.api.makeSlot({ service: { saleStartsAt } });
    const padel = await club.api.makeSlot({
      service: { access: 'subscribers', category: 'padel' },
    });
    const golf = await club.api.makeSlot({ service: { access: 'subscribers', category: 'golf' } });
    const planId = await club.sell({
      name: 'Racket',
      entitlements: {
        'access.members': true,
        categories: ['padel'],
        'earlyAccess.minutes': 120,
        'bookings.perPeriod': 1,
        'overage.price': 700,
      },
    });
    const member = await club.join();
    const hold = (slotId: string) => club.api.hold(member, { slotIds: [slotId] });
    expectProblem(await hold(early), 403, 'sale_not_open');
    await club.mustSubscribe(member, planId);
    expect((await hold(early)).status).toBe(201);
    const golfPlans = expectProblem(await hold(golf), 403, 'subscription_required')['plans'];
    expect(golfPlans).not.toContainEqual({ id: planId, name: 'Racket' });
    const over = await hold(padel);
    expect(over.status, over.text).toBe(201);
    expect(over.json.quote.total.amount).toBe(2500 + 700);
  });

  it('moves its subscribers only when the operator says so', async () => {
    const planId = await club.sell({ entitlements: { 'access.members': true, 'window.days': 9 } });
    const member = await club.join();
    await club.mustSubscribe(member, planId);
    const as = club.operator;
    const next = { entitlements: { 'access.members': true, 'window.days': 99 } };
    const made = await club.api.call(`POST /v1/ops/plans/${planId}/versions`, { as, body: next });
    expect(made.status, made.text).toBe(201);
    await club.api.call(`POST /v1/ops/plans/${planId}/publish`, { as, body: {} });
    expect((await limitsOf(member)).limits['window.days']).toBe(9);
    const moved = await club.api.call(`POST /v1/ops/plans/${planId}/migrate`, { as, body: {} });
    expect([moved.status, moved.json]).toMatchObject([200, { migrated: 1, remaining: 0 }]);
    expect((await limitsOf(member)).limits['window.days']).toBe(99);
  });
});

describe('the end of access', () => {
  it('holds for every hold begun after a cancellation was answered, on every connection', async () => {
    const planId = await club.sell({ entitlements: { 'access.members': true } });
    const slotId = await club.api.makeSlot({
      service: { access: 'subscribers' },
      resources: [{ capacity: 1000 }],
    });
    const member = await club.join();
    const { id } = await club.mustSubscribe(member, planId);
    const { before, after } = await holdAround(member, slotId, () =>
      club.must(member, `${id}/cancel`, { atPeriodEnd: false }),
    );
    expect(after).toEqual(after.map(() => 403));
    expect(before).toContain(201);
  });

  it('holds at once where an operator takes a right away from one subscription', async () => {
    const planId = await club.sell({ entitlements: { 'access.members': true } });
    const slotId = await club.api.makeSlot({
      service: { access: 'subscribers' },
      resources: [{ capacity: 1000 }],
    });
    const member = await club.join();
    const { id } = await club.mustSubscribe(member, planId);
    const { before, after } = await holdAround(member, slotId, async () => {
      const path = `PUT /v1/ops/subscriptions/${id}/overrides`;
      const body = { overrides: {}, removals: ['access.members'] };
      const answer = await club.api.call(path, { as: club.operator, body });
      expect(answer.status, answer.text).toBe(200);
    });
    expect(after).toEqual(after.map(() => 403));
    expect(before).toContain(201);
  });

  it('comes with the end of the grace, and with the end of a period that was the last', async () => {
    const slotId = await club.api.makeSlot(
      { service: { access: 'subscribers' }, resources: [{ capacity: 1000 }] },
      span(90, '10:00'),
    );
    const planId = await club.sell({ graceDays: 7 });
    const unpaid = await club.join();
    const leaving = await club.join();
    const { id } = await club.mustSubscribe(unpaid, planId);
    expect((await club.keepCard(unpaid, id, 'chargeCustomerFail')).status).toBe(200);
    const last = await club.mustSubscribe(leaving, planId);
    await club.must(leaving, `${last.id}/cancel`, { atPeriodEnd: true });
    const hold = (member: Member) => club.api.hold(member, { slotIds: [slotId] });

    await club.travel(33);
    // Nothing has run yet: access is a matter of the clock, not of the cron.
    expect((await hold(unpaid)).status).toBe(201);
    expectProblem(await hold(leaving), 403, 'subscription_required');
    await club.renew();
    expect((await club.read(unpaid, id)).status).toBe('past_due');
    expect((await hold(unpaid)).status).toBe(201);
    expect((await club.read(leaving, last.id)).status).toBe('cancelled');

    await club.travel(40);
    expectProblem(await hold(unpaid), 403, 'subscription_required');
    await club.renew();
    expect((await club.read(unpaid, id)).status).toBe('suspended');
    const { after } = await holdAround(unpaid, slotId, async () => undefined);
    expect(after).toEqual(after.map(() => 403));
  });
});
