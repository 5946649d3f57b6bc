/**
 * Manage links: the page behind one, cancelling from it, and a new link for the old. The link's secret is the whole
 * credential, there is no cookie beside it, so that no other site can make a reader's browser use it. A wrong one is 404
 * like anything unknown. The address must never be logged; what is logged of a request is its route.
 */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { cancelWithRefund } from '../../application/checkout.ts';
import { bookingSchema } from '../../contracts/http/booking.ts';
import type { IdParts } from '../../domain/ids.ts';
import { ok, type Result } from '../../domain/result.ts';
import { toBase64Url } from '../../platform/base64.ts';
import type { App, AppEnv } from '../context.ts';
import { lasting } from '../lasting.ts';
import { FORM_POLICY, pageResponse } from '../pages/page.ts';
import { renderBookingPage } from '../pages/booking-page.ts';
import { PROBLEMS } from '../problem.ts';
import {
  keyedResponse,
  openIdOr404,
  pathId,
  refusalResponse,
  requireCaller,
  requireCallKey,
} from '../respond.ts';
import { defineRoute } from '../route.ts';
import { checkoutPorts } from './holds.ts';

const tag = 'Booking';

/** Bytes that tell one sending of the form from another. */
const FORM_KEY_BYTES = 12;

const linkSchema = z.object({ link: z.string().max(200) });
const PAGE = { description: 'A page.', schema: z.string(), type: 'text/html' };

const managePage = defineRoute({
  method: 'get',
  path: '/manage/{link}',
  tag,
  summary: 'The page behind a manage link',
  access: 'public',
  params: linkSchema,
  answers: { 200: PAGE },
  refusals: ['not_found'],
});

const cancelByLink = defineRoute({
  method: 'post',
  path: '/manage/{link}/cancel',
  tag,
  summary: 'Cancel the booking behind a manage link',
  description:
    'What the form of the page sends. It cancels as the customer does, by the policy of the sale.',
  access: 'public',
  key: 'none',
  params: linkSchema,
  query: z.object({ form: z.string().min(1).max(40) }),
  answers: { 303: { description: 'Cancelled: the page shows it.' }, 409: PAGE },
  refusals: ['not_found'],
});

const rotate = defineRoute({
  method: 'post',
  path: '/v1/bookings/{id}/manage-link/rotate',
  tag,
  summary: 'Give a booking a new manage link',
  description: 'The old link is dead at once. For its customer, its provider and operators.',
  access: 'booker',
  key: 'required',
  pathIds: { id: 'bkg' },
  answers: { 200: { description: 'The booking, with its new link.', schema: bookingSchema } },
});

/** Mounts the routes of manage links. */
export function registerManage(app: App): void {
  app.openapi(managePage, (c) => answerPage(c, c.req.valid('param').link));

  app.openapi(cancelByLink, async (c) => {
    const { link } = c.req.valid('param');
    const opened = openLink(c, link);
    if (!opened.ok) return refusalResponse(c, opened.refusal);
    const { bookingId, parts, token } = opened.value;
    const command = {
      // Its own scope of keys: a form that was sent twice cancels once and is answered alike.
      caller: { id: `link:${bookingId}`, roles: [] },
      call: { key: c.req.valid('query').form, fingerprint: bookingId },
      bookingId,
      reason: null,
      manageToken: token,
    };
    const work = cancelWithRefund(checkoutPorts(c, parts.locator), command);
    const reply = await lasting(c, work);
    if (reply.ok) return c.redirect(`/manage/${encodeURIComponent(link)}`, 303);
    if (PROBLEMS[reply.refusal.code].status !== 409) return refusalResponse(c, reply.refusal);
    return answerPage(c, link, reply.refusal.detail);
  });

  app.openapi(rotate, async (c) => {
    const shard = c.get('services').objects.shard(pathId(c, 'id').locator);
    const command = {
      caller: requireCaller(c),
      call: requireCallKey(c),
      bookingId: c.req.param('id'),
    };
    return keyedResponse(c, await shard.rotateManageLink(command));
  });
}

/** The page as the booking stands; with a notice where something was refused. */
async function answerPage(c: Context<AppEnv>, link: string, notice?: string): Promise<Response> {
  const opened = openLink(c, link);
  if (!opened.ok) return refusalResponse(c, opened.refusal);
  const { bookingId, parts, token } = opened.value;
  const { objects, entropy } = c.get('services');
  const read = await objects.shard(parts.locator).getManagedBooking(bookingId, token);
  if (!read.ok) return refusalResponse(c, read.refusal);
  const form = toBase64Url(entropy.bytes(FORM_KEY_BYTES));
  const cancelUrl = `/manage/${encodeURIComponent(link)}/cancel?form=${form}`;
  const html = renderBookingPage(read.value, { cancelUrl, notice: notice ?? null });
  const page = pageResponse(html, null, FORM_POLICY);
  page.headers.set('X-Robots-Tag', 'noindex');
  return notice === undefined
    ? page
    : new Response(page.body, { status: 409, headers: page.headers });
}

interface OpenedLink {
  readonly bookingId: string;
  readonly parts: IdParts;
  readonly token: string;
}

function openLink(c: Context<AppEnv>, link: string): Result<OpenedLink> {
  const [bookingId = '', token = ''] = link.split('.');
  const booking = openIdOr404(c, 'bkg', bookingId);
  return booking.ok ? ok({ bookingId, parts: booking.value, token }) : booking;
}
