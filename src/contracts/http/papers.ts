/** Wire shapes of a booking's ticket. */
import { z } from '@hono/zod-openapi';
import { instantSchema } from './common.ts';

export const ticketSchema = z
  .strictObject({
    bookingId: z.string(),
    code: z.string(),
    /** What the QR code holds: a compact JWS, to be checked with the keys of /.well-known/jwks.json. */
    token: z.string(),
    notBefore: instantSchema,
    expiresAt: instantSchema,
    svgUrl: z.string(),
  })
  .openapi('Ticket');
