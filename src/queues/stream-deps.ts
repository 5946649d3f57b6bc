/**
 * Joins the stream consumers to D1 and to the shards: a shard's rows go to the database of its region.
 * Called by the queue dispatcher.
 */
import type { Clock, ObjectDirectory } from '../application/ports.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import { AuditRepository } from '../storage/d1/audit-repository.ts';
import { BookingRepository } from '../storage/d1/booking-repository.ts';
import type { AuditDeps } from './audit.ts';
import type { ProjectionDeps } from './projections.ts';

/** What the joining needs: the database of a region, the objects, the time. */
export interface StreamServices {
  readonly databases: { of(region: DataRegion): D1Database };
  readonly objects: Pick<ObjectDirectory, 'shard'>;
  readonly clock: Clock;
}

/** The audit consumer's functions. */
export function auditDeps({ databases, objects }: StreamServices): AuditDeps {
  const trail = (shardKey: string) => new AuditRepository(databases.of(regionOf(shardKey)));
  return {
    appliedSeq: (shardKey) => trail(shardKey).appliedSeq(shardKey),
    readAudit: (shardKey, query) => objects.shard(shardKey).readAudit(query),
    append: (shardKey, events) => trail(shardKey).append(shardKey, events),
    acknowledge: (shardKey, stream, applied) =>
      objects.shard(shardKey).acknowledge(stream, applied),
  };
}

/** The projection consumer's functions. */
export function projectionDeps({ databases, objects, clock }: StreamServices): ProjectionDeps {
  const readModel = (shardKey: string) => new BookingRepository(databases.of(regionOf(shardKey)));
  return {
    appliedSeq: (shardKey) => readModel(shardKey).appliedSeq(shardKey),
    readProjection: (shardKey, query) => objects.shard(shardKey).readProjection(query),
    apply: (batch) => readModel(batch.shardKey).apply(batch, clock.nowMs()),
    acknowledge: (shardKey, stream, applied) =>
      objects.shard(shardKey).acknowledge(stream, applied),
  };
}
