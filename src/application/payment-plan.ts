/**
 * Facts and limits of a booking's money that several commands share. Pure.
 */
import type { Booking, Operation, Payment } from '../domain/booking/booking.ts';
import type { Hold } from '../domain/hold/hold.ts';
import { ACTIVE_PAYMENT_STATES } from '../domain/payment/payment-machine.ts';
import { OPEN_OPERATION_STATES, type OperationKind } from '../domain/payment/operation-machine.ts';
import { MINUTE_MS, SECOND_MS, type EpochMs } from '../domain/time.ts';

/** How long the caller that runs an operation has it to itself: longer than a gateway's own time-out of 10 s. */
export const OPERATION_LEASE_MS = 15 * SECOND_MS;

/** An authorisation that ends sooner than this is not worth a capture that may come too late. */
export const CAPTURE_MARGIN_MS = 60 * SECOND_MS;

/** How often a call that a processor answered with a fault is tried anew within one pass. */
export const FAULT_RETRIES_MAX = 2;

/** Waits between looks at a payment that does not settle; the last one repeats. */
const BACK_OFF_MS: readonly number[] = [
  2 * SECOND_MS,
  5 * SECOND_MS,
  15 * SECOND_MS,
  MINUTE_MS,
  2 * MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  60 * MINUTE_MS,
];

/** When to look again after so many looks in a row that settled nothing. */
export function nextLookAtMs(nowMs: EpochMs, fruitlessLooks: number): EpochMs {
  return nowMs + (BACK_OFF_MS[Math.min(fruitlessLooks, BACK_OFF_MS.length - 1)] as number);
}

/** True while the attempt may still bring money. */
export function isPaymentOpen(payment: Payment): boolean {
  return ACTIVE_PAYMENT_STATES.has(payment.state);
}

/** True once money came, whatever became of it since. */
export function isPaid(payment: Payment): boolean {
  return payment.state === 'captured' || payment.state === 'refunded';
}

/** Somebody must look by now. */
export function isDue({ nowMs }: { nowMs: EpochMs }, { dueAtMs }: Payment): boolean {
  return dueAtMs !== null && dueAtMs <= nowMs;
}

/** True while the operation waits for an answer. */
export function isOperationOpen(operation: Operation): boolean {
  return OPEN_OPERATION_STATES.has(operation.state);
}

/** True when the booking still wants this attempt to succeed: its hold stands and nobody asked to end it. */
export function isWanted(booking: Booking, hold: Hold | null, payment: Payment): boolean {
  if (payment.successor !== null) return false;
  // A pledge keeps its claim while its funds are reserved anew.
  const isRenewed = booking.state === 'awaiting_approval' && hold?.state === 'committed';
  return isRenewed || (booking.state === 'pending' && hold?.state === 'active');
}

/** Our key at the processor: one per operation and try, made of durable ids, so that a repeat is the same call. */
export function operationKey(payment: Payment, kind: OperationKind, seq: number | string): string {
  return `${payment.id}:${kind}:${seq}`;
}
