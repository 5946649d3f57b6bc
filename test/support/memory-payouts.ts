/**
 * Payouts, their accounts and a ledger in memory, under the rules that the database keeps: one version after the other, one
 * live payout per currency, one per period, each entry once and balanced. For tests on Node.
 */
import type { LedgerStore, LedgerTransaction } from '../../src/application/ledger-ports.ts';
import type {
  PayoutAccount,
  PayoutMove,
  PayoutStore,
} from '../../src/application/payouts/payout-ports.ts';
import { LIVE_PAYOUT_STATES } from '../../src/domain/payout/payout-machine.ts';
import type { Payout, PayoutSettings } from '../../src/domain/payout/payout.ts';

/** Payouts of one region. */
export class MemoryPayouts implements PayoutStore {
  readonly payouts = new Map<string, Payout>();
  readonly moves: (PayoutMove & { readonly id: string; readonly to: string })[] = [];
  readonly #accounts = new Map<string, PayoutAccount>();
  readonly #settings = new Map<string, PayoutSettings>();

  insert(payout: Payout, move: PayoutMove): Promise<boolean> {
    const others = this.#of(payout.providerId, payout.currency);
    const isTaken = others.some(
      ({ id, state, period }) =>
        id === payout.id ||
        LIVE_PAYOUT_STATES.has(state) ||
        (period === payout.period && state === 'completed'),
    );
    if (isTaken) return Promise.resolve(false);
    this.payouts.set(payout.id, payout);
    this.moves.push({ ...move, id: payout.id, to: payout.state });
    return Promise.resolve(true);
  }

  save(payout: Payout, move: PayoutMove | null): Promise<boolean> {
    if (this.payouts.get(payout.id)?.version !== payout.version - 1) return Promise.resolve(false);
    this.payouts.set(payout.id, payout);
    if (move !== null) this.moves.push({ ...move, id: payout.id, to: payout.state });
    return Promise.resolve(true);
  }

  byId(id: string): Promise<Payout | null> {
    return Promise.resolve(this.payouts.get(id) ?? null);
  }

  live(providerId: string, currency: string): Promise<Payout | null> {
    const live = this.#of(providerId, currency).find(({ state }) => LIVE_PAYOUT_STATES.has(state));
    return Promise.resolve(live ?? null);
  }

  ofPeriod(period: { providerId: string; currency: string; name: string }): Promise<Payout[]> {
    const payouts = this.#of(period.providerId, period.currency);
    return Promise.resolve(payouts.filter((payout) => payout.period === period.name));
  }

  latest(providerId: string, currency: string): Promise<Payout | null> {
    return Promise.resolve(this.#of(providerId, currency).at(-1) ?? null);
  }

  due(query: {
    dueUntilMs: number;
    nowMs: number;
    afterId: string;
    limit: number;
  }): Promise<Payout[]> {
    const due = [...this.payouts.values()].filter(
      ({ id, nextAttemptAtMs, leaseUntilMs }) =>
        id > query.afterId &&
        nextAttemptAtMs !== null &&
        nextAttemptAtMs <= query.dueUntilMs &&
        leaseUntilMs <= query.nowMs,
    );
    return Promise.resolve(due.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, query.limit));
  }

  list(query: { providerId: string; limit: number }): Promise<Payout[]> {
    const payouts = [...this.payouts.values()].filter(
      ({ providerId }) => providerId === query.providerId,
    );
    return Promise.resolve(payouts.toReversed().slice(0, query.limit));
  }

  manualOf(query: { period: string; afterId: string; limit: number }): Promise<Payout[]> {
    const payouts = [...this.payouts.values()].filter(
      ({ id, period, method }) =>
        id > query.afterId && period === query.period && method === 'manual',
    );
    return Promise.resolve(payouts.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  }

  account(providerId: string): Promise<PayoutAccount | null> {
    return Promise.resolve(this.#accounts.get(providerId) ?? null);
  }

  saveAccount(account: PayoutAccount): Promise<void> {
    this.#accounts.set(account.providerId, account);
    return Promise.resolve();
  }

  settings(providerId: string): Promise<PayoutSettings | null> {
    return Promise.resolve(this.#settings.get(providerId) ?? null);
  }

  saveSettings(providerId: string, settings: PayoutSettings): Promise<void> {
    this.#settings.set(providerId, settings);
    return Promise.resolve();
  }

  #of(providerId: string, currency: string): Payout[] {
    return [...this.payouts.values()]
      .filter((payout) => payout.providerId === providerId && payout.currency === currency)
      .toSorted((a, b) =>
        a.period < b.period ? -1 : a.period > b.period ? 1 : a.sequence - b.sequence,
      );
  }
}

/** The ledger of one region, as far as payouts know it. */
export class MemoryLedger implements Pick<
  LedgerStore,
  'post' | 'payable' | 'providersWithBalance'
> {
  readonly entries = new Map<string, LedgerTransaction>();
  /** What the next write does instead of working. */
  postFails = false;

  post(transactions: readonly LedgerTransaction[]): Promise<void> {
    if (this.postFails) return Promise.reject(new Error('the ledger is down'));
    for (const entry of transactions) {
      const sumMinor = entry.postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
      if (sumMinor !== 0) throw new Error(`${entry.id} is not balanced`);
      if (!this.entries.has(entry.id)) this.entries.set(entry.id, entry);
    }
    return Promise.resolve();
  }

  payable(query: {
    providerId: string;
    currency: string;
    availableUntilMs: number;
  }): Promise<number> {
    return Promise.resolve(
      this.#sum(
        query,
        (entry, minor) => minor > 0 || entry.availableFromMs <= query.availableUntilMs,
      ),
    );
  }

  /** Everything that is owed, whenever it is available. */
  owed(providerId: string, currency: string): number {
    return this.#sum({ providerId, currency }, () => true);
  }

  providersWithBalance(
    afterProviderId: string,
    limit: number,
  ): Promise<{ providerId: string; currency: string }[]> {
    const found = new Map<string, { providerId: string; currency: string }>();
    for (const { providerId, currency } of this.entries.values()) {
      if (providerId === null || providerId <= afterProviderId) continue;
      if (this.owed(providerId, currency) === 0) continue;
      found.set(`${providerId} ${currency}`, { providerId, currency });
    }
    const sorted = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, claim]) => claim);
    return Promise.resolve(sorted.slice(0, limit));
  }

  #sum(
    { providerId, currency }: { providerId: string; currency: string },
    counts: (entry: LedgerTransaction, minor: number) => boolean,
  ): number {
    let sumMinor = 0;
    for (const entry of this.entries.values()) {
      if (entry.currency !== currency) continue;
      for (const { account, amountMinor } of entry.postings) {
        if (account !== `provider:${providerId}` || !counts(entry, amountMinor)) continue;
        sumMinor -= amountMinor;
      }
    }
    return sumMinor;
  }
}
