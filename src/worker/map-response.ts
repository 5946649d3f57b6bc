/** Answers of use cases whose values have another shape on the wire: one value, or a page of them. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Page } from '../application/page-cursor.ts';
import type { Result } from '../domain/result.ts';
import type { AppEnv } from './context.ts';
import { refusalResponse } from './respond.ts';

/** The value as the wire has it, with the status (200 by default), or the problem. */
export function mappedResponse<T, V>(
  c: Context<AppEnv>,
  result: Result<T>,
  answer: { readonly map: (value: T) => V; readonly status?: ContentfulStatusCode },
): Response {
  if (!result.ok) return refusalResponse(c, result.refusal);
  return c.json(answer.map(result.value), answer.status ?? 200);
}

/** A page with each row as the wire has it, or the problem. */
export function pageResponse<T, V>(
  c: Context<AppEnv>,
  result: Result<Page<T>>,
  map: (row: T) => V,
): Response {
  if (!result.ok) return refusalResponse(c, result.refusal);
  const { data, nextCursor } = result.value;
  return c.json({ data: data.map(map), nextCursor }, 200);
}
