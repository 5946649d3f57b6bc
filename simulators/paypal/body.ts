/**
 * Reading the JSON of a request: texts and objects by their JSON pointer, refused as PayPal refuses
 * them. Must never know an operation.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { invalidRequest } from './errors.ts';

/** The text that a kept value is; empty for anything else. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The object at a field, or null when it is absent. Errors: 400 when it is something else. */
export function objectAt(body: JsonObject, name: string, at = ''): JsonObject | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (isJsonObject(value)) return value;
  throw invalidRequest('INVALID_PARAMETER_SYNTAX', { field: `${at}/${name}` });
}

/** The text at a field, or null when it is absent. Errors: 400 when it is none, empty or too long. */
export function textAt(
  body: JsonObject,
  name: string,
  rule: { readonly max: number; readonly at?: string },
): string | null {
  const value = body[name];
  const field = `${rule.at ?? ''}/${name}`;
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw invalidRequest('INVALID_PARAMETER_SYNTAX', { field });
  if (value.length < 1 || value.length > rule.max) {
    throw invalidRequest('INVALID_STRING_LENGTH', { field });
  }
  return value;
}

/** One of a few texts, or null when it is absent. Errors: 400 for any other. */
export function choiceAt<T extends string>(
  body: JsonObject,
  name: string,
  choices: readonly T[],
): T | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  const choice = choices.find((one) => one === value);
  if (choice !== undefined) return choice;
  throw invalidRequest('INVALID_PARAMETER_VALUE', { field: `/${name}` });
}

/** A web address, or null when it is absent. Errors: 400 for any other text. */
export function urlAt(body: JsonObject, name: string, at: string): string | null {
  const text = textAt(body, name, { max: 4000, at });
  if (text === null) return null;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw invalidRequest('INVALID_PARAMETER_SYNTAX', { field: `${at}/${name}` });
}
