/**
 * What an answer of a processor means for the booking: lock before capture, confirm after capture,
 * free the slot when the money is refused, make a new claim for money that came late or give it back.
 */
import { required } from '../domain/assert.ts';
import { isUngranted } from '../domain/booking/approval.ts';
import type { Booking, Payment } from '../domain/booking/booking.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { LIVE_HOLD_STATES } from '../domain/hold/hold-machine.ts';
import { step } from '../domain/machine.ts';
import { PAYMENT_MACHINE, type PaymentEvent } from '../domain/payment/payment-machine.ts';
import type { ProcessorPayment } from '../domain/payment/processor-reply.ts';
import { endRequest, fundsOfRequest } from './approvals.ts';
import { afterSupplement, keep } from './arrived-money.ts';
import {
  endSupplement,
  extendChange,
  isChangeWanted,
  isSupplement,
  lockChange,
} from './booking-change.ts';
import { claimAnew } from './claim-anew.ts';
import { openPayment } from './open-payment.ts';
import { isPledge } from './pledges.ts';
import { CAPTURE_MARGIN_MS, isPaid, isPaymentOpen, isWanted } from './payment-plan.ts';
import { applyDisputes } from './disputes.ts';
import { recordFee, recordReceived } from './money-facts.ts';
import { noteExternalRefunds, requestRefund } from './refunds.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveHold, movePayment } from './transitions.ts';

/** What was seen at the processor, and who saw it. */
interface Sighting {
  readonly seen: ProcessorPayment;
  readonly actor: string;
}

/** Why an attempt is refused whose object shows other money than was asked for. */
const MISMATCH = 'amount_mismatch';

const EVENT_OF_STATE: Record<ProcessorPayment['state'], PaymentEvent | null> = {
  created: null,
  action_required: 'require_action',
  pending: 'wait',
  approved: 'wait',
  authorized: 'authorize',
  captured: 'capture',
  failed: 'fail',
  expired: 'expire',
  voided: 'void',
};

/**
 * Applies the processor's own object. State only moves forward: what came late changes nothing. `areRefundsChecked`:
 * each of our refunds was asked for in this pass.
 */
export function applyPayment(
  shard: ShardState,
  payment: Payment,
  sighting: Sighting & { areRefundsChecked?: boolean },
): void {
  const { seen, areRefundsChecked = false } = sighting;
  if (isForeign(payment, seen)) refuseForeign(shard, payment, sighting);
  else if (isSurplus(shard, payment, seen)) stopSurplus(shard, payment, sighting);
  else applyState(shard, payment, sighting);
  const after = required(shard.store.payment(payment.id), 'a payment stays');
  if (isSomebodyElses(payment, seen) || !isPaid(after)) return;
  if (isPaid(payment)) applyMore(shard, payment, seen);
  applyDisputes(shard, after, seen.disputes);
  const seenRefunds = { refundedMinor: seen.refundedMinor, areOursChecked: areRefundsChecked };
  noteExternalRefunds(
    shard,
    required(shard.store.payment(payment.id), 'a payment stays'),
    seenRefunds,
  );
}

function applyState(shard: ShardState, payment: Payment, { seen, actor }: Sighting): void {
  const event = eventFor(payment, seen);
  const changes: Partial<Payment> = {
    ref: seen.ref,
    authorizedMinor: Math.max(payment.authorizedMinor, seen.authorizedMinor),
    captureBeforeMs: seen.captureBeforeMs ?? payment.captureBeforeMs,
    action: seen.action ?? payment.action,
    declineCode: seen.declineCode ?? payment.declineCode,
    isEnded: payment.isEnded || seen.state === 'voided' || seen.state === 'expired',
    ...settledLooks(payment, event),
  };
  if (event === null) return shard.savePayment({ ...payment, ...changes });
  if (event === 'fail')
    return failPayment(
      shard,
      { ...payment, ...changes },
      { declineCode: changes.declineCode ?? 'failed', actor },
    );
  const arrives = event === 'capture' && !isPaid(payment);
  const money = arrives ? { capturedMinor: seen.capturedMinor, feeMinor: seen.feeMinor } : {};
  const after = movePayment(shard, payment, {
    event: event,
    actor,
    changes: { ...changes, ...money },
  });
  if (after.state === 'action_required' && payment.state !== 'action_required')
    extendHold(shard, after);
  if (arrives) afterCapture(shard, after);
  if (after.state === 'voided' || after.state === 'expired') afterEnd(shard, payment, after);
}

/** More came for a payment that was settled, or its fee became known. Nothing was sold for it: it goes back. */
function applyMore(shard: ShardState, payment: Payment, seen: ProcessorPayment): void {
  const cameMinor = seen.capturedMinor - payment.capturedMinor;
  if (cameMinor > 0) {
    const before = required(shard.store.payment(payment.id), 'a payment stays');
    const after = { ...before, capturedMinor: seen.capturedMinor };
    shard.savePayment(after);
    recordReceived(
      shard,
      { ...after, feeMinor: null },
      { earnedMinor: 0, surplusMinor: cameMinor },
    );
    const actor = `processor:${payment.processor}`;
    requestRefund(shard, after, { amountMinor: cameMinor, reason: 'more than what is due', actor });
  }
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  if (seen.feeMinor === null || seen.feeMinor === known.feeMinor) return;
  recordFee(shard, known, seen.feeMinor - (known.feeMinor ?? 0));
  shard.savePayment({ ...known, feeMinor: seen.feeMinor });
}

/** The attempt was refused for good: the booking may be paid another way, unless its slot was locked for this capture. */
export function failPayment(
  shard: ShardState,
  payment: Payment,
  refused: { declineCode: string; actor: string },
): void {
  const { declineCode, actor } = refused;
  const after = movePayment(shard, payment, {
    event: 'fail',
    actor,
    reason: declineCode,
    changes: { declineCode, dueAtMs: null, fruitlessLooks: 0 },
  });
  if (after.state !== 'failed' || payment.state === 'failed') return;
  if (isSupplement(payment)) return endSupplement(shard, payment, { actor, reason: declineCode });
  const booking = bookingOf(shard, payment);
  if (booking.state === 'awaiting_approval')
    return endRequest(shard, booking, { event: 'fail_payment', actor, reason: declineCode });
  if (booking.state !== 'pending' && booking.state !== 'confirming') return;
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  if (payment.successor !== null && hold.state === 'active') return succeed(shard, after);
  moveBooking(shard, booking, { event: 'fail_payment', actor, reason: declineCode });
  if (hold.state === 'committed')
    moveHold(shard, hold, { event: 'free', actor, reason: 'capture refused' });
  if (hold.state === 'closing')
    moveHold(shard, hold, { event: 'expire', actor, reason: 'payment refused after the deadline' });
}

/** True when the attempt has to be ended: its hold is past its deadline, its booking is over, or another takes over. */
export function isClosing(shard: ShardState, payment: Payment): boolean {
  if (!isPaymentOpen(payment) || payment.state === 'capturing') return false;
  if (isSupplement(payment)) return !isChangeWanted(shard, payment);
  const booking = bookingOf(shard, payment);
  return !isWanted(booking, shard.store.hold(booking.holdId), payment);
}

/**
 * Funds are reserved: lock the slot and begin the capture, or, where the slot cannot be had, release the funds. Where the
 * provider has to be asked first, the funds wait for the answer. Commit before capture: the claim is without a deadline
 * before any money moves.
 */
export function lockOrVoid(shard: ShardState, payment: Payment): 'capture' | 'void' | 'wait' {
  if (payment.state === 'capturing') return 'capture';
  if (isSupplement(payment)) return lockChange(shard, payment) ? 'capture' : 'void';
  const booking = bookingOf(shard, payment);
  if (isUngranted(booking)) return fundsOfRequest(shard, booking, payment);
  const isTooLate =
    payment.captureBeforeMs !== null && payment.captureBeforeMs - shard.nowMs <= CAPTURE_MARGIN_MS;
  if (isTooLate || !canLock(booking)) return 'void';
  const actor = `processor:${payment.processor}`;
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  const isLive = LIVE_HOLD_STATES.has(hold.state);
  const locked = isLive
    ? moveHold(shard, hold, { event: 'commit', actor })
    : claimLate(shard, booking, hold);
  if (locked === null) return 'void';
  moveBooking(shard, bookingOf(shard, payment), {
    event: 'lock',
    actor,
    changes: { holdId: locked.id, isLate: booking.isLate || !isLive },
    metadata: { late: !isLive },
  });
  movePayment(shard, payment, { event: 'begin_capture', actor, changes: { successor: null } });
  return 'capture';
}

function canLock(booking: Booking): boolean {
  return (
    booking.state === 'pending' || booking.state === 'expired' || booking.state === 'payment_failed'
  );
}

/** Late money never revives a dead hold: it makes a new claim. */
function claimLate(shard: ShardState, booking: Booking, dead: Hold): Hold | null {
  const actor = 'system:late-money';
  const expiresAtMs = shard.nowMs + dead.ttlMs;
  const hold = claimAnew(shard, booking, { actor, expiresAtMs, keepsQuota: false });
  return hold === null ? null : moveHold(shard, hold, { event: 'commit', actor });
}

/** The money is in: confirm the booking that was locked for it, else find it a slot, else give it back. */
function afterCapture(shard: ShardState, payment: Payment): void {
  const actor = `processor:${payment.processor}`;
  const isEnough = payment.capturedMinor >= payment.amountMinor;
  if (isSupplement(payment)) return afterSupplement(shard, payment, isEnough);
  const booking = bookingOf(shard, payment);
  // Of several attempts one is the booking's; what another brings in late is never its price.
  const isOurs = shard.store.currentPayment(booking.id)?.id === payment.id;
  if (isEnough && isOurs && confirm(shard, payment, booking)) return keep(shard, payment);
  recordReceived(shard, payment, { earnedMinor: 0, surplusMinor: payment.capturedMinor });
  const isUnasked = isUngranted(booking);
  if ((!isEnough || isUnasked) && isOurs)
    giveUpSlot(shard, booking, {
      actor,
      reason: isEnough ? 'captured before it was approved' : 'less was captured than is due',
    });
  requestRefund(shard, payment, {
    amountMinor: payment.capturedMinor,
    reason: isEnough ? 'no slot for this money' : 'less than what is due',
    actor,
  });
}

/** Confirms the booking for money that is in; false when its slot cannot be had. */
function confirm(shard: ShardState, payment: Payment, booking: Booking): boolean {
  const actor = `processor:${payment.processor}`;
  const metadata = { captured: payment.capturedMinor };
  if (booking.state === 'confirming') {
    moveBooking(shard, booking, { event: 'confirm', actor, metadata });
    return true;
  }
  if (!canLock(booking) || isUngranted(booking)) return false;
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  const isLive = LIVE_HOLD_STATES.has(hold.state);
  const locked = isLive
    ? moveHold(shard, hold, { event: 'commit', actor })
    : claimLate(shard, booking, hold);
  if (locked === null) return false;
  const changes = { holdId: locked.id, isLate: booking.isLate || !isLive };
  const found = bookingOf(shard, payment);
  const confirming = moveBooking(shard, found, { event: 'lock', actor, changes });
  moveBooking(shard, confirming, {
    event: 'confirm',
    actor,
    metadata: { ...metadata, late: !isLive },
  });
  return true;
}

/** What came cannot pay for the booking, which has failed; its slot is free again. */
function giveUpSlot(
  shard: ShardState,
  booking: Booking,
  { actor, reason }: { actor: string; reason: string },
): void {
  if (booking.state === 'awaiting_approval')
    return endRequest(shard, booking, { event: 'fail_payment', actor, reason });
  if (booking.state !== 'pending' && booking.state !== 'confirming') return;
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  moveBooking(shard, booking, { event: 'fail_payment', actor, reason });
  if (hold.state === 'committed') moveHold(shard, hold, { event: 'free', actor, reason });
  if (hold.state === 'closing') moveHold(shard, hold, { event: 'expire', actor, reason });
}

/** An attempt ended without money. Whoever waited for it goes on, or ends with it. */
function afterEnd(shard: ShardState, before: Payment, payment: Payment): void {
  if (!isPaymentOpen(before)) return;
  const actor = `processor:${payment.processor}`;
  if (isSupplement(payment))
    return endSupplement(shard, payment, { actor, reason: `payment ${payment.state}` });
  const booking = bookingOf(shard, payment);
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  if (booking.state === 'awaiting_approval') {
    if (isPledge(booking) && payment.successor !== null) return succeed(shard, payment);
    return endRequest(shard, booking, { event: 'fail_payment', actor, reason: payment.state });
  }
  if (booking.state === 'confirming') {
    moveBooking(shard, booking, { event: 'fail_payment', actor, reason: payment.state });
    if (hold.state === 'committed')
      moveHold(shard, hold, { event: 'free', actor, reason: `payment ${payment.state}` });
    return;
  }
  if (booking.state !== 'pending') return;
  if (hold.state === 'active' && payment.successor !== null) return succeed(shard, payment);
  if (hold.state === 'closing') {
    moveHold(shard, hold, { event: 'expire', actor, reason: `payment ${payment.state}` });
    moveBooking(shard, booking, { event: 'expire', actor, reason: 'deadline passed' });
    return;
  }
  moveBooking(shard, booking, { event: 'fail_payment', actor, reason: payment.state });
}

/** Opens the attempt that waited for this one to be closed. */
function succeed(shard: ShardState, closed: Payment): void {
  const choice = required(closed.successor, 'an attempt that takes over');
  const known = required(shard.store.payment(closed.id), 'a payment stays');
  shard.savePayment({ ...known, successor: null });
  openPayment(shard, bookingOf(shard, closed), choice);
}

/** A payment that waits for its payer moves the deadline once, to a full time to live from now. */
function extendHold(shard: ShardState, payment: Payment): void {
  if (isSupplement(payment)) return extendChange(shard, payment);
  const booking = bookingOf(shard, payment);
  const hold = shard.store.hold(booking.holdId);
  if (hold?.state !== 'active' || hold.isExtended) return;
  // A price that was named stands for longer than a hold does.
  const expiresAtMs = Math.max(hold.expiresAtMs, shard.nowMs + hold.ttlMs);
  shard.saveHold(hold, { ...hold, isExtended: true, expiresAtMs });
}

/** An attempt that had ended is being paid while another one runs or has paid: the booking wants only one of them. */
function isSurplus(shard: ShardState, payment: Payment, seen: ProcessorPayment): boolean {
  const isAlive = ['authorized', 'approved', 'pending', 'action_required'].includes(seen.state);
  // What was ended by us and can bring no money without us is no threat: some processors cannot close it.
  if (payment.isEnded && (seen.state === 'action_required' || seen.state === 'approved'))
    return false;
  if (isPaymentOpen(payment) || !isAlive) return false;
  const current = shard.store.currentPayment(payment.bookingId);
  return (
    current !== null &&
    current.id !== payment.id &&
    (isPaymentOpen(current) || current.state === 'captured')
  );
}

/** Its funds are released: the payment stays ended, and its object is closed by the next step. */
function stopSurplus(shard: ShardState, payment: Payment, { seen, actor }: Sighting): void {
  shard.savePayment({ ...payment, isEnded: false, dueAtMs: shard.nowMs });
  shard.record({
    entityId: payment.id,
    parentId: payment.bookingId,
    type: 'payment.surplus',
    from: payment.state,
    to: payment.state,
    actor,
    reason: 'another attempt pays for the booking',
    metadata: { seenState: seen.state, seenRef: seen.ref },
  });
}

/** Wrong amount, wrong currency or somebody else's object never confirms anything. */
function isForeign(payment: Payment, seen: ProcessorPayment): boolean {
  const isOtherMoney =
    seen.amountMinor !== payment.amountMinor || seen.currency !== payment.currency;
  return isOtherMoney || isSomebodyElses(payment, seen);
}

/** An object of another payment is never touched: it has an owner. */
function isSomebodyElses(payment: Payment, seen: ProcessorPayment): boolean {
  const reference = seen.metadata['payment_id'];
  return reference !== undefined && reference !== payment.id;
}

function refuseForeign(shard: ShardState, payment: Payment, { seen, actor }: Sighting): void {
  if (isPaid(payment)) return; // Its money is known, and on its way back.
  const isKnown = payment.declineCode === MISMATCH;
  if (isPaymentOpen(payment)) failPayment(shard, payment, { declineCode: MISMATCH, actor });
  const ended = required(shard.store.payment(payment.id), 'a payment stays');
  const isOver =
    seen.state === 'voided' || seen.state === 'expired' || isSomebodyElses(payment, seen);
  if (seen.capturedMinor > 0 && !isSomebodyElses(payment, seen))
    returnForeign(shard, ended, { seen, actor });
  else shard.savePayment({ ...ended, ref: seen.ref, isEnded: isOver, declineCode: MISMATCH });
  if (isKnown) return;
  shard.record({
    entityId: payment.id,
    parentId: payment.bookingId,
    type: 'payment.mismatch',
    from: payment.state,
    to: ended.state,
    actor,
    reason: 'the processor shows another amount, currency or reference',
    metadata: { seenAmount: seen.amountMinor, seenCurrency: seen.currency, seenRef: seen.ref },
  });
}

/** Money of a wrong sum or currency that came all the same goes back whole. */
function returnForeign(shard: ShardState, ended: Payment, { seen, actor }: Sighting): void {
  const changes = {
    ref: seen.ref,
    currency: seen.currency,
    capturedMinor: seen.capturedMinor,
    feeMinor: seen.feeMinor,
    isEnded: true,
    declineCode: MISMATCH,
  };
  const captured = movePayment(shard, ended, { event: 'capture', actor, changes });
  recordReceived(shard, captured, { earnedMinor: 0, surplusMinor: seen.capturedMinor });
  requestRefund(shard, captured, { amountMinor: seen.capturedMinor, reason: MISMATCH, actor });
}

/** The event that an object's state stands for; null where it tells nothing new. */
function eventFor(payment: Payment, seen: ProcessorPayment): PaymentEvent | null {
  if (seen.state === 'created') {
    // No method was given to us: the payer enters it with the processor, so the next move is theirs.
    return payment.state === 'created' && payment.paymentMethod === null ? 'require_action' : null;
  }
  const event = EVENT_OF_STATE[seen.state];
  if (isPaid(payment)) return event === 'void' ? null : event;
  // An invoice that ended with less than its price on it has money that somebody is owed.
  const isOver = event === 'fail' || event === 'expire' || event === 'void';
  return isOver && seen.capturedMinor > 0 ? 'capture' : event;
}

/** A look that found something new ends the back-off, and the next look is due only for what still waits. */
function settledLooks(payment: Payment, event: PaymentEvent | null): Partial<Payment> {
  const outcome = event === null ? null : step(PAYMENT_MACHINE, payment.state, event);
  return outcome?.ok === true && outcome.moved ? { fruitlessLooks: 0, dueAtMs: null } : {};
}

function bookingOf(shard: ShardState, payment: Payment): Booking {
  return required(shard.store.booking(payment.bookingId), 'a payment has its booking');
}
