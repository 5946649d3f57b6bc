/**
 * Watching a service of the whole platform, with the sockets that clients have: what others do shows at once, and over a
 * `kill -9` of the runtime a reader who comes back with its place misses no change and hears of none twice.
 */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PlatformProcess, rowsOf, textOf, until } from './support/platform-process.ts';

interface Message {
  readonly seq: number;
  readonly type: string;
  readonly data: { readonly id: string; readonly status: string };
}

let platform: PlatformProcess;
let token: string;
let serviceId: string;
let slotIds: string[];

beforeAll(async () => {
  platform = await PlatformProcess.start();
  token = await platform.logIn('customer@example.test');
  const services = rowsOf(await platform.call('GET', '/v1/services'));
  serviceId = textOf(
    services.find((service) => service['access'] === 'open'),
    'id',
  );
  const slots = await platform.call('GET', `/v1/services/${serviceId}/slots?status=available`);
  slotIds = rowsOf(slots).map((slot) => textOf(slot, 'id'));
}, 120_000);

afterAll(async () => {
  await platform.killAll();
  await platform.stop();
});

async function hold(index: number): Promise<string> {
  const body = { slotIds: [slotIds[index]] };
  const answer = await platform.call('POST', '/v1/holds', { token, body });
  expect(answer.status).toBe(201);
  return textOf(answer.json, 'id');
}

async function watch(after: number | null): Promise<{ messages: Message[]; socket: WebSocket }> {
  const query = after === null ? '' : `?after=${after}`;
  const url = `${platform.url.replace('http', 'ws')}/v1/services/${serviceId}/live${query}`;
  const socket = new WebSocket(url);
  const messages: Message[] = [];
  socket.addEventListener('message', ({ data }) => {
    messages.push(JSON.parse(String(data)) as Message);
  });
  await once(socket, 'open');
  return { messages, socket };
}

const told = (messages: readonly Message[]) => messages.map(({ data }) => data.id);

it('shows what others do, and over a kill of the runtime no change is missed or told twice', async () => {
  const before = await watch(null);
  await until(async () => before.messages.length === 1, 5_000);
  expect(before.messages[0]?.type).toBe('snapshot');
  const first = await hold(0);
  await hold(1);
  await until(async () => before.messages.length === 3, 5_000);
  expect(told(before.messages.slice(1))).toEqual([slotIds[0], slotIds[1]]);

  const ended = once(before.socket, 'close');
  await platform.crashRuntime();
  await ended;
  await hold(2);
  expect((await platform.call('DELETE', `/v1/holds/${first}`, { token })).status).toBe(204);

  const after = await watch(before.messages.at(-1)?.seq ?? null);
  await hold(3);
  await until(async () => after.messages.length >= 3, 5_000);
  expect(told(after.messages)).toEqual([slotIds[2], slotIds[0], slotIds[3]]);
  const seqs = [...before.messages, ...after.messages].map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  after.socket.close();
});
