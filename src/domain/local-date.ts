/**
 * Dates of the calendar without a time or a zone, as text and as a count of days. Pure arithmetic in the proleptic
 * Gregorian calendar. Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
 */
import { DAY_MS } from './time.ts';

/** A date such as 2026-12-01; in which zone it is meant is said beside it. */
export type LocalDate = string;

/** A date as the numbers that people write. */
export interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** True for the text of a date that the calendar has. */
export function isLocalDate(text: string): text is LocalDate {
  const day = parseDay(text);
  return day !== null && dateOfDay(day) === text;
}

/** Days from 1 January 1970 to the date. The text is a date: whoever takes it in has checked it. */
export function dayOfDate(date: LocalDate): number {
  return parseDay(date) ?? Number.NaN;
}

/** The date of a day counted from 1 January 1970, which must be of a year with four digits. */
export function dateOfDay(days: number): LocalDate {
  const { year, month, day } = civilOf(days);
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

/** The date so many days later; earlier where it is negative. */
export function addDays(date: LocalDate, days: number): LocalDate {
  return dateOfDay(dayOfDate(date) + days);
}

/** Midnight of the date, as if its zone were UTC, in milliseconds. */
export function midnightMs(date: LocalDate): number {
  return dayOfDate(date) * DAY_MS;
}

/** The date that an instant has on a clock which is so far ahead of UTC. */
export function dateAt(atMs: number, offsetMs: number): LocalDate {
  return dateOfDay(Math.floor((atMs + offsetMs) / DAY_MS));
}

/** The civil date of a day counted from 1 January 1970. */
export function civilOf(days: number): CivilDate {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function parseDay(text: string): number | null {
  const [, year, month, day] = DATE.exec(text) ?? [];
  if (year === undefined || month === undefined || day === undefined) return null;
  return dayOfCivil({ year: Number(year), month: Number(month), day: Number(day) });
}

function dayOfCivil({ year, month, day }: CivilDate): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
