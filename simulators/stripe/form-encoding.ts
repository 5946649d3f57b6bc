/**
 * Stripe's request encoding: `a[b][c]=1&list[0]=x&expand[]=y` to nested values.
 * Owns syntax only; what a parameter may be is decided in parameters.ts.
 * Source: Stripe API reference, "Request bodies".
 */

/** A decoded value: text, a list or a map without a prototype. */
export type FormValue = string | FormValue[] | FormMap;
/** A decoded map; made without a prototype, so that no parameter name is special. */
export type FormMap = { [name: string]: FormValue };

/** Deeper nesting than any endpoint has is refused, so that no body can exhaust the stack. */
const DEPTH_MAX = 8;

/** Syntax that cannot be decoded. */
export class FormSyntaxError extends Error {
  override readonly name = 'FormSyntaxError';
}

/** Decodes a body or a query string. Errors: FormSyntaxError. */
export function decodeForm(text: string): FormMap {
  const root = emptyMap();
  for (const [name, value] of new URLSearchParams(text)) insert(root, pathOf(name), value);
  return foldMap(root);
}

function emptyMap(): FormMap {
  const map: FormMap = Object.create(null);
  return map;
}

function pathOf(name: string): string[] {
  const bracket = name.indexOf('[');
  if (bracket <= 0) return [name];
  const segments = [name.slice(0, bracket)];
  const rest = name.slice(bracket);
  if (!/^(\[[^[\]]*\])+$/.test(rest)) throw new FormSyntaxError(`Invalid parameter name: ${name}`);
  for (const match of rest.matchAll(/\[([^[\]]*)\]/g)) segments.push(match[1] ?? '');
  if (segments.length > DEPTH_MAX) throw new FormSyntaxError(`Too deeply nested: ${name}`);
  return segments;
}

function insert(root: FormMap, path: readonly string[], value: string): void {
  let map = root;
  for (const [depth, segment] of path.entries()) {
    const key = segment === '' ? nextIndex(map) : segment;
    if (depth === path.length - 1) {
      map[key] = value;
      return;
    }
    const inner = map[key];
    const next = inner !== undefined && typeof inner !== 'string' && !Array.isArray(inner);
    const child = next ? inner : emptyMap();
    map[key] = child;
    map = child;
  }
}

function nextIndex(map: FormMap): string {
  return String(Object.keys(map).length);
}

/** Maps whose keys are 0, 1, 2… become lists, from the inside out. */
function foldMap(map: FormMap): FormMap {
  const folded = emptyMap();
  for (const [key, value] of Object.entries(map)) folded[key] = fold(value);
  return folded;
}

function fold(value: FormValue): FormValue {
  if (typeof value === 'string' || Array.isArray(value)) return value;
  const folded = foldMap(value);
  const keys = Object.keys(folded);
  const isList = keys.length > 0 && keys.every((key) => /^\d{1,4}$/.test(key));
  return isList ? Object.values(folded) : folded;
}
