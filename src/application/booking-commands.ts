/**
 * Opening, reading and cancelling bookings. Synchronous, inside the shard's transaction. A paid booking is begun here,
 * goes on through payment steps outside the object, and is answered by `finishCall` from what then stands.
 */
import type {
  BookingState,
  CancelBookingCommand,
  Caller,
  FinishCallCommand,
  KeyedReply,
  OpenBookingCommand,
  OpenBookingReply,
  QuotaNotice,
  Reply,
} from '../contracts/durable-rpc.ts';
import type { BookingView, HistoryView } from '../contracts/http/booking.ts';
import { bookingView, formatInstant, historyView } from '../contracts/http/views.ts';
import { required } from '../domain/assert.ts';
import type { Booking, Payment, PaymentChoice } from '../domain/booking/booking.ts';
import { BOOKING_MACHINE } from '../domain/booking/booking-machine.ts';
import { isWithinPolicy, refundDue } from '../domain/booking/cancellation-policy.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { NO_USES, type QuotaUses } from '../domain/hold/quota.ts';
import { encodeIdChars } from '../domain/ids.ts';
import type { Slot } from '../domain/inventory/cards.ts';
import { step } from '../domain/machine.ts';
import { allocate } from '../domain/money.ts';
import { ok, refuse, type Refusal } from '../domain/result.ts';
import { findLines, ownHold, placeNewHold, slotUnavailable, viewSlot } from './hold-commands.ts';
import { leaseCall, lookUpCall, remember, type Decision } from './keyed-calls.ts';
import { openPayment } from './open-payment.ts';
import { takeStep } from './payment-commands.ts';
import { isPaymentOpen } from './payment-plan.ts';
import { openNotices } from './quota-outbox.ts';
import { refundableMinor, requestRefund, settleBookingRefunded } from './refunds.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveHold } from './transitions.ts';

/** Characters of a confirmation code: 40 bits, read out in two groups. */
const CODE_LENGTH = 8;
/** Characters of a manage link's secret: 160 bits. */
const MANAGE_TOKEN_LENGTH = 32;

/** What opening a booking came to: an answer, or money to move before there is one. */
type Opening =
  | { readonly kind: 'answer'; readonly booking: Booking }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'work'; readonly bookingId: string };

/** `POST /v1/bookings`, up to the first call of a processor. */
export function openBooking(shard: ShardState, command: OpenBookingCommand): OpenBookingReply {
  const keyed = { callerId: command.caller.id, call: command.call };
  const verdict = lookUpCall<BookingView>(shard, keyed);
  if (verdict.kind === 'answered') return { kind: 'final', reply: verdict.reply };
  if (verdict.kind === 'resume')
    return beginWork(shard, command, { bookingId: verdict.recoveryId, look: true });
  const opening = begin(shard, command);
  if (opening.kind === 'work')
    return beginWork(shard, command, { bookingId: opening.bookingId, look: false });
  const decision: Decision<BookingView> =
    opening.kind === 'refused'
      ? { ok: false, refusal: opening.refusal }
      : { ok: true, status: 201, value: viewBooking(shard, opening.booking) };
  return { kind: 'final', reply: remember(shard, keyed, decision) };
}

/** `POST /v1/bookings/{id}/cancel`, up to the first call of a processor. */
export function cancelBooking(shard: ShardState, command: CancelBookingCommand): OpenBookingReply {
  const keyed = { callerId: command.caller.id, call: command.call };
  const verdict = lookUpCall<BookingView>(shard, keyed);
  if (verdict.kind === 'answered') return { kind: 'final', reply: verdict.reply };
  if (verdict.kind === 'resume')
    return beginWork(shard, command, { bookingId: verdict.recoveryId, look: true });
  const refusal = cancel(shard, command);
  if (refusal === null)
    return beginWork(shard, command, { bookingId: command.bookingId, look: false });
  return { kind: 'final', reply: remember(shard, keyed, { ok: false, refusal }) };
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
  const reply = remember(shard, keyed, answerFor(shard, booking, command.purpose));
  if (!reply.ok || command.purpose === 'open') return reply;
  const notices = openNotices(shard, shard.store.hold(booking.holdId));
  return notices.length > 0 ? { ...reply, notices } : reply;
}

/** `GET /v1/bookings/{id}`: for its customer, its provider and operators. */
export function readBooking(shard: ShardState, caller: Caller, id: string): Reply<BookingState> {
  const booking = visibleBooking(shard, caller, id);
  if (booking === null) return refuse('not_found', 'There is no such booking.');
  const payment = shard.store.currentPayment(booking.id);
  return ok({
    view: viewBooking(shard, booking),
    paymentState: payment?.state ?? null,
    declineCode: payment?.declineCode ?? null,
    holdExpiresAtMs: shard.store.hold(booking.holdId)?.expiresAtMs ?? null,
  });
}

/** The booking behind a manage link; its secret is the only credential. */
export function readManagedBooking(
  shard: ShardState,
  id: string,
  token: string,
): Reply<BookingView> {
  const booking = shard.store.booking(id);
  if (
    booking === null ||
    shard.ports.digest.sha256(booking.manageToken) !== shard.ports.digest.sha256(token)
  ) {
    return refuse('not_found', 'There is no such booking.');
  }
  return ok(viewBooking(shard, booking));
}

/** `GET /v1/bookings/{id}/history`: its transitions, oldest first. */
export function readHistory(shard: ShardState, caller: Caller, id: string): Reply<HistoryView> {
  const booking = visibleBooking(shard, caller, id);
  if (booking === null) return refuse('not_found', 'There is no such booking.');
  return ok(historyView(shard.store.eventsOf(id)));
}

/** Gives up a hold; one with an open payment is closed first, through the step that comes back. */
export function releaseHold(
  shard: ShardState,
  caller: Caller,
  id: string,
): Reply<{ bookingId: string | null; notices: readonly QuotaNotice[] }> {
  const hold = ownHold(shard, caller, id);
  if (hold === null) return refuse('not_found', 'There is no such hold.');
  if (hold.state === 'committed') return refuse('hold_committed', 'A booking has taken the hold.');
  if (hold.state === 'released' || hold.state === 'expired')
    return ok({ bookingId: null, notices: openNotices(shard, hold) });
  const booking = hold.bookingId === null ? null : shard.store.booking(hold.bookingId);
  const payment = booking === null ? null : shard.store.currentPayment(booking.id);
  if (payment?.state === 'authorized')
    return refuse('hold_committed', 'The hold is being paid for.');
  const actor = actorOf(shard, caller);
  moveHold(shard, hold, { event: 'release', actor });
  if (booking !== null)
    moveBooking(shard, booking, { event: 'cancel', actor, reason: 'hold released' });
  return ok({ bookingId: booking?.id ?? null, notices: openNotices(shard, hold) });
}

function begin(shard: ShardState, command: OpenBookingCommand): Opening {
  const { target, payment } = command;
  if ('claim' in target) {
    const placed = placeNewHold(shard, {
      ...command,
      claim: target.claim,
      canPay: payment !== null,
    });
    if (!placed.ok) return { kind: 'refused', refusal: placed.refusal };
    return beginFirstAttempt(shard, placed.value, payment);
  }
  const hold = ownHold(shard, command.caller, target.holdId);
  if (hold === null) return refused('not_found', 'There is no such hold.');
  if (hold.state === 'closing' || hold.state === 'expired' || hold.state === 'released') {
    return refused('hold_expired', 'The hold has ended; hold the slot again.');
  }
  if (hold.bookingId === null) return beginFirstAttempt(shard, hold, payment);
  const booking = required(shard.store.booking(hold.bookingId), 'a hold names its booking');
  return beginFurtherAttempt(shard, booking, payment);
}

function beginFirstAttempt(shard: ShardState, hold: Hold, payment: PaymentChoice | null): Opening {
  if (hold.quote.totalMinor > 0 && payment === null)
    return refused('payment_required', 'Money is due: name a payment.');
  const booking = writeBooking(shard, hold);
  if (hold.quote.totalMinor === 0 || payment === null) {
    const actor = `customer:${booking.customerId}`;
    moveHold(shard, required(shard.store.hold(hold.id), 'a hold that was just written'), {
      event: 'commit',
      actor,
    });
    return { kind: 'answer', booking: moveBooking(shard, booking, { event: 'confirm', actor }) };
  }
  openPayment(shard, booking, payment);
  return { kind: 'work', bookingId: booking.id };
}

/** A hold has one booking: a further call is the next attempt on it, or shows it as it is. */
function beginFurtherAttempt(
  shard: ShardState,
  booking: Booking,
  choice: PaymentChoice | null,
): Opening {
  const current = shard.store.currentPayment(booking.id);
  if (booking.state === 'payment_failed') {
    if (choice === null) return refused('payment_required', 'Money is due: name a payment.');
    const retried = moveBooking(shard, booking, {
      event: 'retry_payment',
      actor: `customer:${booking.customerId}`,
    });
    openPayment(shard, retried, choice);
    return { kind: 'work', bookingId: booking.id };
  }
  if (booking.state !== 'pending' || current === null || choice === null)
    return { kind: 'answer', booking };
  const isSameWay =
    current.processor === choice.processor && current.paymentMethod === choice.paymentMethod;
  if (isSameWay) return { kind: 'answer', booking };
  if (current.state === 'authorized' || current.state === 'capturing') {
    return refused('payment_in_progress', 'Another payment for this booking is authorised.');
  }
  if (current.state !== 'action_required') return { kind: 'answer', booking };
  shard.savePayment({ ...current, successor: choice });
  return { kind: 'work', bookingId: booking.id };
}

function writeBooking(shard: ShardState, hold: Hold): Booking {
  const { ids, entropy } = shard.ports;
  const code = encodeIdChars(entropy.bytes(CODE_LENGTH)).toUpperCase();
  const booking = shard.saveBooking({
    id: ids.mintInShard('bkg', shard.shardKey),
    code: `${code.slice(0, 4)}-${code.slice(4)}`,
    state: 'pending',
    holdId: hold.id,
    customerId: hold.callerId,
    quantity: hold.quantity,
    items: hold.items,
    quote: hold.quote,
    manageToken: encodeIdChars(entropy.bytes(MANAGE_TOKEN_LENGTH)),
    isLate: false,
    createdAtMs: shard.nowMs,
    version: 0,
  });
  shard.saveHold(hold, { ...hold, bookingId: booking.id });
  shard.record({
    entityId: booking.id,
    parentId: null,
    type: 'booking.pending',
    from: null,
    to: 'pending',
    actor: `customer:${hold.callerId}`,
    metadata: { holdId: hold.id, total: hold.quote.totalMinor, currency: hold.quote.currency },
  });
  return booking;
}

function beginWork(
  shard: ShardState,
  command: OpenBookingCommand | CancelBookingCommand,
  at: { bookingId: string; look: boolean },
): OpenBookingReply {
  leaseCall(shard, { callerId: command.caller.id, call: command.call }, at.bookingId);
  const taken = takeStep(shard, {
    bookingId: at.bookingId,
    cause: 'request',
    look: at.look,
    looked: [],
  });
  return { kind: 'work', bookingId: at.bookingId, step: taken };
}

function answerFor(
  shard: ShardState,
  booking: Booking,
  purpose: 'open' | 'cancel',
): Decision<BookingView> {
  if (purpose === 'open' && booking.state === 'payment_failed')
    return { ok: false, refusal: declined(shard, booking) };
  if (purpose === 'open' && booking.state === 'expired') {
    const lines =
      findLines(
        shard,
        booking.items.map(({ slotId }) => slotId),
      ) ?? [];
    const conflicts = lines.map(({ slot }) => slot.id);
    return slotUnavailable(shard, { lines, quantity: booking.quantity, conflicts });
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

function cancel(shard: ShardState, command: CancelBookingCommand): Refusal | null {
  const booking = visibleBooking(shard, command.caller, command.bookingId);
  if (booking === null) return refuse('not_found', 'There is no such booking.').refusal;
  const outcome = step(BOOKING_MACHINE, booking.state, 'cancel');
  if (!outcome.ok) {
    return refuse(outcome.refuse, `A booking that is ${booking.state} cannot be cancelled.`, {
      status: booking.state,
    }).refusal;
  }
  const actor = actorOf(shard, command.caller);
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  moveBooking(shard, booking, { event: 'cancel', actor, reason: command.reason });
  if (hold.state === 'committed')
    moveHold(shard, hold, {
      event: 'free',
      actor,
      reason: 'booking cancelled',
      keptShares: command.caller.id === booking.customerId ? sharesKept(shard, hold) : [],
    });
  if (hold.state === 'active' || hold.state === 'closing')
    moveHold(shard, hold, { event: 'release', actor, reason: 'booking cancelled' });
  for (const payment of shard.store.paymentsOf(booking.id))
    giveBack(shard, { booking, payment, caller: command.caller, actor });
  // All of it may have gone back before.
  settleBookingRefunded(shard, booking.id, actor);
  return null;
}

/** What a customer's cancellation does not give back of the quota: the slots for which the ladder returns nothing any more. */
function sharesKept(shard: ShardState, { items, quota }: Hold): QuotaUses[] {
  const shares = quota?.shares ?? [];
  return shares.map((share, index) => {
    const item = items[index];
    const isGivenBack =
      item !== undefined && isWithinPolicy({ ...item, cancelledAtMs: shard.nowMs });
    return isGivenBack ? NO_USES : share;
  });
}

/** What a cancellation returns of one attempt: all of it when the seller cancels, the policy's part when the customer does. */
function giveBack(
  shard: ShardState,
  cancelled: { booking: Booking; payment: Payment; caller: Caller; actor: string },
): void {
  const { booking, payment, caller, actor } = cancelled;
  if (isPaymentOpen(payment)) return shard.savePayment({ ...payment, dueAtMs: shard.nowMs });
  const left = refundableMinor(shard, payment);
  const amountMinor =
    caller.id === booking.customerId ? Math.min(left, dueByPolicy(shard, booking, payment)) : left;
  if (amountMinor > 0)
    requestRefund(shard, payment, { amountMinor, reason: 'booking cancelled', actor });
}

function dueByPolicy(shard: ShardState, booking: Booking, payment: Payment): number {
  if (payment.capturedMinor === 0) return 0;
  const paid = allocate(
    payment.capturedMinor,
    booking.items.map(({ priceMinor }) => priceMinor),
  );
  return booking.items.reduce(
    (total, { policy, startAtMs }, index) =>
      total + refundDue(paid[index] ?? 0, { policy, startAtMs, cancelledAtMs: shard.nowMs }),
    0,
  );
}

/** The booking if the caller may see it; somebody else's does not exist for them. */
function visibleBooking(shard: ShardState, caller: Caller, id: string): Booking | null {
  const booking = shard.store.booking(id);
  if (booking === null) return null;
  return booking.customerId === caller.id || shard.isManagedBy(caller) ? booking : null;
}

function viewBooking(shard: ShardState, booking: Booking): BookingView {
  const slots = booking.items.map(({ slotId }) =>
    viewSlot(shard, shard.inventory.slot(slotId) as Slot),
  );
  const payment = shard.store.currentPayment(booking.id);
  // Nothing goes back of a booking that nobody paid for, and most are read before they are cancelled.
  const refunds = payment === null ? [] : refundsOf(shard, booking.id);
  return bookingView(booking, payment, { slots, refunds, publicUrl: shard.ports.publicUrl });
}

function refundsOf(shard: ShardState, bookingId: string) {
  return shard.store.refundsOf(bookingId).map((refund) => ({
    refund,
    currency: required(shard.store.payment(refund.paymentId), 'a refund has its payment').currency,
  }));
}

function actorOf(shard: ShardState, caller: Caller): string {
  if (caller.roles.includes('operator')) return `operator:${caller.id}`;
  return shard.provider.owners.includes(caller.id)
    ? `provider:${caller.id}`
    : `customer:${caller.id}`;
}

function refused(code: Refusal['code'], detail: string): Opening {
  return { kind: 'refused', refusal: { code, detail } };
}
