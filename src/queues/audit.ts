/**
 * Copies a shard's hash chain to the audit trail. The message is a wake-up call: what to copy is decided by what the
 * trail already has, so that a repeated, late or concurrent message does no harm. The shard forgets nothing before
 * the trail has it. Called by the queue dispatcher.
 */
import type {
  AuditBatch,
  ChainEvent,
  StreamName,
  StreamQuery,
} from '../contracts/shard-streams.ts';

/** Links per step: one RPC and one batch of D1. */
const PAGE_LENGTH = 500;

/** Steps per message, far below D1's queries per invocation; what is left follows with the shard's next message. */
const STEPS_MAX = 100;

/** What the consumer needs; functions, so that its order of steps can be tested without a platform. */
export interface AuditDeps {
  /** How far the trail has the stream. */
  appliedSeq(shardKey: string): Promise<number>;
  readAudit(shardKey: string, query: StreamQuery): Promise<AuditBatch>;
  /** Rows and cursor in one transaction. Conflict: nothing was written, because the rows are not the next links. */
  append(shardKey: string, events: readonly ChainEvent[]): Promise<'applied' | 'conflict'>;
  /** Tells the shard how far the stream is applied; answers its head. */
  acknowledge(
    shardKey: string,
    stream: StreamName,
    applied: { seq: number; goesOn: boolean },
  ): Promise<number>;
}

/** Where a stream stands after a message. */
export interface StreamProgress {
  readonly appliedSeq: number;
  readonly isAtHead: boolean;
}

/** The shard's chain does not continue the trail: one of them was changed. A person must look. */
export class ChainForkError extends Error {
  override readonly name = 'ChainForkError';
}

/**
 * Copies until the head is reached or the step limit met.
 * Errors: ChainForkError where the shard's next link does not fit the trail, or the trail is ahead of the shard;
 * whatever D1 or the shard throw. The message is then retried, and ends as a dead letter.
 */
export async function advanceAudit(deps: AuditDeps, shardKey: string): Promise<StreamProgress> {
  let applied = await deps.appliedSeq(shardKey);
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const batch = await deps.readAudit(shardKey, { afterSeq: applied, limit: PAGE_LENGTH });
    if (batch.headSeq < applied) {
      throw new ChainForkError(`the trail of ${shardKey} is ahead of its shard at ${applied}`);
    }
    applied = await copyStep(deps, shardKey, { applied, events: batch.events });
    // What came while this message was handled is the next one's: chasing a busy shard would be a commit per event.
    const goesOn = batch.headSeq > applied && step + 1 < STEPS_MAX;
    const head = await deps.acknowledge(shardKey, 'audit', { seq: applied, goesOn });
    if (!goesOn) return { appliedSeq: applied, isAtHead: head <= applied };
  }
  return { appliedSeq: applied, isAtHead: false };
}

/** Appends one page and answers how far the trail is; a conflict counts as progress only if somebody else made it. */
async function copyStep(
  deps: AuditDeps,
  shardKey: string,
  page: { readonly applied: number; readonly events: readonly ChainEvent[] },
): Promise<number> {
  const last = page.events.at(-1);
  if (last === undefined) return page.applied;
  if ((await deps.append(shardKey, page.events)) === 'applied') return last.seq;
  const applied = await deps.appliedSeq(shardKey);
  if (applied > page.applied) return applied;
  throw new ChainForkError(`the chain of ${shardKey} does not continue its trail at ${applied}`);
}
