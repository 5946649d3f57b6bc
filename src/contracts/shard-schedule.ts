/** How a shard is told what rules want for sale, and what providers keep from sale. */
import type { Keeper } from '../domain/availability/schedule-plan.ts';
import type { WantedSlot } from '../domain/availability/rule.ts';
import type { EpochMs, Interval } from '../domain/time.ts';
import type { CallKey, Caller } from './calls.ts';

/** Lets a stretch of time hold what the rules of a service want: no slot less, and no free slot of a rule more. */
export interface ApplyScheduleCommand {
  readonly caller: Caller;
  readonly serviceId: string;
  /** Counts the changes of the service's rules: what an older count wants is not applied over a newer one. */
  readonly version: number;
  /** The slots that start in here; those that have started are left alone. */
  readonly over: Interval;
  /** All that is wanted of the stretch, at most SCHEDULE_BATCH_MAX. */
  readonly wanted: readonly WantedSlot[];
  /** Says what would change, and changes nothing. */
  readonly isDryRun: boolean;
}

/** What one command carries, so that a transaction stays short. */
export const SCHEDULE_BATCH_MAX = 500;

/** stale: somebody has applied newer rules; read them again. */
export type ScheduleAnswer =
  | { readonly kind: 'applied'; readonly report: ScheduleReport }
  | { readonly kind: 'stale' };

/** What was changed, or would be. */
export interface ScheduleReport {
  readonly created: number;
  /** Wanted and there. */
  readonly skipped: number;
  /** Free slots that took another price or rule. */
  readonly updated: number;
  /** Free slots that no rule wants any more. */
  readonly removed: number;
  readonly kept: readonly { readonly slotId: string; readonly reason: Keeper }[];
}

/** Keeps one slot from sale, or lets it be sold again where `reason` is null. */
export interface BlockSlotCommand {
  readonly caller: Caller;
  readonly call: CallKey | null;
  readonly slotId: string;
  readonly reason: string | null;
}

/** Keeps a resource from being claimed over an interval, whatever is or will be published there. */
export interface BlockResourceCommand {
  readonly caller: Caller;
  readonly call: CallKey | null;
  readonly resourceId: string;
  readonly over: Interval;
  readonly reason: string;
  /** Cancels what is booked there, with all the money back, and ends what is held. */
  readonly cancelsBookings: boolean;
}

/** Lets a resource be claimed again over an interval: blocks end, shrink or part where they reach beyond it. */
export interface UnblockResourceCommand {
  readonly caller: Caller;
  readonly call: CallKey | null;
  readonly resourceId: string;
  readonly over: Interval;
}

/** A block of a resource. */
export interface ResourceBlock extends Interval {
  readonly id: string;
  readonly resourceId: string;
  readonly reason: string;
  readonly createdAtMs: EpochMs;
}
