/**
 * Wires background work to this isolate's services: the webhook path, reconciliation and the push of entitlements.
 * Called by routes, queue consumers and crons alike, so that each piece of work exists once.
 */
import type { WebhookPorts } from '../application/receive-webhook.ts';
import { reconcile, type ReconcilePorts } from '../application/reconcile.ts';
import { pushEntitlements } from '../application/push-entitlements.ts';
import { runJob, type JobOutcome } from '../application/run-job.ts';
import type { DataRegion } from '../domain/ids.ts';
import type { Json } from '../domain/result.ts';
import { JobRepository } from '../storage/d1/job-repository.ts';
import { PlanRepository } from '../storage/d1/plan-repository.ts';
import { ProviderRepository } from '../storage/d1/provider-repository.ts';
import { SubscriptionRepository } from '../storage/d1/subscription-repository.ts';
import { WebhookEventRepository } from '../storage/d1/webhook-event-repository.ts';
import type { Services } from './context.ts';

/** Shards per page of a run. */
const SHARDS_PER_PAGE = 100;
/** Subscriptions per page of a push. */
const PUSHES_PER_PAGE = 100;

/** What receiving and handling a processor's event runs on. */
export function webhookPorts(env: Env, services: Services): WebhookPorts {
  return {
    inbox: (region) => new WebhookEventRepository(services.databases.of(region)),
    ids: services.ids,
    clock: services.clock,
    objects: services.objects,
    gateways: services.gateways,
    log: services.log,
    send: async (message) => {
      await env.WEBHOOK_QUEUE.send(message);
    },
  };
}

/** One run of the reconciliation, alone by its lease. */
export async function runReconciliation(
  env: Env,
  services: Services,
  run: { byHand: boolean },
): Promise<JobOutcome> {
  const ports: ReconcilePorts = {
    ...webhookPorts(env, services),
    shardKeys: (region, afterKey) =>
      new ProviderRepository(services.databases.of(region)).shardKeys(afterKey, SHARDS_PER_PAGE),
    pushEntitlements: () => pushAllEntitlements(services),
  };
  return runJob(
    {
      jobs: new JobRepository(services.databases.of('global')),
      clock: services.clock,
      newRunId: () => crypto.randomUUID(),
    },
    { name: 'reconciliation', work: async () => (await reconcile(ports, run)) as unknown as Json },
  );
}

/** Pushes what the membership objects have not acknowledged yet; gives how many. */
async function pushAllEntitlements(services: Services): Promise<number> {
  let pushed = 0;
  for (const region of ['global', 'eu'] as const) pushed += await pushRegion(services, region);
  return pushed;
}

async function pushRegion(services: Services, region: DataRegion): Promise<number> {
  const subscriptions = new SubscriptionRepository(services.databases.of(region));
  const plans = new PlanRepository(services.databases.of('global'));
  const deps = { ...services, plans, subscriptions: () => subscriptions };
  let pushed = 0;
  let after = '';
  for (;;) {
    const ids = await subscriptions.unpushed(after, PUSHES_PER_PAGE);
    for (const id of ids) {
      const outcome = await pushEntitlements(deps, id);
      if (outcome.ok) pushed += 1;
    }
    const last = ids.at(-1);
    if (last === undefined || ids.length < PUSHES_PER_PAGE) return pushed;
    after = last;
  }
}
