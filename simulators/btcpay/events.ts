/**
 * BTCPay's webhooks: the envelope, the indented body, its signature, the redeliveries. The snapshot is taken when
 * the event is raised, inside the effect's transaction; sending is the world's.
 * Source: BTCPay Server, Greenfield API, "Webhooks".
 */
import { createHmac } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { WebhookTarget } from '../webhooks.ts';
import { hashOf, newId, now, PROCESSOR, type BtcpayContext } from './context.ts';
import type { Invoice } from './shapes.ts';

/** Seconds before each redelivery: 10 s, 1 min, then six times 10 min. */
const RETRY_SCHEDULE_SECONDS: readonly number[] = [10, 60, 600, 600, 600, 600, 600, 600];

/** Answers after which BTCPay tries again; every other 4xx is final. */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429]);

/** Raises an event of an invoice. `fields` are those that the type has beside the common ones. */
export function emitInvoice(
  ctx: BtcpayContext,
  type: string,
  event: { readonly invoice: Invoice; readonly fields?: JsonObject },
): void {
  const { invoice, fields = {} } = event;
  const named = { invoiceId: invoice.id, metadata: invoice.sentMetadata };
  emit(ctx, type, { objectId: invoice.id, fields: { ...fields, ...named } });
}

/** Raises an event of a payout. */
export function emitPayout(
  ctx: BtcpayContext,
  type: string,
  payout: { readonly id: string; readonly pullPaymentId: string; readonly state: string },
): void {
  const { id, pullPaymentId, state } = payout;
  const fields = { payoutId: id, pullPaymentId, payoutState: state };
  emit(ctx, type, { objectId: pullPaymentId, fields });
}

function emit(
  ctx: BtcpayContext,
  type: string,
  event: { readonly objectId: string; readonly fields: JsonObject },
): void {
  const id = newId(ctx);
  const body = JSON.stringify({
    ...event.fields,
    deliveryId: id,
    webhookId: hashOf(ctx.storeId).slice(0, 22),
    originalDeliveryId: id,
    isRedelivery: false,
    type,
    timestamp: now(ctx),
    storeId: ctx.storeId,
  });
  const raised = { id, processor: PROCESSOR, type, objectId: event.objectId, body };
  ctx.world.raise(ctx.cause, raised, true);
}

/** Where the events go and how they are written and signed. `url` null sends none. */
export function webhookTarget(url: string | null, secret: string): WebhookTarget {
  return {
    url,
    retryScheduleSeconds: RETRY_SCHEDULE_SECONDS,
    isRetried: (status) => status === null || status >= 500 || RETRIED_STATUSES.has(status),
    wireBody: (body, attempts) => JSON.stringify(redelivery(body, attempts), null, 2),
    headers: (body) => ({
      'btcpay-sig': `sha256=${createHmac('sha256', secret).update(body, 'utf8').digest('hex')}`,
      'content-type': 'application/json',
    }),
  };
}

/** A later attempt is a delivery of its own that names the first one; its time stays that of the event. */
function redelivery(body: string, attempts: number): JsonObject {
  const event: unknown = JSON.parse(body);
  if (!isJsonObject(event)) throw new Error('The event is not an object.');
  if (attempts === 0) return event;
  const seed = JSON.stringify([event['originalDeliveryId'], attempts]);
  const deliveryId = hashOf(seed).slice(0, 24);
  return { ...event, deliveryId, isRedelivery: true };
}
