/**
 * Results of decisions: a value, or a refusal with a stable code.
 * Refusals travel as data, because a thrown error loses its class on the way out of a Durable Object.
 */
import type { RefusalCode } from './codes.ts';

/** A JSON value, the only kind that crosses a Durable Object or a queue. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** An expected "no": the code, a sentence for a person, and members that a program may read. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly detail: string;
  readonly extra?: { readonly [key: string]: Json };
}

/** Either a value or a refusal. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** Wraps a value. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** Builds a refused result. */
export function refuse(
  code: RefusalCode,
  detail: string,
  extra?: { readonly [key: string]: Json },
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: extra === undefined ? { code, detail } : { code, detail, extra } };
}
