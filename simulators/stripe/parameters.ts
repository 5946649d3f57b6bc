/**
 * What parameters an endpoint takes, and typed reading of them. A name that is not listed is
 * refused with `parameter_unknown`, as Stripe refuses it; nothing is ever ignored in silence.
 * Source: Stripe API reference (2026-10-28.endive), "Errors": parameter_* codes.
 */
import { invalidParameter, invalidRequest } from './errors.ts';
import type { FormMap, FormValue } from './form-encoding.ts';

/** How one parameter is checked. `text` may be empty where Stripe takes an empty value to unset. */
export type ParameterRule =
  | 'text'
  | 'integer'
  | 'boolean'
  | 'texts'
  | 'metadata'
  | 'free'
  /** A real parameter of Stripe's that this simulator does not serve; refused by name. */
  | 'unserved'
  | { readonly oneOf: readonly string[] }
  | { readonly fields: ParameterRules };

/** Rules by parameter name. */
export type ParameterRules = { readonly [name: string]: ParameterRule };

const METADATA_KEY_COUNT_MAX = 50;
const METADATA_KEY_LENGTH_MAX = 40;
const METADATA_VALUE_LENGTH_MAX = 500;

/** Decoded and checked parameters of one call. */
export class Parameters {
  readonly #map: FormMap;

  /** Errors: StripeError with a parameter_* code for the first parameter that breaks its rule. */
  constructor(map: FormMap, rules: ParameterRules) {
    checkMap(map, rules, '');
    this.#map = map;
  }

  /** True when the caller sent it, even empty. */
  has(name: string): boolean {
    return this.#map[name] !== undefined;
  }

  /** A text, or null when it is absent or empty. */
  text(name: string): string | null {
    const value = this.#map[name];
    return typeof value === 'string' && value !== '' ? value : null;
  }

  /** A text that must be there. */
  requiredText(name: string): string {
    const value = this.#map[name];
    if (value === undefined) throw missingParameter(name);
    if (typeof value !== 'string' || value === '') throw emptyParameter(name);
    return value;
  }

  /** An integer, or null when absent. */
  integer(name: string): number | null {
    const text = this.text(name);
    return text === null ? null : Number(text);
  }

  /** An integer that must be there. */
  requiredInteger(name: string): number {
    return Number(this.requiredText(name));
  }

  /** A boolean, or null when absent. */
  boolean(name: string): boolean | null {
    const text = this.text(name);
    return text === null ? null : text === 'true';
  }

  /** A list of texts; empty when absent. */
  texts(name: string): string[] {
    const value = this.#map[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** The fields of a nested parameter, or null when absent or unset with an empty value. */
  nested(name: string): FormMap | null {
    const value = this.#map[name];
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  }

  /** One text inside a nested parameter, or null. */
  nestedText(name: string, field: string): string | null {
    const value = this.nested(name)?.[field];
    return typeof value === 'string' && value !== '' ? value : null;
  }

  /**
   * Metadata after this call: keys given are set, keys given empty are unset, an empty `metadata`
   * unsets all.
   */
  mergeMetadata(current: Record<string, string>): Record<string, string> {
    const value = this.#map['metadata'];
    if (value === undefined) return current;
    if (value === '') return {};
    const merged = new Map(Object.entries(current));
    for (const [key, text] of Object.entries(this.nested('metadata') ?? {})) {
      if (text === '') merged.delete(key);
      else if (typeof text === 'string') merged.set(key, text);
    }
    return Object.fromEntries(merged);
  }
}

/** A required parameter is absent. */
export function missingParameter(name: string): Error {
  return invalidParameter(name, 'parameter_missing', `Missing required param: ${name}.`);
}

function emptyParameter(name: string): Error {
  return invalidParameter(
    name,
    'parameter_invalid_empty',
    `You passed an empty string for '${name}'. We assume empty values are an attempt to unset a ` +
      `parameter; however '${name}' cannot be unset. You should remove '${name}' from your request ` +
      'or supply a non-empty value.',
  );
}

function checkMap(map: FormMap, rules: ParameterRules, prefix: string): void {
  for (const [name, value] of Object.entries(map)) {
    const fullName = prefix === '' ? name : `${prefix}[${name}]`;
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      const message = `Received unknown parameter: ${fullName}`;
      throw invalidParameter(fullName, 'parameter_unknown', message);
    }
    checkValue(value, rule, fullName);
  }
}

function checkValue(value: FormValue, rule: ParameterRule, name: string): void {
  if (rule === 'free') return;
  if (rule === 'unserved') {
    throw invalidRequest(`This simulator does not serve the parameter ${name}.`, name);
  }
  if (rule === 'texts') return checkTexts(value, name);
  if (rule === 'metadata') return checkMetadata(value);
  if (typeof rule === 'object' && 'fields' in rule) {
    if (value === '') return;
    if (typeof value === 'string' || Array.isArray(value)) {
      throw invalidRequest(`Invalid object`, name);
    }
    return checkMap(value, rule.fields, name);
  }
  if (typeof value !== 'string') {
    throw invalidRequest('Invalid string', name);
  }
  checkText(value, rule, name);
}

function checkText(
  value: string,
  rule: 'text' | 'integer' | 'boolean' | { readonly oneOf: readonly string[] },
  name: string,
): void {
  if (rule === 'text' || value === '') return;
  if (rule === 'integer') {
    if (/^-?\d{1,15}$/.test(value)) return;
    throw invalidParameter(name, 'parameter_invalid_integer', `Invalid integer: ${value}`);
  }
  if (rule === 'boolean') {
    if (value === 'true' || value === 'false') return;
    throw invalidRequest(`Invalid boolean: ${value}`, name);
  }
  if (rule.oneOf.includes(value)) return;
  const last = rule.oneOf.at(-1) ?? '';
  const list = rule.oneOf.length > 1 ? `${rule.oneOf.slice(0, -1).join(', ')}, or ${last}` : last;
  throw invalidRequest(`Invalid ${name}: must be one of ${list}`, name);
}

function checkTexts(value: FormValue, name: string): void {
  if (value === '') return;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return;
  throw invalidRequest('Invalid array', name);
}

function checkMetadata(value: FormValue): void {
  if (value === '') return;
  if (typeof value === 'string' || Array.isArray(value)) {
    throw invalidRequest('Invalid object', 'metadata');
  }
  const entries = Object.entries(value);
  if (entries.length > METADATA_KEY_COUNT_MAX) {
    throw invalidRequest('Metadata can have at most 50 keys.', 'metadata');
  }
  for (const [key, text] of entries) {
    const name = `metadata[${key}]`;
    if (typeof text !== 'string') throw invalidRequest('Metadata values must be strings.', name);
    if (key.length > METADATA_KEY_LENGTH_MAX || text.length > METADATA_VALUE_LENGTH_MAX) {
      throw invalidRequest(
        'Metadata keys have at most 40 characters and values at most 500.',
        name,
      );
    }
  }
}
