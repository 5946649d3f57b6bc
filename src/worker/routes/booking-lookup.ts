/** `POST /v1/bookings/lookup`: sends the manage link again to whoever booked. Answers the same whatever there is. */
import { answerLookup, askForLink, normalizeCode } from '../../application/look-up-booking.ts';
import { lookUpBookingSchema, lookedUpSchema } from '../../contracts/http/guests.ts';
import { normalizeEmail } from '../../platform/email-keys.ts';
import { errorFields } from '../../platform/logger.ts';
import type { App } from '../context.ts';
import { countKey } from '../middleware/rate-limit.ts';
import { refusalResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { lookupDeps } from '../use-case-deps.ts';

const lookUp = defineRoute({
  method: 'post',
  path: '/v1/bookings/lookup',
  tag: 'Booking',
  summary: 'Send a manage link again',
  description:
    'If there is a booking with this code and it was made with this e-mail address, its manage link is sent there. ' +
    'The answer never tells.',
  access: 'public',
  key: 'none',
  rate: 'auth',
  body: lookUpBookingSchema,
  answers: { 202: { description: 'Noted.', schema: lookedUpSchema } },
});

/** Registers the route. */
export function registerBookingLookup(app: App): void {
  app.openapi(lookUp, async (c) => {
    const { code, email } = c.req.valid('json');
    // Codes are tried from many addresses at once; whoever asks for their own asks once.
    const refusal = await countKey(c, `code:${normalizeCode(code)}`);
    if (refusal !== null) return refusalResponse(c, refusal);
    const services = c.get('services');
    const deps = lookupDeps(services);
    const lookup = await askForLink(deps, { code, email: normalizeEmail(email) });
    const answered = answerLookup(deps, lookup).catch((error: unknown) => {
      // It stands in the database, and the next run of the sweep answers it.
      services.log.warn('lookup.answer_failed', errorFields(error));
    });
    c.executionCtx.waitUntil(answered);
    return c.json({ status: 'accepted' as const }, 202);
  });
}
