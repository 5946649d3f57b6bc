/** `GET /v1/bookings`: the caller's own, or a provider's or venue's for whoever runs it. May lag by seconds. */
import { listBookings } from '../../application/list-bookings.ts';
import { listBookingsQuerySchema } from '../../contracts/http/booking.ts';
import { bookingPageSchema, toBookingSummary } from '../../contracts/http/search.ts';
import type { App } from '../context.ts';
import { pageResponse } from '../map-response.ts';
import { requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { listBookingsDeps } from '../use-case-deps.ts';

const list = defineRoute({
  method: 'get',
  path: '/v1/bookings',
  tag: 'Bookings',
  summary: 'List bookings',
  description: 'Newest first: your own, or those of a provider or venue that you run.',
  access: 'booker',
  query: listBookingsQuerySchema,
  answers: { 200: { description: 'Bookings.', schema: bookingPageSchema } },
  refusals: ['not_found'],
});

/** Registers the route. */
export function registerBookingsList(app: App): void {
  app.openapi(list, async (c) => {
    const { providerId, venueId, status, cursor, limit } = c.req.valid('query');
    const request = { caller: requireCaller(c), providerId, venueId, status, cursor, limit };
    const result = await listBookings(listBookingsDeps(c.get('services')), request);
    return pageResponse(c, result, toBookingSummary);
  });
}
