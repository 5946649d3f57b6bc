/** Bookings: open and pay, confirm, read, history, refund. Handlers pass on; the shard decides. */
import type { Context } from 'hono';
import { checkOut, confirmPayment, refundBooking } from '../../application/checkout.ts';
import type { OpenBookingCommand } from '../../contracts/durable-rpc.ts';
import {
  bookingSchema,
  confirmBookingSchema,
  createBookingSchema,
  createRefundSchema,
  historySchema,
  refundSchema,
  type CreateBookingBody,
} from '../../contracts/http/booking.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import type { App, AppEnv } from '../context.ts';
import {
  keyedResponse,
  pathId,
  refusalResponse,
  requireCaller,
  requireCallKey,
  resultResponse,
} from '../respond.ts';
import { guessRefusal } from '../coupon-guesses.ts';
import { lasting } from '../lasting.ts';
import { resolvedChoice } from '../payment-choice.ts';
import { defineRoute } from '../route.ts';
import {
  checkoutPorts,
  CLAIM_REFUSALS,
  claimOf,
  claimResponse,
  holdBudgets,
  shardOf,
} from './holds.ts';

const createBooking = defineRoute({
  method: 'post',
  path: '/v1/bookings',
  tag: 'Booking',
  summary: 'Book a hold, or slots at once, and pay',
  description:
    'Confirmed at once where nothing is due or the payment needs no action. Funds are reserved first and captured ' +
    'after the slot is locked. A further call with the same hold is the next attempt to pay.',
  access: 'booker',
  key: 'required',
  body: createBookingSchema,
  answers: { 201: { description: 'The booking as it stands.', schema: bookingSchema } },
  refusals: [
    ...CLAIM_REFUSALS,
    'payment_required',
    'processor_not_supported',
    'payment_declined',
    'hold_expired',
    'payment_in_progress',
    'invalid_transition',
  ],
});

const confirmBooking = defineRoute({
  method: 'post',
  path: '/v1/bookings/{id}/confirm',
  tag: 'Booking',
  summary: 'Ask the processor and move the booking on',
  access: 'booker',
  key: 'required',
  pathIds: { id: 'bkg' },
  body: confirmBookingSchema,
  isBodyOptional: true,
  answers: { 200: { description: 'The booking as it stands.', schema: bookingSchema } },
  refusals: ['payment_incomplete', 'hold_expired'],
});

const getBooking = defineRoute({
  method: 'get',
  path: '/v1/bookings/{id}',
  tag: 'Booking',
  summary: 'Read a booking',
  access: 'booker',
  pathIds: { id: 'bkg' },
  answers: { 200: { description: 'The booking as it stands.', schema: bookingSchema } },
});

const getHistory = defineRoute({
  method: 'get',
  path: '/v1/bookings/{id}/history',
  tag: 'Booking',
  summary: 'Every transition of a booking, oldest first',
  access: 'booker',
  pathIds: { id: 'bkg' },
  answers: { 200: { description: 'Its transitions.', schema: historySchema } },
});

const createRefund = defineRoute({
  method: 'post',
  path: '/v1/bookings/{id}/refunds',
  tag: 'Booking',
  summary: 'Give money of a booking back',
  description:
    'By its provider or an operator; all that is left where no amount is named. It moves money only: the booking stays ' +
    'as it is. What it takes is reserved first, so that refunds at the same moment never exceed the capture together.',
  // Who sells the booking is asked of its shard: a token does not know what was founded after it was issued.
  access: 'signed_in',
  key: 'required',
  pathIds: { id: 'bkg' },
  body: createRefundSchema,
  answers: { 201: { description: 'The refund as it stands.', schema: refundSchema } },
  refusals: ['role_required', 'invalid_transition', 'refund_exceeds_captured'],
});

/** Mounts the routes of bookings. */
export function registerBookings(app: App): void {
  app.openapi(createBooking, async (c) => {
    const body = c.req.valid('json');
    const guessing = guessRefusal(c, body.couponCode);
    if (guessing !== null) return refusalResponse(c, guessing);
    const target = targetOf(c, body);
    if (!target.ok) return refusalResponse(c, target.refusal);
    const choice = body.payment === undefined ? ok(null) : await resolvedChoice(c, body.payment);
    const wish = {
      caller: requireCaller(c),
      call: requireCallKey(c),
      target: target.value.target,
      couponCode: body.couponCode ?? null,
      payment: choice.ok ? choice.value : null,
      // The shard says it, because the key may have its answer from when the method was there.
      ...(choice.ok ? {} : { methodRefusal: choice.refusal }),
      ...holdBudgets(c),
    };
    const ports = checkoutPorts(c, target.value.shardKey);
    const reply = await lasting(c, checkOut(ports, wish));
    return claimResponse(c, reply);
  });

  app.openapi(confirmBooking, async (c) => {
    const asked = { caller: requireCaller(c), bookingId: c.req.param('id') };
    const ports = checkoutPorts(c, pathId(c, 'id').locator);
    return resultResponse(c, await lasting(c, confirmPayment(ports, asked)));
  });

  app.openapi(getBooking, async (c) => {
    const { shard } = checkoutPorts(c, pathId(c, 'id').locator);
    const read = await shard.getBooking(requireCaller(c), c.req.param('id'));
    return resultResponse(c, read.ok ? ok(read.value.view) : read);
  });

  app.openapi(getHistory, async (c) => {
    const { shard } = checkoutPorts(c, pathId(c, 'id').locator);
    return resultResponse(c, await shard.bookingHistory(requireCaller(c), c.req.param('id')));
  });

  app.openapi(createRefund, async (c) => {
    const { amount, reason } = c.req.valid('json');
    const command = {
      caller: requireCaller(c),
      call: requireCallKey(c),
      bookingId: c.req.param('id'),
      amount: amount ?? null,
      reason,
    };
    const ports = checkoutPorts(c, pathId(c, 'id').locator);
    return keyedResponse(c, await lasting(c, refundBooking(ports, command)));
  });
}

function targetOf(
  c: Context<AppEnv>,
  body: CreateBookingBody,
): Result<{ shardKey: string; target: OpenBookingCommand['target'] }> {
  if (body.holdId !== undefined) {
    const hold = c.get('services').ids.open('hld', body.holdId);
    if (hold === null) return refuse('not_found', 'There is no such hold.');
    return ok({ shardKey: hold.locator, target: { holdId: body.holdId } });
  }
  const claim = claimOf(body);
  const shardKey = shardOf(c, claim);
  if (!shardKey.ok) return shardKey;
  return ok({ shardKey: shardKey.value, target: { claim } });
}
