/** Providers with earnings, a processor that pays out and the run of payouts, in memory. */
import type { LedgerTransaction } from '../../src/application/ledger-ports.ts';
import type { ProviderRecord } from '../../src/application/catalogue-ports.ts';
import type { PayoutDeps } from '../../src/application/payouts/payout-ports.ts';
import { runPayouts, type PayoutsReport } from '../../src/application/payouts/run-payouts.ts';
import type { Logger, PayoutGateway } from '../../src/application/ports.ts';
import { entriesOfBooking, type MovedMoney } from '../../src/domain/ledger/booking-money.ts';
import { recoveriesOf } from '../../src/domain/payout/recovery.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { FakeClock, seededEntropy } from '../support/fake-clock.ts';
import { FakePayoutGateway } from '../support/fake-payout-gateway.ts';
import { MemoryLedger, MemoryPayouts } from '../support/memory-payouts.ts';

/** A Monday, a payout day of whoever has set nothing else. */
export const MONDAY_MS = Date.parse('2026-11-23T00:30:00Z');

const SILENT: Logger = { info: () => {}, warn: () => {}, error: () => {} };

/** Worlds that share a processor must not share ids. */
let worlds = 0;

/** One region, and an empty one beside it. */
export class PayoutWorld {
  readonly clock = new FakeClock(MONDAY_MS);
  readonly gateway = new FakePayoutGateway();
  readonly ledger = new MemoryLedger();
  readonly store = new MemoryPayouts(this.ledger);
  readonly ids = createIdCodec('x'.repeat(32), seededEntropy((worlds += 1)));
  readonly ownerId = this.ids.mintInRegion('usr', 'global');
  readonly deps: PayoutDeps;
  readonly #records = new Map<string, ProviderRecord>();
  #entries = 0;

  /** `gateway` takes the place of the one in memory. */
  constructor(gateway?: PayoutGateway) {
    const ledger = new MemoryLedger();
    const elsewhere = { store: new MemoryPayouts(ledger), ledger };
    const providers = {
      byId: (id: string) => Promise.resolve(this.#records.get(id) ?? null),
      isOwner: (_id: string, userId: string) => Promise.resolve(userId === this.ownerId),
    };
    this.deps = {
      clock: this.clock,
      log: SILENT,
      ids: this.ids,
      gateway: gateway ?? this.gateway,
      payouts: (region) => (region === 'eu' ? elsewhere.store : this.store),
      ledger: (region) => (region === 'eu' ? elsewhere.ledger : this.ledger),
      statements: () => {
        throw new Error('nobody reads statements here');
      },
      catalogue: () => ({ providers }) as unknown as ReturnType<PayoutDeps['catalogue']>,
    };
  }

  /** A provider, with an account at the processor that is ready unless it says otherwise. */
  async provider(
    account: 'ready' | 'pending' | 'none' = 'ready',
    currency = 'usd',
  ): Promise<string> {
    const id = this.ids.mintInRegion('prv', 'global');
    this.#records.set(id, {
      id,
      name: 'Club',
      currency,
      timeZone: 'UTC',
      region: null,
      dataRegion: 'global',
      commissionBps: null,
      shardKey: 'gclub0000',
      active: true,
      createdAtMs: 0,
    });
    if (account === 'none') return id;
    const ref = `acct_${id}`;
    const isReady = account === 'ready';
    this.gateway.accounts.set(ref, { isReady, country: 'US' });
    await this.store.saveAccount({
      providerId: id,
      processor: 'stripe',
      ref,
      country: 'US',
      keySeq: 1,
      isReady,
      missing: [],
      checkedAtMs: 0,
    });
    return id;
  }

  /** Earnings that are available from an instant on; negative takes away. */
  async earn(
    providerId: string,
    amountMinor: number,
    { availableFromMs = 0, currency = 'usd' }: { availableFromMs?: number; currency?: string } = {},
  ): Promise<void> {
    this.#entries += 1;
    const entry: LedgerTransaction = {
      id: `entry:${this.#entries}`,
      kind: amountMinor > 0 ? 'capture' : 'dispute',
      currency,
      postings: [
        { account: 'processor:stripe', amountMinor },
        { account: `provider:${providerId}`, amountMinor: -amountMinor },
      ],
      processor: 'stripe',
      processorRef: null,
      bookingId: null,
      subscriptionId: null,
      providerId,
      payoutId: null,
      atMs: this.clock.nowMs(),
      availableFromMs,
    };
    await this.ledger.post([entry]);
  }

  /** What a shard tells of a booking's money, as the ledger's consumer posts it. */
  async tell(
    told: Pick<MovedMoney, 'kind' | 'bookingId' | 'providerId' | 'amountMinor'> &
      Partial<MovedMoney>,
  ): Promise<void> {
    this.#entries += 1;
    const fact: MovedMoney = {
      eventId: `evt_${this.#entries}`,
      processor: 'stripe',
      processorRef: `pi_${told.bookingId}`,
      entityRef: null,
      currency: 'usd',
      feeMinor: null,
      isEarned: true,
      commissionMinor: told.amountMinor / 10,
      taxMinor: 0,
      serviceEndsAtMs: 0,
      atMs: this.clock.nowMs(),
      ...told,
    };
    await this.ledger.post(entriesOfBooking(fact));
    for (const recovery of recoveriesOf(fact)) this.store.recoveries.set(recovery.id, recovery);
  }

  run(byHand = false): Promise<PayoutsReport> {
    return runPayouts(this.deps, { byHand });
  }

  /** States of a provider's payouts, oldest first. */
  states(providerId: string): string[] {
    return [...this.store.payouts.values()]
      .filter((payout) => payout.providerId === providerId)
      .map(({ state }) => state);
  }
}
