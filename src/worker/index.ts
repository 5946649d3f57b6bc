/**
 * The composition root: fetch, queue and cron entry points and the Durable Object classes.
 * The only file that joins the entries with one another.
 */
import { dispatchBatch } from '../queues/dispatch.ts';
import { createNotifier } from '../platform/notifier.ts';
import { DeadLetterRepository } from '../storage/d1/dead-letter-repository.ts';
import { createApp } from './app.ts';
import { runSlotsJob, SLOTS_CRON } from './availability-deps.ts';
import {
  postMoney,
  RENEWALS_CRON,
  runReconciliation,
  runRenewalJob,
  webhookPorts,
  type RunJob,
} from './background.ts';
import { PAYOUTS_CRON, runPayoutJob } from './payout-deps.ts';
import { servicesOf } from './services.ts';

export { InventoryShard } from '../durable-objects/inventory-shard.ts';
export { Membership } from '../durable-objects/membership.ts';
export { Promotion } from '../durable-objects/promotion.ts';

const app = createApp();

/** What the crons run; every other one is the reconciliation's. */
const RUNS: ReadonlyMap<string, RunJob> = new Map([
  [RENEWALS_CRON, runRenewalJob],
  [PAYOUTS_CRON, runPayoutJob],
  [SLOTS_CRON, runSlotsJob],
]);

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),

  async queue(batch, env) {
    const services = servicesOf(env);
    const letters = new DeadLetterRepository(services.databases.of('global'));
    const { databases } = services;
    const advanceMoney = (shardKey: string) => postMoney(services, shardKey);
    const tellCustomer = createNotifier(services.settings.notifications, services);
    const ports = {
      ...webhookPorts(env, services),
      databases,
      letters,
      advanceMoney,
      tellCustomer,
    };
    await dispatchBatch(ports, batch);
  },

  async scheduled({ cron }, env) {
    const run = RUNS.get(cron) ?? runReconciliation;
    await run(env, servicesOf(env), { byHand: false });
  },
} satisfies ExportedHandler<Env>;
