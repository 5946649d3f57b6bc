/** Sends each message to the queue of its type. Called where a message does not come from a shard's outbox. */
import type { MessageSender } from '../application/ports.ts';
import type { QueueMessage } from '../contracts/queue-messages.ts';

/** The sender over this deployment's queues. */
export function createMessageSender(env: Env): MessageSender {
  const queues: Record<QueueMessage['type'], Queue> = {
    'audit.advance': env.AUDIT_QUEUE,
    'projection.advance': env.PROJECTION_QUEUE,
    'payment.advance': env.PAYMENT_QUEUE,
    'webhook.received': env.WEBHOOK_QUEUE,
  };
  return {
    send: async (message) => {
      await queues[message.type].send(message);
    },
  };
}
