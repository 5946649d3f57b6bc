/**
 * The one place where a thrown error becomes an answer. Expected refusals are returned, so what comes here is
 * an object that sheds load, a validator's complaint, or a fault; of a fault the client learns its request id and no more.
 */
import type { Context, ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from '@hono/zod-openapi';
import type { Refusal } from '../../domain/result.ts';
import { createClock } from '../../platform/clock.ts';
import { createLogger, errorFields } from '../../platform/logger.ts';
import { ObjectOverloadedError } from '../../platform/objects.ts';
import type { AppEnv, Services } from '../context.ts';
import { problemResponse, type Problem } from '../problem.ts';
import { refusalResponse } from '../respond.ts';

/** Most complaints listed in one answer. */
const ERRORS_MAX = 50;

/** Answers whatever was thrown. */
export const onError: ErrorHandler<AppEnv> = (error, c) => {
  const problem = problemOf(error);
  const level = problem.code === 'internal_error' ? 'error' : 'warn';
  // There are none when the environment itself is what is wrong.
  const services = c.get('services') as Services | undefined;
  const log = services?.log ?? createLogger(createClock(0));
  log[level]('request.failed', {
    ...errorFields(error),
    requestId: c.get('requestId'),
    method: c.req.method,
    code: problem.code,
  });
  const publicUrl = services?.settings.publicUrl ?? new URL(c.req.url).origin;
  return problemResponse(problem, { publicUrl, path: c.req.path });
};

/** What a validator of a route does with its verdict. */
export function onValidated(
  result: { success: true } | { success: false; error: z.ZodError },
  c: Context<AppEnv>,
): Response | undefined {
  return result.success ? undefined : refusalResponse(c, validationRefusal(result.error));
}

/** A validator's complaints as `validation_failed`. */
export function validationRefusal(error: z.ZodError): Refusal {
  const errors = error.issues.flatMap(complaints).slice(0, ERRORS_MAX);
  return { code: 'validation_failed', detail: 'The request is not valid.', extra: { errors } };
}

function problemOf(error: unknown): Problem {
  if (error instanceof ObjectOverloadedError) {
    return { code: 'overloaded', detail: 'Too many calls for this slot or member at once.' };
  }
  if (error instanceof z.ZodError) return validationRefusal(error);
  if (error instanceof HTTPException) return ofHttpException(error);
  return {
    code: 'internal_error',
    detail: 'An unexpected error. It was recorded under the X-Request-Id.',
  };
}

/** The library throws for what the guard has checked before; kept true in case the two ever disagree. */
function ofHttpException(error: HTTPException): Problem {
  if (error.status === 400)
    return { code: 'invalid_json', detail: 'The body does not parse as JSON.' };
  if (error.status === 415) {
    return { code: 'unsupported_media_type', detail: 'Send the body as application/json.' };
  }
  return {
    code: 'internal_error',
    detail: 'An unexpected error. It was recorded under the X-Request-Id.',
  };
}

/** An unknown field is pointed at itself, not at the object that must not have it. */
function complaints(issue: z.core.$ZodIssue): { pointer: string; detail: string }[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointerTo([...issue.path, key]),
      detail: 'There is no such field.',
    }));
  }
  return [{ pointer: pointerTo(issue.path), detail: issue.message }];
}

/** Source: RFC 6901. */
function pointerTo(path: readonly PropertyKey[]): string {
  return path
    .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
