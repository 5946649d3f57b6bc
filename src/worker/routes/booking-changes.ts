/** Changes of a booking: cancelled whole or in part, moved to other slots or another resource. Handlers pass on; the shard decides. */
import { cancelWithRefund, moveBooking } from '../../application/checkout.ts';
import { namePlans } from '../../application/name-plans.ts';
import {
  bookingSchema,
  cancelBookingSchema,
  reassignBookingSchema,
  rescheduleBookingSchema,
} from '../../contracts/http/booking.ts';
import { ok } from '../../domain/result.ts';
import type { App } from '../context.ts';
import { keyedResponse, pathId, requireCaller, requireCallKey } from '../respond.ts';
import { lasting } from '../lasting.ts';
import { resolvedChoice } from '../payment-choice.ts';
import { defineRoute } from '../route.ts';
import { SELLERS_CALL, sellersCall } from './booking-attendance.ts';
import { checkoutPorts, plansOf } from './holds.ts';

const cancelBooking = defineRoute({
  method: 'post',
  path: '/v1/bookings/{id}/cancel',
  tag: 'Booking',
  summary: 'Cancel a booking, or some of its slots',
  description:
    'Returns money by the cancellation policy agreed at the sale; all of it when the provider cancels. With slotIds the ' +
    'booking goes on with its other slots; without any left it is cancelled.',
  access: 'booker',
  key: 'required',
  pathIds: { id: 'bkg' },
  body: cancelBookingSchema,
  isBodyOptional: true,
  answers: { 200: { description: 'The booking as it stands.', schema: bookingSchema } },
  refusals: ['invalid_transition', 'slot_past'],
});

const rescheduleBooking = defineRoute({
  method: 'post',
  path: '/v1/bookings/{id}/reschedule',
  tag: 'Booking',
  summary: 'Move a booking to other slots',
  description:
    'The new slots are taken before the old ones are freed, all or nothing. slotIds are all the slots that the booking is ' +
    'to have: one of the same service for each that moves, beside those that stay. A customer moves by the rules of a ' +
    'hold; what the new slots cost less goes back by the ladder of the old ones, and no ladder gets better by moving. ' +
    'What they cost more is paid with `payment`: the booking moves once that is captured, and stays as it is otherwise. ' +
    'A provider moves at the price that was agreed.',
  access: 'booker',
  key: 'required',
  pathIds: { id: 'bkg' },
  body: rescheduleBookingSchema,
  answers: { 200: { description: 'The booking as it stands.', schema: bookingSchema } },
  refusals: [
    'subscription_required',
    'sale_not_open',
    'payment_required',
    'processor_not_supported',
    'payment_declined',
    'hold_expired',
    'slot_unavailable',
    'slot_past',
    'notice_too_short',
    'outside_booking_window',
    'customer_limit_reached',
    'invalid_transition',
  ],
});

const reassignBooking = defineRoute({
  ...SELLERS_CALL,
  path: '/v1/bookings/{id}/reassign',
  summary: 'Move a booking to another resource',
  description:
    'By its provider or an operator: everything of it that is not over moves to a resource that its service may choose, ' +
    'at the same time and price, all or nothing.',
  body: reassignBookingSchema,
  isBodyOptional: false,
  refusals: ['role_required', 'slot_unavailable', 'invalid_transition'],
});

/** Mounts the routes of changes. */
export function registerBookingChanges(app: App): void {
  app.openapi(cancelBooking, async (c) => {
    const { reason = null, slotIds } = c.req.valid('json');
    const command = {
      caller: requireCaller(c),
      call: requireCallKey(c),
      bookingId: c.req.param('id'),
      reason,
      ...(slotIds === undefined ? {} : { slotIds }),
    };
    const ports = checkoutPorts(c, pathId(c, 'id').locator);
    return keyedResponse(c, await lasting(c, cancelWithRefund(ports, command)));
  });

  app.openapi(rescheduleBooking, async (c) => {
    const { slotIds, payment } = c.req.valid('json');
    const choice = payment === undefined ? ok(null) : await resolvedChoice(c, payment);
    const command = {
      caller: requireCaller(c),
      call: requireCallKey(c),
      bookingId: c.req.param('id'),
      slotIds,
      payment: choice.ok ? choice.value : null,
      // The shard says it, because the key may have its answer from when the method was there.
      ...(choice.ok ? {} : { methodRefusal: choice.refusal }),
    };
    const ports = checkoutPorts(c, pathId(c, 'id').locator);
    const reply = await lasting(c, moveBooking(ports, command));
    return keyedResponse(
      c,
      await namePlans({ plans: plansOf(c), log: c.get('services').log }, reply),
    );
  });

  app.openapi(reassignBooking, (c) => {
    const { resourceId } = c.req.valid('json');
    return sellersCall(c, c.req.param('id'), { kind: 'reassign', resourceId });
  });
}
