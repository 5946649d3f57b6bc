/**
 * Looking a booking up by code and address: the link goes to whoever booked, at least once and not in floods, and nobody
 * learns from the answer, its time or its limits whether there is such a booking.
 */
import { createExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answerLookup,
  answerLookups,
  askForLink,
  type LinkNotice,
  type LookupDeps,
} from '../../src/application/look-up-booking.ts';
import { createApp } from '../../src/worker/app.ts';
import { lookupDeps } from '../../src/worker/use-case-deps.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { call, settled, type Answer, type Person } from '../support/api.ts';
import { openShop, slotAt } from '../support/http-shop.ts';
import { ORIGIN, services } from '../support/http.ts';

const MINUTE_MS = 60_000;
let slots: string[];
let count = 0;

interface Sale {
  readonly email: string;
  readonly guest: Person;
  readonly booking: Answer['json'];
}

beforeAll(async () => {
  const free = { price: { amount: 0, currency: 'usd' } };
  const { owner, serviceId } = await openShop({ service: free });
  const body = { slots: Array.from({ length: 12 }, (_, index) => slotAt(index + 1)) };
  const { json } = await call(`POST /v1/services/${serviceId}/slots`, { as: owner, body });
  slots = (json.data as { id: string }[]).map(({ id }) => id);
});

afterAll(settled, 20_000);

/** A guest's booking that the list of bookings knows. */
async function sell(dataRegion: 'global' | 'eu' = 'global'): Promise<Sale> {
  count += 1;
  const email = `lookup${count}@example.test`;
  const begun = await call('POST /v1/guest-sessions', {
    body: { email, name: 'Eve', dataRegion },
  });
  const guest = begun.json as Person;
  const booking = await call('POST /v1/bookings', {
    as: guest,
    key: `lookup-${count}`,
    body: { slotIds: [slots[count]] },
  });
  expect(booking.status, booking.text).toBe(201);
  await settled();
  return { email, guest, booking: booking.json };
}

/** The look-up with a clock and a receiver of the test's own. */
function desk(): {
  deps: LookupDeps;
  clock: FakeClock;
  sent: LinkNotice[];
  fault: { is: string | null };
} {
  const clock = new FakeClock();
  const sent: LinkNotice[] = [];
  const fault: { is: string | null } = { is: null };
  const tell = async (notice: LinkNotice): Promise<string | null> => {
    sent.push(notice);
    return fault.is;
  };
  return { deps: { ...lookupDeps(services), clock, tell }, clock, sent, fault };
}

describe('a look-up', () => {
  it.each(['global', 'eu'] as const)('sends the link of a guest of %s', async (region) => {
    const { email, booking } = await sell(region);
    const { deps, sent } = desk();
    await answerLookup(deps, await askForLink(deps, { code: booking.code as string, email }));
    expect(sent).toEqual([
      {
        id: expect.stringContaining(booking.id as string),
        kind: 'booking_link',
        bookingId: booking.id,
        code: booking.code,
        to: { email, name: 'Eve' },
        link: booking.manageUrl,
      },
    ]);
  });

  it('reads a code as people write it, and sends the link as it is now', async () => {
    const { email, guest, booking } = await sell();
    const rotated = await call(`POST /v1/bookings/${booking.id}/manage-link/rotate`, {
      as: guest,
      key: 'rotate',
    });
    const { deps, sent } = desk();
    const code = ` ${(booking.code as string).toLowerCase().replace('-', ' ').replaceAll('0', 'o')}`;
    await answerLookup(deps, await askForLink(deps, { code, email }));
    expect(sent.map(({ link }) => link)).toEqual([rotated.json.manageUrl]);
  });

  it('knows the guest by the address of the account that took them over, too', async () => {
    const { guest, booking } = await sell();
    const email = `account${count}@example.test`;
    const body = { email, password: 'correct horse battery' };
    expect((await call('POST /v1/auth/register', { as: guest, body })).status).toBe(201);
    const { deps, sent } = desk();
    await answerLookup(deps, await askForLink(deps, { code: booking.code as string, email }));
    expect(sent.map(({ to }) => to.email)).toEqual([email]);
  });

  it('sends nothing to anybody else', async () => {
    const { booking } = await sell();
    const { deps, sent, clock } = desk();
    const wrong = [
      { code: booking.code as string, email: 'mallory@example.test' },
      { code: 'ZZZZ-ZZZZ', email: `lookup${count}@example.test` },
    ];
    for (const asked of wrong) await answerLookup(deps, await askForLink(deps, asked));
    clock.advance(3 * MINUTE_MS);
    await answerLookups(deps);
    expect(sent).toEqual([]);
  });

  it('is tried again until somebody takes the message, also by the sweep alone', async () => {
    const { email, booking } = await sell();
    const { deps, sent, clock, fault } = desk();
    fault.is = 'answered 503';
    // Written down before the answer; whoever should have answered it has died.
    const lookup = await askForLink(deps, { code: booking.code as string, email });
    expect(await answerLookups(deps)).toMatchObject({ lookupsWaiting: 1 });
    expect(await answerLookup(deps, lookup)).toBe('done');
    expect(sent).toHaveLength(1);
    fault.is = null;
    clock.advance(5 * MINUTE_MS);
    await answerLookups(deps);
    expect(sent.map(({ id }) => id)).toEqual([sent[0]?.id, sent[0]?.id]);
    clock.advance(MINUTE_MS);
    await answerLookups(deps);
    expect(sent).toHaveLength(2);
  });

  it('does not wait for a receiver that is down once for each, and the next run begins with the others', async () => {
    const sales = [await sell(), await sell()];
    const { deps, sent, clock, fault } = desk();
    fault.is = 'no answer';
    for (const { email, booking } of sales) {
      await askForLink(deps, { code: booking.code as string, email });
    }
    await answerLookups(deps);
    expect(sent).toHaveLength(1);
    fault.is = null;
    clock.advance(1_000);
    await answerLookups(deps);
    expect(new Set(sent.map(({ bookingId }) => bookingId)).size).toBe(2);
    clock.advance(30_000);
    await answerLookups(deps);
    expect(sent).toHaveLength(3);
  });

  it('of a booking that the list does not know yet is tried again', async () => {
    const { deps, sent, clock } = desk();
    const { email, booking } = await sell();
    const lagging = { ...deps, bookings: () => ({ byCode: async () => [] }) };
    const lookup = await askForLink(deps, { code: booking.code as string, email });
    await answerLookup(lagging, lookup);
    clock.advance(30_000);
    await answerLookups(deps);
    expect(sent).toHaveLength(1);
  });

  it('is answered once in five minutes, however often it is asked', async () => {
    const { email, booking } = await sell();
    const { deps, sent, clock } = desk();
    const asked = { code: booking.code as string, email };
    const ask = async () => answerLookup(deps, await askForLink(deps, asked));
    for (let time = 0; time < 3; time += 1) await ask();
    expect(sent).toHaveLength(1);
    clock.advance(5 * MINUTE_MS);
    await ask();
    expect(sent).toHaveLength(2);
  });
});

describe('POST /v1/bookings/lookup', () => {
  it('answers the same whether there is such a booking or not, and writes no address down', async () => {
    const { email, booking } = await sell();
    const answers = await Promise.all([
      call('POST /v1/bookings/lookup', { body: { code: booking.code, email } }),
      call('POST /v1/bookings/lookup', { body: { code: 'AAAA-AAAA', email } }),
      call('POST /v1/bookings/lookup', { body: { code: booking.code, email: 'no@example.test' } }),
    ]);
    expect(answers.map(({ status, text }) => [status, text])).toEqual(
      answers.map(() => [202, '{"status":"accepted"}']),
    );
    const { results } = await env.DB.prepare('SELECT * FROM booking_lookup').all();
    expect(results.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(results)).not.toContain('@');
  });

  it('is counted by address and by code, as tightly as log-ins', async () => {
    const counted: string[] = [];
    const refused = new Set<string>();
    const limit = async ({ key }: { key: string }) => {
      counted.push(key);
      return { success: !refused.has(key) };
    };
    const changed = { ...env, RATE_LIMITS: 'binding', AUTH_RATE_LIMITER: { limit } };
    const lookUp = async (): Promise<number> => {
      const request = new Request(`${ORIGIN}/v1/bookings/lookup`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': '192.0.2.5' },
        body: JSON.stringify({ code: 'oooo llll', email: 'eve@example.test' }),
      });
      return (await createApp().fetch(request, changed, createExecutionContext())).status;
    };
    expect(await lookUp()).toBe(202);
    expect(counted).toEqual(['ip:192.0.2.5', 'code:0000-1111']);
    refused.add('code:0000-1111');
    expect(await lookUp()).toBe(429);
  });
});
