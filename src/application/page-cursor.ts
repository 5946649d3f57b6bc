/**
 * Cursors of lists: the place of the last row seen, as opaque text. A cursor carries no right: every page is asked
 * with the caller's own conditions, so that a made-up cursor only starts elsewhere in the caller's own list.
 */
import { refuse, type Result } from '../domain/result.ts';

/** A page of a list: as many rows as asked for, and where the next page begins. */
export interface Page<T> {
  readonly data: T[];
  readonly nextCursor: string | null;
}

/** The kinds of a cursor's parts, in their order. */
export type CursorShape = readonly ('number' | 'string')[];

/** Text for the place of a row. */
export function encodeCursor(parts: readonly (number | string)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** The parts of a cursor of the given shape; anything else is `validation_failed`. */
export function decodeCursor<const S extends CursorShape>(
  text: string | undefined,
  shape: S,
): Result<{ -readonly [i in keyof S]: S[i] extends 'number' ? number : string } | null> {
  if (text === undefined) return { ok: true, value: null };
  const parts = parseCursor(text);
  const fits =
    parts !== null &&
    parts.length === shape.length &&
    shape.every((kind, index) => isPart(parts[index], kind));
  if (fits) {
    return {
      ok: true,
      value: parts as { -readonly [i in keyof S]: S[i] extends 'number' ? number : string },
    };
  }
  return refuse('validation_failed', 'The cursor is not one of this list.', {
    errors: [{ pointer: '/cursor', detail: 'must be the nextCursor of an earlier page' }],
  });
}

/** Merges sorted lists into one page; each list holds up to `limit + 1` rows, so that the end is known. */
export function mergePage<T>(
  lists: readonly (readonly T[])[],
  order: {
    readonly compare: (a: T, b: T) => number;
    readonly place: (row: T) => readonly (number | string)[];
    readonly limit: number;
  },
): Page<T> {
  const merged = lists.length === 1 ? [...(lists[0] ?? [])] : lists.flat().toSorted(order.compare);
  const data = merged.slice(0, order.limit);
  const last = data.at(-1);
  const isEnd = merged.length <= order.limit || last === undefined;
  return { data, nextCursor: isEnd ? null : encodeCursor(order.place(last)) };
}

function isPart(part: unknown, kind: 'number' | 'string'): boolean {
  return kind === 'number' ? Number.isSafeInteger(part) : typeof part === 'string';
}

function parseCursor(text: string): unknown[] | null {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.codePointAt(0) ?? 0);
    const parts: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(parts) ? parts : null;
  } catch {
    return null; // Neither base 64 nor JSON: somebody made it up.
  }
}
