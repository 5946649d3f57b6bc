/** Private calendar feeds. Handlers pass on; who may see what is decided by the use case. */
import { z } from '@hono/zod-openapi';
import { appointmentStatus, appointmentUid } from '../../application/booking-calendar.ts';
import type { Feed, FeedEntry } from '../../application/feed-ports.ts';
import { createFeed, listFeeds, readFeed, revokeFeed } from '../../application/feeds.ts';
import { createFeedSchema, feedsSchema, newFeedSchema } from '../../contracts/http/feeds.ts';
import { formatInstant } from '../../contracts/http/views.ts';
import { renderCalendar, type CalendarEntry } from '../../platform/icalendar.ts';
import type { App } from '../context.ts';
import { refusalResponse, requireCaller } from '../respond.ts';
import { defineRoute } from '../route.ts';
import { taggedResponse } from '../tagged-response.ts';
import { feedDeps } from '../feed-deps.ts';

const tag = 'Feeds';
const SUFFIX = '.ics';

const create = defineRoute({
  method: 'post',
  path: '/v1/feeds',
  tag,
  summary: 'Make a private calendar feed',
  description:
    'Of your own bookings, or of a resource of a provider that you own. Its address is shown once and is the only ' +
    'credential: an answer is never stored, so the call takes no idempotency key.',
  access: 'signed_in',
  key: 'none',
  body: createFeedSchema,
  isBodyOptional: true,
  answers: { 201: { description: 'The feed with its address.', schema: newFeedSchema } },
  refusals: ['not_found'],
});

const list = defineRoute({
  method: 'get',
  path: '/v1/feeds',
  tag,
  summary: 'List your feeds',
  access: 'signed_in',
  answers: { 200: { description: 'Feeds that were not revoked.', schema: feedsSchema } },
});

const revoke = defineRoute({
  method: 'post',
  path: '/v1/feeds/{id}/revoke',
  tag,
  summary: 'Revoke a feed',
  access: 'signed_in',
  key: 'none',
  pathIds: { id: 'fed' },
  answers: { 204: { description: 'Its address answers 404 from now on.' } },
  refusals: ['not_found'],
});

const read = defineRoute({
  method: 'get',
  path: '/v1/feeds/{file}',
  tag,
  summary: 'Read a feed',
  description:
    'For calendars that subscribe: `{file}` is the token and `.ics`. A month back and a year ahead, 1,000 entries at ' +
    'most; may lag behind by seconds.',
  access: 'public',
  params: z.object({ file: z.string().max(100) }),
  answers: {
    200: { description: 'An iCalendar text.', schema: z.string(), type: 'text/calendar' },
    304: { description: 'Nothing has changed.' },
  },
  refusals: ['not_found'],
});

/** Registers the routes. */
export function registerFeeds(app: App): void {
  app.openapi(create, async (c) => {
    const services = c.get('services');
    const { resourceId = null } = c.req.valid('json');
    const made = await createFeed(feedDeps(services), requireCaller(c), resourceId);
    if (!made.ok) return refusalResponse(c, made.refusal);
    const url = `${services.settings.publicUrl}/v1/feeds/${made.value.token}${SUFFIX}`;
    return c.json({ ...toView(made.value), url }, 201);
  });
  app.openapi(list, async (c) => {
    const feeds = await listFeeds(feedDeps(c.get('services')), requireCaller(c));
    return c.json({ data: feeds.map(toView), nextCursor: null }, 200);
  });
  app.openapi(revoke, async (c) => {
    const done = await revokeFeed(feedDeps(c.get('services')), requireCaller(c), c.req.param('id'));
    return done.ok ? c.body(null, 204) : refusalResponse(c, done.refusal);
  });
  app.openapi(read, async (c) => {
    const services = c.get('services');
    const { file } = c.req.valid('param');
    const token = file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : '';
    const found = await readFeed(feedDeps(services), token);
    if (!found.ok) return refusalResponse(c, found.refusal);
    const host = new URL(services.settings.publicUrl).host;
    const entries = found.value.entries.map((entry) => toEntry(entry, host));
    const text = renderCalendar({ entries, name: 'Bookings' });
    const type = 'text/calendar; charset=utf-8';
    return taggedResponse(c, { text, type, cacheControl: 'private, no-cache' });
  });
}

function toView({ id, resourceId, createdAtMs }: Feed) {
  return { id, resourceId, createdAt: formatInstant(createdAtMs) };
}

function toEntry(entry: FeedEntry, host: string): CalendarEntry {
  const { bookingId, code, version, place, venueName, venueAddress, label, status } = entry;
  const { changedAtMs, startAtMs, endAtMs, latitude, longitude } = entry;
  return {
    uid: appointmentUid({ bookingId, place, host }),
    sequence: version,
    changedAtMs,
    startAtMs,
    endAtMs,
    summary: label,
    description: `Booking ${code}`,
    url: null,
    status: appointmentStatus(status),
    place:
      venueName === null ? null : { name: venueName, address: venueAddress, latitude, longitude },
  };
}
