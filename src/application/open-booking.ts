/**
 * Opening bookings, up to the first call of a processor. Synchronous, inside the shard's transaction. A paid booking is
 * begun here, goes on through payment steps outside the object, and is answered by `finishCall` from what then stands.
 */
import type { OpenBookingCommand, OpenBookingReply } from '../contracts/durable-rpc.ts';
import type { BookingView } from '../contracts/http/booking.ts';
import { required } from '../domain/assert.ts';
import { LIVE_BOOKING_STATES } from '../domain/booking/booking-machine.ts';
import type { Booking, PaymentChoice } from '../domain/booking/booking.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { encodeIdChars } from '../domain/ids.ts';
import type { Refusal } from '../domain/result.ts';
import { approvableUntilMs, requestApproval } from './approvals.ts';
import { beginWork } from './booking-calls.ts';
import { meansRefusal, ownHold, placeNewHold } from './place-hold.ts';
import type { HoldWish } from './place-hold.ts';
import { lookUpCall, remember } from './keyed-calls.ts';
import { newManageToken } from './manage-link.ts';
import type { Decision } from './keyed-calls.ts';
import { findLines } from './hold-lines.ts';
import { openPayment } from './open-payment.ts';
import { pledgeClosedRefusal } from './pledges.ts';
import { viewBooking } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveHold } from './transitions.ts';

/** Characters of a confirmation code: 40 bits, read out in two groups. */
const CODE_LENGTH = 8;

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

function begin(shard: ShardState, command: OpenBookingCommand): Opening {
  const { target, payment, methodRefusal } = command;
  if (methodRefusal !== undefined) return { kind: 'refused', refusal: methodRefusal };
  if ('claim' in target) {
    const placed = placeNewHold(shard, {
      ...command,
      coupon: command.coupon ?? null,
      claim: target.claim,
      means: meansOf(command),
    });
    if (!placed.ok) return { kind: 'refused', refusal: placed.refusal };
    return beginFirstAttempt(shard, placed.value, payment);
  }
  const hold = ownHold(shard, command.caller, target.holdId);
  if (hold === null) return refused('not_found', 'There is no such hold.');
  const refusal = meansRefusal(hold, { ...hold.quote, means: meansOf(command) });
  if (refusal !== null && refusal.code !== 'payment_required') return { kind: 'refused', refusal };
  const request = hold.state === 'released' ? requestOf(shard, hold) : null;
  if (request !== null) return { kind: 'answer', booking: request };
  if (hold.state === 'closing' || hold.state === 'expired' || hold.state === 'released') {
    return refused('hold_expired', 'The hold has ended; hold the slot again.');
  }
  if (hold.bookingId === null) return beginFirstAttempt(shard, hold, payment);
  const booking = required(shard.store.booking(hold.bookingId), 'a hold names its booking');
  return beginFurtherAttempt(shard, booking, payment);
}

/** A booking that gave this hold up to wait for its provider, as long as it stands. */
function requestOf(shard: ShardState, { bookingId }: Hold): Booking | null {
  const booking = bookingId === null ? null : shard.store.booking(bookingId);
  const isStanding =
    booking?.state === 'awaiting_approval' ||
    (booking?.approval?.isGranted === true &&
      (booking.state === 'pending' || LIVE_BOOKING_STATES.has(booking.state)));
  return isStanding ? booking : null;
}

function meansOf({ payment, canReserve }: OpenBookingCommand): HoldWish['means'] {
  if (payment === null) return 'none';
  return canReserve ? 'reserves' : 'pushes';
}

/** Nothing is to be paid now: the provider names the price first, or has to be asked about something free. */
function begunByRequest(shard: ShardState, hold: Hold): Opening {
  if (approvableUntilMs(shard, hold, null) <= shard.nowMs)
    return refused('slot_past', 'The slot has started.');
  const slotIds = hold.items.map(({ slotId }) => slotId);
  const closed = pledgeClosedRefusal(shard, findLines(shard, slotIds) ?? []);
  if (closed !== null) return { kind: 'refused', refusal: closed };
  const booking = writeBooking(shard, hold);
  const actor = `customer:${booking.customerId}`;
  requestApproval(shard, booking, { captureBeforeMs: null, actor });
  return { kind: 'answer', booking: required(shard.store.booking(booking.id), 'a booking') };
}

function beginFirstAttempt(shard: ShardState, hold: Hold, payment: PaymentChoice | null): Opening {
  if (hold.approval === 'quote' || (hold.approval !== 'none' && hold.quote.totalMinor === 0))
    return begunByRequest(shard, hold);
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
  if (booking.state === 'pending' && current === null) {
    if (choice === null) return refused('payment_required', 'Money is due: name a payment.');
    openPayment(shard, booking, choice);
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
    manageToken: newManageToken(entropy),
    isLate: false,
    checkedInAtMs: null,
    approval:
      hold.approval === 'none'
        ? null
        : { kind: hold.approval, isGranted: false, approveByMs: null },
    createdAtMs: shard.nowMs,
    change: null,
    rescheduledAtMs: null,
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

function refused(code: Refusal['code'], detail: string): Opening {
  return { kind: 'refused', refusal: { code, detail } };
}
