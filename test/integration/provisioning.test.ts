/**
 * A provider set up in one call: all of it or a list of what is wrong, the same under the same key, taken up where it died, and
 * undone as a whole, unless somebody has booked.
 */
import { env } from 'cloudflare:workers';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { CALL_LEASE_MS } from '../../src/domain/idempotency.ts';
import { RuleRepository } from '../../src/storage/d1/rule-repository.ts';
import { VenueRepository } from '../../src/storage/d1/venue-repository.ts';
import { call, makePerson, settled, type Answer, type Person } from '../support/api.ts';

afterEach(() => vi.restoreAllMocks());
afterAll(settled, 15_000);

const RULE = { rrule: 'FREQ=DAILY', startTime: '09:00', endTime: '12:00', validFrom: '2027-01-01' };
const SERVICE = { category: 'sport', durationMinutes: 60, price: { amount: 0, currency: 'gbp' } };
const WEEK = { from: '2027-03-01', to: '2027-03-08' };

function aClub(changes: object = {}) {
  return {
    provider: { name: 'Club', currency: 'gbp', timeZone: 'Europe/London' },
    venue: { name: 'Hall', timeZone: 'Europe/London' },
    shards: [{ ref: 'east', name: 'East wing' }],
    resources: [
      { ref: 'court-1', name: 'Court 1', kind: 'court' },
      { ref: 'court-2', name: 'Court 2', kind: 'court' },
      { ref: 'pool', shard: 'east', name: 'Pool', kind: 'pool', capacity: 30 },
      { ref: 'coach', isAtVenue: false, name: 'Coach', kind: 'person' },
    ],
    services: [
      {
        ...SERVICE,
        ref: 'tennis',
        name: 'Tennis',
        resources: ['court-1', 'court-2'],
        availabilityRules: [
          RULE,
          { ...RULE, startTime: '14:00', endTime: '16:00', resource: 'court-2' },
        ],
      },
      { ...SERVICE, ref: 'swim', name: 'Swim', resources: ['pool'], availabilityRules: [RULE] },
    ],
    ...changes,
  };
}

function provision(owner: Person, key: string, body: object = aClub()): Promise<Answer> {
  return call('POST /v1/provisioning', { as: owner, key, body });
}

async function countOf(table: string, providerId: string): Promise<unknown> {
  const query = `SELECT count(*) AS rows FROM ${table} WHERE provider_id = ?1`;
  return env.DB.prepare(query).bind(providerId).first('rows');
}

/** As if whoever was at work had been gone for longer than their lease. */
function forgetWorkers(): Promise<unknown> {
  return env.DB.prepare('UPDATE provisioning SET touched_at_ms = touched_at_ms - ?1')
    .bind(CALL_LEASE_MS)
    .run();
}

async function register(email: string): Promise<Person> {
  const body = { email, password: 'a long enough password' };
  const { json } = await call('POST /v1/auth/register', { body });
  return { id: json.user.id, token: json.accessToken };
}

describe('setting a provider up', () => {
  it('makes every part and says where it is, once however often it is asked', async () => {
    const owner = await makePerson();
    const clerk = await register('front-desk@example.test');
    const body = aClub({ staff: ['Front-Desk@example.test'] });
    const made = await provision(owner, 'club-1', body);
    expect(made.status, made.text).toBe(201);
    const { json } = made;
    expect(json).toMatchObject({ status: 'done', staff: [clerk.id], payoutAccount: null });
    expect(json.resources.map(({ ref }: { ref: string }) => ref)).toEqual([
      'court-1',
      'court-2',
      'pool',
      'coach',
    ]);
    const [tennis, swim] = json.services;
    expect([tennis.availabilityRuleIds.length, swim.availabilityRuleIds.length]).toEqual([2, 1]);
    const coach = await call(`GET /v1/resources/${json.resources[3].id}`);
    expect(coach.json).toMatchObject({ providerId: json.providerId, venueId: null });
    const generated = await call(`POST /v1/services/${tennis.id}/slots/generate`, {
      as: clerk,
      body: WEEK,
    });
    expect(generated.json).toMatchObject({ created: 7 * 3 + 7 * 2 });

    const again = await provision(owner, 'club-1', body);
    expect([again.text, again.headers.get('Idempotent-Replayed')]).toEqual([made.text, 'true']);
    await env.DB.prepare('DELETE FROM call').run();
    expect((await provision(owner, 'club-1', body)).json).toEqual(json);
    await env.DB.prepare('DELETE FROM call').run();
    const other = await provision(owner, 'club-1', aClub());
    expect([other.status, other.json.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await countOf('service', json.providerId)).toBe(2);
    const stranger = await call(`GET /v1/provisioning/${json.id}`, { as: clerk });
    expect(stranger.status).toBe(404);
  });

  it('says everything that is wrong at once, and makes nothing', async () => {
    const owner = await makePerson();
    const [tennis, swim] = aClub().services;
    const before = await env.DB.prepare('SELECT count(*) AS rows FROM provider').first('rows');
    const refused = await provision(
      owner,
      'club-2',
      aClub({
        provider: { name: 'Club', currency: 'eur', timeZone: 'Europe/Paris' },
        staff: ['nobody-at-all@example.test'],
        services: [
          { ...tennis, ref: 'swim', resources: ['court-1', 'pool'] },
          { ...swim, resources: ['lake'], availabilityRules: [{ ...RULE, endTime: '09:30' }] },
          {
            ...tennis,
            price: { amount: 0, currency: 'eur' },
            availabilityRules: [{ ...RULE, resource: 'pool' }],
          },
        ],
        payoutAccount: {},
      }),
    );
    expect(refused.status).toBe(422);
    expect(refused.json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/services/1/ref',
      '/services/0/resources',
      '/services/0/price/currency',
      '/services/0/availabilityRules/1/resource',
      '/services/1/resources/0',
      '/services/1/price/currency',
      '/services/1/availabilityRules/0/endTime',
      '/services/2/availabilityRules/0/resource',
      '/staff/0',
      '/payoutAccount/country',
    ]);
    const after = await env.DB.prepare('SELECT count(*) AS rows FROM provider').first('rows');
    expect(after).toBe(before);
    const nowhere = await env.DB.prepare(
      'SELECT count(*) AS rows FROM provisioning WHERE caller_id = ?1',
    )
      .bind(owner.id)
      .first('rows');
    expect(nowhere).toBe(0);
  });

  it('goes on at the step at which it died, and makes nothing twice', async () => {
    const owner = await makePerson();
    const venues = vi.spyOn(VenueRepository.prototype, 'insert');
    // Dies before and after a write: what was written and not recorded is found again by its id.
    const store = new RuleRepository(env.DB);
    const rules = vi.spyOn(RuleRepository.prototype, 'insert');
    rules.mockRejectedValueOnce(new Error('the database is gone'));
    rules.mockImplementationOnce(async (rule) => {
      await store.insert(rule);
      throw new Error('the answer was lost');
    });
    expect((await provision(owner, 'club-3')).status).toBe(500);
    expect((await provision(owner, 'club-3')).status).toBe(500);
    const done = await provision(owner, 'club-3');
    expect(done.status, done.text).toBe(201);
    expect(venues).toHaveBeenCalledTimes(1);
    const { providerId, services } = done.json;
    expect(await countOf('shard', providerId)).toBe(2);
    expect(await countOf('resource', providerId)).toBe(4);
    const listed = await call(`GET /v1/services/${services[0].id}/availability-rules`);
    expect(listed.json.data.map(({ id }: { id: string }) => id)).toEqual(
      services[0].availabilityRuleIds,
    );
  });

  it('tells that the processor is silent, and has everything else', async () => {
    const owner = await makePerson();
    const body = aClub({ payoutAccount: { country: 'gb' } });
    const silent = await provision(owner, 'club-4', body);
    expect([silent.status, silent.json.code]).toEqual([503, 'processor_unavailable']);
    const { results } = await env.DB.prepare(
      'SELECT id, state FROM provisioning WHERE caller_id = ?1',
    )
      .bind(owner.id)
      .all();
    expect(results).toMatchObject([{ state: 'done' }]);
    expect((await provision(owner, 'club-4', body)).status).toBe(503);
  });
});

describe('undoing it', () => {
  it('is refused while somebody has a hold or a booking, and takes everything off sale when nobody has', async () => {
    const owner = await makePerson();
    const { json } = await provision(owner, 'club-5');
    const [tennis] = json.services;
    const path = `/v1/services/${tennis.id}/slots`;
    await call(`POST ${path}/generate`, { as: owner, body: WEEK });
    const slots = (await call(`GET ${path}?from=2027-03-01T00:00:00Z`)).json.data;
    const customer = await makePerson();
    const slotIds = [slots[0].id];
    const hold = await call('POST /v1/holds', { as: customer, key: 'undo-h', body: { slotIds } });
    expect(hold.status, hold.text).toBe(201);
    const undo = `POST /v1/provisioning/${json.id}/undo`;
    const held = await call(undo, { as: owner });
    expect([held.status, held.json.code, held.json.liveHolds]).toEqual([409, 'slot_held', 1]);
    const booking = await call('POST /v1/bookings', {
      as: customer,
      key: 'undo-b',
      body: { holdId: hold.json.id },
    });
    const booked = await call(undo, { as: owner });
    expect([booked.status, booked.json]).toMatchObject([
      409,
      { code: 'slot_booked', liveBookings: 1, liveHolds: 0 },
    ]);
    expect((await call(`GET /v1/services/${tennis.id}`)).json.active).toBe(true);
    expect((await call(undo, { as: customer })).status).toBe(404);

    const ended = await call(`POST /v1/bookings/${booking.json.id}/cancel`, {
      as: owner,
      key: 'undo-c',
      body: {},
    });
    expect(ended.status, ended.text).toBe(200);
    for (const _ of ['once', 'again']) {
      const undone = await call(undo, { as: owner });
      expect([undone.status, undone.json.status]).toEqual([200, 'undone']);
    }
    for (const part of [
      `providers/${json.providerId}`,
      `venues/${json.venueId}`,
      ...json.resources.map(({ id }: { id: string }) => `resources/${id}`),
      ...json.services.map(({ id }: { id: string }) => `services/${id}`),
      ...tennis.availabilityRuleIds.map((id: string) => `availability-rules/${id}`),
    ]) {
      const { json: now } = await call(`GET /v1/${part}`);
      expect([part, now.active]).toEqual([part, false]);
    }
    const left = await call(`GET ${path}?from=2027-03-01T00:00:00Z&status=available`);
    expect(left.json.data).toEqual([]);
    const late = { as: customer, key: 'undo-late', body: { slotIds: [slots[1].id] } };
    expect((await call('POST /v1/holds', late)).status).not.toBe(201);
  });

  it('takes back what a call that died had made, and keeps the same call from going on', async () => {
    const owner = await makePerson();
    vi.spyOn(RuleRepository.prototype, 'insert').mockRejectedValueOnce(new Error('gone'));
    expect((await provision(owner, 'club-6')).status).toBe(500);
    const id = await env.DB.prepare('SELECT id FROM provisioning WHERE caller_id = ?1')
      .bind(owner.id)
      .first('id');
    const undo = `POST /v1/provisioning/${String(id)}/undo`;
    const early = await call(undo, { as: owner });
    expect([early.status, early.json.code]).toEqual([409, 'idempotency_key_in_progress']);
    await forgetWorkers();
    const undone = await call(undo, { as: owner });
    expect([undone.status, undone.json.status]).toEqual([200, 'undone']);
    const service = await call(`GET /v1/services/${undone.json.services[0].id}`);
    expect(service.json.active).toBe(false);
    const again = await provision(owner, 'club-6');
    expect([again.status, again.json.code]).toEqual([409, 'invalid_transition']);
  });
});
