/**
 * How handlers answer: refusals as problems, keyed replies with their replay mark, and what a guard has already made sure of.
 * Handlers decide nothing about statuses of refusals; problem.ts knows them.
 */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { CallKey, Caller, KeyedReply } from '../contracts/calls.ts';
import { required } from '../domain/assert.ts';
import type { IdKind, IdParts } from '../domain/ids.ts';
import { ok, refuse, type Refusal, type Result } from '../domain/result.ts';
import type { AppEnv } from './context.ts';
import { problemResponse, type Problem } from './problem.ts';

/** Tells that an answer is the first one given again. */
export const REPLAYED_HEADER = 'Idempotent-Replayed';

/** The problem for a refusal. */
export function refusalResponse(c: Context<AppEnv>, refusal: Refusal | Problem): Response {
  return problemResponse(refusal, {
    publicUrl: c.get('services').settings.publicUrl,
    path: c.req.path,
  });
}

/** The answer of a call that carried an idempotency key. */
export function keyedResponse<T>(c: Context<AppEnv>, reply: KeyedReply<T>): Response {
  const response = reply.ok
    ? c.json(reply.value, reply.status as ContentfulStatusCode)
    : refusalResponse(c, reply.refusal);
  if (reply.replayed) response.headers.set(REPLAYED_HEADER, 'true');
  return response;
}

/** The answer of a call without a key: the value with the status (200 by default), or the problem. */
export function resultResponse<T>(
  c: Context<AppEnv>,
  result: Result<T>,
  status: ContentfulStatusCode = 200,
): Response {
  return result.ok ? c.json(result.value, status) : refusalResponse(c, result.refusal);
}

/** Who calls, on a route whose guard wants somebody signed in. */
export function requireCaller(c: Context<AppEnv>): Caller {
  return required(c.get('caller'), 'the guard of this route lets nobody in who is not signed in');
}

/** The key of the call, on a route whose guard requires one. */
export function requireCallKey(c: Context<AppEnv>): CallKey {
  return required(c.get('callKey'), 'the guard of this route lets no call in without a key');
}

/** The parts of an id in the path that the guard has found genuine. */
export function pathId(c: Context<AppEnv>, parameter: string): IdParts {
  return required(c.get('pathIds')[parameter], `the guard of this route opens {${parameter}}`);
}

/** The parts of an id in a body or query; malformed and forged ones are `not_found`, before any object is named. */
export function openIdOr404(c: Context<AppEnv>, kind: IdKind, text: string): Result<IdParts> {
  const parts = c.get('services').ids.open(kind, text);
  return parts === null ? refuse('not_found', 'There is no such thing.') : ok(parts);
}

/** A refusal of one field, as `errors` of `validation_failed`. `pointer` is a JSON pointer into the body or names a parameter. */
export function invalidField(pointer: string, detail: string): Refusal {
  return {
    code: 'validation_failed',
    detail: 'The request is not valid.',
    extra: { errors: [{ pointer, detail }] },
  };
}
