/**
 * A payment processor in memory, spoken to through the gateway's interface: it keeps its own books, honours idempotency
 * keys, stores faults under them as Stripe does, and fails when it is told to. The wire protocols are tested elsewhere.
 */
import type {
  BookingReference,
  Clock,
  GatewayCapabilities,
  ListedPayment,
  PaymentGateway,
  WebhookEvent,
} from '../../src/application/ports.ts';
import type {
  Processor,
  ProcessorDispute,
  ProcessorPayment,
  ProcessorReply,
} from '../../src/domain/payment/processor-reply.ts';
import {
  METHODS,
  type CallKind,
  type Fault,
  type FakeRefund,
  type ProcessorObject,
  type SeenCall,
} from './fake-processor-model.ts';
import {
  disputeOf,
  feeOf,
  listedState,
  newObject,
  referenceOf,
  shown,
  shownRefund,
} from './fake-processor-views.ts';
import { FakeRecurring } from './fake-recurring.ts';

export { METHODS, type CallKind, type Fault, type ProcessorObject, type SeenCall };

const AUTHORIZATION_MS = 7 * 24 * 3_600_000;

export class FakeProcessor implements PaymentGateway {
  readonly processor: Processor;
  readonly capabilities: GatewayCapabilities;
  /** Refunds wait for the payer to fetch them, as crypto's do. */
  areRefundsClaimed = false;
  readonly recurring: FakeRecurring;
  readonly objects = new Map<string, ProcessorObject>();
  readonly calls: SeenCall[] = [];
  /** Asked before each call; null lets it pass. */
  faultFor: (call: SeenCall) => Fault | null = () => null;
  /** Told of every change that a webhook would tell of. */
  changed: (object: ProcessorObject) => void = () => undefined;
  readonly #clock: Clock;
  readonly #answers = new Map<string, ProcessorReply>();
  readonly #underWay: (() => void)[] = [];

  constructor(clock: Clock, processor: Processor = 'stripe') {
    this.#clock = clock;
    this.processor = processor;
    const isPush = processor === 'btcpay';
    this.capabilities = { authorizesFirst: !isPush, refunds: isPush ? 'claim' : 'api' };
    this.recurring = new FakeRecurring({
      processor,
      isPush: !this.capabilities.authorizesFirst,
      call: (seen, work) => this.#call(seen, work),
      read: (seen, look) => this.#read(seen, look),
      find: (ref) => this.objects.get(ref),
      openObject: (request) => this.#open(request),
      ask: (object) => {
        this.#ask(object);
      },
      wait: (object) => {
        this.#move(object, 'pending');
      },
      take: (object) => {
        this.#take(object);
      },
      decline: (object, code) => {
        this.#decline(object, code);
      },
      show: (object) => this.#show(object),
    });
  }

  async open(request: {
    key: string;
    amount: { amount: number; currency: string };
    reference: BookingReference;
  }): Promise<ProcessorReply> {
    const { bookingId, paymentId } = request.reference;
    return this.#call({ kind: 'open', key: request.key, ref: null }, () =>
      this.#open({
        amount: request.amount,
        metadata: { booking_id: bookingId, payment_id: paymentId },
        customerRef: null,
      }),
    );
  }

  async authorize(request: {
    key: string;
    ref: string;
    paymentMethod: string;
  }): Promise<ProcessorReply> {
    return this.#onObject('authorize', request, (object) => {
      // An order is authorised once its payer has agreed, and without a method.
      const from = this.#asksFirst ? ['approved'] : ['created', 'failed', 'action_required'];
      if (!from.includes(object.state)) return { kind: 'already_done' };
      if (!this.#asksFirst) object.paymentMethod = request.paymentMethod;
      object.methodRef = object.paymentMethod;
      switch (request.paymentMethod) {
        case METHODS.declines:
          this.#decline(object);
          return {
            kind: 'declined',
            code: 'card_declined',
            retry: 'payer',
            payment: shown(object),
          };
        case METHODS.asksPayer:
          this.#ask(object);
          break;
        case METHODS.takesTime:
          this.#move(object, 'pending');
          break;
        default:
          this.#take(object);
          this.changed(object); // Told twice, as processors do now and then.
      }
      return this.#show(object);
    });
  }

  async fetch(ref: string): Promise<ProcessorReply> {
    return this.#read({ kind: 'fetch', key: null, ref }, () => {
      const object = this.objects.get(ref);
      return object === undefined ? { kind: 'missing' } : this.#show(object);
    });
  }

  async fetchRefund(ref: string): Promise<ProcessorReply> {
    return this.#read({ kind: 'fetch_refund', key: null, ref }, () => {
      const all = [...this.objects.values()].flatMap(({ refunds }) => refunds);
      const refund = all.find((one) => one.ref === ref);
      return refund === undefined ? { kind: 'missing' } : shownRefund(refund);
    });
  }

  async findRefund(request: { ref: string; refundId: string }): Promise<ProcessorReply> {
    return this.#read({ kind: 'find_refund', key: null, ref: request.ref }, () => {
      const refund = this.objects
        .get(request.ref)
        ?.refunds.find(({ refundId }) => refundId === request.refundId);
      return refund === undefined ? { kind: 'missing' } : shownRefund(refund);
    });
  }

  async capture(request: {
    key: string;
    ref: string;
    amountMinor: number;
  }): Promise<ProcessorReply> {
    return this.#onObject('capture', request, (object) => {
      if (object.state !== 'authorized') return { kind: 'already_done' };
      if (object.paymentMethod === METHODS.captureRefused) {
        this.#decline(object);
        return { kind: 'declined', code: 'capture_refused', retry: 'never', payment: null };
      }
      object.state = 'captured';
      object.capturedMinor = request.amountMinor;
      object.feeMinor = feeOf(request.amountMinor);
      this.changed(object);
      return this.#show(object);
    });
  }

  async void(request: { key: string; ref: string }): Promise<ProcessorReply> {
    return this.#onObject('void', request, (object) => {
      const open = ['created', 'failed', 'action_required', 'approved', 'authorized'];
      if (!open.includes(object.state)) return { kind: 'already_done' };
      object.state = 'voided';
      this.changed(object);
      return this.#show(object);
    });
  }

  async refund(request: {
    key: string;
    ref: string;
    amountMinor: number;
    refundId: string;
  }): Promise<ProcessorReply> {
    return this.#onObject('refund', request, (object) => {
      const asked = object.refunds
        .filter(({ status }) => status !== 'failed')
        .reduce((total, refund) => total + refund.amountMinor, 0);
      if (asked + request.amountMinor > object.capturedMinor) return { kind: 'already_done' };
      if (object.paymentMethod === METHODS.refundRefused)
        return { kind: 'declined', code: 'refund_refused', retry: 'never', payment: null };
      if (object.disputes.some(({ status }) => status === 'open' || status === 'under_review'))
        return { kind: 'declined', code: 'charge_disputed', retry: 'never', payment: null };
      const takesTime = object.paymentMethod === METHODS.refundPending || this.areRefundsClaimed;
      return shownRefund(
        this.#giveBack(object, {
          amountMinor: request.amountMinor,
          refundId: request.refundId,
          status: takesTime ? 'pending' : 'succeeded',
        }),
      );
    });
  }

  async listSince(): Promise<{ payments: readonly ListedPayment[]; next: string | null }> {
    const payments = [...this.objects.values()].map((object) => ({
      ref: object.ref,
      state: listedState(object),
      reference: referenceOf(object),
      createdAtMs: object.createdAtMs,
      capturedMinor: object.capturedMinor,
      refundedMinor: object.refundedMinor,
    }));
    return { payments: payments.toReversed(), next: null };
  }

  /** An event is the JSON of its id and its object; there is no signature to be wrong. */
  async readWebhook(request: { rawBody: string; nowMs: number }): Promise<WebhookEvent> {
    const { id, ref } = JSON.parse(request.rawBody) as { id: string; ref: string };
    return {
      dedupeKey: id,
      type: 'payment.changed',
      objectRef: ref,
      reference: referenceOf(this.objects.get(ref) ?? this.recurring.setupOf(ref)),
      isExpected: true,
      occurredAtMs: request.nowMs,
    };
  }

  /** The payer does what is asked of them: authorises a card, or pays an invoice (also one that has ended). */
  payerApproves(ref: string, amountMinor: number | null = null): void {
    const object = this.objectOf(ref);
    if (this.#asksFirst) {
      if (object.state !== 'action_required') return;
      object.state = 'approved';
      object.wasApproved = true;
    } else if (this.capabilities.authorizesFirst) {
      if (!['action_required', 'created', 'failed'].includes(object.state)) return;
      this.#take(object);
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
    this.#giveBack(this.objectOf(ref), { amountMinor, refundId: null, status: 'succeeded' });
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
    object.disputes = [disputeOf(object, { status, amountMinor, nowMs: this.#clock.nowMs() })];
    this.changed(object);
  }

  /** The payer fails or gives up on a card. */
  payerFails(ref: string): void {
    const object = this.objectOf(ref);
    if (object.state !== 'action_required' || !this.capabilities.authorizesFirst) return;
    this.#decline(object);
  }

  /** What the processor was still working on is done. */
  finishPending(ref: string): void {
    const object = this.objectOf(ref);
    if (object.state === 'pending') this.#take(object);
    for (const refund of object.refunds) {
      if (refund.status !== 'pending') continue;
      refund.status = 'succeeded';
      object.refundedMinor += refund.amountMinor;
    }
    this.changed(object);
  }

  /** The payer agrees to an order first; then it is authorised by us. */
  get #asksFirst(): boolean {
    return this.processor === 'paypal';
  }

  #giveBack(
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

  /** Authorisations and sessions that are older end by themselves. */
  expire(ref: string): void {
    const object = this.objectOf(ref);
    if (['captured', 'voided', 'expired', 'pending'].includes(object.state)) return;
    object.state = 'expired';
    this.changed(object);
  }

  /** Calls that were on their way when the caller gave up arrive now. */
  deliverLate(): number {
    const late = this.#underWay.splice(0);
    for (const arrive of late) arrive();
    return late.length;
  }

  objectOf(ref: string): ProcessorObject {
    const object = this.objects.get(ref);
    if (object === undefined) throw new Error(`the processor has no ${ref}`);
    return object;
  }

  #open(request: {
    amount: { amount: number; currency: string };
    metadata: { readonly [key: string]: string };
    customerRef: string | null;
  }): ProcessorReply {
    const ref = `${this.processor}_${this.objects.size + 1}`;
    const isPush = !this.capabilities.authorizesFirst;
    const asksPayer = isPush || (this.#asksFirst && request.customerRef === null);
    const createdAtMs = this.#clock.nowMs();
    const object = newObject({ ...request, ref, asksPayer, createdAtMs });
    this.objects.set(ref, object);
    return this.#show(object);
  }

  /** The payer's yes: funds are reserved for a booking, and captured at once for a subscription. */
  #take(object: ProcessorObject): void {
    object.authorizedMinor = object.amountMinor;
    object.declineCode = null;
    if (object.customerRef === null) {
      object.captureBeforeMs = this.#clock.nowMs() + AUTHORIZATION_MS;
      this.#move(object, 'authorized');
      return;
    }
    object.capturedMinor = object.amountMinor;
    object.feeMinor = feeOf(object.amountMinor);
    object.action = null;
    this.recurring.keepWith(object);
    this.#move(object, 'captured');
  }

  #ask(object: ProcessorObject): void {
    object.action = { type: 'redirect', url: `https://pay.test/${object.ref}` };
    this.#move(object, 'action_required');
  }

  #decline(object: ProcessorObject, code = 'card_declined'): void {
    object.declineCode = code;
    object.methodRef = null;
    this.#move(object, 'failed');
  }

  #move(object: ProcessorObject, state: ProcessorPayment['state']): void {
    object.state = state;
    this.changed(object);
  }

  #show(object: ProcessorObject): ProcessorReply & { kind: 'payment' } {
    return { kind: 'payment', payment: shown(object) };
  }

  #read(call: SeenCall, look: () => ProcessorReply): ProcessorReply {
    this.calls.push(call);
    const fault = this.faultFor(call);
    if (fault !== null && typeof fault !== 'string') return fault;
    if (fault === 'busy') return { kind: 'unavailable', reason: 'rate limited' };
    return fault === null ? look() : { kind: 'no_answer', reason: fault };
  }

  #onObject(
    kind: CallKind,
    request: { key: string; ref: string },
    work: (object: ProcessorObject) => ProcessorReply,
  ): ProcessorReply {
    return this.#call({ kind, key: request.key, ref: request.ref }, () => {
      const object = this.objects.get(request.ref);
      return object === undefined ? { kind: 'missing' } : work(object);
    });
  }

  /** One call under a key: done once, answered the same for ever, and lost or broken as the test says. */
  #call(call: SeenCall & { key: string }, work: () => ProcessorReply): ProcessorReply {
    this.calls.push(call);
    const fault = this.faultFor(call);
    const doOnce = (): ProcessorReply => {
      const known = this.#answers.get(call.key);
      if (known !== undefined) return known;
      const answer = work();
      this.#answers.set(call.key, answer);
      return answer;
    };
    if (fault !== null && typeof fault !== 'string') return fault;
    switch (fault) {
      case null:
        return doOnce();
      case 'busy':
        return { kind: 'unavailable', reason: 'rate limited' };
      case 'lost_before':
        return { kind: 'no_answer', reason: fault };
      case 'lost_late':
        this.#underWay.push(doOnce);
        return { kind: 'no_answer', reason: fault };
      case 'lost_after':
        doOnce();
        return { kind: 'no_answer', reason: fault };
      case 'fault_before':
      case 'fault_after': {
        if (this.#answers.has(call.key)) return doOnce();
        if (fault === 'fault_after') work();
        const answer: ProcessorReply = { kind: 'server_error', reason: 'HTTP 500' };
        this.#answers.set(call.key, answer);
        return answer;
      }
    }
  }
}
