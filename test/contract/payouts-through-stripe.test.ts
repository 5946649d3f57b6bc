/**
 * Payouts from the first click to the money at the provider's account: the use cases over the shipping Stripe adapter and
 * the simulator, over real sockets. Judged by the simulator's own books.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { reverseByHand } from '../../src/application/payouts/command-payout.ts';
import { openPayoutAccount } from '../../src/application/payouts/payout-account.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { createStripeGateway } from '../../src/payments/stripe/gateway.ts';
import { createStripePayoutGateway } from '../../src/payments/stripe/payouts.ts';
import { PayoutWorld } from '../application/payout-world.ts';
import { newKey, paymentOf, RETURN_URL } from './payment-gateway-subject.ts';
import { startStripe, type StripeWorld } from './stripe-world.ts';

let stripe: StripeWorld;
beforeAll(async () => {
  stripe = await startStripe();
});
afterEach(() => stripe.clearFaults());
afterAll(() => stripe.close());

/** Money of payers, in the platform's balance at once. */
async function fund(amountMinor: number): Promise<void> {
  const gateway = createStripeGateway(stripe.config);
  const reference = { bookingId: `bkg_${newKey()}`, paymentId: `pay_${newKey()}` };
  const amount = { amount: amountMinor, currency: 'usd' };
  const { ref } = paymentOf(
    await gateway.open({ key: newKey(), amount, reference, returnUrl: null }),
  );
  const paymentMethod = 'pm_card_bypassPending';
  await gateway.authorize({ key: newKey(), ref, paymentMethod, returnUrl: RETURN_URL });
  paymentOf(await gateway.capture({ key: newKey(), ref, amountMinor }));
}

/** A provider who went through the processor's pages, and what they earned. */
async function onboarded(amountMinor: number): Promise<{ world: PayoutWorld; id: string }> {
  const world = new PayoutWorld(createStripePayoutGateway(stripe.config));
  const id = await world.provider('none');
  const caller = { id: world.ownerId, roles: [] };
  const pages = { returnUrl: RETURN_URL, refreshUrl: RETURN_URL, country: undefined };
  const ask = () => openPayoutAccount(world.deps, caller, { ...pages, providerId: id });
  const first = await ask();
  expect(first).toMatchObject({ ok: true, value: { status: 'pending' } });
  const ref = (await world.store.account(id))?.ref ?? '';
  await world.earn(id, amountMinor);
  expect(await world.run()).toMatchObject({ not_ready: 1, made: 0 });
  await stripe.control.act(ref, { action: 'approve' });
  expect(await ask()).toMatchObject({ ok: true, value: { status: 'ready', missing: [] } });
  return { world, id };
}

async function transfersOf(world: PayoutWorld): Promise<unknown[]> {
  const refs = new Set([...world.store.payouts.values()].map(({ transferRef }) => transferRef));
  const books = await stripe.control.books();
  return books.filter(({ id, kind }) => kind === 'transfer' && refs.has(id));
}

describe('a provider', () => {
  it('signs up, earns and is paid', async () => {
    await fund(20_000);
    const { world, id } = await onboarded(9_000);
    expect(await world.run()).toMatchObject({ made: 1, completed: 1 });
    expect(world.ledger.owed(id, 'usd')).toBe(0);
    expect(await transfersOf(world)).toEqual([
      expect.objectContaining({ amount: 9_000, currency: 'usd', status: 'succeeded' }),
    ]);
  });

  it.each(['timeout_after', 'timeout_before', 'http_500', 'http_429', 'reset'] as const)(
    'is paid once through %s',
    async (fault) => {
      await fund(20_000);
      const { world, id } = await onboarded(9_000);
      await stripe.setFault('create', fault);
      for (let count = 0; count < 4; count += 1) {
        await world.run();
        world.clock.advance(DAY_MS / 2);
      }
      expect(world.states(id)).toEqual(['completed']);
      expect(world.ledger.owed(id, 'usd')).toBe(0);
      expect(await transfersOf(world)).toHaveLength(1);
    },
  );

  it('is paid once the platform has the money', async () => {
    const { world, id } = await onboarded(900_000);
    expect(await world.run()).toMatchObject({ made: 1, retried: 1 });
    await fund(1_000_000);
    world.clock.advance(DAY_MS);
    expect(await world.run()).toMatchObject({ completed: 1 });
    expect(world.ledger.owed(id, 'usd')).toBe(0);
  });

  it('gives back what an operator reverses, and is owed it again', async () => {
    await fund(20_000);
    const { world, id } = await onboarded(9_000);
    await world.run();
    const [payout] = [...world.store.payouts.values()];
    const command = { payoutId: payout?.id ?? '', actor: 'operator:1', amountMinor: 2_000 };
    const reversed = await reverseByHand(world.deps, { ...command, key: 'once' });
    expect(reversed).toMatchObject({ ok: true, value: { reversedMinor: 2_000 } });
    expect(world.ledger.owed(id, 'usd')).toBe(2_000);
  });
});
