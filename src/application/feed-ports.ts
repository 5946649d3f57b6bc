/** What calendar feeds need of D1. */
import type { BookingState } from '../domain/booking/booking-machine.ts';
import type { EpochMs } from '../domain/time.ts';

/** A feed as it is kept; its token is not. */
export interface Feed {
  readonly id: string;
  readonly ownerId: string;
  /** Null for the owner's own bookings. */
  readonly resourceId: string | null;
  readonly providerId: string | null;
  readonly createdAtMs: EpochMs;
}

export interface FeedStore {
  /** Adds a feed unless its owner has as many as `max`; false when they have. */
  insert(feed: Feed & { readonly tokenHash: string }, max: number): Promise<boolean>;
  /** The feed of a token that was not revoked. */
  byTokenHash(tokenHash: string): Promise<Feed | null>;
  /** The owner's feeds that were not revoked, oldest first. */
  ofOwner(ownerId: string): Promise<Feed[]>;
  /** False when the owner has no such feed. */
  revoke(id: string, ownerId: string, nowMs: EpochMs): Promise<boolean>;
}

/** One slot of a booking, as the read model knows it. */
export interface FeedEntry {
  readonly bookingId: string;
  readonly code: string;
  readonly status: BookingState;
  readonly version: number;
  readonly changedAtMs: EpochMs;
  readonly place: number;
  readonly label: string;
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  readonly venueName: string | null;
  readonly venueAddress: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
}

/** What a feed shows: entries that end within the window, earliest end first. */
export interface FeedWindow {
  readonly fromMs: EpochMs;
  readonly toMs: EpochMs;
  readonly limit: number;
}

/** The entries of one database. */
export interface FeedEntryStore {
  ofCustomer(customerId: string, window: FeedWindow): Promise<FeedEntry[]>;
  ofResource(resourceId: string, window: FeedWindow): Promise<FeedEntry[]>;
}
