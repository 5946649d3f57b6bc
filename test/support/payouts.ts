/** Payouts and accounts as tests of their storage need them. */
import type { PayoutAccount } from '../../src/application/payouts/payout-ports.ts';
import type { Payout } from '../../src/domain/payout/payout.ts';

const NOON_MS = Date.parse('2026-11-23T12:00:00Z');

/** A payout of 50.00 that is about to be sent. */
export function makePayout(own: Partial<Payout> & Pick<Payout, 'id' | 'providerId'>): Payout {
  return {
    currency: 'usd',
    period: '2026-11-23',
    sequence: 1,
    method: 'processor',
    state: 'scheduled',
    reason: null,
    amountMinor: 5_000,
    payableMinor: 5_000,
    reservedMinor: 0,
    availableUntilMs: NOON_MS,
    accountRef: 'acct_test',
    transferRef: null,
    reversedMinor: 0,
    reversalTargetMinor: null,
    reversalKey: null,
    recoveryId: null,
    reversalSeq: 1,
    tries: 0,
    keySeq: 1,
    lastReply: null,
    nextAttemptAtMs: NOON_MS,
    leaseUntilMs: 0,
    createdAtMs: NOON_MS,
    settledAtMs: null,
    version: 1,
    ...own,
  };
}

/** An account that can take money. */
export function makePayoutAccount(providerId: string): PayoutAccount {
  return {
    providerId,
    processor: 'stripe',
    ref: `acct_${providerId}`,
    country: 'US',
    keySeq: 1,
    isReady: true,
    missing: [],
    checkedAtMs: NOON_MS,
  };
}
