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

describe('fees', () => {
  const movement = { id: 'txn_1', object: 'balance_transaction', currency: 'eur', fee: 388 };
  const charge = { ...CHARGE, currency: 'eur' };

  it.each([
    ['the movement on our balance tells it', { ...charge, balance_transaction: movement }, 388],
    ['nothing moved yet', { ...charge, balance_transaction: null }, null],
    ['the movement is not shown', { ...charge, balance_transaction: 'txn_1' }, null],
    [
      'it was taken in another currency',
      { ...charge, balance_transaction: { ...movement, currency: 'usd' } },
      null,
    ],
  ])('where %s', async (_name, latest, feeMinor) => {
    const payment = await read({ status: 'succeeded', latest_charge: latest });
    expect(payment.feeMinor).toBe(feeMinor);
  });

  it('are not known of a payment without a charge', async () => {
    expect((await read({})).feeMinor).toBeNull();
  });
});

const page = (data: readonly object[]) => json({ object: 'list', has_more: false, data });

describe('disputes', () => {
  const disputed = intentJson({
    status: 'succeeded',
    latest_charge: { ...CHARGE, disputed: true },
  });
  const dispute = {
    id: 'du_1',
    object: 'dispute',
    amount: 5_000,
    currency: 'eur',
    reason: 'fraudulent',
    evidence_details: { due_by: 1_800_700_000 },
  };

  it.each([
    ['warning_needs_response', 'inquiry'],
    ['warning_under_review', 'inquiry'],
    ['warning_closed', 'won'],
    ['needs_response', 'open'],
    ['appeal_needs_response', 'open'],
    ['under_review', 'under_review'],
    ['appeal_under_review', 'under_review'],
    ['prevented', 'won'],
    ['won', 'won'],
    ['lost', 'lost'],
    ['a_status_of_next_year', 'under_review'],
  ])('%s is %s', async (status, expected) => {
    const { gateway } = makeWiredGateway([json(disputed), page([{ ...dispute, status }])]);
    expect(await gateway.fetch('pi_1')).toMatchObject({
      payment: {
        disputes: [
          {
            ref: 'du_1',
            status: expected,
            amountMinor: 5_000,
            currency: 'eur',
            reason: 'fraudulent',
            evidenceDueMs: 1_800_700_000_000,
          },
        ],
      },
    });
  });

  it('have no deadline where Stripe names none', async () => {
    const late = { ...dispute, status: 'lost', evidence_details: { due_by: null } };
    const { gateway } = makeWiredGateway([json(disputed), page([late])]);
    expect(await gateway.fetch('pi_1')).toMatchObject({
      payment: { disputes: [{ evidenceDueMs: null }] },
    });
  });

  it('are asked for only where the charge says that there are some', async () => {
    const plain = makeWiredGateway([json(intentJson({ latest_charge: CHARGE }))]);
    expect(await plain.gateway.fetch('pi_1')).toMatchObject({ payment: { disputes: [] } });
    expect(plain.calls).toHaveLength(1);
    const asked = makeWiredGateway([json(disputed), page([])]);
    await asked.gateway.fetch('pi_1');
    const url = new URL(asked.calls[1]?.url ?? '');
    expect(url.pathname).toBe('/v1/disputes');
    expect(url.searchParams.get('payment_intent')).toBe('pi_1');
  });
});
