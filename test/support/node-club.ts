/** A shop in which Ann has a plan, and what her object and the shard say of what she took. */
import type { GrantOutcome } from '../../src/contracts/membership-rpc.ts';
import type { Features } from '../../src/domain/subscription/plan.ts';
import type { NodeMember } from './node-members.ts';
import { NodeShop, type ShopOptions } from './node-shop.ts';

/** Opens a shop to which Ann brings these features. */
export async function openClub(features: Features, options: ShopOptions = {}): Promise<NodeShop> {
  const shop = await NodeShop.open(options);
  ann(shop).join(features);
  return shop;
}

export function ann(shop: NodeShop): NodeMember {
  return shop.members.member('usr_ann');
}

/** What the shard says of the first grant of Ann. */
export async function outcomeOf(shop: NodeShop): Promise<GrantOutcome | undefined> {
  const [reservation] = ann(shop).reservations();
  const [outcome] = await shop.shard.grantOutcomes([reservation?.id ?? '']);
  return outcome;
}
