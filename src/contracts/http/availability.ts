/**
 * Wire shapes of availability rules. Dates and times of day are of the rule's zone; where a date is meant, an instant is
 * taken too and stands for its date there.
 */
import { z } from '@hono/zod-openapi';
import { RRULE_LENGTH_MAX } from '../../domain/availability/recurrence-rule.ts';
import type { DateRange, RuleTerms } from '../../domain/availability/rule.ts';
import { isLocalDate, type LocalDate } from '../../domain/local-date.ts';
import type { EpochMs } from '../../domain/time.ts';
import { idSchema, instantSchema, moneySchema, pageSchema, timeZoneSchema } from './common.ts';
import { formatInstant, formatLocal, parseInstant } from './views.ts';

const EXCEPTIONS_MAX = 366;
const MINUTES_PER_HOUR = 60;

const dateSchema = z
  .string()
  .refine((text) => isLocalDate(text) && text >= '1970-01-01', 'is not a date such as 2026-12-24')
  .openapi({ format: 'date', example: '2026-12-24' });

const dateOrInstantSchema = z.union([dateSchema, instantSchema]);

const startTimeSchema = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d(:00)?$/, 'must be a time of day such as 09:00')
  .openapi({ example: '09:00' });

const endTimeSchema = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)(:00)?$/, 'must be a time of day such as 17:00 or 24:00')
  .openapi({ example: '17:00' });

const rruleSchema = z
  .string()
  .min(1)
  .max(RRULE_LENGTH_MAX)
  .openapi({ example: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR' });

/** A day that is left out, or several from one to another. */
const exceptionSchema = z.union([
  dateOrInstantSchema,
  z.strictObject({ from: dateOrInstantSchema, to: dateOrInstantSchema }),
]);

const exceptionsSchema = z.array(exceptionSchema).max(EXCEPTIONS_MAX);

export const createRuleSchema = z
  .strictObject({
    rrule: rruleSchema,
    startTime: startTimeSchema,
    endTime: endTimeSchema,
    timeZone: timeZoneSchema.optional(),
    validFrom: dateOrInstantSchema,
    validUntil: dateOrInstantSchema.optional(),
    exceptions: exceptionsSchema.optional(),
    price: moneySchema.optional(),
    resourceId: idSchema.optional(),
  })
  .openapi('CreateAvailabilityRule');

export const patchRuleSchema = z
  .strictObject({
    rrule: rruleSchema.optional(),
    startTime: startTimeSchema.optional(),
    endTime: endTimeSchema.optional(),
    timeZone: timeZoneSchema.optional(),
    validFrom: dateOrInstantSchema.optional(),
    validUntil: dateOrInstantSchema.nullable().optional(),
    exceptions: exceptionsSchema.optional(),
    price: moneySchema.nullable().optional(),
    resourceId: idSchema.nullable().optional(),
  })
  .openapi('PatchAvailabilityRule');

export const dryRunQuerySchema = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: 'Says what would change, and changes nothing.' }),
});

export const generateSlotsSchema = z
  .strictObject({ from: dateOrInstantSchema, to: dateOrInstantSchema })
  .openapi('GenerateSlots');

const ruleFields = {
  id: z.string(),
  serviceId: z.string(),
  rrule: z.string(),
  startTime: z.string(),
  endTime: z.string(),
  timeZone: z.string(),
  validFrom: dateSchema,
  validUntil: dateSchema.nullable(),
  exceptions: z.array(z.union([dateSchema, z.strictObject({ from: dateSchema, to: dateSchema })])),
  price: moneySchema.nullable(),
  resourceId: z.string().nullable(),
  active: z.boolean(),
  version: z.int(),
  createdAt: instantSchema,
};

const changeFields = {
  created: z.int(),
  skipped: z.int(),
  updated: z.int(),
  removed: z.int(),
  kept: z
    .array(z.strictObject({ slotId: z.string(), reason: z.enum(['held', 'booked']) }))
    .openapi({ description: 'At most 500 of them; `keptCount` counts all.' }),
  keptCount: z.int(),
};

export const ruleSchema = z.strictObject(ruleFields).openapi('AvailabilityRule');

export const rulePageSchema = pageSchema(ruleSchema).openapi('AvailabilityRulePage');

export const ruleChangeSchema = z
  .strictObject({ ...ruleFields, dryRun: z.boolean(), ...changeFields })
  .openapi('AvailabilityRuleChange');

export const slotChangesSchema = z.strictObject(changeFields).openapi('SlotChanges');

export type CreateRuleBody = z.infer<typeof createRuleSchema>;
export type PatchRuleBody = z.infer<typeof patchRuleSchema>;
export type RuleView = z.infer<typeof ruleSchema>;
export type SlotChanges = z.infer<typeof slotChangesSchema>;

/** The terms of a new rule; the venue's zone is the rule's where it names none. */
export function newTerms(body: CreateRuleBody, venueZone: string): RuleTerms {
  const nothing = { validUntil: null, exceptions: [], resourceId: null, price: null };
  return changedTerms({ ...nothing, timeZone: venueZone }, body);
}

/** The terms of a rule with what a body says otherwise. */
export function changedTerms(known: RuleTerms, body: PatchRuleBody): RuleTerms;
export function changedTerms(known: Partial<RuleTerms>, body: CreateRuleBody): RuleTerms;
export function changedTerms(known: Partial<RuleTerms>, body: PatchRuleBody): Partial<RuleTerms> {
  const timeZone = body.timeZone ?? known.timeZone ?? 'UTC';
  const { rrule, startTime, endTime, validFrom, validUntil, exceptions } = body;
  return {
    ...known,
    timeZone,
    ...(rrule === undefined ? {} : { rrule }),
    ...(startTime === undefined ? {} : { startMinute: minuteOf(startTime) }),
    ...(endTime === undefined ? {} : { endMinute: minuteOf(endTime) }),
    ...(validFrom === undefined ? {} : { validFrom: dateIn(validFrom, timeZone) }),
    ...(validUntil === undefined
      ? {}
      : { validUntil: validUntil === null ? null : dateIn(validUntil, timeZone) }),
    ...(exceptions === undefined
      ? {}
      : { exceptions: exceptions.map((one) => rangeIn(one, timeZone)) }),
    ...(body.price === undefined ? {} : { price: body.price }),
    ...(body.resourceId === undefined ? {} : { resourceId: body.resourceId }),
  };
}

/** A rule on the wire. */
export function toRuleView(
  rule: RuleTerms & {
    readonly id: string;
    readonly serviceId: string;
    readonly active: boolean;
    readonly version: number;
    readonly createdAtMs: EpochMs;
  },
): RuleView {
  const { id, serviceId, rrule, timeZone, validFrom, validUntil, price } = rule;
  return {
    id,
    serviceId,
    rrule,
    startTime: timeText(rule.startMinute),
    endTime: timeText(rule.endMinute),
    timeZone,
    validFrom,
    validUntil,
    exceptions: rule.exceptions.map(({ from, to }) => (from === to ? from : { from, to })),
    price: price === null ? null : { ...price },
    resourceId: rule.resourceId,
    active: rule.active,
    version: rule.version,
    createdAt: formatInstant(rule.createdAtMs),
  };
}

function minuteOf(time: string): number {
  const [hours = '0', minutes = '0'] = time.split(':');
  return Number(hours) * MINUTES_PER_HOUR + Number(minutes);
}

function timeText(minute: number): string {
  return [Math.floor(minute / MINUTES_PER_HOUR), minute % MINUTES_PER_HOUR]
    .map((value) => String(value).padStart(2, '0'))
    .join(':');
}

function rangeIn(exception: z.infer<typeof exceptionSchema>, timeZone: string): DateRange {
  if (typeof exception === 'string') {
    const date = dateIn(exception, timeZone);
    return { from: date, to: date };
  }
  return { from: dateIn(exception.from, timeZone), to: dateIn(exception.to, timeZone) };
}

function dateIn(text: string, timeZone: string): LocalDate {
  return isLocalDate(text) ? text : formatLocal(parseInstant(text), timeZone).slice(0, 10);
}
