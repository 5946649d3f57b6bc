/**
 * Availability over HTTP: rules make slots once, an edit says what it brings and leaves what is sold, and blocks keep from
 * sale. Nobody but the provider's people may touch any of it.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { call, makePerson, settled } from '../support/api.ts';
import {
  book,
  DAILY,
  generate,
  madeRule,
  makeRule,
  openClub,
  slots,
  WEEK,
} from '../support/availability-club.ts';

afterAll(settled, 20_000);

describe('a rule', () => {
  it('is made once under its key, read by anybody, and listed', async () => {
    const shop = await openClub();
    const request = {
      as: shop.owner,
      key: 'rule-1',
      body: { ...DAILY, exceptions: ['2027-03-24'] },
    };
    const path = `POST /v1/services/${shop.serviceId}/availability-rules`;
    const first = await call(path, request);
    expect(first.status, first.text).toBe(201);
    expect(first.json).toMatchObject({
      serviceId: shop.serviceId,
      rrule: 'FREQ=DAILY',
      startTime: '09:00',
      endTime: '12:00',
      timeZone: 'Europe/Paris',
      validFrom: '2027-01-01',
      validUntil: null,
      exceptions: ['2027-03-24'],
      price: null,
      active: true,
      version: 1,
    });
    const again = await call(path, request);
    expect(again.headers.get('Idempotent-Replayed')).toBe('true');
    expect(again.json).toEqual(first.json);
    const { json } = await call(`GET /v1/availability-rules/${first.json.id}`);
    expect(json).toEqual(first.json);
    const list = await call(`GET /v1/services/${shop.serviceId}/availability-rules`);
    expect(list.json).toEqual({ data: [first.json], nextCursor: null });
  });

  it.each([
    [{ rrule: 'FREQ=SECONDLY;UNTIL=21261231T000000Z' }, '/rrule'],
    [{ rrule: 'FREQ=MINUTELY' }, '/rrule'],
    [{ rrule: 'every other Tuesday' }, '/rrule'],
    [{ rrule: 'FREQ=YEARLY;BYMONTH=13' }, '/rrule'],
    [{ rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' }, '/rrule'],
    [{ startTime: '9:00' }, '/startTime'],
    [{ endTime: '25:00' }, '/endTime'],
    [{ startTime: '09:00', endTime: '09:30' }, '/endTime'],
    [{ validFrom: '2027-02-30' }, '/validFrom'],
    [{ validUntil: '2026-12-31' }, '/validUntil'],
    [{ timeZone: 'Mars/Olympus' }, '/timeZone'],
    [{ exceptions: [{ from: '2027-02-02', to: '2027-02-01' }] }, '/exceptions/0/to'],
    [{ price: { amount: 100, currency: 'usd' } }, '/price/currency'],
    [{ resourceId: 'res_other' }, '/resourceId'],
    [{ surprise: true }, '/surprise'],
  ])('that cannot be carried out is refused: %o', async (rule, pointer) => {
    const shop = await openClub();
    const answer = await makeRule(shop, rule);
    expect(answer.status, answer.text).toBe(422);
    expect(answer.json.code).toBe('validation_failed');
    expect(answer.json.errors.map((error: { pointer: string }) => error.pointer)).toContain(
      pointer,
    );
  });

  it('of somebody else does not exist, and neither does their service', async () => {
    const shop = await openClub();
    const ruleId = await madeRule(shop);
    const stranger = await makePerson(['customer', 'provider']);
    const tries = [
      call(`POST /v1/services/${shop.serviceId}/availability-rules`, {
        as: stranger,
        body: DAILY,
      }),
      call(`PATCH /v1/availability-rules/${ruleId}`, { as: stranger, body: { endTime: '13:00' } }),
      call(`DELETE /v1/availability-rules/${ruleId}`, { as: stranger }),
      call(`POST /v1/services/${shop.serviceId}/slots/generate`, { as: stranger, body: WEEK }),
    ];
    for (const answer of await Promise.all(tries)) expect(answer.status).toBe(404);
    expect((await call(`GET /v1/availability-rules/${ruleId}`)).json.version).toBe(1);
  });
});

describe('generation', () => {
  it('makes each slot once, at the same local time whatever the clocks do', async () => {
    const shop = await openClub({}, 3);
    await madeRule(shop);
    expect(await generate(shop)).toMatchObject({
      created: 21,
      skipped: 0,
      removed: 0,
      keptCount: 0,
    });
    expect(await generate(shop)).toMatchObject({ created: 0, skipped: 21, removed: 0 });
    const made = await slots(shop);
    expect(made.map(({ localStart }) => localStart.slice(11))).toEqual(
      Array.from({ length: 7 }, () => ['09:00:00', '10:00:00', '11:00:00']).flat(),
    );
    expect(made.every(({ remaining, status }) => remaining === 3 && status === 'available')).toBe(
      true,
    );
    const sunday = made.find(({ localStart }) => localStart === '2027-03-28T09:00:00');
    expect(sunday?.startAt).toBe('2027-03-28T07:00:00Z');
    const saturday = made.find(({ localStart }) => localStart === '2027-03-27T09:00:00');
    expect(saturday?.startAt).toBe('2027-03-27T08:00:00Z');
  });

  it('has 23 hours of a day that has no more', async () => {
    const shop = await openClub();
    await madeRule(shop, { startTime: '00:00', endTime: '24:00' });
    expect(await generate(shop, { from: '2027-03-28', to: '2027-03-29' })).toMatchObject({
      created: 23,
    });
    expect(await generate(shop, { from: '2027-10-31', to: '2027-11-01' })).toMatchObject({
      created: 25,
    });
  });

  it('leaves out exceptions, counts COUNT, ends with UNTIL, and keeps buffers between slots', async () => {
    const shop = await openClub({ bufferBeforeMinutes: 5, bufferAfterMinutes: 10 });
    await madeRule(shop, {
      rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE;COUNT=4',
      validFrom: '2027-03-22T00:00:00Z',
      exceptions: [{ from: '2027-03-23', to: '2027-03-23' }],
    });
    await madeRule(shop, { rrule: 'FREQ=DAILY;UNTIL=20270327', validFrom: '2027-03-27' });
    await generate(shop, { from: '2027-03-20', to: '2027-05-01' });
    expect((await slots(shop)).map(({ localStart }) => localStart.slice(5, 16))).toEqual([
      '03-22T09:00',
      '03-22T10:15',
      '03-24T09:00',
      '03-24T10:15',
      '03-27T09:00',
      '03-27T10:15',
      '03-29T09:00',
      '03-29T10:15',
    ]);
  });

  it('sells a slot that two rules want once, at the price of the older rule', async () => {
    const shop = await openClub();
    await madeRule(shop, { price: { amount: 1_500, currency: 'eur' } });
    await madeRule(shop, { startTime: '11:00', endTime: '13:00' });
    expect(await generate(shop, { from: '2027-03-22', to: '2027-03-23' })).toMatchObject({
      created: 4,
    });
    expect((await slots(shop)).map(({ price }) => price.amount)).toEqual([1_500, 1_500, 1_500, 0]);
  });

  it.each([
    [{ from: '2027-03-22', to: '2027-03-22' }, '/to'],
    [{ from: '2027-03-22T10:00:00Z', to: '2027-03-22T09:00:00Z' }, '/to'],
    [{ from: '2027-03-22', to: '2028-04-22' }, '/to'],
    [{ from: 'tomorrow', to: '2028-04-22' }, '/from'],
  ])('of a stretch that is none or too long is refused: %o', async (range, pointer) => {
    const shop = await openClub();
    const path = `POST /v1/services/${shop.serviceId}/slots/generate`;
    const answer = await call(path, { as: shop.owner, body: range });
    expect(answer.status, answer.text).toBe(422);
    expect(answer.json.errors[0].pointer).toBe(pointer);
  });

  it('of the past makes nothing', async () => {
    const shop = await openClub();
    await madeRule(shop, { validFrom: '2020-01-01' });
    expect(await generate(shop, { from: '2020-01-01', to: '2020-02-01' })).toMatchObject({
      created: 0,
      skipped: 0,
    });
  });
});

describe('an edit', () => {
  it('says what it would bring, brings it, and leaves what is sold', async () => {
    const shop = await openClub();
    const ruleId = await madeRule(shop);
    await generate(shop);
    const [first, second] = await slots(shop);
    const booked = first?.id ?? '';
    const held = second?.id ?? '';
    await book(booked, `edit-${booked}`);
    const holder = await makePerson();
    const hold = await call('POST /v1/holds', {
      as: holder,
      key: `edit-${held}`,
      body: { slotIds: [held] },
    });
    expect(hold.status).toBe(201);
    const expected = {
      created: 14,
      removed: 12,
      kept: [
        { slotId: booked, reason: 'booked' },
        { slotId: held, reason: 'held' },
      ],
      keptCount: 2,
    };
    const edit = { as: shop.owner, body: { startTime: '11:00', endTime: '14:00' } };
    const dry = await call(`PATCH /v1/availability-rules/${ruleId}?dryRun=true`, edit);
    expect(dry.json).toMatchObject({ ...expected, dryRun: true, startTime: '11:00' });
    expect(await slots(shop)).toHaveLength(21);
    expect((await call(`GET /v1/availability-rules/${ruleId}`)).json.startTime).toBe('09:00');
    const done = await call(`PATCH /v1/availability-rules/${ruleId}`, edit);
    expect(done.json).toMatchObject({ ...expected, dryRun: false, version: 2 });
    const after = await slots(shop);
    expect(after).toHaveLength(23);
    expect(after.slice(0, 3).map(({ id, status }) => [id, status])).toEqual([
      [booked, 'booked'],
      [held, 'held'],
      [after[2]?.id, 'available'],
    ]);
    expect(await generate(shop)).toMatchObject({ created: 0, removed: 0, keptCount: 2 });
  });

  it('that deletes the rule takes its free slots with it, and can be looked at before', async () => {
    const shop = await openClub();
    const ruleId = await madeRule(shop);
    const otherId = await madeRule(shop, { startTime: '11:00', endTime: '12:00' });
    await generate(shop);
    const dry = await call(`DELETE /v1/availability-rules/${ruleId}?dryRun=true`, {
      as: shop.owner,
    });
    expect(dry.json).toMatchObject({ removed: 14, updated: 7, keptCount: 0, dryRun: true });
    const gone = await call(`DELETE /v1/availability-rules/${ruleId}`, { as: shop.owner });
    expect(gone.json).toMatchObject({ removed: 14, updated: 7, active: false });
    expect(await slots(shop)).toHaveLength(7);
    const again = await call(`DELETE /v1/availability-rules/${ruleId}`, { as: shop.owner });
    expect(again.json).toMatchObject({ removed: 0, updated: 0, active: false, version: 2 });
    const list = await call(`GET /v1/services/${shop.serviceId}/availability-rules`);
    expect(list.json.data.map(({ id }: { id: string }) => id)).toEqual([otherId]);
    const patch = await call(`PATCH /v1/availability-rules/${ruleId}`, {
      as: shop.owner,
      body: { endTime: '13:00' },
    });
    expect(patch.json.code).toBe('invalid_transition');
  });

  it('by two at once ends with the rules of both', async () => {
    const shop = await openClub();
    const ids = [
      await madeRule(shop),
      await madeRule(shop, { startTime: '14:00', endTime: '16:00' }),
    ];
    await generate(shop);
    const edits = ids.map((id, index) =>
      call(`PATCH /v1/availability-rules/${id}`, {
        as: shop.owner,
        body: index === 0 ? { endTime: '10:00' } : { endTime: '17:00' },
      }),
    );
    for (const answer of await Promise.all(edits)) expect(answer.status, answer.text).toBe(200);
    const monday = (await slots(shop)).slice(0, 4);
    expect(monday.map(({ localStart }) => localStart.slice(11, 16))).toEqual([
      '09:00',
      '14:00',
      '15:00',
      '16:00',
    ]);
  });
});

describe('blocks', () => {
  it('keep a slot from sale, unless somebody has it', async () => {
    const shop = await openClub();
    await madeRule(shop);
    await generate(shop);
    const [one, two] = await slots(shop);
    const blocked = await call(`POST /v1/slots/${one?.id}/block`, {
      as: shop.owner,
      body: { reason: 'wet' },
    });
    expect(blocked.json).toMatchObject({ id: one?.id, status: 'blocked' });
    const opened = await call(`POST /v1/slots/${one?.id}/unblock`, { as: shop.owner });
    expect(opened.json).toMatchObject({ id: one?.id, status: 'available' });
    await book(two?.id ?? '', `block-${two?.id}`);
    const refused = await call(`POST /v1/slots/${two?.id}/block`, {
      as: shop.owner,
      body: { reason: 'wet' },
    });
    expect([refused.status, refused.json.code]).toEqual([409, 'slot_booked']);
  });

  it('keep a court from sale, cancel what they are told to, and hold for slots made later', async () => {
    const shop = await openClub();
    await madeRule(shop);
    await generate(shop);
    const [one] = await slots(shop);
    await book(one?.id ?? '', `range-${one?.id}`);
    const range = { from: '2027-03-22T00:00:00Z', to: '2027-03-23T00:00:00Z' };
    const path = `POST /v1/resources/${shop.courts[0]}/blocks`;
    const asked = { as: shop.owner, body: { ...range, reason: 'new floor' } };
    const first = await call(path, { ...asked, key: 'block-range' });
    expect(first.status, first.text).toBe(200);
    expect(first.json.kept).toMatchObject([{ slotId: one?.id, reason: 'booked' }]);
    expect(first.json.slots).toHaveLength(2);
    const again = await call(path, { ...asked, key: 'block-range' });
    expect(again.json).toEqual(first.json);
    const second = await call(path, {
      as: shop.owner,
      body: { ...range, reason: 'new floor', cancelBookings: true },
    });
    expect(second.json).toMatchObject({ kept: [], cancelled: [{ slotIds: [one?.id] }] });
    await madeRule(shop, { startTime: '18:00', endTime: '20:00' });
    await generate(shop);
    const day = (await slots(shop)).filter(({ localStart }) => localStart.startsWith('2027-03-22'));
    expect(day.map(({ status }) => status)).toEqual(Array(5).fill('blocked'));
    const opened = await call(`POST /v1/resources/${shop.courts[0]}/unblock`, {
      as: shop.owner,
      body: range,
    });
    expect(opened.json.ended).toHaveLength(2);
    expect(opened.json.slots).toHaveLength(5);
    const list = await call(`GET /v1/resources/${shop.courts[0]}/blocks`, { as: shop.owner });
    expect(list.json).toEqual({ data: [] });
  });
});
