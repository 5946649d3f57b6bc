/** A background job: alone by a lease, with a report that stays. The crons and the operators' calls are the same run. */
import { errorText } from '../domain/assert.ts';
import type { Json } from '../domain/result.ts';
import { MINUTE_MS } from '../domain/time.ts';
import type { JobStore } from './job-ports.ts';
import type { Clock } from './ports.ts';

/** How long a run may take before another may start: longer than a cron's own limit of 15 minutes. */
const JOB_LEASE_MS = 16 * MINUTE_MS;

/** What a run came to. */
export type JobOutcome =
  | { readonly status: 'done'; readonly job: string; readonly report: Json }
  | { readonly status: 'already_running'; readonly job: string };

/** Runs the work under the job's lease. Throws what the work throws, after recording it. */
export async function runJob(
  ports: { jobs: JobStore; clock: Clock; newRunId: () => string },
  job: { name: string; work: () => Promise<Json> },
): Promise<JobOutcome> {
  const id = ports.newRunId();
  const nowMs = ports.clock.nowMs();
  const isMine = await ports.jobs.begin({
    id,
    name: job.name,
    nowMs,
    leaseUntilMs: nowMs + JOB_LEASE_MS,
  });
  if (!isMine) return { status: 'already_running', job: job.name };
  try {
    const report = await job.work();
    await ports.jobs.finish({
      id,
      name: job.name,
      status: 'done',
      nowMs: ports.clock.nowMs(),
      report,
    });
    return { status: 'done', job: job.name, report };
  } catch (error) {
    const report = { error: errorText(error) };
    await ports.jobs.finish({
      id,
      name: job.name,
      status: 'failed',
      nowMs: ports.clock.nowMs(),
      report,
    });
    throw error;
  }
}
