/** Who may read a booking's papers: those who may read the booking, and whoever has the secret of its manage link. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { BookingSheet, SheetReader } from '../contracts/booking-sheet.ts';
import { refuse, type Result } from '../domain/result.ts';
import type { AppEnv } from './context.ts';
import { pathId } from './respond.ts';

/** The secret of the manage link stands in for signing in: calendars and wallets cannot. */
export const papersQuerySchema = z.object({ token: z.string().min(1).max(200).optional() });

/** The booking's sheet for whoever asks. Refusals: `unauthenticated`, `not_found`. */
export async function readPapers(
  c: Context<AppEnv>,
  bookingId: string,
): Promise<Result<BookingSheet>> {
  const reader = readerOf(c);
  if (reader === null) return refuse('unauthenticated', 'Sign in, or use the link of the booking.');
  return c
    .get('services')
    .objects.shard(pathId(c, 'id').locator)
    .getBookingSheet(reader, bookingId);
}

function readerOf(c: Context<AppEnv>): SheetReader | null {
  const caller = c.get('caller');
  if (caller !== null) return { caller };
  const manageToken = c.req.query('token');
  return manageToken === undefined ? null : { manageToken };
}
