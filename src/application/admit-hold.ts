/**
 * The order of a hold: Membership is asked first, then one call to the shard carries its verdict. What was granted and
 * not used goes back before the caller is answered. Nothing is decided here. Called by the routes of holds and bookings.
 */
import { isGuest, type Caller, type CallKey, type KeyedReply } from '../contracts/calls.ts';
import type {
  ClaimRequest,
  InventoryShardRpc,
  PlaceHoldCommand,
} from '../contracts/durable-rpc.ts';
import type { AccessVerdict, GrantOutcome } from '../contracts/membership-rpc.ts';
import type { CouponVerdict } from '../contracts/promotion-rpc.ts';
import type { HoldView } from '../contracts/http/booking.ts';
import { invariant } from '../domain/assert.ts';
import { TRANSIENT_CODES, type RefusalCode } from '../domain/codes.ts';
import { NO_USES } from '../domain/hold/quota.ts';
import { ok, type Result } from '../domain/result.ts';
import { admitCoupon } from './admit-coupon.ts';
import type { Digest, Logger, ObjectDirectory } from './ports.ts';
import { tellMember, tellMembers } from './quota-notices.ts';

/** What admission runs on. */
export interface AdmitPorts {
  readonly shardKey: string;
  readonly shard: Pick<InventoryShardRpc, 'measureClaim' | 'placeHold' | 'seller'>;
  readonly objects: Pick<ObjectDirectory, 'member' | 'promotion'>;
  readonly digest: Pick<Digest, 'sha256'>;
  readonly log: Logger;
}

/** Who wants to hold what, under which key. */
export interface AdmitRequest {
  readonly caller: Caller;
  readonly call: CallKey;
  readonly claim: ClaimRequest;
  readonly holdBudget: number;
}

/** Refusals behind which a hold may stand that uses the grant: another call's, or one whose payment was declined. */
const HOLD_MAY_STAND: ReadonlySet<RefusalCode> = new Set([
  'idempotency_key_reused',
  'payment_declined',
]);

/** `POST /v1/holds`. */
export async function holdSlots(
  ports: AdmitPorts,
  { couponCode = null, ...wish }: Omit<PlaceHoldCommand, keyof Verdicts> & WithCoupon,
): Promise<KeyedReply<HoldView>> {
  const admitted = await admitAll(ports, { ...wish, couponCode });
  if (!admitted.ok) return { ...admitted, replayed: false };
  const reply = await ports.shard.placeHold({ ...wish, ...admitted.value });
  await settleDecided(ports, admitted.value, reply);
  return reply;
}

/** What was said of a hold before its shard is asked. */
export interface Verdicts {
  readonly access: AccessVerdict | null;
  readonly coupon: CouponVerdict | null;
}

/** Nobody had to be asked. */
export const NO_VERDICTS: Verdicts = { access: null, coupon: null };

/** A code that was named, as it was typed; null or absent for none. */
export interface WithCoupon {
  readonly couponCode?: string | null;
}

/** Membership first, and then the coupon's object, which may be for members alone. Refusals: not_found. */
export async function admitAll(
  ports: Omit<AdmitPorts, 'log'>,
  request: AdmitRequest & WithCoupon,
): Promise<Result<Verdicts>> {
  const admitted = await admit(ports, request);
  if (!admitted.ok) return admitted;
  const access = admitted.value;
  const coupon = await admitCoupon(ports, {
    ...request,
    couponCode: request.couponCode ?? null,
    planId: access?.planId ?? null,
  });
  return coupon.ok ? ok({ access, coupon: coupon.value }) : coupon;
}

/** Membership's verdict on a hold, with its grant where the plan counts; null for a guest, who has no plan. Refusals: not_found, where slots had to be measured. */
export async function admit(
  ports: Omit<AdmitPorts, 'log'>,
  request: AdmitRequest,
): Promise<Result<AccessVerdict | null>> {
  const { caller, claim } = request;
  if (isGuest(caller)) return ok(null);
  const quantity = claim.quantity ?? claim.units?.length ?? 1;
  const slots = 'series' in claim ? claim.series.count : claim.slotIds.length;
  const command = {
    memberId: caller.id,
    grantId: grantIdOf(ports, request),
    shardKey: ports.shardKey,
    slots,
    guests: (quantity - 1) * slots,
    minutes: null,
    holdBudget: request.holdBudget,
  };
  const member = ports.objects.member(caller.id);
  const first = await member.admit(command);
  if (first.kind === 'verdict') return ok(first.verdict);
  const measured = await ports.shard.measureClaim(claim);
  if (!measured.ok) return measured;
  const second = await member.admit({ ...command, minutes: measured.value.minutes });
  invariant(second.kind === 'verdict', 'slots are measured once');
  return ok(second.verdict);
}

/**
 * After the shard's decision. No call under a key whose refusal is recorded can use the grant any more, so it goes back
 * at once. Of a refusal for the moment, which a later call under the key may turn into a hold, of a replayed hold and of
 * silence the member's own object learns by asking the shard.
 */
export async function settleDecided<T>(
  ports: Pick<AdmitPorts, 'objects' | 'log'>,
  { access, coupon }: Verdicts,
  reply: KeyedReply<T>,
): Promise<void> {
  if (reply.ok) {
    await tellMembers(ports, reply.notices ?? []);
    return;
  }
  const { code } = reply.refusal;
  if (TRANSIENT_CODES.has(code) || HOLD_MAY_STAND.has(code)) return;
  const [quota, use] = [access?.grant ?? null, coupon?.grant ?? null];
  await Promise.all([
    quota === null ? null : tellMember(ports, quota.memberId, unused(quota.id)),
    use === null ? null : tellMember(ports, use.promotion, unused(use.id)),
  ]);
}

/** Nobody took the grant. */
function unused(grantId: string): GrantOutcome[] {
  return [{ grantId, state: 'returned', uses: NO_USES }];
}

/** A repeat of a call meets the same grant. A key belongs to a caller and a shard, and so does its grant. */
function grantIdOf(
  { digest, shardKey }: Pick<AdmitPorts, 'digest' | 'shardKey'>,
  { caller, call }: AdmitRequest,
): string {
  return digest.sha256(`${caller.id} ${shardKey} ${call.key}`);
}
