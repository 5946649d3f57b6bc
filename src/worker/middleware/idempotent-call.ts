/**
 * Idempotency of calls that reach no inventory shard: the key is claimed in D1 before the handler runs,
 * the answer is recorded after it, and a repeat gets that answer. A caller that dies leaves a lease behind;
 * when it lapses the next try runs the handler again, so handlers derive their ids from the key, or find by
 * `isResumedCall` that what is asked may have been done.
 */
import type { Context } from 'hono';
import type { CallKey } from '../../contracts/calls.ts';
import { isProblemCode, PROBLEM_TYPE } from '../problem.ts';
import { TRANSIENT_CODES, type RefusalCode } from '../../domain/codes.ts';
import { refuse } from '../../domain/result.ts';
import type {
  CallClaim,
  CallRepository,
  RecordedAnswer,
} from '../../storage/d1/call-repository.ts';
import type { AppEnv } from '../context.ts';
import { REPLAYED_HEADER, refusalResponse, requireCaller } from '../respond.ts';

/**
 * Wraps a handler, so that a repeat of the call gets the first answer. It runs after validation:
 * a body that is not valid leaves no trace under the key. Without a key the handler runs as it is.
 * Refusals: `idempotency_key_reused`, `idempotency_key_in_progress`.
 */
export function idempotent<C extends Context<AppEnv>>(
  handler: (c: C) => Promise<Response>,
): (c: C) => Promise<Response> {
  return async (c) => {
    const call = c.get('callKey');
    if (call === null) return handler(c);
    const caller = requireCaller(c);
    const { clock, databases } = c.get('services');
    const { calls } = databases.forId(caller.id);
    const claim = await calls.claim({ callerId: caller.id, call, nowMs: clock.nowMs() });
    if (claim.kind !== 'run') return answerOf(c, claim);
    c.set('isResumedCall', claim.isResumed);
    return run(c, { handler, calls, claim, call });
  };
}

interface Run<C> {
  readonly handler: (c: C) => Promise<Response>;
  readonly calls: CallRepository;
  readonly claim: Extract<CallClaim, { kind: 'run' }>;
  readonly call: CallKey;
}

async function run<C extends Context<AppEnv>>(c: C, work: Run<C>): Promise<Response> {
  let response: Response;
  try {
    response = await work.handler(c);
  } catch (error) {
    await work.calls.release(work.claim);
    throw error;
  }
  const answer = { status: response.status, body: await response.clone().text() };
  if (!isFinal(answer)) {
    await work.calls.release(work.claim);
    return response;
  }
  const isRecorded = await work.calls.finish(work.claim, {
    answer,
    nowMs: c.get('services').clock.nowMs(),
  });
  // The lease was lost to a later try, whose answer will be the one.
  return isRecorded ? response : answerOf(c, { kind: 'in_progress' });
}

function answerOf(c: Context<AppEnv>, claim: Exclude<CallClaim, { kind: 'run' }>): Response {
  switch (claim.kind) {
    case 'mismatch':
      return refusalResponse(
        c,
        refuse('idempotency_key_reused', 'The key was used for another request.').refusal,
      );
    case 'in_progress':
      return refusalResponse(
        c,
        refuse('idempotency_key_in_progress', 'The first call with this key still runs.').refusal,
      );
    case 'replay':
      return replay(claim.answer);
  }
}

function replay({ status, body }: RecordedAnswer): Response {
  const type = status >= 400 ? PROBLEM_TYPE : 'application/json';
  return new Response(body === '' ? null : body, {
    status,
    headers: { ...(body === '' ? {} : { 'Content-Type': type }), [REPLAYED_HEADER]: 'true' },
  });
}

/** A fault or a "not now" is forgotten, so that the next try completes the work. */
function isFinal({ status, body }: RecordedAnswer): boolean {
  if (status >= 500) return false;
  if (status < 400) return true;
  const { code } = JSON.parse(body) as { code: string };
  return !(isProblemCode(code) && TRANSIENT_CODES.has(code as RefusalCode));
}
