/**
 * What every call to Stripe has in common: our key, the shape of an id, and how an answer becomes a reply.
 * It decides nothing about money and never retries. Used by gateway.ts and recurring.ts.
 */
import type { Stripe } from 'stripe';
import { invariant } from '../../domain/assert.ts';
import type { ProcessorReply } from '../../domain/payment/processor-reply.ts';
import { replyOfError } from './errors.ts';
import { toPayment } from './mapping.ts';

/** What the calls of one gateway run on. */
export interface StripeCalls {
  readonly client: Stripe;
  readonly isLive: boolean;
  /** Where a payer returns to after a redirect when the caller named no page. */
  readonly returnUrl: string;
}

/** The charge tells the capture deadline and the refunds, so every answer about a payment carries it. */
export const WITH_CHARGE = { expand: ['latest_charge'] };

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

const ID_SHAPES = { pi: /^pi_[A-Za-z0-9_]+$/, seti: /^seti_[A-Za-z0-9_]+$/ } as const;

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
  read: (answer: T) => ProcessorReply,
): Promise<ProcessorReply> {
  try {
    const answer = await call();
    if (answer.object !== expected.object) return NOT_STRIPE;
    return answer.livemode === expected.isLive ? read(answer) : OTHER_MODE;
  } catch (error) {
    return replyOfError(error);
  }
}

export function askForPayment(
  { isLive }: StripeCalls,
  call: () => Promise<Stripe.PaymentIntent>,
): Promise<ProcessorReply> {
  return askFor({ object: 'payment_intent', isLive }, call, (intent) => ({
    kind: 'payment',
    payment: toPayment(intent),
  }));
}
