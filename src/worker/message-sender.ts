/** Sends each message to the queue of its type. Called where a message does not come from a shard's outbox. */
import type { MessageSender } from '../application/ports.ts';
import type { QueueMessage } from '../contracts/queue-messages.ts';

/** The sender over this deployment's queues. */
export function createMessageSender(env: Env): MessageSender {
  const queues: Record<QueueMessage['type'], Queue> = {
    'audit.advance': env.AUDIT_QUEUE,
    'projection.advance': env.PROJECTION_QUEUE,
    'money.advance': env.PROJECTION_QUEUE,
    'payment.advance': env.PAYMENT_QUEUE,
    'offers.advance': env.PROJECTION_QUEUE,
    'quota.advance': env.PROJECTION_QUEUE,
    'subscription.advance': env.RENEWAL_QUEUE,
    'webhook.received': env.WEBHOOK_QUEUE,
  };
  return {
    send: async (message) => {
      await queues[message.type].send(message);
    },
  };
}

/** Messages that one call of a queue takes. */
const BATCH_MAX = 100;

/** Wakes many subscriptions at once; what was sent before a call failed stays sent, and does no harm twice. */
export function createRenewalSender(env: Env) {
  return async (messages: readonly QueueMessage[]): Promise<void> => {
    for (let start = 0; start < messages.length; start += BATCH_MAX) {
      const batch = messages.slice(start, start + BATCH_MAX);
      await env.RENEWAL_QUEUE.sendBatch(batch.map((body) => ({ body })));
    }
  };
}
