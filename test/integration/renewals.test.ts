/** The renewals and the reconciliation over subscriptions: by cron, through the queue, and by an operator's hand. */
import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { RENEWALS_CRON } from '../../src/worker/background.ts';
import worker from '../../src/worker/index.ts';
import { servicesOf } from '../../src/worker/services.ts';
import { call } from '../support/api.ts';
import { expectCode, operator, sell, subscribe } from '../support/subscribers.ts';

const { clock, objects } = servicesOf(env);

let freeId: string;

beforeAll(async () => {
  freeId = await sell();
});

/** Makes the paid period end now, as if a month had gone by. */
async function letPeriodEnd(id: string): Promise<number> {
  const endMs = clock.nowMs() - 1_000;
  await env.DB.prepare(
    'UPDATE subscription SET current_period_start_ms = ?2 - 1, current_period_end_ms = ?2, due_at_ms = ?2 WHERE id = ?1',
  )
    .bind(id, endMs)
    .run();
  return endMs;
}

async function fire(cron: string): Promise<void> {
  await worker.scheduled(createScheduledController({ cron }), env);
}

function invoicesOf(id: string) {
  return call(`GET /v1/subscriptions/${id}/invoices`, { as: operator });
}

describe('the renewals', () => {
  it('bill by the cron what is due, through the queue, and skip nothing', async () => {
    const { id } = await subscribe(freeId);
    const endMs = await letPeriodEnd(id);
    await fire(RENEWALS_CRON);
    await vi.waitFor(async () => expect((await invoicesOf(id)).json.data).toHaveLength(2), {
      timeout: 20_000,
      interval: 50,
    });
    const { json } = await call(`GET /v1/subscriptions/${id}`, { as: operator });
    expect(json.status).toBe('active');
    expect(Date.parse(json.currentPeriodStart)).toBe(endMs);
  });

  it('bill at once by hand, and say what they did', async () => {
    const { id } = await subscribe(freeId);
    await letPeriodEnd(id);
    const run = await call('POST /v1/ops/jobs/renewals/run', { as: operator });
    expect(run.json).toMatchObject({ status: 'done', job: 'renewals', report: { failed: 0 } });
    expect(run.json.report.due).toBeGreaterThan(0);
    expect((await invoicesOf(id)).json.data).toHaveLength(2);
    await call('POST /v1/ops/jobs/renewals/run', { as: operator });
    expect((await invoicesOf(id)).json.data).toHaveLength(2);
  });

  it('tell members what there is to tell, once', async () => {
    const { id } = await subscribe(freeId);
    const unsent = () =>
      env.DB.prepare(
        'SELECT count(*) AS n FROM notice WHERE subscription_id = ? AND sent_at_ms IS NULL',
      )
        .bind(id)
        .first<{ n: number }>();
    expect((await unsent())?.n).toBeGreaterThan(0);
    const run = await call('POST /v1/ops/jobs/renewals/run', { as: operator });
    expect(run.json.report.noticesSent).toBeGreaterThan(0);
    expect((await unsent())?.n).toBe(0);
  });

  it('are run by their name, and no other job is', async () => {
    const run = await call('POST /v1/ops/jobs/nonsense/run', { as: operator });
    expectCode(run, 404, 'not_found');
  });
});

describe('the reconciliation', () => {
  it('pushes again what a member’s object has not acknowledged', async () => {
    const { member, id } = await subscribe(freeId);
    await env.DB.prepare('UPDATE subscription SET pushed_version = 0 WHERE id = ?').bind(id).run();
    const run = await call('POST /v1/ops/jobs/reconciliation/run', { as: operator });
    expect(run.json.report.entitlementsPushed).toBeGreaterThan(0);
    const usage = await objects.member(member.id).usage();
    expect(usage.memberships).toHaveLength(1);
    const row = await env.DB.prepare(
      'SELECT pushed_version = entitlement_version AS isPushed FROM subscription WHERE id = ?',
    )
      .bind(id)
      .first<{ isPushed: number }>();
    expect(row?.isPushed).toBe(1);
  });
});
