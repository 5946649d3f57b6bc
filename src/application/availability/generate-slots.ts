/** `POST /v1/services/{id}/slots/generate`: the slots that a service's rules want of a stretch of time, made now. */
import type { Caller } from '../../contracts/calls.ts';
import { openMinutes, slotStepMinutes } from '../../domain/availability/rule.ts';
import { ok, type Result } from '../../domain/result.ts';
import {
  firstShowing,
  OFFSET_MS_MAX,
  type ZoneData,
} from '../../domain/availability/wall-clock.ts';
import { isLocalDate, midnightMs } from '../../domain/local-date.ts';
import { DAY_MS, type EpochMs, type Interval } from '../../domain/time.ts';
import { parseInstant } from '../../contracts/http/views.ts';
import { invalidField } from '../catalogue-deps.ts';
import { managedService, type AvailabilityDeps } from './availability-deps.ts';
import { carryOutRules, NO_CHANGES, type ScheduleChanges } from './carry-out-rules.ts';

/** The longest stretch of one call. */
export const GENERATE_DAYS_MAX = 366;
/** The most slots that one call may make; a longer stretch is asked for in parts. */
export const GENERATE_SLOTS_MAX = 50_000;

/**
 * Makes what is wanted and is not there; what has started is left alone. Refusals: `not_found`, `validation_failed` where it
 * would be too much for one call.
 */
export async function generateSlots(
  deps: AvailabilityDeps,
  caller: Caller,
  asked: { readonly serviceId: string; readonly over: (timeZone: string) => Interval },
): Promise<Result<ScheduleChanges>> {
  const found = await managedService(deps, caller, asked.serviceId);
  if (!found.ok) return found;
  const { service, store } = found.value;
  const over = asked.over(service.timeZone);
  const days = (over.endAtMs - over.startAtMs) / DAY_MS;
  if (days <= 0) return invalidField('/to', 'must be after from');
  if (days > GENERATE_DAYS_MAX)
    return invalidField('/to', `must be at most ${GENERATE_DAYS_MAX} days after from`);
  const { rules } = await store.ofService(service.id);
  const perDay = rules.reduce(
    (total, rule) => total + Math.ceil(openMinutes(rule) / slotStepMinutes(service)),
    0,
  );
  if (perDay * Math.ceil(days) > GENERATE_SLOTS_MAX)
    return invalidField('/to', `asks for more than ${GENERATE_SLOTS_MAX} slots at once`);
  const startAtMs = Math.max(over.startAtMs, deps.clock.nowMs());
  if (startAtMs >= over.endAtMs) return ok(NO_CHANGES);
  const stretch = { ...over, startAtMs };
  // First, so that an edit which comes between reaches what is made here.
  await store.widenGenerated(service.id, stretch);
  return carryOutRules(deps, { caller, service, over: stretch, isDryRun: false });
}

/** An interval between two instants, or dates of a zone, which stand for the instant at which their day begins there. */
export function rangeOfDates(
  zones: ZoneData,
  timeZone: string,
  range: { readonly from: string; readonly to: string },
): Interval {
  const instantOf = (text: string): EpochMs => {
    if (!isLocalDate(text)) return parseInstant(text);
    const wallMs = midnightMs(text);
    const around = { startAtMs: wallMs - 2 * OFFSET_MS_MAX, endAtMs: wallMs + 2 * OFFSET_MS_MAX };
    return firstShowing(zones.offsets(timeZone, around), wallMs);
  };
  return { startAtMs: instantOf(range.from), endAtMs: instantOf(range.to) };
}
