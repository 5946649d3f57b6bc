/** Wire shapes of signing up, logging in, refreshing and logging out. */
import { z } from '@hono/zod-openapi';
import { nameSchema } from './common.ts';
import { userSchema } from './people.ts';

/** Longest address that mail can be sent to, in characters (RFC 5321). */
const EMAIL_LENGTH_MAX = 254;

/** An address as somebody types it. */
export const emailSchema = z
  .string()
  .trim()
  .max(EMAIL_LENGTH_MAX)
  .pipe(z.email())
  .openapi({ type: 'string', format: 'email', example: 'ada@example.test' });

/** No rules of composition: length is what makes a password strong (ASVS 5.0, 6.2). */
const newPasswordSchema = z.string().min(8).max(200);

export const registerSchema = z
  .strictObject({
    email: emailSchema,
    password: newPasswordSchema,
    name: nameSchema.optional(),
    dataRegion: z.enum(['global', 'eu']).optional(),
  })
  .openapi('Register');

/** Whatever was typed is compared: only its length is bounded, so that hashing stays cheap. */
export const loginSchema = z
  .strictObject({
    email: z.string().trim().min(1).max(EMAIL_LENGTH_MAX),
    password: z.string().min(1).max(200),
  })
  .openapi('Login');

export const refreshSchema = z
  .strictObject({ refreshToken: z.string().min(1).max(200) })
  .openapi('Refresh');

export const sessionSchema = z
  .strictObject({
    user: userSchema,
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().openapi({ description: 'Seconds until the access token expires.' }),
  })
  .openapi('Session');

export const jwksSchema = z
  .strictObject({
    keys: z.array(
      z.strictObject({
        kty: z.literal('EC'),
        crv: z.literal('P-256'),
        kid: z.string(),
        x: z.string(),
        y: z.string(),
        alg: z.literal('ES256'),
        use: z.literal('sig'),
      }),
    ),
  })
  .openapi('KeySet');

export type SessionView = z.infer<typeof sessionSchema>;
