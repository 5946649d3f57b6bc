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
import type { Recovery, StatedLine } from '../../src/domain/payout/recovery.ts';

/** Payouts of one region. */
export class MemoryPayouts implements PayoutStore {
  readonly payouts = new Map<string, Payout>();
  readonly moves: (PayoutMove & { readonly id: string; readonly to: string })[] = [];
  readonly #accounts = new Map<string, PayoutAccount>();
  readonly #settings = new Map<string, PayoutSettings>();
  readonly recoveries = new Map<string, Recovery>();
  readonly #ledger: MemoryLedger;
  /** Which payout states an entry. */
  readonly #lines = new Map<string, string>();

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
  }

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
    for (const { id } of this.#ledger.counted(payout)) {
      if (!this.#lines.has(id)) this.#lines.set(id, payout.id);
    }
    return Promise.resolve(true);
  }

  save(
    payout: Payout,
    move: PayoutMove | null,
    recovery: Recovery | null = null,
  ): Promise<boolean> {
    if (this.payouts.get(payout.id)?.version !== payout.version - 1) return Promise.resolve(false);
    this.payouts.set(payout.id, payout);
    if (recovery !== null) this.recoveries.set(recovery.id, recovery);
    if (payout.state === 'failed' || payout.state === 'cancelled') {
      for (const [id, payoutId] of this.#lines) if (payoutId === payout.id) this.#lines.delete(id);
    }
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

  unsettled(query: { nowMs: number; afterId: string; limit: number }): Promise<Payout[]> {
    const due = [...this.payouts.values()].filter(
      ({ id, nextAttemptAtMs, leaseUntilMs }) =>
        id > query.afterId && nextAttemptAtMs !== null && leaseUntilMs <= query.nowMs,
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

  isReversing(providerId: string, currency: string): Promise<boolean> {
    const payouts = this.#of(providerId, currency);
    return Promise.resolve(payouts.some((payout) => payout.reversalTargetMinor !== null));
  }

  recovery(id: string): Promise<Recovery | null> {
    return Promise.resolve(this.recoveries.get(id) ?? null);
  }

  openRecoveries({
    after,
    limit,
  }: {
    after: { providerId: string; id: string };
    limit: number;
  }): Promise<Recovery[]> {
    const open = [...this.recoveries.values()].filter(
      (recovery) => recovery.state === 'open' && keyOf(recovery) > keyOf(after),
    );
    return Promise.resolve(open.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).slice(0, limit));
  }

  carryRecovery(recovery: Recovery): Promise<boolean> {
    if (this.recoveries.get(recovery.id)?.state !== 'open') return Promise.resolve(false);
    this.recoveries.set(recovery.id, recovery);
    return Promise.resolve(true);
  }

  statedOf({
    bookingId,
    providerId,
  }: Pick<Recovery, 'bookingId' | 'providerId'>): Promise<StatedLine[]> {
    return Promise.resolve(
      this.#ledger.linesOf(bookingId, providerId).map(({ id, amountMinor }) => {
        const payout = this.payouts.get(this.#lines.get(id) ?? '');
        if (payout === undefined) return { amountMinor, payout: null };
        const leftMinor = payout.amountMinor - payout.reversedMinor;
        return {
          amountMinor,
          payout: { id: payout.id, state: payout.state, method: payout.method, leftMinor },
        };
      }),
    );
  }

  /** Whether a payout states an entry. */
  isStated(entryId: string): boolean {
    return this.#lines.has(entryId);
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
  readonly #byAccount = new Map<string, Line[]>();
  /** What the next write does instead of working. */
  postFails = false;

  post(transactions: readonly LedgerTransaction[]): Promise<void> {
    if (this.postFails) return Promise.reject(new Error('the ledger is down'));
    for (const entry of transactions) {
      const sumMinor = entry.postings.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
      if (sumMinor !== 0) throw new Error(`${entry.id} is not balanced`);
      if (this.entries.has(entry.id)) continue;
      this.entries.set(entry.id, entry);
      for (const { account, amountMinor } of entry.postings) {
        const lines = this.#byAccount.get(account) ?? [];
        lines.push({ entry, amountMinor: -amountMinor });
        this.#byAccount.set(account, lines);
      }
    }
    return Promise.resolve();
  }

  payable(query: {
    providerId: string;
    currency: string;
    availableUntilMs: number;
  }): Promise<number> {
    const minors = this.counted(query).map(({ amountMinor }) => amountMinor);
    return Promise.resolve(minors.reduce((sum, minor) => sum + minor, 0));
  }

  /** What a payout is made of; positive where it is owed to the provider. */
  counted(query: {
    providerId: string;
    currency: string;
    availableUntilMs: number;
  }): { id: string; amountMinor: number }[] {
    return this.#lines(query.providerId).flatMap(({ entry, amountMinor }) => {
      const { id, kind, availableFromMs } = entry;
      const isCharge = amountMinor < 0 && kind !== 'refund' && kind !== 'dispute';
      if (entry.currency !== query.currency) return [];
      return isCharge || availableFromMs <= query.availableUntilMs ? [{ id, amountMinor }] : [];
    });
  }

  /** What it has of a booking on the provider's account. */
  linesOf(bookingId: string, providerId: string): { id: string; amountMinor: number }[] {
    return this.#lines(providerId).flatMap(({ entry, amountMinor }) =>
      entry.bookingId === bookingId ? [{ id: entry.id, amountMinor }] : [],
    );
  }

  /** Everything that is owed, whenever it is available. */
  owed(providerId: string, currency: string): number {
    return this.#lines(providerId)
      .filter(({ entry }) => entry.currency === currency)
      .reduce((sum, { amountMinor }) => sum + amountMinor, 0);
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

  #lines(providerId: string): readonly Line[] {
    return this.#byAccount.get(`provider:${providerId}`) ?? [];
  }
}

/** One side of an entry; positive where it is owed to the account. */
interface Line {
  readonly entry: LedgerTransaction;
  readonly amountMinor: number;
}

function keyOf({ providerId, id }: { providerId: string; id: string }): string {
  return `${providerId} ${id}`;
}
