/**
 * What the Worker hands to a shard's object when somebody wants to watch, and what comes over the socket. The watch
 * travels in a header of the upgrade request, because a socket cannot be handed over by RPC.
 */
import { z } from 'zod';
import type { Caller } from './calls.ts';

/** Carries the watch from the Worker to the object; nobody outside can reach the object. */
export const WATCH_HEADER = 'X-Holdfast-Watch';

const callerSchema = z.strictObject({
  id: z.string(),
  roles: z.array(z.enum(['customer', 'provider', 'operator', 'guest'])),
  guestId: z.string().optional(),
});

export const watchSchema = z.strictObject({
  /** The id of what is watched: a service, a provider or a booking. */
  topic: z.string(),
  /** The last sequence number that the reader has; null for a reader that comes with nothing. */
  after: z.number().int().nonnegative().nullable(),
  /** Null for an anonymous reader, who may watch what is on sale and nothing else. */
  caller: callerSchema.nullable(),
});

/** Who wants to watch what, and since when. */
export type Watch = Omit<z.infer<typeof watchSchema>, 'caller'> & {
  readonly caller: Caller | null;
};

/** What a message is about: everything as it stands, one slot as it is now, one booking as it is now. */
export type LiveMessageType = 'snapshot' | 'slot' | 'booking';
