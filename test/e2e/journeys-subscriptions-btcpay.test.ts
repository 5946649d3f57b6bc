/**
 * Subscribing with bitcoin, seen from outside: nobody can be charged without being there, so that each period is offered
 * to its payer, by the platform when it is due and by the page of its invoice at any time after that.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectLedgerIsBooks } from './support/money.ts';
import { until } from './support/platform-process.ts';
import { expectProblem, only, span } from './support/shop.ts';
import { Club, type Invoice, type Member } from './support/subscriptions.ts';

const PRICE = { amount: 2000, currency: 'usd' };
const BITCOIN = { processor: 'btcpay' };
/** Longer than BTCPay keeps an invoice open for its payer. */
const OFFER_SECONDS = 16 * 60;
const SETTLED_WITHIN_MS = 20_000;

let club: Club;
let planId: string;
let slotId: string;

beforeAll(async () => {
  club = await Club.open();
  planId = await club.sell({ price: PRICE, graceDays: 3, cancelRefund: 'prorated' });
  const members = { service: { access: 'subscribers' }, resources: [{ capacity: 1000 }] };
  slotId = await club.api.makeSlot(members, span(120, '10:00'));
}, 120_000);

afterAll(() => club.api.stop());

/** A member whose first period is paid. */
async function begin() {
  const member = await club.join();
  const made = await club.mustSubscribe(member, planId, BITCOIN);
  expect(made).toMatchObject({ status: 'incomplete', payment: { action: { type: 'redirect' } } });
  expect(await pay(made.payment?.processorId)).toBe(200);
  return { member, subscription: await club.untilConfirmed(member, made.id) };
}

/** Pays an invoice of BTCPay, and is confirmed at once. */
function pay(processorId: string | undefined, amount?: number): Promise<number> {
  return club.act(`btcpay/${processorId}`, { action: 'approve', ...(amount ? { amount } : {}) });
}

function tryHold(member: Member) {
  return club.api.hold(member, { slotIds: [slotId] });
}

async function untilRefund(member: Member, id: string): Promise<Invoice['refunds'][number]> {
  let refunds: Invoice['refunds'] = [];
  await until(async () => {
    refunds = (await club.invoices(member, id)).flatMap((invoice) => invoice.refunds);
    return refunds.some(({ claimUrl }) => claimUrl !== undefined);
  }, SETTLED_WITHIN_MS);
  return only(refunds);
}

/** Fetches a refund and is paid out at once. */
async function claim({ claimUrl = '' }: Invoice['refunds'][number]): Promise<void> {
  const place = `btcpay/${claimUrl.split('/').at(-1)}`;
  expect(await club.act(place, { action: 'claim' })).toBe(200);
  expect(await club.act(place, { action: 'confirm' })).toBe(200);
}

describe('a sign-up', () => {
  it('opens the door when the money is certain, and not before', async () => {
    const member = await club.join();
    const made = await club.mustSubscribe(member, planId, BITCOIN);
    expectProblem(await club.command(member, `${made.id}/confirm`), 402, 'payment_incomplete');
    const place = `btcpay/${made.payment?.processorId}`;
    expect(await club.act(place, { action: 'pay' })).toBe(200);
    expectProblem(await tryHold(member), 403, 'subscription_required');
    expect(await club.act(place, { action: 'confirm' })).toBe(200);
    await club.untilConfirmed(member, made.id);
    expect((await tryHold(member)).status).toBe(201);
    expect(await club.money(made.id)).toEqual(['capture 2000 succeeded']);
  });
});

describe('a cancellation', () => {
  it('gives the unused part back as a link that the member claims', async () => {
    const { member, subscription } = await begin();
    await club.must(member, `${subscription.id}/cancel`, { atPeriodEnd: false });
    const refund = await untilRefund(member, subscription.id);
    expect(refund.amount.amount).toBeGreaterThan(1990);
    await claim(refund);
    await until(async () => {
      await club.api.reconcile(club.operator);
      const invoice = only(await club.invoices(member, subscription.id));
      return only(invoice.refunds).status === 'succeeded';
    }, SETTLED_WITHIN_MS);
    expect(only(await club.invoices(member, subscription.id)).refunds).toEqual([
      expect.not.objectContaining({ claimUrl: expect.anything() }),
    ]);
    expect(await club.money(subscription.id)).toEqual([
      'capture 2000 succeeded',
      `refund ${refund.amount.amount} succeeded`,
    ]);
  });
});

describe('a month later', () => {
  let prompt: Awaited<ReturnType<typeof begin>>;
  let slow: Awaited<ReturnType<typeof begin>>;
  let generous: Awaited<ReturnType<typeof begin>>;
  let changing: Awaited<ReturnType<typeof begin>>;
  let absent: Awaited<ReturnType<typeof begin>>;

  beforeAll(async () => {
    prompt = await begin();
    slow = await begin();
    generous = await begin();
    changing = await begin();
    absent = await begin();
    await club.travel(32);
    await club.renew();
  }, 180_000);

  it('the next period is offered, and is theirs when it is paid; the grace keeps the door open', async () => {
    const { member, subscription } = prompt;
    const offered = await club.read(member, subscription.id);
    expect(offered).toMatchObject({
      status: 'past_due',
      payment: { status: 'action_required', amount: PRICE, action: { type: 'redirect' } },
      paymentUrl: expect.stringContaining('/invoices/inv_'),
    });
    expect((await tryHold(member)).status).toBe(201);
    expect(await pay(offered.payment?.processorId)).toBe(200);
    const paid = await club.untilConfirmed(member, subscription.id);
    expect(paid.currentPeriodStart).toBe(subscription.currentPeriodEnd);
    expect(await club.money(subscription.id)).toEqual([
      'capture 2000 succeeded',
      'capture 2000 succeeded',
    ]);
  });

  it('an offer that ran out unheard is made anew by the page of the invoice', async () => {
    const { member, subscription } = slow;
    await club.api.fault('webhook_drop', { processor: 'btcpay', count: 1000 });
    const { payment, paymentUrl } = await club.read(member, subscription.id);
    const clock = `POST ${club.api.control('clock')}`;
    await club.api.call(clock, { body: { advanceSeconds: OFFER_SECONDS } });
    const second = await club.pressPay(paymentUrl);
    expect(second).not.toBe(payment?.processorId);
    expect(await club.pressPay(paymentUrl)).toBe(second);
    await club.api.clearFaults();
    expect(await pay(second)).toBe(200);
    const back = await fetch(`${paymentUrl}&returned=1`);
    expect(await back.text()).toContain('This invoice is paid.');
    expect((await club.read(member, subscription.id)).status).toBe('active');
  });

  it('too much pays the period, and what is over comes back', async () => {
    const { member, subscription } = generous;
    const processorId = await club.pressPay((await club.read(member, subscription.id)).paymentUrl);
    expect(await pay(processorId, 2300)).toBe(200);
    await club.untilConfirmed(member, subscription.id);
    const refund = await untilRefund(member, subscription.id);
    expect(refund.amount).toEqual({ amount: 300, currency: 'usd' });
    await claim(refund);
    const [invoice] = await club.invoices(member, subscription.id);
    expect(invoice).toMatchObject({ status: 'paid', total: PRICE, refunded: { amount: 0 } });
  });

  it('another way to pay takes the place of the offer, and collects the same period', async () => {
    const { member, subscription } = changing;
    const kept = await club.keepCard(member, subscription.id, 'visa');
    expect(kept.status, kept.text).toBe(200);
    await club.untilConfirmed(member, subscription.id);
    const rows = (await club.books(subscription.id)).filter(({ kind }) => kind === 'capture');
    expect(rows.map(({ amount }) => amount)).toEqual([2000, 2000]);
    expect(await club.invoices(member, subscription.id)).toHaveLength(2);
  });

  it('who does not pay is suspended after the grace, shut out, and let in again with the money', async () => {
    const { member, subscription } = absent;
    await club.travel(36);
    await club.renew();
    expect((await club.read(member, subscription.id)).status).toBe('suspended');
    expectProblem(await tryHold(member), 403, 'subscription_required');
    const again = await club.keep(member, subscription.id, BITCOIN);
    expect(again.status, again.text).toBe(200);
    expect(again.json.payment).toMatchObject({ status: 'action_required' });
    expect(await pay(again.json.payment?.processorId)).toBe(200);
    await club.untilConfirmed(member, subscription.id);
    expect((await tryHold(member)).status).toBe(201);
  }, 120_000);

  it('leaves a ledger that is the processors’ own books to the cent', async () => {
    await expectLedgerIsBooks(club.api, club.operator, ['btcpay', 'stripe']);
  });
});
