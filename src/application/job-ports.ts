/** What a background job needs of storage: to be alone, and to leave a report. */
import type { Json } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';

/** One run of a job. */
export interface JobRun {
  readonly id: string;
  readonly name: string;
  readonly status: 'running' | 'done' | 'failed';
  readonly startedAtMs: EpochMs;
  readonly finishedAtMs: EpochMs | null;
  readonly report: Json | null;
}

/** Jobs; all in the global database. */
export interface JobStore {
  /** Takes the lease and records the run; false when another run holds it. */
  begin(run: {
    readonly id: string;
    readonly name: string;
    readonly nowMs: EpochMs;
    readonly leaseUntilMs: EpochMs;
  }): Promise<boolean>;
  /** Records the outcome and gives the lease back. */
  finish(run: {
    readonly id: string;
    readonly name: string;
    readonly status: 'done' | 'failed';
    readonly nowMs: EpochMs;
    readonly report: Json;
  }): Promise<void>;
  /** The runs of a job, newest first. */
  latest(name: string, limit: number): Promise<JobRun[]>;
}
