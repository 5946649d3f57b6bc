/**
 * Reading the JSON bodies of calls. A field that is unknown is refused by name, although BTCPay would ignore it:
 * a misspelt one would otherwise do nothing and be noticed by nobody. Called by the operations of this folder.
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { invalid } from './errors.ts';

/** An object of a body, whose fields are asked for one by one. Null and absent are the same. */
export class Fields {
  readonly #body: JsonObject;
  readonly #path: string;

  constructor(body: JsonObject, known: readonly string[], path = '') {
    this.#body = body;
    this.#path = path;
    const unknown = Object.keys(body).find((name) => !known.includes(name));
    if (unknown !== undefined) throw invalid(this.#pathOf(unknown), 'This field is not known.');
  }

  /** A text, or null. */
  text(name: string): string | null {
    const value = this.#value(name);
    if (value === null || typeof value === 'string') return value;
    throw invalid(this.#pathOf(name), 'The field must be a string.');
  }

  /** A decimal, which may come as a string or as a number; null when absent. */
  decimal(name: string): string | null {
    const value = this.#value(name);
    if (typeof value === 'number') return String(value);
    return this.text(name);
  }

  /** A number within bounds, or the default. */
  number(name: string, rule: { min: number; max: number; fallback: number }): number {
    const value = this.#value(name);
    if (value === null) return rule.fallback;
    if (typeof value === 'number' && value >= rule.min && value <= rule.max) return value;
    const range = `${String(rule.min)} and ${String(rule.max)}`;
    throw invalid(this.#pathOf(name), `The field must be a number between ${range}.`);
  }

  /** True or false, or the default. */
  boolean(name: string, fallback: boolean): boolean {
    const value = this.#value(name);
    if (value === null) return fallback;
    if (typeof value === 'boolean') return value;
    throw invalid(this.#pathOf(name), 'The field must be true or false.');
  }

  /** One of the names, or null. */
  oneOf<T extends string>(name: string, names: readonly T[]): T | null {
    const value = this.text(name);
    if (value === null) return null;
    return this.#named(this.#pathOf(name), value, names);
  }

  /** A list of such names; null when absent or empty. */
  listOf<T extends string>(name: string, names: readonly T[]): T[] | null {
    const value = this.#value(name);
    if (value === null || (Array.isArray(value) && value.length === 0)) return null;
    if (!Array.isArray(value)) throw invalid(this.#pathOf(name), 'The field must be a list.');
    return value.map((entry, index) =>
      this.#named(`${this.#pathOf(name)}[${String(index)}]`, entry, names),
    );
  }

  /** An object as it came; empty when absent. */
  object(name: string): JsonObject {
    const value = this.#value(name) ?? {};
    if (isJsonObject(value)) return value;
    throw invalid(this.#pathOf(name), 'The field must be an object.');
  }

  /** An object whose fields are asked for in turn. */
  fields(name: string, known: readonly string[]): Fields {
    return new Fields(this.object(name), known, this.#pathOf(name));
  }

  #value(name: string): Json {
    return this.#body[name] ?? null;
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #named<T extends string>(path: string, value: Json, names: readonly T[]): T {
    const found = names.find((known) => known === value);
    if (found !== undefined) return found;
    throw invalid(path, `The field must be one of ${names.join(', ')}.`);
  }
}
