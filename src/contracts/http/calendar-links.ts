/** Addresses that put a booking into a calendar: a file for any, and a form that is filled in for two that have one. */
import { z } from '@hono/zod-openapi';
import type { Booking } from '../../domain/booking/booking.ts';
import type { EpochMs } from '../../domain/time.ts';

export const calendarSchema = z.strictObject({
  /** For every calendar; its secret is that of the manage link. */
  icsUrl: z.string(),
  events: z.array(
    z.strictObject({ slotId: z.string(), googleUrl: z.string(), outlookUrl: z.string() }),
  ),
});

/** The links of a booking, and of each of its slots. */
export function calendarLinks(
  publicUrl: string,
  booking: Pick<Booking, 'id' | 'code' | 'manageToken' | 'items'>,
): z.infer<typeof calendarSchema> {
  return {
    icsUrl: `${publicUrl}/v1/bookings/${booking.id}/calendar.ics?token=${booking.manageToken}`,
    events: booking.items.map(({ slotId, label, startAtMs, endAtMs }) => {
      const text = encodeURIComponent(label);
      const details = encodeURIComponent(booking.code);
      const outlook = new Date(startAtMs).toISOString();
      const until = new Date(endAtMs).toISOString();
      return {
        slotId,
        googleUrl:
          `https://calendar.google.com/calendar/render?action=TEMPLATE&text=${text}` +
          `&dates=${basic(startAtMs)}/${basic(endAtMs)}&details=${details}`,
        outlookUrl:
          'https://outlook.live.com/calendar/0/deeplink/compose?path=/calendar/action/compose&rru=addevent' +
          `&subject=${text}&startdt=${encodeURIComponent(outlook)}&enddt=${encodeURIComponent(until)}` +
          `&body=${details}`,
      };
    }),
  };
}

/** An instant in the basic format of ISO 8601, such as 20261201T090000Z. */
function basic(atMs: EpochMs): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}
