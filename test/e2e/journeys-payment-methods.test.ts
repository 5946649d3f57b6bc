/**
 * Keeping a payment method, paying with it and taking it back, seen from outside: what its owner is shown, what the
 * processors' own books and request logs say, and that nobody else can use it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  PAID,
  card,
  expectProblem,
  span,
  type Answer,
  type Booking,
  type Person,
} from './support/shop.ts';
import { Club, type Member } from './support/subscriptions.ts';

interface Saved {
  readonly id: string;
  readonly processor: string;
  readonly status: string;
  readonly brand?: string;
  readonly last4?: string;
  readonly label: string;
  readonly isDefault: boolean;
  readonly action?: { readonly type: string; readonly url?: string };
}

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

const PRICE = { amount: 2000, currency: 'usd' };

let club: Club;
let slotIds: string[];

beforeAll(async () => {
  club = await Club.open();
  const shop = await club.api.makeShop({ resources: [{ capacity: 1000 }] });
  const slots = await club.api.addSlots(shop, span(30, '10:00'), span(30, '12:00'));
  slotIds = slots.map(({ id }) => id);
}, 120_000);

afterEach(() => club.api.clearFaults());
afterAll(() => club.api.stop());

function save(as: Person, wish: object = card()): Promise<Answer<Saved>> {
  return club.api.call<Saved>('POST /v1/payment-methods', { as, body: wish });
}

async function saved(as: Person, wish: object = card()): Promise<Saved> {
  const answer = await save(as, wish);
  expect(answer.status, answer.text).toBe(201);
  return answer.json;
}

async function list(as: Person): Promise<readonly Saved[]> {
  const answer = await club.api.call<{ data: Saved[] }>('GET /v1/payment-methods', { as });
  expect(answer.status, answer.text).toBe(200);
  return answer.json.data;
}

function remove(as: Person, id: string): Promise<Answer<unknown>> {
  return club.api.call(`DELETE /v1/payment-methods/${id}`, { as });
}

function book(as: Person, id: string, processor = 'stripe'): Promise<Answer<Booking>> {
  const body = { slotIds: slotIds.slice(0, 1), payment: { processor, paymentMethod: id } };
  return club.api.call<Booking>('POST /v1/bookings', { as, body });
}

/** What the processor was asked, such as `POST 200 /stripe/v1/…/detach`. */
async function requests(processor: string, path: RegExp): Promise<string[]> {
  const log = `GET ${club.api.control(`requests?processor=${processor}`)}`;
  const { json } = await club.api.call<{ data: SeenRequest[] }>(log);
  return json.data
    .filter((seen) => path.test(seen.path))
    .map(({ method, status, path: asked }) => `${method} ${status} ${asked.split('?')[0] ?? ''}`);
}

/** How often Stripe has let go of a method. */
async function detached(): Promise<number> {
  return (await requests('stripe', /\/detach$/)).filter((seen) => seen.startsWith('POST 200'))
    .length;
}

async function payer(processor: string, ref: string | undefined, action: string): Promise<void> {
  const path = `POST ${club.api.control(`payers/${processor}/${ref}`)}`;
  expect((await club.api.call(path, { body: { action } })).status).toBe(200);
}

describe('a card', () => {
  it('is saved, pays for a booking, is taken back, and pays no more', async () => {
    const member = await club.join();
    const method = await saved(member);
    expect(method).toMatchObject({
      processor: 'stripe',
      status: 'active',
      kind: 'card',
      brand: 'visa',
      last4: '4242',
      label: 'Visa •••• 4242',
      isDefault: true,
    });
    expect((await saved(member)).id).toBe(method.id);
    expect(await list(member)).toHaveLength(1);

    const booking = await book(member, method.id);
    expect([booking.status, booking.json.status], booking.text).toEqual([201, 'confirmed']);
    expect(await club.api.money(booking.json.id)).toEqual(PAID);
    expect((await book(member, method.id)).json.status).toBe('confirmed');

    expect((await remove(member, method.id)).status).toBe(204);
    expect((await remove(member, method.id)).status).toBe(204);
    expect(await requests('stripe', /\/detach$/)).toEqual([
      expect.stringMatching(/^POST 200 \/stripe\/v1\/payment_methods\/pm_\w+\/detach$/),
    ]);
    expect(await list(member)).toEqual([]);
    expectProblem(await book(member, method.id), 404, 'not_found');
  });

  it('pays for nobody but its owner', async () => {
    const [owner, other] = [await club.join(), await club.join()];
    const { id } = await saved(owner);
    expectProblem(await book(other, id), 404, 'not_found');
    expectProblem(await remove(other, id), 404, 'not_found');
    expectProblem(await book(owner, id, 'paypal'), 422, 'validation_failed');
    expect((await book(owner, id)).json.status).toBe('confirmed');
  });

  it('keeps the answer that its booking had, under the key that it had', async () => {
    const member = await club.join();
    const { id } = await saved(member);
    const body = { slotIds, payment: { processor: 'stripe', paymentMethod: id } };
    const sent = { as: member, body, key: `booked-${id}` };
    const first = await club.api.call('POST /v1/bookings', sent);
    await remove(member, id);
    const again = await club.api.call('POST /v1/bookings', sent);
    expect([again.status, again.text]).toEqual([first.status, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  it('that its issuer refuses is not kept', async () => {
    const member = await club.join();
    expectProblem(await save(member, card('chargeDeclined')), 402, 'payment_declined');
    expect(await list(member)).toEqual([]);
  });

  it('whose bank wants its owner is kept once they have agreed', async () => {
    const member = await club.join();
    const method = await saved(member, card('authenticationRequired'));
    expect(method).toMatchObject({ status: 'action_required', action: { type: 'redirect' } });
    const path = `POST /v1/payment-methods/${method.id}/confirm`;
    expectProblem(await club.api.call(path, { as: member, body: {} }), 402, 'payment_incomplete');
    await payer('stripe', method.action?.url?.split('/').at(-1)?.split('?')[0], 'authenticate');
    const confirmed = await club.api.call<Saved>(path, { as: member, body: {} });
    expect(confirmed.json).toMatchObject({ status: 'active', last4: expect.any(String) });
  });

  it('is let go of by the reconciliation when the processor was silent', async () => {
    const member = await club.join();
    const { id } = await saved(member);
    const before = await detached();
    await club.api.fault('timeout_before', { operation: 'void', ms: 10 });
    expect((await remove(member, id)).status).toBe(204);
    expect(await list(member)).toEqual([]);
    expect(await detached()).toBe(before);
    await club.api.reconcile(club.operator);
    expect(await detached()).toBe(before + 1);
  });
});

describe('a subscription', () => {
  it('is paid with a saved card, which stays while it lives', async () => {
    const member: Member = await club.join();
    const { id } = await saved(member);
    const planId = await club.sell({ price: PRICE });
    const payment = { processor: 'stripe', paymentMethod: id };
    const subscription = await club.mustSubscribe(member, planId, payment);
    expect(subscription.status).toBe('active');
    expect(await club.money(subscription.id)).toEqual(['capture 2000 succeeded']);
    const refused = expectProblem(await remove(member, id), 409, 'invalid_transition');
    expect(refused['detail']).toContain('subscription');
    const next = await saved(member, card('mastercard'));
    const path = `PUT /v1/subscriptions/${subscription.id}/payment-method`;
    const kept = await club.api.call(path, { as: member, body: { paymentMethod: next.id } });
    expect(kept.status, kept.text).toBe(200);
    expect((await remove(member, id)).status).toBe(204);
    expectProblem(await remove(member, next.id), 409, 'invalid_transition');
    await club.must(member, `${subscription.id}/cancel`, { atPeriodEnd: false });
    expect((await remove(member, next.id)).status).toBe(204);
  });
});

describe('a PayPal agreement', () => {
  it('is saved at PayPal, pays for a booking without the payer, and is taken back', async () => {
    const member = await club.join();
    const returnUrl = 'https://club.example.test/wallet';
    const begun = await saved(member, { processor: 'paypal', returnUrl });
    expect(begun).toMatchObject({ status: 'action_required', action: { type: 'redirect' } });
    const path = `POST /v1/payment-methods/${begun.id}/confirm`;
    expectProblem(await club.api.call(path, { as: member, body: {} }), 402, 'payment_incomplete');
    await payer('paypal', begun.action?.url?.split('/').at(-1)?.split('?')[0], 'approve');
    const method = (await club.api.call<Saved>(path, { as: member, body: {} })).json;
    expect(method).toMatchObject({
      status: 'active',
      label: expect.stringMatching(/^PayPal \w•••@example\.com$/),
    });
    const booking = await book(member, method.id, 'paypal');
    expect([booking.status, booking.json.status], booking.text).toEqual([201, 'confirmed']);
    expect(await club.api.money(booking.json.id)).toEqual(PAID);
    expect((await remove(member, method.id)).status).toBe(204);
    expect((await requests('paypal', /payment-tokens\/\w+$/)).at(-1)).toMatch(/^DELETE 204/);
    expectProblem(await book(member, method.id, 'paypal'), 404, 'not_found');
  });

  it('is never taken from a token that somebody sends', async () => {
    const member = await club.join();
    const wish = { processor: 'paypal', paymentMethod: 'a1b2c3' };
    expectProblem(await save(member, wish), 422, 'validation_failed');
  });
});

it('saves nothing at BTCPay, which keeps nothing', async () => {
  const answer = await save(await club.join(), { processor: 'btcpay' });
  expectProblem(answer, 422, 'processor_not_supported');
});
