/** Which units of a resource a claim is best given, and whether it has room for one. Pure; called by the inventory. */
import type { Interval } from '../time.ts';
import type { Lane } from './occupancy.ts';
import { freeOf, type ResourceLanes } from './slot-availability.ts';

/** True when the quantity, or the units that are named, could be taken over the interval. */
export function hasRoom(
  resource: ResourceLanes,
  span: Interval,
  { quantity, units: named }: { quantity: number; units: readonly string[] | null },
): boolean {
  if (!resource.card.active) return false;
  const { units } = resource;
  if (named === null) return freeOf(resource, span) >= quantity;
  if (units === null || resource.whole.isBlocked(span)) return false;
  return named.every((unit) => (units.get(unit)?.free(span) ?? 0) > 0);
}

/**
 * All units in the order in which a claim of so many should try them. Best are those that the same hold has for another
 * slot already, then units side by side: the first run of free units of one row, in the order of the card, that is long
 * enough. A row is the units whose names differ by the number at their end alone ("B7", "B8"); names without a number are
 * one row. Without such a run the order of the card decides.
 */
export function bestUnits(
  units: ReadonlyMap<string, Lane>,
  span: Interval,
  { quantity, own }: { quantity: number; own: readonly string[] },
): Iterable<string> {
  const run = own.length > 0 ? [] : firstRun(units, span, quantity);
  return new Set([...own, ...run, ...units.keys()]);
}

function firstRun(
  units: ReadonlyMap<string, Lane>,
  span: Interval,
  quantity: number,
): readonly string[] {
  let run: string[] = [];
  let row: string | null = null;
  for (const [id, lane] of units) {
    if (rowOf(id) !== row) run = [];
    row = rowOf(id);
    if (lane.free(span) === 0) run = [];
    else run.push(id);
    if (run.length === quantity) return run;
  }
  return [];
}

function rowOf(unit: string): string {
  return unit.replace(/\d+$/, '');
}
