/** What the list of bookings needs of the read model. */
import type { BookingProjection } from '../contracts/shard-streams.ts';
import type { BookingState } from '../domain/booking/booking-machine.ts';
import type { EpochMs } from '../domain/time.ts';

/** Whose bookings: of a customer, of a provider or of a venue. */
export type BookingOwner =
  | { readonly kind: 'customer'; readonly id: string }
  | { readonly kind: 'provider'; readonly id: string }
  | { readonly kind: 'venue'; readonly id: string };

/** The place of a booking in a list, newest first. */
export interface BookingPosition {
  readonly createdAtMs: EpochMs;
  readonly id: string;
}

export interface BookingListQuery {
  readonly owner: BookingOwner;
  readonly status: BookingState | null;
  readonly after: BookingPosition | null;
  readonly limit: number;
}

/** The read model of one database. */
export interface BookingListStore {
  list(query: BookingListQuery): Promise<BookingProjection[]>;
}
