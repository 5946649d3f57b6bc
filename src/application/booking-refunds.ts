/**
 * Money of a booking that goes back, over all its payments: the newest first, each within its own capture. Called where a
 * booking or a part of it is cancelled, became cheaper, or nobody came. Synchronous, inside the shard's transaction.
 */
import type { Payment } from '../domain/booking/booking.ts';
import { refundableMinor, requestRefund } from './refunds.ts';
import type { ShardState } from './shard-state.ts';

/** The payments that a booking was sold for, newest first. */
export function earningPayments(shard: ShardState, bookingId: string): Payment[] {
  return shard.store
    .paymentsOf(bookingId)
    .filter(({ earnedMinor }) => earnedMinor > 0)
    .toReversed();
}

/** What of the captures neither went back, nor is on its way back, nor was taken by a lost dispute. */
export function leftMinor(shard: ShardState, payments: readonly Payment[]): number {
  return payments.reduce((total, payment) => total + refundableMinor(shard, payment), 0);
}

/** Gives an amount back, or what is left where that is less; gives what it was. */
export function refundAcross(
  shard: ShardState,
  payments: readonly Payment[],
  wanted: { amountMinor: number; reason: string; actor: string },
): number {
  let dueMinor = wanted.amountMinor;
  for (const payment of payments) {
    const amountMinor = Math.min(dueMinor, refundableMinor(shard, payment));
    if (amountMinor <= 0) continue;
    requestRefund(shard, payment, { ...wanted, amountMinor });
    dueMinor -= amountMinor;
  }
  return wanted.amountMinor - dueMinor;
}
