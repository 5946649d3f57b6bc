/**
 * The boundaries of periods, worked out with nothing but the platform's own zone data: an oracle that shares no code
 * and no library with the product.
 */

const DAY_MS = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** The local time of an instant, written as if it were UTC. */
function localMs(atMs: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(
    format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const ms = ((atMs % 1_000) + 1_000) % 1_000;
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}

/** The instant of a local time: the first of two, and moved on where the clocks skip it. */
function instantOf(local: number, timeZone: string): number {
  const offsetAt = (atMs: number): number => localMs(atMs, timeZone) - atMs;
  const before = offsetAt(local - DAY_MS);
  const after = offsetAt(local + DAY_MS);
  if (offsetAt(local - before) === before) return local - before;
  if (offsetAt(local - after) === after) return local - after;
  return local - before;
}

/** The start of the n-th period after an anchor. */
export function boundaryMs(
  anchor: { readonly atMs: number; readonly timeZone: string },
  interval: { readonly unit: 'day' | 'week' | 'month' | 'year'; readonly count: number },
  n: number,
): number {
  // The anchor itself, though its local time may come twice.
  if (n === 0) return anchor.atMs;
  const local = localMs(anchor.atMs, anchor.timeZone);
  const count = interval.count * n;
  if (interval.unit === 'day') return instantOf(local + count * DAY_MS, anchor.timeZone);
  if (interval.unit === 'week') return instantOf(local + count * 7 * DAY_MS, anchor.timeZone);
  const date = new Date(local);
  const months = interval.unit === 'year' ? count * 12 : count;
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1);
  const length = new Date(
    Date.UTC(new Date(first).getUTCFullYear(), new Date(first).getUTCMonth() + 1, 0),
  ).getUTCDate();
  const day = Math.min(date.getUTCDate(), length);
  const timeOfDay = local - Math.floor(local / DAY_MS) * DAY_MS;
  return instantOf(first + (day - 1) * DAY_MS + timeOfDay, anchor.timeZone);
}
