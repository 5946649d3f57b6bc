/**
 * Sessions that take place once enough is pledged. A pledge keeps its place and reserves its funds without taking them; the
 * slot is decided for all at once: at the minimum everybody is captured, and at the deadline below it everybody is let go.
 * Synchronous, inside the shard's transaction; each pledge's money goes the way of every payment, one by one.
 */
import { required } from '../domain/assert.ts';
import { firstStartMs } from '../domain/booking/attendance.ts';
import type { Booking, Payment } from '../domain/booking/booking.ts';
import { pledgeDeadlineMs, renewalDueMs } from '../domain/booking/pledge.ts';
import type { PledgeView } from '../contracts/http/booking.ts';
import { formatInstant } from '../contracts/http/views.ts';
import type { PledgeRule } from '../domain/inventory/cards.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import type { SlotLine } from './hold-lines.ts';
import { LIVE_HOLD_STATES } from '../domain/hold/hold-machine.ts';
import type { ShardState } from './shard-state.ts';
import { moveBooking, moveHold, movePayment } from './transitions.ts';

/** What a booking waits for that was pledged and is not decided. */
export function isPledge({ state, approval }: Booking): boolean {
  return state === 'awaiting_approval' && approval?.kind === 'pledge';
}

/** A pledge is for one session: what belongs together is decided together. */
export function pledgeInputRefusal(lines: readonly SlotLine[]): Refusal | null {
  if (lines.length < 2 || lines.every(({ service }) => service.pledge === null)) return null;
  return refuse('validation_failed', 'A session that has a minimum is held by itself.', {
    errors: [{ pointer: '/slotIds', detail: 'one of the slots depends on a minimum' }],
  }).refusal;
}

/** After its deadline a session that is below its minimum does not take place. */
export function pledgeClosedRefusal(shard: ShardState, lines: readonly SlotLine[]): Refusal | null {
  const [line] = lines;
  const rule = line?.service.pledge ?? null;
  if (line === undefined || rule === null || isReached(shard, line.slot.id, rule)) return null;
  if (shard.nowMs < pledgeDeadlineMs(rule, line.slot.startAtMs)) return null;
  return refuse('notice_too_short', 'Too few had pledged for this session in time.', {
    slotId: line.slot.id,
  }).refusal;
}

/**
 * A pledge, with its funds reserved or nothing due: its claim stands from now on, and it may be the one that was missing.
 * False where the session cannot be pledged for any more.
 */
export function pledge(shard: ShardState, booking: Booking, actor: string): boolean {
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  const rule = ruleOf(shard, booking);
  const isReachedBefore = rule === null || isReached(shard, slotOf(booking), rule);
  const startAtMs = firstStartMs(booking);
  const approveByMs = rule === null ? startAtMs : pledgeDeadlineMs(rule, startAtMs);
  const isOver = isReachedBefore ? startAtMs <= shard.nowMs : approveByMs <= shard.nowMs;
  if (!LIVE_HOLD_STATES.has(hold.state) || isOver) return false;
  moveHold(shard, hold, { event: 'commit', actor });
  const latest = required(shard.store.booking(booking.id), 'a booking stays');
  moveBooking(shard, latest, {
    event: 'request_approval',
    actor,
    reason: 'pledged',
    changes: { approval: { kind: 'pledge', isGranted: false, approveByMs } },
  });
  decideSession(shard, slotOf(booking));
  return true;
}

/** Grants everybody who waits for a session once its minimum is reached; each one's funds are taken by its own steps. */
export function decideSession(shard: ShardState, slotId: string): void {
  for (const holdId of shard.store.holdsOfSlot(slotId)) {
    const { state, bookingId } = required(shard.store.hold(holdId), 'a claim has its hold');
    const booking = bookingId === null ? null : shard.store.booking(bookingId);
    if (state !== 'committed' || booking === null || !isPledge(booking)) continue;
    const rule = ruleOf(shard, booking);
    if (rule !== null && !isReached(shard, slotId, rule)) return;
    grant(shard, booking);
  }
}

/**
 * Funds that cannot be kept until the session is decided are reserved anew by the same method, some time before the
 * processor lets them go: this attempt is ended, and another takes over. True where that is to happen now.
 */
export function renewFunds(shard: ShardState, booking: Booking, payment: Payment): boolean {
  const dueAtMs = renewalDueMs(booking, payment);
  if (dueAtMs === null || dueAtMs > shard.nowMs) return false;
  const { processor, paymentMethod, returnUrl, customerRef } = payment;
  const owner = customerRef === null ? {} : { customerRef };
  const known = required(shard.store.payment(payment.id), 'a payment stays');
  shard.savePayment({ ...known, successor: { processor, paymentMethod, returnUrl, ...owner } });
  return true;
}

/** How a session stands, for those who pledged for it; null for any other booking. */
export function viewPledge(shard: ShardState, booking: Booking): PledgeView | null {
  const rule = booking.approval?.kind === 'pledge' ? ruleOf(shard, booking) : null;
  if (rule === null) return null;
  return {
    minimum: rule.minimumQuantity,
    pledged: shard.inventory.committedUnits(slotOf(booking)),
    decideAt: formatInstant(pledgeDeadlineMs(rule, firstStartMs(booking))),
  };
}

/** An attempt that waits for its payer, or is being renewed, is granted when its funds are there. */
function grant(shard: ShardState, booking: Booking): void {
  const actor = 'system:pledge';
  const reason = 'enough was pledged';
  const approval = { ...required(booking.approval, 'a pledge'), isGranted: true };
  const payment = shard.store.currentPayment(booking.id);
  if (payment === null) {
    moveBooking(shard, booking, { event: 'confirm', actor, reason, changes: { approval } });
    return;
  }
  if (payment.state !== 'authorized' || payment.successor !== null) return;
  moveBooking(shard, booking, { event: 'lock', actor, reason, changes: { approval } });
  const latest = required(shard.store.payment(payment.id), 'a payment stays');
  movePayment(shard, latest, { event: 'begin_capture', actor, changes: { dueAtMs: shard.nowMs } });
  shard.wakeUps.add(booking.id);
}

/** The rule of a session as it stands: one decision for all who pledged, also where the rule was changed meanwhile. */
function ruleOf(shard: ShardState, { items }: Booking): PledgeRule | null {
  const [item] = items;
  return item === undefined ? null : (shard.inventory.service(item.serviceId)?.pledge ?? null);
}

function isReached(shard: ShardState, slotId: string, rule: PledgeRule): boolean {
  return shard.inventory.committedUnits(slotId) >= rule.minimumQuantity;
}

function slotOf({ items }: Booking): string {
  return required(items[0], 'a booking has a slot').slotId;
}
