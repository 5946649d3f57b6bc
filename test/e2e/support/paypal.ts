/**
 * A shop that is paid through PayPal: what payers do at PayPal, what PayPal decides, what its books and the ledger say. Must
 * assert nothing about the journeys themselves. Used by the journeys of PayPal.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { stateFolderAt } from '../../../scripts/local/state-folder.ts';
import { until } from './platform-process.ts';
import { Api, type BookRow, type Booking, type Person, type SlotWish } from './shop.ts';

/** The way to pay. */
export const ORDER = { processor: 'paypal' };
/** More often than any journey needs. */
export const MANY = 1_000;
/** Longer than the platform's own retries that a journey waits for, on a busy machine. */
export const SETTLED_WITHIN_MS = 20_000;
/** Longer than PayPal's reviews and pending movements take on the simulators' clock. */
const REVIEW_SECONDS = 660;

/** A refund as its seller sees it. */
export interface Refund {
  readonly id: string;
  readonly status: string;
  readonly amount: { readonly amount: number; readonly currency: string };
}

interface Overview {
  readonly unmatched: { readonly amount: number; readonly count: number };
  readonly processors: readonly {
    readonly processor: string;
    readonly currency: string;
    readonly captured: number;
    readonly refunded: number;
  }[];
}

interface Entry {
  readonly kind: string;
  readonly postings: readonly { readonly account: string; readonly amount: number }[];
}

/** One running platform with the people of a sale. */
export class PaypalShop {
  readonly api: Api;
  readonly owner: Person;
  readonly customer: Person;
  readonly rival: Person;
  readonly operator: Person;

  private constructor(
    api: Api,
    people: { owner: Person; customer: Person; rival: Person; operator: Person },
  ) {
    this.api = api;
    this.owner = people.owner;
    this.customer = people.customer;
    this.rival = people.rival;
    this.operator = people.operator;
  }

  static async open(): Promise<PaypalShop> {
    const api = await Api.start();
    return new PaypalShop(api, {
      owner: await api.register('owner'),
      customer: await api.register('customer'),
      rival: await api.register('rival'),
      operator: await api.demo('operator'),
    });
  }

  /** A booking of a slot of its own that waits for its payer at PayPal. */
  async begin(wish: { service?: object; at?: SlotWish; as?: Person } = {}) {
    const slotId = await this.api.makeSlot(
      { owner: this.owner, service: wish.service ?? {} },
      wish.at,
    );
    const booking = await this.api.mustBook(wish.as ?? this.customer, {
      slotIds: [slotId],
      payment: ORDER,
    });
    expect(booking.status).toBe('pending');
    return { slotId, booking };
  }

  /** What the payer does at PayPal; the answer's status tells whether it was possible. */
  async act(booking: Booking, body: object): Promise<number> {
    const path = this.api.control(`payers/paypal/${booking.payment?.processorId}`);
    return (await this.api.call(`POST ${path}`, { body })).status;
  }

  /** The payer agrees; who pays decides what follows. */
  async approve(booking: Booking, paymentMethod = 'payer_ok'): Promise<void> {
    expect(await this.act(booking, { action: 'approve', paymentMethod })).toBe(200);
  }

  /** A booking that was paid by such a payer. */
  async buy(wish: { service?: object; at?: SlotWish; payer?: string } = {}) {
    const { slotId, booking } = await this.begin(wish);
    await this.approve(booking, wish.payer);
    return { slotId, booking: await this.api.untilStatus(this.customer, booking.id, 'confirmed') };
  }

  confirm(booking: Booking) {
    return this.api.call<Booking>(`POST /v1/bookings/${booking.id}/confirm`, {
      as: this.customer,
      body: {},
    });
  }

  refund(booking: Booking, amount?: number, as = this.owner) {
    const part = amount === undefined ? {} : { amount: { amount, currency: 'usd' } };
    const body = { reason: 'rain', ...part };
    return this.api.call<Refund>(`POST /v1/bookings/${booking.id}/refunds`, { as, body });
  }

  async advanceClock(advanceSeconds = REVIEW_SECONDS): Promise<void> {
    const answer = await this.api.call(`POST ${this.api.control('clock')}`, {
      body: { advanceSeconds },
    });
    expect(answer.status).toBe(200);
  }

  /** Waits until the platform has taken every event that PayPal had to tell. */
  async untilDelivered(): Promise<void> {
    await until(async () => {
      const path = `GET ${this.api.control('webhooks')}`;
      const { json } = await this.api.call<{ data: { status: string }[] }>(path);
      return json.data.every(({ status }) => status === 'delivered' || status === 'dropped');
    }, SETTLED_WITHIN_MS);
  }

  /** Waits until the platform has handled every event that it took. */
  async untilHandled(): Promise<void> {
    await this.untilDelivered();
    await until(async () => {
      const path = 'GET /v1/ops/webhook-events?limit=500';
      const answer = await this.api.call<{ data: { handledAt: string | null }[] }>(path, {
        as: this.operator,
      });
      return answer.json.data.every(({ handledAt }) => handledAt !== null);
    }, SETTLED_WITHIN_MS);
  }

  /** Calls that PayPal received about a booking's order, by the last word of their path. */
  async callsOf({ payment }: Booking): Promise<string[]> {
    const calls = await this.api.requests(new RegExp(`/orders/${payment?.processorId}/`));
    return calls.map(({ path }) => path.split('/').at(-1) ?? '');
  }

  /** PayPal's own API with the platform's credentials, behind the platform's back. */
  async askPaypal<T>(path: string, body: object | null = null): Promise<T> {
    const url = `${this.api.platform.simulatorsUrl}/paypal/v1/`;
    const { keysFile } = stateFolderAt(this.api.platform.stateDir);
    const keys = JSON.parse(readFileSync(keysFile, 'utf8')) as Record<string, string>;
    const basic = `${keys['PAYPAL_CLIENT_ID']}:${keys['PAYPAL_CLIENT_SECRET']}`;
    const token = await this.api.call<{ access_token: string }>(`POST ${url}oauth2/token`, {
      raw: 'grant_type=client_credentials',
      headers: {
        authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    const answer = await this.api.call<T>(`${body === null ? 'GET' : 'POST'} ${url}${path}`, {
      headers: { authorization: `Bearer ${token.json.access_token}` },
      ...(body === null ? {} : { body }),
    });
    expect(answer.status, answer.text).toBeLessThan(300);
    return answer.json;
  }

  /** The payer objects to a booking's payment; gives the dispute's id. */
  async dispute(booking: Booking, kind: object = {}): Promise<string> {
    expect(await this.act(booking, { action: 'dispute', ...kind })).toBe(200);
    const row = (await this.api.books(booking.id)).find((one) => one.kind === 'dispute');
    return row?.id ?? '';
  }

  /** What PayPal decides. */
  async adjudicate(disputeId: string, favour: 'BUYER_FAVOR' | 'SELLER_FAVOR') {
    const path = `customer/disputes/${disputeId}/adjudicate`;
    await this.askPaypal(path, { adjudication_outcome: favour });
  }

  async entriesOf({ id }: Booking): Promise<readonly Entry[]> {
    const path = `GET /v1/ops/bookings/${id}/money`;
    return (await this.api.call<{ data: Entry[] }>(path, { as: this.operator })).json.data;
  }

  /** What the ledger says of a booking, in order, without what PayPal kept. */
  async untilEntries(booking: Booking, kinds: readonly string[]): Promise<void> {
    let seen: string[] = [];
    await until(async () => {
      seen = (await this.entriesOf(booking))
        .map(({ kind }) => kind)
        .filter((kind) => kind !== 'fee');
      return JSON.stringify(seen) === JSON.stringify(kinds);
    }, SETTLED_WITHIN_MS).catch(() => undefined);
    expect(seen).toEqual(kinds);
  }

  /** Expects the ledger to agree with the books of every processor that moved money here, after a run by hand. */
  async expectMoneyExplained(processors: readonly string[]): Promise<void> {
    await this.untilHandled();
    await this.api.reconcile(this.operator);
    const answer = await this.api.call<Overview>('GET /v1/ops/money', { as: this.operator });
    expect(answer.json.unmatched, answer.text).toMatchObject({ amount: 0, count: 0 });
    const path = `GET ${this.api.control('books')}`;
    const { data } = (await this.api.call<{ data: (BookRow & { processor: string })[] }>(path))
      .json;
    for (const processor of processors) {
      const total = (kind: string) =>
        data
          .filter((row) => row.processor === processor && row.status === 'succeeded')
          .filter((row) => row.kind === kind && row.currency === 'usd')
          .reduce((sum, { amount }) => sum + amount, 0);
      expect(total('capture')).toBeGreaterThan(0);
      const ours = answer.json.processors.find((row) => row.processor === processor);
      expect(ours).toMatchObject({ captured: total('capture'), refunded: total('refund') });
    }
  }
}
