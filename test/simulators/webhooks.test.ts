/**
 * Signed webhooks: after the answer, verified by the official SDK, again until a 2xx, and bent by
 * the fault script as told. No event of an effect is ever missing from the list.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  authorize,
  pay,
  startReceiver,
  startRig,
  until,
  WEBHOOK_SECRET,
  SECRET_KEY,
  type Receiver,
  type Rig,
} from './support.ts';

let receiver: Receiver;
let rig: Rig;
beforeAll(async () => {
  receiver = await startReceiver();
  rig = await startRig({ platformUrl: receiver.url });
});
afterEach(() => rig.control('faults', undefined, 'DELETE'));
afterAll(async () => {
  await rig.simulators.close();
  await receiver.close();
});

const CAPTURABLE = 'payment_intent.amount_capturable_updated';
const fault = (name: string, ms?: number) =>
  rig.control('faults', {
    processor: 'stripe',
    operation: 'confirm',
    fault: name,
    count: 1,
    ...(ms === undefined ? {} : { ms }),
  });
const about = (id: string, type = CAPTURABLE) =>
  receiver.of(type).filter((call) => JSON.stringify(call.event.data.object).includes(id));
const delivery = async (id: string, type = CAPTURABLE) => {
  const { json } = await rig.control('webhooks');
  return json.data.find((row) => row['objectId'] === id && row['type'] === type);
};

describe('delivery', () => {
  it('tells a payment’s whole way, with the snapshot and the request behind it', async () => {
    const intent = await pay(rig.stripe);
    await until(() => about(intent.id, 'payment_intent.succeeded')[0]);
    const [call] = about(intent.id);
    expect(call?.event).toMatchObject({
      object: 'event',
      api_version: '2026-10-28.endive',
      livemode: false,
      pending_webhooks: 1,
      data: { object: { id: intent.id, status: 'requires_capture', amount_capturable: 2500 } },
    });
    expect(call?.event.request?.id).toMatch(/^req_/);
    expect(await until(async () => (await delivery(intent.id))?.['status'] === 'delivered')).toBe(
      true,
    );
    expect(receiver.of('payment_intent.created')).toEqual([]);
    const all = await rig.stripe.events.list({ limit: 100 });
    expect(all.data.map((event) => event.type)).toContain('payment_intent.created');
  });

  it('tries again after a 500 with a fresh signature, and counts the attempts', async () => {
    receiver.statuses.push(500);
    const { id } = await authorize(rig.stripe);
    const row = await until(async () => {
      const found = await delivery(id);
      return found?.['status'] === 'delivered' ? found : null;
    });
    expect(row).toMatchObject({ attempts: 2, lastStatus: 200, nextAttemptAt: null });
    const [first, second] = about(id);
    expect(second?.event.id).toBe(first?.event.id);
    expect(second?.signature).not.toBe(first?.signature);
  });

  it('counts a redirect as a failure', async () => {
    receiver.statuses.push(302);
    const { id } = await authorize(rig.stripe);
    const row = await until(async () => {
      const found = await delivery(id);
      return found?.['lastStatus'] === 302 ? found : null;
    });
    expect(row).toMatchObject({ status: 'pending', attempts: 1 });
    const undelivered = await rig.stripe.events.list({ delivery_success: false, limit: 100 });
    expect(undelivered.data.map((event) => event.id)).toContain(row['id']);
  });

  it('sends any event again on request', async () => {
    const { id } = await authorize(rig.stripe);
    await until(() => about(id)[0]);
    const eventId = about(id)[0]?.event.id ?? '';
    expect((await rig.control(`webhooks/${eventId}/resend`, {})).status).toBe(202);
    await until(() => about(id).length === 2);
    expect((await rig.control('webhooks/evt_unknown/resend', {})).status).toBe(404);
  });
});

describe('the fault script', () => {
  it('drops an event, which a resend still brings', async () => {
    await fault('webhook_drop');
    const { id } = await authorize(rig.stripe);
    const row = await until(() => delivery(id));
    expect(row).toMatchObject({ status: 'dropped', attempts: 0 });
    await rig.control(`webhooks/${String(row['id'])}/resend`, {});
    await until(() => about(id)[0]);
  });

  it('sends a duplicate with the same identifier', async () => {
    await fault('webhook_duplicate');
    const { id } = await authorize(rig.stripe);
    await until(() => about(id).length === 2);
    expect(about(id)[0]?.event.id).toBe(about(id)[1]?.event.id);
  });

  it('reorders: a later event overtakes an earlier one', async () => {
    await fault('webhook_reorder', 60_000);
    const { id } = await authorize(rig.stripe);
    await rig.stripe.paymentIntents.capture(id);
    await until(() => about(id)[0]);
    const types = receiver.calls
      .filter((call) => JSON.stringify(call.event.data.object).includes(id))
      .map((call) => call.event.type);
    expect(types[0]).not.toBe(CAPTURABLE);
  });

  it('delays an event by what it says', async () => {
    const startMs = Date.now();
    await fault('webhook_delay', 150);
    const { id } = await authorize(rig.stripe);
    await until(() => about(id)[0]);
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(140);
  });

  it('still tells of an effect whose caller hung up before the answer', async () => {
    const { id } = await authorize(rig.stripe);
    const rule = { processor: 'stripe', operation: 'capture', fault: 'latency', ms: 150, count: 1 };
    await rig.control('faults', rule);
    const hangUp = fetch(`${rig.url}/stripe/v1/payment_intents/${id}/capture`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}` },
      signal: AbortSignal.timeout(40),
    });
    await expect(hangUp).rejects.toThrow();
    await until(() => about(id, 'payment_intent.succeeded')[0]);
  });

  it('still tells of an effect whose answer was lost', async () => {
    await rig.control('faults', {
      processor: 'stripe',
      operation: 'capture',
      fault: 'reset',
      after: true,
      count: 1,
    });
    const { id } = await authorize(rig.stripe);
    await fetch(`${rig.url}/stripe/v1/payment_intents/${id}/capture`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET_KEY}` },
    }).catch(() => null);
    await until(() => about(id, 'payment_intent.succeeded')[0]);
  });
});

describe('a rolled secret', () => {
  it('signs with both, so that either verifies', async () => {
    const old = await startReceiver('whsec_previous');
    const rolled = await startRig({
      platformUrl: old.url,
      stripe: {
        secretKey: SECRET_KEY,
        webhookSecret: WEBHOOK_SECRET,
        webhookSecretPrevious: 'whsec_previous',
        webhookEvents: ['*'],
      },
    });
    await authorize(rolled.stripe);
    const call = await until(() => old.calls[0]);
    expect(call.signature.match(/v1=/g)).toHaveLength(2);
    await until(() => old.of('payment_intent.created')[0]);
    await rolled.simulators.close();
    await old.close();
  });
});
