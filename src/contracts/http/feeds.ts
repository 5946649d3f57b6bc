/** Wire shapes of calendar feeds. */
import { z } from '@hono/zod-openapi';
import { idSchema, instantSchema } from './common.ts';

export const createFeedSchema = z
  .strictObject({ resourceId: idSchema.optional() })
  .openapi('CreateFeed');

export const feedSchema = z
  .strictObject({
    id: z.string(),
    resourceId: z.string().nullable(),
    createdAt: instantSchema,
  })
  .openapi('Feed');

/** The address is shown once. */
export const newFeedSchema = feedSchema.extend({ url: z.string() }).openapi('NewFeed');

export const feedsSchema = z
  .strictObject({ data: z.array(feedSchema), nextCursor: z.null() })
  .openapi('Feeds');
