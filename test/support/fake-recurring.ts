/**
 * The recurring part of the processor in memory: customers, methods that are kept, charges that capture at once.
 * Its payments are objects of the processor like any other; keys and faults are the processor's. Made by FakeProcessor.
 */
import type {
  MethodReference,
  RecurringGateway,
  SubscriptionReference,
} from '../../src/application/ports.ts';
import type {
  PaymentAction,
  ProcessorReply,
  ProcessorSetup,
} from '../../src/domain/payment/processor-reply.ts';
import {
  METHODS,
  type CallKind,
  type Mutable,
  type ProcessorObject,
} from './fake-processor-model.ts';

/** One setup as the processor has it. */
export interface FakeSetup extends Mutable<ProcessorSetup> {
  readonly customerRef: string;
  /** What the payer offered, before it is kept. */
  offered: string | null;
}

/** What the processor lends. */
export interface RecurringHands {
  readonly processor: string;
  /** The payer pushes money; nothing can be kept. */
  readonly isPush: boolean;
  call(seen: { kind: CallKind; key: string; ref: string | null }, work: Work): ProcessorReply;
  read(seen: { kind: CallKind; key: null; ref: string }, look: Work): ProcessorReply;
  find(ref: string): ProcessorObject | undefined;
  openObject(request: {
    amount: { amount: number; currency: string };
    metadata: { readonly [key: string]: string };
    customerRef: string;
  }): ProcessorReply;
  ask(object: ProcessorObject): void;
  wait(object: ProcessorObject): void;
  take(object: ProcessorObject): void;
  decline(object: ProcessorObject, code: string): void;
  show(object: ProcessorObject): ProcessorReply & { kind: 'payment' };
}

type Work = () => ProcessorReply;

interface KeptMethod {
  readonly customerRef: string;
  /** One of METHODS, or anything else for a card that works. */
  behaviour: string;
  /** The payer agreed to charges without them. */
  isSetUp: boolean;
}

type Refusal = { readonly code: string; readonly retry: 'never' | 'later' | 'payer' };

const REFUSALS: { readonly [method: string]: Refusal } = {
  [METHODS.declines]: { code: 'card_declined', retry: 'payer' },
  [METHODS.lost]: { code: 'lost_card', retry: 'never' },
  [METHODS.chargedInVain]: { code: 'insufficient_funds', retry: 'later' },
};

/** What every kept method looks like. */
const VISA = {
  kind: 'card',
  brand: 'visa',
  last4: '4242',
  expiresMonth: 12,
  expiresYear: 2030,
  payer: null,
} as const;

const NEEDS_PAYER: Refusal = { code: 'authentication_required', retry: 'payer' };

export class FakeRecurring implements RecurringGateway {
  readonly kind: 'off_session' | 'each_period';
  readonly takesTokens: boolean;
  readonly setups = new Map<string, FakeSetup>();
  readonly kept = new Map<string, KeptMethod>();
  readonly customers: string[] = [];
  /** Told of every change of a setup that a webhook would tell of. */
  changed: (setup: FakeSetup) => void = () => undefined;
  readonly #hands: RecurringHands;
  #keptCount = 0;

  constructor(hands: RecurringHands) {
    this.#hands = hands;
    this.kind = hands.isPush ? 'each_period' : 'off_session';
    this.takesTokens = !hands.isPush;
  }

  async openCustomer(request: { key: string; memberId: string }): Promise<ProcessorReply> {
    return this.#hands.call({ kind: 'customer', key: request.key, ref: null }, () => {
      const ref = `${this.#hands.processor}_customer_${this.customers.length + 1}_${request.memberId}`;
      this.customers.push(ref);
      return { kind: 'customer', ref };
    });
  }

  async openCharge(request: {
    key: string;
    amount: { amount: number; currency: string };
    customerRef: string;
    reference: SubscriptionReference;
  }): Promise<ProcessorReply> {
    const { key, amount, customerRef, reference } = request;
    return this.#hands.call({ kind: 'open_charge', key, ref: null }, () =>
      this.customers.includes(customerRef)
        ? this.#hands.openObject({ amount, customerRef, metadata: metadataOf(reference) })
        : { kind: 'missing' },
    );
  }

  async confirmCharge(request: {
    key: string;
    ref: string;
    paymentMethod: string;
    isOffSession: boolean;
  }): Promise<ProcessorReply> {
    const { key, ref } = request;
    return this.#hands.call({ kind: 'confirm_charge', key, ref }, () => {
      const object = this.#hands.find(ref);
      if (object === undefined) return { kind: 'missing' };
      const isOpen = ['created', 'failed', 'action_required'].includes(object.state);
      if (!isOpen || this.#hands.isPush) return { kind: 'already_done' };
      return this.#charge(object, request);
    });
  }

  async openSetup(request: {
    key: string;
    customerRef: string;
    reference: SubscriptionReference | MethodReference;
  }): Promise<ProcessorReply> {
    return this.#hands.call({ kind: 'open_setup', key: request.key, ref: null }, () => {
      if (this.#hands.isPush) return { kind: 'misconfigured', reason: 'nothing is kept here' };
      if (!this.customers.includes(request.customerRef)) return { kind: 'missing' };
      const ref = `${this.#hands.processor}_setup_${this.setups.size + 1}`;
      const setup: FakeSetup = {
        ref,
        state: 'created',
        action: { type: 'sdk', clientSecret: `${ref}_secret` },
        methodRef: null,
        declineCode: null,
        metadata: metadataOf(request.reference),
        customerRef: request.customerRef,
        offered: null,
      };
      this.setups.set(ref, setup);
      return shownSetup(setup);
    });
  }

  async confirmSetup(request: {
    key: string;
    ref: string;
    paymentMethod: string;
  }): Promise<ProcessorReply> {
    return this.#onSetup('confirm_setup', request, (setup) => {
      const refusal = REFUSALS[request.paymentMethod];
      setup.offered = request.paymentMethod;
      if (refusal !== undefined && request.paymentMethod !== METHODS.chargedInVain) {
        this.#failSetup(setup, refusal.code);
        return { kind: 'declined', ...refusal, payment: null };
      }
      if (asksPayer(request.paymentMethod)) {
        setup.state = 'action_required';
        setup.action = redirectTo(setup.ref);
      } else {
        this.#keepOffered(setup);
      }
      this.changed(setup);
      return shownSetup(setup);
    });
  }

  async fetchSetup(ref: string): Promise<ProcessorReply> {
    return this.#hands.read({ kind: 'fetch_setup', key: null, ref }, () => {
      const setup = this.setups.get(ref);
      return setup === undefined ? { kind: 'missing' } : shownSetup(setup);
    });
  }

  async cancelSetup(request: { key: string; ref: string }): Promise<ProcessorReply> {
    return this.#onSetup('cancel_setup', request, (setup) => {
      setup.state = 'cancelled';
      setup.action = null;
      this.changed(setup);
      return shownSetup(setup);
    });
  }

  async describeMethod(ref: string): Promise<ProcessorReply> {
    return this.#hands.read({ kind: 'describe_method', key: null, ref }, () =>
      this.kept.has(ref) ? { kind: 'method', method: { ...VISA, ref } } : { kind: 'missing' },
    );
  }

  async detachMethod(request: { key: string; ref: string }): Promise<ProcessorReply> {
    return this.#hands.call({ kind: 'detach_method', key: request.key, ref: request.ref }, () => {
      this.kept.delete(request.ref);
      return { kind: 'detached' };
    });
  }

  /** The payer authenticates a setup, or enters a card at the processor. */
  payerKeeps(ref: string, method = 'pm_card'): void {
    const setup = this.setupOf(ref);
    if (['succeeded', 'cancelled'].includes(setup.state)) return;
    setup.offered ??= method;
    this.#keepOffered(setup);
    this.changed(setup);
  }

  /** The payer fails or gives up on a setup. */
  payerFailsSetup(ref: string): void {
    const setup = this.setupOf(ref);
    if (setup.state === 'action_required') this.#failSetup(setup, 'authentication_failure');
  }

  /** From now on a kept method behaves like another: one that worked and is declined, or the other way round. */
  turn(methodRef: string, behaviour: string): void {
    const method = this.kept.get(methodRef);
    if (method === undefined) throw new Error(`the processor has not kept ${methodRef}`);
    method.behaviour = behaviour;
  }

  setupOf(ref: string): FakeSetup {
    const setup = this.setups.get(ref);
    if (setup === undefined) throw new Error(`the processor has no ${ref}`);
    return setup;
  }

  /** What a charge was paid with is its customer's from now on. Called when a charge is paid. */
  keepWith(object: ProcessorObject): void {
    if (object.customerRef === null) return;
    object.methodRef = this.#keep({
      customerRef: object.customerRef,
      method: object.paymentMethod ?? 'pm_card',
    });
  }

  #charge(
    object: ProcessorObject,
    request: { paymentMethod: string; isOffSession: boolean },
  ): ProcessorReply {
    const { paymentMethod, isOffSession } = request;
    const kept = this.kept.get(paymentMethod);
    if (kept !== undefined && kept.customerRef !== object.customerRef) {
      return { kind: 'declined', code: 'payment_method_invalid', retry: 'payer', payment: null };
    }
    const behaviour = kept?.behaviour ?? paymentMethod;
    const needsPayer =
      behaviour === METHODS.asksPayer || (behaviour === METHODS.asksOnce && !kept?.isSetUp);
    object.paymentMethod = paymentMethod;
    object.methodRef = paymentMethod;
    const refusal = needsPayer && isOffSession ? NEEDS_PAYER : REFUSALS[behaviour];
    if (refusal !== undefined) {
      this.#hands.decline(object, refusal.code);
      return { kind: 'declined', ...refusal, payment: this.#hands.show(object).payment };
    }
    if (needsPayer) this.#hands.ask(object);
    else if (behaviour === METHODS.takesTime) this.#hands.wait(object);
    else this.#hands.take(object);
    return this.#hands.show(object);
  }

  #keepOffered(setup: FakeSetup): void {
    const { customerRef } = setup;
    setup.methodRef = this.#keep({ customerRef, method: setup.offered ?? 'pm_card' });
    setup.state = 'succeeded';
    setup.action = null;
    setup.declineCode = null;
  }

  #keep({ customerRef, method }: { customerRef: string; method: string }): string {
    const known = this.kept.get(method);
    if (known !== undefined) {
      known.isSetUp = true;
      return method;
    }
    this.#keptCount += 1;
    const token = `pm_kept_${this.#keptCount}`;
    this.kept.set(token, { customerRef, behaviour: method, isSetUp: true });
    return token;
  }

  #failSetup(setup: FakeSetup, code: string): void {
    Object.assign(setup, { state: 'failed', action: null, methodRef: null, declineCode: code });
    this.changed(setup);
  }

  #onSetup(
    kind: CallKind,
    request: { key: string; ref: string },
    work: (setup: FakeSetup) => ProcessorReply,
  ): ProcessorReply {
    return this.#hands.call({ kind, key: request.key, ref: request.ref }, () => {
      const setup = this.setups.get(request.ref);
      if (setup === undefined) return { kind: 'missing' };
      const isOver = setup.state === 'succeeded' || setup.state === 'cancelled';
      return isOver ? { kind: 'already_done' } : work(setup);
    });
  }
}

function asksPayer(method: string): boolean {
  return method === METHODS.asksPayer || method === METHODS.asksOnce;
}

function metadataOf(reference: SubscriptionReference | MethodReference): Record<string, string> {
  if ('savedMethodId' in reference) return { saved_method_id: reference.savedMethodId };
  return { subscription_id: reference.subscriptionId, charge_id: reference.chargeId };
}

function redirectTo(ref: string): PaymentAction {
  return { type: 'redirect', url: `https://pay.test/${ref}` };
}

function shownSetup({ customerRef: _customer, offered: _offered, ...setup }: FakeSetup) {
  return { kind: 'setup' as const, setup: { ...setup } };
}
