/**
 * What a payout writes into the ledger. Each transaction is named for what it tells of, so that telling it again after a
 * crash posts nothing twice. Pure; called where a payout is settled.
 */
import { BANK_ACCOUNT, processorAccount, providerAccount } from '../../domain/ledger/entry.ts';
import type { Payout } from '../../domain/payout/payout.ts';
import type { Processor } from '../../domain/payment/processor-reply.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { LedgerTransaction } from '../ledger-ports.ts';

/** Money that went to the provider. */
export interface Moved {
  readonly amountMinor: number;
  /** Null for a bank. */
  readonly processor: Processor | null;
  readonly ref: string;
  readonly atMs: EpochMs;
  /** The booking that a reversal makes up for; null for money of many. */
  readonly bookingId: string | null;
}

/** What the provider was owed is less by what was transferred. */
export function transferPosted(payout: Payout, moved: Moved): LedgerTransaction {
  return {
    ...base(payout, moved, moved.amountMinor),
    id: `transfer:${payout.id}`,
    kind: 'transfer',
  };
}

/** What came back is owed again. `reversedMinor` is all that was reversed so far, which names the transaction. */
export function reversalPosted(
  payout: Payout,
  moved: Moved,
  reversedMinor: number,
): LedgerTransaction {
  const id = `transfer_reversed:${payout.id}:${reversedMinor}`;
  // It was available when it was transferred, and waits for nothing now.
  const { availableUntilMs: availableFromMs } = payout;
  const posted = base(payout, moved, -moved.amountMinor);
  return { ...posted, id, kind: 'transfer_reversed', availableFromMs };
}

function base(
  payout: Payout,
  { processor, ref, atMs, bookingId }: Moved,
  debitMinor: number,
): Omit<LedgerTransaction, 'id' | 'kind'> {
  const source = processor === null ? BANK_ACCOUNT : processorAccount(processor);
  return {
    currency: payout.currency,
    postings: [
      { account: providerAccount(payout.providerId), amountMinor: debitMinor },
      { account: source, amountMinor: -debitMinor },
    ],
    processor,
    processorRef: ref,
    bookingId,
    subscriptionId: null,
    providerId: payout.providerId,
    payoutId: payout.id,
    atMs,
    availableFromMs: atMs,
  };
}
