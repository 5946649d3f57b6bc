/**
 * Messages on the queues. A message is a wake-up call: it names what to look at, and the consumer acts on present truth.
 * Ids travel in the message; a consumer mints none.
 */
import { z } from 'zod';

const base = { v: z.literal(1) };

export const queueMessageSchema = z.discriminatedUnion('type', [
  /** A shard's chain has grown: copy it to the audit trail. */
  z.strictObject({ ...base, type: z.literal('audit.advance'), shardKey: z.string() }),
  /** A shard's chain has grown: bring the read model up to date. */
  z.strictObject({ ...base, type: z.literal('projection.advance'), shardKey: z.string() }),
  /** Money of a shard's bookings has moved: bring the ledger up to date. */
  z.strictObject({ ...base, type: z.literal('money.advance'), shardKey: z.string() }),
  /** A booking's money needs a look. */
  z.strictObject({ ...base, type: z.literal('payment.advance'), bookingId: z.string() }),
  /** Members' objects have not acknowledged what became of grants in a shard. */
  z.strictObject({ ...base, type: z.literal('quota.advance'), shardKey: z.string() }),
  /** Customers were not told of what a shard offers them. */
  z.strictObject({ ...base, type: z.literal('offers.advance'), shardKey: z.string() }),
  /** A subscription's money needs a look. */
  z.strictObject({ ...base, type: z.literal('subscription.advance'), subscriptionId: z.string() }),
  /** A verified event of a processor is in the inbox. */
  z.strictObject({
    ...base,
    type: z.literal('webhook.received'),
    processor: z.string(),
    eventId: z.string(),
  }),
]);

export type QueueMessage = z.infer<typeof queueMessageSchema>;

/** Reads a message from JSON text; null for what is none that this version knows. */
export function parseQueueMessage(text: string): QueueMessage | null {
  try {
    return queueMessageSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null; // Not JSON.
  }
}
