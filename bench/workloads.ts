/** The workloads: what one arrival of each asks for. */
import { randomUUID } from 'node:crypto';
import type { Holder, Shop } from './prepare.ts';

export interface Workload {
  readonly name: string;
  readonly what: string;
  /** What a slot costs: a free one is confirmed by the booking call itself. */
  readonly priceMinor: number;
  readonly holder: Holder;
  readonly path: string;
  readonly bodyOf: (slotId: string) => unknown;
}

export const OPEN_HOLD: Workload = {
  name: 'open-hold',
  what: 'POST /v1/holds, signed-in customers without a plan, a free slot each',
  priceMinor: 2500,
  holder: 'customer',
  path: '/v1/holds',
  bodyOf: (slotId) => ({ slotIds: [slotId] }),
};

export const WORKLOADS: readonly Workload[] = [
  OPEN_HOLD,
  {
    name: 'free-booking',
    what: 'POST /v1/bookings of a free-of-charge slot, confirmed by the call',
    priceMinor: 0,
    holder: 'customer',
    path: '/v1/bookings',
    bodyOf: (slotId) => ({ slotIds: [slotId] }),
  },
];

/** What is measured beside them: the least that is durable. */
export const BARE = {
  name: 'bare-object',
  what: 'one object, one SQLite row per request, nothing else',
} as const;

/** Requests of a workload, each on a slot that no other request names. */
export function requestsOf(workload: Workload, shop: Shop): (count: number) => string[] {
  let next = 0;
  return (count) => {
    const slotIds = shop.slotIds.slice(next, next + count);
    next += slotIds.length;
    return slotIds.map((slotId, n) =>
      httpPost(workload.path, workload.bodyOf(slotId), {
        Authorization: `Bearer ${shop.customerTokens[n % shop.customerTokens.length]}`,
        'Idempotency-Key': randomUUID(),
      }),
    );
  };
}

/** Requests to the bare object, with a body as large as a hold's. */
export function bareRequests(count: number): string[] {
  return Array.from({ length: count }, () =>
    httpPost('/write', { slotIds: [`slt_${randomUUID()}`] }, { 'Idempotency-Key': randomUUID() }),
  );
}

function httpPost(path: string, body: unknown, headers: Readonly<Record<string, string>>): string {
  const text = JSON.stringify(body);
  const lines = Object.entries({
    Host: 'bench.local',
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(text)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}
