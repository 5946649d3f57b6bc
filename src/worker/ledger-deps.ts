/** Joins the use cases of money to this isolate's services: which ledger serves which region. Decides nothing. */
import type { BankDeps } from '../application/bank-statements.ts';
import type { MoneyDeps } from '../application/ledger-advance.ts';
import type { ReadMoneyDeps } from '../application/read-money.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import { BankRepository } from '../storage/d1/bank-repository.ts';
import { LedgerRepository } from '../storage/d1/ledger-repository.ts';
import { MoneyRepository } from '../storage/d1/money-repository.ts';
import type { Services } from './context.ts';

/** The entries of a region. */
export function ledgerOf({ databases }: Services, region: DataRegion): LedgerRepository {
  return new LedgerRepository(databases.of(region));
}

/** The sums of a region, and where they differ from a processor's. */
export function moneyOf({ databases }: Services, region: DataRegion): MoneyRepository {
  return new MoneyRepository(databases.of(region));
}

/** For posting what the shards tell. */
export function moneyDeps(services: Services): MoneyDeps {
  const { objects } = services;
  const ledger = (shardKey: string) => ledgerOf(services, regionOf(shardKey));
  return {
    appliedSeq: (shardKey) => ledger(shardKey).appliedSeq(shardKey),
    readMoney: (shardKey, query) => objects.shard(shardKey).readMoney(query),
    apply: (batch, entries, recoveries) => ledger(batch.shardKey).apply(batch, entries, recoveries),
    acknowledge: (shardKey, stream, applied) =>
      objects.shard(shardKey).acknowledge(stream, applied),
  };
}

/** For what operators see of money. */
export function readMoneyDeps(services: Services) {
  return {
    money: (region: DataRegion) => moneyOf(services, region),
    ledger: (region: DataRegion) => ledgerOf(services, region),
  } satisfies ReadMoneyDeps;
}

/** For statements of the bank: all of them are in the global database. */
export function bankDeps(services: Services): BankDeps {
  const { clock, digest, databases } = services;
  return {
    ...readMoneyDeps(services),
    clock,
    digest,
    bank: new BankRepository(databases.of('global')),
  };
}
