/** Who works for a provider: what they may do from the moment they are taken on, what stays with the owner, and how it ends. */
import { env } from 'cloudflare:workers';
import { afterAll, expect, it } from 'vitest';
import { servicesOf } from '../../src/worker/services.ts';
import { call, settled, type Person } from '../support/api.ts';
import { create, openShop, SERVICE, slotAt } from '../support/http-shop.ts';

afterAll(settled, 15_000);

async function register(email: string): Promise<Person> {
  const body = { email, password: 'a long enough password' };
  const { json } = await call('POST /v1/auth/register', { body });
  return { id: json.user.id, token: json.accessToken };
}

it('lets staff manage what is sold in every shard, and neither money nor people, until they go', async () => {
  const shop = await openShop();
  const { owner, providerId, venueId, serviceId } = shop;
  const clerk = await register('clerk@example.test');
  const shard = await create(`/v1/venues/${venueId}/shards`, owner, { name: 'East' });
  const people = `/v1/providers/${providerId}/staff`;
  const publish = (day: number) =>
    call(`POST /v1/services/${serviceId}/slots`, { as: clerk, body: { slots: [slotAt(day)] } });
  expect((await publish(1)).status).toBe(404);

  const taken = await call(`POST ${people}`, { as: owner, body: { email: 'Clerk@Example.test' } });
  expect(taken.json).toMatchObject({ userId: clerk.id, email: 'clerk@example.test' });
  expect((await publish(2)).status).toBe(201);
  const court = { venueId, shardId: shard, name: 'Court 2', kind: 'court' };
  const resourceId = await create('/v1/resources', clerk, court);
  await create('/v1/services', clerk, { ...SERVICE, venueId, resourceIds: [resourceId] });
  for (const [route, body] of [
    [`GET /v1/providers/${providerId}/statements`],
    [`POST /v1/providers/${providerId}/payout-account`, {}],
    [`POST ${people}`, { email: 'clerk@example.test' }],
    [`GET ${people}`],
    [`DELETE ${people}/${owner.id}`],
    [`DELETE /v1/providers/${providerId}`],
  ] as const) {
    const refused = await call(route, { as: clerk, body });
    expect([route, refused.status]).toEqual([route, 404]);
  }
  const { objects } = servicesOf(env);
  const { events } = await objects
    .shard(serviceId.slice(4, 13))
    .readAudit({ afterSeq: 0, limit: 500 });
  expect(events.filter(({ type }) => type === 'provider.people_changed')).toMatchObject([
    { actor: `provider:${owner.id}`, metadata: { added: [clerk.id], removed: [] } },
  ]);
  const listed = await call(`GET ${people}`, { as: owner });
  expect(listed.json.data.map((one: { userId: string }) => one.userId)).toEqual([clerk.id]);

  for (const _ of ['once', 'again']) {
    const gone = await call(`DELETE ${people}/${clerk.id}`, { as: owner });
    expect(gone.status).toBe(204);
  }
  expect((await publish(3)).status).toBe(404);
  const late = await call(`PATCH /v1/resources/${resourceId}`, {
    as: clerk,
    body: { name: 'Mine' },
  });
  expect(late.status).toBe(404);
});

it('keeps the owner, and says who has no account', async () => {
  const owner = await register('owner-of-staff@example.test');
  const body = { name: 'Club', currency: 'usd', timeZone: 'UTC' };
  const providerId = await create('/v1/providers', owner, body);
  const people = `/v1/providers/${providerId}/staff`;
  const own = await call(`POST ${people}`, {
    as: owner,
    body: { email: 'owner-of-staff@example.test' },
  });
  expect(own.status).toBe(201);
  expect((await call(`DELETE ${people}/${owner.id}`, { as: owner })).status).toBe(204);
  expect((await call(`GET ${people}`, { as: owner })).json.data).toEqual([]);
  const nobody = await call(`POST ${people}`, {
    as: owner,
    body: { email: 'nobody@example.test' },
  });
  expect([nobody.status, nobody.json.errors[0].pointer]).toEqual([422, '/email']);
});
