/** Further shards of a venue, over HTTP: what is placed in one is sold there and nowhere else, and nobody else has them. */
import { afterAll, describe, expect, it } from 'vitest';
import { call, makePerson, settled } from '../support/api.ts';
import { create, openShop, SERVICE, slotAt } from '../support/http-shop.ts';

afterAll(settled, 15_000);

describe('a further shard', () => {
  it('takes the resources that are placed in it, and what is sold there is held there', async () => {
    const shop = await openShop();
    const path = `/v1/venues/${shop.venueId}/shards`;
    const opened = await call(`POST ${path}`, { as: shop.owner, body: { name: 'East stand' } });
    expect(opened.status, opened.text).toBe(201);
    const shards = await call(`GET ${path}`, { as: shop.owner });
    expect(shards.json.data).toEqual([
      expect.objectContaining({ venueId: null }),
      { ...opened.json, venueId: shop.venueId, name: 'East stand' },
    ]);
    const [first] = shards.json.data;
    const seats = { venueId: shop.venueId, name: 'Seats', kind: 'seats', units: ['A1', 'A2'] };
    const placed = { ...seats, shardId: opened.json.id };
    const east = await create('/v1/resources', shop.owner, placed);
    const west = await create('/v1/resources', shop.owner, { ...seats, shardId: first.id });
    expect(east.slice(4, 13)).not.toBe(shop.resourceId.slice(4, 13));
    expect(west.slice(4, 13)).toBe(shop.resourceId.slice(4, 13));
    const service = { ...SERVICE, venueId: shop.venueId };
    const both = await call('POST /v1/services', {
      as: shop.owner,
      body: { ...service, resourceIds: [east, west] },
    });
    expect(both.json.code).toBe('slots_span_shards');
    const serviceId = await create('/v1/services', shop.owner, { ...service, resourceIds: [east] });
    const slots = await call(`POST /v1/services/${serviceId}/slots`, {
      as: shop.owner,
      body: { slots: [slotAt(5)] },
    });
    const customer = await makePerson();
    const hold = { slotIds: [slots.json.data[0].id], units: ['A2'] };
    const held = await call('POST /v1/holds', { as: customer, body: hold, key: 'seat' });
    expect([held.status, held.json.units]).toEqual([201, ['A2']]);
  });

  it('is nobody else’s: neither to open, nor to see, nor to place a resource in', async () => {
    const shop = await openShop();
    const other = await openShop();
    const path = `/v1/venues/${shop.venueId}/shards`;
    const opened = await call(`POST ${path}`, { as: shop.owner, body: { name: 'East' } });
    const foreign = await call(`POST ${path}`, { as: other.owner, body: { name: 'Mine' } });
    const seen = await call(`GET ${path}`, { as: other.owner });
    expect([foreign.status, seen.status]).toEqual([404, 404]);
    const body = { venueId: other.venueId, name: 'C', kind: 'court', shardId: opened.json.id };
    const placed = await call('POST /v1/resources', { as: other.owner, body });
    expect([placed.status, placed.json.errors[0].pointer]).toEqual([422, '/shardId']);
  });
});
