/**
 * A platform as its users meet it: people, shops with slots, cards, and the levers of the simulated processor.
 * Speaks the HTTP API alone and knows nothing of what is behind it, so that a journey that holds here holds for a client.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { stateFolderAt } from '../../../scripts/local/state-folder.ts';
import { PlatformProcess, until } from './platform-process.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Longer than any of the platform's own retries that a journey waits for, on a busy machine. */
const SETTLED_WITHIN_MS = 20_000;
const PASSWORD = 'correct horse battery 9';

export interface Answer<T> {
  readonly status: number;
  readonly json: T;
  readonly text: string;
  readonly headers: Headers;
}

export interface Sent {
  readonly as?: Person;
  readonly body?: unknown;
  /** The body as it goes over the wire, for what no client should send. */
  readonly raw?: string;
  /** A fresh key for every POST that names none; null sends none. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Person {
  readonly email: string;
  readonly token: string;
}

export interface Span {
  readonly startAt: string;
  readonly endAt: string;
}

export interface SlotWish extends Span {
  readonly capacity?: number;
  readonly price?: Money;
}

export interface Slot extends Span {
  readonly id: string;
  readonly resourceIds: readonly string[];
  readonly status: string;
  readonly capacity: number;
  readonly remaining: number;
  readonly units?: readonly { id: string; status: string }[];
}

export interface Hold {
  readonly id: string;
  readonly status: string;
  readonly quantity: number;
  readonly units: readonly string[] | null;
  readonly expiresAt: string | null;
  readonly bookingId: string | null;
  readonly quote: { total: Money; lines: readonly { amount: number }[] };
}

export interface Booking {
  readonly id: string;
  readonly code: string;
  readonly status: string;
  readonly holdId: string;
  readonly slots: readonly { id: string; resourceIds: readonly string[]; units?: string[] }[];
  readonly payment: {
    readonly id: string;
    readonly status: string;
    readonly processorId: string;
    readonly amount: Money;
    readonly action?: { type: string; url?: string; clientSecret?: string };
  } | null;
  readonly manageUrl: string;
  readonly late: boolean;
}

export interface Problem {
  readonly code: string;
  readonly status: number;
  readonly errors?: readonly { pointer: string }[];
  readonly [extra: string]: unknown;
}

interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** A row of the processor's own books. */
export interface BookRow {
  readonly id: string;
  readonly kind: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
  readonly of: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Shop {
  readonly owner: Person;
  readonly venueId: string;
  readonly resourceIds: readonly string[];
  readonly serviceId: string;
}

/** What a shop sells; everything has a default that is open to all and costs 25 dollars. */
export interface ShopWish {
  readonly owner?: Person;
  readonly resources?: readonly object[];
  readonly service?: object;
}

/** What the processor's books say of a booking that was paid once and kept. */
export const PAID = ['authorization 2500 succeeded', 'capture 2500 succeeded'];

/** A test card by its name behind `pm_card_`. */
export function card(name = 'visa') {
  return { processor: 'stripe', paymentMethod: `pm_card_${name}` };
}

/** So many minutes on a day that many days ahead, from a time of day such as 10:30. */
export function span(days: number, time: string, minutes = 60): Span {
  const midnightMs = (Math.floor(Date.now() / DAY_MS) + days) * DAY_MS;
  return spanFrom(midnightMs + Date.parse(`1970-01-01T${time}:00Z`), minutes);
}

/** So many minutes that begin in so many hours; less than none is in the past. */
export function spanIn(hours: number, minutes = 60): Span {
  return spanFrom(Date.now() + hours * 60 * MINUTE_MS, minutes);
}

function spanFrom(startMs: number, minutes: number): Span {
  const endMs = startMs + minutes * MINUTE_MS;
  return { startAt: new Date(startMs).toISOString(), endAt: new Date(endMs).toISOString() };
}

/** The first of what must not be empty. */
export function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined) throw new Error('There is nothing.');
  return first;
}

/** Expects the documented refusal, well formed, and gives it. */
export function expectProblem(answer: Answer<unknown>, status: number, code: string): Problem {
  const problem = answer.json as Problem;
  expect([answer.status, problem.code], answer.text).toEqual([status, code]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(problem).toMatchObject({
    status,
    type: expect.stringMatching(new RegExp(`/problems/${code}$`)),
    title: expect.any(String),
    detail: expect.any(String),
    instance: expect.stringMatching(/^\//),
  });
  return problem;
}

/** One running platform. */
export class Api {
  readonly platform: PlatformProcess;

  private constructor(platform: PlatformProcess) {
    this.platform = platform;
  }

  static async start(): Promise<Api> {
    return new Api(await PlatformProcess.start());
  }

  async stop(): Promise<void> {
    await this.platform.killAll();
    await this.platform.stop();
  }

  /** The instance's own secrets, for tests that play the processor. */
  get keys(): { readonly STRIPE_SECRET_KEY: string; readonly STRIPE_WEBHOOK_SECRETS: string } {
    return JSON.parse(readFileSync(stateFolderAt(this.platform.stateDir).keysFile, 'utf8'));
  }

  /** Makes one call; a path that is a whole address goes there. */
  async call<T>(route: string, sent: Sent = {}): Promise<Answer<T>> {
    const [method = 'GET', path = '/'] = route.split(' ');
    const headers = new Headers(sent.headers);
    if (sent.as !== undefined) headers.set('authorization', `Bearer ${sent.as.token}`);
    if (sent.body !== undefined) headers.set('content-type', 'application/json');
    if (method === 'POST' && sent.key !== null && !headers.has('idempotency-key')) {
      headers.set('idempotency-key', sent.key ?? randomUUID());
    }
    const body = sent.raw ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body));
    const response = await fetch(path.startsWith('http') ? path : this.platform.url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return { status: response.status, json: parse(text) as T, text, headers: response.headers };
  }

  async register(name = 'guest'): Promise<Person> {
    const email = `${name}-${randomUUID()}@example.test`;
    const body = { email, password: PASSWORD, name };
    const answer = await this.call<{ accessToken: string }>('POST /v1/auth/register', { body });
    expect(answer.status, answer.text).toBe(201);
    return { email, token: answer.json.accessToken };
  }

  async demo(name: 'operator' | 'provider' | 'subscriber' | 'customer'): Promise<Person> {
    const email = `${name}@example.test`;
    return { email, token: await this.platform.logIn(email) };
  }

  /** A provider with a venue, its resources (one court unless others are named) and a service over all of them. */
  async makeShop(wish: ShopWish = {}): Promise<Shop> {
    const owner = wish.owner ?? (await this.register('owner'));
    const providerId = await this.#create('/v1/providers', owner, {
      name: 'Club',
      currency: 'usd',
      timeZone: 'UTC',
    });
    const venue = { providerId, name: 'Hall', timeZone: 'UTC' };
    const venueId = await this.#create('/v1/venues', owner, venue);
    const resourceIds: string[] = [];
    for (const resource of wish.resources ?? [{}]) {
      const body = { venueId, name: 'Court', kind: 'court', ...resource };
      resourceIds.push(await this.#create('/v1/resources', owner, body));
    }
    const shop = { owner, venueId, resourceIds };
    return { ...shop, serviceId: await this.addService(shop, wish.service) };
  }

  /** A service over the shop's resources. */
  async addService(shop: Omit<Shop, 'serviceId'>, overrides: object = {}): Promise<string> {
    return this.#create('/v1/services', shop.owner, {
      venueId: shop.venueId,
      name: 'Tennis',
      category: 'sport',
      resourceIds: shop.resourceIds,
      durationMinutes: 60,
      price: { amount: 2500, currency: 'usd' },
      ...overrides,
    });
  }

  /** Publishes slots, in the order asked. */
  async addSlots(shop: Shop, ...slots: readonly SlotWish[]): Promise<Slot[]> {
    const path = `POST /v1/services/${shop.serviceId}/slots`;
    const answer = await this.call<{ data: Slot[] }>(path, { as: shop.owner, body: { slots } });
    expect(answer.status, answer.text).toBe(201);
    return answer.json.data;
  }

  /** A shop with one slot: the shortest way to something that can be bought. */
  async makeSlot(wish: ShopWish = {}, at: SlotWish = span(30, '10:00')): Promise<string> {
    const [slot] = await this.addSlots(await this.makeShop(wish), at);
    return slot?.id ?? '';
  }

  hold(as: Person, body: object): Promise<Answer<Hold>> {
    return this.call('POST /v1/holds', { as, body });
  }

  /** A hold that must be granted. */
  async mustHold(as: Person, ...slotIds: readonly string[]): Promise<Hold> {
    const answer = await this.hold(as, { slotIds });
    expect(answer.status, answer.text).toBe(201);
    return answer.json;
  }

  book(as: Person, body: object): Promise<Answer<Booking>> {
    return this.call('POST /v1/bookings', { as, body });
  }

  /** A booking that must be granted, whatever its state. */
  async mustBook(as: Person, body: object): Promise<Booking> {
    const answer = await this.book(as, body);
    expect(answer.status, answer.text).toBe(201);
    return answer.json;
  }

  /** A booking that waits for its payer to authenticate, on a slot of its own. */
  async beginChallenge(as: Person, wish: ShopWish = {}) {
    const slotId = await this.makeSlot(wish);
    const hold = await this.mustHold(as, slotId);
    const payment = card('authenticationRequired');
    const booking = await this.mustBook(as, { holdId: hold.id, payment });
    expect(booking.status).toBe('pending');
    return { slotId, hold, booking };
  }

  cancel(as: Person, { id }: Booking): Promise<Answer<Booking>> {
    const body = { reason: 'plans changed' };
    return this.call(`POST /v1/bookings/${id}/cancel`, { as, body });
  }

  async booking(as: Person, id: string): Promise<Booking> {
    return (await this.call<Booking>(`GET /v1/bookings/${id}`, { as })).json;
  }

  /** Waits for the booking's status without asking for anything to be done. */
  async untilStatus(as: Person, id: string, status: string): Promise<Booking> {
    let seen = await this.booking(as, id);
    await until(async () => {
      seen = await this.booking(as, id);
      return seen.status === status;
    }, SETTLED_WITHIN_MS).catch(() => {
      throw new Error(`The booking did not become ${status}: ${JSON.stringify(seen)}`);
    });
    return seen;
  }

  async slot(id: string): Promise<Slot> {
    return (await this.call<Slot>(`GET /v1/slots/${id}`)).json;
  }

  /** What the processor's books say of a booking, in order of effect: `capture 2500 succeeded`. */
  async money(bookingId: string): Promise<string[]> {
    return (await this.books(bookingId)).map(
      ({ kind, amount, status }) => `${kind} ${amount} ${status}`,
    );
  }

  async books(bookingId: string): Promise<BookRow[]> {
    const { data } = await this.#control<{ data: BookRow[] }>('GET', 'books');
    return data.filter(({ metadata }) => metadata['bookingId'] === bookingId);
  }

  /** Waits until the processor's books say that of a booking. */
  async untilMoney(bookingId: string, expected: readonly string[]): Promise<void> {
    const wanted = JSON.stringify(expected);
    await until(
      async () => JSON.stringify(await this.money(bookingId)) === wanted,
      SETTLED_WITHIN_MS,
    ).catch(() => undefined);
    expect(await this.money(bookingId)).toEqual(expected);
  }

  /** What the payer does at the processor; the answer's status tells whether it was possible. */
  async pay(booking: Booking, action: string): Promise<number> {
    const path = `payers/stripe/${booking.payment?.processorId}`;
    return (await this.call(`POST ${this.control(path)}`, { body: { action } })).status;
  }

  /** Adds a rule to the fault script; once unless it says otherwise. */
  async fault(fault: string, rule: object = {}): Promise<void> {
    await this.#control('POST', 'faults', { processor: 'stripe', fault, count: 1, ...rule });
  }

  async clearFaults(): Promise<void> {
    await this.#control('DELETE', 'faults');
  }

  /** Calls that the processor received and whose path fits, oldest first. */
  async requests(path: RegExp): Promise<{ path: string; body: string; status: number | null }[]> {
    const { data } = await this.#control<{
      data: { path: string; body: string; status: number | null }[];
    }>('GET', 'requests');
    return data.filter((row) => path.test(row.path));
  }

  /** Webhooks about an object, oldest first. */
  async deliveries(
    objectId: string | undefined,
  ): Promise<{ id: string; type: string; status: string }[]> {
    const { data } = await this.#control<{
      data: { id: string; objectId: string; type: string; status: string }[];
    }>('GET', 'webhooks');
    return data.filter((row) => row.objectId === objectId);
  }

  /** An operator's run of the reconciliation, when the cron's own is over. */
  async reconcile(operator: Person): Promise<Readonly<Record<string, number>>> {
    let report: Readonly<Record<string, number>> | undefined;
    await until(async () => {
      const run = await this.call<{ status: string; report?: Readonly<Record<string, number>> }>(
        'POST /v1/ops/jobs/reconciliation/run',
        { as: operator },
      );
      expect(run.status, run.text).toBe(200);
      report = run.json.report;
      return run.json.status === 'done';
    }, SETTLED_WITHIN_MS);
    return report ?? {};
  }

  control(path: string): string {
    return `${this.platform.simulatorsUrl}/control/${path}`;
  }

  async #control<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.call<T>(
      `${method} ${this.control(path)}`,
      body === undefined ? {} : { body },
    );
    expect(answer.status, answer.text).toBeLessThan(300);
    return answer.json;
  }

  async #create(path: string, as: Person, body: object): Promise<string> {
    const answer = await this.call<{ id: string }>(`POST ${path}`, { as, body });
    expect(answer.status, answer.text).toBe(201);
    return answer.json.id;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Not every answer is JSON; the status tells.
  }
}
