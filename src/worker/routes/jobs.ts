/** Operators' runs of background jobs: the same work that the crons do, without waiting for ages and back-off. */
import { z } from '@hono/zod-openapi';
import { jsonSchema } from '../../contracts/http/common.ts';
import { runSlotsJob } from '../availability-deps.ts';
import { runReconciliation, runRenewalJob, type RunJob } from '../background.ts';
import type { App } from '../context.ts';
import { runPayoutJob } from '../payout-deps.ts';
import { refusalResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';

/** The jobs by the name in their address. */
const JOBS: ReadonlyMap<string, RunJob> = new Map([
  ['reconciliation', runReconciliation],
  ['renewals', runRenewalJob],
  ['payouts', runPayoutJob],
  ['slots', runSlotsJob],
]);

const runSchema = z
  .strictObject({
    status: z.enum(['done', 'already_running']),
    job: z.string(),
    report: jsonSchema.optional(),
  })
  .openapi('JobRun');

const runJob = defineRoute({
  method: 'post',
  path: '/v1/ops/jobs/{job}/run',
  tag: 'Operators',
  summary: 'Run a background job now',
  access: ['operator'],
  key: 'none',
  params: z.object({ job: z.string() }),
  answers: { 200: { description: 'What the run found and did.', schema: runSchema } },
  refusals: ['not_found'],
});

/** Mounts the operators' job routes. */
export function registerJobs(app: App): void {
  app.openapi(runJob, async (c) => {
    const run = JOBS.get(c.req.valid('param').job);
    if (run === undefined) {
      return refusalResponse(c, { code: 'not_found', detail: 'There is no such job.' });
    }
    return c.json(await run(c.env, c.get('services'), { byHand: true }), 200);
  });
}
