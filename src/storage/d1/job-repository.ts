/**
 * All SQL of job leases and runs. One statement takes a lease, so that of two runs that start together one is told no.
 * Callers: the crons and the operators' `jobs/{name}/run` calls.
 */
import { and, desc, eq, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { JobRun, JobStore } from '../../application/job-ports.ts';
import type { Json } from '../../domain/result.ts';
import type { EpochMs } from '../../domain/time.ts';
import { jobLease, jobRun } from './schema/job.ts';

/** Jobs of one database. */
export class JobRepository implements JobStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async begin(run: {
    readonly id: string;
    readonly name: string;
    readonly nowMs: EpochMs;
    readonly leaseUntilMs: EpochMs;
  }): Promise<boolean> {
    const { id, name, nowMs, leaseUntilMs } = run;
    const taken = await this.#orm
      .insert(jobLease)
      .values({ name, holder: id, leaseUntilMs })
      .onConflictDoUpdate({
        target: jobLease.name,
        set: { holder: id, leaseUntilMs },
        setWhere: sql`${jobLease.leaseUntilMs} <= ${nowMs}`,
      })
      .returning({ name: jobLease.name });
    if (taken.length === 0) return false;
    await this.#orm.insert(jobRun).values({ id, name, status: 'running', startedAtMs: nowMs });
    return true;
  }

  async finish(run: {
    readonly id: string;
    readonly name: string;
    readonly status: 'done' | 'failed';
    readonly nowMs: EpochMs;
    readonly report: Json;
  }): Promise<void> {
    await this.#orm.batch([
      this.#orm
        .update(jobRun)
        .set({ status: run.status, finishedAtMs: run.nowMs, report: run.report })
        .where(eq(jobRun.id, run.id)),
      this.#orm
        .delete(jobLease)
        .where(and(eq(jobLease.name, run.name), eq(jobLease.holder, run.id))),
    ]);
  }

  latest(name: string, limit: number): Promise<JobRun[]> {
    return this.#orm
      .select()
      .from(jobRun)
      .where(eq(jobRun.name, name))
      .orderBy(desc(jobRun.startedAtMs), desc(jobRun.id))
      .limit(limit);
  }
}
