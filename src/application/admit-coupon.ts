/**
 * A coupon before a hold: its object is asked after Membership and before the shard, and only where a code was named. What
 * it reserved for a call that came to nothing goes back at once. Decides nothing. Called where holds are admitted.
 */
import type { Caller, CallKey } from '../contracts/calls.ts';
import type { InventoryShardRpc } from '../contracts/durable-rpc.ts';
import type { CouponVerdict } from '../contracts/promotion-rpc.ts';
import { bookerOf } from '../domain/inventory/cards.ts';
import { COUPON_INVALID, normalCode, promotionName } from '../domain/promotion/coupon.ts';
import { ok, type Result } from '../domain/result.ts';
import type { Digest, ObjectDirectory } from './ports.ts';

/** What asking runs on. */
export interface CouponPorts {
  readonly shardKey: string;
  readonly shard: Pick<InventoryShardRpc, 'seller'>;
  readonly objects: Pick<ObjectDirectory, 'promotion'>;
  readonly digest: Pick<Digest, 'sha256'>;
}

/** The verdict on a code; null where none was named. Refusals: `not_found`, where the shard is not there. */
export async function admitCoupon(
  ports: CouponPorts,
  asked: {
    readonly caller: Caller;
    readonly call: CallKey;
    readonly couponCode: string | null;
    readonly planId: string | null;
  },
): Promise<Result<CouponVerdict | null>> {
  const { caller, call, couponCode } = asked;
  if (couponCode === null) return ok(null);
  const code = normalCode(couponCode);
  if (code === null) return ok({ grant: null, refusal: COUPON_INVALID });
  const seller = await ports.shard.seller();
  if (!seller.ok) return seller;
  const { providerId } = seller.value;
  const promotion = ports.objects.promotion(promotionName({ providerId, code }));
  return ok(
    await promotion.redeem({
      providerId,
      code,
      customerId: caller.id,
      booker: bookerOf(caller.roles, asked.planId),
      callId: ports.digest.sha256(`${caller.id} ${ports.shardKey} ${call.key}`),
      shardKey: ports.shardKey,
    }),
  );
}
