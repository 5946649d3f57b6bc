/** Changes of a booking: cancelled, whole or in part. Handlers pass on; the shard decides. */
import { cancelWithRefund } from '../../application/checkout.ts';
import { bookingSchema, cancelBookingSchema } from '../../contracts/http/booking.ts';
import type { App } from '../context.ts';
import { keyedResponse, pathId, requireCaller, requireCallKey } from '../respond.ts';
import { lasting } from '../lasting.ts';
import { defineRoute } from '../route.ts';
import { checkoutPorts } from './holds.ts';

const cancelBooking = defineRoute({
  method: 'post',
  path: '/v1/bookings/{id}/cancel',
  tag: 'Booking',
  summary: 'Cancel a booking, or some of its slots',
  description:
    'Returns money by the cancellation policy agreed at the sale; all of it when the provider cancels. With slotIds the ' +
    'booking goes on with its other slots; without any left it is cancelled.',
  access: 'signed_in',
  key: 'required',
  pathIds: { id: 'bkg' },
  body: cancelBookingSchema,
  isBodyOptional: true,
  answers: { 200: { description: 'The booking as it stands.', schema: bookingSchema } },
  refusals: ['invalid_transition', 'slot_past'],
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
}
