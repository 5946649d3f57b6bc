/**
 * The platform's one source of time. Everything that compares instants asks it, so that an offset moves all of them together.
 */
import type { Clock } from '../application/ports.ts';

/** The runtime's clock, moved by a constant offset in milliseconds. */
export function createClock(offsetMs: number): Clock {
  return { nowMs: () => Date.now() + offsetMs };
}
