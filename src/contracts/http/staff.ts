/** Wire shapes of who works for a provider. */
import { z } from '@hono/zod-openapi';
import type { EpochMs } from '../../domain/time.ts';
import { emailSchema } from './auth.ts';
import { instantSchema, pageSchema } from './common.ts';
import { formatInstant } from './views.ts';

export const addStaffSchema = z.strictObject({ email: emailSchema }).openapi('AddStaff');

export const staffSchema = z
  .strictObject({
    userId: z.string(),
    /** Null for somebody who was erased. */
    email: z.string().nullable(),
    createdAt: instantSchema,
  })
  .openapi('Staff');

export const staffPageSchema = pageSchema(staffSchema).openapi('StaffPage');

export type StaffView = z.infer<typeof staffSchema>;

/** Somebody who works for a provider, on the wire. */
export function toStaffView(staff: {
  readonly userId: string;
  readonly email: string | null;
  readonly createdAtMs: EpochMs;
}): StaffView {
  const { userId, email, createdAtMs } = staff;
  return { userId, email, createdAt: formatInstant(createdAtMs) };
}
