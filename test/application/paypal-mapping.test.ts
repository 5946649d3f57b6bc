/** What PayPal's objects mean: amounts to the last unit, and one state for every combination of its own. */
import { describe, expect, it } from 'vitest';
import type { ProcessorPayment } from '../../src/domain/payment/processor-reply.ts';
import { CURRENCY_EXPONENTS } from '../../src/domain/money.ts';
import { fromPaypalAmount, toPaypalAmount } from '../../src/payments/paypal/amounts.ts';
import { toDispute, toPayment } from '../../src/payments/paypal/mapping.ts';
import { customIdOf, referenceOf } from '../../src/payments/paypal/reference.ts';
import { disputeSchema, orderSchema } from '../../src/payments/paypal/wire.ts';
import { authorization, capture, eur, order } from './paypal-wire.ts';

function seen(changes: Parameters<typeof order>[0]): ProcessorPayment {
  const read = orderSchema.parse(order(changes));
  return toPayment(read, { mayPayAt: () => true, disputes: [] });
}

describe('amounts', () => {
  it.each([
    [1, 'usd', '0.01'],
    [10, 'usd', '0.10'],
    [99, 'eur', '0.99'],
    [100, 'eur', '1.00'],
    [123_456_789, 'eur', '1234567.89'],
    [9_007_199_254_740_991, 'gbp', '90071992547409.91'],
    [1, 'jpy', '1'],
    [5_000, 'jpy', '5000'],
    [100_00, 'huf', '100'],
    [0, 'usd', '0.00'],
  ])('%i minor units of %s are written %s and read back', (amount, currency, value) => {
    const written = toPaypalAmount({ amount, currency });
    expect(written).toEqual({ currency_code: currency.toUpperCase(), value });
    if ('refused' in written) throw new Error('refused');
    expect(fromPaypalAmount(written)).toEqual({ amount, currency });
  });

  it('are refused in currencies of three decimals, which PayPal does not take', () => {
    for (const [currency, exponent] of Object.entries(CURRENCY_EXPONENTS)) {
      const written = toPaypalAmount({ amount: 100, currency });
      if (exponent === 3) expect(written).toEqual({ refused: 'currency_not_supported' });
    }
  });

  it.each([
    ['12.345', 'EUR'],
    ['1.5', 'JPY'],
    ['1,00', 'EUR'],
    ['1e3', 'EUR'],
    ['', 'EUR'],
    ['.5', 'EUR'],
    ['1.00', 'XTS'],
    ['NaN', 'EUR'],
    ['99999999999999999999', 'EUR'],
  ])('that are no amount are not guessed: %s %s', (value, currencyCode) => {
    expect(fromPaypalAmount({ value, currency_code: currencyCode })).toBeNull();
  });

  it('may come with fewer or more noughts than needed', () => {
    expect(fromPaypalAmount({ value: '12', currency_code: 'EUR' })?.amount).toBe(1_200);
    expect(fromPaypalAmount({ value: '12.5', currency_code: 'EUR' })?.amount).toBe(1_250);
    expect(fromPaypalAmount({ value: '500.00', currency_code: 'JPY' })?.amount).toBe(500);
  });
});

describe('an order', () => {
  it.each([
    ['waits for its payer', { status: 'PAYER_ACTION_REQUIRED' }, 'action_required'],
    ['without a way to pay is merely created', { status: 'CREATED' }, 'created'],
    ['was approved', { status: 'APPROVED' }, 'approved'],
    ['in a state that is new to us waits', { status: 'SAVED' }, 'pending'],
    ['is reserved', { payments: { authorizations: [authorization()] } }, 'authorized'],
    [
      'is being checked',
      { payments: { authorizations: [authorization({ status: 'PENDING' })] } },
      'pending',
    ],
    [
      'was refused by PayPal',
      { payments: { authorizations: [authorization({ status: 'DENIED' })] } },
      'failed',
    ],
    [
      'was released',
      { payments: { authorizations: [authorization({ status: 'VOIDED' })] } },
      'voided',
    ],
    [
      'has lapsed',
      {
        payments: {
          authorizations: [
            authorization({ status: 'VOIDED', update_time: '2026-12-20T11:00:00Z' }),
          ],
        },
      },
      'expired',
    ],
    ['is paid', { payments: { captures: [capture()] } }, 'captured'],
    ['is refunded', { payments: { captures: [capture({ status: 'REFUNDED' })] } }, 'captured'],
    ['is being paid', { payments: { captures: [capture({ status: 'PENDING' })] } }, 'pending'],
    [
      'could not be paid',
      {
        payments: {
          authorizations: [authorization()],
          captures: [capture({ status: 'DECLINED' })],
        },
      },
      'failed',
    ],
    [
      'could not be paid and was released',
      {
        payments: {
          authorizations: [authorization({ status: 'VOIDED' })],
          captures: [capture({ status: 'FAILED' })],
        },
      },
      'voided',
    ],
  ])('that %s', (_, changes, state) => {
    const payment = seen(changes);
    expect(payment.state).toBe(state);
    expect(payment.capturedMinor).toBe(state === 'captured' ? 1_234 : 0);
    expect(payment.authorizedMinor > 0).toBe(state === 'authorized' || state === 'captured');
  });

  it('counts the renewed authorization', () => {
    const authorizations = [
      authorization({ status: 'VOIDED' }),
      authorization({ id: 'AUTH2', expiration_time: '2026-12-25T00:00:00Z' }),
    ];
    expect(seen({ payments: { authorizations } })).toMatchObject({
      state: 'authorized',
      captureBeforeMs: Date.parse('2026-12-25T00:00:00Z'),
    });
  });

  it('shows money of another currency as what it is', () => {
    const captures = [capture({ amount: { currency_code: 'USD', value: '12.34' } })];
    expect(seen({ payments: { captures } })).toMatchObject({ state: 'captured', currency: 'usd' });
  });

  it('shows another reservation than was asked for as what it is', () => {
    const less = authorization({ amount: eur('12.33') });
    expect(seen({ payments: { authorizations: [less] } }).amountMinor).toBe(1_233);
    const other = authorization({ amount: { currency_code: 'USD', value: '12.34' } });
    expect(seen({ payments: { authorizations: [other] } }).currency).toBe('usd');
  });

  it('shows less than was asked for as less', () => {
    const captures = [capture({ amount: eur('10.00') })];
    expect(seen({ payments: { captures } })).toMatchObject({
      amountMinor: 1_234,
      capturedMinor: 1_000,
    });
  });

  it('counts what went back or is on its way, and not what failed to', () => {
    const refunds = [
      { id: 'R1', status: 'COMPLETED', amount: eur('1.00') },
      { id: 'R2', status: 'PENDING', amount: eur('2.00') },
      { id: 'R3', status: 'FAILED', amount: eur('4.00') },
      { id: 'R4', status: 'CANCELLED', amount: eur('8.00') },
    ];
    const captures = [capture({ status: 'PARTIALLY_REFUNDED' })];
    expect(seen({ payments: { captures, refunds } }).refundedMinor).toBe(300);
  });

  it('tells the fee once PayPal says it of all that was taken', () => {
    expect(seen({ payments: { captures: [capture()] } }).feeMinor).toBe(78);
    const silent = capture({ seller_receivable_breakdown: undefined });
    expect(seen({ payments: { captures: [silent] } }).feeMinor).toBeNull();
    expect(seen({ status: 'APPROVED' }).feeMinor).toBeNull();
  });

  it('keeps the token of what was put in the vault', () => {
    const source = { paypal: { attributes: { vault: { id: 'tok1', status: 'VAULTED' } } } };
    expect(seen({ source }).methodRef).toBe('tok1');
    expect(seen({ source: { paypal: {} } }).methodRef).toBeNull();
  });
});

describe('our ids', () => {
  it('share the one field that PayPal has, and come back from it', () => {
    for (const reference of [
      { bookingId: 'bkg_g1:2', paymentId: 'pay_g1:2' },
      { subscriptionId: 'sub_g1', chargeId: 'chg_g1' },
    ]) {
      expect(referenceOf(customIdOf(reference))).toEqual(reference);
    }
  });

  it.each(['', 'order 7', 'bkg_1', 'bkg_1:chg_1', 'sub_1:pay_1', 'pay_1:bkg_1', null, undefined])(
    'are not seen in %s',
    (customId) => {
      expect(referenceOf(customId)).toBeNull();
    },
  );
});

describe('a dispute', () => {
  it.each([
    [{ status: 'OPEN', dispute_life_cycle_stage: 'INQUIRY' }, 'inquiry'],
    [{ status: 'WAITING_FOR_SELLER_RESPONSE', dispute_life_cycle_stage: 'CHARGEBACK' }, 'open'],
    [{ status: 'UNDER_REVIEW', dispute_life_cycle_stage: 'CHARGEBACK' }, 'under_review'],
    [{ status: 'SOMETHING_NEW', dispute_life_cycle_stage: 'ARBITRATION' }, 'open'],
    [{ status: 'RESOLVED', dispute_outcome: { outcome_code: 'RESOLVED_BUYER_FAVOUR' } }, 'lost'],
    [{ status: 'RESOLVED', dispute_outcome: { outcome_code: 'RESOLVED_SELLER_FAVOUR' } }, 'won'],
    [{ status: 'RESOLVED', dispute_outcome: { outcome_code: 'CANCELED_BY_BUYER' } }, 'won'],
    [{ status: 'RESOLVED', dispute_outcome: { outcome_code: 'RESOLVED_WITH_PAYOUT' } }, 'won'],
    [{ status: 'RESOLVED', dispute_outcome: { outcome_code: 'ACCEPTED' } }, 'lost'],
  ])('%j is %s', (fields, status) => {
    const read = disputeSchema.parse({
      dispute_id: 'PP-D-1',
      dispute_amount: eur('12.34'),
      ...fields,
    });
    expect(toDispute(read).status).toBe(status);
  });
});
