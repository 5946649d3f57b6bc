/** Giving money back over HTTP: who may, how much, once, and what the booking shows; the ledger is told by the queue. */
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { InventoryShardRpc } from '../../src/contracts/durable-rpc.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, settled, type Person } from '../support/api.ts';
import { answerStep, capturedPayment, sellCaptured } from '../support/captured-sale.ts';

const HOUR_MS = 3_600_000;
const PRICE = 2_500;

let owner: Person;
let customer: Person;
let shard: InventoryShardRpc;
let bookingId: string;

beforeAll(async () => {
  customer = await makePerson();
  const founder = await makePerson();
  const provider = { name: 'Club', currency: 'usd', timeZone: 'UTC' };
  const providerId = await create(founder, '/v1/providers', provider);
  const { tokens } = servicesOf(env);
  owner = { id: founder.id, token: await tokens.issue({ id: founder.id, roles: ['provider'] }) };
  const venueId = await create(owner, '/v1/venues', { providerId, name: 'Hall', timeZone: 'UTC' });
  const court = { venueId, name: 'Court', kind: 'court' };
  const serviceId = await create(owner, '/v1/services', {
    venueId,
    name: 'Padel',
    category: 'sport',
    resourceIds: [await create(owner, '/v1/resources', court)],
    durationMinutes: 60,
    price: { amount: PRICE, currency: 'usd' },
  });
  const startMs = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + 48 * HOUR_MS;
  const slot = {
    startAt: new Date(startMs).toISOString(),
    endAt: new Date(startMs + HOUR_MS).toISOString(),
  };
  const path = `POST /v1/services/${serviceId}/slots`;
  const made = await call(path, { as: owner, body: { slots: [slot] } });
  const slotId = made.json.data[0].id as string;
  shard = servicesOf(env).objects.shard(slotId.slice(4, 13));
  const caller = { id: customer.id, roles: ['customer'] } as const;
  const target = { claim: { slotIds: [slotId], quantity: null, units: null, fareId: null } };
  bookingId = await sellCaptured(shard, { caller, target }, capturedPayment(PRICE, 'usd'));
});

afterAll(settled, 15_000);

async function create(as: Person, path: string, body: object): Promise<string> {
  const answer = await call(`POST ${path}`, { as, body });
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id as string;
}

function refund(as: Person, body: object, key: string) {
  return call(`POST /v1/bookings/${bookingId}/refunds`, { as, body, key });
}

describe('giving money back', () => {
  it('is for the provider of the booking and operators', async () => {
    const stranger = await makePerson(['provider']);
    const body = { reason: 'goodwill' };
    expect((await refund(customer, body, 'r1')).json.code).toBe('role_required');
    expect((await refund(stranger, body, 'r1')).json.code).toBe('not_found');
  });

  it('needs a key, a reason, and an amount that is one', async () => {
    const path = `POST /v1/bookings/${bookingId}/refunds`;
    const keyless = await call(path, { as: owner, body: { reason: 'goodwill' } });
    expect(keyless.json.code).toBe('idempotency_key_required');
    const amount = { amount: 0, currency: 'usd' };
    expect((await refund(owner, {}, 'r2')).status).toBe(422);
    expect((await refund(owner, { reason: 'goodwill', amount }, 'r3')).status).toBe(422);
  });

  it('in another currency or above what was captured is refused', async () => {
    const euros = { reason: 'goodwill', amount: { amount: 100, currency: 'eur' } };
    const refused = await refund(owner, euros, 'r4');
    expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, '/amount/currency']);
    const more = { reason: 'goodwill', amount: { amount: PRICE + 1, currency: 'usd' } };
    const exceeded = await refund(owner, more, 'r5');
    expect([exceeded.status, exceeded.json.code]).toEqual([409, 'refund_exceeds_captured']);
  });

  it('is reserved while nobody knows whether the processor did it, and shown with the booking', async () => {
    const body = { reason: 'goodwill', amount: { amount: 1_500, currency: 'usd' } };
    const operator = await makePerson(['operator']);
    const replies = await Promise.all([refund(owner, body, 'r6'), refund(operator, body, 'r6')]);
    expect(replies.map(({ status }) => String(status)).toSorted()).toEqual(['201', '409']);
    const made = replies.find(({ status }) => status === 201);
    expect(made?.json).toMatchObject({
      status: 'requested',
      amount: { amount: 1_500, currency: 'usd' },
      bookingId,
      reason: 'goodwill',
    });
    const shown = await call(`GET /v1/bookings/${bookingId}`, { as: customer });
    expect(shown.json.refunds).toEqual([made?.json]);
    expect(shown.json.status).toBe('confirmed');
  });

  it('is done once the processor is found to have it, and the ledger is told', async () => {
    const look = { bookingId, cause: 'queue', look: true, looked: [] } as const;
    const fetching = await vi.waitFor(
      async () => {
        const step = await shard.takeStep(look);
        if (step.kind !== 'work') throw new Error('another caller is at work');
        return step;
      },
      { timeout: 20_000, interval: 200 },
    );
    const search = await answerStep(shard, fetching, {
      kind: 'payment',
      payment: capturedPayment(PRICE, 'usd'),
    });
    const found = { ref: 're_1', claimUrl: null, status: 'succeeded', amountMinor: 1_500 } as const;
    expect((await answerStep(shard, search, { kind: 'refund', refund: found })).kind).toBe('idle');
    const shown = await call(`GET /v1/bookings/${bookingId}`, { as: customer });
    expect(shown.json.refunds).toMatchObject([{ status: 'succeeded' }]);
    const { facts } = await shard.readMoney({ afterSeq: 0, limit: 10 });
    expect(facts.map(({ kind, amountMinor }) => [kind, amountMinor])).toEqual([
      ['captured', PRICE],
      ['refunded', 1_500],
    ]);
    expect(facts[1]).toMatchObject({ entityRef: 're_1', isEarned: true });
  });
});
