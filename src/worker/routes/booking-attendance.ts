/** The customer came, or did not: check-in, completion, no-show. Handlers pass on; the shard decides. */
import type { Context } from 'hono';
import { actAsSeller } from '../../application/checkout.ts';
import type { SellerDeed } from '../../contracts/durable-rpc.ts';
import { bookingSchema, checkInSchema, noFieldsSchema } from '../../contracts/http/booking.ts';
import type { App, AppEnv } from '../context.ts';
import { lasting } from '../lasting.ts';
import { keyedResponse, pathId, requireCaller, requireCallKey } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { checkoutPorts } from './holds.ts';

/** What the calls of a booking's seller have in common. */
export const SELLERS_CALL = {
  method: 'post',
  tag: 'Booking',
  // Who sells the booking is asked of its shard: a token does not know what was founded after it was issued.
  access: 'signed_in',
  key: 'required',
  pathIds: { id: 'bkg' },
  body: noFieldsSchema,
  isBodyOptional: true,
  answers: { 200: { description: 'The booking as it stands.', schema: bookingSchema } },
  refusals: ['role_required', 'invalid_transition'],
} as const;

const checkIn = defineRoute({
  ...SELLERS_CALL,
  path: '/v1/bookings/{id}/check-in',
  summary: 'Check the customer in',
  description:
    'By its provider or an operator, once per booking, also before its slot begins. Whoever was checked in is no no-show. ' +
    'A `ticket` that is shown must be one for the booking as it is now.',
  body: checkInSchema,
});

const complete = defineRoute({
  ...SELLERS_CALL,
  path: '/v1/bookings/{id}/complete',
  summary: 'Complete a booking',
  description:
    'By its provider or an operator, before its slot ends; at the end the booking completes by itself, also where nobody ' +
    'was checked in.',
});

const noShow = defineRoute({
  ...SELLERS_CALL,
  path: '/v1/bookings/{id}/no-show',
  summary: 'Say that nobody came',
  description:
    'By its provider or an operator, from the start of its slot until a day after the end, unless somebody was checked ' +
    'in. Keeps the fee that was agreed at the sale, all where there is none, and gives the rest back.',
});

/** Mounts the routes of attendance. */
export function registerBookingAttendance(app: App): void {
  app.openapi(checkIn, async (c) => {
    const { ticket } = c.req.valid('json');
    const shown = ticket === undefined ? null : await c.get('services').tickets.verify(ticket);
    const deed = {
      kind: 'check_in' as const,
      ticket: ticket === undefined ? null : (shown ?? ('invalid' as const)),
    };
    return sellersCall(c, c.req.param('id'), deed);
  });
  app.openapi(complete, (c) => sellersCall(c, c.req.param('id'), { kind: 'complete' }));
  app.openapi(noShow, (c) => sellersCall(c, c.req.param('id'), { kind: 'no_show' }));
}

/** One deed of a booking's seller, from the request to the answer. */
export async function sellersCall(c: Context<AppEnv>, bookingId: string, deed: SellerDeed) {
  const command = {
    caller: requireCaller(c),
    call: requireCallKey(c),
    bookingId,
    deed,
  };
  const ports = checkoutPorts(c, pathId(c, 'id').locator);
  return keyedResponse(c, await lasting(c, actAsSeller(ports, command)));
}
