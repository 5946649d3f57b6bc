/**
 * A processor's event, from the wire to its effect. Received is durable before it is answered; handled is a later,
 * separate fact. An event names what to look at: the processor's own object is fetched and applied, never the event.
 */
import type { QueueMessage } from '../contracts/queue-messages.ts';
import { errorText } from '../domain/assert.ts';
import { regionOf, regionOfId, type DataRegion } from '../domain/ids.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { MINUTE_MS } from '../domain/time.ts';
import { advancePayment } from './advance-payment.ts';
import type { InboxEvent, InboxStore } from './inbox-ports.ts';
import type {
  Clock,
  Digest,
  GatewayRegistry,
  IdCodec,
  Logger,
  ObjectDirectory,
  PaymentGateway,
  PaymentReference,
} from './ports.ts';

/** How long the queue has before the sweep sends an event again. */
const SWEEP_AFTER_MS = 2 * MINUTE_MS;

/** What receiving and handling run on. */
export interface WebhookPorts {
  readonly inbox: (region: DataRegion) => InboxStore;
  readonly ids: IdCodec;
  readonly clock: Clock;
  readonly digest: Pick<Digest, 'sha256'>;
  readonly objects: ObjectDirectory;
  readonly gateways: GatewayRegistry;
  readonly log: Logger;
  readonly send: (message: QueueMessage) => Promise<void>;
  /** Looks at a subscription's money and moves it on. Throws when it could not. */
  readonly advanceSubscription: (request: {
    readonly subscriptionId: string;
    readonly cause: 'webhook' | 'queue';
    /** The charge that the event is about, where it is known. */
    readonly chargeId?: string;
  }) => Promise<void>;
}

/** An event as it came in. */
export interface IncomingWebhook {
  readonly gateway: PaymentGateway;
  readonly rawBody: string;
  readonly headers: { get(name: string): string | null };
}

/** Verifies the raw bytes, keeps the event once, and wakes the consumer. Refusals: invalid_signature. */
export async function receiveWebhook(
  ports: WebhookPorts,
  incoming: IncomingWebhook,
): Promise<Result<null>> {
  const { gateway, rawBody, headers } = incoming;
  const nowMs = ports.clock.nowMs();
  const event = await gateway.readWebhook({ rawBody, headers, nowMs });
  if (event === null) return refuse('invalid_signature', 'The signature does not fit the body.');
  const subject = subjectOf(ports.ids, event.reference);
  const region = subject === null ? 'global' : regionOf(subject.locator);
  const kept = await ports.inbox(region).insert({
    id: ports.ids.deriveInRegion('whk', region, `${gateway.processor}:${event.dedupeKey}`),
    processor: gateway.processor,
    dedupeKey: event.dedupeKey,
    type: event.type,
    objectRef: event.objectRef,
    bookingId: subject?.kind === 'booking' ? subject.id : null,
    subscriptionId: subject?.kind === 'subscription' ? subject.id : null,
    // Whose it is cannot be told before the processor is asked: a database of the wrong region must not have it.
    payload: subject === null ? withoutBody(ports.digest, rawBody) : rawBody,
    isExpected: event.isExpected,
    receivedAtMs: nowMs,
    nextAttemptAtMs: nowMs + SWEEP_AFTER_MS,
  });
  if (kept.handled) return ok(null);
  await ports
    .send({ v: 1, type: 'webhook.received', processor: gateway.processor, eventId: kept.id })
    .catch((error: unknown) => {
      // The event is kept; the sweep sends it again.
      ports.log.warn('webhook.send_failed', {
        processor: gateway.processor,
        reason: errorText(error),
      });
    });
  return ok(null);
}

/** What is kept of a body that names nobody: enough to prove which one came. The processor has the event itself. */
function withoutBody(digest: Pick<Digest, 'sha256'>, rawBody: string): string {
  return JSON.stringify({ sha256: digest.sha256(rawBody) });
}

/**
 * Acts on a kept event. Throws when it could not, so that the queue tries again; it is then still unhandled.
 * An event of another mode, account or version is acted upon too, because only the fetched object counts.
 */
export async function handleWebhook(ports: WebhookPorts, eventId: string): Promise<void> {
  const region = regionOfId(eventId);
  const inbox = ports.inbox(region);
  const event = await inbox.byId(eventId);
  if (event === null || event.handledAtMs !== null) return;
  try {
    await applyEvent(ports, event);
  } catch (error) {
    await inbox.markFailed(eventId, {
      error: errorText(error),
      nextAttemptAtMs: ports.clock.nowMs() + SWEEP_AFTER_MS,
    });
    throw error;
  }
  await inbox.markHandled(eventId, ports.clock.nowMs());
}

async function applyEvent(ports: WebhookPorts, event: InboxEvent): Promise<void> {
  const known = openSubject(ports.ids, event);
  const found = known === null ? await findSubject(ports, event) : { subject: known };
  if (found === null) return; // Nothing of ours: kept for the record alone.
  const { subject, ...about } = found;
  if (subject.kind === 'subscription') {
    const { id: subscriptionId } = subject;
    await ports.advanceSubscription({ subscriptionId, cause: 'webhook', ...about });
    return;
  }
  await advancePayment(
    { ...ports, shard: ports.objects.shard(subject.locator) },
    { bookingId: subject.id, cause: 'webhook', look: true },
  );
}

/** Events of refunds and disputes carry no reference of ours; the payment that they belong to does. */
async function findSubject(
  ports: WebhookPorts,
  event: InboxEvent,
): Promise<{ readonly subject: Subject; readonly chargeId?: string } | null> {
  const gateway = ports.gateways.get(event.processor);
  if (gateway === null || event.objectRef === null) return null;
  const reply = await gateway.fetch(event.objectRef);
  if (reply.kind === 'missing') return null;
  if (reply.kind !== 'payment') {
    throw new Error(`the payment of an event cannot be read: ${reply.kind}`);
  }
  const { metadata } = reply.payment;
  const subject = openSubject(ports.ids, {
    bookingId: metadata['booking_id'] ?? null,
    subscriptionId: metadata['subscription_id'] ?? null,
  });
  if (subject === null) return null;
  const { charge_id: chargeId } = metadata;
  return chargeId === undefined ? { subject } : { subject, chargeId };
}

/** Whose money something of a processor is about. */
export interface Subject {
  readonly kind: 'booking' | 'subscription';
  readonly id: string;
  readonly locator: string;
}

interface SubjectIds {
  readonly bookingId: string | null;
  readonly subscriptionId: string | null;
}

function idsOf(reference: PaymentReference | null): SubjectIds {
  return {
    bookingId: reference !== null && 'bookingId' in reference ? reference.bookingId : null,
    subscriptionId:
      reference !== null && 'subscriptionId' in reference ? reference.subscriptionId : null,
  };
}

/** Whom a reference names; null for one that is not genuine: another deployment's, under another secret. */
export function subjectOf(ids: IdCodec, reference: PaymentReference | null): Subject | null {
  return openSubject(ids, idsOf(reference));
}

/** Null for what names nothing, and for ids that are not genuine: another deployment's, under another secret. */
function openSubject(ids: IdCodec, { bookingId, subscriptionId }: SubjectIds): Subject | null {
  const booking = bookingId === null ? null : ids.open('bkg', bookingId);
  if (booking !== null && bookingId !== null) {
    return { kind: 'booking', id: bookingId, locator: booking.locator };
  }
  const subscription = subscriptionId === null ? null : ids.open('sub', subscriptionId);
  if (subscription === null || subscriptionId === null) return null;
  return { kind: 'subscription', id: subscriptionId, locator: subscription.locator };
}
