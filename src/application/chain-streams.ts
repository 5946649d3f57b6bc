/**
 * What a shard gives to the consumers of its chain. The chain is the outbox: a consumer pulls from where it stands,
 * and a stretch is forgotten as work only when its effect is known to stand.
 */
import type {
  AuditBatch,
  BookingProjection,
  BookingSlotsProjection,
  ProjectionBatch,
  StreamName,
  StreamQuery,
} from '../contracts/shard-streams.ts';
import { firstStartMs, lastEndMs } from '../domain/booking/attendance.ts';
import type { Booking } from '../domain/booking/booking.ts';
import type { ShardState } from './shard-state.ts';

export const STREAMS: readonly StreamName[] = ['audit', 'projection', 'money'];

/** A stretch of the chain as it was written. */
export function readAudit(shard: ShardState, query: StreamQuery): AuditBatch {
  return {
    shardKey: shard.shardKey,
    events: shard.store.events(query.afterSeq, query.limit),
    headSeq: shard.headSeq,
  };
}

/** The present truth of everything that a stretch of the chain touched. */
export function readProjection(shard: ShardState, query: StreamQuery): ProjectionBatch {
  const events = shard.store.events(query.afterSeq, query.limit);
  const touched = new Set(
    events.flatMap(({ entityId, parentId }) => [entityId, parentId ?? entityId]),
  );
  const bookings: BookingProjection[] = [];
  const bookingSlots: BookingSlotsProjection[] = [];
  const services = [];
  const resources = [];
  for (const id of touched) {
    if (id.startsWith('bkg_')) {
      const booking = shard.store.booking(id);
      if (booking === null) continue;
      bookings.push(projectBooking(shard, booking));
      bookingSlots.push(projectSlots(shard, booking));
    }
    const service = id.startsWith('svc_') ? shard.inventory.service(id) : null;
    const resource = id.startsWith('res_') ? shard.inventory.resource(id) : null;
    if (service !== null) services.push(service);
    if (resource !== null) resources.push(resource);
  }
  return {
    shardKey: shard.shardKey,
    throughSeq: events.at(-1)?.seq ?? query.afterSeq,
    headSeq: shard.headSeq,
    bookings,
    bookingSlots,
    services,
    resources,
  };
}

/** Records how far a stream is applied; gives the head, so that the consumer knows whether to go on. */
export function acknowledge(shard: ShardState, stream: StreamName, seq: number): number {
  shard.advanceCursor(stream, Math.min(seq, shard.headSeq));
  return shard.headSeq;
}

/** The streams whose consumers are behind the head. */
export function streamsBehind(shard: ShardState): StreamName[] {
  return STREAMS.filter((stream) => {
    // Most of what happens moves no money, and the ledger is not asked to look at it.
    const last = stream === 'money' ? shard.lastMoneySeq : shard.headSeq;
    return shard.cursor(stream) < last;
  });
}

function projectBooking(shard: ShardState, booking: Booking): BookingProjection {
  const payment = shard.store.currentPayment(booking.id);
  const [first] = booking.items;
  const service = first === undefined ? null : shard.inventory.service(first.serviceId);
  return {
    id: booking.id,
    code: booking.code,
    shardKey: shard.shardKey,
    providerId: shard.provider.providerId,
    venueId: service?.venueId ?? '',
    serviceId: service?.id ?? '',
    customerId: booking.customerId,
    status: booking.state,
    startAtMs: firstStartMs(booking),
    endAtMs: lastEndMs(booking),
    totalMinor: booking.quote.totalMinor,
    currency: booking.quote.currency,
    paymentId: payment?.id ?? null,
    paymentStatus: payment?.state ?? null,
    processor: payment?.processor ?? null,
    processorRef: payment?.ref ?? null,
    capturedMinor: payment?.capturedMinor ?? 0,
    refundedMinor: payment?.refundedMinor ?? 0,
    createdAtMs: booking.createdAtMs,
    version: booking.version,
  };
}

function projectSlots(shard: ShardState, booking: Booking): BookingSlotsProjection {
  return {
    bookingId: booking.id,
    version: booking.version,
    changedAtMs: shard.store.eventsOf(booking.id).at(-1)?.atMs ?? booking.createdAtMs,
    slots: booking.items.flatMap(({ label, startAtMs, endAtMs, resourceIds, cancelled }, place) =>
      (cancelled === null ? resourceIds : []).map((resourceId) => ({
        place,
        resourceId,
        label,
        startAtMs,
        endAtMs,
      })),
    ),
  };
}
