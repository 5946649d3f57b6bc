/**
 * What every call to Stripe has in common: our key, the shape of an id, and how an answer becomes a reply.
 * It decides nothing about money and never retries. Used by gateway.ts and recurring.ts.
 */
import type { Stripe } from 'stripe';
import { invariant } from '../../domain/assert.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { replyOfError } from './errors.ts';
import { isDisputed, toDispute, toPayment } from './mapping.ts';

/** What the calls of one gateway run on. */
export interface StripeCalls {
  readonly client: Stripe;
  readonly isLive: boolean;
  /** How long a call may take, with what it has to ask besides, in milliseconds. */
  readonly timeoutMs: number;
  /** Where a payer returns to after a redirect when the caller named no page. */
  readonly returnUrl: string;
}

/**
 * The charge tells the capture deadline and the refunds, its movement on our balance the fee, so every answer about a
 * payment carries both.
 */
export const WITH_CHARGE = { expand: ['latest_charge.balance_transaction'] };

/** Rows per page of a list, the most that Stripe gives. */
export const LIST_PAGE_COUNT = 100;

/**
 * 'always': with 'never' Stripe offers no method that redirects, and a 3-D Secure challenge of a payer without Stripe's
 * own client library is a redirect. Its price is that every confirm must carry a return_url, off-session ones too.
 */
export const ANY_METHOD = { enabled: true, allow_redirects: 'always' } as const;

export const NOT_STRIPE: ProcessorReply = { kind: 'misconfigured', reason: 'unexpected_object' };

const OTHER_MODE: ProcessorReply = { kind: 'misconfigured', reason: 'livemode_mismatch' };

/** Longest Idempotency-Key that Stripe takes, in characters. */
const KEY_LENGTH_MAX = 255;

/** Our key on every POST; without one the SDK would make a new one per call, and a repeat would act twice. */
export function keyed(key: string): Stripe.RequestOptions {
  invariant(
    key.length > 0 && key.length <= KEY_LENGTH_MAX,
    'an idempotency key has 1 to 255 characters',
  );
  return { idempotencyKey: key };
}

const ID_SHAPES = {
  pi: /^pi_[A-Za-z0-9_]+$/,
  seti: /^seti_[A-Za-z0-9_]+$/,
  pm: /^(pm|card|src|ba)_[A-Za-z0-9_]+$/,
} as const;

/** A text that is no id of this kind names no object; it must not become part of a path either. */
export async function withRef(
  prefix: keyof typeof ID_SHAPES,
  ref: string,
  call: () => Promise<ProcessorReply>,
): Promise<ProcessorReply> {
  return ID_SHAPES[prefix].test(ref) ? call() : { kind: 'missing' };
}

/** What came back of a kind of object. An object of the other mode is nobody's here: a key or an address is wrong. */
export async function askFor<T extends { readonly object: string; readonly livemode: boolean }>(
  expected: { readonly object: T['object']; readonly isLive: boolean },
  call: () => Promise<T>,
  read: (answer: T) => ProcessorReply | Promise<ProcessorReply>,
): Promise<ProcessorReply> {
  try {
    const answer = await call();
    if (answer.object !== expected.object) return NOT_STRIPE;
    return answer.livemode === expected.isLive ? await read(answer) : OTHER_MODE;
  } catch (error) {
    return replyOfError(error);
  }
}

/** A payment's reply: its own call, and a second one for the disputes where the charge says that there are some. */
export async function askForPayment(
  calls: StripeCalls,
  call: () => Promise<Stripe.PaymentIntent>,
): Promise<ProcessorReply> {
  const startedAtMs = performance.now();
  return askFor({ object: 'payment_intent', isLive: calls.isLive }, call, async (intent) => {
    if (!isDisputed(intent)) return { kind: 'payment', payment: toPayment(intent) };
    const spentMs = Math.ceil(performance.now() - startedAtMs);
    return withDisputes(calls, intent, Math.max(calls.timeoutMs - spentMs, 1));
  });
}

/**
 * A charge does not name its disputes. When they cannot be read the whole is `no_answer`: an effect that the first call
 * had stays found by the next fetch, while a payment shown without its dispute would be paid out.
 */
async function withDisputes(
  { client }: StripeCalls,
  intent: Stripe.PaymentIntent,
  timeoutMs: number,
): Promise<ProcessorReply> {
  try {
    const page = await client.disputes.list(
      { payment_intent: intent.id, limit: LIST_PAGE_COUNT },
      { timeout: timeoutMs },
    );
    return { kind: 'payment', payment: toPayment(intent, page.data.map(toDispute)) };
  } catch (error) {
    const reply = replyOfError(error);
    if (reply.kind === 'misconfigured') return reply;
    return { kind: 'no_answer', reason: 'the disputes of the payment could not be read' };
  }
}
