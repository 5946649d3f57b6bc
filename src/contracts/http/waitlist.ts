/** Wire shapes of waiting lines. */
import { z } from '@hono/zod-openapi';
import { WAITLIST_STATES } from '../../domain/waitlist/waitlist-machine.ts';
import { idSchema, instantSchema, pageSchema } from './common.ts';

export const joinWaitlistSchema = z
  .strictObject({
    quantity: z.int().min(1).max(1_000).optional(),
    fareId: z.string().min(1).max(40).optional(),
  })
  .openapi('JoinWaitlist');

export const waitlistEntrySchema = z
  .strictObject({
    id: idSchema,
    slotId: idSchema,
    quantity: z.int(),
    fareId: z.string().nullable(),
    position: z
      .int()
      .nullable()
      .openapi({ description: 'From 1 while it waits; null once it has an offer or is over.' }),
    status: z.enum(WAITLIST_STATES),
    offer: z.strictObject({ expiresAt: instantSchema }).optional(),
    createdAt: instantSchema,
  })
  .openapi('WaitlistEntry');

const waitingCustomerSchema = waitlistEntrySchema
  .extend({ customerId: idSchema })
  .openapi('WaitingCustomer');

export const waitlistPageSchema = pageSchema(waitingCustomerSchema).openapi('WaitlistPage');

export type WaitlistEntryView = z.infer<typeof waitlistEntrySchema>;

/** One page of a line, with the place where the next one begins. */
export interface WaitlistLineView {
  readonly data: z.infer<typeof waitingCustomerSchema>[];
  readonly nextSeq: number | null;
}
