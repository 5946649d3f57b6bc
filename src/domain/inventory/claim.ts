/** What keeps a part of a resource from others for an interval, and how it is asked for. Decided by the inventory. */
import { MINUTE_MS, widen, type Interval } from '../time.ts';
import type { ServiceCard, Slot } from './cards.ts';

/** One resource (or one named unit of it) taken for one slot, over the buffered interval. */
export interface Claim {
  readonly slotId: string;
  readonly resourceId: string;
  readonly unit: string | null;
  readonly quantity: number;
  /** The part of the slot's capacity that it comes from; null where the slot has no fares. */
  readonly fareId: string | null;
  readonly span: Interval;
}

/** What is asked: every slot for the quantity, or exactly the named units of each. */
export interface ClaimWish {
  readonly slots: readonly { readonly slot: Slot; readonly service: ServiceCard }[];
  readonly quantity: number;
  readonly units: readonly string[] | null;
  /** For the slots that have fares. */
  readonly fareId: string | null;
  /** The slots are the hold's already, and only change their resource: that they are no longer sold keeps nobody out. */
  readonly isOwn?: boolean;
}

/** The committed claims of a hold, and which of them stay. */
export interface OwnClaims {
  readonly before: readonly Claim[];
  readonly kept: readonly Claim[];
}

/** All claims of a hold, or the slots that stand in the way. */
export type ClaimOutcome =
  | { readonly ok: true; readonly claims: readonly Claim[] }
  | { readonly ok: false; readonly conflicts: readonly string[] };

/** The interval that a slot's claim covers: its own, widened by the service's buffers. */
export function bufferedSpan(slot: Slot, service: ServiceCard): Interval {
  return widen(slot, {
    beforeMs: service.bufferBeforeMinutes * MINUTE_MS,
    afterMs: service.bufferAfterMinutes * MINUTE_MS,
  });
}
