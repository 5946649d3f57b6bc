/** A shop's reconciliation and webhooks in one process, with billing reduced to what it is asked and told. */
import type { ReconcilePorts, SubscriptionOrphan } from '../../src/application/reconcile.ts';
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { MemoryInbox } from '../simulation/memory-inbox.ts';
import { seededEntropy } from '../support/fake-clock.ts';
import { ID_SECRET, SHARD_KEY } from '../support/node-shard.ts';
import type { NodeShop } from '../support/node-shop.ts';

const IDS = createIdCodec(ID_SECRET, seededEntropy(1));

/** What billing knows and what it was told. */
export class RecordedBilling {
  readonly subscriptionId = IDS.deriveInRegion('sub', 'eu', 'one');
  /** Objects at a processor that charges know. */
  readonly known = new Set<string>();
  readonly orphans: SubscriptionOrphan[] = [];
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
    },
    send: async () => undefined,
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
    knowsCharge: async ({ ref }) => billing.known.has(ref),
    recordSubscriptionOrphan: async (orphan) => {
      billing.orphans.push(orphan);
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
