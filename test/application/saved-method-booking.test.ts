/** A booking that is paid with a saved method: what the shard keeps of it, and what a key remembers when it is gone. */
import { describe, expect, it } from 'vitest';
import { checkOut } from '../../src/application/checkout.ts';
import type { PaymentChoice } from '../../src/domain/booking/booking.ts';
import { refuse } from '../../src/domain/result.ts';
import { NodeShop } from '../support/node-shop.ts';

/** What a saved method is resolved to. */
const SAVED: PaymentChoice = {
  processor: 'stripe',
  paymentMethod: 'pm_kept_1',
  customerRef: 'cus_ann',
  returnUrl: null,
};

async function openShop(): Promise<NodeShop> {
  const shop = await NodeShop.open();
  shop.stripe.recurring.kept.set('pm_kept_1', {
    customerRef: 'cus_ann',
    behaviour: 'pm_card',
    isSetUp: true,
  });
  return shop;
}

const GONE = refuse('not_found', 'There is no such payment method.').refusal;

describe('a booking with a saved method', () => {
  it('is confirmed at once: the processor hears of the customer with the method', async () => {
    const shop = await openShop();
    const booking = await shop.booked([shop.slot()], SAVED);
    expect(booking).toMatchObject({ status: 'confirmed', payment: { status: 'captured' } });
  });

  it('goes to the processor as it was when the answer to it was lost', async () => {
    const shop = await openShop();
    shop.stripe.faultFor = ({ kind }) => (kind === 'authorize' ? 'lost_before' : null);
    const { id } = await shop.booked([shop.slot()], SAVED);
    shop.stripe.faultFor = () => null;
    shop.clock.advance(60_000);
    await shop.advance(id);
    expect(shop.payment(id).state).toBe('captured');
  });

  it('takes the place of another way to pay, with its customer', async () => {
    const shop = await openShop();
    const hold = await shop.held();
    await shop.booked(hold.id, { processor: 'stripe', paymentMethod: null, returnUrl: null });
    expect(await shop.booked(hold.id, SAVED)).toMatchObject({ status: 'confirmed' });
  });

  it('is refused before anything is claimed when the method is not the customer’s', async () => {
    const shop = await openShop();
    const command = { ...shop.bookCommand([shop.slot()], null), methodRefusal: GONE };
    const refused = await checkOut(shop.ports, command);
    expect(refused).toMatchObject({ ok: false, refusal: { code: 'not_found' } });
    expect((await shop.hold([shop.slot()])).ok).toBe(true);
  });

  it('is answered again under its key though the method has gone since', async () => {
    const shop = await openShop();
    const command = shop.bookCommand([shop.slot()], SAVED);
    const first = await checkOut(shop.ports, command);
    const again = await checkOut(shop.ports, { ...command, payment: null, methodRefusal: GONE });
    expect(first.ok && again.ok && again.value).toEqual(first.ok && first.value);
    expect(again.replayed).toBe(true);
  });
});
