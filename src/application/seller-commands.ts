/**
 * What a booking's seller does with it, its provider or an operator: each call under its key, up to the first call of a
 * processor. Synchronous, inside the shard's transaction; what each deed means is in the files it calls.
 */
import type { OpenBookingReply, SellerCommand } from '../contracts/durable-rpc.ts';
import type { BookingView } from '../contracts/http/booking.ts';
import type { Booking } from '../domain/booking/booking.ts';
import type { Refusal } from '../domain/result.ts';
import { approve, decline } from './approvals.ts';
import { checkIn, complete, markNoShow, ticketRefusal } from './attend-booking.ts';
import { beginWork } from './booking-calls.ts';
import { lookUpCall, remember } from './keyed-calls.ts';
import { reassign } from './reassign-booking.ts';
import { actorOf, sellersBooking } from './read-booking.ts';
import type { ShardState } from './shard-state.ts';

/** Refusals: not_found, role_required (its customer), those of the deed. */
export function actAsSeller(shard: ShardState, command: SellerCommand): OpenBookingReply {
  const { caller, call, bookingId } = command;
  const keyed = { callerId: caller.id, call };
  const verdict = lookUpCall<BookingView>(shard, keyed);
  if (verdict.kind === 'answered') return { kind: 'final', reply: verdict.reply };
  if (verdict.kind === 'resume')
    return beginWork(shard, command, { bookingId: verdict.recoveryId, look: true });
  const found = sellersBooking(shard, caller, bookingId);
  if (!found.ok) return { kind: 'final', reply: remember(shard, keyed, found) };
  const refusal = act(shard, found.value, command);
  if (refusal === null) return beginWork(shard, command, { bookingId, look: false });
  return { kind: 'final', reply: remember(shard, keyed, { ok: false, refusal }) };
}

function act(shard: ShardState, booking: Booking, { caller, deed }: SellerCommand): Refusal | null {
  const actor = actorOf(shard, caller);
  switch (deed.kind) {
    case 'check_in':
      return ticketRefusal(shard, booking, deed.ticket ?? null) ?? checkIn(shard, booking, actor);
    case 'complete':
      return complete(shard, booking, actor);
    case 'no_show':
      return markNoShow(shard, booking, actor);
    case 'approve':
      return approve(shard, booking, { price: deed.price, actor });
    case 'reassign':
      return reassign(shard, booking, { resourceId: deed.resourceId, actor });
    case 'decline':
      return decline(shard, booking, { reason: deed.reason, actor });
  }
}
