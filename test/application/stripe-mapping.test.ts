/**
 * How a PaymentIntent reads as a payment. Protects: no state of Stripe is taken for money that is not there.
 */
import { describe, expect, it } from 'vitest';
import type { ProcessorPayment } from '../../src/domain/payment/processor-reply.ts';
import { intentJson, json, makeWiredGateway } from './stripe-wire.ts';

async function read(overrides: Record<string, unknown>): Promise<ProcessorPayment> {
  const { gateway } = makeWiredGateway([json(intentJson(overrides))]);
  const reply = await gateway.fetch('pi_1');
  if (reply.kind !== 'payment') throw new Error(JSON.stringify(reply));
  return reply.payment;
}

const CHARGE = {
  id: 'ch_1',
  object: 'charge',
  amount: 5_000,
  amount_refunded: 0,
  payment_method_details: { type: 'card', card: { capture_before: 1_800_604_800 } },
};

describe('states', () => {
  it.each([
    [{ status: 'requires_payment_method' }, 'created'],
    [{ status: 'requires_confirmation' }, 'created'],
    [{ status: 'requires_action' }, 'action_required'],
    [{ status: 'processing' }, 'pending'],
    [{ status: 'requires_capture' }, 'authorized'],
    [{ status: 'succeeded' }, 'captured'],
    [{ status: 'canceled', cancellation_reason: 'abandoned' }, 'voided'],
    [{ status: 'canceled', cancellation_reason: null }, 'voided'],
    [{ status: 'canceled', cancellation_reason: 'automatic' }, 'expired'],
    [{ status: 'canceled', cancellation_reason: 'expired' }, 'expired'],
    [{ status: 'a_state_of_next_year' }, 'pending'],
  ])('%j is %s', async (overrides, state) => {
    expect((await read(overrides)).state).toBe(state);
  });

  it('is failed after a refused attempt, with the most telling code', async () => {
    const error = { type: 'card_error', code: 'card_declined', decline_code: 'lost_card' };
    expect(await read({ last_payment_error: error })).toMatchObject({
      state: 'failed',
      declineCode: 'lost_card',
      action: null,
    });
    const authentication = {
      type: 'invalid_request_error',
      code: 'payment_intent_authentication_failure',
    };
    expect((await read({ last_payment_error: authentication })).declineCode).toBe(
      'payment_intent_authentication_failure',
    );
    expect((await read({ last_payment_error: { type: 'api_error' } })).declineCode).toBe(
      'api_error',
    );
  });

  it('forgets an earlier error once the payment went on', async () => {
    const error = { type: 'card_error', code: 'card_declined' };
    const payment = await read({ status: 'requires_capture', last_payment_error: error });
    expect(payment).toMatchObject({ state: 'authorized', declineCode: null });
  });
});

describe('actions', () => {
  it('is a redirect where Stripe names a page, and the client library otherwise', async () => {
    const redirect = { type: 'redirect_to_url', redirect_to_url: { url: 'https://acs.example/1' } };
    expect((await read({ status: 'requires_action', next_action: redirect })).action).toEqual({
      type: 'redirect',
      url: 'https://acs.example/1',
      clientSecret: 'pi_1_secret_2',
    });
    const sdk = { type: 'use_stripe_sdk' };
    expect((await read({ status: 'requires_action', next_action: sdk })).action).toEqual({
      type: 'sdk',
      clientSecret: 'pi_1_secret_2',
    });
    expect((await read({})).action).toEqual({ type: 'sdk', clientSecret: 'pi_1_secret_2' });
    expect((await read({ client_secret: null })).action).toEqual({ type: 'sdk' });
  });

  it.each(['processing', 'requires_capture', 'succeeded', 'canceled'])(
    'is nothing when %s',
    async (status) => {
      expect((await read({ status })).action).toBeNull();
    },
  );
});

describe('the method', () => {
  it('is the id of what pays or paid, expanded or not', async () => {
    expect((await read({})).methodRef).toBeNull();
    expect((await read({ payment_method: 'pm_1' })).methodRef).toBe('pm_1');
    expect((await read({ payment_method: { id: 'pm_2' } })).methodRef).toBe('pm_2');
  });
});

describe('amounts', () => {
  it('reads the reserved amount and its deadline in milliseconds', async () => {
    const payment = await read({
      status: 'requires_capture',
      amount_capturable: 5_000,
      latest_charge: CHARGE,
    });
    expect(payment).toMatchObject({
      authorizedMinor: 5_000,
      capturedMinor: 0,
      captureBeforeMs: 1_800_604_800_000,
    });
  });

  it('keeps captured at or below authorised, and counts refunds', async () => {
    const payment = await read({
      status: 'succeeded',
      amount_received: 4_000,
      latest_charge: { ...CHARGE, amount_refunded: 1_500 },
    });
    expect(payment).toMatchObject({
      authorizedMinor: 5_000,
      capturedMinor: 4_000,
      refundedMinor: 1_500,
    });
    const bare = await read({ status: 'succeeded', amount_received: 4_000, latest_charge: 'ch_1' });
    expect(bare).toMatchObject({
      authorizedMinor: 4_000,
      refundedMinor: 0,
      captureBeforeMs: null,
    });
  });

  it.each([
    ['succeeded', 'succeeded'],
    ['pending', 'pending'],
    ['requires_action', 'pending'],
    ['failed', 'failed'],
    ['canceled', 'failed'],
    [null, 'pending'],
  ])('refund %s is %s', async (status, expected) => {
    const refund = { id: 're_1', object: 'refund', amount: 100, status };
    const { gateway } = makeWiredGateway([json(refund)]);
    const request = { key: 'r', ref: 'pi_1', amountMinor: 100, refundId: 'rfd_1' };
    expect(await gateway.refund(request)).toMatchObject({ refund: { status: expected } });
  });
});
