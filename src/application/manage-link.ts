/**
 * The manage link of a booking: its secret lets whoever has it read the booking and cancel it as its customer, and nothing
 * else. A new secret ends the old one at once. Synchronous, inside the shard's transaction.
 */
import type { KeyedReply, Reply } from '../contracts/calls.ts';
import type { RotateLinkCommand } from '../contracts/durable-rpc.ts';
import type { BookingView } from '../contracts/http/booking.ts';
import { manageUrl } from '../contracts/http/views.ts';
import { encodeIdChars } from '../domain/ids.ts';
import { ok, refuse } from '../domain/result.ts';
import { answerKeyed } from './keyed-calls.ts';
import type { Entropy } from './ports.ts';
import { actorOf, viewBooking, visibleBooking } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';

/** Characters of a manage link's secret: 160 bits. */
const MANAGE_TOKEN_LENGTH = 32;

/** The secret of a new link. */
export function newManageToken(entropy: Entropy): string {
  return encodeIdChars(entropy.bytes(MANAGE_TOKEN_LENGTH));
}

/** Gives the booking a new link, for whoever may see it. Refusals: not_found. */
export function rotateManageLink(
  shard: ShardState,
  { caller, call, bookingId }: RotateLinkCommand,
): KeyedReply<BookingView> {
  return answerKeyed(shard, { callerId: caller.id, call }, () => {
    const booking = visibleBooking(shard, caller, bookingId);
    if (booking === null) return refuse('not_found', 'There is no such booking.');
    const manageToken = newManageToken(shard.ports.entropy);
    const rotated = shard.saveBooking({ ...booking, manageToken });
    shard.record({
      entityId: booking.id,
      parentId: null,
      type: 'booking.link_rotated',
      from: booking.state,
      to: booking.state,
      actor: actorOf(shard, caller),
    });
    return { ok: true, status: 200, value: viewBooking(shard, rotated) };
  });
}

/** The link as it is now, to be sent to the booking's customer and to nobody else. Refusals: not_found. */
export function readManageUrl(shard: ShardState, bookingId: string): Reply<string> {
  const booking = shard.store.booking(bookingId);
  if (booking === null) return refuse('not_found', 'There is no such booking.');
  return ok(manageUrl(shard.ports.publicUrl, booking));
}
