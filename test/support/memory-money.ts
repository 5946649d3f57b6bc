/**
 * The ledger and what is compared with it in memory, for tests on Node: entries come once and balanced, sums are made of
 * them. The same behaviours run over D1 in test/integration/ledger.test.ts.
 */
import type { BankMovement } from '../../src/application/bank-ports.ts';
import type {
  Comparison,
  KnownUnmatched,
  MoneyStore,
  PaymentBooks,
  ProcessorSums,
  TouchedPayment,
} from '../../src/application/ledger-money-ports.ts';
import { balanced, processorAccount, type LedgerEntry } from '../../src/domain/ledger/entry.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import type { LedgerTransaction } from '../../src/application/ledger-ports.ts';

export class MemoryMoney implements MoneyStore {
  readonly entries = new Map<string, LedgerEntry>();
  /** How far each shard is posted. */
  readonly applied = new Map<string, number>();
  readonly #unmatched = new Map<string, KnownUnmatched>();

  async post(entries: readonly (LedgerTransaction & Partial<LedgerEntry>)[]): Promise<void> {
    for (const entry of entries) {
      balanced(entry.postings);
      if (!this.entries.has(entry.id)) this.entries.set(entry.id, { paymentRef: null, ...entry });
    }
  }

  async appliedSeq(shardKey: string): Promise<number> {
    return this.applied.get(shardKey) ?? 0;
  }

  async apply(
    batch: { readonly shardKey: string; readonly throughSeq: number },
    entries: readonly LedgerEntry[],
  ): Promise<void> {
    await this.post(entries);
    const before = this.applied.get(batch.shardKey) ?? 0;
    this.applied.set(batch.shardKey, Math.max(before, batch.throughSeq));
  }

  /** What an account holds, over all currencies. */
  balance(account: string): number {
    return [...this.entries.values()]
      .flatMap(({ postings }) => postings)
      .filter((line) => line.account === account)
      .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
  }

  get unmatched(): readonly KnownUnmatched[] {
    return [...this.#unmatched.values()];
  }

  async booksOf(processor: Processor, refs: readonly string[]): Promise<PaymentBooks[]> {
    return refs.flatMap((ref) => {
      const own = [...this.entries.values()].filter(
        (entry) => entry.processor === processor && entry.paymentRef === ref,
      );
      const [first] = own;
      if (first === undefined) return [];
      const moved = (...kinds: string[]) =>
        own
          .filter(({ kind }) => kinds.includes(kind))
          .flatMap(({ postings }) => postings)
          .filter(({ account }) => account === processorAccount(processor))
          .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
      return [
        {
          ref,
          currency: first.currency,
          capturedMinor: moved('capture'),
          refundedMinor: 0 - moved('refund', 'refund_failed'),
          hasFee: own.some(({ kind }) => kind === 'fee'),
        },
      ];
    });
  }

  async touchedSince(query: {
    processor: Processor;
    sinceMs: number;
    limit: number;
  }): Promise<TouchedPayment[]> {
    const touched = [...this.entries.values()]
      .filter(({ processor, atMs }) => processor === query.processor && atMs >= query.sinceMs)
      .flatMap(({ paymentRef, bookingId, subscriptionId }) =>
        paymentRef === null ? [] : [{ ref: paymentRef, bookingId, subscriptionId }],
      );
    return [...new Map(touched.map((row) => [row.ref, row])).values()].slice(0, query.limit);
  }

  async recordComparison({ processor, refs, unmatched, nowMs }: Comparison): Promise<void> {
    const before = new Map(this.#unmatched);
    for (const [key, row] of before)
      if (row.processor === processor && refs.includes(row.ref)) this.#unmatched.delete(key);
    for (const row of unmatched) {
      const key = `${processor} ${row.ref} ${row.kind}`;
      const firstSeenAtMs = before.get(key)?.firstSeenAtMs ?? nowMs;
      this.#unmatched.set(key, { ...row, firstSeenAtMs, lastSeenAtMs: nowMs });
    }
  }

  async unmatchedOf(processor: Processor, limit: number): Promise<KnownUnmatched[]> {
    return this.unmatched.filter((row) => row.processor === processor).slice(0, limit);
  }

  async unmatchedSums(): Promise<
    { processor: Processor; currency: string; amountMinor: number; count: number }[]
  > {
    return this.unmatched
      .filter(({ isCounted }) => isCounted)
      .map(({ processor, currency, ourMinor, theirMinor }) => {
        const amountMinor = Math.abs(ourMinor - theirMinor);
        return { processor, currency, amountMinor, count: 1 };
      });
  }

  async bankMovements(): Promise<BankMovement[]> {
    return [];
  }

  async sums(): Promise<ProcessorSums[]> {
    return [];
  }

  async sumsByDay(): Promise<(ProcessorSums & { dayAtMs: number })[]> {
    return [];
  }
}
