/**
 * Joins the use cases of payouts and commissions to this isolate's services, and runs their job. Decides nothing.
 * Called by the routes, the cron and the operators' `jobs/payouts/run`.
 */
import type { PayoutGateway } from '../application/ports.ts';
import type { PayoutDeps } from '../application/payouts/payout-ports.ts';
import { runPayouts } from '../application/payouts/run-payouts.ts';
import { applyCommissions, type CommissionDeps } from '../application/payouts/set-commissions.ts';
import { runJob } from '../application/run-job.ts';
import { createStripePayoutGateway } from '../payments/stripe/payouts.ts';
import { CommissionRepository } from '../storage/d1/commission-repository.ts';
import { JobRepository } from '../storage/d1/job-repository.ts';
import { PayoutRepository } from '../storage/d1/payout-repository.ts';
import { ProviderStatementRepository } from '../storage/d1/provider-statement-repository.ts';
import type { RunJob } from './background.ts';
import type { Services } from './context.ts';
import { ledgerOf } from './ledger-deps.ts';
import { catalogueDeps } from './use-case-deps.ts';

/** The schedule of the payouts, as wrangler.toml has it: hourly, so that a refused one is not left for a week. */
export const PAYOUTS_CRON = '20 * * * *';

/** Who brings services to their rate where no operator's call got to them. */
const JOB_CALLER = { id: 'system:payouts', roles: ['operator'] } as const;

const gateways = new WeakMap<Services, PayoutGateway>();

/** For payouts. */
export function payoutDeps(services: Services): PayoutDeps {
  const { clock, log, ids, databases } = services;
  const catalogue = catalogueDeps(services);
  return {
    clock,
    log,
    ids,
    catalogue: (region) => catalogue.catalogue(region),
    gateway: gatewayOf(services),
    payouts: (region) => new PayoutRepository(databases.of(region)),
    ledger: (region) => ledgerOf(services, region),
    statements: (region) => new ProviderStatementRepository(databases.of(region)),
  };
}

/** For the platform's commissions. */
export function commissionDeps(services: Services): CommissionDeps {
  const { clock, log, ids, objects, databases, settings } = services;
  const catalogue = catalogueDeps(services);
  return {
    clock,
    log,
    ids,
    objects,
    catalogue: (region) => catalogue.catalogue(region),
    configuredBps: settings.commissionBps,
    commissions: (region) => new CommissionRepository(databases.of(region)),
  };
}

/** One pass over what is due to providers; then the services that are not at their rate yet. */
export const runPayoutJob: RunJob = (_env, services, run) =>
  runJob(
    {
      jobs: new JobRepository(services.databases.of('global')),
      clock: services.clock,
      newRunId: () => crypto.randomUUID(),
    },
    {
      name: 'payouts',
      work: async () => {
        const report = await runPayouts(payoutDeps(services), run);
        const rated = await applyCommissions(commissionDeps(services), JOB_CALLER, {
          scope: 'global',
        });
        return { ...report, servicesRated: rated.changed };
      },
    },
  );

/** One per isolate: the SDK's client keeps its connections. */
function gatewayOf(services: Services): PayoutGateway {
  const known = gateways.get(services);
  if (known !== undefined) return known;
  const { apiUrl, secretKey, isLive } = services.settings.stripe;
  const gateway = createStripePayoutGateway({ apiUrl, secretKey, isLive });
  gateways.set(services, gateway);
  return gateway;
}
