/** Notices leave signed, over the wire as a receiver sees them; what is not taken is told and never thrown. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LogFields } from '../../src/application/ports.ts';
import { NOTICE_SIGNATURE_HEADER, createNotifier } from '../../src/platform/notifier.ts';

const SECRET = 'secret-of-the-notices-0123456789abcdef';
const NOW_MS = 1_780_000_000_500;
const NOTICE = {
  id: 'global-7',
  kind: 'new_card_needed',
  subscriptionId: 'sub_1',
  userId: 'usr_1',
  invoiceId: 'inv_1',
  link: 'https://holdfast.test/invoices/inv_1/pay?token=t',
} as const;

let server: Server;
let url: string;
let answer = 200;
let received: { headers: IncomingHttpHeaders; body: string }[] = [];
let logged: { event: string; fields: LogFields }[] = [];

const log = {
  info: (event: string, fields: LogFields = {}) => void logged.push({ event, fields }),
  warn: () => undefined,
  error: () => undefined,
};
const ports = { clock: { nowMs: () => NOW_MS }, log };

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end('ok');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notices`;
});

beforeEach(() => {
  received = [];
  logged = [];
  answer = 200;
});

afterAll(async () => {
  server.close();
  await once(server, 'close');
});

describe('a notice', () => {
  it('arrives whole, with a signature over its time and its body', async () => {
    const tell = createNotifier({ url, secret: SECRET }, ports);
    expect(await tell(NOTICE)).toBeNull();
    const [arrived] = received;
    expect(JSON.parse(arrived?.body ?? '')).toEqual(NOTICE);
    const digest = createHmac('sha256', SECRET).update(`1780000000.${arrived?.body}`).digest('hex');
    const header = arrived?.headers[NOTICE_SIGNATURE_HEADER.toLowerCase()];
    expect(header).toBe(`t=1780000000,v1=${digest}`);
  });

  it.each([500, 404, 302])('is not taken by a receiver that answers %i', async (status) => {
    answer = status;
    const tell = createNotifier({ url, secret: SECRET }, ports);
    expect(await tell(NOTICE)).toBe(`answered ${status}`);
    expect(received).toHaveLength(1);
  });

  it('is not taken where nobody listens', async () => {
    const tell = createNotifier({ url: 'http://127.0.0.1:9/', secret: SECRET }, ports);
    expect(await tell(NOTICE)).toEqual(expect.any(String));
  });

  it('of a manage link is posted whole, and where there is no receiver the log has neither address nor link', async () => {
    const link = {
      id: 'bkg_1-1780000000500',
      kind: 'booking_link',
      bookingId: 'bkg_1',
      code: '7K2M-Q4VX',
      to: { email: 'eve@example.test', name: 'Eve' },
      link: 'https://holdfast.test/manage/bkg_1.secret',
    } as const;
    expect(await createNotifier({ url, secret: SECRET }, ports)(link)).toBeNull();
    expect(JSON.parse(received[0]?.body ?? '')).toEqual(link);
    expect(await createNotifier(null, ports)(link)).toBeNull();
    expect(logged).toEqual([
      { event: 'notice.unsent', fields: { type: 'booking_link', entityId: 'bkg_1' } },
    ]);
  });

  it('is noted in the log where there is no receiver, without its link', async () => {
    expect(await createNotifier(null, ports)(NOTICE)).toBeNull();
    expect(logged).toEqual([
      { event: 'notice.unsent', fields: { type: 'new_card_needed', entityId: 'sub_1' } },
    ]);
  });
});
