/**
 * The JSON value types that every simulator stores and sends.
 * Owns no behaviour beyond narrowing; must never know a processor.
 */

/** Any value JSON can carry. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object, as stored in the simulators' state file. */
export type JsonObject = { [key: string]: Json };

/** True for a JSON object, false for null, arrays and scalars. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
