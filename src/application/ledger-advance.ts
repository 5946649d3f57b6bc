/**
 * Posts what a shard tells of its money. The shard answers facts for a stretch of its chain, each entry is posted once by
 * its id, and the cursor only moves forward: repeated, late and concurrent messages end in the same ledger.
 * Called for the queue's messages and by the reconciliation.
 */
import type { MoneyBatch, StreamName, StreamQuery } from '../contracts/shard-streams.ts';
import { entriesOfBooking } from '../domain/ledger/booking-money.ts';
import type { LedgerEntry } from '../domain/ledger/entry.ts';
import { recoveriesOf, type Recovery } from '../domain/payout/recovery.ts';

/** Facts per step: one RPC and one batch of D1. */
const PAGE_LENGTH = 500;

/** Steps per message; what is left follows with the shard's next message. */
const STEPS_MAX = 100;

/** What the consumer needs; functions, so that its order of steps can be tested without a platform. */
export interface MoneyDeps {
  /** How far the ledger has the shard. */
  appliedSeq(shardKey: string): Promise<number>;
  readMoney(shardKey: string, query: StreamQuery): Promise<MoneyBatch>;
  /** Entries, what is to be recovered from providers, and cursor in one transaction. */
  apply(
    batch: { readonly shardKey: string; readonly throughSeq: number },
    entries: readonly LedgerEntry[],
    recoveries: readonly Recovery[],
  ): Promise<void>;
  /** Tells the shard how far the stream is applied; answers its head. */
  acknowledge(
    shardKey: string,
    stream: StreamName,
    applied: { seq: number; goesOn: boolean },
  ): Promise<number>;
}

/** Where the ledger stands after a message. */
export interface MoneyProgress {
  readonly appliedSeq: number;
  readonly isAtHead: boolean;
}

/** Posts until the head is reached or the step limit met. Errors: whatever D1 or the shard throw. */
export async function advanceMoney(deps: MoneyDeps, shardKey: string): Promise<MoneyProgress> {
  let applied = await deps.appliedSeq(shardKey);
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const batch = await deps.readMoney(shardKey, { afterSeq: applied, limit: PAGE_LENGTH });
    if (batch.throughSeq > applied) {
      const entries = batch.facts.flatMap((fact) => entriesOfBooking(fact));
      const recoveries = batch.facts.flatMap((fact) => recoveriesOf(fact));
      await deps.apply({ shardKey, throughSeq: batch.throughSeq }, entries, recoveries);
      applied = batch.throughSeq;
    }
    const goesOn = batch.headSeq > applied && step + 1 < STEPS_MAX;
    const head = await deps.acknowledge(shardKey, 'money', { seq: applied, goesOn });
    if (!goesOn) return { appliedSeq: applied, isAtHead: head <= applied };
  }
  return { appliedSeq: applied, isAtHead: false };
}
