/** Waiting lines in a Node shop: joining them, and looking at where somebody stands. */
import { OWNER } from '../support/node-shard.ts';
import { customer, given, NodeShop } from '../support/node-shop.ts';

/** What is waited for, with what a test seldom cares about left out. */
export interface JoinWish {
  readonly slotId?: string;
  readonly quantity?: number;
  readonly fareId?: string;
}

/** Asks for a place in the line of a slot, the first one unless another is named. */
export function tryJoin(shop: NodeShop, by: string, wish: JoinWish = {}) {
  const { slotId = shop.slot(), quantity = 1, fareId = null } = wish;
  return shop.shard.joinWaitlist({ caller: customer(by), call: null, slotId, quantity, fareId });
}

/** Lets somebody wait, and gives the id of their entry. */
export async function join(shop: NodeShop, by: string, wish: JoinWish = {}): Promise<string> {
  return given(await tryJoin(shop, by, wish)).id;
}

/** An entry as its seller sees it. */
export async function entry(shop: NodeShop, id: string) {
  return given(await shop.shard.getWaitlistEntry(OWNER, id));
}

/** The states of entries, in the order asked. */
export async function statusOf(shop: NodeShop, ...ids: string[]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => (await entry(shop, id)).status));
}

/** How many units of a slot are left. */
export async function left(shop: NodeShop, slotId = shop.slot()): Promise<number> {
  return given(await shop.shard.getSlot(slotId)).remaining;
}

/** One court that Ann holds, with Bob and Cyd in line for it. */
export async function lineOfTwo(service: Parameters<typeof NodeShop.open>[0] = {}) {
  const shop = await NodeShop.open(service);
  const hold = await shop.held([shop.slot()], { by: 'usr_ann' });
  const bob = await join(shop, 'usr_bob');
  const cyd = await join(shop, 'usr_cyd');
  return { shop, hold, bob, cyd };
}

/** The service of the first slot. */
export function serviceOf(shop: NodeShop): string {
  return shop.shard.state.inventory.slot(shop.slot())?.serviceId ?? '';
}
