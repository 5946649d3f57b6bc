/** What a processor holds for a booking and no shard knows goes back, also when the first try is met with a stored fault. */
import { describe, expect, test } from 'vitest';
import { reconcile, type ReconcilePorts } from '../../src/application/reconcile.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { MemoryInbox } from '../simulation/memory-inbox.ts';
import { seededEntropy } from '../support/fake-clock.ts';
import type { CallKind } from '../support/fake-processor.ts';
import { ID_SECRET, SHARD_KEY } from '../support/node-shard.ts';
import { CRYPTO, NodeShop } from '../support/node-shop.ts';

function portsOf(shop: NodeShop): ReconcilePorts {
  const inbox = new MemoryInbox();
  return {
    ...shop.ports,
    inbox: () => inbox,
    ids: createIdCodec(ID_SECRET, seededEntropy(1)),
    clock: shop.clock,
    objects: {
      shard: () => shop.shard,
      member: () => {
        throw new Error('nobody asks a member here');
      },
    },
    send: async () => undefined,
    shardKeys: async (region) => (region === 'global' ? [SHARD_KEY] : []),
    pushEntitlements: async () => 0,
  };
}

function failOnce(shop: NodeShop, kind: CallKind): void {
  let isLeft = true;
  const fault = (call: { kind: CallKind }) => {
    if (!isLeft || call.kind !== kind) return null;
    isLeft = false;
    return kind === 'open' ? ('fault_after' as const) : ('fault_before' as const);
  };
  shop.stripe.faultFor = fault;
  shop.btcpay.faultFor = fault;
}

/** A run by hand every so often. */
async function runs(shop: NodeShop, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    shop.clock.advance(HOUR_MS);
    await reconcile(portsOf(shop), { byHand: true });
  }
}

describe('an object that no shard knows', () => {
  test('is closed, though the first try to close it was answered with a stored fault', async () => {
    const shop = await NodeShop.open();
    failOnce(shop, 'open');
    const booking = await shop.booked();
    shop.stripe.payerApproves('stripe_1');
    failOnce(shop, 'void');
    await runs(shop, 3);
    expect(shop.stripe.objectOf('stripe_1').state).toBe('voided');
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
  });

  test('that was paid gives all of it back, once, through a stored fault as well', async () => {
    const shop = await NodeShop.open();
    failOnce(shop, 'open');
    await shop.booked([shop.slot()], CRYPTO);
    shop.btcpay.payerApproves('btcpay_1');
    failOnce(shop, 'refund');
    await runs(shop, 3);
    expect(shop.btcpay.objectOf('btcpay_1')).toMatchObject({
      refundedMinor: 2_500,
      refunds: [{ amountMinor: 2_500 }],
    });
  });

  test('leaves alone what a shard knows', async () => {
    const shop = await NodeShop.open();
    const booking = await shop.booked();
    await runs(shop, 2);
    expect(shop.bookingRow(booking.id).state).toBe('confirmed');
    expect(shop.stripe.objectOf('stripe_1')).toMatchObject({ state: 'captured', refundedMinor: 0 });
  });
});
