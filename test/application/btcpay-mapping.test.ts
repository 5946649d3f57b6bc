/**
 * What an invoice of BTCPay means for a payment: every status with every kind of money, and sums to the minor unit.
 */
import { describe, expect, it } from 'vitest';
import {
  add,
  fromMinor,
  multiply,
  parseDecimal,
  subtract,
  toMinor,
  ZERO,
} from '../../src/payments/btcpay/decimal.ts';
import {
  INVOICES,
  invoiceJson,
  json,
  makeWiredGateway,
  methodJson,
  paymentJson,
  PULL_PAYMENTS,
} from './btcpay-wire.ts';

/** What the gateway makes of an invoice of 50 euros at 50,000 euros a coin. */
async function read(
  invoice: Record<string, unknown>,
  payments: readonly Record<string, unknown>[],
  moreMethods: readonly Record<string, unknown>[] = [],
) {
  const { gateway } = makeWiredGateway({
    [`GET ${INVOICES}/inv1`]: json(invoiceJson(invoice)),
    [`GET ${INVOICES}/inv1/payment-methods`]: json([methodJson(payments), ...moreMethods]),
    [`GET ${PULL_PAYMENTS}`]: json([]),
  });
  const reply = await gateway.fetch('inv1');
  if (reply.kind !== 'payment') throw new Error(JSON.stringify(reply));
  return reply.payment;
}

const FULL = paymentJson('0.001');
const PART = paymentJson('0.0004');
const FULL_IN_FLIGHT = paymentJson('0.001', 'Processing');
const PART_IN_FLIGHT = paymentJson('0.0004', 'Processing');
const SPENT_ELSEWHERE = paymentJson('0.001', 'Invalid');

describe('states', () => {
  type Case = readonly [string, readonly Record<string, unknown>[], string, number];
  const CASES: readonly Case[] = [
    ['New None', [], 'action_required', 0],
    ['New PaidPartial', [PART], 'action_required', 0],
    ['Processing None', [FULL_IN_FLIGHT], 'pending', 0],
    ['Processing PaidOver', [FULL_IN_FLIGHT, PART], 'pending', 0],
    ['Settled None', [FULL], 'captured', 5_000],
    ['Settled PaidOver', [FULL, PART], 'captured', 7_000],
    ['Settled PaidOver', [FULL, PART_IN_FLIGHT], 'captured', 5_000],
    ['Settled Marked', [], 'captured', 5_000],
    ['Settled Marked', [PART], 'captured', 2_000],
    ['Expired None', [], 'expired', 0],
    ['Expired PaidPartial', [PART_IN_FLIGHT], 'pending', 0],
    ['Expired PaidPartial', [PART], 'captured', 2_000],
    ['Expired PaidPartial', [PART, PART_IN_FLIGHT], 'pending', 0],
    ['Expired PaidLate', [FULL_IN_FLIGHT], 'pending', 0],
    ['Expired PaidLate', [FULL], 'captured', 5_000],
    ['Expired None', [SPENT_ELSEWHERE], 'expired', 0],
    ['Invalid Marked', [], 'voided', 0],
    ['Invalid Marked', [FULL_IN_FLIGHT], 'pending', 0],
    ['Invalid Marked', [FULL], 'captured', 5_000],
    ['Invalid Marked', [PART], 'captured', 2_000],
    ['Invalid None', [SPENT_ELSEWHERE], 'failed', 0],
    ['Invalid None', [FULL], 'captured', 5_000],
    ['Reopened None', [], 'pending', 0],
  ];

  for (const [standing, payments, state, capturedMinor] of CASES) {
    const sent = payments.map(({ value, status }) => `${String(value)} ${String(status)}`);
    it(`${standing} with [${sent.join(', ')}] is ${state}`, async () => {
      const [status, additionalStatus] = standing.split(' ');
      const payment = await read({ status, additionalStatus }, payments);
      expect(payment).toMatchObject({
        state,
        amountMinor: 5_000,
        capturedMinor,
        authorizedMinor: capturedMinor,
        declineCode: state === 'failed' ? 'invoice_invalid' : null,
      });
      expect(payment.action === null).toBe(state !== 'action_required');
    });
  }
});

describe('sums', () => {
  it('are rounded down once over all payments, in every way to pay', async () => {
    const lightning = methodJson([paymentJson('0.00000019999')], {
      paymentMethodId: 'BTC-LN',
      rate: '49999.99',
    });
    const payment = await read(
      { status: 'Expired', additionalStatus: 'PaidPartial' },
      [paymentJson('0.0000001'), paymentJson('0.0000001')],
      [lightning],
    );
    // 0.01 euros, and 0.0099994… of a euro on top: 1.99… cents.
    expect(payment.capturedMinor).toBe(1);
  });

  it('leave out what the store adds for taking a payment', async () => {
    const payment = await read({ status: 'Settled' }, [
      paymentJson('0.00101', 'Settled', '0.00001'),
    ]);
    expect(payment.capturedMinor).toBe(5_000);
  });

  it('count an invoice that is paid in full for its amount at least', async () => {
    for (const paid of [
      { status: 'Settled', additionalStatus: 'None' },
      { status: 'Expired', additionalStatus: 'PaidLate' },
    ]) {
      const payment = await read(paid, [paymentJson('0.00099999')]);
      expect(payment.capturedMinor).toBe(5_000);
    }
  });

  it.each([
    { currency: 'JPY', amount: '5000', rate: '9812345.5', value: '0.00050957', minor: 5_000 },
    { currency: 'KWD', amount: '5.001', rate: '19850.125', value: '0.00025194', minor: 5_001 },
  ])('of $currency have the decimals of the currency', async (paid) => {
    const { currency, amount, rate, value, minor } = paid;
    const method = methodJson([paymentJson(value)], { rate });
    const payment = await read({ status: 'Invalid', currency, amount }, [], [method]);
    expect(payment).toMatchObject({ amountMinor: minor, capturedMinor: minor });
  });

  it('skip a way to pay that has no currency', async () => {
    const payment = await read(
      { status: 'Settled' },
      [FULL],
      [{ paymentMethodId: 'X', rate: null }],
    );
    expect(payment.capturedMinor).toBe(5_000);
  });
});

describe('decimals', () => {
  it('read what a decimal is, and nothing else', () => {
    expect(parseDecimal('-12.340')).toEqual({ units: -12_340n, scale: 3 });
    expect(parseDecimal('7')).toEqual({ units: 7n, scale: 0 });
    for (const text of ['', '.', '1.', '.5', '1e3', '1,5', ' 1', '+1', 'NaN', '0x1']) {
      expect(parseDecimal(text), text).toBeNull();
    }
  });

  it('add, subtract and multiply exactly where floats do not', () => {
    const tenth = parseDecimal('0.1') ?? ZERO;
    const fifth = parseDecimal('0.20') ?? ZERO;
    expect(add(tenth, fifth)).toEqual({ units: 30n, scale: 2 });
    expect(subtract(tenth, fifth)).toEqual({ units: -10n, scale: 2 });
    expect(multiply(tenth, fifth)).toEqual({ units: 20n, scale: 3 });
  });

  it('become minor units by dropping what is less than one', () => {
    expect(toMinor({ units: 12_999n, scale: 3 }, 2)).toBe(1_299);
    expect(toMinor({ units: -12_999n, scale: 3 }, 2)).toBe(-1_299);
    expect(toMinor({ units: 12n, scale: 0 }, 3)).toBe(12_000);
    expect(toMinor({ units: 1_999n, scale: 3 }, 0)).toBe(1);
    expect(() => toMinor({ units: 10n ** 17n, scale: 0 }, 2)).toThrow('safe integer');
  });

  it('are written with all decimals of the currency, and read back as they were', () => {
    for (const exponent of [0, 2, 3]) {
      for (const minor of [0, 1, 9, 10, 99, 100, 1_005, 123_456_789]) {
        const text = fromMinor(minor, exponent);
        expect(toMinor(parseDecimal(text) ?? ZERO, exponent), text).toBe(minor);
      }
    }
    expect(() => fromMinor(1.5, 2)).toThrow('whole number');
    expect(() => fromMinor(-1, 2)).toThrow('whole number');
  });
});
