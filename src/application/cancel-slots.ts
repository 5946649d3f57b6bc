/**
 * Cancelling some slots of a booking that goes on with the others: their claims are freed, their quota and the policy's part
 * of their prices go back, and the items stay with what was kept of them. Synchronous, inside the shard's transaction.
 */
import { required } from '../domain/assert.ts';
import { standing } from '../domain/booking/booked-items.ts';
import type { Booking } from '../domain/booking/booking.ts';
import { isWithinPolicy, refundDue } from '../domain/booking/cancellation-policy.ts';
import type { Hold, HoldItem, Quote } from '../domain/hold/hold.ts';
import { NO_USES, type QuotaUses } from '../domain/hold/quota.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import { earningPayments, refundAcross } from './booking-refunds.ts';
import type { ShardState } from './shard-state.ts';

/** Which slots are cancelled, on whose side and by whom. */
interface Cancellation {
  readonly isByCustomer: boolean;
  readonly actor: string;
  readonly slotIds: readonly string[];
  readonly reason: string | null;
}

/** True when these are all the slots that stand: what is cancelled then is the booking. */
export function namesAllStanding({ items }: Booking, slotIds: readonly string[]): boolean {
  const left = standing(items).map(({ slotId }) => slotId);
  return left.length === slotIds.length && left.every((slotId) => slotIds.includes(slotId));
}

/**
 * Cancels the slots, all of them or none; null when it is done. The customer gets the policy's part of their prices back,
 * and all of it where the seller cancels. Refusals: validation_failed (a slot that the booking has not), invalid_transition
 * (not confirmed yet, or the slot was cancelled before), slot_past (it has ended).
 */
export function cancelSlots(
  shard: ShardState,
  booking: Booking,
  { isByCustomer, actor, slotIds, reason }: Cancellation,
): Refusal | null {
  const refusal = slotsRefusal(shard, booking, slotIds);
  if (refusal !== null) return refusal;
  const chosen = booking.items.filter(({ slotId }) => slotIds.includes(slotId));
  const dueOf = (item: HoldItem): number =>
    isByCustomer
      ? refundDue(item.priceMinor, { ...item, cancelledAtMs: shard.nowMs })
      : item.priceMinor;
  const items = booking.items.map((item): HoldItem => {
    if (!chosen.includes(item)) return item;
    const keptMinor = item.priceMinor - dueOf(item);
    return { ...item, cancelled: { atMs: shard.nowMs, keptMinor } };
  });
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  freeSlots(shard, hold, { items, slotIds, isByCustomer });
  const quote = chosen.reduce((left, item) => withoutPrice(left, item, dueOf(item)), booking.quote);
  shard.watchBooking(shard.saveBooking({ ...booking, items, quote }));
  const amountMinor = chosen.reduce((total, item) => total + dueOf(item), 0);
  const refunded = refundAcross(shard, earningPayments(shard, booking.id), {
    amountMinor,
    reason: 'slots cancelled',
    actor,
  });
  shard.record({
    entityId: booking.id,
    parentId: null,
    type: 'booking.slots_cancelled',
    from: booking.state,
    to: booking.state,
    actor,
    reason,
    metadata: { slotIds, refunded, total: quote.totalMinor, currency: quote.currency },
  });
  return null;
}

/**
 * What of a hold's quota a cancellation keeps, share by share: of slots that were cancelled before, what was kept then; of
 * the others nothing, unless their customer cancels so late that the ladder returns nothing any more.
 */
export function sharesKept(
  shard: ShardState,
  { items, quota }: Hold,
  cancelled: { isByCustomer: boolean; slotIds: readonly string[] },
): QuotaUses[] {
  return (quota?.shares ?? []).map((share, index) => {
    const item = items[index];
    if (item === undefined) return NO_USES;
    if (item.cancelled !== null || !cancelled.slotIds.includes(item.slotId)) return share;
    const isLate =
      cancelled.isByCustomer && !isWithinPolicy({ ...item, cancelledAtMs: shard.nowMs });
    return isLate ? share : NO_USES;
  });
}

function slotsRefusal(
  shard: ShardState,
  { state, items, change }: Booking,
  slotIds: readonly string[],
): Refusal | null {
  const chosen = slotIds.map((id) => items.find(({ slotId }) => slotId === id));
  const unknown = slotIds.filter((_, index) => chosen[index] === undefined);
  if (unknown.length > 0) {
    return refuse('validation_failed', 'The booking has no such slot.', {
      errors: unknown.map((id) => ({ pointer: '/slotIds', detail: `the booking has no ${id}` })),
    }).refusal;
  }
  if (state !== 'confirmed' && state !== 'in_progress')
    return refuse('invalid_transition', `A booking that is ${state} is cancelled whole.`, {
      status: state,
    }).refusal;
  if (change !== null)
    return refuse('invalid_transition', 'The booking is moving to other slots.', { status: state })
      .refusal;
  if (chosen.some((item) => item?.cancelled !== null))
    return refuse('invalid_transition', 'The slot was cancelled before.', { status: state })
      .refusal;
  if (chosen.every((item) => item !== undefined && item.endAtMs > shard.nowMs)) return null;
  return refuse('slot_past', 'The slot has ended.').refusal;
}

/** Frees the claims; the others get back the buffers that they shared with these. */
function freeSlots(
  shard: ShardState,
  hold: Hold,
  {
    items,
    slotIds,
    isByCustomer,
  }: { items: readonly HoldItem[]; slotIds: readonly string[]; isByCustomer: boolean },
): void {
  const before = shard.store.claimsOf(hold.id);
  const kept = before.filter(({ slotId }) => !slotIds.includes(slotId));
  shard.replaceClaims(hold, shard.inventory.keep({ before, kept }));
  const quota =
    hold.quota === null
      ? null
      : { ...hold.quota, shares: sharesKept(shard, hold, { isByCustomer, slotIds }) };
  shard.saveHold(hold, { ...hold, items, quota });
  if (quota !== null) shard.notice(quota);
}

function withoutPrice(quote: Quote, { label }: HoldItem, backMinor: number): Quote {
  if (backMinor === 0) return quote;
  return {
    ...quote,
    totalMinor: quote.totalMinor - backMinor,
    lines: [...quote.lines, { kind: 'cancelled', label, amount: -backMinor }],
  };
}
