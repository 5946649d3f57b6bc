/**
 * Stripe's events: the envelope, which of them the platform's endpoint is subscribed to, and reading
 * them back. The snapshot is taken when the event is raised, inside the effect's transaction.
 * Source: Stripe API reference, "Events".
 */
import type { JsonObject } from '../json.ts';
import { parseBody } from '../event-log.ts';
import { API_VERSION, newId, now, type StripeContext, type StripeObject } from './context.ts';
import { missingResource } from './errors.ts';
import { expandedPage, type Page } from './lists.ts';
import type { Parameters, ParameterRules } from './parameters.ts';

/** What the endpoint is subscribed to unless STRIPE_WEBHOOK_EVENTS says otherwise. */
export const DEFAULT_SUBSCRIPTIONS: readonly string[] = [
  'account.updated',
  'charge.captured',
  'charge.dispute.closed',
  'charge.dispute.created',
  'charge.dispute.funds_reinstated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.updated',
  'charge.expired',
  'charge.refunded',
  'payment_intent.amount_capturable_updated',
  'payment_intent.canceled',
  'payment_intent.payment_failed',
  'payment_intent.processing',
  'payment_intent.requires_action',
  'payment_intent.succeeded',
  'payment_method.attached',
  'payment_method.detached',
  'payout.created',
  'payout.failed',
  'payout.paid',
  'refund.created',
  'refund.failed',
  'refund.updated',
  'setup_intent.canceled',
  'setup_intent.requires_action',
  'setup_intent.setup_failed',
  'setup_intent.succeeded',
  'transfer.created',
  'transfer.reversed',
];

/**
 * Raises an event about an object as it is now. `previous` holds changed fields, as they were; `account` is the connected
 * account that it happened in, whose events come to the same address as the platform's.
 */
export function emit(
  ctx: StripeContext,
  type: string,
  change: { readonly object: StripeObject; readonly previous?: object; readonly account?: string },
): void {
  const isSubscribed = ctx.isSubscribed(type);
  const id = newId(ctx, 'evt');
  const envelope = {
    id,
    object: 'event',
    ...(change.account === undefined ? {} : { account: change.account }),
    api_version: API_VERSION,
    created: now(ctx),
    data: {
      object: change.object,
      ...(change.previous ? { previous_attributes: change.previous } : {}),
    },
    livemode: false,
    pending_webhooks: isSubscribed ? 1 : 0,
    request: { id: ctx.cause.requestId, idempotency_key: ctx.cause.idempotencyKey },
    type,
  };
  const body = JSON.stringify(envelope);
  const event = { id, processor: 'stripe', type, objectId: change.object.id, body };
  ctx.world.raise(ctx.cause, event, isSubscribed);
}

/** Parameters of GET /v1/events. */
export const EVENT_LIST_RULES: ParameterRules = {
  delivery_success: 'boolean',
  type: 'text',
  types: 'texts',
};

/** GET /v1/events/{id}. */
export function retrieveEvent(ctx: StripeContext, id: string): JsonObject {
  const body = ctx.world.events.body(id);
  if (body === null) throw missingResource('event', id, { param: 'id', isAddressed: true });
  return parseBody(body);
}

/** GET /v1/events, newest first; `delivery_success=false` finds what never got a 2xx. */
export function listEvents(ctx: StripeContext, parameters: Parameters, page: Page): JsonObject {
  const type = parameters.text('type');
  const types = type === null ? parameters.texts('types') : [type];
  const rows = ctx.world.events.list({
    processor: 'stripe',
    limit: page.limit,
    startingAfter: page.startingAfter,
    endingBefore: page.endingBefore,
    createdFrom: page.createdFrom,
    createdTo: page.createdTo,
    ...(types.length > 0 ? { types } : {}),
    isDelivered: parameters.boolean('delivery_success') ?? undefined,
  });
  return expandedPage(rows, page, '/v1/events');
}
