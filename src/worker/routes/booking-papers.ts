/** A booking's papers: its calendar entry, and its ticket as a token and as a QR code. Handlers pass on what the shard says. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { appointmentsOf } from '../../application/booking-calendar.ts';
import type { BookingSheet } from '../../contracts/booking-sheet.ts';
import { ticketSchema } from '../../contracts/http/papers.ts';
import { formatInstant } from '../../contracts/http/views.ts';
import type { TicketClaims } from '../../domain/booking/ticket.ts';
import { regionOf } from '../../domain/ids.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import { renderCalendar, type CalendarPlace } from '../../platform/icalendar.ts';
import { qrCodeSvg } from '../../platform/qr-code.ts';
import { papersQuerySchema, readPapers } from '../booking-papers.ts';
import type { App, AppEnv } from '../context.ts';
import { pathId, refusalResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { taggedResponse } from '../tagged-response.ts';
import { catalogueDeps } from '../use-case-deps.ts';

const tag = 'Booking';

/** What the papers have in common. */
const PAPER = {
  method: 'get',
  tag,
  access: 'anyone',
  pathIds: { id: 'bkg' },
  query: papersQuerySchema,
} as const;

const calendar = defineRoute({
  ...PAPER,
  path: '/v1/bookings/{id}/calendar.ics',
  summary: "A booking's calendar entries",
  description:
    'One entry per slot, whose `UID` stays and whose `SEQUENCE` grows; cancelled ones say so. For whoever may read the ' +
    'booking, and with `token`, the secret of its manage link, for whoever has that.',
  answers: {
    200: { description: 'An iCalendar text.', schema: z.string(), type: 'text/calendar' },
    304: { description: 'Nothing has changed.' },
  },
  refusals: ['not_found'],
});

const ticket = defineRoute({
  ...PAPER,
  path: '/v1/bookings/{id}/ticket',
  summary: "A booking's ticket",
  description:
    'A token that a door checks with the public keys alone, and hands to `check-in`, which takes each booking once. ' +
    'There is one while the booking is confirmed or under way.',
  answers: { 200: { description: 'The ticket.', schema: ticketSchema } },
  refusals: ['not_found', 'invalid_transition'],
});

const picture = defineRoute({
  ...PAPER,
  path: '/v1/bookings/{id}/ticket.svg',
  summary: "A booking's ticket as a QR code",
  answers: { 200: { description: 'The code.', schema: z.string(), type: 'image/svg+xml' } },
  refusals: ['not_found', 'invalid_transition'],
});

/** Registers the routes. */
export function registerBookingPapers(app: App): void {
  app.openapi(calendar, async (c) => {
    const read = await readPapers(c, c.req.param('id'));
    if (!read.ok) return refusalResponse(c, read.refusal);
    const place = await placeOf(c, read.value);
    const host = new URL(c.get('services').settings.publicUrl).host;
    const appointments = appointmentsOf({ ...read.value, url: read.value.manageUrl }, host);
    const text = renderCalendar({
      entries: appointments.map((one) => ({ ...one, place })),
      name: null,
    });
    c.header('Content-Disposition', `attachment; filename="${read.value.code}.ics"`);
    const type = 'text/calendar; charset=utf-8';
    return taggedResponse(c, { text, type, cacheControl: 'private, no-cache' });
  });

  app.openapi(ticket, async (c) => {
    const claims = await claimsOf(c, c.req.param('id'));
    if (!claims.ok) return refusalResponse(c, claims.refusal);
    const { bookingId, code, notBeforeMs, expiresAtMs } = claims.value;
    const { tickets, settings } = c.get('services');
    const view = {
      bookingId,
      code,
      token: await tickets.issue(claims.value),
      notBefore: formatInstant(notBeforeMs),
      expiresAt: formatInstant(expiresAtMs),
      svgUrl: `${settings.publicUrl}/v1/bookings/${bookingId}/ticket.svg?token=${claims.value.manageToken}`,
    };
    return c.json(view, 200);
  });

  app.openapi(picture, async (c) => {
    const claims = await claimsOf(c, c.req.param('id'));
    if (!claims.ok) return refusalResponse(c, claims.refusal);
    const svg = qrCodeSvg(await c.get('services').tickets.issue(claims.value));
    return c.body(svg, 200, { 'Content-Type': 'image/svg+xml' });
  });
}

/** Refusals: those of the papers, `invalid_transition` in a state that has no ticket. */
async function claimsOf(
  c: Context<AppEnv>,
  bookingId: string,
): Promise<Result<TicketClaims & { manageToken: string }>> {
  const read = await readPapers(c, bookingId);
  if (!read.ok) return read;
  const { ticket: claims, state, manageToken } = read.value;
  if (claims === null)
    return refuse('invalid_transition', `A booking that is ${state} has no ticket.`, {
      status: state,
    });
  return ok({ ...claims, manageToken });
}

/** Where it takes place, from the catalogue; a venue that is not there leaves the entry without a place. */
async function placeOf(
  c: Context<AppEnv>,
  { venueId }: BookingSheet,
): Promise<CalendarPlace | null> {
  if (venueId === null) return null;
  const { venues } = catalogueDeps(c.get('services')).catalogue(regionOf(pathId(c, 'id').locator));
  return venues.byId(venueId);
}
