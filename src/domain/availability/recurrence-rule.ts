/**
 * Recurrence rules as people send them: text of RFC 5545, section 3.3.10, without its `RRULE:` prefix, read strictly and
 * bounded. A rule here names days; the times of day stand beside it, so that parts finer than a day are refused.
 */
import { isLocalDate, type LocalDate } from '../local-date.ts';

/** The longest text of a rule. */
export const RRULE_LENGTH_MAX = 500;
/** The most days that COUNT may name: they are counted one by one. */
export const COUNT_MAX = 1_000;
/** The longest step: beyond it a rule would hardly come round. */
export const INTERVAL_MAX = 1_000;

/** A rule that was read. */
export interface RecurrenceRule {
  /** The pattern alone, in upper case: without COUNT and UNTIL, which bound it. */
  readonly pattern: string;
  readonly count: number | null;
  readonly until: RecurrenceEnd | null;
}

/** Where UNTIL stands: a date, or a time of it in the rule's zone or in UTC. */
export interface RecurrenceEnd {
  readonly date: LocalDate;
  /** Milliseconds after midnight; null for a date alone, all of which counts. */
  readonly timeMs: number | null;
  readonly isUtc: boolean;
}

type Read =
  | { readonly ok: true; readonly rule: RecurrenceRule }
  | { readonly ok: false; readonly detail: string };

type Parts = ReadonlyMap<string, string>;

const FREQUENCIES = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'];
const FINER = ['SECONDLY', 'MINUTELY', 'HOURLY'];
const WEEKDAY = '(MO|TU|WE|TH|FR|SA|SU)';
const NUMBER = /^[+-]?\d{1,3}$/;
const UNTIL = /^(\d{4})(\d{2})(\d{2})(?:T([01]\d|2[0-3])([0-5]\d)([0-5]\d)(Z)?)?$/;

/** Lists of whole numbers: how far from zero they may be, whether they count from the end too, and for which frequencies. */
const LISTS: Readonly<Record<string, { max: number; isSigned: boolean; only: string[] }>> = {
  BYMONTH: { max: 12, isSigned: false, only: FREQUENCIES },
  BYMONTHDAY: { max: 31, isSigned: true, only: ['DAILY', 'MONTHLY', 'YEARLY'] },
  BYYEARDAY: { max: 366, isSigned: true, only: ['YEARLY'] },
  BYWEEKNO: { max: 53, isSigned: true, only: ['YEARLY'] },
  BYSETPOS: { max: 366, isSigned: true, only: FREQUENCIES },
};

const KNOWN = ['FREQ', 'INTERVAL', 'COUNT', 'UNTIL', 'WKST', 'BYDAY', ...Object.keys(LISTS)];

/** Reads a rule, or says in a sentence what is wrong with it. */
export function readRecurrenceRule(text: string): Read {
  if (text.length > RRULE_LENGTH_MAX) return wrong(`must have at most ${RRULE_LENGTH_MAX} letters`);
  const split = splitParts(text.toUpperCase());
  if (typeof split === 'string') return wrong(split);
  const detail =
    frequencyFault(split) ??
    unknownFault(split) ??
    boundFault(split) ??
    listFault(split) ??
    weekdayFault(split) ??
    positionFault(split);
  if (detail !== null) return wrong(detail);
  const count = split.get('COUNT');
  const until = split.get('UNTIL');
  const pattern = [...split].filter(([name]) => name !== 'COUNT' && name !== 'UNTIL');
  return {
    ok: true,
    rule: {
      pattern: pattern.map((part) => part.join('=')).join(';'),
      count: count === undefined ? null : Number(count),
      until: until === undefined ? null : readUntil(until),
    },
  };
}

function wrong(detail: string): Read {
  return { ok: false, detail };
}

function splitParts(text: string): Parts | string {
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    const [, name, value] = /^([A-Z-]+)=([^=\s]+)$/.exec(part) ?? [];
    if (name === undefined || value === undefined)
      return 'must be parts of RFC 5545 such as FREQ=WEEKLY;BYDAY=MO,WE, without RRULE:';
    if (parts.has(name)) return `names ${name} twice`;
    parts.set(name, value);
  }
  return parts;
}

function frequencyFault(parts: Parts): string | null {
  const frequency = parts.get('FREQ') ?? '';
  if (FREQUENCIES.includes(frequency)) return null;
  if (FINER.includes(frequency))
    return `FREQ=${frequency} is finer than a day; startTime and endTime say the times of day`;
  return `FREQ must be one of ${FREQUENCIES.join(', ')}`;
}

function unknownFault(parts: Parts): string | null {
  const finer = ['BYHOUR', 'BYMINUTE', 'BYSECOND'].find((name) => parts.has(name));
  if (finer !== undefined)
    return `${finer} has no place: startTime and endTime say the times of day`;
  const unknown = [...parts.keys()].find((name) => !KNOWN.includes(name));
  return unknown === undefined ? null : `${unknown} is not a part of a rule`;
}

function boundFault(parts: Parts): string | null {
  const interval = parts.get('INTERVAL');
  if (interval !== undefined && !isWithin(interval, INTERVAL_MAX))
    return `INTERVAL must be a whole number from 1 to ${INTERVAL_MAX}`;
  const count = parts.get('COUNT');
  const until = parts.get('UNTIL');
  if (count !== undefined && until !== undefined) return 'has COUNT or UNTIL, not both';
  if (count !== undefined && !isWithin(count, COUNT_MAX))
    return `COUNT must be a whole number from 1 to ${COUNT_MAX}`;
  if (until !== undefined && readUntil(until) === null)
    return 'UNTIL must be a date such as 20261231 or 20261231T225959Z';
  const weekStart = parts.get('WKST');
  if (weekStart !== undefined && !new RegExp(`^${WEEKDAY}$`).test(weekStart))
    return 'WKST must be a day of the week such as MO';
  return null;
}

function listFault(parts: Parts): string | null {
  for (const [name, { max, isSigned, only }] of Object.entries(LISTS)) {
    const list = parts.get(name);
    if (list === undefined) continue;
    if (!only.includes(parts.get('FREQ') ?? ''))
      return `${name} goes with ${only.join(' or ')} alone`;
    const lowest = isSigned ? `-${max} to -1 and 1` : '1';
    const fits = list.split(',').every((value) => isListed(value, { max, isSigned }));
    if (!fits) return `${name} must be whole numbers from ${lowest} to ${max}`;
  }
  return null;
}

function weekdayFault(parts: Parts): string | null {
  const list = parts.get('BYDAY');
  if (list === undefined) return null;
  const frequency = parts.get('FREQ');
  const most = frequency === 'MONTHLY' ? 5 : 53;
  for (const value of list.split(',')) {
    const [, place, day] = new RegExp(`^([+-]?\\d{1,2})?${WEEKDAY}$`).exec(value) ?? [];
    if (day === undefined) return 'BYDAY must be days of the week such as MO or -1FR';
    if (place === undefined) continue;
    const hasPlaces = frequency === 'MONTHLY' || frequency === 'YEARLY';
    if (!hasPlaces || parts.has('BYWEEKNO'))
      return 'BYDAY counts days within a month or year alone, and not beside BYWEEKNO';
    if (!isListed(place, { max: most, isSigned: true }))
      return `BYDAY counts from 1 to ${most}, or back from -1`;
  }
  return null;
}

function positionFault(parts: Parts): string | null {
  if (!parts.has('BYSETPOS')) return null;
  const others = [...parts.keys()].filter((name) => name.startsWith('BY') && name !== 'BYSETPOS');
  return others.length > 0 ? null : 'BYSETPOS chooses among the days of another BY part';
}

function isWithin(text: string, max: number): boolean {
  return /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= max;
}

function isListed(text: string, { max, isSigned }: { max: number; isSigned: boolean }): boolean {
  if (!NUMBER.test(text) || (!isSigned && text.startsWith('-'))) return false;
  const size = Math.abs(Number(text));
  return size >= 1 && size <= max;
}

function readUntil(text: string): RecurrenceEnd | null {
  const [, year, month, day, hour, minute, second, utc] = UNTIL.exec(text) ?? [];
  const date = `${year}-${month}-${day}`;
  if (!isLocalDate(date)) return null;
  if (hour === undefined) return { date, timeMs: null, isUtc: false };
  const seconds = Number(hour) * 3_600 + Number(minute) * 60 + Number(second);

  return { date, timeMs: seconds * 1_000, isUtc: utc !== undefined };
}
