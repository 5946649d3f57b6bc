/**
 * The objects of the processor in memory, and what happens to them without a call of ours: payers pay, fail and object,
 * somebody refunds by hand, what took its time is done. Calls, keys and faults are in fake-processor.ts, which builds on it.
 */
import type { Clock, GatewayCapabilities } from '../../src/application/ports.ts';
import type {
  Processor,
  ProcessorDispute,
  ProcessorPayment,
} from '../../src/domain/payment/processor-reply.ts';
import type { FakeRefund, ProcessorObject } from './fake-processor-model.ts';
import { disputeOf, feeOf } from './fake-processor-views.ts';

export abstract class FakeProcessorObjects {
  readonly processor: Processor;
  readonly capabilities: GatewayCapabilities;
  /** How long reserved funds stand. */
  authorizationMs = 7 * 24 * 3_600_000;
  /** Refunds wait for the payer to fetch them, as crypto's do. */
  areRefundsClaimed = false;
  readonly objects = new Map<string, ProcessorObject>();
  /** Told of every change that a webhook would tell of. */
  changed: (object: ProcessorObject) => void = () => undefined;
  protected readonly clock: Clock;

  constructor(clock: Clock, processor: Processor) {
    this.clock = clock;
    this.processor = processor;
    const isPush = processor === 'btcpay';
    this.capabilities = { authorizesFirst: !isPush, refunds: isPush ? 'claim' : 'api' };
  }

  /** The method that paid a subscription's charge is kept with its customer. */
  protected abstract keepMethod(object: ProcessorObject): void;

  /** The payer does what is asked of them: authorises a card, or pays an invoice (also one that has ended). */
  payerApproves(ref: string, amountMinor: number | null = null): void {
    const object = this.objectOf(ref);
    if (this.asksFirst) {
      if (object.state !== 'action_required') return;
      object.state = 'approved';
      object.wasApproved = true;
    } else if (this.capabilities.authorizesFirst) {
      if (!['action_required', 'created', 'failed'].includes(object.state)) return;
      this.take(object);
    } else {
      if (object.capturedMinor > 0) return;
      object.state = 'captured';
      object.capturedMinor = amountMinor ?? object.amountMinor;
      object.feeMinor = feeOf(object.capturedMinor);
    }
    this.changed(object);
  }

  /** More money is pushed to an invoice, whatever stands there; less than its price leaves it waiting. */
  payerPushes(ref: string, amountMinor: number): void {
    const object = this.objectOf(ref);
    if (this.capabilities.authorizesFirst) return;
    object.capturedMinor += amountMinor;
    object.feeMinor = feeOf(object.capturedMinor);
    if (object.capturedMinor >= object.amountMinor) object.state = 'captured';
    this.changed(object);
  }

  /** Somebody refunds at the processor, and we are not asked. */
  refundByHand(ref: string, amountMinor: number): void {
    this.giveBack(this.objectOf(ref), { amountMinor, refundId: null, status: 'succeeded' });
  }

  /** Somebody takes reserved funds at the processor, and we are not asked. */
  captureByHand(ref: string): void {
    const object = this.objectOf(ref);
    object.capturedMinor = object.amountMinor;
    object.feeMinor = feeOf(object.amountMinor);
    object.state = 'captured';
    this.changed(object);
  }

  /** A refund that had gone comes back, days later: the account that it went to is closed. */
  refundComesBack(ref: string): void {
    const object = this.objectOf(ref);
    const refund = object.refunds.findLast(({ status }) => status === 'succeeded');
    if (refund === undefined) return;
    refund.status = 'failed';
    object.refundedMinor -= refund.amountMinor;
    this.changed(object);
  }

  /** The payer objects to a payment, or the objection goes on. */
  dispute(
    ref: string,
    status: ProcessorDispute['status'],
    amountMinor: number | null = null,
  ): void {
    const object = this.objectOf(ref);
    object.disputes = [disputeOf(object, { status, amountMinor, nowMs: this.clock.nowMs() })];
    this.changed(object);
  }

  /** The payer fails or gives up on a card. */
  payerFails(ref: string): void {
    const object = this.objectOf(ref);
    if (object.state !== 'action_required' || !this.capabilities.authorizesFirst) return;
    this.decline(object);
  }

  /** What the processor was still working on is done. */
  finishPending(ref: string): void {
    const object = this.objectOf(ref);
    if (object.state === 'pending') this.take(object);
    for (const refund of object.refunds) {
      if (refund.status !== 'pending') continue;
      refund.status = 'succeeded';
      object.refundedMinor += refund.amountMinor;
    }
    this.changed(object);
  }

  /** Authorisations and sessions that are older end by themselves. */
  expire(ref: string): void {
    const object = this.objectOf(ref);
    if (['captured', 'voided', 'expired', 'pending'].includes(object.state)) return;
    object.state = 'expired';
    this.changed(object);
  }

  objectOf(ref: string): ProcessorObject {
    const object = this.objects.get(ref);
    if (object === undefined) throw new Error(`the processor has no ${ref}`);
    return object;
  }

  /** The payer agrees to an order first; then it is authorised by us. */
  protected get asksFirst(): boolean {
    return this.processor === 'paypal';
  }

  protected giveBack(
    object: ProcessorObject,
    made: Pick<FakeRefund, 'amountMinor' | 'refundId' | 'status'>,
  ): FakeRefund {
    const ref = `${object.ref}_refund_${object.refunds.length + 1}`;
    const claimUrl = this.areRefundsClaimed ? `https://pay.test/claim/${ref}` : null;
    const refund: FakeRefund = { ref, claimUrl, ...made };
    object.refunds.push(refund);
    if (refund.status === 'succeeded') object.refundedMinor += refund.amountMinor;
    this.changed(object);
    return refund;
  }

  /** The payer's yes: funds are reserved for a booking, and captured at once for a subscription. */
  protected take(object: ProcessorObject): void {
    object.authorizedMinor = object.amountMinor;
    object.declineCode = null;
    if (object.customerRef === null) {
      object.captureBeforeMs = this.clock.nowMs() + this.authorizationMs;
      this.move(object, 'authorized');
      return;
    }
    object.capturedMinor = object.amountMinor;
    object.feeMinor = feeOf(object.amountMinor);
    object.action = null;
    this.keepMethod(object);
    this.move(object, 'captured');
  }

  protected ask(object: ProcessorObject): void {
    object.action = { type: 'redirect', url: `https://pay.test/${object.ref}` };
    this.move(object, 'action_required');
  }

  protected decline(object: ProcessorObject, code = 'card_declined'): void {
    object.declineCode = code;
    object.methodRef = null;
    this.move(object, 'failed');
  }

  protected move(object: ProcessorObject, state: ProcessorPayment['state']): void {
    object.state = state;
    this.changed(object);
  }
}
