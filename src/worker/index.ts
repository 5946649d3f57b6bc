/**
 * The composition root: fetch, queue and cron entry points and the Durable Object classes.
 * The only file that joins the entries with one another.
 */
import { dispatchBatch } from '../queues/dispatch.ts';
import { DeadLetterRepository } from '../storage/d1/dead-letter-repository.ts';
import { createApp } from './app.ts';
import { RENEWALS_CRON, webhookPorts, runReconciliation, runRenewalJob } from './background.ts';
import { servicesOf } from './services.ts';

export { InventoryShard } from '../durable-objects/inventory-shard.ts';
export { Membership } from '../durable-objects/membership.ts';

const app = createApp();

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),

  async queue(batch, env) {
    const services = servicesOf(env);
    const letters = new DeadLetterRepository(services.databases.of('global'));
    const ports = { ...webhookPorts(env, services), databases: services.databases, letters };
    await dispatchBatch(ports, batch);
  },

  async scheduled({ cron }, env) {
    const run = cron === RENEWALS_CRON ? runRenewalJob : runReconciliation;
    await run(env, servicesOf(env), { byHand: false });
  },
} satisfies ExportedHandler<Env>;
