/**
 * The harness that a processor's contract test supplies, and the steps that the parts of the contract share.
 * No logic of the adapters is repeated here.
 */
import { expect, it } from 'vitest';
import type {
  ListedPayment,
  PaymentGateway,
  PaymentReference,
} from '../../src/application/ports.ts';
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

/** What differs between processors by their nature. The promises follow it; see describePaymentGateway. */
export interface GatewayTraits {
  /**
   * direct: we confirm with a method that the payer named. redirect: the payer approves on the processor's page, then we
   * authorise. push: the payer sends the money, and nothing is asked of us.
   */
  readonly flow: 'direct' | 'redirect' | 'push';
  readonly refunds: 'api' | 'claim';
  /** A fault is stored under its key and answered again under it. */
  readonly storesFaults: boolean;
  /** After so many days an authorisation has lapsed for good; null where nothing is authorised. */
  readonly authorizationDays: number | null;
  /** How far a webhook's time may lie from ours, in seconds. */
  readonly webhookAgeSeconds: { readonly past: number; readonly future: number };
  /** Promises that this processor cannot keep: the name of the test, and why. */
  readonly exceptions: Readonly<Record<string, string>>;
}

/** Cards with manual capture. */
export const DIRECT_TRAITS: GatewayTraits = {
  flow: 'direct',
  refunds: 'api',
  storesFaults: true,
  authorizationDays: 7,
  webhookAgeSeconds: { past: 300, future: 300 },
  exceptions: {},
};

/** What a payer does where the money comes by itself; amounts are minor units of the payment's currency. */
export interface PushHands {
  /** Sends money that is not certain yet. */
  pay(ref: string, amountMinor: number): Promise<void>;
  /** Makes what was sent certain. */
  settle(ref: string): Promise<void>;
  /** After so many seconds an unpaid payment has expired. */
  readonly expirySeconds: number;
}

/** A webhook as it is received. */
export interface Delivery {
  readonly rawBody: string;
  readonly headers: Headers;
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
  /** `method` is what the payer chooses on the processor's page, where the flow is redirect. */
  actAsPayer(
    ref: string,
    action: 'approve' | 'authenticate' | 'fail',
    method?: string,
  ): Promise<void>;
  /** Present where the flow is push. */
  readonly push?: PushHands;
  /** Fetches a refund as its payer, to the end; present where refunds are claimed. */
  claimRefund?(refundRef: string): Promise<void>;
  /** Moves the lifetimes of the processor's objects. */
  advanceSeconds(seconds: number): Promise<void>;
  movements(ref: string): Promise<Movement[]>;
  /** How many calls the processor has received with this key. */
  countCalls(key: string): Promise<number>;
  /** An event about a payment, byte for byte as the processor delivered it, with its headers. */
  deliveredEvent(ref: string): Promise<Delivery>;
  /** The header in which the processor signs; with the body, where the time that counts is in the body. */
  sign(request: {
    body: string;
    atMs: number;
    secret: 'current' | 'previous' | 'wrong';
  }): Promise<Headers | Delivery>;
  /** The cursor that goes on behind a row of the list; its reference, where this is left out. */
  cursorAfter?(row: ListedPayment, index: number): string;
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

/** What the parts of the contract run on. */
export interface Contract extends Subject {
  readonly traits: GatewayTraits;
  /** Exceptions that were met; one that is never met names no promise. */
  readonly excepted: Set<string>;
}

/** Registers a promise, unless the processor is excepted from it. */
export function promisesOf(contract: Contract) {
  return (name: string, run: () => Promise<void>): void => {
    if (Object.hasOwn(contract.traits.exceptions, name)) contract.excepted.add(name);
    else it(name, run);
  };
}

/** Opens a payment of AMOUNT. */
export async function open(subject: Subject, key = newKey()): Promise<ProcessorPayment> {
  const reply = await subject.gateway.open({
    key,
    amount: { amount: AMOUNT, currency: CURRENCY },
    reference: { bookingId: `bkg_${key}`, paymentId: `pay_${key}` },
    returnUrl: null,
  });
  return paymentOf(reply);
}

/** Authorises with a payment method: named by us, or chosen by the payer on the processor's page. */
export async function confirm(
  contract: Contract,
  ref: string,
  paymentMethod: string,
): Promise<ProcessorReply> {
  if (contract.traits.flow === 'redirect') {
    await contract.harness.actAsPayer(ref, 'approve', paymentMethod);
  }
  return contract.gateway.authorize({
    key: newKey(),
    ref,
    paymentMethod: contract.traits.flow === 'redirect' ? '' : paymentMethod,
    returnUrl: RETURN_URL,
  });
}

/** The reference of an authorised payment. */
export async function authorized(contract: Contract): Promise<string> {
  const { ref } = await open(contract);
  const reply = await confirm(contract, ref, contract.harness.methods.approved);
  expect(paymentOf(reply).state).toBe('authorized');
  return ref;
}

/** The reference of a captured payment. */
export async function captured(contract: Contract): Promise<string> {
  if (contract.traits.flow === 'push') return pushed(contract, AMOUNT);
  const ref = await authorized(contract);
  paymentOf(await contract.gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT }));
  return ref;
}

/** The hands of a payer who sends money; a harness without them fails the test. */
export function pushHands({ harness }: Subject): PushHands {
  if (harness.push === undefined) throw new Error('the harness has no hands to push with');
  return harness.push;
}

/** The reference of a payment that so much was sent for, for certain. */
export async function pushed(subject: Subject, amountMinor: number): Promise<string> {
  const { ref } = await open(subject);
  await pushHands(subject).pay(ref, amountMinor);
  await pushHands(subject).settle(ref);
  return ref;
}

/** Lets the payer fetch a refund, where it does not come by itself. */
export async function collect(contract: Contract, refundRef: string): Promise<void> {
  if (contract.traits.refunds === 'api') return;
  const { harness } = contract;
  if (harness.claimRefund === undefined) throw new Error('the harness cannot claim a refund');
  await harness.claimRefund(refundRef);
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
