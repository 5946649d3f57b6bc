/**
 * Booking and cancelling from the outside in: one call to the shard, the calls to the processor that it names,
 * and the answer that the shard then gives and remembers. Nothing is decided here.
 */
import type {
  AccessVerdict,
  Caller,
  CancelBookingCommand,
  InventoryShardRpc,
  KeyedReply,
  OpenBookingCommand,
  OpenBookingReply,
  Reply,
} from '../contracts/durable-rpc.ts';
import type { BookingView } from '../contracts/http/booking.ts';
import { ok, refuse, type Json } from '../domain/result.ts';
import { advancePayment } from './advance-payment.ts';
import type { GatewayRegistry, Logger, ObjectDirectory } from './ports.ts';

/** What a checkout runs on. */
export interface CheckoutPorts {
  readonly shard: InventoryShardRpc;
  readonly gateways: GatewayRegistry;
  readonly log: Logger;
}

/**
 * Makes a call that may need Membership's verdict: without one first, because most services are open to all and the
 * shard alone knows which are not; with one when the shard asks for it.
 */
export async function withVerdict<T>(
  ports: { objects: ObjectDirectory; caller: Caller },
  call: (access: AccessVerdict | null) => Promise<KeyedReply<T>>,
): Promise<KeyedReply<T>> {
  const reply = await call(null);
  if (reply.ok || reply.needsVerdict !== true) return reply;
  return call(await ports.objects.member(ports.caller.id).check());
}

/** `POST /v1/bookings`. */
export async function checkOut(
  ports: CheckoutPorts,
  command: OpenBookingCommand,
): Promise<KeyedReply<BookingView>> {
  if (command.payment !== null && ports.gateways.get(command.payment.processor) === null) {
    const refused = refuse(
      'processor_not_supported',
      `${command.payment.processor} is not available here.`,
    );
    return { ...refused, replayed: false };
  }
  return finish(ports, {
    opened: await ports.shard.openBooking(command),
    command,
    purpose: 'open',
  });
}

/** `POST /v1/bookings/{id}/cancel`. */
export async function cancelWithRefund(
  ports: CheckoutPorts,
  command: CancelBookingCommand,
): Promise<KeyedReply<BookingView>> {
  return finish(ports, {
    opened: await ports.shard.cancelBooking(command),
    command,
    purpose: 'cancel',
  });
}

/** `POST /v1/bookings/{id}/confirm`: asks the processor, never the client. */
export async function confirmPayment(
  ports: CheckoutPorts,
  asked: { caller: Caller; bookingId: string },
): Promise<Reply<BookingView>> {
  const before = await ports.shard.getBooking(asked.caller, asked.bookingId);
  if (!before.ok) return before;
  await advancePayment(ports, { bookingId: asked.bookingId, cause: 'confirm', look: true });
  const after = await ports.shard.getBooking(asked.caller, asked.bookingId);
  if (!after.ok) return after;
  const { view, declineCode } = after.value;
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
  const { bookingId, step } = released.value;
  if (bookingId !== null) {
    await advancePayment(ports, { bookingId, cause: 'request', look: false, first: step });
  }
  return ok(null);
}

async function finish(
  ports: CheckoutPorts,
  call: {
    opened: OpenBookingReply;
    command: OpenBookingCommand | CancelBookingCommand;
    purpose: 'open' | 'cancel';
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
