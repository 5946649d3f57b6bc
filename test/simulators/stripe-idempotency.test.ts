/**
 * Idempotency keys: one effect and one answer per key, refusals by the card and server errors
 * included, and no trace of what never executed.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { authorize, INTENT, refusal, SECRET_KEY, startRig, until, type Rig } from './support.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => rig.control('faults', undefined, 'DELETE'));
afterAll(() => rig.simulators.close());

const raw = (key: string, body: string, path = 'payment_intents') =>
  fetch(`${rig.url}/stripe/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET_KEY}`, 'idempotency-key': key },
    body,
  });
const BODY = 'amount=2500&currency=usd';

describe('a key', () => {
  it('replays status and body, whatever the order of parameters', async () => {
    const first = await raw('replay', BODY);
    const second = await raw('replay', 'currency=usd&amount=2500');
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(await second.text()).toBe(await first.text());
  });

  it('is refused with other parameters or on another endpoint', async () => {
    await raw('mismatch', BODY);
    for (const response of [
      await raw('mismatch', 'amount=2600&currency=usd'),
      await raw('mismatch', BODY, 'customers'),
    ]) {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { type: 'idempotency_error' } });
    }
  });

  it('captures once, however often it is sent', async () => {
    const { id } = await authorize(rig.stripe);
    const options = { idempotencyKey: 'capture-once' };
    const first = await rig.stripe.paymentIntents.capture(id, {}, options);
    const second = await rig.stripe.paymentIntents.capture(id, {}, options);
    expect(second.status).toBe(first.status);
    expect((await rig.books(id)).filter((row) => row.kind === 'capture')).toHaveLength(1);
  });

  it('remembers a declined card and a refusal by state', async () => {
    const intent = await rig.stripe.paymentIntents.create(INTENT);
    const confirm = (key: string) =>
      refusal(
        rig.stripe.paymentIntents.confirm(
          intent.id,
          { payment_method: 'pm_card_chargeDeclined' },
          { idempotencyKey: key },
        ),
      );
    const [first, second] = [await confirm('declined'), await confirm('declined')];
    expect(second.raw).toMatchObject({ charge: first.charge });
    expect(await rig.books(intent.id)).toHaveLength(1);

    const early = await refusal(
      rig.stripe.paymentIntents.capture(intent.id, {}, { idempotencyKey: 'early' }),
    );
    await rig.stripe.paymentIntents.confirm(intent.id, { payment_method: 'pm_card_visa' });
    const late = await refusal(
      rig.stripe.paymentIntents.capture(intent.id, {}, { idempotencyKey: 'early' }),
    );
    expect(late.message).toBe(early.message);
  });

  it('is free again after a refusal that executed nothing', async () => {
    expect((await raw('invalid', 'amount=1&currency=usd')).status).toBe(400);
    expect((await raw('invalid', BODY)).status).toBe(200);
  });

  it('in flight is refused with 409, and the first call wins', async () => {
    await rig.control('faults', { processor: 'stripe', fault: 'latency', ms: 1500, count: 1 });
    const first = raw('in-flight', BODY);
    await until(async () => (await rig.control('faults')).json.data[0]?.['fired'] === 1);
    const second = await raw('in-flight', BODY);
    expect(second.status).toBe(409);
    expect(await second.json()).toMatchObject({ error: { code: 'idempotency_key_in_use' } });
    expect((await first).status).toBe(200);
  });

  it('keeps a 500 for ever; a new key goes through', async () => {
    const intent = await authorize(rig.stripe);
    await rig.control('faults', {
      processor: 'stripe',
      operation: 'capture',
      fault: 'http_500',
      count: 1,
    });
    const path = `payment_intents/${intent.id}/capture`;
    expect((await raw('five-hundred', '', path)).status).toBe(500);
    const again = await raw('five-hundred', '', path);
    expect(again.status).toBe(500);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await rig.stripe.paymentIntents.retrieve(intent.id)).status).toBe('requires_capture');
    expect((await raw('a-new-key', '', path)).status).toBe(200);
  });

  it('is not spent by a 429', async () => {
    await rig.control('faults', { processor: 'stripe', fault: 'http_429', count: 1 });
    const limited = await raw('limited', BODY);
    expect(limited.status).toBe(429);
    expect(await limited.json()).toMatchObject({ error: { code: 'rate_limit' } });
    expect((await raw('limited', BODY)).status).toBe(200);
  });
});
