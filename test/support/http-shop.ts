/** A provider's shop, made over HTTP as its owner would make it. */
import { expect } from 'vitest';
import { call, makePerson, type Person } from './api.ts';

/** A service as a provider writes it. */
export const SERVICE = {
  name: 'An hour of padel',
  category: 'sport',
  durationMinutes: 60,
  price: { amount: 2_500, currency: 'usd' },
};

export interface Shop {
  readonly owner: Person;
  readonly providerId: string;
  readonly venueId: string;
  readonly resourceId: string;
  readonly serviceId: string;
}

/** Creates something that must succeed, and answers its id. */
export async function create(path: string, owner: Person, body: unknown): Promise<string> {
  const answer = await call(`POST ${path}`, { as: owner, body });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id as string;
}

/** A provider with a venue, a court and a service. */
export async function openShop(
  overrides: { provider?: object; service?: object } = {},
): Promise<Shop> {
  const owner = await makePerson();
  const providerId = await create('/v1/providers', owner, {
    name: 'Club',
    currency: 'usd',
    timeZone: 'Europe/London',
    ...overrides.provider,
  });
  const venue = { providerId, name: 'Hall', timeZone: 'Europe/Paris' };
  const venueId = await create('/v1/venues', owner, venue);
  const court = { venueId, name: 'Court 1', kind: 'court' };
  const resourceId = await create('/v1/resources', owner, court);
  const service = { ...SERVICE, venueId, resourceIds: [resourceId], ...overrides.service };
  const serviceId = await create('/v1/services', owner, service);
  return { owner, providerId, venueId, resourceId, serviceId };
}

/** A slot of an hour on a day of January. */
export const slotAt = (day: number) => ({
  startAt: `2027-01-${String(day).padStart(2, '0')}T09:00:00Z`,
  endAt: `2027-01-${String(day).padStart(2, '0')}T10:00:00Z`,
});
