/**
 * Slots of one hold on one resource: their buffers do not apply between one another, and stay whole around them.
 * Together they cover exactly what their buffered intervals cover, cut so that no two of them overlap.
 */
import { required } from '../assert.ts';
import { interval, type Interval } from '../time.ts';

/** A slot's own interval, and the same widened by its buffers. */
export interface Buffered {
  readonly own: Interval;
  readonly wide: Interval;
}

/**
 * The interval that each slot claims.
 * Shape: `slots` are in order of start and their own intervals do not overlap; the answer is in the same order,
 * its intervals do not overlap, and their union is the union of the wide ones.
 */
export function adjoin(slots: readonly Buffered[]): Interval[] {
  const first = required(slots[0], 'there is a slot to claim');
  const reachAfter = prefixMax(slots.map(({ wide }) => wide.endAtMs));
  const reachBefore = prefixMax(slots.map(({ wide }) => -wide.startAtMs).toReversed()).toReversed();
  const spans: Interval[] = [];
  let startAtMs = -(reachBefore[0] ?? -first.wide.startAtMs);
  for (const [index, slot] of slots.entries()) {
    const next = slots[index + 1];
    const endsAtMs = reachAfter[index] ?? slot.wide.endAtMs;
    if (next === undefined) {
      spans.push(interval(startAtMs, endsAtMs));
      break;
    }
    const nextStartsAtMs = -(reachBefore[index + 1] ?? -next.wide.startAtMs);
    const isApart = endsAtMs <= nextStartsAtMs;
    // Where the buffers meet, the later slot's own start is the cut; where they do not, the gap stays free.
    spans.push(interval(startAtMs, isApart ? endsAtMs : next.own.startAtMs));
    startAtMs = isApart ? nextStartsAtMs : next.own.startAtMs;
  }
  return spans;
}

function prefixMax(numbers: readonly number[]): number[] {
  let highest = Number.NEGATIVE_INFINITY;
  return numbers.map((number) => (highest = Math.max(highest, number)));
}
