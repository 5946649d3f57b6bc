/**
 * Subscribing while the processor, its webhooks or the platform itself fails: silence is never taken for a refusal, and
 * whatever happens the payer is charged once.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/platform-process.ts';
import { card, expectProblem } from './support/shop.ts';
import { Club, type Subscription } from './support/subscriptions.ts';

let club: Club;
let basicId: string;

beforeAll(async () => {
  club = await Club.open();
  basicId = await club.sell();
}, 120_000);

afterAll(() => club.api.stop());

describe('a processor that fails', () => {
  it('and loses its answer after it took the money is asked, and nobody pays twice', async () => {
    const member = await club.join();
    await club.api.fault('timeout_after', { operation: 'confirm', ms: 200 });
    await club.api.fault('webhook_drop', { count: 10 });
    const made = await club.mustSubscribe(member, basicId);
    expect(made.status).toBe('incomplete');
    expectProblem(await club.subscribe(member, basicId), 409, 'subscription_exists');
    expect(await club.must(member, `${made.id}/confirm`)).toMatchObject({ status: 'active' });
    expect(await club.money(made.id)).toEqual(['capture 2000 succeeded']);
    await club.api.clearFaults();
  });

  it('and loses its answer before it took the money is asked again under the same key', async () => {
    const member = await club.join();
    await club.api.fault('timeout_before', { operation: 'confirm', ms: 200 });
    const made = await club.mustSubscribe(member, basicId);
    expect(made.status).toBe('incomplete');
    await until(async () => {
      await club.renew();
      return (await club.read(member, made.id)).status === 'active';
    }, 20_000);
    expect(await club.money(made.id)).toEqual(['capture 2000 succeeded']);
  });

  it.each(['create', 'confirm'])('with a fault at %s is tried again', async (operation) => {
    const member = await club.join();
    await club.api.fault('http_500', { operation });
    const made = await club.mustSubscribe(member, basicId);
    await until(async () => {
      await club.renew();
      return (await club.read(member, made.id)).status === 'active';
    }, 20_000);
    expect(await club.money(made.id)).toEqual(['capture 2000 succeeded']);
  });

  it('and tells nobody that a payer has paid is found out by the reconciliation', async () => {
    const { member, id, payment } = await club.beginChallenge(basicId);
    await club.api.fault('webhook_drop', { count: 20 });
    expect(await club.pay(payment?.processorId, 'authenticate')).toBe(200);
    expect((await club.read(member, id)).status).toBe('incomplete');
    await club.api.reconcile(club.operator);
    expect((await club.read(member, id)).status).toBe('active');
    await club.api.clearFaults();
  });

  it('gets no second call for a sign-up that a crash cut off and its key takes up again', async () => {
    const member = await club.join();
    const sent = { as: member, body: { planId: basicId, payment: card() }, key: randomUUID() };
    await club.api.fault('latency', { operation: 'confirm', ms: 3_000 });
    const cut = club.api.call('POST /v1/subscriptions', sent).catch(() => null);
    await until(async () => (await club.current(member)).status === 200, 10_000);
    await club.api.platform.crashRuntime();
    await cut;
    await until(async () => {
      const again = await club.api.call<Subscription>('POST /v1/subscriptions', sent);
      if (again.status !== 409) expect(again.status, again.text).toBe(201);
      return again.status === 201;
    }, 60_000);
    const { id } = (await club.current(member)).json;
    await until(async () => {
      await club.renew();
      return (await club.read(member, id)).status === 'active';
    }, 40_000);
    expect(await club.money(id)).toEqual(['capture 2000 succeeded']);
  }, 180_000);
});
