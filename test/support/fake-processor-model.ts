/**
 * The words of the processor in memory: its calls, its faults, its objects, and what its payment methods do.
 * No behaviour; used by fake-processor.ts and fake-recurring.ts.
 */
import type {
  ProcessorDispute,
  ProcessorPayment,
  ProcessorReply,
} from '../../src/domain/payment/processor-reply.ts';

export type CallKind =
  | 'open'
  | 'authorize'
  | 'fetch'
  | 'capture'
  | 'void'
  | 'refund'
  | 'fetch_refund'
  | 'find_refund'
  | 'customer'
  | 'open_charge'
  | 'confirm_charge'
  | 'open_setup'
  | 'confirm_setup'
  | 'fetch_setup'
  | 'cancel_setup'
  | 'describe_method'
  | 'detach_method';

/**
 * What goes wrong with one call. lost_before: it never arrived. lost_after: done, and the answer was lost.
 * lost_late: it arrives when the test says so. fault_before, fault_after: a 500 under its key, without or with effect.
 * busy: answered that nothing was done.
 */
export type Fault =
  | 'lost_before'
  | 'lost_after'
  | 'lost_late'
  | 'fault_before'
  | 'fault_after'
  | 'busy'
  | ProcessorReply;

/** One call as it came in. */
export interface SeenCall {
  readonly kind: CallKind;
  readonly key: string | null;
  readonly ref: string | null;
}

export interface FakeRefund {
  readonly ref: string;
  /** Our own id; null for a refund that somebody made by hand. */
  readonly refundId: string | null;
  readonly claimUrl: string | null;
  readonly amountMinor: number;
  status: 'pending' | 'succeeded' | 'failed';
}

export type Mutable<T> = { -readonly [member in keyof T]: T[member] };

/** One payment as the processor has it. */
export interface ProcessorObject extends Mutable<Omit<ProcessorPayment, 'disputes'>> {
  disputes: ProcessorDispute[];
  paymentMethod: string | null;
  /** The payer agreed before we asked for anything. */
  wasApproved: boolean;
  /** Set for a subscription's charge: paid money is captured at once, and the method is kept with this customer. */
  readonly customerRef: string | null;
  readonly createdAtMs: number;
  readonly refunds: FakeRefund[];
}

/** What a payment method does; any other is authorised at once. */
export const METHODS = {
  declines: 'pm_declines',
  asksPayer: 'pm_asks_payer',
  /** Asks the payer until a charge or a setup was authenticated. */
  asksOnce: 'pm_asks_once',
  takesTime: 'pm_takes_time',
  /** Declined for good. */
  lost: 'pm_lost',
  /** Can be kept, and every charge of it is declined. */
  chargedInVain: 'pm_charged_in_vain',
  captureRefused: 'pm_capture_refused',
  refundPending: 'pm_refund_pending',
  refundRefused: 'pm_refund_refused',
} as const;
