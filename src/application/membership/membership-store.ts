/**
 * What a member's object keeps: the rights that billing pushed and the reservations of their counted limits.
 * Synchronous, so that nobody comes between a decision and its write.
 */
import type { Entitlements } from '../../contracts/membership-rpc.ts';
import type { Reservation } from '../../domain/membership/reservation.ts';

export interface MembershipStore {
  entitlements(): Entitlements[];
  /** In the order in which they were first made. */
  reservations(): Reservation[];
  /** Replaces those of the same group. The first call makes the schema. */
  saveEntitlements(entitlements: Entitlements): void;
  /** Writes all or none; one that is known by its id is replaced. */
  saveReservations(reservations: readonly Reservation[]): void;
  forgetReservations(ids: readonly string[]): void;
}
