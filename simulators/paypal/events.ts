/**
 * PayPal's events: the envelope, listing what was raised, and sending one again. The snapshot is taken
 * when the event is raised, inside the effect's transaction.
 * Source: PayPal REST API specifications, notifications_webhooks_v1.
 */
import { parseBody } from '../event-log.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { textOf } from './body.ts';
import { newId, nowMs, PROCESSOR, type PaypalContext } from './context.ts';
import { invalidRequest, notFound } from './errors.ts';
import { link } from './wire.ts';

/** What an event tells of. */
export interface Happening {
  readonly resource: JsonObject;
  /** The identifier of the resource, by which deliveries can be looked up. */
  readonly objectId: string;
  readonly resourceType: string;
  readonly summary: string;
}

const PAGE_SIZE_DEFAULT = 10;
const PAGE_SIZE_MAX = 300;
/** PayPal shows events of this many days. */
const SHOWN_DAYS = 30;
/** A filter by transaction looks through this many events of the range, newest first. */
const SEARCHED_COUNT = 10_000;

/** Raises an event about a resource as it is now. */
export function emit(ctx: PaypalContext, type: string, happening: Happening): void {
  const id = `WH-${newId(ctx)}-${newId(ctx)}`;
  const path = `/v1/notifications/webhooks-events/${id}`;
  const envelope = {
    id,
    event_version: '1.0',
    create_time: new Date(nowMs(ctx)).toISOString(),
    resource_type: happening.resourceType,
    resource_version: '2.0',
    event_type: type,
    summary: happening.summary,
    resource: happening.resource,
    links: [
      link(ctx, 'self', { path }),
      link(ctx, 'resend', { path: `${path}/resend`, method: 'POST' }),
    ],
  };
  const body = JSON.stringify(envelope);
  const event = { id, processor: PROCESSOR, type, objectId: happening.objectId, body };
  ctx.world.raise(ctx.cause, event, true);
}

/** GET /v1/notifications/webhooks-events, newest first; the `next` link leads on. */
export function listEvents(ctx: PaypalContext, query: URLSearchParams): JsonObject {
  const size = Math.min(readSize(query), PAGE_SIZE_MAX);
  const type = query.get('event_type');
  const transactionId = query.get('transaction_id');
  const oldest = Math.floor(nowMs(ctx) / 1000) - SHOWN_DAYS * 86_400;
  const rows = ctx.world.events
    .list({
      processor: PROCESSOR,
      limit: transactionId === null ? size : SEARCHED_COUNT,
      startingAfter: query.get('start_after') ?? undefined,
      createdFrom: Math.max(readInstant(query, 'start_time') ?? oldest, oldest),
      createdTo: readInstant(query, 'end_time') ?? undefined,
      ...(type === null ? {} : { types: [type] }),
    })
    .filter((event) => transactionId === null || resourceId(event) === transactionId);
  const events = rows.slice(0, size);
  const last = events.at(-1)?.['id'];
  const links: Json[] = [];
  if (rows.length > size && typeof last === 'string') {
    const next = new URLSearchParams(query);
    next.set('start_after', last);
    links.push(link(ctx, 'next', { path: `/v1/notifications/webhooks-events?${next.toString()}` }));
  }
  return { events, count: events.length, links };
}

/** GET /v1/notifications/webhooks-events/{id}. Errors: 404. */
export function showEvent(ctx: PaypalContext, id: string): JsonObject {
  const body = ctx.world.events.body(id);
  if (body === null || !id.startsWith('WH-')) throw notFound();
  return parseBody(body);
}

/** POST /v1/notifications/webhooks-events/{id}/resend. Errors: 404. */
export function resendEvent(ctx: PaypalContext, id: string): JsonObject {
  const event = showEvent(ctx, id);
  ctx.world.webhooks.resend(id);
  return event;
}

function readSize(query: URLSearchParams): number {
  const size = Number(query.get('page_size') ?? PAGE_SIZE_DEFAULT);
  if (Number.isSafeInteger(size) && size >= 1) return size;
  throw invalidRequest('INVALID_PARAMETER_VALUE', { field: 'page_size', location: 'query' });
}

/** An instant of a query in Unix seconds, or null. Errors: 400 when it is none. */
export function readInstant(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null) return null;
  const atMs = Date.parse(text);
  if (/^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(atMs)) return Math.floor(atMs / 1000);
  throw invalidRequest('INVALID_PARAMETER_SYNTAX', { field: name, location: 'query' });
}

function resourceId(event: JsonObject): string | null {
  const { resource } = event;
  return isJsonObject(resource) ? textOf(resource['id'] ?? resource['dispute_id']) : null;
}

/** How an amount is written in an event's summary. */
export function spoken(amount: JsonObject): string {
  return `${textOf(amount['value'])} ${textOf(amount['currency_code'])}`;
}
