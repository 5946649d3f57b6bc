/** A provisioned shard with one exclusive court and one free service, spoken to over its RPC alone. */
import { env } from 'cloudflare:workers';
import type { Caller, KeyedReply } from '../../src/contracts/calls.ts';
import type { InventoryShardRpc, PlaceHoldCommand } from '../../src/contracts/durable-rpc.ts';
import type { BookingView } from '../../src/contracts/http/booking.ts';
import { NO_ACCESS } from '../../src/domain/hold/hold.ts';
import type { ServiceCard } from '../../src/domain/inventory/cards.ts';
import { makeServiceCard } from './cards.ts';

const SLOT_MS = 3_600_000;

export const OWNER: Caller = { id: 'usr_owner', roles: ['provider'] };

/** An object and its RPC. The generated types know the stub as such; what it answers is the contract's. */
export function shardOf(shardKey: string) {
  const stub = env.INVENTORY.getByName(shardKey);
  return { stub, shard: stub as unknown as InventoryShardRpc };
}

/** Provisions a shard of its own for a test. `service` overrides the card. */
export async function provisionShop(shardKey: string, service: Partial<ServiceCard> = {}) {
  const { stub, shard } = shardOf(shardKey);
  await shard.provision({
    shardKey,
    provider: { providerId: 'prv_1', name: 'Club', currency: 'usd', owners: [OWNER.id] },
  });
  const resourceId = `res_${shardKey}`;
  const card = {
    id: resourceId,
    providerId: 'prv_1',
    venueId: 'ven_1',
    name: 'Court',
    kind: 'court',
    capacity: 1,
    units: null,
  };
  await shard.putResource({ caller: OWNER, card });
  const { version: _, ...fields } = makeServiceCard({
    price: { amount: 0, currency: 'usd' },
    id: `svc_${shardKey}`,
    resourceIds: [resourceId],
    ...service,
  });
  await shard.putService({ caller: OWNER, card: fields });
  return {
    stub,
    shard,
    async createSlots(wanted: readonly { startsInMs: number }[]): Promise<string[]> {
      const base = Math.ceil(Date.now() / SLOT_MS) * SLOT_MS;
      const reply = await shard.createSlots({
        caller: OWNER,
        call: null,
        serviceId: fields.id,
        slots: wanted.map(({ startsInMs }) => ({
          startAtMs: base + startsInMs,
          endAtMs: base + startsInMs + SLOT_MS,
          resourceId: null,
          capacity: null,
          priceMinor: null,
          priceCurrency: null,
          fares: null,
        })),
      });
      if (!reply.ok) throw new Error(reply.refusal.detail);
      return reply.value.data.map(({ id }: { id: string }) => id);
    },
  };
}

/** A hold by a customer without a plan. */
export function placeHoldCommand(wish: {
  callerId: string;
  key: string;
  slotIds: (string | undefined)[];
}): PlaceHoldCommand {
  return {
    caller: { id: wish.callerId, roles: ['customer'] },
    call: { key: wish.key, fingerprint: JSON.stringify(wish.slotIds) },
    access: NO_ACCESS,
    claim: {
      slotIds: wish.slotIds.filter((id) => id !== undefined),
      quantity: null,
      units: null,
      fareId: null,
    },
    holdBudget: 1_000,
  };
}

/** Books a slot that costs nothing. */
export async function openFreeBooking(
  shop: Awaited<ReturnType<typeof provisionShop>>,
  wish: { callerId: string; key: string; slotId: string | undefined },
): Promise<KeyedReply<BookingView>> {
  const { claim, ...hold } = placeHoldCommand({ ...wish, slotIds: [wish.slotId] });
  const opened = await shop.shard.openBooking({
    ...hold,
    target: { claim },
    payment: null,
    canReserve: false,
  });
  if (opened.kind !== 'final') throw new Error('a free booking is final at once');
  return opened.reply;
}
