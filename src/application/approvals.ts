/**
 * Bookings that wait for their provider's yes. While they wait they claim nothing, so that several may ask for one slot;
 * the first that is approved gets it, by a new claim. Funds that were reserved are taken after that claim, or released.
 * Synchronous, inside the shard's transaction; the money itself goes the way of every payment.
 */
import { required } from '../domain/assert.ts';
import { approvalDeadlineMs, isUngranted, QUOTE_STANDS_MS } from '../domain/booking/approval.ts';
import { firstStartMs } from '../domain/booking/attendance.ts';
import type { Booking, Payment } from '../domain/booking/booking.ts';
import type { BookingEvent } from '../domain/booking/booking-machine.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { LIVE_HOLD_STATES } from '../domain/hold/hold-machine.ts';
import { quoteCustom } from '../domain/hold/pricing.ts';
import type { Money } from '../domain/money.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import { claimAnew } from './claim-anew.ts';
import { isPaymentOpen } from './payment-plan.ts';
import { decideSession, isPledge, pledge, renewFunds } from './pledges.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveHold, movePayment, returnGrants } from './transitions.ts';

/** Until when a booking of the hold could be approved if it were asked for now. */
export function approvableUntilMs(
  shard: ShardState,
  { items }: Pick<Hold, 'items'>,
  captureBeforeMs: EpochMs | null,
): EpochMs {
  const startAtMs = firstStartMs({ items });
  return approvalDeadlineMs({ nowMs: shard.nowMs, startAtMs, captureBeforeMs });
}

/**
 * Puts a booking before its provider: its hold is given up, and its quota stays with it. Its funds are reserved, or
 * nothing is due yet. False where there is nothing to be approved any more: the hold is dead, or it is too late.
 */
export function requestApproval(
  shard: ShardState,
  booking: Booking,
  { captureBeforeMs, actor }: { captureBeforeMs: EpochMs | null; actor: string },
): boolean {
  if (approvalOf(booking).kind === 'pledge') return pledge(shard, booking, actor);
  const hold = holdOf(shard, booking);
  const approveByMs = approvableUntilMs(shard, hold, captureBeforeMs);
  if (!LIVE_HOLD_STATES.has(hold.state) || approveByMs <= shard.nowMs) return false;
  moveHold(shard, hold, { event: 'yield', actor, reason: 'waits for approval' });
  moveBooking(shard, known(shard, booking), {
    event: 'request_approval',
    actor,
    changes: { approval: { ...approvalOf(booking), approveByMs } },
    metadata: { approveByMs },
  });
  return true;
}

/** What becomes of reserved funds whose booking may not take its slot by itself. */
export function fundsOfRequest(
  shard: ShardState,
  booking: Booking,
  payment: Payment,
): 'wait' | 'void' | 'capture' {
  if (payment.successor !== null) return 'void';
  if (booking.state === 'awaiting_approval') {
    if (isPledge(booking)) decideSession(shard, required(booking.items[0], 'a slot').slotId);
    if (isBeingCaptured(shard, payment)) return 'capture';
    return renewFunds(shard, booking, payment) ? 'void' : 'wait';
  }
  if (booking.state !== 'pending') return 'void';
  const actor = `processor:${payment.processor}`;
  const { captureBeforeMs } = payment;
  if (!requestApproval(shard, booking, { captureBeforeMs, actor })) return 'void';
  return isBeingCaptured(shard, payment) ? 'capture' : 'wait';
}

/** This pledge, or this look at it, completed its session. */
function isBeingCaptured(shard: ShardState, { id }: Payment): boolean {
  return shard.store.payment(id)?.state === 'capturing';
}

/** A request ends without a yes: its quota goes back, and its funds are released by the next step of their payment. */
export function endRequest(
  shard: ShardState,
  booking: Booking,
  end: { event: BookingEvent; actor: string; reason: string | null },
): void {
  const hold = holdOf(shard, booking);
  moveBooking(shard, booking, end);
  // Only a pledge has kept its claim.
  if (hold.state === 'committed') moveHold(shard, hold, { ...end, event: 'free' });
  else returnGrants(shard, hold);
  for (const payment of shard.store.paymentsOf(booking.id)) {
    if (!isPaymentOpen(payment)) continue;
    shard.savePayment({ ...payment, dueAtMs: shard.nowMs });
    shard.wakeUps.add(booking.id);
  }
}

/**
 * The provider says yes. The slots are claimed anew before any money is taken; where somebody else has got them meanwhile
 * the request is declined, and the call is answered with `slot_unavailable`. Refusals: validation_failed,
 * invalid_transition.
 */
export function approve(
  shard: ShardState,
  booking: Booking,
  { price, actor }: { price: Money | null; actor: string },
): Refusal | null {
  const refusal = requestRefusal(booking) ?? pledgeRefusal(booking) ?? priceRefusal(booking, price);
  if (refusal !== null) return refusal;
  const isTaken = !(price === null
    ? grant(shard, booking, actor)
    : offer(shard, booking, { price, actor }));
  if (isTaken) endRequest(shard, booking, { event: 'decline', actor, reason: 'the slot is taken' });
  return null;
}

/** The provider says no. Refusals: invalid_transition. */
export function decline(
  shard: ShardState,
  booking: Booking,
  { reason, actor }: { reason: string; actor: string },
): Refusal | null {
  const refusal = requestRefusal(booking);
  if (refusal !== null) return refusal;
  endRequest(shard, booking, { event: 'decline', actor, reason });
  return null;
}

/** True where a call to approve found the slot taken. */
export function wasSlotTaken(booking: Booking): boolean {
  return booking.state === 'cancelled' && isUngranted(booking);
}

/** Claims the slots, then begins to take the funds; false where the slots cannot be had. */
function grant(shard: ShardState, booking: Booking, actor: string): boolean {
  const hold = claimAnew(shard, booking, { actor, expiresAtMs: shard.nowMs, keepsQuota: true });
  if (hold === null) return false;
  moveHold(shard, hold, { event: 'commit', actor });
  const changes = { holdId: hold.id, approval: granted(booking) };
  const payment = shard.store.currentPayment(booking.id);
  if (payment === null) {
    moveBooking(shard, known(shard, booking), { event: 'confirm', actor, changes });
    return true;
  }
  moveBooking(shard, known(shard, booking), { event: 'lock', actor, changes });
  const latest = required(shard.store.payment(payment.id), 'a payment stays');
  movePayment(shard, latest, { event: 'begin_capture', actor });
  return true;
}

/** Claims the slots at the price that was named, until the customer has paid it; false where they cannot be had. */
function offer(
  shard: ShardState,
  booking: Booking,
  { price, actor }: { price: Money; actor: string },
): boolean {
  const expiresAtMs = Math.min(shard.nowMs + QUOTE_STANDS_MS, firstStartMs(booking));
  const hold = claimAnew(shard, booking, { actor, expiresAtMs, keepsQuota: true });
  if (hold === null) return false;
  const sale = quoteCustom({ items: hold.items, quote: booking.quote }, price.amount);
  const priced = { ...hold, ...sale };
  shard.saveHold(hold, priced);
  const offered = moveBooking(shard, known(shard, booking), {
    event: 'quote',
    actor,
    changes: { ...sale, holdId: hold.id, approval: granted(booking) },
    metadata: { holdId: hold.id, total: sale.quote.totalMinor, currency: sale.quote.currency },
  });
  if (sale.quote.totalMinor > 0) return true;
  moveHold(shard, priced, { event: 'commit', actor });
  moveBooking(shard, offered, { event: 'confirm', actor });
  return true;
}

function requestRefusal({ state }: Booking): Refusal | null {
  if (state === 'awaiting_approval') return null;
  return refuse('invalid_transition', `A booking that is ${state} does not wait for approval.`, {
    status: state,
  }).refusal;
}

/** A session is decided for all who pledged, by their number. */
function pledgeRefusal(booking: Booking): Refusal | null {
  if (!isPledge(booking)) return null;
  const status = booking.state;
  return refuse('invalid_transition', 'It is confirmed once enough is pledged.', { status })
    .refusal;
}

/** A price is named where it was left open, and nowhere else: what was agreed at the sale stands. */
function priceRefusal(booking: Booking, price: Money | null): Refusal | null {
  const isOpen = approvalOf(booking).kind === 'quote';
  if (price === null)
    return isOpen ? invalid('/price', 'name the price that the customer is to pay') : null;
  if (!isOpen) return invalid('/price', 'the price was agreed when the booking was asked for');
  const { currency } = booking.quote;
  return price.currency === currency ? null : invalid('/price/currency', `must be ${currency}`);
}

function invalid(pointer: string, detail: string): Refusal {
  return refuse('validation_failed', 'The request is not valid.', {
    errors: [{ pointer, detail }],
  }).refusal;
}

function granted(booking: Booking): Booking['approval'] {
  return { ...approvalOf(booking), isGranted: true };
}

function approvalOf({ approval }: Booking) {
  return required(approval, 'a request for approval');
}

function holdOf(shard: ShardState, { holdId }: Booking): Hold {
  return required(shard.store.hold(holdId), 'a booking has its hold');
}

function known(shard: ShardState, { id }: Booking): Booking {
  return required(shard.store.booking(id), 'a booking stays');
}
