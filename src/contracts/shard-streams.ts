/** What a shard tells the consumers of its chain: audit trail, read model and ledger. */
import type { ChainLink } from '../domain/chain.ts';
import type { ResourceCard, ServiceCard } from '../domain/inventory/cards.ts';
import type { Processor } from '../domain/payment/processor-reply.ts';
import type { EpochMs } from '../domain/time.ts';

/** One link of the shard's hash chain, as it crosses to the audit trail; rows are found by entity or parent. */
export type ChainEvent = ChainLink;

/** A booking and its payment as the read model keeps them. */
/** The slots of a booking as calendars show them. */
export interface BookingSlotsProjection {
  readonly bookingId: string;
  /** Of the booking: rows of an older version never replace those of a newer one. */
  readonly version: number;
  readonly changedAtMs: EpochMs;
  /** One row per slot and resource that it was assigned. */
  readonly slots: readonly {
    readonly place: number;
    readonly resourceId: string;
    readonly label: string;
    readonly startAtMs: EpochMs;
    readonly endAtMs: EpochMs;
  }[];
}

export interface BookingProjection {
  readonly id: string;
  readonly code: string;
  readonly shardKey: string;
  readonly providerId: string;
  readonly venueId: string;
  readonly serviceId: string;
  readonly customerId: string;
  readonly status: string;
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  readonly totalMinor: number;
  readonly currency: string;
  readonly paymentId: string | null;
  readonly paymentStatus: string | null;
  readonly processor: string | null;
  readonly processorRef: string | null;
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  readonly createdAtMs: EpochMs;
  readonly version: number;
}

export interface StreamQuery {
  readonly afterSeq: number;
  readonly limit: number;
}

/** A stretch of the chain for the audit trail. */
export interface AuditBatch {
  readonly shardKey: string;
  readonly events: readonly ChainEvent[];
  readonly headSeq: number;
}

/** The present truth of what changed in a stretch of the chain. */
export interface ProjectionBatch {
  readonly shardKey: string;
  readonly throughSeq: number;
  readonly headSeq: number;
  readonly bookings: readonly BookingProjection[];
  /** Of the same bookings; an object that runs older code tells none. */
  readonly bookingSlots?: readonly BookingSlotsProjection[];
  readonly services: readonly ServiceCard[];
  readonly resources: readonly ResourceCard[];
}

/** An object at a processor that carried our metadata and belonged to no payment, and what became of it. */
export interface OrphanOutcome {
  readonly bookingId: string;
  readonly paymentId: string;
  readonly processor: Processor;
  readonly ref: string;
  readonly outcome: 'voided' | 'refunded';
  readonly amountMinor: number;
}

/** Something that moved a booking's money, as the ledger posts it. Amounts are positive minor units. */
export interface MoneyFact {
  /** The event of the chain that tells of it. */
  readonly seq: number;
  readonly eventId: string;
  readonly kind:
    | 'captured'
    | 'refunded'
    | 'refund_failed'
    | 'disputed'
    | 'dispute_won'
    | 'dispute_lost';
  readonly bookingId: string;
  readonly paymentId: string;
  readonly processor: Processor;
  /** The processor's id of the payment. */
  readonly processorRef: string | null;
  /** The processor's id of the refund or dispute. */
  readonly entityRef: string | null;
  readonly amountMinor: number;
  readonly currency: string;
  /** What the processor kept; null while it is not known, and told again as a fact of its own once it is. */
  readonly feeMinor: number | null;
  /** False for money that no booking earned and that is on its way back. */
  readonly isEarned: boolean;
  readonly providerId: string;
  readonly venueId: string;
  readonly customerId: string;
  /** The platform's share of a capture or of what is given back of it. */
  readonly commissionMinor: number;
  /** How much of the amount is tax. */
  readonly taxMinor: number;
  /** When the last slot of the booking ends. */
  readonly serviceEndsAtMs: EpochMs;
  readonly atMs: EpochMs;
}

/** The money facts of a stretch of the chain. */
export interface MoneyBatch {
  readonly shardKey: string;
  readonly throughSeq: number;
  readonly headSeq: number;
  readonly facts: readonly MoneyFact[];
}

export type StreamName = 'audit' | 'projection' | 'money';
