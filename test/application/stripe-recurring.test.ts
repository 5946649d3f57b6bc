/**
 * What leaves the Stripe gateway for a subscription, and how a SetupIntent reads.
 * Protects: a method is kept only with its payer's agreement, and nothing is charged without our key.
 */
import { describe, expect, it } from 'vitest';
import type { PaymentGateway, RecurringGateway } from '../../src/application/ports.ts';
import type { ProcessorSetup } from '../../src/domain/payment/processor-reply.ts';
import { intentJson, json, makeWiredGateway, stripeError, type SentCall } from './stripe-wire.ts';

const REFERENCE = { subscriptionId: 'sub_1', chargeId: 'chg_1' };
const METADATA = {
  'metadata[subscription_id]': 'sub_1',
  'metadata[charge_id]': 'chg_1',
  'metadata[subscriptionId]': 'sub_1',
};
const ANY_METHOD = {
  'automatic_payment_methods[enabled]': 'true',
  'automatic_payment_methods[allow_redirects]': 'always',
};

function setupJson(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'seti_1',
    object: 'setup_intent',
    client_secret: 'seti_1_secret_2',
    last_setup_error: null,
    livemode: false,
    metadata: { subscription_id: 'sub_1', charge_id: 'chg_1', subscriptionId: 'sub_1' },
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
    ...overrides,
  };
}

function recurringOf({ recurring }: PaymentGateway): RecurringGateway {
  if (recurring === null) throw new Error('Stripe keeps methods');
  return recurring;
}

/** What one call sends, with Stripe answering this. */
async function sent(
  answer: Record<string, unknown>,
  call: (recurring: RecurringGateway) => Promise<unknown>,
): Promise<SentCall> {
  const { gateway, calls } = makeWiredGateway([json(answer)]);
  await call(recurringOf(gateway));
  const [only, second] = calls;
  if (only === undefined || second !== undefined) throw new Error('one call was due');
  return only;
}

function bodyOf(call: SentCall): Record<string, string> {
  return Object.fromEntries(call.body);
}

describe('what is sent', () => {
  it('makes a customer of our id alone: no name and no address', async () => {
    const customer = { id: 'cus_1', object: 'customer', livemode: false };
    const call = await sent(customer, async (recurring) => {
      const reply = await recurring.openCustomer({ key: 'k1', memberId: 'usr_1' });
      expect(reply).toEqual({ kind: 'customer', ref: 'cus_1' });
    });
    expect(call.url).toBe('https://api.stripe.com/v1/customers');
    expect(call.headers.get('idempotency-key')).toBe('k1');
    expect(bodyOf(call)).toEqual({ 'metadata[member_id]': 'usr_1' });
  });

  it('opens a charge unconfirmed, captured at once, that keeps its method', async () => {
    const call = await sent(intentJson(), (recurring) =>
      recurring.openCharge({
        key: 'k1',
        amount: { amount: 5_000, currency: 'eur' },
        customerRef: 'cus_1',
        reference: REFERENCE,
        paymentMethod: null,
        returnUrl: null,
      }),
    );
    expect(call.url).toBe('https://api.stripe.com/v1/payment_intents');
    expect(call.headers.get('idempotency-key')).toBe('k1');
    expect(bodyOf(call)).toEqual({
      amount: '5000',
      currency: 'eur',
      customer: 'cus_1',
      capture_method: 'automatic',
      setup_future_usage: 'off_session',
      'expand[0]': 'latest_charge.balance_transaction',
      ...ANY_METHOD,
      ...METADATA,
    });
  });

  it('confirms with a return page while the payer is there', async () => {
    const call = await sent(intentJson(), (recurring) =>
      recurring.confirmCharge({
        key: 'k1',
        ref: 'pi_1',
        paymentMethod: 'pm_1',
        returnUrl: 'https://shop.example/done',
        isOffSession: false,
      }),
    );
    expect(call.url).toBe('https://api.stripe.com/v1/payment_intents/pi_1/confirm');
    expect(bodyOf(call)).toEqual({
      payment_method: 'pm_1',
      return_url: 'https://shop.example/done',
      'expand[0]': 'latest_charge.balance_transaction',
    });
  });

  it('says that the payer is away, and no longer asks to keep the method', async () => {
    const call = await sent(intentJson(), (recurring) =>
      recurring.confirmCharge({
        key: 'k1',
        ref: 'pi_1',
        paymentMethod: 'pm_1',
        returnUrl: null,
        isOffSession: true,
      }),
    );
    expect(bodyOf(call)).toEqual({
      payment_method: 'pm_1',
      return_url: 'https://book.example/return',
      off_session: 'true',
      setup_future_usage: '',
      'expand[0]': 'latest_charge.balance_transaction',
    });
  });

  it('opens, confirms, reads and ends a setup', async () => {
    const opened = await sent(setupJson(), (recurring) =>
      recurring.openSetup({
        key: 'k1',
        customerRef: 'cus_1',
        reference: REFERENCE,
        returnUrl: null,
      }),
    );
    expect(opened.url).toBe('https://api.stripe.com/v1/setup_intents');
    expect(bodyOf(opened)).toEqual({
      customer: 'cus_1',
      usage: 'off_session',
      ...ANY_METHOD,
      ...METADATA,
    });
    const confirmed = await sent(setupJson(), (recurring) =>
      recurring.confirmSetup({ key: 'k2', ref: 'seti_1', paymentMethod: 'pm_1', returnUrl: null }),
    );
    expect(confirmed.url).toBe('https://api.stripe.com/v1/setup_intents/seti_1/confirm');
    expect(confirmed.headers.get('idempotency-key')).toBe('k2');
    expect(bodyOf(confirmed)).toEqual({
      payment_method: 'pm_1',
      return_url: 'https://book.example/return',
    });
    const ended = await sent(setupJson(), (recurring) =>
      recurring.cancelSetup({ key: 'k3', ref: 'seti_1' }),
    );
    expect(ended.url).toBe('https://api.stripe.com/v1/setup_intents/seti_1/cancel');
    expect(bodyOf(ended)).toEqual({ cancellation_reason: 'abandoned' });
    const fetched = await sent(setupJson(), (recurring) => recurring.fetchSetup('seti_1'));
    expect([fetched.method, fetched.url]).toEqual([
      'GET',
      'https://api.stripe.com/v1/setup_intents/seti_1',
    ]);
  });

  it('sends nothing for what is no id of its kind', async () => {
    const { gateway, calls } = makeWiredGateway([json(setupJson())]);
    const recurring = recurringOf(gateway);
    for (const ref of ['pi_1', 'seti_', 'seti_1/../../customers', '']) {
      expect(await recurring.fetchSetup(ref), ref).toEqual({ kind: 'missing' });
    }
    const charge = { key: 'k', paymentMethod: 'pm_1', returnUrl: null, isOffSession: true };
    expect(await recurring.confirmCharge({ ...charge, ref: 'seti_1' })).toEqual({
      kind: 'missing',
    });
    expect(calls).toEqual([]);
  });
});

async function read(overrides: Record<string, unknown>): Promise<ProcessorSetup> {
  const { gateway } = makeWiredGateway([json(setupJson(overrides))]);
  const reply = await recurringOf(gateway).fetchSetup('seti_1');
  if (reply.kind !== 'setup') throw new Error(JSON.stringify(reply));
  return reply.setup;
}

describe('how a setup reads', () => {
  it.each([
    ['requires_payment_method', 'created'],
    ['requires_confirmation', 'created'],
    ['requires_action', 'action_required'],
    ['processing', 'pending'],
    ['succeeded', 'succeeded'],
    ['canceled', 'cancelled'],
    ['a_state_of_next_year', 'pending'],
  ])('%s is %s', async (status, state) => {
    expect((await read({ status })).state).toBe(state);
  });

  it('names what was kept, and carries our ids', async () => {
    expect(await read({ status: 'succeeded', payment_method: 'pm_1' })).toEqual({
      ref: 'seti_1',
      state: 'succeeded',
      action: null,
      methodRef: 'pm_1',
      declineCode: null,
      metadata: { subscription_id: 'sub_1', charge_id: 'chg_1', subscriptionId: 'sub_1' },
    });
  });

  it('is failed after a refused try, with the most telling code', async () => {
    const error = { type: 'card_error', code: 'card_declined', decline_code: 'lost_card' };
    expect(await read({ last_setup_error: error })).toMatchObject({
      state: 'failed',
      declineCode: 'lost_card',
      action: null,
    });
    const done = await read({ status: 'succeeded', last_setup_error: error });
    expect(done).toMatchObject({ state: 'succeeded', declineCode: null });
  });

  it('sends the payer to the page that Stripe names', async () => {
    const redirect = { type: 'redirect_to_url', redirect_to_url: { url: 'https://acs.example/1' } };
    expect((await read({ status: 'requires_action', next_action: redirect })).action).toEqual({
      type: 'redirect',
      url: 'https://acs.example/1',
      clientSecret: 'seti_1_secret_2',
    });
    expect((await read({})).action).toEqual({ type: 'sdk', clientSecret: 'seti_1_secret_2' });
  });

  it('of the other mode, or of another kind, is a wrong configuration', async () => {
    const live = makeWiredGateway([json(setupJson({ livemode: true }))]);
    expect(await recurringOf(live.gateway).fetchSetup('seti_1')).toEqual({
      kind: 'misconfigured',
      reason: 'livemode_mismatch',
    });
    const other = makeWiredGateway([json(intentJson())]);
    expect((await recurringOf(other.gateway).fetchSetup('seti_1')).kind).toBe('misconfigured');
    const opening = { key: 'k', memberId: 'usr_1' };
    expect((await recurringOf(other.gateway).openCustomer(opening)).kind).toBe('misconfigured');
  });

  it('that is declined says who may try again', async () => {
    const error = { type: 'card_error', code: 'card_declined', decline_code: 'stolen_card' };
    const { gateway } = makeWiredGateway([stripeError(402, error)]);
    const reply = await recurringOf(gateway).confirmSetup({
      key: 'k',
      ref: 'seti_1',
      paymentMethod: 'pm_1',
      returnUrl: null,
    });
    expect(reply).toEqual({ kind: 'declined', code: 'stolen_card', retry: 'never', payment: null });
  });
});
