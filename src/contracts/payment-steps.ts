/**
 * One step of a booking's money: what to do at a processor, leased to whoever was given it, and what came of it.
 * The request, the client's confirmation, webhooks, queues and the reconciler all pass these.
 */
import type { OperationKind } from '../domain/payment/operation-machine.ts';
import type { Processor, ProcessorReply } from '../domain/payment/processor-reply.ts';
import type { EpochMs } from '../domain/time.ts';
import type { CallKey, Caller } from './calls.ts';

/** One thing to do at the processor, leased to the caller that was given it. */
export type PaymentWork = PaymentLook | RefundLook | RefundSearch | PaymentCall;

interface WorkSubject {
  readonly bookingId: string;
  readonly paymentId: string;
  readonly processor: Processor;
}

/** Ask how a payment stands. */
export interface PaymentLook extends WorkSubject {
  readonly kind: 'fetch';
  readonly ref: string;
}

/** Ask how a refund stands that the processor has accepted and not finished. */
export interface RefundLook extends WorkSubject {
  readonly kind: 'fetch_refund';
  readonly operationId: string;
  /** The processor's id of what is asked for. */
  readonly ref: string;
}

/** Ask for a refund of a payment (`ref`) by our own id, because the answer to its call was lost or was a fault. */
export interface RefundSearch extends Omit<RefundLook, 'kind'> {
  readonly kind: 'find_refund';
  readonly refundId: string;
  /** Names this search: a later one takes its place. */
  readonly leaseUntilMs: EpochMs;
}

/** Make a call whose intent is written, under its own key. */
export interface PaymentCall extends WorkSubject {
  readonly kind: OperationKind;
  readonly operationId: string;
  /** The processor's id of the payment; null only for `open`. */
  readonly ref: string | null;
  readonly idempotencyKey: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly paymentMethod: string | null;
  /** Who the method belongs to at the processor; null where it is not a saved one. */
  readonly customerRef: string | null;
  readonly returnUrl: string | null;
  readonly refundId: string | null;
}

/**
 * What to do next for a booking's money. busy: another caller's lease still runs. idle: nothing now.
 */
export type PaymentStep =
  | { readonly kind: 'work'; readonly work: PaymentWork }
  | { readonly kind: 'busy' }
  | { readonly kind: 'idle' };

/** Why somebody looks at a payment; it becomes the actor of the transitions that follow. */
export type AdvanceCause = 'request' | 'confirm' | 'webhook' | 'queue' | 'reconciler';

export interface TakeStepCommand {
  readonly bookingId: string;
  readonly cause: AdvanceCause;
  /** Ask the processor even if nothing is due: the caller has a reason to think that something changed. */
  readonly look: boolean;
  /** Payments that this pass has looked at already. */
  readonly looked: readonly string[];
}

export interface RecordReplyCommand {
  readonly work: PaymentWork;
  readonly reply: ProcessorReply;
  readonly cause: AdvanceCause;
  /** Operations that this pass has made already: one that settled nothing is not repeated without a pause. */
  readonly tried: readonly string[];
  /** The keyed call that this work is part of; its lease is renewed with each step. */
  readonly call: { readonly caller: Caller; readonly call: CallKey } | null;
}
