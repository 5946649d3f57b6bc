/**
 * `POST /v1/bookings/{id}/refunds`: a provider or an operator gives money of a booking back. It moves money and nothing
 * else. What it takes is reserved before any call is made, so that refunds at the same moment together never exceed
 * the capture. Synchronous, inside the shard's transaction.
 */
import type { KeyedReply } from '../contracts/calls.ts';
import type {
  FinishRefundCommand,
  OpenRefundCommand,
  OpenRefundReply,
} from '../contracts/durable-rpc.ts';
import type { RefundView } from '../contracts/http/booking.ts';
import { refundView } from '../contracts/http/views.ts';
import { required } from '../domain/assert.ts';
import type { Payment, Refund } from '../domain/booking/booking.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { leaseCall, lookUpCall, remember } from './keyed-calls.ts';
import { takeStep } from './payment-commands.ts';
import { sellersBooking } from './read-booking.ts';
import { isFrozen, refundableMinor, requestRefund } from './refunds.ts';
import type { ShardState } from './shard-state.ts';

/**
 * Reserves a refund and gives its first step. Refusals: not_found, role_required (its customer), validation_failed (currency), invalid_transition (a
 * dispute decides over the payment), refund_exceeds_captured.
 */
export function openRefund(shard: ShardState, command: OpenRefundCommand): OpenRefundReply {
  const keyed = { callerId: command.caller.id, call: command.call };
  const verdict = lookUpCall<RefundView>(shard, keyed);
  if (verdict.kind === 'answered') return { kind: 'final', reply: verdict.reply };
  if (verdict.kind === 'resume') {
    const known = required(shard.store.refund(verdict.recoveryId), 'a call works on a refund');
    return beginWork(shard, command, { refund: known, look: true });
  }
  const decided = decide(shard, command);
  if (decided.ok) return beginWork(shard, command, { refund: decided.value, look: false });
  return { kind: 'final', reply: remember(shard, keyed, decided) };
}

/** Answers a refund from what stands now, and remembers the answer under its key. */
export function finishRefund(
  shard: ShardState,
  command: FinishRefundCommand,
): KeyedReply<RefundView> {
  const keyed = { callerId: command.caller.id, call: command.call };
  if (shard.store.call(keyed.callerId, keyed.call.key)?.state === 'done') {
    const verdict = lookUpCall<RefundView>(shard, keyed);
    if (verdict.kind === 'answered') return verdict.reply;
  }
  const refund = required(shard.store.refund(command.refundId), 'a call works on a refund');
  const payment = required(shard.store.payment(refund.paymentId), 'a refund has its payment');
  const value = refundView(refund, payment.currency);
  return remember(shard, keyed, { ok: true, status: 201, value });
}

function decide(shard: ShardState, command: OpenRefundCommand): Result<Refund> {
  const { caller, amount, reason } = command;
  const found = sellersBooking(shard, caller, command.bookingId);
  if (!found.ok) return found;
  const booking = found.value;
  if (amount !== null && amount.currency !== booking.quote.currency) {
    return refuse('validation_failed', 'The request is not valid.', {
      errors: [
        {
          pointer: '/amount/currency',
          detail: `the booking was paid in ${booking.quote.currency}`,
        },
      ],
    });
  }
  const payment = refundable(shard, booking.id);
  const left = payment === null ? 0 : refundableMinor(shard, payment);
  if (payment !== null && isFrozen(shard, payment)) {
    return refuse('invalid_transition', 'The payment is disputed: the dispute decides.', {
      status: 'disputed',
    });
  }
  const amountMinor = amount?.amount ?? left;
  if (payment === null || amountMinor > left || amountMinor === 0) {
    return refuse('refund_exceeds_captured', 'That is more than what is left of the payment.', {
      left: { amount: left, currency: booking.quote.currency },
    });
  }
  const role = caller.roles.includes('operator') ? 'operator' : 'provider';
  return ok(requestRefund(shard, payment, { amountMinor, reason, actor: `${role}:${caller.id}` }));
}

function beginWork(
  shard: ShardState,
  command: OpenRefundCommand,
  { refund, look }: { refund: Refund; look: boolean },
): OpenRefundReply {
  leaseCall(shard, { callerId: command.caller.id, call: command.call }, refund.id);
  const { bookingId } = refund;
  const step = takeStep(shard, { bookingId, cause: 'request', look, looked: [] });
  return { kind: 'work', bookingId, refundId: refund.id, step };
}

/** The attempt that paid for the booking: the one with the most left of it. */
function refundable(shard: ShardState, bookingId: string): Payment | null {
  const [first] = shard.store
    .paymentsOf(bookingId)
    .filter(({ capturedMinor }) => capturedMinor > 0)
    .map((payment) => ({ payment, left: refundableMinor(shard, payment) }))
    .toSorted((a, b) => b.left - a.left);
  return first?.payment ?? null;
}
