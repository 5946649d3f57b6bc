/**
 * The fault script: each fault does what it says at the moment a call passes it, and the books show
 * whether there was an effect. Connections really break: the sockets are real.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { authorize, INTENT, refusal, SECRET_KEY, startRig, type Rig } from './support.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => rig.control('faults', undefined, 'DELETE'));
afterAll(() => rig.simulators.close());

const fault = (rule: object) => rig.control('faults', { processor: 'stripe', ...rule });

/** Captures over a bare socket; the error code of the connection, or the status. */
async function captureOutcome(id: string): Promise<string> {
  try {
    const response = await fetch(`${rig.url}/stripe/v1/payment_intents/${id}/capture`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}` },
    });
    return String(response.status);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : null;
    return cause instanceof Error && 'code' in cause ? String(cause.code) : 'closed';
  }
}

const isCaptured = async (id: string): Promise<boolean> =>
  (await rig.books(id)).some((row) => row.kind === 'capture');

describe('broken connections', () => {
  it('reset before the effect: ECONNRESET and no money moved', async () => {
    const { id } = await authorize(rig.stripe);
    await fault({ operation: 'capture', fault: 'reset', count: 1 });
    expect(await captureOutcome(id)).toBe('ECONNRESET');
    expect(await isCaptured(id)).toBe(false);
    expect(await captureOutcome(id)).toBe('200');
  });

  it('reset after the effect: ECONNRESET and the money has moved', async () => {
    const { id } = await authorize(rig.stripe);
    await fault({ operation: 'capture', fault: 'reset', after: true, count: 1 });
    expect(await captureOutcome(id)).toBe('ECONNRESET');
    expect(await isCaptured(id)).toBe(true);
  });

  it('timeout_before: no answer, no effect; the log shows a call never answered', async () => {
    const { id } = await authorize(rig.stripe);
    await fault({ operation: 'capture', fault: 'timeout_before', ms: 40, count: 1 });
    expect(await captureOutcome(id)).not.toBe('200');
    expect(await isCaptured(id)).toBe(false);
    const { json } = await rig.control('requests');
    const row = json.data.find((call) => String(call['path']).endsWith(`${id}/capture`));
    expect(row).toMatchObject({ status: null, response: null });
  });

  it('timeout_after: no answer, but the effect, and the key replays it', async () => {
    const { id } = await authorize(rig.stripe);
    await fault({ operation: 'capture', fault: 'timeout_after', ms: 40, count: 1 });
    const options = { idempotencyKey: 'after', maxNetworkRetries: 0 };
    const captured = await rig.stripe.paymentIntents
      .capture(id, {}, options)
      .catch(() => rig.stripe.paymentIntents.capture(id, {}, options));
    expect(captured.status).toBe('succeeded');
    expect((await rig.books(id)).filter((row) => row.kind === 'capture')).toHaveLength(1);
  });
});

describe('slow and refusing answers', () => {
  it('latency waits before the effect and then answers normally', async () => {
    await fault({ operation: 'create', fault: 'latency', ms: 60, count: 1 });
    const startMs = performance.now();
    const intent = await rig.stripe.paymentIntents.create(INTENT);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(55);
    expect(intent.status).toBe('requires_payment_method');
  });

  it.each([
    ['http_500', 500],
    ['http_429', 429],
  ])('%s leaves no effect', async (name, status) => {
    const { id } = await authorize(rig.stripe);
    await fault({ operation: 'void', fault: name, count: 1 });
    const error = await refusal(rig.stripe.paymentIntents.cancel(id));
    expect(error.statusCode).toBe(status);
    expect((await rig.stripe.paymentIntents.retrieve(id)).status).toBe('requires_capture');
    await rig.stripe.paymentIntents.cancel(id);
  });
});

describe('the script', () => {
  it('hits the operations it names and no other', async () => {
    const { id } = await authorize(rig.stripe);
    await fault({ operation: 'refund', fault: 'http_500' });
    await fault({ operation: 'list', fault: 'http_429' });
    await rig.stripe.paymentIntents.capture(id);
    await rig.stripe.paymentIntents.retrieve(id);
    const refund = await refusal(rig.stripe.refunds.create({ payment_intent: id }));
    expect(refund.statusCode).toBe(500);
    expect((await refusal(rig.stripe.paymentIntents.list())).statusCode).toBe(429);
    await rig.control('faults', undefined, 'DELETE');
    await rig.stripe.refunds.create({ payment_intent: id });
  });

  it('confirm and authorize are the same call', async () => {
    for (const operation of ['confirm', 'authorize']) {
      await fault({ operation, fault: 'http_500', count: 1 });
      expect((await refusal(authorize(rig.stripe))).statusCode).toBe(500);
    }
  });

  it('fires by count, and by probability the same way for the same seed', async () => {
    const run = async (): Promise<string> => {
      await rig.control('faults', undefined, 'DELETE');
      await fault({ operation: 'list', fault: 'http_500', probability: 0.5, seed: 7 });
      const outcomes: string[] = [];
      for (let index = 0; index < 20; index += 1) {
        outcomes.push(
          await rig.stripe.paymentIntents.list({ limit: 1 }).then(
            () => 'ok',
            () => 'fault',
          ),
        );
      }
      return outcomes.join();
    };
    const first = await run();
    expect(await run()).toBe(first);
    expect(first).toContain('ok');
    expect(first).toContain('fault');
    const { json } = await rig.control('faults');
    expect(json.data[0]?.['fired']).toBe(first.split('fault').length - 1);
  });

  it('refuses rules that mean nothing', async () => {
    for (const rule of [
      { fault: 'explode' },
      { fault: 'latency', operation: 'dance' },
      { fault: 'latency', probability: 2 },
      { fault: 'latency', count: 0 },
      { fault: 'latency', millis: 5 },
      { fault: 'latency', processor: 'unknown' },
    ]) {
      const { status, json } = await fault(rule);
      expect([status, json['code']]).toEqual([422, 'validation_failed']);
    }
  });
});
