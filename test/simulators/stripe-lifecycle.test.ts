/**
 * A payment's way through the Stripe simulator, driven by the official SDK: what every state allows
 * and refuses, and that the books show each movement of money exactly once.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorize, idOf, INTENT, pay, refusal, startRig, type Rig } from './support.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.simulators.close());

const kinds = async (id: string): Promise<string[]> =>
  (await rig.books(id)).map((row) => `${row.kind}:${row.status}:${String(row.amount)}`);

describe('a card payment with manual capture', () => {
  it('goes from unconfirmed to authorised to captured, and is booked in that order', async () => {
    const created = await rig.stripe.paymentIntents.create(INTENT);
    expect(created).toMatchObject({
      status: 'requires_payment_method',
      amount: 2500,
      livemode: false,
      client_secret: expect.stringContaining(`${created.id}_secret_`),
    });
    expect(await kinds(created.id)).toEqual([]);

    const authorized = await rig.stripe.paymentIntents.confirm(created.id, {
      payment_method: 'pm_card_visa',
    });
    expect(authorized).toMatchObject({ status: 'requires_capture', amount_capturable: 2500 });

    const captured = await rig.stripe.paymentIntents.capture(created.id);
    expect(captured).toMatchObject({
      status: 'succeeded',
      amount_received: 2500,
      amount_capturable: 0,
    });
    expect(await kinds(created.id)).toEqual([
      'authorization:succeeded:2500',
      'capture:succeeded:2500',
    ]);
    const [row] = await rig.books(created.id);
    expect(row?.metadata).toEqual({ bookingId: 'bkg_test' });
    expect(row?.createdAt).toMatch(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
  });

  it('says on the expanded charge until when it can be captured: seven days', async () => {
    const { id } = await authorize(rig.stripe);
    const intent = await rig.stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] });
    const charge = intent.latest_charge;
    if (charge === null || typeof charge === 'string') throw new Error('not expanded');
    const before = charge.payment_method_details?.card?.capture_before ?? 0;
    expect(before - charge.created).toBe(7 * 86_400);
    expect(charge.captured).toBe(false);
  });

  it('captures a part and releases the rest', async () => {
    const { id } = await authorize(rig.stripe);
    const captured = await rig.stripe.paymentIntents.capture(id, { amount_to_capture: 1000 });
    expect(captured).toMatchObject({ status: 'succeeded', amount_received: 1000 });
    expect(await kinds(id)).toEqual(['authorization:succeeded:2500', 'capture:succeeded:1000']);
    const error = await refusal(rig.stripe.refunds.create({ payment_intent: id, amount: 1001 }));
    expect(error.message).toContain('greater than unrefunded amount');
  });

  it('never captures more than was authorised', async () => {
    const { id } = await authorize(rig.stripe);
    const error = await refusal(rig.stripe.paymentIntents.capture(id, { amount_to_capture: 2501 }));
    expect(error).toMatchObject({ statusCode: 400, code: 'amount_too_large' });
    expect(await kinds(id)).toEqual(['authorization:succeeded:2500']);
  });

  it('voids an authorisation once, and books nothing for an intent never authorised', async () => {
    const { id } = await authorize(rig.stripe);
    const canceled = await rig.stripe.paymentIntents.cancel(id, {
      cancellation_reason: 'abandoned',
    });
    expect(canceled).toMatchObject({ status: 'canceled', cancellation_reason: 'abandoned' });
    expect(await kinds(id)).toEqual(['authorization:succeeded:2500', 'void:succeeded:2500']);
    const error = await refusal(rig.stripe.paymentIntents.cancel(id));
    expect(error.code).toBe('payment_intent_unexpected_state');

    const unpaid = await rig.stripe.paymentIntents.create(INTENT);
    await rig.stripe.paymentIntents.cancel(unpaid.id);
    expect(await kinds(unpaid.id)).toEqual([]);
  });

  it('refuses capture, confirm and cancel after capture, and shows the intent in the error', async () => {
    const { id } = await pay(rig.stripe);
    for (const call of [
      rig.stripe.paymentIntents.capture(id),
      rig.stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }),
      rig.stripe.paymentIntents.cancel(id),
    ]) {
      const error = await refusal(call);
      expect(error).toMatchObject({ statusCode: 400, code: 'payment_intent_unexpected_state' });
      expect(error.payment_intent?.status).toBe('succeeded');
    }
    expect(await kinds(id)).toHaveLength(2);
  });
});

describe('refunds', () => {
  it('may be partial and many, and never exceed what was captured', async () => {
    const { id } = await pay(rig.stripe);
    await rig.stripe.refunds.create({ payment_intent: id, amount: 1000 });
    const second = await rig.stripe.refunds.create({ payment_intent: id });
    expect(second).toMatchObject({ amount: 1500, status: 'succeeded' });
    const over = await refusal(rig.stripe.refunds.create({ payment_intent: id, amount: 1 }));
    expect(over.code).toBe('charge_already_refunded');
    const list = await rig.stripe.refunds.list({ payment_intent: id });
    expect(list.data.map((refund) => refund.amount)).toEqual([1500, 1000]);
    expect((await kinds(id)).slice(2)).toEqual(['refund:succeeded:1000', 'refund:succeeded:1500']);
  });

  it('need captured money', async () => {
    const { id } = await authorize(rig.stripe);
    const error = await refusal(rig.stripe.refunds.create({ payment_intent: id }));
    expect(error.message).toContain('does not have a successful charge to refund');
  });
});

describe('other ways to pay', () => {
  it('create with confirm captures at once where capture is automatic', async () => {
    const intent = await rig.stripe.paymentIntents.create({
      ...INTENT,
      capture_method: 'automatic',
      confirm: true,
      payment_method: 'pm_card_visa',
    });
    expect(intent).toMatchObject({ status: 'succeeded', amount_received: 2500 });
    expect(await kinds(intent.id)).toEqual([
      'authorization:succeeded:2500',
      'capture:succeeded:2500',
    ]);
  });

  it('a bank debit is processing until the virtual clock settles it', async () => {
    const intent = await rig.stripe.paymentIntents.create({
      ...INTENT,
      capture_method: 'automatic',
      confirm: true,
      payment_method: 'pm_usBankAccount_success',
    });
    expect(intent.status).toBe('processing');
    expect(await kinds(intent.id)).toEqual(['capture:pending:2500']);
    await rig.control('clock', { advanceSeconds: 4 * 86_400 });
    expect((await rig.stripe.paymentIntents.retrieve(intent.id)).status).toBe('succeeded');
    expect(await kinds(intent.id)).toEqual(['capture:succeeded:2500']);
  });

  it('a saved card is charged off-session; a foreign customer cannot use it', async () => {
    const customer = await rig.stripe.customers.create({ email: 'a@example.test' });
    const other = await rig.stripe.customers.create({ email: 'b@example.test' });
    const method = await rig.stripe.paymentMethods.attach('pm_card_visa', {
      customer: customer.id,
    });
    const charge = {
      ...INTENT,
      capture_method: 'automatic',
      confirm: true,
      off_session: true,
      payment_method: method.id,
    } as const;
    const paid = await rig.stripe.paymentIntents.create({ ...charge, customer: customer.id });
    expect(paid.status).toBe('succeeded');
    const error = await refusal(
      rig.stripe.paymentIntents.create({ ...charge, customer: other.id }),
    );
    expect(error.param).toBe('payment_method');
    const saved = await rig.stripe.paymentMethods.list({ customer: customer.id });
    expect(saved.data.map((row) => row.id)).toEqual([method.id]);
    await rig.stripe.paymentMethods.detach(method.id);
    expect((await rig.stripe.paymentMethods.list({ customer: customer.id })).data).toEqual([]);
    await refusal(rig.stripe.paymentMethods.attach(method.id, { customer: customer.id }));
  });

  it('a payment method without a customer pays once', async () => {
    const method = await rig.stripe.paymentMethods.create({
      type: 'card',
      card: { token: 'tok_visa' },
    });
    await pay(rig.stripe, method.id);
    const intent = await rig.stripe.paymentIntents.create(INTENT);
    const error = await refusal(
      rig.stripe.paymentIntents.confirm(intent.id, { payment_method: method.id }),
    );
    expect(error.message).toContain('may not be used again');
  });
});

describe('disputes', () => {
  it('take the money after capture, refuse refunds, and give it back when won', async () => {
    const { id } = await pay(rig.stripe, 'pm_card_createDispute');
    const [dispute] = (await rig.stripe.disputes.list({ payment_intent: id })).data;
    expect(dispute).toMatchObject({ status: 'needs_response', amount: 2500, reason: 'fraudulent' });
    expect((await kinds(id)).at(-1)).toBe('dispute:pending:2500');
    const error = await refusal(rig.stripe.refunds.create({ payment_intent: id }));
    expect(error.code).toBe('charge_disputed');
    const won = await rig.stripe.disputes.update(dispute?.id ?? '', {
      evidence: { uncategorized_text: 'winning_evidence' },
    });
    expect(won.status).toBe('won');
    expect((await kinds(id)).at(-1)).toBe('dispute:failed:2500');
    expect(won.balance_transactions.reduce((sum, row) => sum + row.amount, 0)).toBe(0);
  });

  it('are lost by accepting them or by letting the deadline pass', async () => {
    const first = await pay(rig.stripe, 'pm_card_createDisputeProductNotReceived');
    const [open] = (await rig.stripe.disputes.list({ payment_intent: first.id })).data;
    expect((await rig.stripe.disputes.close(open?.id ?? '')).status).toBe('lost');
    const second = await pay(rig.stripe, 'pm_card_createDispute');
    await rig.control('clock', { advanceSeconds: 9 * 86_400 });
    const [late] = (await rig.stripe.disputes.list({ payment_intent: second.id })).data;
    expect(late?.status).toBe('lost');
    expect((await kinds(second.id)).at(-1)).toBe('dispute:succeeded:2500');
  });

  it('may begin as an inquiry, which takes no money', async () => {
    const { id } = await pay(rig.stripe, 'pm_card_createDisputeInquiry');
    const [inquiry] = (await rig.stripe.disputes.list({ payment_intent: id })).data;
    expect(inquiry?.status).toBe('warning_needs_response');
    expect(inquiry?.balance_transactions).toEqual([]);
    await rig.stripe.refunds.create({ payment_intent: id });
  });
});

describe('fees', () => {
  it('are 2.9 % and 30 in integers, rounded half up, on what was captured', async () => {
    const intent = await rig.stripe.paymentIntents.create({
      ...INTENT,
      amount: 1050,
      capture_method: 'automatic',
      confirm: true,
      payment_method: 'pm_card_visa',
    });
    const source = idOf(intent.latest_charge);
    const [row] = (await rig.stripe.balanceTransactions.list({ source })).data;
    expect(row).toMatchObject({ amount: 1050, fee: 60, net: 990, status: 'pending' });
  });
});
