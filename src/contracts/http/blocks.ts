/** Wire shapes of blocks: slots and resources that are kept from sale. */
import { z } from '@hono/zod-openapi';
import { SLOT_STATUSES } from './catalogue.ts';
import { instantSchema, textSchema } from './common.ts';

/** The longest block of a resource, in milliseconds. */
const BLOCK_MS_MAX = 10 * 366 * 86_400_000;

const rangeFields = { from: instantSchema, to: instantSchema };

function isForward(range: { from: string; to: string }): boolean {
  const lengthMs = Date.parse(range.to) - Date.parse(range.from);
  return lengthMs > 0 && lengthMs <= BLOCK_MS_MAX;
}

const FORWARD = { message: 'must be after from, and at most ten years', path: ['to'] };

export const blockSlotSchema = z.strictObject({ reason: textSchema }).openapi('BlockSlot');

export const unblockSlotSchema = z.strictObject({}).openapi('UnblockSlot');

export const blockResourceSchema = z
  .strictObject({ ...rangeFields, reason: textSchema, cancelBookings: z.boolean().optional() })
  .refine(isForward, FORWARD)
  .openapi('BlockResource');

export const unblockResourceSchema = z
  .strictObject(rangeFields)
  .refine(isForward, FORWARD)
  .openapi('UnblockResource');

const blockFields = {
  id: z.string(),
  resourceId: z.string(),
  ...rangeFields,
  reason: z.string(),
  createdAt: instantSchema,
};

export const blockSchema = z.strictObject(blockFields).openapi('Block');

export const blockListSchema = z.strictObject({ data: z.array(blockSchema) }).openapi('BlockList');

/** A slot that the change met, as it is seen after it. */
const changedSlotSchema = z.strictObject({
  slotId: z.string(),
  status: z.enum(SLOT_STATUSES),
  remaining: z.int(),
});

export const blockReportSchema = z
  .strictObject({
    ...blockFields,
    slots: z.array(changedSlotSchema),
    cancelled: z.array(
      z.strictObject({ bookingId: z.string().nullable(), slotIds: z.array(z.string()) }),
    ),
    kept: z.array(
      z.strictObject({
        slotId: z.string(),
        bookingId: z.string().nullable(),
        reason: z.enum(['booked', 'held']),
      }),
    ),
  })
  .openapi('BlockReport');

export const unblockReportSchema = z
  .strictObject({ ended: z.array(z.string()), slots: z.array(changedSlotSchema) })
  .openapi('UnblockReport');

export type BlockView = z.infer<typeof blockSchema>;
export type BlockReport = z.infer<typeof blockReportSchema>;
export type UnblockReport = z.infer<typeof unblockReportSchema>;
