/** The job that keeps booking windows filled: each look adds what is new, mends what was left, and stops at services off sale. */
import { env } from 'cloudflare:workers';
import { afterAll, describe, expect, it } from 'vitest';
import { runSlotsJob } from '../../src/worker/availability-deps.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { RuleRepository } from '../../src/storage/d1/rule-repository.ts';
import { call, makePerson, settled } from '../support/api.ts';
import { madeRule, openClub, slots } from '../support/availability-club.ts';

const DAY_MS = 86_400_000;

afterAll(settled, 20_000);

describe('the job', () => {
  it('fills the window of every service and goes on where it stopped', async () => {
    const shop = await openClub({ bookingWindowDays: 10 });
    await madeRule(shop, { validFrom: '2026-01-01', startTime: '00:00', endTime: '01:00' });
    const services = servicesOf(env);
    const run = () => runSlotsJob(env, services, { byHand: false });
    expect(await run()).toMatchObject({ status: 'done', job: 'slots' });
    const made = await slots(shop);
    expect(made.length).toBeGreaterThanOrEqual(11);
    expect(made.length).toBeLessThanOrEqual(13);
    const store = new RuleRepository(env.DB);
    const due = async (atMs: number) =>
      (await store.dueWindows(atMs, 500)).map(({ serviceId }) => serviceId);
    const nowMs = services.clock.nowMs();
    expect(await due(nowMs)).not.toContain(shop.serviceId);
    expect(await due(nowMs + DAY_MS + 60_000)).toContain(shop.serviceId);
    await run();
    expect(await slots(shop)).toEqual(made);
    const operator = await makePerson(['operator']);
    const byHand = await call('POST /v1/ops/jobs/slots/run', { as: operator });
    expect(byHand.json).toMatchObject({ status: 'done', report: { failed: 0, isDone: true } });
    expect(byHand.json.report.services).toBeGreaterThanOrEqual(1);
    expect(await slots(shop)).toEqual(made);
  });

  it('mends what an edit did not get to, and leaves services off sale alone', async () => {
    const shop = await openClub({ bookingWindowDays: 5 });
    const ruleId = await madeRule(shop, { validFrom: '2026-01-01' });
    const services = servicesOf(env);
    await runSlotsJob(env, services, { byHand: false });
    const store = new RuleRepository(env.DB);
    const rule = await store.byId(ruleId);
    if (rule === null) throw new Error('there is no rule');
    // The call that edits the rule dies before it reaches the shard.
    await store.replace({ ...rule, endMinute: 10 * 60, version: rule.version + 1 });
    await runSlotsJob(env, services, { byHand: false });
    const left = await slots(shop);
    expect(left.length).toBeGreaterThan(0);
    expect(left.every(({ localStart }) => localStart.slice(11, 16) === '09:00')).toBe(true);
    await call(`DELETE /v1/services/${shop.serviceId}`, { as: shop.owner });
    await store.replace({ ...rule, endMinute: 20 * 60, version: rule.version + 2 });
    await runSlotsJob(env, services, { byHand: false });
    expect(await slots(shop)).toHaveLength(left.length);
  });
});
