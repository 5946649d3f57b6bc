/**
 * A processor's event, from the wire to its effect. Received is durable before it is answered; handled is a later,
 * separate fact. An event names what to look at: the processor's own object is fetched and applied, never the event.
 */
import type { QueueMessage } from '../contracts/queue-messages.ts';
import { errorText } from '../domain/assert.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { MINUTE_MS } from '../domain/time.ts';
import { advancePayment } from './advance-payment.ts';
import type { InboxEvent, InboxStore } from './inbox-ports.ts';
import type {
  Clock,
  GatewayRegistry,
  IdCodec,
  Logger,
  ObjectDirectory,
  PaymentGateway,
} from './ports.ts';

/** How long the queue has before the sweep sends an event again. */
const SWEEP_AFTER_MS = 2 * MINUTE_MS;

/** What receiving and handling run on. */
export interface WebhookPorts {
  readonly inbox: (region: DataRegion) => InboxStore;
  readonly ids: IdCodec;
  readonly clock: Clock;
  readonly objects: ObjectDirectory;
  readonly gateways: GatewayRegistry;
  readonly log: Logger;
  readonly send: (message: QueueMessage) => Promise<void>;
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
  const booking =
    event.reference === null ? null : ports.ids.open('bkg', event.reference.bookingId);
  const region = booking === null ? 'global' : regionOf(booking.locator);
  const kept = await ports.inbox(region).insert({
    id: ports.ids.deriveInRegion('whk', region, `${gateway.processor}:${event.dedupeKey}`),
    processor: gateway.processor,
    dedupeKey: event.dedupeKey,
    type: event.type,
    objectRef: event.objectRef,
    bookingId: booking === null ? null : (event.reference?.bookingId ?? null),
    payload: rawBody,
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

/**
 * Acts on a kept event. Throws when it could not, so that the queue tries again; it is then still unhandled.
 * An event of another mode, account or version is acted upon too, because only the fetched object counts.
 */
export async function handleWebhook(ports: WebhookPorts, eventId: string): Promise<void> {
  const region = regionOf(eventId.slice('whk_'.length));
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
  const bookingId = event.bookingId ?? (await findBooking(ports, event));
  const booking = bookingId === null ? null : ports.ids.open('bkg', bookingId);
  if (booking === null || bookingId === null) return; // Nothing of ours: kept for the record alone.
  await advancePayment(
    { ...ports, shard: ports.objects.shard(booking.locator) },
    { bookingId, cause: 'webhook', look: true },
  );
}

/** Events of refunds and disputes carry no reference of ours; the payment that they belong to does. */
async function findBooking(ports: WebhookPorts, event: InboxEvent): Promise<string | null> {
  const gateway = ports.gateways.get(event.processor);
  if (gateway === null || event.objectRef === null) return null;
  const reply = await gateway.fetch(event.objectRef);
  if (reply.kind === 'payment') return reply.payment.metadata['booking_id'] ?? null;
  if (reply.kind === 'missing') return null;
  throw new Error(`the payment of an event cannot be read: ${reply.kind}`);
}
