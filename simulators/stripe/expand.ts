/**
 * `expand[]`: replacing references in an answer by the objects they name, up to four deep.
 * Works on a copy for the answer; must never change what is stored.
 * Source: Stripe API reference, "Expanding responses".
 */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { StripeContext } from './context.ts';
import { invalidRequest } from './errors.ts';

const DEPTH_MAX = 4;

/** The answer with every path expanded. Errors: a property that is absent or no reference. */
export function expand(ctx: StripeContext, answer: object, paths: readonly string[]): object {
  if (paths.length === 0) return answer;
  const copy: Json = JSON.parse(JSON.stringify(answer));
  for (const path of paths) {
    const segments = path.split('.');
    if (segments.length > DEPTH_MAX) {
      throw invalidRequest(`You cannot expand more than ${String(DEPTH_MAX)} levels of a property`);
    }
    expandPath(ctx, copy, { segments, path });
  }
  return isJsonObject(copy) ? copy : answer;
}

function expandPath(
  ctx: StripeContext,
  value: Json,
  rest: { readonly segments: readonly string[]; readonly path: string },
): void {
  const [segment, ...segments] = rest.segments;
  if (segment === undefined || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) expandPath(ctx, item, rest);
    return;
  }
  if (!isJsonObject(value)) throw notExpandable(rest.path);
  const inner = resolve(ctx, { object: value, segment, path: rest.path });
  if (segment !== 'data') value[segment] = inner;
  expandPath(ctx, inner, { segments, path: rest.path });
}

function resolve(
  ctx: StripeContext,
  at: { readonly object: JsonObject; readonly segment: string; readonly path: string },
): Json {
  const current = at.object[at.segment];
  if (current === undefined) throw notExpandable(at.path);
  if (typeof current !== 'string') return current;
  const found = ctx.world.objects.findAny(current);
  if (found === null) throw notExpandable(at.path);
  return found;
}

function notExpandable(path: string): Error {
  return invalidRequest(
    `This property cannot be expanded (${path}). You may want to try expanding a different property.`,
    'expand',
  );
}
