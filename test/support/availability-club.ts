/** A club in Paris whose slots are made by rules, spoken to over HTTP. */
import { expect } from 'vitest';
import { call, makePerson, type Answer, type Person } from './api.ts';

/** A week of March 2027 in Paris whose Sunday has 23 hours. */
export const WEEK = { from: '2027-03-22', to: '2027-03-29' };

export const DAILY = {
  rrule: 'FREQ=DAILY',
  startTime: '09:00',
  endTime: '12:00',
  validFrom: '2027-01-01',
};

export interface Club {
  readonly owner: Person;
  readonly courts: readonly string[];
  readonly serviceId: string;
}

async function create(path: string, owner: Person, body: unknown): Promise<string> {
  const answer = await call(`POST ${path}`, { as: owner, body });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id as string;
}

/** A club in Paris with so many courts and an hour on any of them, which costs nothing. */
export async function openClub(service: object = {}, courtCount = 1): Promise<Club> {
  const owner = await makePerson();
  const provider = { name: 'Club', currency: 'eur', timeZone: 'Europe/Paris' };
  const providerId = await create('/v1/providers', owner, provider);
  const venue = { providerId, name: 'Hall', timeZone: 'Europe/Paris' };
  const venueId = await create('/v1/venues', owner, venue);
  const courts: string[] = [];
  for (let n = 1; n <= courtCount; n++)
    courts.push(
      await create('/v1/resources', owner, { venueId, name: `Court ${n}`, kind: 'court' }),
    );
  const serviceId = await create('/v1/services', owner, {
    venueId,
    name: 'An hour of padel',
    category: 'sport',
    durationMinutes: 60,
    price: { amount: 0, currency: 'eur' },
    resourceIds: courts,
    ...service,
  });
  return { owner, courts, serviceId };
}

/** `POST` of a rule: three hours every day from nine on, unless it says otherwise. */
export function makeRule({ owner, serviceId }: Club, rule: object = {}): Promise<Answer> {
  return call(`POST /v1/services/${serviceId}/availability-rules`, {
    as: owner,
    body: { ...DAILY, ...rule },
  });
}

/** The id of a rule that must be made. */
export async function madeRule(shop: Club, rule: object = {}): Promise<string> {
  const answer = await makeRule(shop, rule);
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id as string;
}

/** Makes the slots of a week, or of another range. */
export async function generate({ owner, serviceId }: Club, range: object = WEEK) {
  const answer = await call(`POST /v1/services/${serviceId}/slots/generate`, {
    as: owner,
    body: range,
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

export interface SlotRow {
  readonly id: string;
  readonly localStart: string;
  readonly status: string;
  readonly remaining: number;
  readonly startAt: string;
  readonly price: { amount: number };
}

/** The slots of the service as anybody sees them. */
export async function slots({ serviceId }: Club, query = ''): Promise<SlotRow[]> {
  const path = `/v1/services/${serviceId}/slots?limit=500${query}`;
  const answer = await call(`GET ${path}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json.data;
}

/** Somebody books a slot that costs nothing. */
export async function book(slotId: string, key: string): Promise<Person> {
  const by = await makePerson();
  const answer = await call('POST /v1/bookings', { as: by, key, body: { slotIds: [slotId] } });
  expect(answer.status, answer.text).toBe(201);
  return by;
}
