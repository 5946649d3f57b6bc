/**
 * Wire shapes shared by several resources: instants, money, pages, problems.
 * Objects are strict: an unknown field is refused, because a misspelt one would otherwise be silently ignored.
 */
import { z } from '@hono/zod-openapi';
import { CURRENCY_EXPONENTS } from '../../domain/money.ts';
import type { Json } from '../../domain/result.ts';

const INSTANT =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z$/;

/** An instant on the wire: RFC 3339 in UTC with `Z`. */
export const instantSchema = z
  .string()
  .regex(INSTANT, 'must be an RFC 3339 instant in UTC, such as 2026-12-01T09:00:00Z')
  .refine((text) => {
    const at = Date.parse(text);
    return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 19) === text.slice(0, 19);
  }, 'is not a date of the calendar')
  .openapi({ format: 'date-time', example: '2026-12-01T09:00:00Z' });

/** An IANA time zone that the runtime knows. */
export const timeZoneSchema = z
  .string()
  .max(64)
  .refine((name) => isTimeZone(name), 'is not an IANA time zone')
  .openapi({ example: 'Europe/London' });

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // The constructor's RangeError is how the runtime says that it does not know the zone.
  }
}

/** A currency on sale: lower-case ISO 4217. */
export const currencySchema = z
  .enum(Object.keys(CURRENCY_EXPONENTS) as [string, ...string[]])
  .openapi({ example: 'usd' });

/** Largest price of anything: what the processors accept for one payment. */
export const MAX_AMOUNT_MINOR = 99_999_999;

/** Money: an integer in the currency's minor unit. */
export const moneySchema = z
  .strictObject({ amount: z.int().min(0).max(MAX_AMOUNT_MINOR), currency: currencySchema })
  .openapi('Money', { example: { amount: 2500, currency: 'usd' } });

/** An id in a body or path; its genuineness is checked apart and answered with 404. */
export const idSchema = z.string().min(1).max(100);

/** A name that people read. */
export const nameSchema = z.string().trim().min(1).max(200);

/** Text without control characters, for reasons and descriptions. */
export const textSchema = z.string().trim().min(1).max(2_000);

/** `limit` and `cursor` of every list. */
export const pageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().min(1).max(500).optional(),
});

/**
 * Any JSON value, in answers. Not `z.json()`: that one contains itself without a name, and the document
 * that is made of the schemas would never end.
 */
export const jsonSchema = z
  .unknown()
  .openapi({ description: 'Any JSON value.' }) as unknown as z.ZodType<Json>;

/** RFC 9457 problem with the stable `code`. */
export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem');

/** A page of a list. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.strictObject({ data: z.array(item), nextCursor: z.string().nullable() });
}
