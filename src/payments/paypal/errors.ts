/**
 * Turns an answer of PayPal that is no success into a reply. The only place where a failure of PayPal gets its meaning.
 * Reasons hold PayPal's codes, never its messages: those quote payer data.
 */
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import type { PaypalAnswer } from './client.ts';

type Retry = 'never' | 'later' | 'payer';

/** The call came twice or too late; the object tells what is true. */
const LOOK_AGAIN: ReadonlySet<string> = new Set([
  'AUTHORIZATION_ALREADY_CAPTURED',
  'AUTHORIZATION_ALREADY_VOIDED',
  'AUTHORIZATION_DENIED',
  'AUTHORIZATION_EXPIRED',
  'AUTHORIZATION_VOIDED',
  'CANNOT_BE_VOIDED',
  'CAPTURE_FULLY_REFUNDED',
  'DUPLICATE_INVOICE_ID',
  'MAX_NUMBER_OF_CAPTURES_EXCEEDED',
  'ORDER_ALREADY_AUTHORIZED',
  'ORDER_ALREADY_CAPTURED',
  'ORDER_ALREADY_COMPLETED',
  'ORDER_COMPLETED_OR_VOIDED',
  'PREVIOUSLY_CAPTURED',
  'PREVIOUSLY_VOIDED',
]);

/** PayPal did nothing and says so; the same key may be used again. */
const NOT_NOW: ReadonlySet<string> = new Set([
  'ORDER_COMPLETION_IN_PROGRESS',
  'PENDING_CAPTURE',
  'PREVIOUS_REQUEST_IN_PROGRESS',
  'RATE_LIMIT_REACHED',
  'RESOURCE_CONFLICT',
]);

/** A definite no to the money, and who may try again. Whatever is not listed is a fault of the request or the account. */
const REFUSED: Readonly<Record<string, Retry>> = {
  // The payer chooses another way to pay.
  INSTRUMENT_DECLINED: 'payer',
  ORDER_EXPIRED: 'payer',
  PAYER_ACCOUNT_LOCKED_OR_CLOSED: 'payer',
  PAYER_ACCOUNT_RESTRICTED: 'payer',
  PAYER_CANNOT_PAY: 'payer',
  PAYER_COUNTRY_NOT_SUPPORTED: 'payer',
  PAYMENT_SOURCE_CANNOT_BE_USED: 'payer',
  PAYMENT_SOURCE_DECLINED_BY_PROCESSOR: 'payer',
  PAYMENT_SOURCE_INFO_CANNOT_BE_VERIFIED: 'payer',
  REDIRECT_PAYER_FOR_ALTERNATE_FUNDING: 'payer',
  TOKEN_EXPIRED: 'payer',
  TOKEN_ID_NOT_FOUND: 'payer',
  AUTHORIZATION_CURRENCY_NOT_SUPPORTED: 'payer',
  CURRENCY_NOT_SUPPORTED: 'payer',
  // Another try of the same brings nothing.
  BILLING_AGREEMENT_ALREADY_CANCELLED: 'never',
  AGREEMENT_ALREADY_CANCELLED: 'never',
  COMPLIANCE_VIOLATION: 'never',
  REFUND_NOT_ALLOWED: 'never',
  REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK: 'never',
  REFUND_TIME_LIMIT_EXCEEDED: 'never',
  TRANSACTION_DISPUTED: 'never',
  TRANSACTION_REFUSED: 'never',
  // A passing condition of an account.
  REFUND_FAILED_INSUFFICIENT_FUNDS: 'later',
  TRANSACTION_BLOCKED_BY_PAYEE: 'later',
};

/** The payer has not agreed yet, or has to do something first. */
const NEEDS_PAYER: ReadonlySet<string> = new Set([
  'ORDER_NOT_APPROVED',
  'PAYER_ACTION_REQUIRED',
  'SETUP_TOKEN_NOT_APPROVED',
]);

/**
 * The reply for an answer that is no success, in precedence order: no_answer, unavailable, misconfigured (credentials),
 * already_done, declined, missing, server_error, misconfigured.
 * Source: PayPal REST API specifications, Orders v2 and Payments v2, "Error messages" of each call.
 */
export function replyOfFailure(answer: PaypalAnswer): ProcessorReply {
  if (answer.kind === 'silent') return { kind: 'no_answer', reason: answer.reason };
  if (answer.kind === 'not_sent') return { kind: 'unavailable', reason: answer.reason };
  if (answer.kind !== 'answer') return { kind: 'misconfigured', reason: answer.reason };
  const { status } = answer;
  const issues = issuesOf(answer);
  const reason = [String(status), ...issues, answer.debugId ?? ''].join(' ').trim();
  if (status === 401) return { kind: 'misconfigured', reason };
  if (issues.some((issue) => NOT_NOW.has(issue)) || status === 429 || status === 409) {
    return { kind: 'unavailable', reason };
  }
  if (issues.some((issue) => LOOK_AGAIN.has(issue))) return { kind: 'already_done' };
  const code = issues.find((issue) => Object.hasOwn(REFUSED, issue));
  if (code !== undefined) return declined(code, REFUSED[code] ?? 'payer');
  if (status === 404) return { kind: 'missing' };
  return { kind: status >= 500 ? 'server_error' : 'misconfigured', reason };
}

/**
 * The reply where a look before the call failed: the call itself was not made, so whatever the look's fault was, the same
 * key may be used again.
 */
export function replyOfFailedLook(answer: PaypalAnswer): ProcessorReply {
  const reply = replyOfFailure(answer);
  const isUnsettled = reply.kind === 'no_answer' || reply.kind === 'server_error';
  return isUnsettled ? { kind: 'unavailable', reason: `look: ${reply.reason}` } : reply;
}

/** True where PayPal wants the payer before anything can move. */
export function needsPayer(answer: PaypalAnswer): boolean {
  return answer.kind === 'answer' && issuesOf(answer).some((issue) => NEEDS_PAYER.has(issue));
}

/** True where PayPal knows nothing of a kept method, or says so of one that the payer took back. */
export function isMethodUnknown(answer: PaypalAnswer): boolean {
  return answer.kind === 'answer' && answer.status === 403;
}

/** A refusal in our words; the code is PayPal's in lower case. */
export function declined(code: string, retry: Retry): ProcessorReply {
  return { kind: 'declined', code: code.toLowerCase(), retry, payment: null };
}

/** Codes of an error body: the name, and the issue of each detail. */
function issuesOf({ body }: Extract<PaypalAnswer, { kind: 'answer' }>): string[] {
  if (typeof body !== 'object' || body === null) return [];
  const details =
    'details' in body && Array.isArray(body.details) ? (body.details as unknown[]) : [];
  const name = 'name' in body ? [body.name] : [];
  const issues = details.map((detail) =>
    typeof detail === 'object' && detail !== null && 'issue' in detail ? detail.issue : null,
  );
  // Only what looks like a code: a text of PayPal's own may quote what we sent.
  return [...name, ...issues].filter(
    (code): code is string => typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,80}$/.test(code),
  );
}
