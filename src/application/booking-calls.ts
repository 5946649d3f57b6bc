/** Keyed calls whose answer waits for money to move: how their work begins, and how they are answered once it is done. */
import type { Caller, CallKey, KeyedReply } from '../contracts/calls.ts';
import type { CallPurpose, FinishCallCommand, OpenBookingReply } from '../contracts/durable-rpc.ts';
import type { BookingView } from '../contracts/http/booking.ts';
import { formatInstant } from '../contracts/http/views.ts';
import { required } from '../domain/assert.ts';
import type { Booking, Payment } from '../domain/booking/booking.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import { slotUnavailable } from './alternatives.ts';
import { wasSlotTaken } from './approvals.ts';
import { findLines } from './hold-lines.ts';
import { leaseCall, lookUpCall, remember } from './keyed-calls.ts';
import type { Decision } from './keyed-calls.ts';
import { takeStep } from './payment-commands.ts';
import { openNotices } from './quota-outbox.ts';
import { viewBooking } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';

/** Who asks, and under which key. */
interface KeyedCommand {
  readonly caller: Caller;
  readonly call: CallKey;
}

/** The call owns its key from here on, and its first step is named. */
export function beginWork(
  shard: ShardState,
  command: KeyedCommand,
  at: { bookingId: string; recoveryId?: string; look: boolean },
): OpenBookingReply {
  const recoveryId = at.recoveryId ?? at.bookingId;
  leaseCall(shard, { callerId: command.caller.id, call: command.call }, recoveryId);
  const taken = takeStep(shard, {
    bookingId: at.bookingId,
    cause: 'request',
    look: at.look,
    looked: [],
  });
  return { kind: 'work', bookingId: at.bookingId, step: taken };
}

/**
 * Answers a call from what stands now, and remembers the answer under its key. A cancellation names the quota that it
 * gave back, so that the member has it again before the answer.
 */
export function finishCall(shard: ShardState, command: FinishCallCommand): KeyedReply<BookingView> {
  const keyed = { callerId: command.caller.id, call: command.call };
  const record = shard.store.call(keyed.callerId, keyed.call.key);
  if (record?.state === 'done') {
    const verdict = lookUpCall<BookingView>(shard, keyed);
    if (verdict.kind === 'answered') return verdict.reply;
  }
  const booking = required(shard.store.booking(command.bookingId), 'a call works on a booking');
  const opened = record?.recoveryId ?? null;
  const supplement = opened === null ? null : shard.store.payment(opened);
  const decision = unmoved(booking, supplement) ?? answerFor(shard, booking, command.purpose);
  const reply = remember(shard, keyed, decision);
  if (!reply.ok || command.purpose === 'open') return reply;
  const notices = openNotices(shard, shard.store.hold(booking.holdId));
  return notices.length > 0 ? { ...reply, notices } : reply;
}

/** The refusal of a move whose payment came to nothing; null where the booking moved or still waits for the payer. */
function unmoved(booking: Booking, payment: Payment | null): Decision<BookingView> | null {
  if (payment === null || payment.earnedMinor > 0 || booking.change?.paymentId === payment.id)
    return null;
  const { id: bookingId } = booking;
  if (payment.state === 'failed')
    return refuse('payment_declined', 'The payment was declined. The booking stays as it was.', {
      bookingId,
      declineCode: payment.declineCode,
    });
  return refuse('hold_expired', 'The move ended before it was paid. The booking stays as it was.', {
    bookingId,
  });
}

function answerFor(
  shard: ShardState,
  booking: Booking,
  purpose: CallPurpose,
): Decision<BookingView> {
  if (purpose === 'open' && booking.state === 'payment_failed')
    return { ok: false, refusal: declined(shard, booking) };
  const isTaken = purpose === 'approve' && wasSlotTaken(booking);
  if (isTaken || (purpose === 'open' && booking.state === 'expired')) {
    const lines =
      findLines(
        shard,
        booking.items.map(({ slotId }) => slotId),
      ) ?? [];
    const conflicts = lines.map(({ slot }) => slot.id);
    const { quantity } = booking;
    const fareId = booking.items.find((item) => item.fareId !== null)?.fareId ?? null;
    const ownerIds = [booking.customerId];
    return slotUnavailable(shard, { lines, quantity, fareId, conflicts, ownerIds });
  }
  return { ok: true, status: purpose === 'open' ? 201 : 200, value: viewBooking(shard, booking) };
}

function declined(shard: ShardState, booking: Booking): Refusal {
  const payment = shard.store.currentPayment(booking.id);
  const hold = shard.store.hold(booking.holdId);
  return {
    code: 'payment_declined',
    detail: 'The payment was declined. The hold stays: try another way to pay.',
    extra: {
      holdId: booking.holdId,
      bookingId: booking.id,
      expiresAt: hold === null ? null : formatInstant(hold.expiresAtMs),
      declineCode: payment?.declineCode ?? null,
    },
  };
}
