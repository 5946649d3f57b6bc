/** Orders that their payer approves first: nothing moves before we ask, and we ask only while the booking wants it. */
import { describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../src/domain/time.ts';
import type { CallKind, Fault } from '../support/fake-processor.ts';
import { card, NodeShop, ORDER } from '../support/node-shop.ts';

async function ordered() {
  const shop = await NodeShop.open({ service: { holdTtlSeconds: 600 } });
  const { id } = await shop.booked([shop.slot()], ORDER);
  shop.paypal.calls.length = 0;
  return { shop, id };
}

function failOnce(shop: NodeShop, kind: CallKind, fault: Fault): void {
  let isLeft = true;
  shop.paypal.faultFor = (call) => {
    if (!isLeft || call.kind !== kind) return null;
    isLeft = false;
    return fault;
  };
}

function callsOf(shop: NodeShop): string[] {
  return shop.paypal.calls.map(({ kind }) => kind);
}

describe('an order', () => {
  test('that was approved is authorised, its slot locked, and captured', async () => {
    const { shop, id } = await ordered();
    shop.paypal.payerApproves('paypal_1');
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('confirmed');
    expect(callsOf(shop).slice(0, 3)).toEqual(['fetch', 'authorize', 'capture']);
  });

  test('that was approved after its hold had died is voided, and no money moves', async () => {
    const { shop, id } = await ordered();
    shop.paypal.payerApproves('paypal_1');
    await shop.pass(30 * MINUTE_MS);
    await shop.pass(30 * MINUTE_MS);
    expect(callsOf(shop)).not.toContain('authorize');
    expect(shop.paypal.objectOf('paypal_1')).toMatchObject({ state: 'voided', capturedMinor: 0 });
    expect(shop.bookingRow(id).state).toBe('expired');
  });

  test('that was approved after another method took over is voided', async () => {
    const { shop, id } = await ordered();
    shop.paypal.faultFor = ({ kind }) => (kind === 'void' || kind === 'fetch' ? 'busy' : null);
    await shop.booked(shop.bookingRow(id).holdId, card());
    shop.paypal.payerApproves('paypal_1');
    shop.paypal.faultFor = () => null;
    for (let i = 0; i < 3; i++) await shop.pass(MINUTE_MS);
    expect(shop.paypal.objectOf('paypal_1').state).toBe('voided');
    expect(shop.stripe.objectOf('stripe_1').state).toBe('captured');
    expect(shop.bookingRow(id).state).toBe('confirmed');
  });

  test.each(['lost_before', 'lost_after', 'fault_before', 'fault_after', 'busy'] as const)(
    'whose authorisation is %s is captured once all the same',
    async (fault) => {
      const { shop, id } = await ordered();
      shop.paypal.payerApproves('paypal_1');
      failOnce(shop, 'authorize', fault);
      for (let i = 0; i < 3; i++) await shop.advance(id);
      await shop.pass(MINUTE_MS);
      await shop.pass(MINUTE_MS);
      expect(shop.bookingRow(id).state).toBe('confirmed');
      expect(shop.paypal.objectOf('paypal_1').capturedMinor).toBe(2_500);
    },
  );

  test('approved while two look at it is authorised once', async () => {
    const { shop, id } = await ordered();
    shop.paypal.payerApproves('paypal_1');
    await Promise.all([shop.advance(id), shop.advance(id, 'confirm'), shop.confirm(id)]);
    expect(callsOf(shop).filter((kind) => kind === 'authorize')).toHaveLength(1);
    expect(callsOf(shop).filter((kind) => kind === 'capture')).toHaveLength(1);
  });

  test('whose instrument is declined at the authorisation may be paid another way', async () => {
    const { shop, id } = await ordered();
    shop.paypal.payerApproves('paypal_1');
    const declined = { kind: 'declined', code: 'instrument_declined', retry: 'payer' } as const;
    failOnce(shop, 'authorize', { ...declined, payment: null });
    await shop.advance(id);
    expect(shop.bookingRow(id).state).toBe('payment_failed');
    await shop.booked(shop.bookingRow(id).holdId, card());
    expect(shop.bookingRow(id).state).toBe('confirmed');
  });
});
