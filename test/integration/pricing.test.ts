/** Prices over HTTP: fares of a slot, and the tax of a venue in every service that it sells. */
import { afterAll, describe, expect, it } from 'vitest';
import { call, makePerson, settled } from '../support/api.ts';
import { create, openShop, SERVICE, slotAt, type Shop } from '../support/http-shop.ts';

afterAll(settled, 15_000);

const VAT = { rateBps: 2_000, inclusive: true };

async function slotOf(shop: Shop, serviceId: string, slot: object = slotAt(5)): Promise<string> {
  const made = await call(`POST /v1/services/${serviceId}/slots`, {
    as: shop.owner,
    body: { slots: [slot] },
  });
  expect(made.status, made.text).toBe(201);
  return made.json.data[0].id as string;
}

describe('the tax of a venue', () => {
  it('is in the cards of its services, those of before and those of after', async () => {
    const shop = await openShop();
    const changed = await call(`PATCH /v1/venues/${shop.venueId}`, {
      as: shop.owner,
      body: { tax: VAT },
    });
    expect(changed.json).toMatchObject({ tax: VAT });
    const later = await create('/v1/services', shop.owner, {
      ...SERVICE,
      venueId: shop.venueId,
      resourceIds: [shop.resourceId],
    });
    for (const id of [shop.serviceId, later])
      expect((await call(`GET /v1/services/${id}`)).json.tax).toEqual(VAT);
    const customer = await makePerson();
    const slotId = await slotOf(shop, shop.serviceId);
    const hold = await call('POST /v1/holds', {
      as: customer,
      key: 'taxed',
      body: { slotIds: [slotId] },
    });
    expect(hold.json.quote).toEqual({
      total: { amount: 2_500, currency: 'usd' },
      lines: [
        { kind: 'slot', label: SERVICE.name, amount: 2_500 },
        { kind: 'tax_included', label: 'Less tax in the prices above', amount: -417 },
        { kind: 'tax', label: 'Tax 20%', amount: 417 },
      ],
    });
    await call(`PATCH /v1/venues/${shop.venueId}`, { as: shop.owner, body: { tax: null } });
    expect((await call(`GET /v1/services/${later}`)).json.tax).toBeNull();
  });

  it.each([
    [{ rateBps: 10_001, inclusive: true }, '/tax/rateBps'],
    [{ rateBps: 1_900 }, '/tax/inclusive'],
  ])('refuses %j', async (tax, pointer) => {
    const shop = await openShop();
    const body = { tax };
    const refused = await call(`PATCH /v1/venues/${shop.venueId}`, { as: shop.owner, body });
    expect(refused.json).toMatchObject({ code: 'validation_failed', errors: [{ pointer }] });
  });
});

describe('fares', () => {
  const fare = { id: 'adult', name: 'Adult', price: { amount: 900, currency: 'usd' }, quota: 1 };

  it('are shown with what is left of them', async () => {
    const shop = await openShop();
    const slotId = await slotOf(shop, shop.serviceId, { ...slotAt(6), fares: [fare] });
    const customer = await makePerson();
    const body = { slotIds: [slotId], fareId: 'adult' };
    const before = await call(`GET /v1/slots/${slotId}`);
    expect(before.json.fares).toEqual([{ ...fare, remaining: 1 }]);
    const hold = await call('POST /v1/holds', { as: customer, key: 'adult', body });
    expect(hold.json).toMatchObject({ fareId: 'adult', quote: { total: { amount: 900 } } });
    expect((await call(`GET /v1/slots/${slotId}`)).json.fares).toEqual([{ ...fare, remaining: 0 }]);
  });

  it('have ids of their own', async () => {
    const shop = await openShop();
    const body = { slots: [{ ...slotAt(7), fares: [fare, fare] }] };
    const path = `POST /v1/services/${shop.serviceId}/slots`;
    const refused = await call(path, { as: shop.owner, body });
    expect(refused.json).toMatchObject({ errors: [{ pointer: '/slots/0/fares' }] });
  });
});
