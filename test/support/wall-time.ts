/** What the wall clocks of zones show, read minute by minute from the platform's own zone data through Intl. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a clock shows, such as 2026-12-01T09:00. */
export function shown(atMs: number, timeZone: string): string {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
  formats.set(timeZone, format);
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const get = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
  return `${get('year')}-${get('month')}-${get('day')}T${get('hour')}:${get('minute')}`;
}

/** Every instant of an interval at which some zone could change or a slot could start, with what the clock shows then. */
export function readings(
  timeZone: string,
  over: { fromMs: number; toMs: number; everyMinutes?: number },
): { atMs: number; text: string }[] {
  const stepMs = (over.everyMinutes ?? 15) * MINUTE_MS;
  const found: { atMs: number; text: string }[] = [];
  for (let atMs = over.fromMs; atMs < over.toMs; atMs += stepMs)
    found.push({ atMs, text: shown(atMs, timeZone) });
  return found;
}

/** The local dates of a year on which the clocks of a zone are changed. */
export function changeDates(timeZone: string, year: number): string[] {
  const found: string[] = [];
  const noon = Date.UTC(year, 0, 1, 12);
  const aheadMs = (atMs: number) => Date.parse(`${shown(atMs, timeZone)}Z`) - atMs;
  for (let day = 0; day < 365; day++) {
    const fromMs = noon + day * DAY_MS;
    if (aheadMs(fromMs) === aheadMs(fromMs + DAY_MS)) continue;
    const change = readings(timeZone, { fromMs, toMs: fromMs + DAY_MS + 1 }).find(
      ({ atMs }) => aheadMs(atMs) !== aheadMs(fromMs),
    );
    // Clocks that go back at midnight show the day before at that instant; both days are looked at by whoever asks.
    if (change !== undefined) found.push(change.text.slice(0, 10));
  }
  return found;
}
