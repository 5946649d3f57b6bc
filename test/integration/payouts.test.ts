/** Providers' money over HTTP: payouts and statements for their owners, the bank's list and commissions for operators. */
import { env } from 'cloudflare:workers';
import { afterAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/contracts/calls.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import { LedgerRepository } from '../../src/storage/d1/ledger-repository.ts';
import { PayoutRepository } from '../../src/storage/d1/payout-repository.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call, makePerson, settled, type Answer, type Person } from '../support/api.ts';
import { capturedPayment, sellCaptured } from '../support/captured-sale.ts';
import { makePayoutAccount } from '../support/payouts.ts';
import { sell, subscribe } from '../support/subscribers.ts';

const { clock, databases } = servicesOf(env);
const operator = await makePerson(['operator']);

interface Club {
  readonly id: string;
  readonly owner: Person;
}

let entries = 0;
let hoursSold = 0;

async function makeClub(own: object = {}): Promise<Club> {
  const owner = await makePerson(['provider']);
  const body = { name: 'Club', currency: 'gbp', timeZone: 'Europe/London', ...own };
  const { json } = await call('POST /v1/providers', { as: owner, body });
  return { id: json.id, owner };
}

/** Says that operators pay the club by bank. */
async function payByBank({ id }: Club): Promise<void> {
  const path = `PUT /v1/ops/providers/${id}/payout-settings`;
  await call(path, { as: operator, body: { method: 'manual' } });
}

/** Earnings of a service that ended so many days ago. */
async function earn({ id }: Club, amountMinor: number, daysAgo = 30): Promise<void> {
  entries += 1;
  const atMs = clock.nowMs() - daysAgo * DAY_MS;
  await new LedgerRepository(databases.forId(id).database).post([
    {
      id: `capture:payouts:${entries}`,
      kind: 'capture',
      currency: 'gbp',
      postings: [
        { account: 'processor:stripe', amountMinor: amountMinor + 500 },
        { account: `provider:${id}`, amountMinor: -amountMinor },
        { account: 'platform:commission', amountMinor: -500 },
      ],
      processor: 'stripe',
      processorRef: `pi_${entries}`,
      bookingId: `bkg_${entries}`,
      subscriptionId: null,
      providerId: id,
      payoutId: null,
      atMs,
      availableFromMs: atMs,
    },
  ]);
}

function runPayouts(): Promise<Answer> {
  return call('POST /v1/ops/jobs/payouts/run', { as: operator });
}

async function payoutsOf({ id, owner }: Club) {
  const { json } = await call(`GET /v1/providers/${id}/payouts`, { as: owner });
  return json.data as { id: string; period: string; status: string; amount: object }[];
}

function gbp(amount: number) {
  return { amount, currency: 'gbp' };
}

async function makeService(
  club: Club,
  venue: object = {},
): Promise<{ id: string; venueId: string }> {
  const as = club.owner;
  const place = { providerId: club.id, name: 'Hall', timeZone: 'Europe/London', ...venue };
  const venueId = (await call('POST /v1/venues', { as, body: place })).json.id;
  const court = { venueId, name: 'Court', kind: 'court' };
  const resourceId = (await call('POST /v1/resources', { as, body: court })).json.id;
  const body = {
    venueId,
    name: 'Tennis',
    category: 'sport',
    resourceIds: [resourceId],
    durationMinutes: 60,
    price: gbp(2_000),
  };
  const { json } = await call('POST /v1/services', { as, body });
  return { id: json.id, venueId };
}

/** Books an hour through the routes as somebody, has their money come, and says what the platform takes of it. */
async function shareOf(
  serviceId: string,
  club: Club,
  { buyer, role = 'customer' }: { readonly buyer: Person; readonly role?: Role },
): Promise<number> {
  hoursSold += 1;
  const startMs = Math.ceil(clock.nowMs() / DAY_MS) * DAY_MS + hoursSold * HOUR_MS;
  const startAt = new Date(startMs).toISOString();
  const endAt = new Date(startMs + HOUR_MS).toISOString();
  const path = `POST /v1/services/${serviceId}/slots`;
  const made = await call(path, { as: club.owner, body: { slots: [{ startAt, endAt }] } });
  const body = { slotIds: [made.json.data[0].id] };
  const held = await call('POST /v1/holds', { as: buyer, key: `hold-${hoursSold}`, body });
  expect(held.status, held.text).toBe(201);
  const { objects, ids } = servicesOf(env);
  const shard = objects.shard(ids.open('svc', serviceId)?.locator ?? '');
  const sale = { caller: { id: buyer.id, roles: [role] }, target: { holdId: held.json.id } };
  const bookingId = await sellCaptured(
    shard,
    sale,
    capturedPayment(2_000, 'gbp', `pi_share_${hoursSold}`),
  );
  const { facts } = await shard.readMoney({ afterSeq: 0, limit: 1_000 });
  return facts.find((fact) => fact.bookingId === bookingId)?.commissionMinor ?? -1;
}

async function rateOf(serviceId: string): Promise<number> {
  const { objects, ids } = servicesOf(env);
  const shardKey = ids.open('svc', serviceId)?.locator ?? '';
  const reply = await objects.shard(shardKey).getService(serviceId);
  return reply.ok ? reply.value.commissionBps : -1;
}

function setRate(body: object): Promise<Answer> {
  return call('PUT /v1/ops/commissions', { as: operator, body });
}

afterAll(settled);

describe('a provider’s money', () => {
  it('is nobody else’s to see, and no account of theirs to open', async () => {
    const { id } = await makeClub();
    const stranger = await makePerson(['provider']);
    for (const route of ['GET payouts', 'GET statements', 'POST payout-account']) {
      const [method, path] = route.split(' ');
      const request = `${method} /v1/providers/${id}/${path}`;
      const body = method === 'POST' ? { body: {} } : {};
      expect((await call(request, { as: stranger, ...body })).status).toBe(404);
      expect((await call(request, body)).status).toBe(401);
    }
  });

  it('says what was earned, taken and is owed before anything is paid out', async () => {
    const club = await makeClub();
    await earn(club, 9_000, 30);
    await earn(club, 1_000, 1);
    const { status, json } = await call(`GET /v1/providers/${club.id}/statements`, {
      as: club.owner,
    });
    expect(status).toBe(200);
    expect(json.data).toEqual([
      {
        currency: 'gbp',
        earned: gbp(11_000),
        taken: gbp(1_000),
        tax: gbp(0),
        paidOut: gbp(0),
        owed: gbp(10_000),
        available: gbp(9_000),
        nextPayoutAt: expect.stringMatching(/T00:00:00Z$/),
      },
    ]);
    expect(json.lines).toHaveLength(2);
    expect(json.lines[1]).toMatchObject({ kind: 'capture', amount: gbp(9_000) });
    const first = await call(`GET /v1/providers/${club.id}/statements?limit=1`, { as: club.owner });
    const cursor = encodeURIComponent(first.json.nextCursor);
    const second = await call(`GET /v1/providers/${club.id}/statements?limit=1&cursor=${cursor}`, {
      as: operator,
    });
    expect(second.json.lines.map(({ id }: { id: string }) => id)).toEqual([json.lines[1].id]);
    expect(second.json.nextCursor).toBeNull();
  });

  it('tells a provider to come back when the processor does not answer', async () => {
    const { id, owner } = await makeClub();
    const asked = await call(`POST /v1/providers/${id}/payout-account`, { as: owner });
    expect([asked.status, asked.json.code]).toEqual([503, 'processor_unavailable']);
    const body = { country: 'Britain' };
    const wrong = await call(`POST /v1/providers/${id}/payout-account`, { as: owner, body });
    expect(wrong.json.code).toBe('validation_failed');
  });

  it('waits at the processor’s door without being lost or paid otherwise', async () => {
    const club = await makeClub();
    await earn(club, 9_000);
    const store = new PayoutRepository(databases.of('global'));
    await store.saveAccount(makePayoutAccount(club.id));
    expect((await runPayouts()).json.report).toMatchObject({ errors: 0 });
    const [payout] = await payoutsOf(club);
    expect(payout).toMatchObject({ status: 'processing', amount: gbp(9_000), method: 'processor' });
    const cancel = { as: operator, body: { reason: 'too slow' } };
    const refused = await call(`POST /v1/ops/payouts/${payout?.id}/cancel`, cancel);
    expect([refused.status, refused.json.code]).toEqual([409, 'invalid_transition']);
    expect((await runPayouts()).json.report.made).toBe(0);
  });
});

describe('a provider whom operators pay', () => {
  it('is in the list for the bank, and paid once an operator says so', async () => {
    const club = await makeClub({ name: '=SUM("a", b)', dataRegion: 'eu' });
    await payByBank(club);
    await earn(club, 6_050);
    expect((await runPayouts()).status).toBe(200);
    const [payout] = await payoutsOf(club);
    const list = await call(`GET /v1/ops/payouts/export?period=${payout?.period}`, {
      as: operator,
    });
    expect(list.headers.get('Content-Type')).toBe('text/csv; charset=utf-8');
    const [head, ...rows] = list.text.trim().split('\r\n');
    expect(head).toMatch(/^payout_id,provider_id,provider_name,period,amount,currency/);
    const row = rows.find((line) => line.startsWith(payout?.id ?? '?')) ?? '';
    expect(row).toContain(`,"'=SUM(""a"", b)",${payout?.period},60.50,GBP,scheduled,`);

    const body = { reference: 'SEPA 77' };
    const done = await call(`POST /v1/ops/payouts/${payout?.id}/complete`, { as: operator, body });
    expect(done.json).toMatchObject({ status: 'completed', transferId: 'SEPA 77' });
    const statement = await call(`GET /v1/providers/${club.id}/statements?payoutId=${payout?.id}`, {
      as: club.owner,
    });
    expect(statement.json.data[0]).toMatchObject({ owed: gbp(0), paidOut: gbp(6_050) });
    expect(statement.json.payout).toMatchObject({ amount: gbp(6_050), carried: gbp(0) });
    expect(statement.json.lines).toHaveLength(1);
    expect((await runPayouts()).json.report.made).toBe(0);
  });

  it('has no payout of somebody else in a statement', async () => {
    const [mine, theirs] = [await makeClub(), await makeClub()];
    await payByBank(theirs);
    await earn(theirs, 6_000);
    await runPayouts();
    const [payout] = await payoutsOf(theirs);
    const path = `GET /v1/providers/${mine.id}/statements?payoutId=${payout?.id}`;
    expect((await call(path, { as: mine.owner })).status).toBe(404);
  });
});

describe('how a provider is paid out', () => {
  it('is set by operators, and what is left out stays', async () => {
    const club = await makeClub();
    const path = `PUT /v1/ops/providers/${club.id}/payout-settings`;
    const first = await call(path, {
      as: operator,
      body: { method: 'manual', escrowDays: 0, minimums: { gbp: 1 } },
    });
    expect(first.json).toEqual({
      method: 'manual',
      escrowDays: 0,
      interval: 'week',
      weekday: 'monday',
      minimums: { gbp: 1 },
      reserveBps: 0,
      recovery: 'reverse',
    });
    const second = await call(path, {
      as: operator,
      body: { reserveBps: 5_000, recovery: 'carry' },
    });
    expect(second.json).toMatchObject({
      escrowDays: 0,
      minimums: { gbp: 1 },
      reserveBps: 5_000,
      recovery: 'carry',
    });
    await earn(club, 100, 1);
    await runPayouts();
    expect((await payoutsOf(club)).map(({ amount }) => amount)).toEqual([gbp(50)]);
    expect((await call(path, { as: club.owner, body: {} })).status).toBe(403);
    const wrong = await call(path, { as: operator, body: { minimums: { xxx: 1 } } });
    expect(wrong.json.code).toBe('validation_failed');
  });
});

describe('operators alone', () => {
  it('command payouts and commissions', async () => {
    const owner = await makePerson(['provider']);
    for (const [route, body] of [
      ['GET /v1/ops/payouts/export?period=2026-11-23', undefined],
      ['POST /v1/ops/payouts/pot_g1/complete', { reference: 'x' }],
      ['POST /v1/ops/payouts/pot_g1/cancel', { reason: 'x' }],
      ['POST /v1/ops/jobs/payouts/run', undefined],
      ['PUT /v1/ops/commissions', { commissionBps: 0 }],
    ] as const) {
      expect((await call(route, { as: owner, ...(body && { body }) })).status).toBe(403);
    }
  });

  it('find no payout that there is not, and reverse only what was transferred', async () => {
    const body = { reason: 'x' };
    const missing = await call('POST /v1/ops/payouts/nonsense/cancel', { as: operator, body });
    expect(missing.status).toBe(404);
    const club = await makeClub();
    await payByBank(club);
    await earn(club, 6_000);
    await runPayouts();
    const [payout] = await payoutsOf(club);
    const path = `POST /v1/ops/payouts/${payout?.id}/reversals`;
    expect((await call(path, { as: operator })).json.code).toBe('idempotency_key_required');
    const refused = await call(path, { as: operator, key: 'reverse-1' });
    expect([refused.status, refused.json.code]).toEqual([409, 'invalid_transition']);
  });
});

describe('the platform’s share', () => {
  it('is the venue’s, else the provider’s, else everybody’s, and reaches what is on sale', async () => {
    const club = await makeClub();
    const service = await makeService(club);
    const other = await makeService(club);
    expect([await rateOf(service.id), await rateOf(other.id)]).toEqual([1_000, 1_000]);

    const everybody = await setRate({ commissionBps: 800, guestCommissionBps: 1_200 });
    expect(everybody.json).toMatchObject({
      scope: 'global',
      commissionBps: 800,
      guestCommissionBps: 1_200,
      memberCommissionBps: null,
      servicesDone: true,
    });
    expect(await rateOf(service.id)).toBe(800);
    expect(await rateOf((await makeService(club)).id)).toBe(800);

    await setRate({ commissionBps: 600, providerId: club.id });
    await setRate({ commissionBps: 400, venueId: service.venueId });
    expect([await rateOf(service.id), await rateOf(other.id)]).toEqual([400, 600]);
    const provider = await call(`GET /v1/providers/${club.id}`, {});
    expect(provider.json.commissionBps).toBe(600);

    const taken = await setRate({ commissionBps: null, venueId: service.venueId });
    expect(taken.json).toMatchObject({ scope: 'venue', commissionBps: null, servicesChanged: 1 });
    expect(await rateOf(service.id)).toBe(600);
    await setRate({ commissionBps: null, providerId: club.id });
    await setRate({ commissionBps: null });
    expect([await rateOf(service.id), await rateOf(other.id)]).toEqual([1_000, 1_000]);
  });

  it('depends on who books, where a rate for guests or members is the nearest', async () => {
    const club = await makeClub();
    const { id, venueId } = await makeService(club);
    const [guest, customer] = [await makePerson(['guest']), await makePerson()];
    const { member } = await subscribe(await sell({ entitlements: { 'access.members': true } }));
    const shares = async () => [
      await shareOf(id, club, { buyer: guest, role: 'guest' }),
      await shareOf(id, club, { buyer: member }),
      await shareOf(id, club, { buyer: customer }),
    ];
    await setRate({ guestCommissionBps: 2_000, memberCommissionBps: 200 });
    expect(await shares()).toEqual([400, 40, 200]);

    // A nearer rate for everybody leaves nothing to a wider one for some.
    await setRate({ commissionBps: 500, providerId: club.id });
    expect(await shares()).toEqual([100, 100, 100]);
    const venue = await setRate({ guestCommissionBps: 1_500, memberCommissionBps: 0, venueId });
    expect(venue.json).toMatchObject({ guestCommissionBps: 1_500, servicesChanged: 1 });
    expect(await shares()).toEqual([300, 0, 100]);
    expect(JSON.stringify((await call(`GET /v1/services/${id}`)).json)).not.toMatch(/commission/i);
    expect(await shares()).toEqual([300, 0, 100]);

    await setRate({ guestCommissionBps: null, memberCommissionBps: null });
    const again = await setRate({ guestCommissionBps: null, memberCommissionBps: null, venueId });
    expect(again.json.servicesChanged).toBe(1);
    expect(await shares()).toEqual([100, 100, 100]);
  });

  it('refuses nonsense and what does not exist', async () => {
    const { ids } = servicesOf(env);
    const providerId = ids.mintInRegion('prv', 'global');
    expect((await setRate({ commissionBps: 1, providerId })).status).toBe(404);
    expect((await setRate({ commissionBps: 1, providerId: 'prv_x' })).status).toBe(404);
    for (const body of [{}, { commissionBps: 10_001 }, { commissionBps: 1, rate: 2 }]) {
      expect((await setRate(body)).json.code).toBe('validation_failed');
    }
  });
});
