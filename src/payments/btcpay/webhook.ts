/**
 * Reads BTCPay's events: checks the signature over the raw body and names the invoice that changed.
 * It never hands out what an event says of the invoice: that is fetched again before it is believed.
 */
import type { WebhookEvent } from '../../application/ports.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS, type EpochMs } from '../../domain/time.ts';
import { isInvoiceId } from './invoices.ts';
import { referenceOf } from './mapping.ts';
import { isFields, textsOf } from './shapes.ts';

/**
 * How old an event may be. Its time is in the body and stays that of the first delivery; BTCPay delivers again for an
 * hour, and a person may do so later. What is older is replayed or long known from the invoice itself.
 */
export const EVENT_AGE_MS = DAY_MS;

/** How far ahead of ours the server's clock may run. */
export const EVENT_AHEAD_MS = 5 * MINUTE_MS;

const HEADER = 'btcpay-sig';

/** What an event is checked against. */
export interface BtcpayWebhookConfig {
  /** Every secret that may have signed: current and previous. */
  readonly webhookSecrets: readonly string[];
  readonly storeId: string;
}

/**
 * A reader of webhook requests.
 * Errors: null for a missing, malformed or wrong signature, for a stale or future event, and for a body that is none.
 * Source: BTCPay Server, Greenfield API, "Webhooks".
 */
export function createWebhookReader(config: BtcpayWebhookConfig) {
  return async function readWebhook(request: {
    rawBody: string;
    headers: { get(name: string): string | null };
    nowMs: EpochMs;
  }): Promise<WebhookEvent | null> {
    const signature = signatureIn(request.headers.get(HEADER));
    if (signature === null) return null;
    const body = new TextEncoder().encode(request.rawBody);
    if (!(await isSigned(body, signature, config.webhookSecrets))) return null;
    const event = toWebhookEvent(request.rawBody, config.storeId);
    return event !== null && isTimely(event.occurredAtMs, request.nowMs) ? event : null;
  };
}

/** The bytes of `sha256=<64 hex digits>`. */
function signatureIn(header: string | null): Uint8Array<ArrayBuffer> | null {
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(header ?? '')?.[1];
  if (hex === undefined) return null;
  const bytes = hex.match(/../g) ?? [];
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16));
}

/** Tries every secret, all of them each time; the platform compares in constant time. An empty secret signs nothing. */
async function isSigned(
  body: Uint8Array,
  signature: Uint8Array<ArrayBuffer>,
  secrets: readonly string[],
): Promise<boolean> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const verdicts = await Promise.all(
    secrets
      .filter((secret) => secret !== '')
      .map(async (secret) => {
        const bytes = new TextEncoder().encode(secret);
        const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify']);
        return crypto.subtle.verify('HMAC', key, signature, body);
      }),
  );
  return verdicts.includes(true);
}

function isTimely(occurredAtMs: EpochMs, nowMs: EpochMs): boolean {
  return occurredAtMs >= nowMs - EVENT_AGE_MS && occurredAtMs <= nowMs + EVENT_AHEAD_MS;
}

/**
 * The event in the port's words; null when a needed field is missing. A delivery that is repeated has an id of its own
 * and names the first one, which is what it is told by. Events of payouts name no invoice.
 */
function toWebhookEvent(rawBody: string, storeId: string): WebhookEvent | null {
  const event = parsed(rawBody);
  if (!isFields(event)) return null;
  const { deliveryId, originalDeliveryId, type, timestamp, invoiceId } = event;
  const dedupeKey = isText(originalDeliveryId) ? originalDeliveryId : deliveryId;
  if (!isText(dedupeKey) || !isText(type) || typeof timestamp !== 'number') return null;
  return {
    dedupeKey,
    type,
    objectRef: isText(invoiceId) && isInvoiceId(invoiceId) ? invoiceId : null,
    reference: referenceOf(textsOf(event['metadata'])),
    isExpected: event['storeId'] === storeId,
    occurredAtMs: timestamp * SECOND_MS,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
