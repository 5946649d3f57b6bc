/** A provider's yes or no to a booking that waits for it. Handlers pass on; the shard decides. */
import { approveBookingSchema, declineBookingSchema } from '../../contracts/http/booking.ts';
import type { App } from '../context.ts';
import { defineRoute } from '../route.ts';
import { SELLERS_CALL, sellersCall } from './booking-attendance.ts';

const approve = defineRoute({
  ...SELLERS_CALL,
  path: '/v1/bookings/{id}/approve',
  summary: 'Approve a booking',
  description:
    'Claims the slot anew, then takes the funds that were reserved. Where somebody else has got the slot, the booking is ' +
    'cancelled and its funds are released. A booking whose price was left open is approved with a `price`, and becomes ' +
    'payable: its customer books the hold that it then names.',
  body: approveBookingSchema,
  refusals: ['role_required', 'slot_unavailable', 'invalid_transition'],
});

const decline = defineRoute({
  ...SELLERS_CALL,
  path: '/v1/bookings/{id}/decline',
  summary: 'Decline a booking',
  description: 'The booking is cancelled and its funds are released.',
  body: declineBookingSchema,
  isBodyOptional: false,
});

/** Mounts the routes of approval. */
export function registerBookingApproval(app: App): void {
  app.openapi(approve, (c) => {
    const { price } = c.req.valid('json');
    return sellersCall(c, c.req.param('id'), { kind: 'approve', price: price ?? null });
  });

  app.openapi(decline, (c) => {
    const { reason } = c.req.valid('json');
    return sellersCall(c, c.req.param('id'), { kind: 'decline', reason });
  });
}
