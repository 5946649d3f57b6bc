/**
 * Subscribing with PayPal, seen from outside: the payer agrees once, later periods are charged without them, and what PayPal
 * refuses then is put right with another agreement.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLedgerIsBooks } from './support/money.ts';
import { until } from './support/platform-process.ts';
import { expectProblem, only, span } from './support/shop.ts';
import { Club, type Member } from './support/subscriptions.ts';

const PRICE = { amount: 2000, currency: 'usd' };
const PAYPAL = { processor: 'paypal' };
const TWICE = ['capture 2000 succeeded', 'capture 2000 succeeded'];

let club: Club;
let planId: string;
let slotId: string;

beforeAll(async () => {
  club = await Club.open();
  planId = await club.sell({ price: PRICE, cancelRefund: 'prorated' });
  const members = { service: { access: 'subscribers' }, resources: [{ capacity: 1000 }] };
  slotId = await club.api.makeSlot(members, span(120, '10:00'));
}, 120_000);

afterAll(() => club.api.stop());

/** A member who agreed on PayPal's page; who pays decides how later periods go. */
async function begin(paymentMethod = 'payer_ok') {
  const member = await club.join();
  const made = await club.mustSubscribe(member, planId, PAYPAL);
  expect(made).toMatchObject({ status: 'incomplete', payment: { action: { type: 'redirect' } } });
  expect(await agree(made.payment?.processorId, paymentMethod)).toBe(200);
  return { member, subscription: await club.untilConfirmed(member, made.id) };
}

function agree(processorId: string | undefined, paymentMethod = 'payer_ok'): Promise<number> {
  return club.act(`paypal/${processorId}`, { action: 'approve', paymentMethod });
}

function tryHold(member: Member) {
  return club.api.hold(member, { slotIds: [slotId] });
}

describe('a cancellation', () => {
  it('gives the unused part back where the plan says so', async () => {
    const { member, subscription } = await begin();
    await club.must(member, `${subscription.id}/cancel`, { atPeriodEnd: false });
    const invoice = only(await club.invoices(member, subscription.id));
    expect(invoice.refunded.amount).toBeGreaterThan(1990);
    expect(invoice.refunds).toMatchObject([{ status: 'succeeded', amount: invoice.refunded }]);
    expect(await club.money(subscription.id)).toEqual([
      'capture 2000 succeeded',
      `refund ${invoice.refunded.amount} succeeded`,
    ]);
  });
});

describe('a month later', () => {
  let good: Awaited<ReturnType<typeof begin>>;
  let failing: Awaited<ReturnType<typeof begin>>;
  let unheard: Awaited<ReturnType<typeof begin>>;

  beforeAll(async () => {
    good = await begin();
    failing = await begin('payer_agreement_refused');
    unheard = await begin('payer_agreement_refused');
    await club.travel(32);
    await club.renew();
  }, 180_000);

  it('the next period is charged once, without the payer, however often the job runs', async () => {
    const { member, subscription } = good;
    expect(await club.read(member, subscription.id)).toMatchObject({
      status: 'active',
      currentPeriodStart: subscription.currentPeriodEnd,
    });
    await Promise.all([club.renew(), club.renew()]);
    expect(await club.money(subscription.id)).toEqual(TWICE);
    const calls = await club.api.requests(/\/capture$/);
    const unattended = calls.filter(({ body }) => body.includes('"payment_initiator":"MERCHANT"'));
    expect(unattended.length).toBeGreaterThan(0);
  });

  it('an agreement that is refused is tried again by the plan’s days, and another one pays the same period', async () => {
    const { member, subscription } = failing;
    const late = await club.read(member, subscription.id);
    expect(late).toMatchObject({ status: 'past_due', payment: { status: 'failed' } });
    expect((await tryHold(member)).status).toBe(201);
    await club.travel(34);
    await club.renew();
    const again = await club.read(member, subscription.id);
    expect(again.status).toBe('past_due');
    expect(again.payment?.id).not.toBe(late.payment?.id);
    const kept = await club.keep(member, subscription.id, PAYPAL);
    expect(kept.status, kept.text).toBe(200);
    expect(kept.json.payment).toMatchObject({ status: 'action_required' });
    expect(await agree(kept.json.payment?.processorId)).toBe(200);
    const active = await club.untilConfirmed(member, subscription.id);
    expect(active.currentPeriodStart).toBe(subscription.currentPeriodEnd);
    const captured = (await club.money(subscription.id)).filter((row) => row === TWICE[0]);
    expect(captured).toEqual(TWICE);
  }, 120_000);

  it('a payer who agrees again while PayPal’s words are lost is found by the reconciliation', async () => {
    const { member, subscription } = unheard;
    const kept = await club.keep(member, subscription.id, PAYPAL);
    await club.api.fault('webhook_drop', { processor: 'paypal', count: 1000 });
    expect(await agree(kept.json.payment?.processorId)).toBe(200);
    await until(async () => {
      await club.api.reconcile(club.operator);
      await club.renew();
      return (await club.read(member, subscription.id)).status === 'active';
    }, 30_000);
    await club.api.clearFaults();
  }, 60_000);

  it('a member who never agrees again is suspended, shut out, and let in with another agreement', async () => {
    const { member, subscription } = await begin('payer_agreement_refused');
    await club.travel(34 + 32);
    await club.renew();
    await club.travel(34 + 32 + 9);
    await club.renew();
    expect((await club.read(member, subscription.id)).status).toBe('suspended');
    expectProblem(await tryHold(member), 403, 'subscription_required');
    const kept = await club.keep(member, subscription.id, PAYPAL);
    expect(await agree(kept.json.payment?.processorId)).toBe(200);
    await club.untilConfirmed(member, subscription.id);
    expect((await tryHold(member)).status).toBe(201);
  }, 180_000);

  it('leaves a ledger that is PayPal’s own books to the cent', async () => {
    await expectLedgerIsBooks(club.api, club.operator, ['paypal']);
  });
});
