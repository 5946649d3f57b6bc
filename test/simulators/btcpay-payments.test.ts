/**
 * Money that is pushed to an invoice: in time, in part, too much, too late, unconfirmed, spent elsewhere. The books
 * have one capture for each payment received.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBtcpay, STORE_ID, type BtcpayRig } from './btcpay-support.ts';

let btcpay: BtcpayRig;
beforeAll(async () => {
  btcpay = await startBtcpay();
});
afterAll(() => btcpay.rig.simulators.close());

const MINUTE = 60;
const EXPIRY = 15 * MINUTE;
const MONITORING = 1440 * MINUTE;

async function states(id: string): Promise<unknown[]> {
  const { status, additionalStatus } = await btcpay.fetch(id);
  return [status, additionalStatus];
}

async function captures(id: string): Promise<unknown[]> {
  const rows = await btcpay.rig.books(id);
  return rows.map(({ kind, amount, status }) => [kind, amount, status]);
}

describe('a payment in time', () => {
  it('is processing until one confirmation, then settled', async () => {
    const { id } = await btcpay.create();
    expect(await btcpay.act(id, 'pay')).toEqual({ status: 200, state: 'Processing' });
    expect(await captures(id)).toEqual([['capture', 2500, 'pending']]);
    await btcpay.advance(9 * MINUTE);
    expect(await states(id)).toEqual(['Processing', 'None']);
    await btcpay.advance(MINUTE);
    expect(await states(id)).toEqual(['Settled', 'None']);
    expect(await captures(id)).toEqual([['capture', 2500, 'succeeded']]);
  });

  it('is settled at once where no confirmation is waited for, or by Lightning', async () => {
    const fast = await btcpay.create({ checkout: { speedPolicy: 'HighSpeed' } });
    expect(await btcpay.act(fast.id, 'pay')).toMatchObject({ state: 'Settled' });
    const lightning = await btcpay.create();
    const paid = await btcpay.act(lightning.id, 'pay', { paymentMethod: 'BTC-LN' });
    expect(paid).toMatchObject({ state: 'Settled' });
    expect(await captures(lightning.id)).toEqual([['capture', 2500, 'succeeded']]);
  });

  it('is confirmed when a person says so', async () => {
    const { id } = await btcpay.create({ checkout: { speedPolicy: 'LowSpeed' } });
    await btcpay.act(id, 'pay');
    await btcpay.advance(EXPIRY);
    expect(await states(id)).toEqual(['Processing', 'None']);
    expect(await btcpay.act(id, 'confirm')).toEqual({ status: 200, state: 'Settled' });
    const approved = await btcpay.create();
    expect(await btcpay.act(approved.id, 'approve')).toEqual({ status: 200, state: 'Settled' });
  });

  it('that was spent elsewhere never happened', async () => {
    const { id } = await btcpay.create();
    await btcpay.act(id, 'pay');
    expect(await btcpay.act(id, 'fail')).toEqual({ status: 200, state: 'New' });
    expect(await captures(id)).toEqual([['capture', 2500, 'failed']]);
    expect((await btcpay.methods(id))[0]?.payments).toEqual([]);
    await btcpay.advance(EXPIRY);
    expect(await states(id)).toEqual(['Expired', 'None']);
  });

  it('carries our reference into the books, in the public spelling', async () => {
    const booking = await btcpay.create();
    await btcpay.act(booking.id, 'pay');
    const subscription = await btcpay.create({
      metadata: { orderId: 'chg_1', subscription_id: 'sub_1', charge_id: 'chg_1' },
    });
    await btcpay.act(subscription.id, 'pay');
    const [first] = await btcpay.rig.books(booking.id);
    expect(first).toMatchObject({ currency: 'usd', metadata: { bookingId: 'bkg_1' } });
    const [second] = await btcpay.rig.books(subscription.id);
    expect(second).toMatchObject({ metadata: { subscriptionId: 'sub_1' } });
    expect(await btcpay.fetch(booking.id)).not.toHaveProperty('metadata.bookingId');
  });
});

describe('an amount that is not the price', () => {
  it('in part leaves the invoice open until the rest comes', async () => {
    const { id } = await btcpay.create();
    expect(await btcpay.act(id, 'pay', { amount: 1001 })).toEqual({ status: 200, state: 'New' });
    expect(await states(id)).toEqual(['New', 'PaidPartial']);
    await btcpay.act(id, 'pay');
    expect(await states(id)).toEqual(['Processing', 'None']);
    expect(await captures(id)).toEqual([
      ['capture', 1001, 'pending'],
      ['capture', 1499, 'pending'],
    ]);
    const [method] = await btcpay.methods(id);
    expect(method?.due).toBe('0.00000000');
  });

  it('in part expires as a part', async () => {
    const { id } = await btcpay.create();
    await btcpay.act(id, 'pay', { amount: 1000 });
    await btcpay.advance(EXPIRY);
    expect(await states(id)).toEqual(['Expired', 'PaidPartial']);
    expect(await captures(id)).toEqual([['capture', 1000, 'succeeded']]);
  });

  it('above it settles as too much, with a negative amount due', async () => {
    const { id } = await btcpay.create();
    await btcpay.act(id, 'pay', { amount: 2501 });
    await btcpay.advance(10 * MINUTE);
    expect(await states(id)).toEqual(['Settled', 'PaidOver']);
    expect((await btcpay.methods(id))[0]?.due).toMatch(/^-0\.0000/);
  });

  it('within the tolerance of the invoice is enough', async () => {
    const { id } = await btcpay.create({ checkout: { paymentTolerance: 2 } });
    await btcpay.act(id, 'pay', { amount: 2449 });
    expect(await states(id)).toEqual(['New', 'PaidPartial']);
    await btcpay.act(id, 'pay', { amount: 1 });
    expect(await states(id)).toEqual(['Processing', 'None']);
  });
});

describe('a payment too late', () => {
  it('is kept by an expired invoice, which stays expired', async () => {
    const { id } = await btcpay.create();
    await btcpay.advance(EXPIRY);
    expect(await states(id)).toEqual(['Expired', 'None']);
    expect(await btcpay.act(id, 'pay')).toEqual({ status: 200, state: 'Expired' });
    await btcpay.advance(10 * MINUTE);
    expect(await states(id)).toEqual(['Expired', 'PaidLate']);
    expect(await captures(id)).toEqual([['capture', 2500, 'succeeded']]);
  });

  it('that completes a part makes the invoice paid late', async () => {
    const { id } = await btcpay.create();
    await btcpay.act(id, 'pay', { amount: 1000 });
    await btcpay.advance(EXPIRY);
    await btcpay.act(id, 'pay', { amount: 500 });
    expect(await states(id)).toEqual(['Expired', 'PaidPartial']);
    await btcpay.act(id, 'pay');
    expect(await states(id)).toEqual(['Expired', 'PaidLate']);
  });

  it('reaches an invoice that was made invalid, and changes nothing but the books', async () => {
    const { id } = await btcpay.create();
    await btcpay.call(`stores/${STORE_ID}/invoices/${id}/status`, { status: 'Invalid' });
    await btcpay.act(id, 'pay');
    await btcpay.advance(10 * MINUTE);
    expect(await states(id)).toEqual(['Invalid', 'Marked']);
    expect(await captures(id)).toEqual([['capture', 2500, 'succeeded']]);
    expect((await btcpay.methods(id))[0]).toMatchObject({ payments: [{ status: 'Settled' }] });
  });

  it('is seen by nobody once the monitoring is over', async () => {
    const { id } = await btcpay.create();
    await btcpay.advance(EXPIRY + MONITORING);
    expect(await btcpay.act(id, 'pay')).toMatchObject({ status: 409 });
    expect(await captures(id)).toEqual([]);
  });

  it('to be confirmed makes a paid invoice invalid', async () => {
    const checkout = { speedPolicy: 'LowSpeed', expirationMinutes: 5, monitoringMinutes: 5 };
    const { id } = await btcpay.create({ checkout });
    await btcpay.act(id, 'pay');
    await btcpay.advance(10 * MINUTE);
    expect(await states(id)).toEqual(['Invalid', 'None']);
    await btcpay.advance(50 * MINUTE);
    expect(await states(id)).toEqual(['Invalid', 'None']);
    expect(await captures(id)).toEqual([['capture', 2500, 'succeeded']]);
  });
});

describe('what was received', () => {
  it('has the totals of the whole invoice at each way to pay', async () => {
    const { id } = await btcpay.create();
    await btcpay.act(id, 'pay', { amount: 1000 });
    await btcpay.act(id, 'pay', { amount: 700, paymentMethod: 'BTC-LN' });
    const [chain, lightning] = await btcpay.methods(id);
    expect(chain?.paymentMethodId).toBe('BTC-CHAIN');
    expect(lightning?.paymentMethodId).toBe('BTC-LN');
    expect(chain?.totalPaid).toBe(lightning?.totalPaid);
    expect(chain?.due).toBe(lightning?.due);
    expect(chain?.payments).toHaveLength(1);
    expect(lightning?.payments).toHaveLength(1);
    expect(chain?.payments[0]?.value).toBe(chain?.paymentMethodPaid);
  });

  it.each([
    ['USD', '19.99', [1, 333, 1665]],
    ['JPY', '10007', [1, 3333, 6673]],
    ['KWD', '12.345', [1, 4567, 7777]],
    ['HUF', '123456.78', [1, 999_999, 11_345_678]],
  ])(
    'in %s is worth exactly what was sent when it is rounded down',
    async (currency, amount, parts) => {
      const { id } = await btcpay.create({ currency, amount });
      for (const part of parts) await btcpay.act(id, 'pay', { amount: part });
      const [method] = await btcpay.methods(id);
      const digits = digitsOf(amount);
      const worth = exactWorth(method?.totalPaid ?? '', method?.rate ?? '');
      expect(worth.units / 10n ** BigInt(worth.digits - digits)).toBe(
        BigInt(amount.replace('.', '')),
      );
      expect(await states(id)).toEqual(['Processing', 'None']);
      expect(method?.totalPaid).toBe(method?.amount);
    },
  );
});

const digitsOf = (text: string): number => text.split('.')[1]?.length ?? 0;
const unitsOf = (text: string): bigint => BigInt(text.replace('.', ''));

function exactWorth(value: string, rate: string): { units: bigint; digits: number } {
  return { units: unitsOf(value) * unitsOf(rate), digits: digitsOf(value) + digitsOf(rate) };
}
