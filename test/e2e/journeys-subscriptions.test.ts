/**
 * Subscribing and paying for it, seen from outside: what the member is told, whether the door opens, and what the
 * processor's own books say. The clock is moved by stopping the platform and starting it again on the same state.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { card, expectProblem, only, span } from './support/shop.ts';
import { Club, type Invoice, type Member, type Subscription } from './support/subscriptions.ts';

const BASIC = { amount: 2000, currency: 'usd' };
const PREMIUM = { amount: 5000, currency: 'usd' };

let club: Club;
let basicId: string;
let premiumId: string;
let slotId: string;

beforeAll(async () => {
  club = await Club.open();
  basicId = await club.sell({ name: 'Basic', price: BASIC });
  premiumId = await club.sell({ name: 'Premium', price: PREMIUM });
  const members = { service: { access: 'subscribers' }, resources: [{ capacity: 1000 }] };
  // Beyond the month by which the clock is moved.
  slotId = await club.api.makeSlot(members, span(60, '10:00'));
}, 120_000);

afterAll(() => club.api.stop());

/** A member with an active subscription. */
async function begin(planId = basicId, method = 'visa') {
  const member = await club.join();
  const subscription = await club.mustSubscribe(member, planId, card(method));
  expect(subscription.status).toBe('active');
  return { member, id: subscription.id, subscription };
}

function tryHold(member: Member) {
  return club.api.hold(member, { slotIds: [slotId] });
}

function sumOf({ lines }: Invoice): number {
  return lines.reduce((sum, { amount }) => sum + amount, 0);
}

function ascending(amounts: readonly number[]): number[] {
  return amounts.toSorted((a, b) => a - b);
}

describe('signing up', () => {
  it('is active in one call, opens the door at once, and is charged once', async () => {
    const member = await club.join();
    expectProblem(await tryHold(member), 403, 'subscription_required');
    expectProblem(await club.current(member), 404, 'not_found');
    const made = await club.mustSubscribe(member, basicId);
    expect(made).toMatchObject({
      planId: basicId,
      status: 'active',
      cancelAtPeriodEnd: false,
      pendingPlanId: null,
      price: BASIC,
    });
    expect(made).not.toHaveProperty('payment');
    expect((await tryHold(member)).status).toBe(201);
    expect((await club.current(member)).json).toEqual(made);
    expect(await club.money(made.id)).toEqual(['capture 2000 succeeded']);
  });

  it('twice at once keeps one subscription and takes one payment', async () => {
    const member = await club.join();
    const answers = await Promise.all([1, 2].map(() => club.subscribe(member, basicId)));
    const taken = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status !== 201);
    expect([taken.length, refused.length]).toEqual([1, 1]);
    expectProblem(only(refused), 409, 'subscription_exists');
    expect(await club.money(only(taken).json.id)).toEqual(['capture 2000 succeeded']);
  });

  it('under one key has one effect and one answer', async () => {
    const member = await club.join();
    const sent = {
      as: member,
      body: { planId: basicId, payment: card() },
      key: randomUUID(),
    };
    const first = await club.api.call<Subscription>('POST /v1/subscriptions', sent);
    const again = await club.api.call<Subscription>('POST /v1/subscriptions', sent);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await club.money(first.json.id)).toEqual(['capture 2000 succeeded']);
  });

  it('with a card that is declined leaves nothing, and another card works', async () => {
    const member = await club.join();
    const refused = await club.subscribe(member, basicId, card('chargeDeclined'));
    expectProblem(refused, 402, 'payment_declined');
    expectProblem(await club.current(member), 404, 'not_found');
    expectProblem(await tryHold(member), 403, 'subscription_required');
    expect((await club.mustSubscribe(member, basicId)).status).toBe('active');
  });

  it('waits for the payer to authenticate, and asks the processor and not the client', async () => {
    const { member, id, payment } = await club.beginChallenge(basicId);
    expect(payment?.action).toMatchObject({ type: 'redirect', url: expect.any(String) });
    expectProblem(await tryHold(member), 403, 'subscription_required');
    const early = expectProblem(
      await club.command(member, `${id}/confirm`),
      402,
      'payment_incomplete',
    );
    expect(early['action']).toMatchObject({ type: 'redirect' });
    expect(await club.pay(payment?.processorId, 'authenticate')).toBe(200);
    expect(await club.must(member, `${id}/confirm`)).toMatchObject({ id, status: 'active' });
    expect((await tryHold(member)).status).toBe(201);
    expect(await club.money(id)).toEqual(['capture 2000 succeeded']);
  });

  it('ends when the payer fails to authenticate', async () => {
    const { member, id, payment } = await club.beginChallenge(basicId);
    expect(await club.pay(payment?.processorId, 'fail')).toBe(200);
    expectProblem(await club.command(member, `${id}/confirm`), 402, 'payment_declined');
    expectProblem(await club.current(member), 404, 'not_found');
    expect(await club.money(id)).toEqual([]);
  });

  it('gives the client what it needs where the card is entered at the processor', async () => {
    const member = await club.join();
    const made = await club.mustSubscribe(member, basicId, { processor: 'stripe' });
    expect(made.status).toBe('incomplete');
    expect(made.payment).toMatchObject({
      status: 'action_required',
      action: { type: 'sdk', clientSecret: expect.stringContaining('_secret_') },
    });
    expect(await club.pay(made.payment?.processorId, 'approve')).toBe(200);
    expect((await club.must(member, `${made.id}/confirm`)).status).toBe('active');
  });

  it('asks for a payment where money is due, and names plans that it lacks', async () => {
    const member = await club.join();
    expectProblem(await club.subscribe(member, basicId, null), 422, 'payment_required');
    expectProblem(await club.subscribe(member, 'pln_nope'), 404, 'not_found');
    expectProblem(await club.current(member), 404, 'not_found');
  });
});

describe('a subscription of somebody else', () => {
  it('does not exist, and neither does its invoice', async () => {
    const { member, id } = await begin();
    const stranger = await club.join();
    const { id: invoiceId } = only(await club.invoices(member, id));
    const reads = [
      `/v1/subscriptions/${id}`,
      `/v1/subscriptions/${id}/invoices`,
      `/v1/invoices/${invoiceId}`,
    ];
    for (const path of reads)
      expectProblem(await club.api.call(`GET ${path}`, { as: stranger }), 404, 'not_found');
    for (const name of ['confirm', 'cancel', 'resume', 'pause'])
      expectProblem(await club.command(stranger, `${id}/${name}`), 404, 'not_found');
    expectProblem(await club.keepCard(stranger, id, 'visa'), 404, 'not_found');
  });
});

describe('cancelling', () => {
  it('at the end of the period keeps the access, and can be taken back', async () => {
    const { member, id } = await begin();
    const ending = await club.must(member, `${id}/cancel`);
    expect(ending).toMatchObject({ status: 'active', cancelAtPeriodEnd: true });
    expect((await tryHold(member)).status).toBe(201);
    expect(await club.must(member, `${id}/resume`)).toMatchObject({ cancelAtPeriodEnd: false });
    expectProblem(await club.command(member, `${id}/resume`), 409, 'invalid_transition');
  });

  it('at once closes the door before it answers, and says which plans would open it', async () => {
    const { member, id } = await begin();
    const ended = await club.must(member, `${id}/cancel`, { atPeriodEnd: false });
    expect(ended).toMatchObject({ status: 'cancelled', endedAt: expect.any(String) });
    const refused = expectProblem(await tryHold(member), 403, 'subscription_required');
    expect(refused['plans']).toContainEqual({ id: basicId, name: 'Basic' });
    expectProblem(await club.current(member), 404, 'not_found');
    expectProblem(await club.command(member, `${id}/cancel`), 409, 'invalid_transition');
    expect((await club.mustSubscribe(member, basicId)).status).toBe('active');
  });

  it('at once gives the unused part back where the plan says so', async () => {
    const refunding = await club.sell({ price: BASIC, cancelRefund: 'prorated' });
    const { member, id } = await begin(refunding);
    await club.must(member, `${id}/cancel`, { atPeriodEnd: false });
    const invoice = only(await club.invoices(member, id));
    expect(invoice.refunded.amount).toBeGreaterThan(1990);
    expect(await club.money(id)).toEqual([
      'capture 2000 succeeded',
      `refund ${invoice.refunded.amount} succeeded`,
    ]);
    const answer = await club.api.call(`GET /v1/invoices/${invoice.id}`, { as: member });
    expect(answer.json).toMatchObject({
      creditNotes: [{ number: expect.stringMatching(/^HF-CN-\d{6}$/), amount: invoice.refunded }],
    });
  });

  it('is paused and resumed with the paid time that was left', async () => {
    const { member, id, subscription } = await begin();
    expect((await club.must(member, `${id}/pause`)).status).toBe('paused');
    expectProblem(await tryHold(member), 403, 'subscription_required');
    const resumed = await club.must(member, `${id}/resume`);
    expect(resumed.status).toBe('active');
    expect(Date.parse(resumed.currentPeriodEnd)).toBeGreaterThanOrEqual(
      Date.parse(subscription.currentPeriodEnd),
    );
    expect((await tryHold(member)).status).toBe(201);
    expect(await club.money(id)).toEqual(['capture 2000 succeeded']);
  });
});

describe('changing the plan', () => {
  it('up holds at once and charges the difference for the rest of the period', async () => {
    const { member, id } = await begin();
    const changed = await club.must(member, `${id}/change`, { planId: premiumId });
    expect(changed).toMatchObject({ planId: premiumId, status: 'active', pendingPlanId: null });
    const [difference] = await club.invoices(member, id);
    expect(difference).toMatchObject({ kind: 'change', status: 'paid' });
    const amount = difference?.total.amount ?? 0;
    expect(amount).toBeGreaterThan(2990);
    expect(amount).toBeLessThanOrEqual(3000);
    expect(await club.money(id)).toEqual(['capture 2000 succeeded', `capture ${amount} succeeded`]);
  });

  it('down waits for the end of the period and costs nothing now', async () => {
    const { member, id } = await begin(premiumId);
    const planned = await club.must(member, `${id}/change`, { planId: basicId });
    expect(planned).toMatchObject({ planId: premiumId, pendingPlanId: basicId });
    expect(await club.money(id)).toEqual(['capture 5000 succeeded']);
    const taken = await club.must(member, `${id}/change`, { planId: premiumId });
    expect(taken).toMatchObject({ planId: premiumId, pendingPlanId: null });
  });

  it('keeps the old plan where the difference is declined', async () => {
    const { member, id } = await begin();
    expect((await club.keepCard(member, id, 'chargeCustomerFail')).status).toBe(200);
    const refused = await club.command(member, `${id}/change`, { planId: premiumId });
    expectProblem(refused, 402, 'payment_declined');
    const after = await club.read(member, id);
    expect(after).toMatchObject({ planId: basicId, status: 'active', pendingPlanId: null });
    expect(await club.money(id)).toEqual(['capture 2000 succeeded']);
    expect((await tryHold(member)).status).toBe(201);
  });

  it('waits for a payer who has to authenticate the difference', async () => {
    const { member, id, payment } = await club.beginChallenge(basicId);
    await club.pay(payment?.processorId, 'authenticate');
    await club.must(member, `${id}/confirm`);
    const waiting = await club.must(member, `${id}/change`, { planId: premiumId });
    expect(waiting).toMatchObject({ planId: basicId, payment: { status: 'action_required' } });
    expectProblem(await club.command(member, `${id}/confirm`), 402, 'payment_incomplete');
    expect(await club.pay(waiting.payment?.processorId, 'authenticate')).toBe(200);
    expect(await club.must(member, `${id}/confirm`)).toMatchObject({ planId: premiumId });
  });
});

describe('an invoice', () => {
  it('has a number of its series, lines that add up, and a page to print', async () => {
    const { member, id } = await begin();
    const invoice = only(await club.invoices(member, id));
    expect(invoice).toMatchObject({ kind: 'period', status: 'paid', total: BASIC });
    expect(invoice.number).toMatch(/^HF-\d{6}$/);
    expect(sumOf(invoice)).toBe(invoice.total.amount);
    const path = `GET /v1/invoices/${invoice.id}`;
    expect((await club.api.call(path, { as: member })).json).toEqual(invoice);
    const headers = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };
    const page = await club.api.call(path, { as: member, headers });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.text).toContain(`Invoice ${invoice.number}`);
    expect(page.text).toContain('20.00 USD');
    expect((await club.api.call(path, { as: club.operator })).status).toBe(200);
  });

  it('is listed page by page', async () => {
    const { member, id } = await begin();
    await club.must(member, `${id}/change`, { planId: premiumId });
    const path = `GET /v1/subscriptions/${id}/invoices?limit=1`;
    type Page = { data: Invoice[]; nextCursor: string | null };
    const first = await club.api.call<Page>(path, { as: member });
    const next = `${path}&cursor=${first.json.nextCursor}`;
    const second = await club.api.call<Page>(next, { as: member });
    const kinds = [first, second].map(({ json }) => only(json.data).kind);
    expect([...kinds, second.json.nextCursor]).toEqual(['change', 'period', null]);
  });
});

describe('a month later', () => {
  let good: Awaited<ReturnType<typeof begin>>;
  let failing: Awaited<ReturnType<typeof begin>>;
  let careful: { member: Member; id: string };
  let down: Awaited<ReturnType<typeof begin>>;
  let leaving: Awaited<ReturnType<typeof begin>>;

  beforeAll(async () => {
    good = await begin();
    failing = await begin();
    expect((await club.keepCard(failing.member, failing.id, 'chargeCustomerFail')).status).toBe(
      200,
    );
    const challenge = await club.beginChallenge(basicId);
    await club.pay(challenge.payment?.processorId, 'authenticate');
    await club.must(challenge.member, `${challenge.id}/confirm`);
    careful = challenge;
    down = await begin(premiumId);
    await club.must(down.member, `${down.id}/change`, { planId: basicId });
    leaving = await begin();
    await club.must(leaving.member, `${leaving.id}/cancel`);
    await club.travel(32);
    await club.renew();
  }, 120_000);

  it('bills the next period once, however often the job runs', async () => {
    const { member, id, subscription } = good;
    const renewed = await club.read(member, id);
    expect(renewed).toMatchObject({
      status: 'active',
      currentPeriodStart: subscription.currentPeriodEnd,
    });
    await Promise.all([club.renew(), club.renew()]);
    expect(await club.money(id)).toEqual(['capture 2000 succeeded', 'capture 2000 succeeded']);
    const periods = await club.invoices(member, id);
    expect(periods.map(({ status }) => status)).toEqual(['paid', 'paid']);
    expect(periods[0]?.periodStart).toBe(periods[1]?.periodEnd);
  });

  it('puts the plan into effect that was chosen for it', async () => {
    const { member, id } = down;
    expect(await club.read(member, id)).toMatchObject({ planId: basicId, pendingPlanId: null });
    expect(await club.money(id)).toEqual(['capture 5000 succeeded', 'capture 2000 succeeded']);
  });

  it('has ended what was to end, without another payment', async () => {
    const { member, id } = leaving;
    expect((await club.read(member, id)).status).toBe('cancelled');
    expectProblem(await tryHold(member), 403, 'subscription_required');
    expect(await club.money(id)).toEqual(['capture 2000 succeeded']);
  });

  it('leaves the door open for the grace where the card is declined, and a new card pays the same period', async () => {
    const { member, id, subscription } = failing;
    const late = await club.read(member, id);
    expect(late).toMatchObject({
      status: 'past_due',
      payment: { status: 'failed' },
      paymentUrl: expect.stringContaining('/invoices/inv_'),
    });
    expect((await tryHold(member)).status).toBe(201);
    const paid = await club.keepCard(member, id, 'visa');
    expect(paid.status, paid.text).toBe(200);
    expect(paid.json).toMatchObject({
      status: 'active',
      currentPeriodStart: subscription.currentPeriodEnd,
    });
    expect(paid.json).not.toHaveProperty('paymentUrl');
    expect(await club.money(id)).toEqual(['capture 2000 succeeded', 'capture 2000 succeeded']);
    expect(await club.invoices(member, id)).toHaveLength(2);
  });

  it('lets a payer who must authenticate pay from the page of the invoice', async () => {
    const { member, id } = careful;
    const late = await club.read(member, id);
    expect(late.status).toBe('past_due');
    const url = late.paymentUrl ?? '';
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([
      200,
      expect.stringContaining('Pay 20.00 USD'),
    ]);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${url}x`)).status).toBe(404);
    const pressed = await fetch(url, { method: 'POST', redirect: 'manual' });
    expect(pressed.status).toBe(303);
    const processorUrl = pressed.headers.get('location') ?? '';
    const processorId = processorUrl.split(/[/?]/).find((part) => part.startsWith('pi_'));
    expect(await club.pay(processorId, 'authenticate')).toBe(200);
    const back = await fetch(`${url}&returned=1&payment_intent=${processorId}`);
    expect(await back.text()).toContain('This invoice is paid.');
    expect((await club.read(member, id)).status).toBe('active');
    expect(await club.money(id)).toEqual(['capture 2000 succeeded', 'capture 2000 succeeded']);
  });

  it('explains every capture by a paid invoice, and every number once', async () => {
    const people = [good, failing, careful, down, leaving];
    const numbers: (string | null)[] = [];
    for (const { member, id } of people) {
      const paid = (await club.invoices(member, id)).filter(({ status }) => status === 'paid');
      const captured = (await club.books(id)).filter(
        ({ kind, status }) => kind === 'capture' && status === 'succeeded',
      );
      const amounts = captured.map(({ amount }) => amount);
      expect(ascending(paid.map(({ total }) => total.amount))).toEqual(ascending(amounts));
      for (const invoice of paid) expect(sumOf(invoice)).toBe(invoice.total.amount);
      numbers.push(...paid.map(({ number }) => number));
    }
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers).not.toContain(null);
  });

  it('has every step of it in the audit trail', async () => {
    const verified = await club.api.call<{
      valid: boolean;
      streams: { stream: string; rows: number }[];
    }>('GET /v1/ops/audit/verify', { as: club.operator });
    expect(verified.json.valid).toBe(true);
    expect(verified.json.streams.map(({ stream }) => stream)).toContain(good.id);
  });
});
