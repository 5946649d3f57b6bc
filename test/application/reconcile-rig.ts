/** A shop's reconciliation and webhooks in one process, with billing reduced to what it is asked and told. */
import type { ReconcilePorts, SubscriptionOrphan } from '../../src/application/reconcile.ts';
import { advanceMoney } from '../../src/application/ledger-advance.ts';
import type { SubscriptionReference } from '../../src/application/ports.ts';
import type { DataRegion } from '../../src/domain/ids.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { MemoryInbox } from '../simulation/memory-inbox.ts';
import { seededEntropy } from '../support/fake-clock.ts';
import { MemoryMoney } from '../support/memory-money.ts';
import { ID_SECRET, SHARD_KEY } from '../support/node-shard.ts';
import type { NodeShop } from '../support/node-shop.ts';

const IDS = createIdCodec(ID_SECRET, seededEntropy(1));

/** What billing knows and what it was told. */
export class RecordedBilling {
  /** The ledger of each region; shards are in the one, subscriptions in the other. */
  readonly money: RegionalMoney = makeMoney();
  readonly subscriptionId = IDS.deriveInRegion('sub', 'eu', 'one');
  /** Objects at a processor that charges know. */
  readonly known = new Set<string>();
  readonly orphans: SubscriptionOrphan[] = [];
  readonly disputes: (SubscriptionReference & { readonly ref: string })[] = [];
  readonly runs: { readonly byHand: boolean }[] = [];
  readonly advanced: { readonly subscriptionId: string; readonly cause: string }[] = [];
  looks: ReconcilePorts['advanceSubscriptions'] = async () => ({ lookedAt: 0, failed: 0 });
  /** What becomes of a look that an event asked for. */
  advance: () => Promise<void> = async () => undefined;
}

export interface Inboxes {
  readonly global: MemoryInbox;
  readonly eu: MemoryInbox;
}

export function makeInboxes(): Inboxes {
  return { global: new MemoryInbox(), eu: new MemoryInbox() };
}

export function reconcilePorts(
  shop: NodeShop,
  billing: RecordedBilling,
  inboxes = makeInboxes(),
): ReconcilePorts {
  return {
    ...shop.ports,
    inbox: (region) => inboxes[region],
    ids: IDS,
    clock: shop.clock,
    objects: {
      shard: () => shop.shard,
      member: () => {
        throw new Error('nobody asks a member here');
      },
      promotion: () => {
        throw new Error('nobody asks a coupon here');
      },
    },
    send: async () => undefined,
    ...moneyPorts(shop, billing.money),
    shardKeys: async (region) => (region === 'global' ? [SHARD_KEY] : []),
    pushEntitlements: async () => 0,
    advanceSubscription: async (request) => {
      billing.advanced.push(request);
      await billing.advance();
    },
    advanceSubscriptions: (run) => {
      billing.runs.push(run);
      return billing.looks(run);
    },
    learnOfDispute: async (dispute) => {
      billing.disputes.push(dispute);
      return true;
    },
    knowsCharge: async ({ ref }) => billing.known.has(ref),
    recordSubscriptionOrphan: async (orphan) => {
      billing.orphans.push(orphan);
    },
  };
}

export interface RegionalMoney {
  readonly global: MemoryMoney;
  readonly eu: MemoryMoney;
}

export function makeMoney(): RegionalMoney {
  return { global: new MemoryMoney(), eu: new MemoryMoney() };
}

/** The ledger as a run reads it, and how it learns of the shop's money. */
export function moneyPorts(shop: NodeShop, regions: RegionalMoney) {
  const money = regions.global;
  return {
    money: (region: DataRegion) => regions[region],
    ledger: (region: DataRegion) => regions[region],
    advanceMoney: async (shardKey: string) => {
      await advanceMoney(
        {
          appliedSeq: (key) => money.appliedSeq(key),
          apply: (batch, entries) => money.apply(batch, entries),
          readMoney: (_key, query) => shop.shard.readMoney(query),
          acknowledge: (_key, stream, applied) => shop.shard.acknowledge(stream, applied),
        },
        shardKey,
      );
    },
  };
}

/** Opens a charge of 30.00 that billing knows; gives its id at the processor. */
export async function openCharge(
  shop: NodeShop,
  billing: RecordedBilling,
  subscriptionId = billing.subscriptionId,
): Promise<string> {
  const { recurring } = shop.stripe;
  const turn = billing.known.size + 1;
  const customer = await recurring.openCustomer({ key: `customer:${turn}`, memberId: 'usr_1' });
  if (customer.kind !== 'customer') throw new Error('a customer was due');
  const reply = await recurring.openCharge({
    key: `charge:${turn}`,
    amount: { amount: 3_000, currency: 'usd' },
    customerRef: customer.ref,
    reference: { subscriptionId, chargeId: `chg_${turn}` },
  });
  if (reply.kind !== 'payment') throw new Error('a payment was due');
  billing.known.add(reply.payment.ref);
  return reply.payment.ref;
}

/** The same, paid. */
export async function payCharge(
  shop: NodeShop,
  billing: RecordedBilling,
  subscriptionId = billing.subscriptionId,
): Promise<string> {
  const ref = await openCharge(shop, billing, subscriptionId);
  await shop.stripe.recurring.confirmCharge({
    key: `confirm:${ref}`,
    ref,
    paymentMethod: 'pm_card',
    isOffSession: false,
  });
  return ref;
}
