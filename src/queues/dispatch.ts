/**
 * Gives each message to its consumer by its type, never by the queue's name. One message at a time: acknowledged when
 * its effect stands, tried again with a growing delay when it failed; the queue's dead letters keep what never worked.
 */
import { advancePayment } from '../application/advance-payment.ts';
import { advanceQuota } from '../application/quota-notices.ts';
import { handleWebhook, type WebhookPorts } from '../application/receive-webhook.ts';
import { tellOffers, type OfferNotice } from '../application/waitlist/tell-offers.ts';
import { queueMessageSchema, type QueueMessage } from '../contracts/queue-messages.ts';
import { errorText, unreachable } from '../domain/assert.ts';
import { advanceAudit } from './audit.ts';
import { storeDeadLetters, type DeadLetterDeps } from './dead-letter.ts';
import { advanceProjection } from './projections.ts';
import { auditDeps, projectionDeps, type StreamServices } from './stream-deps.ts';

/** The longest wait before a failed message is tried again, in seconds. */
const RETRY_DELAY_SECONDS_MAX = 300;
const RETRY_DELAY_SECONDS_FIRST = 2;

/** What the consumers run on. */
export type DispatchPorts = WebhookPorts &
  Omit<StreamServices, 'objects'> & {
    readonly letters: DeadLetterDeps['letters'];
    /** Posts what moved in a shard since the ledger last looked. */
    readonly advanceMoney: (shardKey: string) => Promise<unknown>;
    /** Hands a notice to whoever writes to customers; null when it was taken, else why not. */
    readonly tellCustomer: (notice: OfferNotice) => Promise<string | null>;
  };

/** Consumes one batch. */
export async function dispatchBatch(ports: DispatchPorts, batch: MessageBatch): Promise<void> {
  if (batch.queue.endsWith('dead-letters')) {
    const deps = { letters: ports.letters, queue: batch.queue, nowMs: ports.clock.nowMs() };
    await storeDeadLetters(deps, batch.messages);
    batch.ackAll();
    return;
  }
  // A wake-up that stands several times in a batch is one wake-up.
  const done = new Map<string, Promise<void>>();
  for (const message of batch.messages) {
    const name = JSON.stringify(message.body);
    try {
      const work = done.get(name) ?? consume(ports, message.body);
      done.set(name, work);
      await work;
      message.ack();
    } catch (error) {
      ports.log.error('queue.message_failed', {
        queue: batch.queue,
        messageId: message.id,
        attempts: message.attempts,
        reason: errorText(error),
      });
      message.retry({ delaySeconds: retryDelaySeconds(message.attempts) });
    }
  }
}

/** How long a message that failed so many times waits, in seconds. */
export function retryDelaySeconds(attempts: number): number {
  return Math.min(RETRY_DELAY_SECONDS_FIRST * 2 ** (attempts - 1), RETRY_DELAY_SECONDS_MAX);
}

async function consume(ports: DispatchPorts, body: unknown): Promise<void> {
  const message: QueueMessage = queueMessageSchema.parse(body);
  switch (message.type) {
    case 'audit.advance':
      await advanceAudit(auditDeps(ports), message.shardKey);
      return;
    case 'projection.advance':
      await advanceProjection(projectionDeps(ports), message.shardKey);
      return;
    case 'money.advance':
      await ports.advanceMoney(message.shardKey);
      return;
    case 'payment.advance':
      await advanceBooking(ports, message.bookingId);
      return;
    case 'quota.advance':
      await advanceQuota({ ...ports, shard: ports.objects.shard(message.shardKey) });
      return;
    case 'offers.advance':
      await tellOffers({ ...ports, shard: ports.objects.shard(message.shardKey) });
      return;
    case 'subscription.advance':
      await ports.advanceSubscription({ subscriptionId: message.subscriptionId, cause: 'queue' });
      return;
    case 'webhook.received':
      await handleWebhook(ports, message.eventId);
      return;
    default:
      unreachable(message);
  }
}

/** A booking's money needs a look. Whoever is at work on it already is left alone: the shard wakes again if they vanish. */
async function advanceBooking(ports: DispatchPorts, bookingId: string): Promise<void> {
  const booking = ports.ids.open('bkg', bookingId);
  if (booking === null) throw new Error('a message names a booking that does not exist');
  const shard = ports.objects.shard(booking.locator);
  await advancePayment({ ...ports, shard }, { bookingId, cause: 'queue', look: true });
}
