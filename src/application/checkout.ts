/**
 * Booking and cancelling from the outside in: Membership's verdict where slots are taken, one call to the shard, the
 * calls to the processor that it names, and the answer that the shard then gives and remembers. Quota that goes back is
 * told to its member before the answer. Nothing is decided here.
 */
import { isGuest, type Caller, type KeyedReply, type Reply } from '../contracts/calls.ts';
import type {
  CallPurpose,
  CancelBookingCommand,
  FinishCallCommand,
  InventoryShardRpc,
  OpenBookingCommand,
  OpenBookingReply,
  OpenRefundCommand,
  RescheduleCommand,
  SellerCommand,
} from '../contracts/durable-rpc.ts';
import type { BookingView, RefundView } from '../contracts/http/booking.ts';
import { ok, refuse, type Json } from '../domain/result.ts';
import {
  admitAll,
  NO_VERDICTS,
  settleDecided,
  type AdmitPorts,
  type Verdicts,
  type WithCoupon,
} from './admit-hold.ts';
import { advancePayment } from './advance-payment.ts';
import type { GatewayRegistry } from './ports.ts';
import { tellMembers } from './quota-notices.ts';

/** What a checkout runs on. */
export interface CheckoutPorts extends AdmitPorts {
  readonly shard: InventoryShardRpc;
  readonly gateways: GatewayRegistry;
}

/** `POST /v1/bookings`. A hold was admitted when it was placed; slots that are taken at once are admitted here. */
export async function checkOut(
  ports: CheckoutPorts,
  {
    couponCode = null,
    ...wish
  }: Omit<OpenBookingCommand, keyof Verdicts | 'canReserve'> & WithCoupon,
): Promise<KeyedReply<BookingView>> {
  const { target, payment } = wish;
  const gateway = payment === null ? null : ports.gateways.get(payment.processor);
  if (payment !== null && gateway === null) {
    return { ...unsupported(payment.processor), replayed: false };
  }
  const admitted =
    'claim' in target ? await admitAll(ports, { ...wish, ...target, couponCode }) : ok(NO_VERDICTS);
  if (!admitted.ok) return { ...admitted, replayed: false };
  const canReserve = gateway?.capabilities.authorizesFirst ?? false;
  const command = { ...wish, ...admitted.value, canReserve };
  const opened = await ports.shard.openBooking(command);
  // Once money moves there is a hold, and with it the grant is used, however the payment ends.
  if (opened.kind === 'final') await settleDecided(ports, admitted.value, opened.reply);
  return finish(ports, { opened, command, purpose: 'open' });
}

/** `POST /v1/bookings/{id}/cancel`. */
export async function cancelWithRefund(
  ports: CheckoutPorts,
  command: CancelBookingCommand,
): Promise<KeyedReply<BookingView>> {
  const opened = await ports.shard.cancelBooking(command);
  const reply = await finish(ports, { opened, command, purpose: 'cancel' });
  if (reply.ok) await tellMembers(ports, reply.notices ?? []);
  return reply;
}

/**
 * `POST /v1/bookings/{id}/reschedule`. Membership says what the caller's plan changes; nothing of its limits is taken, because
 * what the old slots took moves along.
 */
export async function moveBooking(
  ports: CheckoutPorts,
  wish: Omit<RescheduleCommand, 'access'>,
): Promise<KeyedReply<BookingView>> {
  const { caller, payment } = wish;
  if (payment !== null && ports.gateways.get(payment.processor) === null)
    return { ...unsupported(payment.processor), replayed: false };
  const access = isGuest(caller) ? null : await ports.objects.member(caller.id).standing();
  const command = { ...wish, access };
  const opened = await ports.shard.rescheduleBooking(command);
  return finish(ports, { opened, command, purpose: 'reschedule' });
}

/** What a booking's seller does with it; the money that follows from it is moved before the answer. */
export async function actAsSeller(
  ports: CheckoutPorts,
  command: SellerCommand,
): Promise<KeyedReply<BookingView>> {
  const opened = await ports.shard.actAsSeller(command);
  const purpose = command.deed.kind === 'approve' ? 'approve' : 'seller';
  const reply = await finish(ports, { opened, command, purpose });
  if (reply.ok) await tellMembers(ports, reply.notices ?? []);
  return reply;
}

/** `POST /v1/bookings/{id}/refunds`: reserved by the shard, made here, and answered from what then stands. */
export async function refundBooking(
  ports: CheckoutPorts,
  command: OpenRefundCommand,
): Promise<KeyedReply<RefundView>> {
  const opened = await ports.shard.openRefund(command);
  if (opened.kind === 'final') return opened.reply;
  const { bookingId, refundId } = opened;
  const keyed = { caller: command.caller, call: command.call };
  await advancePayment(ports, {
    bookingId,
    cause: 'request',
    look: false,
    first: opened.step,
    call: keyed,
  });
  return ports.shard.finishRefund({ ...keyed, refundId });
}

/** `POST /v1/bookings/{id}/confirm`: asks the processor, never the client. */
export async function confirmPayment(
  ports: CheckoutPorts,
  asked: { caller: Caller; bookingId: string },
): Promise<Reply<BookingView>> {
  const before = await ports.shard.getBooking(asked.caller, asked.bookingId);
  if (!before.ok) return before;
  const { bookingId } = asked;
  const end = await advancePayment(ports, { bookingId, cause: 'confirm', look: true });
  const after = await ports.shard.getBooking(asked.caller, bookingId);
  if (!after.ok) return after;
  const { view, declineCode } = after.value;
  // Another caller is asking for the money at this moment: the payer has nothing left to do, and must not pay again.
  if (end === 'busy' && view.status === 'pending') return ok(view);
  if (view.status === 'expired')
    return refuse('hold_expired', 'The hold ended before the payment was complete.');
  if (view.status !== 'pending' && view.status !== 'payment_failed') return ok(view);
  return refuse('payment_incomplete', 'The payment is not complete yet.', {
    bookingId: view.id,
    bookingStatus: view.status,
    paymentStatus: view.payment?.status ?? null,
    declineCode,
    action: (view.payment?.action ?? null) as Json,
  });
}

/** `DELETE /v1/holds/{id}`: an open payment is closed as part of it. */
export async function giveUpHold(
  ports: CheckoutPorts,
  asked: { caller: Caller; holdId: string },
): Promise<Reply<null>> {
  const released = await ports.shard.releaseHold(asked.caller, asked.holdId);
  if (!released.ok) return released;
  const { bookingId, step, notices } = released.value;
  await tellMembers(ports, notices);
  if (bookingId !== null) {
    await advancePayment(ports, { bookingId, cause: 'request', look: false, first: step });
  }
  return ok(null);
}

function unsupported(processor: string) {
  return refuse('processor_not_supported', `${processor} is not available here.`);
}

async function finish(
  ports: CheckoutPorts,
  call: {
    opened: OpenBookingReply;
    command: Pick<FinishCallCommand, 'caller' | 'call'>;
    purpose: CallPurpose;
  },
): Promise<KeyedReply<BookingView>> {
  const { opened, command, purpose } = call;
  if (opened.kind === 'final') return opened.reply;
  const { bookingId } = opened;
  const keyed = { caller: command.caller, call: command.call };
  await advancePayment(ports, {
    bookingId,
    cause: 'request',
    look: false,
    first: opened.step,
    call: keyed,
  });
  return ports.shard.finishCall({ ...keyed, bookingId, purpose });
}
