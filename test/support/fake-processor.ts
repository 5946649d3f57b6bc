/**
 * A payment processor in memory, spoken to through the gateway's interface: it keeps its own books, honours idempotency
 * keys, stores faults under them as Stripe does, and fails when it is told to. The wire protocols are tested elsewhere.
 */
import type {
  BookingReference,
  Clock,
  ListedDispute,
  ListedPayment,
  PaymentGateway,
  WebhookEvent,
} from '../../src/application/ports.ts';
import type { Processor, ProcessorReply } from '../../src/domain/payment/processor-reply.ts';
import {
  METHODS,
  type CallKind,
  type Fault,
  type ProcessorObject,
  type SeenCall,
} from './fake-processor-model.ts';
import {
  feeOf,
  listedState,
  newObject,
  referenceOf,
  shown,
  shownRefund,
} from './fake-processor-views.ts';
import { FakeProcessorObjects } from './fake-processor-objects.ts';
import { FakeRecurring } from './fake-recurring.ts';

export { METHODS, type CallKind, type Fault, type ProcessorObject, type SeenCall };

export class FakeProcessor extends FakeProcessorObjects implements PaymentGateway {
  readonly recurring: FakeRecurring;
  readonly calls: SeenCall[] = [];
  /** Asked before each call; null lets it pass. */
  faultFor: (call: SeenCall) => Fault | null = () => null;
  readonly #answers = new Map<string, ProcessorReply>();
  readonly #underWay: (() => void)[] = [];

  constructor(clock: Clock, processor: Processor = 'stripe') {
    super(clock, processor);
    this.recurring = new FakeRecurring({
      processor,
      isPush: !this.capabilities.authorizesFirst,
      call: (seen, work) => this.#call(seen, work),
      read: (seen, look) => this.#read(seen, look),
      find: (ref) => this.objects.get(ref),
      openObject: (request) => this.#open(request),
      ask: (object) => {
        this.ask(object);
      },
      wait: (object) => {
        this.move(object, 'pending');
      },
      take: (object) => {
        this.take(object);
      },
      decline: (object, code) => {
        this.decline(object, code);
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
    customerRef?: string | null;
  }): Promise<ProcessorReply> {
    return this.#onObject('authorize', request, (object) => {
      const kept = this.recurring.kept.get(request.paymentMethod);
      if (kept !== undefined && kept.customerRef !== request.customerRef) {
        this.decline(object);
        const payment = shown(object);
        return { kind: 'declined', code: 'payment_method_invalid', retry: 'payer', payment };
      }
      // An order is authorised once its payer has agreed, and without a method.
      const from = this.asksFirst ? ['approved'] : ['created', 'failed', 'action_required'];
      if (!from.includes(object.state)) return { kind: 'already_done' };
      if (!this.asksFirst) object.paymentMethod = request.paymentMethod;
      object.methodRef = object.paymentMethod;
      switch (kept?.behaviour ?? request.paymentMethod) {
        case METHODS.declines:
          this.decline(object);
          return {
            kind: 'declined',
            code: 'card_declined',
            retry: 'payer',
            payment: shown(object),
          };
        case METHODS.asksPayer:
          this.ask(object);
          break;
        case METHODS.takesTime:
          this.move(object, 'pending');
          break;
        default:
          this.take(object);
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
        this.decline(object);
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
        this.giveBack(object, {
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
      currency: object.currency,
    }));
    return { payments: payments.toReversed(), next: null };
  }

  async listDisputesSince(): Promise<{ disputes: readonly ListedDispute[]; next: string | null }> {
    const disputes = [...this.objects.values()].flatMap((object) =>
      object.disputes.map(({ ref }) => ({ ref, reference: referenceOf(object) })),
    );
    return { disputes: disputes.toReversed(), next: null };
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

  /** Calls that were on their way when the caller gave up arrive now. */
  deliverLate(): number {
    const late = this.#underWay.splice(0);
    for (const arrive of late) arrive();
    return late.length;
  }

  protected override keepMethod(object: ProcessorObject): void {
    this.recurring.keepWith(object);
  }

  #open(request: {
    amount: { amount: number; currency: string };
    metadata: { readonly [key: string]: string };
    customerRef: string | null;
  }): ProcessorReply {
    const ref = `${this.processor}_${this.objects.size + 1}`;
    const isPush = !this.capabilities.authorizesFirst;
    const asksPayer = isPush || (this.asksFirst && request.customerRef === null);
    const createdAtMs = this.clock.nowMs();
    const object = newObject({ ...request, ref, asksPayer, createdAtMs });
    this.objects.set(ref, object);
    return this.#show(object);
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
