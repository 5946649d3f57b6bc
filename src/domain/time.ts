/**
 * Instants, spans and half-open intervals. Instants are UTC epoch milliseconds handed in by a clock port;
 * local times are made at the edges from an instant and an IANA zone, never here.
 */
import { invariant } from './assert.ts';

/** UTC instant in milliseconds since the Unix epoch. */
export type EpochMs = number;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** A half-open interval [startAtMs, endAtMs): touching intervals do not overlap. */
export interface Interval {
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
}

/** Builds an interval; an empty or reversed one is a broken invariant (input is validated before). */
export function interval(startAtMs: EpochMs, endAtMs: EpochMs): Interval {
  invariant(
    Number.isSafeInteger(startAtMs) && Number.isSafeInteger(endAtMs) && startAtMs < endAtMs,
    'an interval needs whole milliseconds with start before end',
  );
  return { startAtMs, endAtMs };
}

/** True when the two intervals share at least one instant. */
export function overlaps(a: Interval, b: Interval): boolean {
  return a.startAtMs < b.endAtMs && b.startAtMs < a.endAtMs;
}

/** Widens an interval by buffers before and after, in milliseconds. */
export function widen(span: Interval, buffers: { beforeMs: number; afterMs: number }): Interval {
  return interval(span.startAtMs - buffers.beforeMs, span.endAtMs + buffers.afterMs);
}

/** The parts of an interval that none of the others covers, in order. */
export function beyond(whole: Interval, others: readonly Interval[]): Interval[] {
  const parts: Interval[] = [];
  let fromMs = whole.startAtMs;
  for (const other of others.toSorted((a, b) => a.startAtMs - b.startAtMs)) {
    if (!overlaps(other, whole)) continue;
    if (other.startAtMs > fromMs) parts.push(interval(fromMs, other.startAtMs));
    fromMs = Math.max(fromMs, other.endAtMs);
  }
  if (fromMs < whole.endAtMs) parts.push(interval(fromMs, whole.endAtMs));
  return parts;
}
