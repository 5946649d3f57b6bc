/**
 * A processor that pays out, in memory: one effect per key, faults that are stored under their key, and answers that are
 * lost before or after the effect. What it did is in its own books, which nothing of the product writes.
 */
import type {
  PayoutAccountView,
  PayoutGateway,
  PayoutReply,
  TransferView,
} from '../../src/application/ports.ts';
import type { Money } from '../../src/domain/money.ts';

/** What befalls the next call. `lost_after`: it had its effect, and nobody heard of it; `late`: it will have. */
export type PayoutFault =
  | 'none'
  | 'late'
  | 'lost_before'
  | 'lost_after'
  | 'fault'
  | 'unavailable'
  | 'misconfigured'
  | 'refused';

interface Transfer {
  readonly ref: string;
  readonly accountRef: string;
  readonly payoutId: string;
  readonly currency: string;
  readonly amountMinor: number;
  reversedMinor: number;
}

/** The processor. */
export class FakePayoutGateway implements PayoutGateway {
  readonly processor = 'stripe' as const;
  readonly transfers: Transfer[] = [];
  readonly accounts = new Map<string, { isReady: boolean; country: string }>();
  readonly calls: string[] = [];
  /** Decides each call's fate. */
  nextFault: (call: string) => PayoutFault = () => 'none';
  readonly #late: (() => void)[] = [];
  readonly #answers = new Map<string, PayoutReply<never> | { kind: 'done'; value: unknown }>();

  openAccount(request: {
    key: string;
    providerId: string;
    country: string;
  }): Promise<PayoutReply<PayoutAccountView>> {
    return this.#keyed('openAccount', request.key, () => {
      const ref = `acct_${this.accounts.size + 1}`;
      this.accounts.set(ref, { isReady: false, country: request.country });
      return { ref, isReady: false, missing: ['external_account'] };
    });
  }

  fetchAccount(ref: string): Promise<PayoutReply<PayoutAccountView>> {
    return this.#read('fetchAccount', () => {
      const account = this.accounts.get(ref);
      if (account === undefined) return null;
      return {
        ref,
        isReady: account.isReady,
        missing: account.isReady ? [] : ['external_account'],
      };
    });
  }

  onboardingLink({
    ref,
  }: {
    ref: string;
  }): Promise<PayoutReply<{ url: string; expiresAtMs: number }>> {
    return this.#read('onboardingLink', () => ({ url: `https://pay.test/${ref}`, expiresAtMs: 1 }));
  }

  transfer(request: {
    key: string;
    ref: string;
    amount: Money;
    payoutId: string;
  }): Promise<PayoutReply<TransferView>> {
    return this.#keyed('transfer', request.key, () => {
      const transfer: Transfer = {
        ref: `tr_${this.transfers.length + 1}`,
        accountRef: request.ref,
        payoutId: request.payoutId,
        currency: request.amount.currency,
        amountMinor: request.amount.amount,
        reversedMinor: 0,
      };
      this.transfers.push(transfer);
      return viewOf(transfer);
    });
  }

  findTransfer(payoutId: string): Promise<PayoutReply<TransferView>> {
    return this.#read('findTransfer', () => {
      const transfer = this.transfers.find((made) => made.payoutId === payoutId);
      return transfer === undefined ? null : viewOf(transfer);
    });
  }

  reverseTransfer(request: {
    key: string;
    transferRef: string;
    amountMinor: number;
  }): Promise<PayoutReply<TransferView>> {
    return this.#keyed('reverseTransfer', request.key, () => {
      const transfer = this.transfers.find(({ ref }) => ref === request.transferRef);
      if (transfer === undefined) throw new Error('there is no such transfer');
      transfer.reversedMinor += request.amountMinor;
      return viewOf(transfer);
    });
  }

  /** Calls that were on their way reach the processor. */
  arrive(): void {
    for (const effect of this.#late.splice(0)) effect();
  }

  /** What went to an account of its currency, less what came back. */
  movedMinor(accountRef: string, currency: string): number {
    return this.transfers
      .filter((made) => made.accountRef === accountRef && made.currency === currency)
      .reduce((sum, made) => sum + made.amountMinor - made.reversedMinor, 0);
  }

  #keyed<T>(call: string, key: string, effect: () => T): Promise<PayoutReply<T>> {
    this.calls.push(`${call} ${key}`);
    const fault = this.nextFault(call);
    if (fault === 'unavailable' || fault === 'misconfigured')
      return Promise.resolve({ kind: fault, reason: 'test' });
    if (fault === 'lost_before') return Promise.resolve({ kind: 'no_answer', reason: 'test' });
    const perform = (): void => {
      if (!this.#answers.has(key)) this.#answers.set(key, this.#answer(fault, effect));
    };
    if (fault === 'late') {
      this.#late.push(perform);
      return Promise.resolve({ kind: 'no_answer', reason: 'test' });
    }
    perform();
    if (fault === 'lost_after') return Promise.resolve({ kind: 'no_answer', reason: 'test' });
    return Promise.resolve(this.#answers.get(key) as PayoutReply<T>);
  }

  #answer<T>(fault: PayoutFault, effect: () => T) {
    if (fault === 'refused') return { kind: 'refused' as const, code: 'balance_insufficient' };
    if (fault === 'fault') return { kind: 'server_error' as const, reason: 'test' };
    return { kind: 'done' as const, value: effect() };
  }

  #read<T>(call: string, look: () => T | null): Promise<PayoutReply<T>> {
    this.calls.push(call);
    const fault = this.nextFault(call);
    if (fault === 'none') {
      const value = look();
      return Promise.resolve(value === null ? { kind: 'missing' } : { kind: 'done', value });
    }
    if (fault === 'fault') return Promise.resolve({ kind: 'server_error', reason: 'test' });
    return Promise.resolve({ kind: 'no_answer', reason: 'test' });
  }
}

function viewOf({ ref, amountMinor, reversedMinor }: Transfer): TransferView {
  return { ref, amountMinor, reversedMinor };
}
