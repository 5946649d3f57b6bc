/**
 * What has to change for a stretch of time to hold exactly the slots that rules want. A slot that somebody holds or has
 * booked is never touched, and one that a person published is nobody's but theirs.
 */
import type { Slot } from '../inventory/cards.ts';
import type { Money } from '../money.ts';
import type { WantedSlot } from './rule.ts';

/** Why a slot has to stay as it is. */
export type Keeper = 'held' | 'booked';

/** A slot that is there, with who keeps it, and whether it is to go once they give it back. */
export interface PresentSlot {
  readonly slot: Slot;
  readonly keptBy: Keeper | null;
  readonly isLeaving: boolean;
}

/** What to do. */
export interface SchedulePlan {
  readonly create: readonly WantedSlot[];
  /** Free slots that are wanted at another price, or by another rule. */
  readonly update: readonly { readonly slot: Slot; readonly wanted: WantedSlot }[];
  /** Free slots that no rule wants any more. */
  readonly withdraw: readonly Slot[];
  /** Kept slots that nobody new may take, because no rule wants them, and those that are wanted again. */
  readonly leave: readonly { readonly slot: Slot; readonly isLeaving: boolean }[];
  /** Slots that would have changed, were they free. */
  readonly kept: readonly { readonly slotId: string; readonly reason: Keeper }[];
  /** Wanted slots that are there. */
  readonly skippedCount: number;
}

/** Compares what is there with what is wanted, both of one stretch of time and one service. */
export function planSchedule(
  present: readonly PresentSlot[],
  wanted: readonly WantedSlot[],
): SchedulePlan {
  const missing = new Map(wanted.map((slot) => [slotName(slot), slot]));
  const update: { slot: Slot; wanted: WantedSlot }[] = [];
  const withdraw: Slot[] = [];
  const leave: { slot: Slot; isLeaving: boolean }[] = [];
  const kept: { slotId: string; reason: Keeper }[] = [];
  let skippedCount = 0;
  for (const { slot, keptBy, isLeaving } of present) {
    const match = missing.get(slotName(slot));
    if (match !== undefined) {
      missing.delete(slotName(slot));
      skippedCount += 1;
    }
    if (slot.ruleId === null) continue;
    const isUnwanted = match === undefined && keptBy !== null;
    if (isUnwanted !== isLeaving) leave.push({ slot, isLeaving: isUnwanted });
    const isAsWanted = match !== undefined && isSamePrice(slot.price, match.price);
    if (isAsWanted && (match.ruleId === slot.ruleId || keptBy !== null)) continue;
    if (keptBy !== null) kept.push({ slotId: slot.id, reason: keptBy });
    else if (match === undefined) withdraw.push(slot);
    else update.push({ slot, wanted: match });
  }
  return { create: [...missing.values()], update, withdraw, leave, kept, skippedCount };
}

/** The identity of a slot among those of its service. */
function slotName(slot: Pick<Slot, 'startAtMs' | 'endAtMs' | 'resourceId'>): string {
  return `${slot.startAtMs} ${slot.endAtMs} ${slot.resourceId ?? ''}`;
}

function isSamePrice(a: Money | null, b: Money | null): boolean {
  return a?.amount === b?.amount && a?.currency === b?.currency;
}
