/**
 * `kill -9` of the runtime between any two steps of a paid booking. Each booking is stopped at one step by a processor
 * that does not answer, before or after the effect of the call; then the runtime dies with all of them under way.
 * Nothing may be captured without a slot, nothing confirmed without its money, and everything must settle by itself.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PlatformProcess,
  rowsOf,
  textOf,
  until,
  type JsonObject,
  type ReplyJson,
} from './support/platform-process.ts';

/** Longer than the test: the call hangs until the runtime is killed. */
const HANG_MS = 120_000;
/** The lease of a caller that vanished (15 s), the alarm after it, and time to start again on a busy machine. */
const SETTLED_WITHIN_MS = 60_000;
const DAY_MS = 86_400_000;

const STEPS = [
  { operation: 'create', fault: 'timeout_before', path: /\/v1\/payment_intents$/ },
  { operation: 'create', fault: 'timeout_after', path: /\/v1\/payment_intents$/ },
  { operation: 'confirm', fault: 'timeout_before', path: /\/confirm$/ },
  { operation: 'confirm', fault: 'timeout_after', path: /\/confirm$/ },
  { operation: 'capture', fault: 'timeout_before', path: /\/capture$/ },
  { operation: 'capture', fault: 'timeout_after', path: /\/capture$/ },
] as const;

describe('a runtime that is killed in the middle of paid bookings', { timeout: 240_000 }, () => {
  let platform: PlatformProcess;
  let token: string;
  let slotIds: string[];

  beforeAll(async () => {
    platform = await PlatformProcess.start();
    token = await platform.logIn('customer@example.test');
    slotIds = await createSlots(STEPS.length + 1);
  }, 120_000);

  afterAll(async () => {
    await platform.killAll();
    await platform.stop();
  });

  async function createSlots(count: number): Promise<string[]> {
    const provider = await platform.logIn('provider@example.test');
    const services = rowsOf(await platform.call('GET', '/v1/services'));
    const open = services.find((service) => service['access'] === 'open');
    const base = Math.floor(Date.now() / DAY_MS) * DAY_MS + 40 * DAY_MS;
    const instant = (hours: number): string => new Date(base + hours * 3_600_000).toISOString();
    const slots = Array.from({ length: count }, (_, i) => ({
      startAt: instant(i),
      endAt: instant(i + 1),
    }));
    const path = `/v1/services/${textOf(open, 'id')}/slots`;
    const answer = await platform.call('POST', path, { token: provider, body: { slots } });
    return rowsOf(answer).map((slot) => textOf(slot, 'id'));
  }

  async function hold(slotId: string | undefined): Promise<string> {
    const answer = await platform.call('POST', '/v1/holds', { token, body: { slotIds: [slotId] } });
    expect(answer.status).toBe(201);
    return textOf(answer.json, 'id');
  }

  async function control(path: string, body: unknown): Promise<void> {
    await platform.call('POST', `${platform.simulatorsUrl}/control/${path}`, { body });
  }

  async function hanging(path: RegExp): Promise<number> {
    const requests = rowsOf(
      await platform.call('GET', `${platform.simulatorsUrl}/control/requests`),
    );
    return requests.filter((row) => path.test(textOf(row, 'path')) && row['status'] === null)
      .length;
  }

  async function booking(holdId: string): Promise<JsonObject | null> {
    const seen = await platform.call('GET', `/v1/holds/${holdId}`, { token });
    const id = seen.json['bookingId'];
    if (typeof id !== 'string') return null;
    return (await platform.call('GET', `/v1/bookings/${id}`, { token })).json;
  }

  /** The call that died owns its key until its lease of 30 s ends; until then the answer is 409, in progress. */
  async function repeat(key: string, body: unknown): Promise<ReplyJson> {
    const deadline = Date.now() + SETTLED_WITHIN_MS;
    for (;;) {
      const answer = await platform.call('POST', '/v1/bookings', { token, key, body });
      if (answer.status !== 409 || Date.now() > deadline) return answer;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  it('ends with every booking confirmed and captured once, or free and not captured', async () => {
    const pay = { processor: 'stripe', paymentMethod: 'pm_card_visa' };
    const attempts: { holdId: string; key: string }[] = [];
    const lost: Promise<unknown>[] = [];
    for (const [index, step] of STEPS.entries()) {
      const before = await hanging(step.path);
      const { operation, fault } = step;
      await control('faults', { processor: 'stripe', operation, fault, ms: HANG_MS, count: 1 });
      const holdId = await hold(slotIds[index]);
      const key = `crash-${index}`;
      // The answer never comes: its runtime dies. Only that it fails is known here.
      lost.push(
        platform
          .call('POST', '/v1/bookings', { token, key, body: { holdId, payment: pay } })
          .catch(() => null),
      );
      await until(async () => (await hanging(step.path)) > before, 10_000);
      attempts.push({ holdId, key });
    }
    const untouched = await hold(slotIds[STEPS.length]);

    await platform.crashRuntime();
    await Promise.all(lost);
    await platform.call('DELETE', `${platform.simulatorsUrl}/control/faults`);

    expect((await platform.call('GET', `/v1/holds/${untouched}`, { token })).json['status']).toBe(
      'active',
    );
    await until(async () => {
      const states = await Promise.all(
        attempts.map(async ({ holdId }) => (await booking(holdId))?.['status']),
      );
      return states.every((state) => state === 'confirmed');
    }, SETTLED_WITHIN_MS);

    const books = rowsOf(await platform.call('GET', `${platform.simulatorsUrl}/control/books`));
    for (const { holdId, key } of attempts) {
      const confirmed = await booking(holdId);
      const captures = books.filter(
        (row) =>
          row['kind'] === 'capture' &&
          row['status'] === 'succeeded' &&
          (row['metadata'] as JsonObject)['bookingId'] === confirmed?.['id'],
      );
      expect(captures.map((row) => row['amount'])).toEqual([2500]);
      const again = await repeat(key, { holdId, payment: pay });
      expect([again.status, again.json['id'], again.json['status']]).toEqual([
        201,
        confirmed?.['id'],
        'confirmed',
      ]);
    }
    for (const slotId of slotIds.slice(0, STEPS.length)) {
      expect((await platform.call('GET', `/v1/slots/${slotId}`)).json['remaining']).toBe(2);
    }
  });
});
