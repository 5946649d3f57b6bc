/**
 * Reads Stripe's events: checks the signature over the raw body and names the object that changed.
 * It never hands out the object itself: what an event says is fetched again before it is believed.
 * An event of a connected account names that account (`acct_…`) as its object, whatever it is about.
 */
import { Stripe } from 'stripe';
import type { PaymentReference, WebhookEvent } from '../../application/ports.ts';
import { SECOND_MS, type EpochMs } from '../../domain/time.ts';
import { referenceOf } from './mapping.ts';

/** How far a signature's time may lie from ours, to either side, in seconds: Stripe's own default. */
export const SIGNATURE_TOLERANCE_S = 300;

/** Passed to the SDK to switch its time check off: it looks at the real clock and at the past alone. */
const NO_SDK_TIME_CHECK = 0;

const HEADER = 'stripe-signature';

/** What an event is checked against. */
export interface StripeWebhookConfig {
  /** Every secret that may have signed: current and previous, of each endpoint. */
  readonly webhookSecrets: readonly string[];
  readonly isLive: boolean;
}

/**
 * A reader of webhook requests.
 * Errors: null for a missing, malformed, stale, future or wrong signature and for a body that is no event.
 * Source: Stripe documentation, "Verify webhook signatures manually"; API reference, "The Event object".
 */
export function createWebhookReader(client: Stripe, config: StripeWebhookConfig) {
  const cryptoProvider = Stripe.createSubtleCryptoProvider();

  async function verified(rawBody: string, header: string): Promise<unknown> {
    for (const secret of config.webhookSecrets) {
      try {
        return await client.webhooks.constructEventAsync(
          rawBody,
          header,
          secret,
          NO_SDK_TIME_CHECK,
          cryptoProvider,
        );
      } catch (error) {
        // A wrong secret leads to the next one; anything else means that the signed body is no event of this kind.
        if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) return null;
      }
    }
    return null;
  }

  return async function readWebhook(request: {
    rawBody: string;
    headers: { get(name: string): string | null };
    nowMs: EpochMs;
  }): Promise<WebhookEvent | null> {
    const header = request.headers.get(HEADER);
    if (header === null || !isTimely(header, request.nowMs)) return null;
    return toWebhookEvent(await verified(request.rawBody, header), config.isLive);
  };
}

/**
 * True when the header names exactly one time, and that within the tolerance. A second `t` is refused,
 * because the SDK signs over the last one: a fresh first one would let an old event pass.
 */
function isTimely(header: string, nowMs: EpochMs): boolean {
  const times = header.split(',').filter((item) => item.split('=')[0] === 't');
  const [only, second] = times;
  if (only === undefined || second !== undefined) return false;
  const seconds = /^t=(\d{1,12})$/.exec(only)?.[1];
  if (seconds === undefined) return false;
  return Math.abs(Math.floor(nowMs / SECOND_MS) - Number(seconds)) <= SIGNATURE_TOLERANCE_S;
}

/** The event in the port's words; null when a needed field is missing. */
function toWebhookEvent(event: unknown, isLive: boolean): WebhookEvent | null {
  if (!isRecord(event) || !isRecord(event['data'])) return null;
  const object = event['data']['object'];
  const { id, type, created } = event;
  if (typeof id !== 'string' || typeof type !== 'string' || typeof created !== 'number')
    return null;
  if (!isRecord(object)) return null;
  const account = accountOf(event);
  return {
    dedupeKey: id,
    type,
    objectRef: account ?? objectRefOf(object),
    // What an object in another's account carries was written by them.
    reference: account === null ? objectReferenceOf(object) : null,
    isExpected: isOurs(event, isLive),
    occurredAtMs: created * SECOND_MS,
  };
}

/** What happens in a connected account that we asked for: it is set up, and it is paid out. */
const ACCOUNT_EVENTS = /^(account|capability|payout|person)\./;

/**
 * Our mode and our pinned API version; of a connected account, which our own signature proves to be connected to us,
 * only what belongs to payouts: a payment made in it is another's.
 */
function isOurs(event: Readonly<Record<string, unknown>>, isLive: boolean): boolean {
  if (event['livemode'] !== isLive || event['api_version'] !== Stripe.API_VERSION) return false;
  if (accountOf(event) !== null) return ACCOUNT_EVENTS.test(String(event['type']));
  return !isText(event['account']) && !isText(event['context']);
}

/** The connected account in which an event happened; null for an event of our own account. */
function accountOf(event: Readonly<Record<string, unknown>>): string | null {
  const { account } = event;
  return typeof account === 'string' && /^acct_[A-Za-z0-9_]+$/.test(account) ? account : null;
}

const INTENTS: ReadonlySet<unknown> = new Set(['payment_intent', 'setup_intent']);

/** The intent that the event is about: itself, or the one that its charge, refund or dispute belongs to. */
function objectRefOf(object: Readonly<Record<string, unknown>>): string | null {
  const owner = INTENTS.has(object['object']) ? object : object['payment_intent'];
  if (typeof owner === 'string') return owner;
  return isRecord(owner) && typeof owner['id'] === 'string' ? owner['id'] : null;
}

function objectReferenceOf(object: Readonly<Record<string, unknown>>): PaymentReference | null {
  return isRecord(object['metadata']) ? referenceOf(object['metadata']) : null;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
