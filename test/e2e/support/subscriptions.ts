/**
 * Subscriptions as members and operators meet them over HTTP, on a platform whose clock a journey may move. Must assert
 * nothing about the journeys themselves. Used by the journeys of subscriptions.
 */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { until } from './platform-process.ts';
import { Api, card, type Answer, type BookRow, type Person } from './shop.ts';

/** Longer than the queues and the retries of a run that a journey waits for. */
const SETTLED_WITHIN_MS = 20_000;
const PASSWORD = 'correct horse battery 9';
export const DAY_SECONDS = 86_400;

interface Money {
  readonly amount: number;
  readonly currency: string;
}

export interface Subscription {
  readonly id: string;
  readonly planId: string;
  readonly status: string;
  readonly currentPeriodStart: string;
  readonly currentPeriodEnd: string;
  readonly cancelAtPeriodEnd: boolean;
  readonly pendingPlanId: string | null;
  readonly credit: Money;
  readonly payment?: {
    readonly id: string;
    readonly status: string;
    readonly processorId: string;
    readonly amount: Money;
    readonly action?: { type: string; url?: string; clientSecret?: string };
  };
  readonly paymentUrl?: string;
  readonly endedAt: string | null;
}

export interface Invoice {
  readonly id: string;
  readonly number: string | null;
  readonly status: string;
  readonly kind: string;
  readonly periodStart: string;
  readonly periodEnd: string;
  readonly lines: readonly { kind: string; label: string; amount: number }[];
  readonly total: Money;
  readonly refunded: Money;
  readonly refunds: readonly {
    readonly status: string;
    readonly amount: Money;
    readonly claimUrl?: string;
  }[];
}

/** A member who can log in again when the clock has moved. */
export interface Member extends Person {
  readonly email: string;
  token: string;
}

/** A platform with plans of its own. */
export class Club {
  readonly api: Api;
  readonly operator: Member;
  readonly #members: Member[] = [];

  private constructor(api: Api, operator: Member) {
    this.api = api;
    this.operator = operator;
  }

  static async open(): Promise<Club> {
    const api = await Api.start();
    return new Club(api, { ...(await api.demo('operator')) });
  }

  async join(): Promise<Member> {
    const email = `member-${randomUUID()}@example.test`;
    const body = { email, password: PASSWORD, name: 'Member' };
    const answer = await this.api.call<{ accessToken: string }>('POST /v1/auth/register', { body });
    expect(answer.status, answer.text).toBe(201);
    const member = { email, token: answer.json.accessToken };
    this.#members.push(member);
    return member;
  }

  /** Stops the platform and starts it again on the same state with its clock so many days ahead; tokens are renewed. */
  async travel(days: number): Promise<void> {
    const { platform } = this.api;
    await platform.terminate();
    await platform.boot({ CLOCK_OFFSET_SECONDS: String(days * DAY_SECONDS) });
    this.operator.token = await platform.logIn(this.operator.email);
    for (const member of this.#members) member.token = await platform.logIn(member.email, PASSWORD);
  }

  /** A plan on sale that opens members' services; monthly for 20 dollars unless it says otherwise. */
  async sell(terms: object = {}): Promise<string> {
    const body = {
      code: `plan-${randomUUID()}`,
      name: 'Club',
      price: { amount: 2000, currency: 'usd' },
      interval: { unit: 'month', count: 1 },
      entitlements: { 'access.members': true },
      ...terms,
    };
    const as = this.operator;
    const plan = await this.api.call<{ id: string }>('POST /v1/ops/plans', { as, body });
    expect(plan.status, plan.text).toBe(201);
    const { id } = plan.json;
    const published = await this.api.call(`POST /v1/ops/plans/${id}/publish`, { as, body: {} });
    expect(published.status, published.text).toBe(200);
    return id;
  }

  subscribe(as: Person, planId: string, payment: object | null = card()) {
    const body = { planId, ...(payment === null ? {} : { payment }) };
    return this.api.call<Subscription>('POST /v1/subscriptions', { as, body });
  }

  /** A sign-up that must be taken, whatever its state. */
  async mustSubscribe(
    as: Person,
    planId: string,
    payment: object | null = card(),
  ): Promise<Subscription> {
    const answer = await this.subscribe(as, planId, payment);
    expect(answer.status, answer.text).toBe(201);
    return answer.json;
  }

  /** A sign-up of a new member that waits for its payer to authenticate. */
  async beginChallenge(planId: string) {
    const member = await this.join();
    const answer = await this.mustSubscribe(member, planId, card('authenticationRequired'));
    expect(answer).toMatchObject({ status: 'incomplete', payment: { status: 'action_required' } });
    return { member, id: answer.id, payment: answer.payment };
  }

  /** What a member commands, such as `sub_…/cancel`. */
  command(as: Person, command: string, body: object = {}): Promise<Answer<Subscription>> {
    return this.api.call(`POST /v1/subscriptions/${command}`, { as, body });
  }

  /** A command that must be obeyed. */
  async must(as: Person, command: string, body: object = {}): Promise<Subscription> {
    const answer = await this.command(as, command, body);
    expect(answer.status, answer.text).toBe(200);
    return answer.json;
  }

  keepCard(as: Person, id: string, name: string): Promise<Answer<Subscription>> {
    return this.keep(as, id, card(name));
  }

  /** Names another way to pay. */
  keep(as: Person, id: string, payment: object): Promise<Answer<Subscription>> {
    return this.api.call(`PUT /v1/subscriptions/${id}/payment-method`, { as, body: { payment } });
  }

  current(as: Person): Promise<Answer<Subscription>> {
    return this.api.call('GET /v1/subscriptions/current', { as });
  }

  async read(as: Person, id: string): Promise<Subscription> {
    const answer = await this.api.call<Subscription>(`GET /v1/subscriptions/${id}`, { as });
    expect(answer.status, answer.text).toBe(200);
    return answer.json;
  }

  /** Newest first. */
  async invoices(as: Person, id: string): Promise<readonly Invoice[]> {
    const path = `GET /v1/subscriptions/${id}/invoices`;
    const answer = await this.api.call<{ data: Invoice[] }>(path, { as });
    expect(answer.status, answer.text).toBe(200);
    return answer.json.data;
  }

  /** What the payer does at the processor with a payment or a setup; the answer's status tells whether it was possible. */
  async pay(processorId: string | undefined, action: string): Promise<number> {
    return this.act(`stripe/${processorId}`, { action });
  }

  /** The same at any processor, of which the place names the object: `paypal/5O1…`. */
  async act(place: string, body: object): Promise<number> {
    const path = this.api.control(`payers/${place}`);
    return (await this.api.call(`POST ${path}`, { body })).status;
  }

  /** Confirms until the subscription has that status, because a processor's own event may be at work. */
  async untilConfirmed(as: Person, id: string, status = 'active'): Promise<Subscription> {
    let seen = await this.read(as, id);
    await until(async () => {
      if (seen.status !== status) await this.command(as, `${id}/confirm`);
      seen = await this.read(as, id);
      return seen.status === status;
    }, SETTLED_WITHIN_MS).catch(() => {
      throw new Error(`The subscription did not become ${status}: ${JSON.stringify(seen)}`);
    });
    return seen;
  }

  /** Presses the button of an invoice's page; the processor's id of what its payer is sent to. */
  async pressPay(paymentUrl = ''): Promise<string> {
    const page = await fetch(paymentUrl);
    expect(await page.text()).toContain('<button type="submit">Pay');
    const pressed = await fetch(paymentUrl, { method: 'POST', redirect: 'manual' });
    expect(pressed.status).toBe(303);
    const { pathname, searchParams } = new URL(pressed.headers.get('location') ?? '');
    return searchParams.get('token') ?? pathname.split('/').at(-1) ?? '';
  }

  /** The processor's own rows of a subscription, in order of effect. */
  async books(subscriptionId: string): Promise<BookRow[]> {
    const answer = await this.api.call<{ data: BookRow[] }>(`GET ${this.api.control('books')}`);
    return answer.json.data.filter(({ metadata }) => metadata['subscriptionId'] === subscriptionId);
  }

  /** Captures and refunds alone: `capture 2000 succeeded`. */
  async money(subscriptionId: string): Promise<string[]> {
    const rows = await this.books(subscriptionId);
    return rows
      .filter(({ kind }) => kind === 'capture' || kind === 'refund')
      .map(({ kind, amount, status }) => `${kind} ${amount} ${status}`);
  }

  /** An operator's run of the renewals, when the cron's own is over. */
  async renew(): Promise<Readonly<Record<string, number>>> {
    let report: Readonly<Record<string, number>> = {};
    await until(async () => {
      const run = await this.api.call<{ status: string; report?: Record<string, number> }>(
        'POST /v1/ops/jobs/renewals/run',
        { as: this.operator },
      );
      expect(run.status, run.text).toBe(200);
      report = run.json.report ?? {};
      return run.json.status === 'done';
    }, SETTLED_WITHIN_MS);
    return report;
  }
}
