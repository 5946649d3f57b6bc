/** Which resource a claim gets, over HTTP and in the runtime that ships: never two winners, and no way around a cap. */
import { afterAll, describe, expect, it } from 'vitest';
import { call, makePerson, settled, type Person } from '../support/api.ts';
import { create, openShop, SERVICE, slotAt } from '../support/http-shop.ts';

afterAll(settled, 30_000);

const FREE = { amount: 0, currency: 'usd' };

async function publish(owner: Person, serviceId: string, slots: readonly object[]) {
  const made = await call(`POST /v1/services/${serviceId}/slots`, { as: owner, body: { slots } });
  expect(made.status, made.text).toBe(201);
  return made.json.data.map(({ id }: { id: string }) => id) as string[];
}

function book(person: Person, slotId: string, key = 'book') {
  return call('POST /v1/bookings', { as: person, key, body: { slotIds: [slotId] } });
}

describe('a service over any of three courts', () => {
  it('sells ten who ask at once three courts, one each', async () => {
    const shop = await openShop();
    const more = await Promise.all(
      ['Court 2', 'Court 3'].map((name) =>
        create('/v1/resources', shop.owner, { venueId: shop.venueId, name, kind: 'court' }),
      ),
    );
    const courts = [shop.resourceId, ...more];
    const body = { ...SERVICE, price: FREE, venueId: shop.venueId, resourceIds: courts };
    const serviceId = await create('/v1/services', shop.owner, body);
    const [slotId = ''] = await publish(shop.owner, serviceId, [slotAt(5)]);
    const people = await Promise.all(Array.from({ length: 10 }, () => makePerson()));
    const answers = await Promise.all(people.map((person) => book(person, slotId)));
    const won = answers.filter(({ status }) => status === 201);
    const assigned = won.flatMap(({ json }) => json.slots[0].resourceIds as string[]);
    expect(assigned.toSorted()).toEqual(courts.toSorted());
    const lost = answers.filter(({ status }) => status !== 201);
    expect(lost.map(({ json }) => json.code)).toEqual(Array(7).fill('slot_unavailable'));
  });
});

describe('a coach without a venue', () => {
  it('works in two halls and with a court, and is never booked twice at once', async () => {
    const shop = await openShop();
    const venue = { providerId: shop.providerId, name: 'Second hall', timeZone: 'Europe/Paris' };
    const secondId = await create('/v1/venues', shop.owner, venue);
    const coach = await create('/v1/resources', shop.owner, {
      providerId: shop.providerId,
      name: 'Coach',
      kind: 'coach',
    });
    const lesson = { ...SERVICE, price: FREE, bufferAfterMinutes: 30 };
    const here = await create('/v1/services', shop.owner, {
      ...lesson,
      venueId: shop.venueId,
      resourceIds: [coach, shop.resourceId],
      allocation: 'all',
    });
    const there = await create('/v1/services', shop.owner, {
      ...lesson,
      venueId: secondId,
      resourceIds: [coach],
    });
    const court = await create('/v1/services', shop.owner, {
      ...SERVICE,
      price: FREE,
      venueId: shop.venueId,
      resourceIds: [shop.resourceId],
    });
    const [withCourt = ''] = await publish(shop.owner, here, [slotAt(5)]);
    const half = { startAt: '2027-01-05T09:30:00Z', endAt: '2027-01-05T10:30:00Z' };
    const soon = { startAt: '2027-01-05T10:30:00Z', endAt: '2027-01-05T11:30:00Z' };
    const [overlapping = '', afterwards = ''] = await publish(shop.owner, there, [half, soon]);
    const [courtOnly = ''] = await publish(shop.owner, court, [slotAt(5)]);
    const people = await Promise.all(Array.from({ length: 8 }, () => makePerson()));
    const answers = await Promise.all(
      people.map((person, index) => book(person, index % 2 === 0 ? withCourt : overlapping)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const [won] = answers.filter(({ status }) => status === 201);
    const [other] = [withCourt, overlapping].filter((id) => id !== won?.json.slots[0].id);
    expect((await call(`GET /v1/slots/${other}`)).json.remaining).toBe(0);
    // Where the coach is elsewhere the court stays free, and where both are taken neither is.
    const isWithCourt = won?.json.slots[0].id === withCourt;
    const late = await makePerson();
    expect((await book(late, courtOnly, 'court')).status).toBe(isWithCourt ? 409 : 201);
    // The half hour that the coach needs after each lesson is kept between halls, too.
    expect((await book(late, afterwards, 'after')).status).toBe(isWithCourt ? 201 : 409);
  });
});

describe('a cap per customer', () => {
  it('holds over all sessions of a service, however many calls come at once', async () => {
    const shop = await openShop({ service: { price: FREE, maxPerCustomer: 3 } });
    const days = [5, 6, 7, 8, 9, 10, 11, 12];
    const slotIds = await publish(shop.owner, shop.serviceId, days.map(slotAt));
    const person = await makePerson();
    const answers = await Promise.all(
      slotIds.map((slotId, index) =>
        index % 2 === 0
          ? book(person, slotId, `k${index}`)
          : call('POST /v1/holds', { as: person, key: `k${index}`, body: { slotIds: [slotId] } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(new Set(refused.map(({ json }) => json.code))).toEqual(
      new Set(['customer_limit_reached']),
    );
    expect((await book(await makePerson(), slotIds.at(-1) ?? '')).status).toBe(
      answers.at(-1)?.status === 201 ? 409 : 201,
    );
  });
});
