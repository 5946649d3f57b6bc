/** Local calendars are a port: the domain knows instants and zones by name alone. */
import type { EpochMs } from './time.ts';
import type { Interval } from './subscription/plan.ts';

export interface Calendar {
  /**
   * The instant so many intervals after another, in the calendar of a zone. A day that a month does not have becomes its
   * last one; a local time that a change of the clocks skips moves on with it.
   */
  advance(from: { readonly atMs: EpochMs; readonly timeZone: string }, by: Interval): EpochMs;
}
