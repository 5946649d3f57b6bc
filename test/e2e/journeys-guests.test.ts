/**
 * Without an account, over the whole platform: a draft that waits, a slot paid by card, the link that finds the booking
 * again and cancels it, and an account that keeps what the guest booked.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, card, PAID, span, type Booking, type Person, type Slot } from './support/shop.ts';

const EMAIL = 'eve@example.test';

let api: Api;
let slots: Slot[];

beforeAll(async () => {
  api = await Api.start();
  const days = [span(30, '10:00'), span(31, '10:00'), span(32, '10:00')];
  slots = await api.addSlots(await api.makeShop(), ...days);
}, 120_000);

afterAll(() => api.stop());

async function beginSession(): Promise<Person & { readonly id: string }> {
  const body = { email: EMAIL, name: 'Eve' };
  const begun = await api.call<{ id: string; token: string }>('POST /v1/guest-sessions', { body });
  expect(begun.status, begun.text).toBe(201);
  return { ...begun.json, email: EMAIL };
}

async function pay(as: Person, slot: Slot | undefined): Promise<Booking> {
  const { id: holdId } = await api.mustHold(as, slot?.id ?? '');
  const booking = await api.mustBook(as, { holdId, payment: card() });
  expect(booking.status).toBe('confirmed');
  return booking;
}

describe('a guest', () => {
  it('resumes a draft, pays by card, asks for the link, and cancels by it with the money back', async () => {
    const eve = await beginSession();
    const session = `/v1/guest-sessions/${eve.id}`;
    const draft = { slotId: slots[0]?.id, step: 'pay' };
    expect((await api.call(`PATCH ${session}`, { as: eve, body: { draft } })).status).toBe(200);
    const resumed = await api.call<{ draft: object }>(`GET ${session}`, { as: eve });
    expect(resumed.json.draft).toEqual(draft);

    const { id, code, manageUrl } = await pay(eve, slots[0]);
    const lookups = await Promise.all(
      [code, 'ZZZZ-ZZZZ'].map((asked) =>
        api.call('POST /v1/bookings/lookup', { body: { code: asked, email: EMAIL } }),
      ),
    );
    expect(lookups.map(({ status, text }) => [status, text])).toEqual(
      lookups.map(() => [202, '{"status":"accepted"}']),
    );

    const page = await api.call(`GET ${manageUrl}`);
    const action = /action="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const shown = await api.call(`POST ${action}`, { key: null });
    expect(shown.text).toContain('refunded');
    expect(shown.text).toContain('Refund of');
    expect((await api.booking(eve, id)).status).toBe('refunded');
    expect(await api.money(id)).toEqual([...PAID, 'refund 2500 succeeded']);
  });

  it('registers, keeps what was booked and goes on with what was held', async () => {
    const eve = await beginSession();
    const { id } = await pay(eve, slots[1]);
    const { id: holdId } = await api.mustHold(eve, slots[2]?.id ?? '');
    const body = { email: `eve-${eve.id}@example.test`, password: 'correct horse battery' };
    const made = await api.call<{ accessToken: string }>('POST /v1/auth/register', {
      as: eve,
      body,
    });
    expect(made.status, made.text).toBe(201);
    const person = { email: body.email, token: made.json.accessToken };
    const second = await api.mustBook(person, { holdId, payment: card() });
    expect(second.status).toBe('confirmed');
    const cancelled = await api.cancel(person, await api.booking(person, id));
    expect(cancelled.status, cancelled.text).toBe(200);
    expect(await api.money(id)).toEqual([...PAID, 'refund 2500 succeeded']);
  });
});
