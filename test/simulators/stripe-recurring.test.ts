/**
 * Keeping a payment method and charging it later, as the official SDK sees the simulator.
 * Protects: what Stripe refuses, the simulator refuses, so that a wrong call cannot pass here and fail there.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOf, refusal, startRig, type Rig } from './support.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
});

afterAll(() => rig.simulators.close());

const REDIRECTING = { enabled: true, allow_redirects: 'always' } as const;
const RETURN = { return_url: 'https://shop.test/back' };
const CHARGE = {
  amount: 3_000,
  currency: 'usd',
  capture_method: 'automatic',
  setup_future_usage: 'off_session',
  automatic_payment_methods: REDIRECTING,
  metadata: { subscriptionId: 'sub_test' },
} as const;

async function newCustomer(): Promise<string> {
  return (await rig.stripe.customers.create({})).id;
}

async function newSetup(customer: string): Promise<string> {
  const automatic_payment_methods = REDIRECTING;
  const setup = await rig.stripe.setupIntents.create({
    customer,
    usage: 'off_session',
    automatic_payment_methods,
  });
  return setup.id;
}

describe('a charge that keeps its method', () => {
  it('attaches it to the customer, and the books name the subscription', async () => {
    const customer = await newCustomer();
    const intent = await rig.stripe.paymentIntents.create({ ...CHARGE, customer });
    const paid = await rig.stripe.paymentIntents.confirm(intent.id, {
      payment_method: 'pm_card_visa',
      ...RETURN,
    });
    expect(paid).toMatchObject({ status: 'succeeded', amount_received: 3_000 });
    const method = await rig.stripe.paymentMethods.retrieve(idOf(paid.payment_method));
    expect(method.customer).toBe(customer);
    const rows = await rig.books(intent.id);
    expect(rows.map(({ kind, metadata }) => [kind, metadata['subscriptionId']])).toEqual([
      ['authorization', 'sub_test'],
      ['capture', 'sub_test'],
    ]);
  });

  it('cannot be confirmed off-session while it keeps one, and can when it no longer does', async () => {
    const customer = await newCustomer();
    const kept = await rig.stripe.paymentMethods.attach('pm_card_visa', { customer });
    const intent = await rig.stripe.paymentIntents.create({ ...CHARGE, customer });
    const confirm = { payment_method: kept.id, off_session: true, ...RETURN };
    const error = await refusal(rig.stripe.paymentIntents.confirm(intent.id, confirm));
    expect(error).toMatchObject({ statusCode: 400, type: 'StripeInvalidRequestError' });
    expect(error.message).toContain('`setup_future_usage`');
    const untouched = await rig.stripe.paymentIntents.retrieve(intent.id);
    expect(untouched).toMatchObject({
      status: 'requires_payment_method',
      setup_future_usage: 'off_session',
    });
    const paid = await rig.stripe.paymentIntents.confirm(intent.id, {
      ...confirm,
      setup_future_usage: '',
    });
    expect(paid).toMatchObject({ status: 'succeeded', setup_future_usage: null });
  });

  it('wants a way back off-session as well, where methods may redirect', async () => {
    const customer = await newCustomer();
    const kept = await rig.stripe.paymentMethods.attach('pm_card_visa', { customer });
    const intent = await rig.stripe.paymentIntents.create({ ...CHARGE, customer });
    const confirm = { payment_method: kept.id, off_session: true, setup_future_usage: '' } as const;
    const error = await refusal(rig.stripe.paymentIntents.confirm(intent.id, confirm));
    expect(error).toMatchObject({ statusCode: 400, param: 'return_url' });
  });
});

describe('a setup', () => {
  it('wants a way back, where methods may redirect', async () => {
    const id = await newSetup(await newCustomer());
    const error = await refusal(
      rig.stripe.setupIntents.confirm(id, { payment_method: 'pm_card_visa' }),
    );
    expect(error).toMatchObject({ statusCode: 400, param: 'return_url' });
    expect(error.message).toContain('This SetupIntent is configured');
  });

  it('is done by a payer who enters a card on the page', async () => {
    const customer = await newCustomer();
    const id = await newSetup(customer);
    const html = await (await fetch(`${rig.url}/pay/stripe/${id}`)).text();
    expect(html).toContain('<option value="pm_card_visa">');
    const done = await rig.control(`payers/stripe/${id}`, { action: 'approve' });
    expect(done.json['status']).toBe('succeeded');
    const setup = await rig.stripe.setupIntents.retrieve(id);
    const method = await rig.stripe.paymentMethods.retrieve(idOf(setup.payment_method));
    expect(method.customer).toBe(customer);
    const again = await rig.control(`payers/stripe/${id}`, { action: 'approve' });
    expect(again.status).toBe(409);
  });

  it('goes on after a card that is declined, and asks a payer who has to authenticate', async () => {
    const id = await newSetup(await newCustomer());
    const path = `payers/stripe/${id}`;
    const declined = await rig.control(path, { action: 'decline' });
    expect(declined.json['status']).toBe('requires_payment_method');
    const failed = await rig.stripe.setupIntents.retrieve(id);
    expect(failed.last_setup_error?.decline_code).toBe('generic_decline');
    const asked = await rig.control(path, {
      action: 'approve',
      paymentMethod: 'pm_card_threeDSecure2Required',
    });
    expect(asked.json['status']).toBe('requires_action');
    const done = await rig.control(path, { action: 'authenticate' });
    expect(done.json['status']).toBe('succeeded');
    expect((await rig.stripe.setupIntents.retrieve(id)).last_setup_error).toBeNull();
  });

  it('is met by the fault script like a payment', async () => {
    await rig.control('faults', {
      processor: 'stripe',
      operation: 'confirm',
      fault: 'http_500',
      count: 1,
    });
    const id = await newSetup(await newCustomer());
    const confirm = { payment_method: 'pm_card_visa', ...RETURN };
    const error = await refusal(rig.stripe.setupIntents.confirm(id, confirm));
    expect(error.statusCode).toBe(500);
    expect((await rig.stripe.setupIntents.confirm(id, confirm)).status).toBe('succeeded');
  });
});
