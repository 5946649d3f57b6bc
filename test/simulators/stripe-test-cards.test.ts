/**
 * Every test payment method has its true effect and code; a refused attempt leaves the intent open
 * for another method, and the payer's page and control route lead to the same states.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOf, INTENT, refusal, startRig, type Rig } from './support.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig.simulators.close());

const openAction = async (method: string, returnUrl?: string): Promise<string> => {
  const intent = await rig.stripe.paymentIntents.create(INTENT);
  const confirmed = await rig.stripe.paymentIntents.confirm(intent.id, {
    payment_method: method,
    ...(returnUrl === undefined ? {} : { return_url: returnUrl }),
  });
  expect(confirmed.status).toBe('requires_action');
  return intent.id;
};

const submit = (id: string, fields: Record<string, string>): Promise<Response> =>
  fetch(`${rig.url}/pay/stripe/${id}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
  });

describe('declines', () => {
  it.each([
    ['pm_card_visa_chargeDeclined', 'card_declined', 'generic_decline'],
    ['pm_card_chargeDeclined', 'card_declined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card'],
    ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined', 'stolen_card'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'expired_card'],
    ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', 'incorrect_cvc'],
    ['pm_card_chargeDeclinedProcessingError', 'processing_error', 'processing_error'],
    ['pm_card_chargeCustomerFail', 'card_declined', 'generic_decline'],
  ])('%s is refused with %s / %s, and another card still pays', async (method, code, decline) => {
    const intent = await rig.stripe.paymentIntents.create(INTENT);
    const error = await refusal(
      rig.stripe.paymentIntents.confirm(intent.id, { payment_method: method }),
    );
    expect(error).toMatchObject({ statusCode: 402, code, decline_code: decline });
    expect(error.payment_intent).toMatchObject({
      status: 'requires_payment_method',
      payment_method: null,
      last_payment_error: { code, decline_code: decline, type: 'card_error' },
    });
    const after = await rig.stripe.paymentIntents.confirm(intent.id, {
      payment_method: 'pm_card_visa',
    });
    expect(after).toMatchObject({ status: 'requires_capture', last_payment_error: null });
    const rows = await rig.books(intent.id);
    expect(rows.map((row) => row.status)).toEqual(['failed', 'succeeded']);
  });

  it('a card that fails only when charged can be saved; a declined one cannot', async () => {
    const customer = await rig.stripe.customers.create({});
    await rig.stripe.paymentMethods.attach('pm_card_chargeCustomerFail', {
      customer: customer.id,
    });
    const error = await refusal(
      rig.stripe.paymentMethods.attach('pm_card_chargeDeclined', { customer: customer.id }),
    );
    expect(error).toMatchObject({ statusCode: 402, code: 'card_declined' });
  });
});

describe('authentication', () => {
  it('over the control route, approves or fails, once', async () => {
    const passed = await openAction('pm_card_authenticationRequired');
    const ok = await rig.control(`payers/stripe/${passed}`, { action: 'authenticate' });
    expect(ok).toMatchObject({ status: 200, json: { status: 'requires_capture' } });
    const again = await rig.control(`payers/stripe/${passed}`, { action: 'authenticate' });
    expect(again.status).toBe(409);

    const failed = await openAction('pm_card_threeDSecure2Required');
    await rig.control(`payers/stripe/${failed}`, { action: 'fail' });
    const intent = await rig.stripe.paymentIntents.retrieve(failed);
    expect(intent.status).toBe('requires_payment_method');
    expect(intent.last_payment_error?.code).toBe('payment_intent_authentication_failure');
    expect(await rig.books(failed)).toEqual([]);

    const unknown = await rig.control('payers/stripe/pi_unknown', { action: 'approve' });
    expect(unknown.status).toBe(404);
  });

  it('names the payer’s page whether or not there is a way back', async () => {
    const withReturn = await openAction(
      'pm_card_authenticationRequired',
      'https://shop.test/back?x=1',
    );
    const redirecting = await rig.stripe.paymentIntents.retrieve(withReturn);
    expect(redirecting.next_action).toEqual({
      type: 'redirect_to_url',
      redirect_to_url: {
        return_url: 'https://shop.test/back?x=1',
        url: `${rig.url}/pay/stripe/${withReturn}`,
      },
    });
    const without = await openAction('pm_card_authenticationRequired');
    const inPage = await rig.stripe.paymentIntents.retrieve(without);
    expect(inPage.next_action).toMatchObject({
      type: 'use_stripe_sdk',
      use_stripe_sdk: { stripe_js: `${rig.url}/pay/stripe/${without}` },
    });
  });

  it('on the page, shows the sum and goes back with the outcome', async () => {
    const id = await openAction('pm_card_authenticationRequired', 'https://shop.test/back?x=1');
    const page = await fetch(`${rig.url}/pay/stripe/${id}`);
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(html).toContain('25.00 USD');
    expect(html).toContain('value="authenticate"');
    expect(html).not.toContain('_secret_');
    const answer = await submit(id, { action: 'authenticate' });
    expect(answer.status).toBe(303);
    const back = new URL(answer.headers.get('location') ?? '');
    expect(back.origin).toBe('https://shop.test');
    expect(Object.fromEntries(back.searchParams)).toMatchObject({
      x: '1',
      payment_intent: id,
      redirect_status: 'succeeded',
    });
    expect((await rig.stripe.paymentIntents.retrieve(id)).status).toBe('requires_capture');
  });

  it('may end in a decline after it was passed', async () => {
    const id = await openAction('pm_card_authenticationRequiredChargeDeclinedInsufficientFunds');
    await rig.control(`payers/stripe/${id}`, { action: 'authenticate' });
    const intent = await rig.stripe.paymentIntents.retrieve(id);
    expect(intent.status).toBe('requires_payment_method');
    expect(intent.last_payment_error?.decline_code).toBe('insufficient_funds');
  });

  it('is refused off-session and with error_on_requires_action', async () => {
    for (const extra of [{ off_session: true }, { error_on_requires_action: true }]) {
      const intent = await rig.stripe.paymentIntents.create(INTENT);
      const error = await refusal(
        rig.stripe.paymentIntents.confirm(intent.id, {
          payment_method: 'pm_card_authenticationRequired',
          ...extra,
        }),
      );
      expect(error).toMatchObject({ statusCode: 402, code: 'authentication_required' });
      expect(error.payment_intent?.status).toBe('requires_payment_method');
    }
  });

  it('is not needed off-session by a card that was set up, through a SetupIntent', async () => {
    const customer = await rig.stripe.customers.create({});
    const setup = await rig.stripe.setupIntents.create({
      customer: customer.id,
      usage: 'off_session',
      confirm: true,
      payment_method: 'pm_card_authenticationRequiredOnSetup',
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
    expect(setup.status).toBe('requires_action');
    await rig.control(`payers/stripe/${setup.id}`, { action: 'authenticate' });
    const done = await rig.stripe.setupIntents.retrieve(setup.id);
    expect(done.status).toBe('succeeded');
    const paid = await rig.stripe.paymentIntents.create({
      ...INTENT,
      capture_method: 'automatic',
      customer: customer.id,
      payment_method: idOf(done.payment_method),
      off_session: true,
      confirm: true,
    });
    expect(paid.status).toBe('succeeded');
  });
});

describe('a payer in the browser', () => {
  it('pays an unconfirmed intent, is declined, or chooses another card', async () => {
    const intent = await rig.stripe.paymentIntents.create(INTENT);
    const path = `payers/stripe/${intent.id}`;
    const declined = await rig.control(path, { action: 'decline' });
    expect(declined.json['status']).toBe('requires_payment_method');
    const asked = await rig.control(path, {
      action: 'approve',
      paymentMethod: 'pm_card_threeDSecure2Required',
    });
    expect(asked.json['status']).toBe('requires_action');
    const paid = await rig.control(path, { action: 'approve' });
    expect(paid.json['status']).toBe('requires_capture');
    const rows = await rig.books(intent.id);
    expect(rows.map((row) => row.status)).toEqual(['failed', 'succeeded']);
  });

  it('finds a form with cards on the page, and the new state after paying', async () => {
    const intent = await rig.stripe.paymentIntents.create(INTENT);
    const html = await (await fetch(`${rig.url}/pay/stripe/${intent.id}`)).text();
    expect(html).toContain('<option value="pm_card_visa">');
    const after = await submit(intent.id, { action: 'approve', paymentMethod: 'pm_card_visa' });
    expect(await after.text()).toContain('requires_capture');
    expect((await fetch(`${rig.url}/pay/stripe/pi_unknown`)).status).toBe(404);
  });

  it('refuses what makes no sense, in words', async () => {
    const intent = await rig.stripe.paymentIntents.create(INTENT);
    const path = `payers/stripe/${intent.id}`;
    expect((await rig.control(path, { action: 'dance' })).status).toBe(422);
    expect((await rig.control(path, { action: 'pay', amount: 1 })).status).toBe(422);
    expect((await rig.control(path, { action: 'approve', colour: 'red' })).status).toBe(422);
    expect((await rig.control(path, { action: 'authenticate' })).status).toBe(409);
  });
});

describe('the refund cards', () => {
  it('settle on the virtual clock: pending then succeeded, succeeded then failed', async () => {
    const refunds: string[] = [];
    for (const method of ['pm_card_pendingRefund', 'pm_card_refundFail']) {
      const intent = await rig.stripe.paymentIntents.create({
        ...INTENT,
        capture_method: 'automatic',
        confirm: true,
        payment_method: method,
      });
      const refund = await rig.stripe.refunds.create({ payment_intent: intent.id });
      refunds.push(`${refund.id}:${String(refund.status)}`);
    }
    const [pending = '', failing = ''] = refunds.map((text) => text.split(':')[0]);
    expect(refunds).toEqual([`${pending}:pending`, `${failing}:succeeded`]);
    await rig.control('clock', { advanceSeconds: 3600 });
    expect((await rig.stripe.refunds.retrieve(pending)).status).toBe('succeeded');
    const failed = await rig.stripe.refunds.retrieve(failing);
    expect(failed).toMatchObject({
      status: 'failed',
      failure_reason: 'expired_or_canceled_card',
    });
    const rows = (await rig.books()).filter((row) => row.kind === 'refund');
    expect(rows.map((row) => `${row.id}:${row.status}`)).toEqual([
      `${pending}:succeeded`,
      `${failing}:failed`,
    ]);
  });
});
