/**
 * Moving a booking to other slots: the new ones are taken before the old ones are freed, in one transaction, and only the
 * difference of the price is paid or goes back. Synchronous, inside the shard's transaction; the booking stays confirmed
 * all along.
 */
import { identitiesOf, isOwnedBy } from '../contracts/calls.ts';
import type { OpenBookingReply, RescheduleCommand } from '../contracts/durable-rpc.ts';
import type { BookingView } from '../contracts/http/booking.ts';
import { required } from '../domain/assert.ts';
import { standing } from '../domain/booking/booked-items.ts';
import type { Booking } from '../domain/booking/booking.ts';
import {
  movedAsAgreed,
  movedSale,
  pairMoves,
  priceMoves,
  type Move,
  type MovedSale,
} from '../domain/booking/moved-slots.ts';
import { termsForPart } from '../domain/hold/coupon-terms.ts';
import { lengthRefusal } from '../domain/hold/held-length.ts';
import {
  accessRefusal,
  NO_ACCESS,
  quantityRefusal,
  refusalAfterClaim,
  type Hold,
  type HoldFacts,
  type HoldItem,
} from '../domain/hold/hold.ts';
import { NO_USES } from '../domain/hold/quota.ts';
import { fareOf } from '../domain/hold/slot-price.ts';
import { bookerOf, commissionFor } from '../domain/inventory/cards.ts';
import { ok, refuse, type Refusal, type Result } from '../domain/result.ts';
import { beginWork } from './booking-calls.ts';
import { openChange } from './booking-change.ts';
import { unitsOnDateOf, venueDate } from './daily-units.ts';
import { findLines } from './hold-lines.ts';
import { lookUpCall, remember } from './keyed-calls.ts';
import { actorOf, visibleBooking } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';
import { claimsFor, switchOver } from './switch-slots.ts';

/** A booking and what it is to become. */
interface Plan {
  readonly booking: Booking;
  readonly hold: Hold;
  readonly moves: readonly Move[];
  readonly isByCustomer: boolean;
}

/** `POST /v1/bookings/{id}/reschedule`, up to the first call of a processor. */
export function rescheduleBooking(shard: ShardState, command: RescheduleCommand): OpenBookingReply {
  const keyed = { callerId: command.caller.id, call: command.call };
  const verdict = lookUpCall<BookingView>(shard, keyed);
  if (verdict.kind === 'answered') return { kind: 'final', reply: verdict.reply };
  const { bookingId } = command;
  if (verdict.kind === 'resume') {
    const { recoveryId } = verdict;
    return beginWork(shard, command, { bookingId, recoveryId, look: true });
  }
  const refusal = reschedule(shard, command);
  if (refusal === null) {
    // The answer tells what became of the payment that this call opened, whatever was opened since.
    const recoveryId = shard.store.booking(bookingId)?.change?.paymentId ?? bookingId;
    return beginWork(shard, command, { bookingId, recoveryId, look: false });
  }
  return { kind: 'final', reply: remember(shard, keyed, { ok: false, refusal }) };
}

/** Null when it is done, or begun: then it waits for the difference to be paid. */
function reschedule(shard: ShardState, command: RescheduleCommand): Refusal | null {
  if (command.methodRefusal !== undefined) return command.methodRefusal;
  const found = planOf(shard, command);
  if (!found.ok) return found.refusal;
  const plan = found.value;
  const facts = factsOf(shard, plan, command);
  const early = plan.isByCustomer ? customersRefusal(plan, facts) : null;
  const unfit = early ?? inputRefusal(plan, facts);
  if (unfit !== null) return unfit;
  const sale = saleOf(shard, plan, command);
  const { payment } = command;
  if (sale.dueMinor > 0 && payment === null)
    return refuse('payment_required', 'The new slots cost more: the difference has to be paid.', {
      amount: { amount: sale.dueMinor, currency: sale.quote.currency },
    }).refusal;
  const wanted = { leaving: plan.moves.map(({ item }) => item.slotId), lines: facts.lines };
  const claims = claimsFor(shard, plan.hold, wanted);
  if (!claims.ok) return claims.refusal;
  const late =
    refusalAfterClaim(plan.isByCustomer ? facts : { ...facts, lines: [] }) ??
    pastRefusal(shard, plan);
  if (late !== null) return late;
  const change = { ...wanted, sale, claims: claims.value };
  if (sale.dueMinor > 0 && payment !== null) return openChange(shard, plan, { ...change, payment });
  switchOver(shard, plan, { ...change, actor: actorOf(shard, command.caller) });
  return null;
}

/**
 * Which slots give way to which. `slotIds` are all the slots that the booking is to have: those that it has stay as they
 * are. Refusals: not_found, invalid_transition, slot_past (one that would give way has begun), validation_failed.
 */
function planOf(shard: ShardState, command: RescheduleCommand): Result<Plan> {
  const { caller, bookingId, slotIds } = command;
  const booking = visibleBooking(shard, caller, bookingId);
  if (booking === null) return refuse('not_found', 'There is no such booking.');
  const { state } = booking;
  if (state !== 'confirmed' && state !== 'in_progress')
    return refuse('invalid_transition', `A booking that is ${state} cannot be moved.`, {
      status: state,
    });
  if (booking.change !== null)
    return refuse('invalid_transition', 'The booking is moving to other slots already.', {
      status: state,
    });
  const left = standing(booking.items);
  const lines = findLines(
    shard,
    slotIds.filter((id) => !left.some(({ slotId }) => slotId === id)),
  );
  if (lines === null) return refuse('not_found', 'There is no such slot.');
  const leaving = left.filter(({ slotId }) => !slotIds.includes(slotId));
  const moves = pairMoves(leaving, lines);
  if (moves === null || moves.length === 0) {
    return refuse('validation_failed', 'Name as many slots as the booking has.', {
      errors: [
        { pointer: '/slotIds', detail: 'one slot of the same service for each that is to move' },
      ],
    });
  }
  if (leaving.some(({ serviceId }) => dependsOnMinimum(shard, serviceId)))
    return refuse('invalid_transition', 'A session that has a minimum cannot be moved.', {
      status: state,
    });
  if (leaving.some(({ startAtMs }) => startAtMs <= shard.nowMs))
    return refuse('slot_past', 'The slot has begun.');
  const hold = required(shard.store.hold(booking.holdId), 'a booking has its hold');
  return ok({ booking, hold, moves, isByCustomer: isOwnedBy(caller, booking.customerId) });
}

/** A session with a minimum is decided for all at once: nobody moves into one, or out of one. */
function dependsOnMinimum(shard: ShardState, serviceId: string): boolean {
  return (shard.inventory.service(serviceId)?.pledge ?? null) !== null;
}

/** What the rules of a hold look at: the slots that leave do not count any more. */
function factsOf(shard: ShardState, plan: Plan, command: RescheduleCommand): HoldFacts {
  const { booking, moves, isByCustomer } = plan;
  const owners = isByCustomer ? identitiesOf(command.caller) : [booking.customerId];
  const sumOver = (count: (ownerId: string) => number): number =>
    owners.reduce((sum, ownerId) => sum + count(ownerId), 0);
  const leaving = (serviceId: string): HoldItem[] =>
    moves.map(({ item }) => item).filter((item) => item.serviceId === serviceId);
  const { quantity } = booking;
  return {
    nowMs: shard.nowMs,
    quantity,
    access: command.access ?? NO_ACCESS,
    lines: moves.map(({ line }) => line),
    liveUnits: (serviceId) =>
      sumOver((ownerId) => shard.liveUnitsOf(ownerId, serviceId)) -
      leaving(serviceId).length * quantity,
    dateOf: venueDate,
    unitsOnDateOf: (line) => {
      const date = venueDate(line.service, line.slot.startAtMs);
      const gone = leaving(line.service.id).filter(
        ({ startAtMs }) => venueDate(line.service, startAtMs) === date,
      );
      const known = sumOver((ownerId) => unitsOnDateOf(shard, ownerId, line));
      return known - gone.length * quantity;
    },
  };
}

/** Who may book the new slots now. Whoever needs the provider's yes asks the provider to move the booking, too. */
function customersRefusal({ booking, moves }: Plan, facts: HoldFacts): Refusal | null {
  const asks = moves.some(({ line }) => line.service.requiresApproval);
  if (asks || moves.some(({ line }) => line.service.priceType === 'custom'))
    return refuse('invalid_transition', 'Its provider moves this booking.', {
      status: booking.state,
    }).refusal;
  return accessRefusal(facts);
}

function inputRefusal({ booking, hold, moves }: Plan, facts: HoldFacts): Refusal | null {
  const isOtherFare = moves.some(
    ({ line: { slot } }) => slot.fares !== null && fareOf(slot, hold.fareId) === null,
  );
  const isOtherCurrency = moves.some(
    ({ line: { slot, service } }) =>
      (slot.price ?? service.price).currency !== booking.quote.currency,
  );
  if (isOtherFare || isOtherCurrency) {
    const detail = isOtherFare ? 'the slot has no fare of that name' : 'it has another currency';
    return refuse('validation_failed', 'The booking cannot move to this slot.', {
      errors: [{ pointer: '/slotIds', detail }],
    }).refusal;
  }
  return lengthRefusal(facts.lines) ?? quantityRefusal(facts);
}

function saleOf(shard: ShardState, plan: Plan, { caller, access }: RescheduleCommand): MovedSale {
  const { booking, hold, moves } = plan;
  const { fareId, quantity } = hold;
  if (!plan.isByCustomer) {
    const items = movedAsAgreed(booking.items, moves, fareId);
    return { items, quote: booking.quote, dueMinor: 0, backMinor: 0 };
  }
  const shares = moves.map(
    ({ item }) => hold.quota?.shares[booking.items.indexOf(item)] ?? NO_USES,
  );
  const discountBps = access?.benefits?.discountBps ?? 0;
  const coupon = hold.coupon === null ? null : termsForPart(hold.coupon.terms, partOf(plan));
  const terms = { quantity, fareId, shares, discountBps, coupon };
  const price = priceMoves(moves, booking.quote, terms);
  const booker = bookerOf(caller.roles, access?.planId ?? null);
  return movedSale(booking, moves, {
    price,
    nowMs: shard.nowMs,
    fareId,
    commissionBps: ({ service }) => commissionFor(service, booker),
  });
}

/** How much of what the booking costs the slots cost that leave. */
function partOf({ booking, moves }: Plan): { partMinor: number; wholeMinor: number } {
  const leaving = moves.map(({ item }) => item);
  return { partMinor: priceOf(leaving), wholeMinor: priceOf(booking.items) };
}

function priceOf(items: readonly HoldItem[]): number {
  return items.reduce((total, { priceMinor }) => total + priceMinor, 0);
}

/** Nobody moves a booking to a slot that has begun. */
function pastRefusal(shard: ShardState, { moves }: Plan): Refusal | null {
  if (moves.every(({ line }) => line.slot.startAtMs > shard.nowMs)) return null;
  return refuse('slot_past', 'The slot has started.').refusal;
}
