/**
 * What the contract of recurring payments needs beside the gateway's harness, and the steps that its parts share.
 * No logic of the adapters is repeated here.
 */
import type { RecurringGateway } from '../../src/application/ports.ts';
import type {
  ProcessorPayment,
  ProcessorReply,
  ProcessorSetup,
} from '../../src/domain/payment/processor-reply.ts';
import {
  AMOUNT,
  CURRENCY,
  newKey,
  paymentOf,
  RETURN_URL,
  type GatewayHarness,
} from './payment-gateway-subject.ts';

/** A processor that keeps methods and charges them while the payer is away. */
export interface RecurringHarness extends GatewayHarness {
  readonly recurring: RecurringGateway;
  readonly cards: {
    readonly approved: string;
    /** Wants the payer until it was set up. */
    readonly challengedOnce: string;
    /** Wants the payer for every charge. */
    readonly challengedAlways: string;
    /** Can be kept, and every charge of it is declined. */
    readonly chargedInVain: string;
    /** Declined for good. */
    readonly lost: string;
  };
  /** How the processor's ids look. */
  readonly ids: {
    readonly charge: RegExp;
    readonly setup: RegExp;
    readonly customer: RegExp;
    readonly method: RegExp;
  };
  readonly unknownCustomer: string;
  readonly unknownSetup: string;
}

/** The suite's parts read the harness when a test runs, because it starts after the tests are collected. */
export interface RecurringSubject {
  readonly harness: RecurringHarness;
  readonly gateway: GatewayHarness['gateway'];
  readonly recurring: RecurringGateway;
}

/** The setup of a reply; another reply fails the test. */
export function setupOf(reply: ProcessorReply): ProcessorSetup {
  if (reply.kind !== 'setup') throw new Error(`a setup was due: ${JSON.stringify(reply)}`);
  return reply.setup;
}

/** A new customer. */
export async function customer(subject: RecurringSubject): Promise<string> {
  const reply = await subject.recurring.openCustomer({ key: newKey(), memberId: 'usr_1' });
  if (reply.kind !== 'customer') throw new Error(`a customer was due: ${JSON.stringify(reply)}`);
  return reply.ref;
}

/** An unconfirmed charge of AMOUNT. */
export async function charge(
  subject: RecurringSubject,
  customerRef: string,
  key = newKey(),
): Promise<ProcessorPayment> {
  const reply = await subject.recurring.openCharge({
    key,
    amount: { amount: AMOUNT, currency: CURRENCY },
    customerRef,
    reference: { subscriptionId: `sub_${key}`, chargeId: `chg_${key}` },
    paymentMethod: null,
    returnUrl: null,
  });
  return paymentOf(reply);
}

/** Confirms a charge; the payer is there unless it says otherwise. */
export function confirmCharge(
  subject: RecurringSubject,
  ref: string,
  method: { readonly paymentMethod: string; readonly isOffSession?: boolean },
): Promise<ProcessorReply> {
  return subject.recurring.confirmCharge({
    key: newKey(),
    ref,
    paymentMethod: method.paymentMethod,
    returnUrl: method.isOffSession ? null : RETURN_URL,
    isOffSession: method.isOffSession ?? false,
  });
}

/** A charge while the payer is away. */
export async function renew(
  subject: RecurringSubject,
  kept: { readonly customerRef: string; readonly method: string },
): Promise<ProcessorReply> {
  const { ref } = await charge(subject, kept.customerRef);
  return confirmCharge(subject, ref, { paymentMethod: kept.method, isOffSession: true });
}

/** An unconfirmed setup. */
export async function setup(
  subject: RecurringSubject,
  customerRef: string,
  key = newKey(),
): Promise<ProcessorSetup> {
  const reference = { subscriptionId: `sub_${key}`, chargeId: `chg_${key}` };
  return setupOf(
    await subject.recurring.openSetup({ key, customerRef, reference, returnUrl: null }),
  );
}

/** Confirms a setup while the payer is there. */
export function confirmSetup(
  subject: RecurringSubject,
  ref: string,
  paymentMethod: string,
): Promise<ProcessorReply> {
  return subject.recurring.confirmSetup({
    key: newKey(),
    ref,
    paymentMethod,
    returnUrl: RETURN_URL,
  });
}

/** The token of what was kept; nothing kept fails the test. */
export function keptOf({ methodRef }: { readonly methodRef: string | null }): string {
  if (methodRef === null) throw new Error('a method was to be kept');
  return methodRef;
}
