/**
 * Live availability in the real runtime: what a reader is told, in which order, and that nobody who comes back misses a
 * change or hears of one twice, also over an eviction of the object.
 */
import { evictDurableObject } from 'cloudflare:test';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { NewSlot } from '../../src/contracts/shard-catalogue.ts';
import type { ServiceCard } from '../../src/domain/inventory/cards.ts';
import { makePerson, shardsSettled } from '../support/api.ts';
import { services } from '../support/http.ts';
import { askLive, Watcher } from '../support/live.ts';
import { OWNER, openFreeBooking, placeHoldCommand, provisionShop } from '../support/shard-shop.ts';

const HOUR_MS = 3_600_000;
const SHARDS: string[] = [];

afterAll(() => shardsSettled(SHARDS));

/** A shop of its own, with slots an hour apart, whose ids pass the guard of a route. */
async function openShop(n: number, service: Partial<ServiceCard> = {}, slotCount = 4) {
  const shardKey = `gvvvvvv${String(n).padStart(2, '0')}`;
  SHARDS.push(shardKey);
  const serviceId = services.ids.mintInShard('svc', shardKey);
  const shop = await provisionShop(shardKey, { id: serviceId, ...service });
  const slots = await shop.createSlots(
    Array.from({ length: slotCount }, (_, i) => ({ startsInMs: (24 + i) * HOUR_MS })),
  );
  let calls = 0;
  const hold = async (slotId: string | undefined, callerId = 'usr_1') => {
    calls += 1;
    const reply = await shop.shard.placeHold(
      placeHoldCommand({ callerId, key: `${shardKey}-${calls}`, slotIds: [slotId] }),
    );
    if (!reply.ok) throw new Error(reply.refusal.code);
    return reply.value.id;
  };
  const release = (id: string) =>
    shop.shard.releaseHold({ id: 'usr_1', roles: ['customer'] }, id).then(({ ok }) => ok);
  return {
    ...shop,
    shardKey,
    serviceId,
    slots,
    hold,
    release,
    path: `/v1/services/${serviceId}/live`,
  };
}

/** A slot as it is asked for. */
function newSlot(startMs: number, endMs: number): NewSlot {
  return {
    startAtMs: startMs,
    endAtMs: endMs,
    resourceId: null,
    capacity: null,
    priceMinor: null,
    priceCurrency: null,
    fares: null,
  };
}

const told = ({ messages }: Watcher) =>
  messages
    .filter(({ type }) => type === 'slot')
    .map(({ data }) => [data.id, data.status, data.remaining]);

describe('a reader of a service', () => {
  it('is told of a hold, its release, a booking and its cancellation, each once, after a snapshot', async () => {
    const shop = await openShop(1);
    const [first, second] = shop.slots;
    const reader = await Watcher.open(shop.path);
    const [snapshot] = await reader.until(1);
    expect(snapshot).toMatchObject({ type: 'snapshot', data: { isComplete: true } });
    expect(snapshot?.data.slots.map(({ id }: { id: string }) => id)).toEqual(shop.slots);

    await shop.release(await shop.hold(first));
    const booked = await openFreeBooking(shop, { callerId: 'usr_1', key: 'b', slotId: second });
    if (!booked.ok) throw new Error(booked.refusal.code);
    await shop.shard.cancelBooking({
      caller: OWNER,
      call: { key: 'c', fingerprint: 'c' },
      bookingId: booked.value.id,
      reason: null,
    });
    await reader.until(5);
    expect(told(reader)).toEqual([
      [first, 'held', 0],
      [first, 'available', 1],
      [second, 'booked', 0],
      [second, 'available', 1],
    ]);
    expect(reader.seqs).toEqual(reader.seqs.toSorted((a, b) => a - b));
    expect(new Set(reader.seqs).size).toBe(5);
    reader.close();
  });

  it('hears of every slot that a claim overlaps, of other services too, and of none besides', async () => {
    const shop = await openShop(2);
    const [, second] = shop.slots;
    const other = services.ids.mintInShard('svc', shop.shardKey);
    const service = await shop.shard.getService(shop.serviceId);
    if (!service.ok) throw new Error('no service');
    const { version: _, ...card } = service.value;
    await shop.shard.putService({ caller: OWNER, card: { ...card, id: other } });
    const listed = await shop.shard.getSlot(second ?? '');
    if (!listed.ok) throw new Error('no slot');
    const startAtMs = Date.parse(listed.value.startAt);
    const made = await shop.shard.createSlots({
      caller: OWNER,
      call: null,
      serviceId: other,
      slots: [
        newSlot(startAtMs - HOUR_MS / 2, startAtMs + HOUR_MS / 2),
        newSlot(startAtMs + 5 * HOUR_MS, startAtMs + 6 * HOUR_MS),
      ],
    });
    if (!made.ok) throw new Error(made.refusal.code);
    const reader = await Watcher.open(`/v1/services/${other}/live`);
    await reader.until(1);
    await shop.hold(second);
    await reader.until(2);
    expect(told(reader)).toEqual([[made.value.data[0]?.id, 'held', 0]]);
    reader.close();
  });

  it('is told when a hold expires, by the alarm alone', async () => {
    const shop = await openShop(3, { holdTtlSeconds: 1 });
    const [first] = shop.slots;
    const reader = await Watcher.open(shop.path);
    await shop.hold(first);
    // Nobody reads or decides anything here: the alarm rings by itself.
    await vi.waitFor(() => expect(told(reader)).toHaveLength(2), { timeout: 10_000 });
    expect(told(reader)).toEqual([
      [first, 'held', 0],
      [first, 'available', 1],
    ]);
    reader.close();
  });

  it('gets a snapshot where more changes at once than can be told one by one: prices, sale', async () => {
    const shop = await openShop(4);
    const reader = await Watcher.open(shop.path);
    await reader.until(1);
    await shop.shard.patchService({
      caller: OWNER,
      id: shop.serviceId,
      patch: { price: { amount: 900, currency: 'usd' } },
    });
    const [, second] = await reader.until(2);
    expect(second).toMatchObject({ type: 'snapshot' });
    expect(second?.data.slots[0].price).toEqual({ amount: 900, currency: 'usd' });
    expect(second?.seq).toBeGreaterThan(reader.messages[0]?.seq ?? 0);
    reader.close();
  });

  it('is told of new slots', async () => {
    const shop = await openShop(5, {}, 1);
    const reader = await Watcher.open(shop.path);
    await reader.until(1);
    const [added] = await shop.createSlots([{ startsInMs: 72 * HOUR_MS }]);
    await reader.until(2);
    expect(told(reader)).toEqual([[added, 'available', 1]]);
    reader.close();
  });
});

describe('a reader who comes back', () => {
  it('reads what one who stayed has read, over a disconnection and an eviction', async () => {
    const shop = await openShop(6, {}, 6);
    const [a, b, c, d, e, f] = shop.slots;
    const stayed = await Watcher.open(shop.path);
    const left = await Watcher.open(shop.path);
    const held = await shop.hold(a);
    await left.until(2);
    left.close();

    await shop.hold(b);
    await shop.release(held);
    await evictDurableObject(shop.stub, { webSockets: 'hibernate' });
    await shop.hold(c);
    await shop.release(await shop.hold(d));
    const back = await Watcher.open(`${shop.path}?after=${left.lastSeq}`);
    await shop.hold(e);
    await shop.hold(f);

    await stayed.until(9);
    await back.until(7);
    expect([...left.messages.slice(1), ...back.messages]).toEqual(stayed.messages.slice(1));
    expect(told(stayed)).toEqual([
      [a, 'held', 0],
      [b, 'held', 0],
      [a, 'available', 1],
      [c, 'held', 0],
      [d, 'held', 0],
      [d, 'available', 1],
      [e, 'held', 0],
      [f, 'held', 0],
    ]);
    stayed.close();
    back.close();
  });

  it('misses nothing while nobody watched for a moment, and nothing is kept before anybody ever did', async () => {
    const shop = await openShop(7);
    const [a, b] = shop.slots;
    await shop.hold(a);
    const once = await Watcher.open(shop.path);
    const [snapshot] = await once.until(1);
    once.close();
    await vi.waitFor(() => expect(once.closed).not.toBeNull());
    await shop.hold(b);
    const back = await Watcher.open(`${shop.path}?after=${snapshot?.seq}`);
    await back.until(1);
    expect(told(back)).toEqual([[b, 'held', 0]]);
    const stranger = await Watcher.open(`${shop.path}?after=0`);
    expect((await stranger.until(1))[0]?.type).toBe('snapshot');
    const ahead = await Watcher.open(`${shop.path}?after=999999`);
    expect((await ahead.until(1))[0]?.type).toBe('snapshot');
    for (const reader of [back, stranger, ahead]) reader.close();
  });

  it('is sent nothing when nothing has changed', async () => {
    const shop = await openShop(8);
    const reader = await Watcher.open(shop.path);
    await reader.until(1);
    const back = await Watcher.open(`${shop.path}?after=${reader.lastSeq}`);
    await shop.hold(shop.slots[0]);
    await back.until(1);
    expect(back.messages).toEqual(reader.messages.slice(1));
    reader.close();
    back.close();
  });
});

describe('a reader of a booking', () => {
  it('is told what becomes of it, if it is theirs', async () => {
    const shop = await openShop(9);
    const customer = await makePerson();
    const booked = await openFreeBooking(shop, {
      callerId: customer.id,
      key: 'b',
      slotId: shop.slots[0],
    });
    if (!booked.ok) throw new Error(booked.refusal.code);
    const path = `/v1/bookings/${booked.value.id}/live`;
    const reader = await Watcher.open(path, { as: customer });
    const [snapshot] = await reader.until(1);
    expect(snapshot).toMatchObject({ type: 'snapshot', data: { status: 'confirmed' } });
    await shop.shard.cancelBooking({
      caller: OWNER,
      call: { key: 'c', fingerprint: 'c' },
      bookingId: booked.value.id,
      reason: null,
    });
    const [, change] = await reader.until(2);
    expect(change).toMatchObject({
      type: 'booking',
      data: { id: booked.value.id, status: 'cancelled' },
    });

    const stranger = await makePerson();
    expect((await askLive(path, { as: stranger })).status).toBe(404);
    expect((await askLive(path)).status).toBe(401);
    reader.close();
  });

  it('may bring the token as a protocol, as browsers must', async () => {
    const shop = await openShop(10);
    const customer = await makePerson();
    const wish = { callerId: customer.id, key: 'b', slotId: shop.slots[0] };
    const booked = await openFreeBooking(shop, wish);
    if (!booked.ok) throw new Error(booked.refusal.code);
    const path = `/v1/bookings/${booked.value.id}/live`;
    const offer = `holdfast.live, bearer.${customer.token}`;
    const response = await askLive(path, { headers: { 'Sec-WebSocket-Protocol': offer } });
    expect(response.status).toBe(101);
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe('holdfast.live');
    response.webSocket?.accept();
    response.webSocket?.close();
    const forged = { 'Sec-WebSocket-Protocol': `${offer}x` };
    expect((await askLive(path, { headers: forged })).status).toBe(401);
  });
});

describe('a stream', () => {
  it('comes as server-sent events, with the number as the id to come back with', async () => {
    const shop = await openShop(11);
    const response = await askLive(shop.path, {
      headers: { Upgrade: '', Accept: 'text/event-stream' },
    });
    expect(response.headers.get('Content-Type')).toBe('text/event-stream; charset=utf-8');
    const events = readEvents(response);
    const snapshot = await events.next();
    await shop.hold(shop.slots[0]);
    const change = await events.next();
    expect(change.value).toMatchObject({ message: { type: 'slot', data: { status: 'held' } } });
    expect(change.value?.id).toBe(String(change.value?.message.seq));
    await events.return(undefined);
    await shop.hold(shop.slots[1]);
    const again = await askLive(shop.path, {
      headers: {
        Upgrade: '',
        Accept: 'text/event-stream',
        'Last-Event-ID': String(snapshot.value?.id),
      },
    });
    const rest = readEvents(again);
    const ids = [(await rest.next()).value, (await rest.next()).value].map(
      (event) => event?.message.data.id,
    );
    expect(ids).toEqual([shop.slots[0], shop.slots[1]]);
    await rest.return(undefined);
  });

  it('is refused to who asks for neither kind', async () => {
    const shop = await openShop(12);
    const response = await askLive(shop.path, { headers: { Upgrade: '' } });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      code: 'validation_failed',
      errors: [{ pointer: '/Accept' }],
    });
  });

  it('answers pings, and ends when the reader says anything else', async () => {
    const shop = await openShop(13);
    const { webSocket: socket } = await askLive(shop.path);
    const heard: string[] = [];
    let code = 0;
    socket?.addEventListener('message', ({ data }) => {
      heard.push(String(data));
    });
    socket?.addEventListener('close', (event) => {
      code = event.code;
    });
    socket?.accept();
    socket?.send('ping');
    await vi.waitFor(() => expect(heard.at(-1)).toBe('pong'));
    socket?.send('hello');
    await vi.waitFor(() => expect(code).toBe(1008));
  });

  it('of a provider tells of all its services, and of none of another provider', async () => {
    const shop = await openShop(14);
    const watch = { topic: 'prv_1', after: null, caller: null };
    const { webSocket } = await services.objects.watch(shop.shardKey, watch);
    const reader = new Watcher(webSocket as WebSocket);
    const [snapshot] = await reader.until(1);
    expect(snapshot?.data.slots).toHaveLength(4);
    await shop.hold(shop.slots[2]);
    await reader.until(2);
    expect(told(reader)).toEqual([[shop.slots[2], 'held', 0]]);
    const shardId = services.ids.deriveInShard('shd', shop.shardKey, shop.shardKey);
    const stranger = services.ids.mintInRegion('prv', 'global');
    expect((await askLive(`/v1/providers/${stranger}/live?shardId=${shardId}`)).status).toBe(404);
    const foreign = await services.objects.watch(shop.shardKey, { ...watch, topic: 'prv_2' });
    expect(await foreign.json()).toMatchObject({ code: 'not_found' });
    reader.close();
  });
});

interface Event {
  readonly id: string | undefined;
  readonly message: { seq: number; type: string; data: { id?: string } };
}

/** The events of an answer; `return` hangs up. */
async function* readEvents(response: Response): AsyncGenerator<Event, undefined> {
  if (response.body === null) throw new Error('no body');
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      if (data !== undefined) yield { id: field('id'), message: JSON.parse(data) };
    }
  }
  return undefined;
}
