/**
 * What nobody told of and what went wrong for good: objections of payers whose every event was lost, and refunds that a
 * processor refuses. The reconciliation finds the one, operators see both and decide.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/platform-process.ts';
import { expectProblem, only, span, type Booking } from './support/shop.ts';
import { Club } from './support/subscriptions.ts';

interface Review {
  readonly id: string;
  readonly subscriptionId: string;
  readonly kind: string;
  readonly review: string | null;
  readonly amount: { readonly amount: number };
}

const PAYPAL = { processor: 'paypal' };
/** Longer than PayPal waits for a seller's answer to a dispute. */
const DECIDED_SECONDS = 11 * 86_400;
const SETTLED_WITHIN_MS = 20_000;

let club: Club;
let planId: string;
let slotId: string;

beforeAll(async () => {
  club = await Club.open();
  planId = await club.sell({ cancelRefund: 'prorated' });
  const members = { service: { access: 'subscribers' }, resources: [{ capacity: 1000 }] };
  slotId = await club.api.makeSlot(members, span(60, '10:00'));
}, 120_000);

afterAll(() => club.api.stop());

/** A member whose first period is paid, and the order that paid it. */
async function begin(paymentMethod = 'payer_ok') {
  const member = await club.join();
  const made = await club.mustSubscribe(member, planId, PAYPAL);
  const orderId = made.payment?.processorId ?? '';
  expect(await club.act(`paypal/${orderId}`, { action: 'approve', paymentMethod })).toBe(200);
  return { member, orderId, subscription: await club.untilConfirmed(member, made.id) };
}

async function reviewsOf(subscriptionId: string): Promise<Review[]> {
  const answer = await club.api.call<{ data: Review[] }>('GET /v1/ops/reviews', {
    as: club.operator,
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.json.data.filter((row) => row.subscriptionId === subscriptionId);
}

function decide({ id }: Review, decision: 'retry' | 'settle') {
  const path = `POST /v1/ops/reviews/${id}/${decision}`;
  const body = { reason: 'the payer was called' };
  return club.api.call<Review>(path, { as: club.operator, body });
}

async function moneyOf({ id }: Booking): Promise<string[]> {
  const path = `GET /v1/ops/bookings/${id}/money`;
  const answer = await club.api.call<{ data: { kind: string }[] }>(path, { as: club.operator });
  return answer.json.data.map(({ kind }) => kind);
}

describe('an objection whose every event was lost', () => {
  it('to a booking is found by a run of the reconciliation, and its money is frozen', async () => {
    const customer = await club.api.register('customer');
    const booked = await club.api.makeSlot();
    const made = await club.api.mustBook(customer, { slotIds: [booked], payment: PAYPAL });
    const place = `paypal/${made.payment?.processorId}`;
    expect(await club.act(place, { action: 'approve' })).toBe(200);
    await club.api.untilStatus(customer, made.id, 'confirmed');
    await club.api.fault('webhook_drop', { processor: 'paypal', count: 1000 });
    expect(await club.act(place, { action: 'dispute' })).toBe(200);
    expect(await moneyOf(made)).not.toContain('dispute');
    await club.api.reconcile(club.operator);
    expect(await moneyOf(made)).toContain('dispute');
    await club.api.reconcile(club.operator);
    expect((await moneyOf(made)).filter((kind) => kind === 'dispute')).toHaveLength(1);
    await club.api.clearFaults();
    // What its payer has in hand already is not given back on top.
    await club.api.cancel(customer, made);
    expect(await club.api.money(made.id)).not.toContain('refund 2500 succeeded');
  });

  it('to a subscription is found too; lost, it ends the subscription and is settled by a person', async () => {
    const { member, orderId, subscription } = await begin();
    await club.api.fault('webhook_drop', { processor: 'paypal', count: 1000 });
    expect(await club.act(`paypal/${orderId}`, { action: 'dispute' })).toBe(200);
    expect(await reviewsOf(subscription.id)).toEqual([]);
    await club.api.reconcile(club.operator);
    expect(await reviewsOf(subscription.id)).toMatchObject([
      { kind: 'payment', review: 'dispute open', amount: { amount: 2000 } },
    ]);
    expect((await club.api.hold(member, { slotIds: [slotId] })).status).toBe(201);
    const clock = `POST ${club.api.control('clock')}`;
    await club.api.call(clock, { body: { advanceSeconds: DECIDED_SECONDS } });
    await club.api.reconcile(club.operator);
    await club.api.clearFaults();
    expect((await club.read(member, subscription.id)).status).toBe('cancelled');
    const held = await club.api.hold(member, { slotIds: [slotId] });
    expectProblem(held, 403, 'subscription_required');
    const lost = only(await reviewsOf(subscription.id));
    expect(lost.review).toBe('dispute lost');
    expect((await decide(lost, 'settle')).status).toBe(200);
    expect(await reviewsOf(subscription.id)).toEqual([]);
  });
});

describe('a refund that the processor refuses for good', () => {
  it('is seen by operators, asked for again and settled by a decision', async () => {
    const { member, subscription } = await begin('payer_refund_refused');
    await club.must(member, `${subscription.id}/cancel`, { atPeriodEnd: false });
    await until(async () => (await reviewsOf(subscription.id)).length > 0, SETTLED_WITHIN_MS);
    const failed = only(await reviewsOf(subscription.id));
    expect(failed).toMatchObject({ kind: 'refund', review: 'a refund failed' });
    expect((await decide(failed, 'retry')).status).toBe(200);
    expectProblem(await decide(failed, 'retry'), 409, 'invalid_transition');
    const again = only(await reviewsOf(subscription.id));
    expect(again.id).not.toBe(failed.id);
    expect((await decide(again, 'settle')).json).toMatchObject({ id: again.id, review: null });
    expect(await reviewsOf(subscription.id)).toEqual([]);
    const path = `POST /v1/ops/reviews/${again.id}/settle`;
    const refused = await club.api.call(path, { as: member, body: { reason: 'mine' } });
    expectProblem(refused, 403, 'role_required');
  });
});
