/**
 * What is true in a hall over sockets: the shard's invariants while people come and go, and once everything is over the
 * processor's own books, every payment and every sum to the cent, from the witness that shares no code with the platform.
 */
import { expect } from 'vitest';
import { processorAccount } from '../../src/domain/ledger/entry.ts';
import type { BookRow } from '../support/processor-control.ts';
import {
  checkChain,
  checkClaims,
  checkEarned,
  checkExplained,
  checkFacts,
  checkFinished,
  checkMemory,
  checkRows,
} from './invariants.ts';
import type { WireWorld } from './wire-world.ts';

/** Minor units of one currency. */
export interface Sums {
  readonly captured: number;
  readonly refunded: number;
  readonly disputed: number;
}

/** At any moment: no slot is sold twice, and no booking is confirmed without its money. */
export function checkNow({ shop }: WireWorld): void {
  checkClaims(shop.shard);
  checkRows(shop.shard);
}

/** Once everything is over. Gives what the processor moved. */
export async function checkEnd(world: WireWorld): Promise<Sums> {
  const { shop } = world;
  checkNow(world);
  checkChain(shop.shard);
  checkMemory(shop.shard);
  checkFinished(shop.shard);
  checkEarned(shop.shard);
  checkExplained(shop.shard);
  checkFacts(shop.shard, await shop.facts());
  expect(world.inbox.unhandled()).toEqual([]);
  return checkBooks(world);
}

/** Captured, refunded and lost to disputes: the same in the books, in the shard and in the ledger. Gives the sums. */
async function checkBooks(world: WireWorld): Promise<Sums> {
  const rows = await world.wire.control.books();
  const pending = rows.filter(({ status }) => status === 'pending');
  expect(pending).toEqual([]);
  checkPayments(world, rows);
  const theirs = sumsOf(rows);
  const orphans = sumsOf(rows.filter(({ of }) => !isKnown(world, of)));
  expect(orphans).toEqual({ captured: orphans.captured, refunded: orphans.captured, disputed: 0 });
  const ours = shardSums(world);
  expect({
    captured: theirs.captured - orphans.captured,
    refunded: theirs.refunded - orphans.refunded,
    disputed: theirs.disputed,
  }).toEqual(ours);
  checkLedger(world, theirs);
  return theirs;
}

function sumsOf(rows: readonly BookRow[]): Sums {
  const sum = (kind: string): number =>
    rows
      .filter((row) => row.kind === kind && row.status === 'succeeded')
      .reduce((total, { amount }) => total + amount, 0);
  return { captured: sum('capture'), refunded: sum('refund'), disputed: sum('dispute') };
}

function isKnown({ shop }: WireWorld, ref: string | null): boolean {
  return shop.shard.sql.rows('SELECT 1 FROM payment WHERE ref = ?', ref).length > 0;
}

function shardSums({ shop }: WireWorld): Sums {
  const [row] = shop.shard.sql.rows(`
    SELECT coalesce(sum(captured_minor), 0) AS captured, coalesce(sum(refunded_minor), 0) AS refunded,
      coalesce(sum(lost_minor), 0) AS disputed FROM payment`);
  return {
    captured: Number(row?.['captured']),
    refunded: Number(row?.['refunded']),
    disputed: Number(row?.['disputed']),
  };
}

/** Payment by payment, so that two differences cannot hide each other. */
function checkPayments({ shop }: WireWorld, rows: readonly BookRow[]): void {
  const byRef = Map.groupBy(rows, ({ of }) => of);
  const payments = shop.shard.sql.rows('SELECT * FROM payment WHERE ref IS NOT NULL');
  for (const payment of payments) {
    const ref = String(payment['ref']);
    expect({ ref, ...sumsOf(byRef.get(ref) ?? []) }).toEqual({
      ref,
      captured: payment['captured_minor'],
      refunded: payment['refunded_minor'],
      disputed: payment['lost_minor'],
    });
  }
}

/** Every entry sums to zero, nothing is unmatched, and the processor's account holds what the processor holds. */
function checkLedger({ money, processor }: WireWorld, theirs: Sums): void {
  const { entries, unmatched } = money.global;
  expect(unmatched).toEqual([]);
  let fees = 0;
  for (const { kind, postings } of entries.values()) {
    expect(postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0)).toBe(0);
    if (kind !== 'fee') continue;
    for (const { account, amountMinor } of postings)
      if (account === processorAccount(processor)) fees -= amountMinor;
  }
  const balance = money.global.balance(processorAccount(processor));
  expect(balance).toBe(theirs.captured - theirs.refunded - theirs.disputed - fees);
}
