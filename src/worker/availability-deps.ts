/**
 * Joins the use cases of availability to this isolate's services, and runs the job that fills booking windows. Decides
 * nothing. Called by the routes, the cron and the operators' `jobs/slots/run`.
 */
import type { AvailabilityDeps } from '../application/availability/availability-deps.ts';
import { fillWindows } from '../application/availability/fill-windows.ts';
import { runJob } from '../application/run-job.ts';
import { platformZones } from '../platform/calendar.ts';
import { platformRecurrence } from '../platform/recurrence.ts';
import { JobRepository } from '../storage/d1/job-repository.ts';
import { RuleRepository } from '../storage/d1/rule-repository.ts';
import type { RunJob } from './background.ts';
import type { Services } from './context.ts';
import { catalogueDeps } from './use-case-deps.ts';

/** The schedule of the job, as wrangler.toml has it: a new rule is for sale within the hour. */
export const SLOTS_CRON = '40 * * * *';

/** For availability. */
export function availabilityDeps(services: Services): AvailabilityDeps {
  const { clock, ids, log, objects, databases } = services;
  const catalogue = catalogueDeps(services);
  return {
    clock,
    ids,
    log,
    objects,
    catalogue: (region) => catalogue.catalogue(region),
    calendars: { recurrence: platformRecurrence, zones: platformZones },
    rules: (region) => new RuleRepository(databases.of(region)),
  };
}

/** One pass over the windows that are due. */
export const runSlotsJob: RunJob = (_env, services, run) =>
  runJob(
    {
      jobs: new JobRepository(services.databases.of('global')),
      clock: services.clock,
      newRunId: () => crypto.randomUUID(),
    },
    {
      name: 'slots',
      work: async () => ({ ...(await fillWindows(availabilityDeps(services), run)) }),
    },
  );
