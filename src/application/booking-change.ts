/**
 * A move to dearer slots, from the moment its payment is opened: the new slots are held beside the old ones, their hold is
 * committed before the difference is captured, and the booking changes its slots once the money is in. Whatever ends it
 * earlier leaves the booking as it was. Synchronous, inside the shard's transaction; the money goes the way of every payment.
 */
import { required } from '../domain/assert.ts';
import { standing } from '../domain/booking/booked-items.ts';
import type { Booking, Payment, PaymentChoice } from '../domain/booking/booking.ts';
import { holdTtlMs, type Hold } from '../domain/hold/hold.ts';
import type { HoldEvent } from '../domain/hold/hold-machine.ts';
import type { MovedSale } from '../domain/booking/moved-slots.ts';
import type { Claim } from '../domain/inventory/claim.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import { beyond, type EpochMs } from '../domain/time.ts';
import { findLines } from './hold-lines.ts';
import { openSupplement } from './open-payment.ts';
import { CAPTURE_MARGIN_MS } from './payment-plan.ts';
import type { ShardState } from './shard-state.ts';
import { claimsFor, switchOver, type SlotSwitch } from './switch-slots.ts';
import { moveHold, movePayment } from './transitions.ts';
import { entriesOn, serveEntries } from './waitlist/claim-for-customer.ts';

/** How a hold of new slots is given up, by what it is. */
const END_OF_HOLD = {
  active: 'release',
  closing: 'expire',
  committed: 'free',
} as const satisfies { readonly [state in Hold['state']]?: HoldEvent };

/**
 * Holds the new slots and opens the payment of the difference; null when it is begun. Refusals: slot_unavailable (new slots
 * that lie around or within the old ones on one resource cannot be held beside them).
 */
export function openChange(
  shard: ShardState,
  { booking, hold }: { booking: Booking; hold: Hold },
  change: SlotSwitch & { sale: MovedSale; claims: readonly Claim[]; payment: PaymentChoice },
): Refusal | null {
  const { leaving, lines, sale, payment: choice } = change;
  const claims = besides(shard, hold, change);
  if (claims === null)
    return refuse('slot_unavailable', 'The new slots overlap the old ones too far to hold both.', {
      conflicts: lines.map(({ slot }) => slot.id),
      alternatives: [],
    }).refusal;
  const arriving = lines.map(({ slot }) => slot.id);
  const ttlMs = holdTtlMs(lines);
  const startMs = firstLeaveMs(booking, leaving);
  const interim: Hold = {
    ...hold,
    id: shard.ports.ids.mintInShard('hld', shard.shardKey),
    state: 'active',
    items: sale.items.filter(({ slotId }) => arriving.includes(slotId)),
    quote: sale.quote,
    ttlMs,
    createdAtMs: shard.nowMs,
    expiresAtMs: Math.min(shard.nowMs + ttlMs, startMs),
    isExtended: false,
    bookingId: booking.id,
    approval: 'none',
    quota: null,
    coupon: null,
  };
  const actor = `customer:${booking.customerId}`;
  serveEntries(shard, entriesOn(shard, [booking.customerId], lines), actor);
  for (const claim of claims) shard.inventory.restore(claim, true);
  shard.openHold(interim, claims);
  const metadata = { holdId: interim.id, due: sale.dueMinor };
  const { state, id } = booking;
  shard.record({
    entityId: id,
    parentId: null,
    type: 'booking.moving',
    from: state,
    to: state,
    actor,
    metadata,
  });
  const payment = openSupplement(shard, booking, { choice, amountMinor: sale.dueMinor });
  shard.saveBooking({
    ...known(shard, booking.id),
    change: {
      holdId: interim.id,
      paymentId: payment.id,
      leaving,
      arriving,
      items: sale.items,
      quote: sale.quote,
    },
  });
  return null;
}

/** A payment that waits for its payer moves the deadline once; never past the start of a slot that is to leave. */
export function extendChange(shard: ShardState, payment: Payment): void {
  const booking = known(shard, payment.bookingId);
  const interim = heldFor(shard, booking);
  if (booking.change?.paymentId !== payment.id) return;
  if (interim?.state !== 'active' || interim.isExtended) return;
  const startMs = firstLeaveMs(booking, booking.change.leaving);
  const expiresAtMs = Math.min(shard.nowMs + interim.ttlMs, startMs);
  shard.saveHold(interim, { ...interim, isExtended: true, expiresAtMs });
}

/** True while the booking still wants the payment of its move to succeed. */
export function isChangeWanted(shard: ShardState, payment: Payment): boolean {
  const booking = known(shard, payment.bookingId);
  return canSwitch(shard, booking, payment) && heldFor(shard, booking)?.state === 'active';
}

/** Funds are reserved: the new slots are the booking's without a deadline before they are captured; false to release them. */
export function lockChange(shard: ShardState, payment: Payment): boolean {
  const booking = known(shard, payment.bookingId);
  const interim = heldFor(shard, booking);
  const isTooLate =
    payment.captureBeforeMs !== null && payment.captureBeforeMs - shard.nowMs <= CAPTURE_MARGIN_MS;
  if (isTooLate || interim === null || !canSwitch(shard, booking, payment)) return false;
  const actor = `processor:${payment.processor}`;
  moveHold(shard, interim, { event: 'commit', actor });
  movePayment(shard, payment, { event: 'begin_capture', actor });
  return true;
}

/** The difference is in: the booking changes its slots; false where it no longer can, and then it stays as it was. */
export function completeChange(shard: ShardState, payment: Payment): boolean {
  const booking = known(shard, payment.bookingId);
  const { change } = booking;
  const interim = heldFor(shard, booking);
  if (change === null || interim === null || !canSwitch(shard, booking, payment)) return false;
  const actor = `processor:${payment.processor}`;
  const lines = findLines(shard, change.arriving);
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  endHold(shard, interim, { actor, reason: 'the booking has moved' });
  const wanted = { leaving: change.leaving, lines: lines ?? [], isOwn: true };
  const claims = lines === null ? null : claimsFor(shard, hold, wanted);
  if (claims === null || !claims.ok) return false;
  const sale = { items: change.items, quote: change.quote, backMinor: 0 };
  switchOver(shard, { booking, hold }, { ...wanted, sale, claims: claims.value, actor });
  return true;
}

/** A move that was begun is not to be: the new slots are free, and the booking is what it was. */
export function dropChange(
  shard: ShardState,
  bookingId: string,
  why: { actor: string; reason: string },
): void {
  const booking = known(shard, bookingId);
  if (booking.change === null) return;
  const interim = heldFor(shard, booking);
  if (interim !== null) endHold(shard, interim, why);
  shard.saveBooking({ ...known(shard, bookingId), change: null });
  const { state } = booking;
  shard.record({
    entityId: bookingId,
    parentId: null,
    type: 'booking.not_moved',
    from: state,
    to: state,
    ...why,
  });
}

/** True for the payment of a move. */
export function isSupplement({ purpose }: Payment): boolean {
  return purpose === 'supplement';
}

/** The move that the payment was for is over, unless another one has begun since. */
export function endSupplement(
  shard: ShardState,
  { id, bookingId }: Payment,
  why: { actor: string; reason: string },
): void {
  if (known(shard, bookingId).change?.paymentId === id) dropChange(shard, bookingId, why);
}

/** The hold of the new slots while it lives. */
function heldFor(shard: ShardState, { change }: Booking): Hold | null {
  const hold = change === null ? null : shard.store.hold(change.holdId);
  return hold === null || !(hold.state in END_OF_HOLD) ? null : hold;
}

function endHold(shard: ShardState, hold: Hold, why: { actor: string; reason: string }): void {
  if (hold.state === 'released' || hold.state === 'expired') return;
  moveHold(shard, hold, { event: END_OF_HOLD[hold.state], ...why });
}

/** The move is this payment's, and what is to leave has not begun. */
function canSwitch(
  shard: ShardState,
  { state, items, change }: Booking,
  payment: Payment,
): boolean {
  if (change?.paymentId !== payment.id) return false;
  if (state !== 'confirmed' && state !== 'in_progress') return false;
  return firstLeaveMs({ items }, change.leaving) > shard.nowMs;
}

/** When the first of the slots begins that are to leave. */
function firstLeaveMs({ items }: Pick<Booking, 'items'>, leaving: readonly string[]): EpochMs {
  const starts = standing(items)
    .filter(({ slotId }) => leaving.includes(slotId))
    .map(({ startAtMs }) => startAtMs);
  return Math.min(...starts);
}

/** The claims of the new slots as far as the booking has not claimed the same already; null where that leaves no one piece. */
function besides(
  shard: ShardState,
  hold: Hold,
  { claims, lines }: { claims: readonly Claim[]; lines: SlotSwitch['lines'] },
): Claim[] | null {
  const own = shard.store.claimsOf(hold.id);
  const arriving = new Set(lines.map(({ slot }) => slot.id));
  const wanted: Claim[] = [];
  for (const claim of claims.filter(({ slotId }) => arriving.has(slotId))) {
    const beside = own.filter(
      ({ resourceId, unit }) => resourceId === claim.resourceId && unit === claim.unit,
    );
    const [piece, ...more] = beyond(
      claim.span,
      beside.map(({ span }) => span),
    );
    if (piece === undefined || more.length > 0) return null;
    wanted.push({ ...claim, span: piece });
  }
  return wanted;
}

function known(shard: ShardState, bookingId: string): Booking {
  return required(shard.store.booking(bookingId), 'a payment has its booking');
}
