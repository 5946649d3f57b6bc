/** What is free instead, for a refusal that says the slot is gone. Bounded, because a crowd must stay cheap to refuse. */
import type { SlotView } from '../contracts/http/catalogue.ts';
import { formatInstant } from '../contracts/http/views.ts';
import type { Slot } from '../domain/inventory/cards.ts';
import { firstAtOrAfter } from '../domain/inventory/slot-book.ts';
import { refuse } from '../domain/result.ts';
import type { Json, Refusal } from '../domain/result.ts';
import type { EpochMs } from '../domain/time.ts';
import { viewSlot } from './hold-lines.ts';
import type { SlotLine } from './hold-lines.ts';
import type { ShardState } from './shard-state.ts';

/** How many other slots a refusal offers. */
const ALTERNATIVES_MAX = 3;

/** How many slots are looked at for them: a full day of a crowd must stay cheap to refuse. */
const ALTERNATIVES_LOOK_MAX = 120;

/** What was asked for, and what of it cannot be had. */
interface Wanted {
  readonly lines: readonly SlotLine[];
  readonly quantity: number;
  readonly fareId: string | null;
  readonly conflicts: readonly string[];
  /** When slots would start that nobody has published. */
  readonly missing?: readonly EpochMs[];
}

/** 409 with what stands in the way and what is free instead. */
export function slotUnavailable(
  shard: ShardState,
  wanted: Wanted,
): { readonly ok: false; readonly refusal: Refusal } {
  const { conflicts, missing = [] } = wanted;
  const detail =
    conflicts.length === 0 && missing.length > 0
      ? 'Not every week has such a slot.'
      : 'Somebody else has the slot.';
  return refuse('slot_unavailable', detail, {
    conflicts,
    ...(missing.length === 0 ? {} : { missing: missing.map(formatInstant) }),
    alternatives: alternatives(shard, wanted) as unknown as Json,
  });
}

/** The nearest free slots of the first service that was in the way, by their distance from what was asked. */
function alternatives(shard: ShardState, wanted: Wanted): SlotView[] {
  const line =
    wanted.lines.find(({ slot }) => wanted.conflicts.includes(slot.id)) ?? wanted.lines[0];
  if (line === undefined) return [];
  const asked = new Set(wanted.lines.map(({ slot }) => slot.id));
  const found: Slot[] = [];
  let looks = 0;
  for (const slot of nearest(shard.inventory.schedule(line.service.id), line.slot.startAtMs)) {
    if (found.length === ALTERNATIVES_MAX || looks++ === ALTERNATIVES_LOOK_MAX) break;
    if (asked.has(slot.id)) continue;
    const { quantity, fareId } = wanted;
    if (shard.inventory.isFree(slot, { nowMs: shard.nowMs, quantity, fareId })) found.push(slot);
  }
  return found.map((slot) => viewSlot(shard, slot));
}

/** The slots of a schedule, nearest start first; of two as near, the earlier. */
function* nearest(schedule: readonly Slot[], startAtMs: number): Generator<Slot> {
  let after = firstAtOrAfter(schedule, startAtMs);
  let before = after - 1;
  for (;;) {
    const later = schedule[after];
    const earlier = schedule[before];
    if (later === undefined && earlier === undefined) return;
    const isLaterNext =
      earlier === undefined ||
      (later !== undefined && later.startAtMs - startAtMs < startAtMs - earlier.startAtMs);
    if (isLaterNext && later !== undefined) {
      after += 1;
      yield later;
    } else if (earlier !== undefined) {
      before -= 1;
      yield earlier;
    }
  }
}
