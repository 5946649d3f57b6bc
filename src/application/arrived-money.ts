/**
 * Money that has come in and is kept for what it was paid for, with what is done about the rest of it. Synchronous, inside the
 * shard's transaction; called where the outcomes of payments are applied.
 */
import type { Payment } from '../domain/booking/booking.ts';
import { completeChange, endSupplement } from './booking-change.ts';
import { recordReceived } from './money-facts.ts';
import { requestRefund } from './refunds.ts';
import type { ShardState } from './shard-state.ts';

/** The booking earned its price; what came beyond it goes back. */
export function keep(shard: ShardState, payment: Payment): void {
  const earnedMinor = payment.amountMinor;
  const surplusMinor = payment.capturedMinor - earnedMinor;
  const after = { ...payment, earnedMinor };
  shard.savePayment(after);
  recordReceived(shard, after, { earnedMinor, surplusMinor });
  if (surplusMinor === 0) return;
  const actor = `processor:${payment.processor}`;
  shard.record({
    entityId: payment.id,
    parentId: payment.bookingId,
    type: 'payment.overpaid',
    from: payment.state,
    to: payment.state,
    actor,
    reason: 'the booking is confirmed, and the surplus goes back',
    metadata: { due: earnedMinor, came: payment.capturedMinor, surplus: surplusMinor },
  });
  requestRefund(shard, after, {
    amountMinor: surplusMinor,
    reason: 'more than what is due',
    actor,
  });
}

/** The difference is in: the booking moves, else it stays where it is and the money goes back. */
export function afterSupplement(shard: ShardState, payment: Payment, isEnough: boolean): void {
  const actor = `processor:${payment.processor}`;
  if (isEnough && completeChange(shard, payment)) return keep(shard, payment);
  const reason = isEnough ? 'no slot for this money' : 'less than what is due';
  recordReceived(shard, payment, { earnedMinor: 0, surplusMinor: payment.capturedMinor });
  endSupplement(shard, payment, { actor, reason });
  requestRefund(shard, payment, { amountMinor: payment.capturedMinor, reason, actor });
}
