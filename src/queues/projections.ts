/**
 * Brings the read model of a shard up to date. The shard answers present truth for a stretch of its chain, rows carry
 * versions, and the cursor only moves forward: repeated, late and concurrent messages end in the same state.
 * Called by the queue dispatcher.
 */
import type { ProjectionBatch, StreamName, StreamQuery } from '../contracts/shard-streams.ts';
import type { StreamProgress } from './audit.ts';

/** Links per step: one RPC and one batch of D1. */
const PAGE_LENGTH = 500;

/** Steps per message, far below D1's queries per invocation; what is left follows with the shard's next message. */
const STEPS_MAX = 100;

/** What the consumer needs; functions, so that its order of steps can be tested without a platform. */
export interface ProjectionDeps {
  /** How far the read model has the shard. */
  appliedSeq(shardKey: string): Promise<number>;
  readProjection(shardKey: string, query: StreamQuery): Promise<ProjectionBatch>;
  /** Rows and cursor in one transaction. */
  apply(batch: ProjectionBatch): Promise<void>;
  /** Tells the shard how far the stream is applied; answers its head. */
  acknowledge(
    shardKey: string,
    stream: StreamName,
    applied: { seq: number; goesOn: boolean },
  ): Promise<number>;
}

/** Applies until the head is reached or the step limit met. Errors: whatever D1 or the shard throw. */
export async function advanceProjection(
  deps: ProjectionDeps,
  shardKey: string,
): Promise<StreamProgress> {
  let applied = await deps.appliedSeq(shardKey);
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const batch = await deps.readProjection(shardKey, { afterSeq: applied, limit: PAGE_LENGTH });
    if (batch.throughSeq > applied) {
      await deps.apply(batch);
      applied = batch.throughSeq;
    }
    // What came while this message was handled is the next one's: chasing a busy shard would be a commit per event.
    const goesOn = batch.headSeq > applied && step + 1 < STEPS_MAX;
    const head = await deps.acknowledge(shardKey, 'projection', { seq: applied, goesOn });
    if (!goesOn) return { appliedSeq: applied, isAtHead: head <= applied };
  }
  return { appliedSeq: applied, isAtHead: false };
}
