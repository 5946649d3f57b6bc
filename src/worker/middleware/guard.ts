/**
 * Everything that is checked before a route's input is validated, in the order of the refusal codes:
 * JSON, key, caller, role, ids, size, media type. Each check returns a refusal or null and knows nothing of the others.
 * Rate limits are counted once the caller is known, and before anything is looked up.
 */
import type { Context, MiddlewareHandler } from 'hono';
import type { IdParts } from '../../domain/ids.ts';
import { refuse, type Refusal } from '../../domain/result.ts';
import type { AppEnv } from '../context.ts';
import { cacheText, readJsonBody, readRawBody } from '../request-body.ts';
import { refusalResponse } from '../respond.ts';
import type { RouteRules } from '../route.ts';
import { authenticate, authorize } from './auth.ts';
import { readCallKey, sealCallKey } from './idempotency-key.ts';
import { countCall } from './rate-limit.ts';

type Check = (c: Context<AppEnv>, rules: RouteRules) => Promise<Refusal | null> | Refusal | null;

/** In the order in which refusals are given. */
const CHECKS: readonly Check[] = [
  checkJson,
  readCallKey,
  authenticate,
  countCall,
  authorize,
  openPathIds,
  checkBody,
  sealCallKey,
];

/** The checks of a route, as its first middleware. */
export function guard(rules: RouteRules): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    for (const check of CHECKS) {
      const refusal = await check(c, rules);
      if (refusal !== null) return refusalResponse(c, refusal);
    }
    await next();
    return undefined;
  };
}

async function checkJson(c: Context<AppEnv>, rules: RouteRules): Promise<Refusal | null> {
  if (rules.body === 'none') return null;
  const body = await (rules.body === 'raw' ? readRawBody(c) : readJsonBody(c));
  c.set('body', body);
  if (body.kind === 'invalid_json') return refuse('invalid_json', body.detail).refusal;
  if (body.kind === 'empty' && rules.body === 'required') {
    return refuse('invalid_json', 'This call needs a JSON object as its body.').refusal;
  }
  return null;
}

function openPathIds(c: Context<AppEnv>, rules: RouteRules): Refusal | null {
  const opened: Record<string, IdParts> = {};
  for (const [parameter, kind] of Object.entries(rules.pathIds)) {
    const parts = c.get('services').ids.open(kind, c.req.param(parameter) ?? '');
    if (parts === null) return refuse('not_found', 'There is no such thing.').refusal;
    opened[parameter] = parts;
  }
  c.set('pathIds', opened);
  return null;
}

function checkBody(c: Context<AppEnv>): Refusal | null {
  switch (c.get('body').kind) {
    case 'too_large':
      return refuse('body_too_large', 'A body has at most 256 KiB.').refusal;
    case 'foreign':
      return refuse('unsupported_media_type', 'Send the body as application/json.').refusal;
    case 'empty':
      // What the validator would read: an optional body that was left out is an empty object. Without a media type it
      // reads nothing, and takes anything at all for a body of an unknown one; many clients send an empty one.
      cacheText(c, c.req.header('Content-Type') === undefined ? '' : '{}');
      return null;
    case 'json':
    case 'raw':
    case 'invalid_json':
      return null;
  }
}
