/**
 * The only places where a hold, booking, payment, operation, refund or dispute changes state: step the table, write the row,
 * link the event, move the claims, all in the caller's transaction. A step that the table refuses is a broken
 * invariant here; whoever may be refused asks the table first.
 */
import { invariant } from '../domain/assert.ts';
import type { Booking, Dispute, Operation, Payment, Refund } from '../domain/booking/booking.ts';
import { BOOKING_MACHINE, type BookingEvent } from '../domain/booking/booking-machine.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { HOLD_MACHINE, LIVE_HOLD_STATES, type HoldEvent } from '../domain/hold/hold-machine.ts';
import {
  NO_USES,
  QUOTA_MACHINE,
  type HeldGrant,
  type HoldQuota,
  type QuotaEvent,
  type QuotaUses,
} from '../domain/hold/quota.ts';
import { step } from '../domain/machine.ts';
import { DISPUTE_MACHINE, type DisputeEvent } from '../domain/payment/dispute-machine.ts';
import { OPERATION_MACHINE, type OperationEvent } from '../domain/payment/operation-machine.ts';
import { PAYMENT_MACHINE, type PaymentEvent } from '../domain/payment/payment-machine.ts';
import { REFUND_MACHINE, type RefundEvent } from '../domain/payment/refund-machine.ts';
import type { Json } from '../domain/result.ts';
import type { ShardState } from './shard-state.ts';
import { endOffer } from './waitlist/move-entry.ts';

/** Who moved something, and why. */
export interface Cause {
  readonly actor: string;
  readonly reason?: string | null;
  readonly metadata?: { readonly [key: string]: Json };
}

const QUOTA_EVENT_OF: Partial<Record<HoldEvent, QuotaEvent>> = {
  commit: 'keep',
  release: 'give_back',
  expire: 'give_back',
  free: 'give_back',
  yield: 'keep',
};

/**
 * Moves a hold and, with it, its claims and its quota. `keptShares` are what a booking that frees its hold keeps of the
 * quota, slot by slot; nothing, where they are left out. `keepsCoupon`: the use of a coupon is not given back either.
 */
export function moveHold(
  shard: ShardState,
  hold: Hold,
  move: Cause & { event: HoldEvent; keptShares?: readonly QuotaUses[]; keepsCoupon?: boolean },
): Hold {
  const { event, keptShares, keepsCoupon = false, ...cause } = move;
  const outcome = step(HOLD_MACHINE, hold.state, event);
  invariant(outcome.ok, `hold ${hold.id} is ${hold.state} and refuses ${event}`);
  if (!outcome.moved) return hold;
  const quota = hold.quota === null ? null : moveQuota(shard, hold.quota, { event, keptShares });
  const coupon =
    hold.coupon === null || keepsCoupon ? hold.coupon : moveGrant(shard, hold.coupon, event);
  const after = withoutOrigin({ ...hold, state: outcome.to, quota, coupon });
  if (outcome.to === 'committed') shard.commitClaims(hold);
  if (!LIVE_HOLD_STATES.has(outcome.to)) shard.closeClaims(hold);
  shard.saveHold(hold, after);
  shard.record({
    entityId: hold.id,
    parentId: hold.bookingId,
    type: `hold.${outcome.to}`,
    from: outcome.from,
    to: outcome.to,
    ...cause,
  });
  if (hold.entryId !== null && !LIVE_HOLD_STATES.has(outcome.to))
    endOffer(shard, hold.entryId, { ...cause, isOver: outcome.to === 'expired' });
  return after;
}

/** Where a hold came from is forgotten as soon as it counts no more. */
function withoutOrigin({ originKey, ...hold }: Hold): Hold {
  const counts = hold.state === 'active' || hold.state === 'closing';
  return counts && originKey !== undefined ? { ...hold, originKey } : hold;
}

/** Every change of a hold's quota is a notice to its member, in the same transaction. */
function moveQuota(
  shard: ShardState,
  quota: HoldQuota,
  move: { event: HoldEvent; keptShares: readonly QuotaUses[] | undefined },
): HoldQuota {
  const { keptShares = [] } = move;
  if (QUOTA_EVENT_OF[move.event] !== undefined && keptShares.some(takesAnything)) {
    if (keptShares.every((share, index) => share === quota.shares[index])) return quota;
    const kept = { ...quota, shares: keptShares };
    shard.notice(kept);
    return kept;
  }
  return moveGrant(shard, quota, move.event);
}

/** Every change of what was granted to a hold is a notice to whoever gave it, in the same transaction. */
function moveGrant<T extends HeldGrant>(shard: ShardState, granted: T, cause: HoldEvent): T {
  const event = QUOTA_EVENT_OF[cause];
  if (event === undefined) return granted;
  const outcome = step(QUOTA_MACHINE, granted.state, event);
  invariant(outcome.ok, `grant ${granted.grantId} is ${granted.state} and refuses ${event}`);
  if (!outcome.moved) return granted;
  const after = { ...granted, state: outcome.to };
  shard.notice(after);
  return after;
}

/** Gives back what a hold kept although it has no claim any more. */
export function returnGrants(shard: ShardState, hold: Hold): void {
  const quota = hold.quota === null ? null : moveGrant(shard, hold.quota, 'free');
  const coupon = hold.coupon === null ? null : moveGrant(shard, hold.coupon, 'free');
  if (quota !== hold.quota || coupon !== hold.coupon)
    shard.saveHold(hold, { ...hold, quota, coupon });
}

/**
 * What a dead hold kept, for the hold that takes its place. Nothing changes for whoever gave it, so nobody is told; storage
 * wants a grant to count for one hold at a time.
 */
export function handOverGrants(shard: ShardState, dead: Hold): Pick<Hold, 'quota' | 'coupon'> {
  const quota = isKept(dead.quota) ? dead.quota : null;
  const coupon = isKept(dead.coupon) ? dead.coupon : null;
  shard.saveHold(dead, {
    ...dead,
    quota: quota === null ? dead.quota : handedOver(quota),
    coupon: coupon === null ? dead.coupon : handedOver(coupon),
  });
  return {
    quota: quota === null ? null : { ...quota, state: 'held' },
    coupon: coupon === null ? null : { ...coupon, state: 'held' },
  };
}

function isKept<T extends HeldGrant>(granted: T | null): granted is T {
  return granted !== null && granted.state !== 'returned';
}

function handedOver<T extends HeldGrant>(granted: T): T {
  const outcome = step(QUOTA_MACHINE, granted.state, 'give_back');
  invariant(outcome.ok, `grant ${granted.grantId} is ${granted.state} and refuses give_back`);
  return { ...granted, state: outcome.to };
}

function takesAnything(share: QuotaUses): boolean {
  return Object.keys(NO_USES).some((limit) => share[limit as keyof QuotaUses] > 0);
}

/** Moves a booking; `changes` are written with it. */
export function moveBooking(
  shard: ShardState,
  booking: Booking,
  move: Cause & { event: BookingEvent; changes?: Partial<Booking> },
): Booking {
  const { event, changes, ...why } = move;
  const outcome = step(BOOKING_MACHINE, booking.state, event);
  invariant(outcome.ok, `booking ${booking.id} is ${booking.state} and refuses ${event}`);
  if (!outcome.moved) return booking;
  const after = shard.saveBooking({ ...booking, ...changes, state: outcome.to });
  shard.watchBooking(after);
  shard.record({
    entityId: booking.id,
    parentId: null,
    type: `booking.${outcome.to}`,
    from: outcome.from,
    to: outcome.to,
    ...why,
  });
  return after;
}

/** Moves a payment; `changes` (amounts, action, due instant) are written even when the state stays. */
export function movePayment(
  shard: ShardState,
  payment: Payment,
  move: Cause & { event: PaymentEvent; changes?: Partial<Payment> },
): Payment {
  const { event, changes, ...why } = move;
  const outcome = step(PAYMENT_MACHINE, payment.state, event);
  invariant(outcome.ok, `payment ${payment.id} is ${payment.state} and refuses ${event}`);
  const after = { ...payment, ...changes, state: outcome.to };
  shard.savePayment(after);
  if (!outcome.moved) return after;
  shard.record({
    entityId: payment.id,
    parentId: payment.bookingId,
    type: `payment.${outcome.to}`,
    from: outcome.from,
    to: outcome.to,
    ...why,
    metadata: {
      processor: after.processor,
      processorId: after.ref,
      amount: after.amountMinor,
      currency: after.currency,
      captured: after.capturedMinor,
      refunded: after.refundedMinor,
      ...why.metadata,
    },
  });
  return after;
}

/** Settles or parks an operation. Operations are not linked: the payment's own transitions tell what came of them. */
export function moveOperation(
  shard: ShardState,
  operation: Operation,
  move: { event: OperationEvent } & Partial<Pick<Operation, 'lostTo' | 'errorCode'>>,
): Operation {
  const { event, ...changes } = move;
  const outcome = step(OPERATION_MACHINE, operation.state, event);
  invariant(outcome.ok, `operation ${operation.id} is ${operation.state} and refuses ${event}`);
  const after = { ...operation, ...changes, state: outcome.to, leaseUntilMs: 0 };
  shard.store.saveOperation(after);
  return after;
}

/** Moves a refund; what the processor calls it and where it is fetched are written even when the state stays. */
export function moveRefund(
  shard: ShardState,
  refund: Refund,
  move: Cause & { event: RefundEvent } & Partial<
      Pick<Refund, 'ref' | 'claimUrl' | 'commissionMinor' | 'taxMinor'>
    >,
): { refund: Refund; moved: boolean } {
  const { event, ref, claimUrl, commissionMinor, taxMinor, ...why } = move;
  const outcome = step(REFUND_MACHINE, refund.state, event);
  invariant(outcome.ok, `refund ${refund.id} is ${refund.state} and refuses ${event}`);
  const after = {
    ...refund,
    ref: ref ?? refund.ref,
    claimUrl: claimUrl ?? refund.claimUrl,
    commissionMinor: commissionMinor ?? refund.commissionMinor,
    taxMinor: taxMinor ?? refund.taxMinor,
    state: outcome.to,
  };
  shard.store.saveRefund(after);
  if (outcome.moved)
    shard.record({
      entityId: refund.id,
      parentId: refund.bookingId,
      type: `refund.${outcome.to}`,
      from: outcome.from,
      to: outcome.to,
      ...why,
    });
  return { refund: after, moved: outcome.moved };
}

/** Moves a dispute; amount and deadline are written even when the state stays. */
export function moveDispute(
  shard: ShardState,
  dispute: Dispute,
  move: Cause & { event: DisputeEvent },
): { dispute: Dispute; moved: boolean } {
  const { event, ...why } = move;
  const outcome = step(DISPUTE_MACHINE, dispute.state, event);
  invariant(outcome.ok, `dispute ${dispute.id} is ${dispute.state} and refuses ${event}`);
  const after = { ...dispute, state: outcome.to };
  shard.store.saveDispute(after);
  if (outcome.moved)
    shard.record({
      entityId: dispute.id,
      parentId: dispute.bookingId,
      type: `dispute.${outcome.to}`,
      from: outcome.from,
      to: outcome.to,
      ...why,
    });
  return { dispute: after, moved: outcome.moved };
}
