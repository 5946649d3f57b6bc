/**
 * Wall clocks: which instants show a local time, from how far a zone is ahead of UTC at which time. A local time that is
 * skipped is passed at the instant of the change, and one that comes twice is its first. Pure; the zone data is a port's.
 */
import { required } from '../assert.ts';
import type { EpochMs, Interval } from '../time.ts';

/** From an instant on, a zone is so many milliseconds ahead of UTC. */
export interface OffsetStep {
  readonly fromMs: EpochMs;
  readonly offsetMs: number;
}

/** The zone data of the platform. */
export interface ZoneData {
  /** The offsets of a zone over an interval, in order; the first one holds at its start. */
  offsets(timeZone: string, over: Interval): readonly OffsetStep[];
}

/** Further than any zone is from UTC, both ways: what to ask zone data for around a local time. */
export const OFFSET_MS_MAX = 86_400_000;

/**
 * The first instant at which the clock shows this local time or a later one.
 * Shape: `wallMs` is the local time as if it were UTC; the steps begin OFFSET_MS_MAX before it or earlier.
 */
export function firstShowing(steps: readonly OffsetStep[], wallMs: number): EpochMs {
  const shows = steps.map(({ fromMs, offsetMs }) => Math.max(fromMs, wallMs - offsetMs));
  const first = shows.find((atMs, index) => atMs < (steps[index + 1]?.fromMs ?? Infinity));
  return required(first, 'the last offset of zone data holds without an end');
}

/**
 * The instants of an interval at which the clock shows the local time `originMs` (as if it were UTC) or a whole number of
 * steps after it, each at least a step of elapsed time after the one before.
 */
export function* gridInstants(
  steps: readonly OffsetStep[],
  grid: { readonly originMs: number; readonly stepMs: number; readonly over: Interval },
): Generator<EpochMs> {
  const { originMs, stepMs, over } = grid;
  let nextMs = Number.NEGATIVE_INFINITY;
  for (const [index, { fromMs, offsetMs }] of steps.entries()) {
    const startMs = Math.max(fromMs, over.startAtMs);
    const endMs = Math.min(steps[index + 1]?.fromMs ?? over.endAtMs, over.endAtMs);
    const first = Math.ceil((startMs + offsetMs - originMs) / stepMs);
    for (let atMs = originMs + first * stepMs - offsetMs; atMs < endMs; atMs += stepMs) {
      if (atMs < nextMs) continue;
      nextMs = atMs + stepMs;
      yield atMs;
    }
  }
}
