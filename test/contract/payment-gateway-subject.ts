/**
 * The harness that a processor's contract test supplies, and the steps that the parts of the contract share.
 * No logic of the adapters is repeated here.
 */
import { expect } from 'vitest';
import type { PaymentGateway, PaymentReference } from '../../src/application/ports.ts';
import type {
  ProcessorPayment,
  ProcessorRefund,
  ProcessorReply,
} from '../../src/domain/payment/processor-reply.ts';

/** One movement in the processor's own books. */
export interface Movement {
  readonly kind: string;
  readonly amount: number;
  readonly status: string;
  readonly metadata: unknown;
}

/** A call that the fault script can hit. */
export type FaultyOperation =
  | 'create'
  | 'confirm'
  | 'capture'
  | 'void'
  | 'refund'
  | 'fetch'
  | 'list';

/** What the fault script can do to a call. */
export type Fault = 'timeout_before' | 'timeout_after' | 'http_500' | 'http_429' | 'reset';

/** A declining payment method and the reply it must bring. */
export interface DeclineCase {
  readonly method: string;
  readonly code: string;
  readonly retry: 'never' | 'later' | 'payer';
}

/** An adapter, its processor, and hands on both. Times are epoch milliseconds. */
export interface GatewayHarness {
  readonly gateway: PaymentGateway;
  /** The same processor with credentials that it does not know. */
  readonly stranger: PaymentGateway;
  readonly methods: {
    readonly approved: string;
    readonly challenged: string;
    readonly unknown: string;
  };
  readonly declines: readonly DeclineCase[];
  readonly unknownRef: string;
  nowMs(): number;
  /** Hits the next call of the operation. */
  setFault(operation: FaultyOperation, fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
  actAsPayer(ref: string, action: 'approve' | 'authenticate' | 'fail'): Promise<void>;
  /** Moves the lifetimes of the processor's objects. */
  advanceSeconds(seconds: number): Promise<void>;
  movements(ref: string): Promise<Movement[]>;
  /** How many calls the processor has received with this key. */
  countCalls(key: string): Promise<number>;
  /** An event about a payment, byte for byte as the processor delivered it, with its headers. */
  deliveredEvent(ref: string): Promise<{ readonly rawBody: string; readonly headers: Headers }>;
  /** The header in which the processor signs. */
  sign(request: {
    body: string;
    atMs: number;
    secret: 'current' | 'previous' | 'wrong';
  }): Promise<Headers>;
  close(): Promise<void>;
}

/** What is paid in every test, in minor units. */
export const AMOUNT = 12_345;
export const CURRENCY = 'eur';
export const RETURN_URL = 'https://shop.example/done';
export const MINUTE_MS = 60_000;

let sequence = 0;

/** A key that no other test has used. */
export function newKey(): string {
  sequence += 1;
  return `test:${String(sequence)}`;
}

/** The payment of a reply; another reply fails the test. */
export function paymentOf(reply: ProcessorReply): ProcessorPayment {
  if (reply.kind !== 'payment') throw new Error(`a payment was due: ${JSON.stringify(reply)}`);
  return reply.payment;
}

/** The refund of a reply; another reply fails the test. */
export function refundOf(reply: ProcessorReply): ProcessorRefund {
  if (reply.kind !== 'refund') throw new Error(`a refund was due: ${JSON.stringify(reply)}`);
  return reply.refund;
}

/** Our id of a booking's payment in a reference. */
export function paymentIdOf(reference: PaymentReference | null | undefined): string | undefined {
  return reference && 'paymentId' in reference ? reference.paymentId : undefined;
}

/** The suite's parts read the harness when a test runs, because it starts after the tests are collected. */
export interface Subject {
  readonly harness: GatewayHarness;
  readonly gateway: PaymentGateway;
}

/** Opens a payment of AMOUNT. */
export async function open(subject: Subject, key = newKey()): Promise<ProcessorPayment> {
  const reply = await subject.gateway.open({
    key,
    amount: { amount: AMOUNT, currency: CURRENCY },
    reference: { bookingId: `bkg_${key}`, paymentId: `pay_${key}` },
  });
  return paymentOf(reply);
}

/** Authorises with a payment method. */
export function confirm(
  subject: Subject,
  ref: string,
  paymentMethod: string,
): Promise<ProcessorReply> {
  return subject.gateway.authorize({ key: newKey(), ref, paymentMethod, returnUrl: RETURN_URL });
}

/** The reference of an authorised payment. */
export async function authorized(subject: Subject): Promise<string> {
  const { ref } = await open(subject);
  const reply = await confirm(subject, ref, subject.harness.methods.approved);
  expect(paymentOf(reply).state).toBe('authorized');
  return ref;
}

/** The reference of a captured payment. */
export async function captured(subject: Subject): Promise<string> {
  const ref = await authorized(subject);
  paymentOf(await subject.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT }));
  return ref;
}

/** The payment as the processor shows it now. */
export async function fetched(subject: Subject, ref: string): Promise<ProcessorPayment> {
  return paymentOf(await subject.gateway.fetch(ref));
}

/** A payment’s rows of one kind in the processor’s books. */
export async function movementsOf(
  subject: Subject,
  ref: string,
  kind: string,
): Promise<Movement[]> {
  return (await subject.harness.movements(ref)).filter((movement) => movement.kind === kind);
}
