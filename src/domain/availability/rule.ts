/**
 * Availability rules: on which days a service is open, between which local times, and what that makes for sale. Pure: the
 * days of a recurrence and the offsets of zones come from ports. docs/availability.md says what is promised.
 */
import { addDays, dateAt, midnightMs, type LocalDate } from '../local-date.ts';
import type { Money } from '../money.ts';
import { DAY_MS, interval, MINUTE_MS, type EpochMs, type Interval } from '../time.ts';
import type { RecurrenceEnd } from './recurrence-rule.ts';
import {
  firstShowing,
  gridInstants,
  OFFSET_MS_MAX,
  type OffsetStep,
  type ZoneData,
} from './wall-clock.ts';

/** The most slots that one rule may make of one day. */
export const SLOTS_PER_DAY_MAX = 288;

/** Days that a rule leaves out, both ends included. */
export interface DateRange {
  readonly from: LocalDate;
  readonly to: LocalDate;
}

/** What a provider says of when a service is for sale. Dates and times of day are of the rule's zone. */
export interface RuleTerms {
  /** The recurrence as it was sent. */
  readonly rrule: string;
  /** Minutes after midnight. */
  readonly startMinute: number;
  /** Minutes after midnight; at or before the start means on the following day. */
  readonly endMinute: number;
  readonly timeZone: string;
  readonly validFrom: LocalDate;
  readonly validUntil: LocalDate | null;
  readonly exceptions: readonly DateRange[];
  /** One resource of the service; null leaves the choice to its allocation. */
  readonly resourceId: string | null;
  /** Overrides the service's price; null for none. */
  readonly price: Money | null;
}

/** A rule as slots are made by it. */
export interface AvailabilityRule extends Omit<RuleTerms, 'rrule' | 'validUntil'> {
  readonly id: string;
  readonly serviceId: string;
  /** The pattern of days, without COUNT and UNTIL: what they say is in `lastDate`. */
  readonly pattern: string;
  /** The last day; null for no end. */
  readonly lastDate: LocalDate | null;
}

/** What the length and spacing of slots depend on, of the service that a rule is for. */
export interface SlotLengths {
  readonly durationMinutes: number;
  readonly bufferBeforeMinutes: number;
  readonly bufferAfterMinutes: number;
}

/** A slot that a rule wants. */
export interface WantedSlot extends Interval {
  readonly resourceId: string | null;
  readonly price: Money | null;
  readonly ruleId: string;
}

/** The days of recurrences. */
export interface Recurrence {
  /** The days of a pattern within a range, in order. Errors: RecurrenceTooLong. */
  days(pattern: DayPattern, over: DateRange): readonly LocalDate[];
  /** The n-th day of a pattern, counted from 1; null when it does not come round so often. Errors: RecurrenceTooLong. */
  nth(pattern: DayPattern, n: number): LocalDate | null;
}

/** A pattern of days, which counts from its first date on. */
export interface DayPattern {
  readonly pattern: string;
  readonly firstDate: LocalDate;
}

/** Thrown when the days of a pattern would take more work to find than is allowed. */
export class RecurrenceTooLong extends Error {
  override readonly name = 'RecurrenceTooLong';
}

/** What expanding rules runs on. */
export interface Calendars {
  readonly recurrence: Recurrence;
  readonly zones: ZoneData;
}

/** How long a rule is open on a day of 24 hours, in minutes. */
export function openMinutes(rule: Pick<AvailabilityRule, 'startMinute' | 'endMinute'>): number {
  const { startMinute, endMinute } = rule;
  return endMinute > startMinute ? endMinute - startMinute : endMinute + 1_440 - startMinute;
}

/** From the start of one slot to the start of the next: the slot itself, and what its buffers keep free around it. */
export function slotStepMinutes(service: SlotLengths): number {
  return service.durationMinutes + service.bufferBeforeMinutes + service.bufferAfterMinutes;
}

/**
 * What rules want for sale that starts within an interval, in order of start. The same interval of the same resource is
 * one slot: of several rules that want it, the first in the list has it.
 */
export function wantedSlots(
  calendars: Calendars,
  service: SlotLengths,
  { rules, over }: { readonly rules: readonly AvailabilityRule[]; readonly over: Interval },
): WantedSlot[] {
  const found = new Map<string, WantedSlot>();
  for (const rule of rules) {
    for (const slot of slotsOfRule(calendars, service, { rule, over })) {
      const name = `${slot.startAtMs} ${slot.endAtMs} ${slot.resourceId ?? ''}`;
      if (!found.has(name)) found.set(name, slot);
    }
  }
  return [...found.values()].toSorted((a, b) => a.startAtMs - b.startAtMs || a.endAtMs - b.endAtMs);
}

/** The last day of a rule: what came first of `validUntil`, UNTIL and the day that COUNT ends with; null for no end. */
export function lastDateOf(
  calendars: Calendars,
  rule: Pick<AvailabilityRule, 'pattern' | 'validFrom' | 'startMinute' | 'timeZone'>,
  ends: {
    readonly validUntil: LocalDate | null;
    readonly until: RecurrenceEnd | null;
    readonly count: number | null;
  },
): LocalDate | null {
  const { validFrom: firstDate, pattern } = rule;
  const counted =
    ends.count === null ? null : calendars.recurrence.nth({ pattern, firstDate }, ends.count);
  const until = ends.until === null ? null : lastDateUntil(calendars.zones, rule, ends.until);
  const dates = [ends.validUntil, counted, until].filter((date) => date !== null);
  return dates.toSorted()[0] ?? null;
}

function* slotsOfRule(
  { recurrence, zones }: Calendars,
  service: SlotLengths,
  { rule, over }: { rule: AvailabilityRule; over: Interval },
): Generator<WantedSlot> {
  const steps = zones.offsets(rule.timeZone, {
    startAtMs: over.startAtMs - 3 * OFFSET_MS_MAX,
    endAtMs: over.endAtMs + 3 * OFFSET_MS_MAX,
  });
  // A window may have begun the day before, and the local date may be a day off UTC's.
  const days = {
    from: later(dateAt(over.startAtMs, -2 * DAY_MS), rule.validFrom),
    to: earlier(dateAt(over.endAtMs, DAY_MS), rule.lastDate),
  };
  if (days.from > days.to) return;
  const dates = recurrence.days({ pattern: rule.pattern, firstDate: rule.validFrom }, days);
  const durationMs = service.durationMinutes * MINUTE_MS;
  for (const date of dates) {
    if (rule.exceptions.some(({ from, to }) => from <= date && date <= to)) continue;
    for (const startAtMs of startsOn(steps, { rule, service, date })) {
      if (startAtMs < over.startAtMs || startAtMs >= over.endAtMs) continue;
      const { resourceId, price, id: ruleId } = rule;
      yield { startAtMs, endAtMs: startAtMs + durationMs, resourceId, price, ruleId };
    }
  }
}

/** The starts of a day's slots, each of which ends by the time that the rule closes. */
function* startsOn(
  steps: readonly OffsetStep[],
  { rule, service, date }: { rule: AvailabilityRule; service: SlotLengths; date: LocalDate },
): Generator<EpochMs> {
  const originMs = midnightMs(date) + rule.startMinute * MINUTE_MS;
  const opensAtMs = firstShowing(steps, originMs);
  const closesAtMs = firstShowing(steps, originMs + openMinutes(rule) * MINUTE_MS);
  const lastStartMs = closesAtMs - service.durationMinutes * MINUTE_MS;
  if (lastStartMs < opensAtMs) return;
  const over = interval(opensAtMs, lastStartMs + 1);
  yield* gridInstants(steps, { originMs, stepMs: slotStepMinutes(service) * MINUTE_MS, over });
}

/** The last day whose opening is not after UNTIL. */
function lastDateUntil(
  zones: ZoneData,
  rule: Pick<AvailabilityRule, 'startMinute' | 'timeZone'>,
  until: RecurrenceEnd,
): LocalDate {
  if (until.timeMs === null) return until.date;
  const startMs = rule.startMinute * MINUTE_MS;
  if (!until.isUtc) return until.timeMs >= startMs ? until.date : addDays(until.date, -1);
  const untilMs = midnightMs(until.date) + until.timeMs;
  const steps = zones.offsets(rule.timeZone, {
    startAtMs: untilMs - 3 * OFFSET_MS_MAX,
    endAtMs: untilMs + 3 * OFFSET_MS_MAX,
  });
  const opensBy = [1, 0, -1]
    .map((days) => addDays(until.date, days))
    .find((date) => firstShowing(steps, midnightMs(date) + startMs) <= untilMs);
  return opensBy ?? addDays(until.date, -2);
}

function later(a: LocalDate, b: LocalDate): LocalDate {
  return a > b ? a : b;
}

function earlier(a: LocalDate, b: LocalDate | null): LocalDate {
  return b === null || a < b ? a : b;
}
