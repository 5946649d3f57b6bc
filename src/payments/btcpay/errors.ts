/**
 * What a failed call to BTCPay means. The only place where a failure gets its meaning; thrown inside this folder and
 * turned into a reply at its edge (`answering`). Reasons hold codes and paths, never a message: that one quotes payers.
 */
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';

/** A reply that tells of a failure. */
export type FailureReply = Extract<
  ProcessorReply,
  { readonly kind: 'no_answer' | 'server_error' | 'unavailable' | 'missing' | 'misconfigured' }
>;

/** Ends the work on a request; never leaves this folder. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly reply: FailureReply;
  /** The status of the answer; null where there was none. */
  readonly status: number | null;

  constructor(reply: FailureReply, status: number | null = null) {
    super(reply.kind);
    this.reply = reply;
    this.status = status;
  }
}

/** An answer that a BTCPay Server does not give, or one about something else than was asked for. */
export function misconfigured(reason: string): CallFailure {
  return new CallFailure({ kind: 'misconfigured', reason });
}

/** Runs the work on a request. Errors: whatever is not a failed call is a programming error and is thrown on. */
export async function answering(work: () => Promise<ProcessorReply>): Promise<ProcessorReply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CallFailure) return error.reply;
    throw error;
  }
}

/** Answers by which a gateway in front of BTCPay says that it does not know what BTCPay did. */
const GATEWAY_FAULTS: ReadonlySet<number> = new Set([408, 502, 503, 504]);

/** Codes of a 404 that mean the deployment's own settings rather than the object that was asked for. */
const NO_SUCH_STORE: ReadonlySet<string> = new Set(['store-not-found']);

/**
 * The failure that a status other than 2xx stands for, with its body; null where the body was no JSON.
 * Source: BTCPay Server, Greenfield API, "ProblemDetails" and "ValidationProblemDetails".
 */
export function failureOf(status: number, body: unknown): CallFailure {
  const code = codeOf(body);
  const reason = [String(status), code].filter((part) => part !== '').join(' ');
  const failed = (reply: FailureReply): CallFailure => new CallFailure(reply, status);
  if (status === 429) return failed({ kind: 'unavailable', reason });
  if (GATEWAY_FAULTS.has(status)) return failed({ kind: 'no_answer', reason });
  if (status >= 500) return failed({ kind: 'server_error', reason });
  // A 404 without a code is not the API's: the address is wrong, and nothing is known of the object.
  const isObjectMissing = status === 404 && code !== '' && !NO_SUCH_STORE.has(code);
  return failed(isObjectMissing ? { kind: 'missing' } : { kind: 'misconfigured', reason });
}

/** The problem's code, or the fields that were refused. */
function codeOf(body: unknown): string {
  if (Array.isArray(body)) return body.map((problem) => textOf(problem, 'path')).join(' ');
  return textOf(body, 'code');
}

function textOf(problem: unknown, field: string): string {
  if (typeof problem !== 'object' || problem === null) return '';
  const value: unknown = Reflect.get(problem, field);
  return typeof value === 'string' ? value : '';
}
