/** Wire shapes of guest sessions and of looking a booking up. */
import { z } from '@hono/zod-openapi';
import type { Json } from '../../domain/result.ts';
import { emailSchema } from './auth.ts';
import { instantSchema, nameSchema } from './common.ts';

/** An unfinished booking, as a client keeps it with us; nobody else reads it. */
export type Draft = { readonly [field: string]: Json };

/** Longest draft, in bytes of JSON: a form of a booking has a few hundred. */
const DRAFT_BYTES_MAX = 16 * 1_024;

/** What people write as their number; it is read by people alone. */
const phoneSchema = z
  .string()
  .trim()
  .regex(/^\+?[0-9][0-9 ()./-]{3,29}$/, 'must be a telephone number')
  .openapi({ example: '+44 20 7946 0000' });

const draftSchema = z
  .record(z.string(), z.unknown())
  .refine(
    (draft) => new TextEncoder().encode(JSON.stringify(draft)).length <= DRAFT_BYTES_MAX,
    'has more than 16 KiB',
  )
  .openapi({ description: 'Any JSON object of at most 16 KiB.' }) as unknown as z.ZodType<Draft>;

export const createGuestSessionSchema = z
  .strictObject({
    email: emailSchema,
    name: nameSchema,
    phone: phoneSchema.optional(),
    dataRegion: z.enum(['global', 'eu']).optional(),
  })
  .openapi('CreateGuestSession');

export const guestTokenSchema = z
  .strictObject({ id: z.string(), token: z.string(), expiresAt: instantSchema })
  .openapi('GuestToken');

export const patchGuestSessionSchema = z
  .strictObject({ draft: draftSchema.nullable() })
  .openapi('PatchGuestSession');

export const guestSessionSchema = z
  .strictObject({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    phone: z.string().nullable(),
    draft: draftSchema.nullable(),
    expiresAt: instantSchema,
  })
  .openapi('GuestSession');

/** Whatever was typed is looked up: its form alone must not tell whether there is such a booking. */
export const lookUpBookingSchema = z
  .strictObject({
    code: z.string().trim().min(1).max(40).openapi({ example: '7K2M-Q4VX' }),
    email: emailSchema,
  })
  .openapi('LookUpBooking');

export const lookedUpSchema = z.strictObject({ status: z.literal('accepted') }).openapi('LookedUp');

export type GuestSessionView = z.infer<typeof guestSessionSchema>;
