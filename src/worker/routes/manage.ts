/** The page behind a booking's manage link. The link's secret is the credential; a wrong one is 404 like anything unknown. */
import { z } from '@hono/zod-openapi';
import type { App } from '../context.ts';
import { renderBookingPage } from '../pages/booking-page.ts';
import { pageResponse } from '../pages/page.ts';
import { openIdOr404, refusalResponse } from '../respond.ts';
import { defineRoute } from '../route.ts';

const managePage = defineRoute({
  method: 'get',
  path: '/manage/{link}',
  tag: 'Booking',
  summary: 'The page behind a manage link',
  access: 'public',
  params: z.object({ link: z.string().max(200) }),
  answers: { 200: { description: 'A page.', schema: z.string(), type: 'text/html' } },
  refusals: ['not_found'],
});

/** Mounts the manage page. */
export function registerManage(app: App): void {
  app.openapi(managePage, async (c) => {
    const [id = '', token = ''] = c.req.valid('param').link.split('.');
    const booking = openIdOr404(c, 'bkg', id);
    if (!booking.ok) return refusalResponse(c, booking.refusal);
    const read = await c
      .get('services')
      .objects.shard(booking.value.locator)
      .getManagedBooking(id, token);
    return read.ok
      ? pageResponse(renderBookingPage(read.value), null)
      : refusalResponse(c, read.refusal);
  });
}
