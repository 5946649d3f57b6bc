/** Wire shapes of the operators' side: the audit trail, the inbox of processors' events, dead letters. */
import { z } from '@hono/zod-openapi';
import { PROCESSORS } from '../../domain/payment/processor-reply.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { ChainEvent } from '../shard-streams.ts';
import { formatInstant } from './views.ts';
import { idSchema, instantSchema, jsonSchema, pageSchema } from './common.ts';

export const auditQuerySchema = z.strictObject({
  entityId: idSchema.optional(),
  from: instantSchema.optional(),
  to: instantSchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().min(1).max(500).optional(),
});

export const auditRowSchema = z
  .strictObject({
    stream: z.string(),
    seq: z.int(),
    id: z.string(),
    entityId: z.string(),
    parentId: z.string().nullable(),
    type: z.string(),
    from: z.string().nullable(),
    to: z.string(),
    actor: z.string(),
    reason: z.string().nullable(),
    metadata: z.record(z.string(), jsonSchema),
    at: instantSchema,
    previousHash: z.string(),
    hash: z.string(),
  })
  .openapi('AuditRow');

export const auditPageSchema = pageSchema(auditRowSchema).openapi('AuditPage');

export const auditVerdictSchema = z
  .strictObject({
    valid: z.boolean(),
    streams: z.array(
      z.strictObject({
        stream: z.string(),
        rows: z.int(),
        head: z.string(),
        firstBad: z.int().optional(),
      }),
    ),
  })
  .openapi('AuditVerdict');

export const webhookEventSchema = z
  .strictObject({
    id: z.string(),
    processor: z.enum(PROCESSORS),
    eventId: z.string(),
    type: z.string(),
    objectRef: z.string().nullable(),
    bookingId: z.string().nullable(),
    subscriptionId: z.string().nullable(),
    isExpected: z.boolean(),
    receivedAt: instantSchema,
    handledAt: instantSchema.nullable(),
    attempts: z.int(),
    lastError: z.string().nullable(),
  })
  .openapi('WebhookEvent');

export const webhookEventPageSchema = pageSchema(webhookEventSchema).openapi('WebhookEventPage');

export const deadLetterSchema = z
  .strictObject({
    id: z.string(),
    queue: z.string(),
    body: z.string(),
    error: z.string().nullable(),
    receivedAt: instantSchema,
    replayedAt: instantSchema.nullable(),
  })
  .openapi('DeadLetter');

export const deadLetterPageSchema = pageSchema(deadLetterSchema).openapi('DeadLetterPage');

/** Dead letters keep the queue's id of their message, which is none of ours. */
export const letterPathSchema = z.strictObject({ id: z.string().min(1).max(100) });

export const replayedSchema = z
  .strictObject({ id: z.string(), status: z.literal('enqueued') })
  .openapi('Replayed');

export type AuditRowView = z.infer<typeof auditRowSchema>;
export type WebhookEventView = z.infer<typeof webhookEventSchema>;
export type DeadLetterView = z.infer<typeof deadLetterSchema>;

/** A row of the trail on the wire. */
export function toAuditRowView(row: {
  readonly stream: string;
  readonly event: ChainEvent;
}): AuditRowView {
  const { atMs, metadata, ...event } = row.event;
  return {
    stream: row.stream,
    ...event,
    metadata,
    at: formatInstant(atMs),
  };
}

/** An event of the inbox on the wire, without what the processor wrote in it. */
export function toWebhookEventView(
  event: Omit<WebhookEventView, 'eventId' | 'receivedAt' | 'handledAt'> & {
    readonly dedupeKey: string;
    readonly receivedAtMs: EpochMs;
    readonly handledAtMs: EpochMs | null;
  },
): WebhookEventView {
  const { id, processor, type, objectRef, isExpected, attempts, lastError } = event;
  const { bookingId, subscriptionId } = event;
  return {
    id,
    processor,
    type,
    objectRef,
    bookingId,
    subscriptionId,
    isExpected,
    attempts,
    lastError,
    eventId: event.dedupeKey,
    receivedAt: formatInstant(event.receivedAtMs),
    handledAt: event.handledAtMs === null ? null : formatInstant(event.handledAtMs),
  };
}

/** A dead letter on the wire. */
export function toDeadLetterView(letter: {
  readonly id: string;
  readonly queue: string;
  readonly body: string;
  readonly error: string | null;
  readonly receivedAtMs: EpochMs;
  readonly replayedAtMs: EpochMs | null;
}): DeadLetterView {
  const { id, queue, body, error, receivedAtMs, replayedAtMs } = letter;
  const replayedAt = replayedAtMs === null ? null : formatInstant(replayedAtMs);
  return { id, queue, body, error, receivedAt: formatInstant(receivedAtMs), replayedAt };
}
