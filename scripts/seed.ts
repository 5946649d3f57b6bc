/**
 * What a fresh instance holds: demo accounts, a plan, a venue with courts, two services and their slots.
 * Every step is recorded when it is done and safe to repeat when it was not, so that a kill in the middle costs nothing.
 */
import type { D1Database } from '@cloudflare/workers-types';
import { readJson, writeJson } from './local/state-folder.ts';
import { DEMO_PLAN } from './demo/plans.ts';
import { grantRole } from './seed-rows.ts';

/** Accounts by what they show. */
export const DEMO_ACCOUNTS = {
  operator: 'operator@example.test',
  provider: 'provider@example.test',
  subscriber: 'subscriber@example.test',
  customer: 'customer@example.test',
} as const;

export const DEMO_PASSWORD = 'holdfast-demo';

/** Names by which the demo and the tests find the two services. */
export const DEMO_SERVICES = { open: 'Court hire', members: "Members' court" } as const;

/** Slots reach this far into the future; every start adds the days that have come into reach. */
const SLOT_DAYS = 14;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export interface SeedTarget {
  readonly baseUrl: string;
  /** The global database: accounts' roles have no call of their own. */
  readonly database: D1Database;
  readonly seedFile: string;
  /** The platform's time, its offset included. */
  readonly nowMs: number;
}

/** Whether anything is missing: the first run, or a day without slots. */
export function isSeedDue(seedFile: string, nowMs: number): boolean {
  const done = readDone(seedFile);
  return slotDays(nowMs).some((day) =>
    Object.values(DEMO_SERVICES).some((name) => !(slotStep(name, day) in done)),
  );
}

/** Does what is not recorded as done. */
export async function seed(target: SeedTarget): Promise<void> {
  const steps = new Steps(target.seedFile);
  const http = new SeedHttp(target.baseUrl);
  const account = (name: keyof typeof DEMO_ACCOUNTS): Promise<string> =>
    steps.do(`account ${name}`, () => http.account(DEMO_ACCOUNTS[name], name));
  for (const role of ['operator', 'provider'] as const) {
    const userId = await account(role);
    await steps.do(`role ${role}`, () => grantRole(target.database, { userId, role }));
  }
  await account('customer');
  await account('subscriber');
  await seedPlan(target, steps);
  await seedVenue(target, steps, http);
}

/** The plan by the operators' calls, and the subscription by its member's, paid with a test card. */
async function seedPlan(target: SeedTarget, steps: Steps): Promise<void> {
  const http = new SeedHttp(target.baseUrl);
  await http.logIn(DEMO_ACCOUNTS.operator);
  const planId = await steps.do('plan', async () =>
    idOf(await http.post('/v1/ops/plans', DEMO_PLAN, 'plan')),
  );
  await steps.do('plan on sale', async () =>
    idOf(await http.post(`/v1/ops/plans/${planId}/publish`, {}, 'plan on sale')),
  );
  await http.logIn(DEMO_ACCOUNTS.subscriber);
  const payment = { processor: 'stripe', paymentMethod: 'pm_card_visa' };
  await steps.do('subscription', async () =>
    idOf(await http.post('/v1/subscriptions', { planId, payment }, 'subscription')),
  );
}

async function seedVenue(target: SeedTarget, steps: Steps, http: SeedHttp): Promise<void> {
  await http.logIn(DEMO_ACCOUNTS.provider);
  const create = (step: string, path: string, body: unknown): Promise<string> =>
    steps.do(step, async () => idOf(await http.post(path, body, step)));
  const zone = 'Europe/London';
  const providerId = await create('provider', '/v1/providers', {
    name: 'Riverside Racquets',
    currency: 'usd',
    timeZone: zone,
  });
  const venueId = await create('venue', '/v1/venues', {
    providerId,
    name: 'Riverside Courts',
    timeZone: zone,
    address: '1 River Walk, London',
    latitude: 51.4875,
    longitude: -0.1687,
  });
  const resourceIds: string[] = [];
  for (const name of ['Court 1', 'Court 2', 'Court 3']) {
    resourceIds.push(await create(name, '/v1/resources', { venueId, name, kind: 'court' }));
  }
  const common = { venueId, category: 'sport', resourceIds, durationMinutes: 60 };
  const openId = await create('service open', '/v1/services', {
    ...common,
    name: DEMO_SERVICES.open,
    description: 'One hour on any free court.',
    subcategory: 'tennis',
    price: { amount: 2500, currency: 'usd' },
    cancellationPolicy: [
      { hoursBefore: 24, refundPercent: 100 },
      { hoursBefore: 2, refundPercent: 50 },
    ],
  });
  const membersId = await create('service members', '/v1/services', {
    ...common,
    name: DEMO_SERVICES.members,
    description: 'The evening hours, for members.',
    subcategory: 'tennis',
    price: { amount: 1500, currency: 'usd' },
    access: 'subscribers',
  });
  // The two share the courts, so each has hours of its own.
  await seedSlots(target, {
    steps,
    http,
    serviceId: openId,
    name: DEMO_SERVICES.open,
    from: 8,
    to: 17,
  });
  await seedSlots(target, {
    steps,
    http,
    serviceId: membersId,
    name: DEMO_SERVICES.members,
    from: 17,
    to: 21,
  });
}

interface SlotPlan {
  readonly steps: Steps;
  readonly http: SeedHttp;
  readonly serviceId: string;
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

async function seedSlots(target: SeedTarget, plan: SlotPlan): Promise<void> {
  const seedDay = async (day: string): Promise<void> => {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    const slots = Array.from({ length: plan.to - plan.from }, (_, hour) => ({
      startAt: instant(midnight + (plan.from + hour) * HOUR_MS),
      endAt: instant(midnight + (plan.from + hour + 1) * HOUR_MS),
    }));
    const step = slotStep(plan.name, day);
    await plan.steps.do(step, async () => {
      await plan.http.post(`/v1/services/${plan.serviceId}/slots`, { slots }, step);
      return day;
    });
  };
  await Promise.all(slotDays(target.nowMs).map(seedDay));
}

function slotStep(serviceName: string, day: string): string {
  return `slots ${serviceName} ${day}`;
}

/** From tomorrow on: what has begun cannot be booked. */
function slotDays(nowMs: number): string[] {
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  return Array.from({ length: SLOT_DAYS }, (_, n) =>
    instant(today + (n + 1) * DAY_MS).slice(0, 10),
  );
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}

type Done = Readonly<Record<string, string>>;

/** Steps by name with what they made; each is written down before the next begins. */
class Steps {
  readonly #file: string;
  readonly #done: Record<string, string>;

  constructor(file: string) {
    this.#file = file;
    this.#done = { ...readDone(file) };
  }

  async do(name: string, work: () => Promise<string>): Promise<string> {
    const before = this.#done[name];
    if (before !== undefined) return before;
    const made = await work();
    this.#done[name] = made;
    writeJson(this.#file, this.#done);
    return made;
  }
}

function readDone(file: string): Done {
  const stored = readJson(file);
  return typeof stored === 'object' && stored !== null ? (stored as Done) : {};
}

/** The platform's own calls, as any client makes them. */
class SeedHttp {
  readonly #baseUrl: string;
  #token: string | null = null;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  /** Registers, or logs in where a killed run had registered already; answers the user's id. */
  async account(email: string, name: string): Promise<string> {
    const body = { email, password: DEMO_PASSWORD, name: `Demo ${name}` };
    const first = await this.#call('/v1/auth/register', body);
    if (first.status === 201) return idOf(field(first.json, 'user'));
    if (first.status !== 409) throw unexpected('/v1/auth/register', first);
    return idOf(field(await this.logIn(email), 'user'));
  }

  async logIn(email: string): Promise<unknown> {
    const answer = await this.#call('/v1/auth/login', { email, password: DEMO_PASSWORD });
    if (answer.status !== 200) throw unexpected('/v1/auth/login', answer);
    this.#token = String(field(answer.json, 'accessToken'));
    return answer.json;
  }

  /** The step's name is its idempotency key: a repeat after a kill is answered with what was made before. */
  async post(path: string, body: unknown, step: string): Promise<unknown> {
    const answer = await this.#call(path, body, step);
    if (answer.status !== 200 && answer.status !== 201) throw unexpected(path, answer);
    return answer.json;
  }

  async #call(path: string, body: unknown, step?: string): Promise<Answer> {
    const response = await fetch(this.#baseUrl + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(step === undefined ? {} : { 'idempotency-key': keyOf(step) }),
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, text, json: parse(text) };
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: unknown;
}

/** Keys are visible ASCII without spaces or quotes. */
function keyOf(step: string): string {
  return `seed-${step.replaceAll(/[^A-Za-z0-9-]/g, '-')}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // The caller reports the text itself.
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function idOf(value: unknown): string {
  const id = field(value, 'id');
  if (typeof id !== 'string') throw new Error(`An answer without an id: ${JSON.stringify(value)}`);
  return id;
}

function unexpected(path: string, answer: Answer): Error {
  return new Error(`Seeding: POST ${path} answered ${answer.status}: ${answer.text.slice(0, 400)}`);
}
