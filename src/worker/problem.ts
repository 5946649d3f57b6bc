/**
 * Where HTTP meets refusal, and the only such place: each code's status, title and meaning, and the problem document
 * made of it. The pages under /problems and the OpenAPI document read the same table.
 * Source: RFC 9457 (problem details), RFC 9110 (statuses).
 */
import type { RefusalCode } from '../domain/codes.ts';
import type { Refusal } from '../domain/result.ts';

/** A code as HTTP answers it. */
export interface ProblemKind {
  readonly status: ProblemStatus;
  readonly title: string;
  /** When it is answered, and what the caller can do. */
  readonly meaning: string;
}

export type ProblemStatus =
  | 400
  | 401
  | 402
  | 403
  | 404
  | 405
  | 409
  | 410
  | 413
  | 415
  | 422
  | 429
  | 500
  | 503;

/** Codes of problems: every refusal, and the fault that nobody expected. */
export type ProblemCode = RefusalCode | 'internal_error';

/** The media type of every problem. */
export const PROBLEM_TYPE = 'application/problem+json';

const define = (status: ProblemStatus, title: string, meaning: string): ProblemKind => ({
  status,
  title,
  meaning,
});

/** Every code, in order of precedence. A missing one does not compile. */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = {
  invalid_json: define(
    400,
    'The body is not JSON',
    'The body is empty where one is needed, is not valid UTF-8, or does not parse as JSON. Send one JSON object.',
  ),
  idempotency_key_required: define(
    400,
    'An idempotency key is required',
    'The call moves something that must not move twice. Send an Idempotency-Key header with a fresh random value, and the same value when you retry.',
  ),
  idempotency_key_invalid: define(
    400,
    'The idempotency key is malformed',
    'A key has 1 to 255 visible ASCII characters, bare or as a quoted structured-field string.',
  ),
  invalid_signature: define(
    400,
    'The signature is wrong',
    'The webhook was not signed with a secret that this deployment knows, or too long ago.',
  ),
  unauthenticated: define(
    401,
    'Sign in first',
    'The access token is missing, malformed, forged or expired. Log in or refresh, and send it as a Bearer token. A log-in with a wrong e-mail or password is answered the same.',
  ),
  role_required: define(
    403,
    'Your role does not allow this',
    'The call is for another role. A role that was just granted shows at the next log-in or refresh.',
  ),
  subscription_required: define(
    403,
    'A subscription is required',
    'The service is for subscribers. The member `plans` lists the plans that open it.',
  ),
  quota_exhausted: define(403, 'The plan is used up', 'The plan allows no more in this period.'),
  sale_not_open: define(
    403,
    'The sale is not open yet',
    'The service is on sale from a later instant on.',
  ),
  not_found: define(
    404,
    'Not found',
    'There is no such thing, or it is not yours; the two are not told apart. A malformed id is answered the same.',
  ),
  method_not_allowed: define(
    405,
    'Method not allowed',
    'The path exists, the method does not. The Allow header lists those that do.',
  ),
  body_too_large: define(413, 'The body is too large', 'A body has at most 256 KiB.'),
  unsupported_media_type: define(
    415,
    'Unsupported media type',
    'Bodies are sent as application/json, in UTF-8.',
  ),
  validation_failed: define(
    422,
    'The request is not valid',
    'The member `errors` says what is wrong and where: `pointer` is a JSON pointer into the body, or names the parameter. Unknown fields are refused.',
  ),
  idempotency_key_reused: define(
    422,
    'The idempotency key was used for another request',
    'A key names one request: method, path and body. Use a fresh key for another.',
  ),
  quantity_limit_exceeded: define(
    422,
    'Too many at once',
    'The service sells fewer units to one hold.',
  ),
  coupon_invalid: define(
    422,
    'The coupon is not valid',
    'The coupon does not exist, is not valid now, or not for this service.',
  ),
  slots_span_shards: define(
    422,
    'The slots cannot be held together',
    'One hold takes slots of one inventory shard. Hold them one by one.',
  ),
  payment_required: define(
    422,
    'A payment is required',
    'Money is due. Name a processor, and how to pay.',
  ),
  processor_not_supported: define(
    422,
    'The payment processor is not supported',
    'This deployment does not take money through it, or not for this service.',
  ),
  payment_declined: define(
    402,
    'The payment was declined',
    'The processor refused for good, and nothing was captured. The hold stays until it expires: try again with another method and a fresh idempotency key.',
  ),
  payment_incomplete: define(
    402,
    'The payment is not complete',
    'The payer has still something to do, or the processor has not decided.',
  ),
  hold_expired: define(
    410,
    'The hold has expired',
    'The time to pay is over. Hold the slot again.',
  ),
  idempotency_key_in_progress: define(
    409,
    'The first call with this key still runs',
    'Try again after the time that Retry-After names; the answer of the first call is then given again.',
  ),
  slot_unavailable: define(
    409,
    'The slot is taken',
    'Somebody else has it. `conflicts` lists the slots that are taken, `alternatives` others that are free.',
  ),
  slot_past: define(409, 'The slot has begun', 'A slot is sold until it begins.'),
  notice_too_short: define(
    409,
    'Too late to book',
    'The service wants more notice before the start.',
  ),
  outside_booking_window: define(
    409,
    'Too early to book',
    'The service is not on sale that far ahead.',
  ),
  customer_limit_reached: define(
    409,
    'You have as many as one customer may',
    'The service limits what one customer holds and has booked; saved payment methods are limited too.',
  ),
  coupon_exhausted: define(
    409,
    'The coupon is used up',
    'The coupon has been used as often as it may be.',
  ),
  hold_committed: define(409, 'The hold belongs to a booking', 'Cancel the booking instead.'),
  payment_in_progress: define(
    409,
    'A payment is in progress',
    'Wait for its outcome before you pay with another method.',
  ),
  invalid_transition: define(
    409,
    'The status does not allow this',
    'The booking or hold is in a status from which this is not possible.',
  ),
  refund_exceeds_captured: define(
    409,
    'More than was paid',
    'All refunds together are at most what was captured.',
  ),
  slot_booked: define(409, 'The slot is booked', 'Cancel or move its bookings first.'),
  slot_held: define(
    409,
    'The slot is held',
    'Somebody is about to pay for it. Try again when the hold has ended.',
  ),
  email_taken: define(
    409,
    'The e-mail address is taken',
    'An account with this address exists, in whatever case it was typed.',
  ),
  subscription_exists: define(
    409,
    'There is a subscription already',
    'One member has one live subscription. Change it instead.',
  ),
  rate_limited: define(
    429,
    'Too many requests',
    'Try again after the time that Retry-After names.',
  ),
  hold_limit_reached: define(
    429,
    'Too many holds at once',
    'Book or release some, or wait until they expire.',
  ),
  internal_error: define(
    500,
    'Something went wrong on our side',
    'The call may or may not have had its effect. Repeat it with the same idempotency key, and quote the X-Request-Id of this answer to support.',
  ),
  overloaded: define(
    503,
    'Busy',
    'More was asked than can be taken right now, and nothing was done. Try again after the time that Retry-After names.',
  ),
  processor_unavailable: define(
    503,
    'The payment processor does not answer',
    'Nothing was taken. Try again after the time that Retry-After names.',
  ),
};

/** Seconds after which a transient refusal is worth another try, where the refusal does not say. */
const RETRY_AFTER_SECONDS: Partial<Record<ProblemCode, number>> = {
  idempotency_key_in_progress: 1,
  rate_limited: 60,
  hold_limit_reached: 30,
  overloaded: 1,
  processor_unavailable: 5,
};

/** A problem for one answer. */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly extra?: Refusal['extra'];
}

/** Where the problem happened. */
export interface ProblemSite {
  readonly publicUrl: string;
  /** Path of the request: the same for a call and its repeat, so that a replayed refusal is the same to the byte. */
  readonly path: string;
}

/**
 * The answer for a refusal.
 * Shape: members of `extra` stand beside the standard ones and never replace them; `retryAfterSeconds` becomes a header.
 */
export function problemResponse(problem: Problem, site: ProblemSite): Response {
  const kind = PROBLEMS[problem.code];
  const { retryAfterSeconds, ...extra } = problem.extra ?? {};
  const body = {
    ...extra,
    type: problemUrl(problem.code, site.publicUrl),
    title: kind.title,
    status: kind.status,
    detail: problem.detail,
    instance: site.path,
    code: problem.code,
  };
  const headers = new Headers({ 'Content-Type': PROBLEM_TYPE, 'Cache-Control': 'no-store' });
  const retryAfter = retryAfterSeconds ?? RETRY_AFTER_SECONDS[problem.code];
  if (typeof retryAfter === 'number') headers.set('Retry-After', String(Math.ceil(retryAfter)));
  if (problem.code === 'unauthenticated')
    headers.set('WWW-Authenticate', 'Bearer realm="holdfast"');
  if (problem.code.startsWith('idempotency_key_')) {
    headers.set('Link', `<${body.type}>; rel="describedby"`);
  }
  return new Response(JSON.stringify(body), { status: kind.status, headers });
}

/** The address that documents a code. */
export function problemUrl(code: ProblemCode, publicUrl: string): string {
  return `${publicUrl}/problems/${code}`;
}

/** True for a text that names a problem. */
export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}
