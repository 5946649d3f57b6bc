/** What the use cases run on in a simulation: one shard, its members, one ledger, and no subscriptions. */
import type { CheckoutPorts } from '../../src/application/checkout.ts';
import type { InboxStore } from '../../src/application/inbox-ports.ts';
import type { GatewayRegistry, ObjectDirectory } from '../../src/application/ports.ts';
import type { ReconcilePorts } from '../../src/application/reconcile.ts';
import type { WebhookPorts } from '../../src/application/receive-webhook.ts';
import type { InventoryShardRpc } from '../../src/contracts/durable-rpc.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { moneyPorts, type RegionalMoney } from '../application/reconcile-rig.ts';
import { seededEntropy } from '../support/fake-clock.ts';
import { ID_SECRET, SHARD_KEY } from '../support/node-shard.ts';
import type { NodeShop } from '../support/node-shop.ts';

export type WorldPorts = ReconcilePorts & CheckoutPorts;

/** What a world puts between the use cases and what they run on. */
export interface WorldParts {
  readonly shop: NodeShop;
  readonly shard: InventoryShardRpc;
  readonly member: ObjectDirectory['member'];
  readonly inbox: InboxStore;
  readonly gateways: GatewayRegistry;
  readonly money: RegionalMoney;
  readonly send: WebhookPorts['send'];
}

export function worldPorts({
  shop,
  shard,
  member,
  inbox,
  money,
  ...parts
}: WorldParts): WorldPorts {
  return {
    ...shop.ports,
    ...parts,
    shard,
    inbox: () => inbox,
    ids: createIdCodec(ID_SECRET, seededEntropy(7)),
    clock: shop.clock,
    objects: { shard: () => shard, member, promotion: (name) => shop.members.promotion(name) },
    ...moneyPorts(shop, money),
    shardKeys: async (region) => (region === 'global' ? [SHARD_KEY] : []),
    pushEntitlements: async () => 0,
    advanceSubscription: noSubscription,
    advanceSubscriptions: async () => ({ lookedAt: 0, failed: 0 }),
    knowsCharge: noSubscription,
    learnOfDispute: noSubscription,
    recordSubscriptionOrphan: noSubscription,
  };
}

/** Members have their plans from the test; no money of a subscription moves in these worlds. */
async function noSubscription(): Promise<never> {
  throw new Error('there is no subscription here');
}
