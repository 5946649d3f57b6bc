/** Wire shapes of people. */
import { z } from '@hono/zod-openapi';
import { instantSchema } from './common.ts';

export const roleSchema = z.enum(['customer', 'provider', 'operator', 'guest']);

export const userSchema = z
  .strictObject({
    id: z.string(),
    email: z.string(),
    name: z.string().nullable(),
    roles: z.array(roleSchema),
  })
  .openapi('User');

export const profileSchema = userSchema
  .extend({ dataRegion: z.enum(['global', 'eu']), createdAt: instantSchema })
  .openapi('Profile');

export type ProfileView = z.infer<typeof profileSchema>;
