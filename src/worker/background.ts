/**
 * Wires background work to this isolate's services: the webhook path, renewals, reconciliation and the push of
 * entitlements. Called by routes, queue consumers and crons alike, so that each piece of work exists once.
 */
import { advanceSubscription } from '../application/billing/advance-subscription.ts';
import {
  learnOfDispute,
  lookAtCharges,
  recognizeCharge,
  recordOrphan,
  repeatPushes,
} from '../application/billing/reconcile-charges.ts';
import { runRenewals } from '../application/billing/run-renewals.ts';
import { sendNotices } from '../application/billing/send-notices.ts';
import { advanceMoney } from '../application/ledger-advance.ts';
import { answerLookups } from '../application/look-up-booking.ts';
import { sweepMethods } from '../application/payment-methods/sweep-methods.ts';
import type { WebhookPorts } from '../application/receive-webhook.ts';
import { reconcile, type ReconcilePorts } from '../application/reconcile.ts';
import { runJob, type JobOutcome } from '../application/run-job.ts';
import type { Json } from '../domain/result.ts';
import { createNotifier } from '../platform/notifier.ts';
import { JobRepository } from '../storage/d1/job-repository.ts';
import { NoticeRepository } from '../storage/d1/notice-repository.ts';
import { ProviderRepository } from '../storage/d1/provider-repository.ts';
import { WebhookEventRepository } from '../storage/d1/webhook-event-repository.ts';
import type { Services } from './context.ts';
import { createRenewalSender } from './message-sender.ts';
import { ledgerOf, moneyDeps, moneyOf } from './ledger-deps.ts';
import { methodDeps } from './payment-choice.ts';
import { billingDeps, lookupDeps } from './use-case-deps.ts';

/** The schedule of the renewals, as wrangler.toml has it; every other one is the reconciliation's. */
export const RENEWALS_CRON = '* * * * *';

/** Shards per page of a run. */
const SHARDS_PER_PAGE = 100;

/** When a subscription that somebody is at work on is looked at again: their lease is over by then. */
const BUSY_DELAY_SECONDS = 15;

/** A run of a job, by a cron or by hand. */
export type RunJob = (
  env: Env,
  services: Services,
  run: { readonly byHand: boolean },
) => Promise<JobOutcome>;

/** What receiving and handling a processor's event runs on. */
export function webhookPorts(env: Env, services: Services): WebhookPorts {
  return {
    inbox: (region) => new WebhookEventRepository(services.databases.of(region)),
    ids: services.ids,
    clock: services.clock,
    digest: services.digest,
    objects: services.objects,
    gateways: services.gateways,
    log: services.log,
    send: async (message) => {
      await env.WEBHOOK_QUEUE.send(message);
    },
    advanceSubscription: (asked) => lookAtSubscription(env, services, asked),
  };
}

/** Posts what a shard has to tell of its money. */
export async function postMoney(services: Services, shardKey: string): Promise<void> {
  await advanceMoney(moneyDeps(services), shardKey);
}

/** Finds and advances what is due, and tells members and whoever looked a booking up what there is to tell. */
export const runRenewalJob: RunJob = (env, services, run) => {
  const deps = billingDeps(services);
  const { clock, log, databases, settings } = services;
  return runAlone(services, 'renewals', async () => {
    const report = await runRenewals({ ...deps, send: createRenewalSender(env) }, run);
    const notices = await sendNotices({
      ...deps,
      publicUrl: settings.publicUrl,
      notices: (region) => new NoticeRepository(databases.of(region)),
      tellMember: createNotifier(settings.notifications, { clock, log }),
    });
    return { ...report, ...notices, ...(await answerLookups(lookupDeps(services))) };
  });
};

/** One pass over everything that is not finished. */
export const runReconciliation: RunJob = (env, services, run) => {
  const deps = billingDeps(services);
  const ports: ReconcilePorts = {
    ...webhookPorts(env, services),
    shardKeys: (region, afterKey) =>
      new ProviderRepository(services.databases.of(region)).shardKeys(afterKey, SHARDS_PER_PAGE),
    money: (region) => moneyOf(services, region),
    ledger: (region) => ledgerOf(services, region),
    advanceMoney: (shardKey) => postMoney(services, shardKey),
    pushEntitlements: () => repeatPushes(deps),
    advanceSubscriptions: async ({ byHand }) => {
      const send = createRenewalSender(env);
      const { due, failed } = await runRenewals({ ...deps, send }, { byHand });
      const looks = await lookAtCharges(deps, { byHand });
      return { lookedAt: due + looks.lookedAt, failed: failed + looks.failed };
    },
    knowsCharge: (charge) => recognizeCharge(deps, charge),
    learnOfDispute: (dispute) => learnOfDispute(deps, dispute),
    recordSubscriptionOrphan: (orphan) => recordOrphan(deps, orphan),
  };
  return runAlone(services, 'reconciliation', async () => {
    const methods = await sweepMethods(methodDeps(services), run);
    return { ...(await reconcile(ports, run)), ...methods };
  });
};

/** Runs the work under the lease of its job. */
function runAlone(
  services: Services,
  name: string,
  work: () => Promise<{ readonly [counter: string]: Json }>,
): Promise<JobOutcome> {
  return runJob(
    {
      jobs: new JobRepository(services.databases.of('global')),
      clock: services.clock,
      newRunId: () => crypto.randomUUID(),
    },
    { name, work },
  );
}

/**
 * Asks the processor about what is under way. Whoever is at work on the subscription may have asked too early, so that an
 * event has it looked at once more after them.
 */
async function lookAtSubscription(
  env: Env,
  services: Services,
  asked: { subscriptionId: string; cause: 'webhook' | 'queue'; chargeId?: string },
): Promise<void> {
  const end = await advanceSubscription(billingDeps(services), { ...asked, look: true });
  if (end !== 'busy' || asked.cause === 'queue') return;
  const { subscriptionId } = asked;
  const message = { v: 1, type: 'subscription.advance', subscriptionId } as const;
  await env.RENEWAL_QUEUE.send(message, { delaySeconds: BUSY_DELAY_SECONDS });
}
