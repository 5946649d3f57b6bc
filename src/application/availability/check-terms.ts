/** Whether what a provider says of a rule can be carried out for its service, and what follows from it. Bounded work. */
import { readRecurrenceRule } from '../../domain/availability/recurrence-rule.ts';
import {
  lastDateOf,
  openMinutes,
  RecurrenceTooLong,
  SLOTS_PER_DAY_MAX,
  slotStepMinutes,
  type Calendars,
  type RuleTerms,
} from '../../domain/availability/rule.ts';
import type { ServiceCard } from '../../domain/inventory/cards.ts';
import type { Result } from '../../domain/result.ts';
import { invalidField } from '../catalogue-deps.ts';
import type { KeptTerms } from './rule-ports.ts';

/** What of a service its rules depend on. */
export type RuledTerms = Pick<
  ServiceCard,
  'durationMinutes' | 'bufferBeforeMinutes' | 'bufferAfterMinutes' | 'price' | 'resourceIds'
>;

/** Terms that were checked. Refusals: `validation_failed`, with a pointer to the field. */
export function checkTerms(
  calendars: Calendars,
  service: RuledTerms,
  terms: RuleTerms,
): Result<KeptTerms> {
  const read = readRecurrenceRule(terms.rrule);
  if (!read.ok) return invalidField('/rrule', read.detail);
  const { pattern, count, until } = read.rule;
  const fault = faultOf(service, terms);
  if (fault !== null) return invalidField(fault.pointer, fault.detail);
  const { validFrom, validUntil } = terms;
  try {
    if (calendars.recurrence.nth({ pattern, firstDate: validFrom }, 1) === null)
      return invalidField('/rrule', 'names no day');
    const lastDate = lastDateOf(calendars, { ...terms, pattern }, { validUntil, until, count });
    return { ok: true, value: { ...terms, pattern, lastDate } };
  } catch (error) {
    if (error instanceof RecurrenceTooLong)
      return invalidField('/rrule', 'names its days too seldom to be found');
    throw error;
  }
}

function faultOf(
  service: RuledTerms,
  terms: RuleTerms,
): { readonly pointer: string; readonly detail: string } | null {
  const { validFrom, validUntil, price, resourceId } = terms;
  if (validUntil !== null && validUntil < validFrom)
    return { pointer: '/validUntil', detail: 'must not be before validFrom' };
  const open = openMinutes(terms);
  if (open < service.durationMinutes) {
    const detail = `leaves ${open} minutes, and a slot takes ${service.durationMinutes}`;
    return { pointer: '/endTime', detail };
  }
  if (open / slotStepMinutes(service) > SLOTS_PER_DAY_MAX)
    return { pointer: '/endTime', detail: `makes more than ${SLOTS_PER_DAY_MAX} slots a day` };
  if (price !== null && price.currency !== service.price.currency)
    return { pointer: '/price/currency', detail: `must be ${service.price.currency}` };
  if (resourceId !== null && !service.resourceIds.includes(resourceId))
    return { pointer: '/resourceId', detail: 'is not a resource of the service' };
  const wrong = terms.exceptions.findIndex(({ from, to }) => to < from);
  if (wrong !== -1)
    return { pointer: `/exceptions/${wrong}/to`, detail: 'must not be before from' };
  return null;
}
