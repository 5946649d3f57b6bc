/**
 * The desk of one coupon: says whether it may be used and reserves the use, learns what became of it, and tells how often it
 * is used. Between deciding and writing nobody comes in; what has to be asked is asked before, and then decided anew.
 * Called by the promotion's object.
 */
import type { GrantOutcome } from '../../contracts/membership-rpc.ts';
import type { CouponGrant, CouponVerdict, RedeemCommand } from '../../contracts/promotion-rpc.ts';
import { isKeyKnown, renew } from '../../domain/grant/grant-life.ts';
import {
  COUPON_INVALID,
  couponRefusal,
  promotionName,
  type Coupon,
} from '../../domain/promotion/coupon.ts';
import { redemptionFor, type Redemption } from '../../domain/promotion/redemption.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { AskerPorts, OutcomeAsker } from '../grant/outcome-asker.ts';
import type { PromotionState } from './promotion-state.ts';

export interface PromotionPorts extends AskerPorts {
  readonly state: PromotionState;
  readonly asker: OutcomeAsker;
  /** The coupon as the provider wrote it; asked once, because every change of it is pushed here. */
  readonly findCoupon: (named: { providerId: string; code: string }) => Promise<Coupon | null>;
}

export class PromotionDesk {
  readonly #ports: PromotionPorts;

  constructor(ports: PromotionPorts) {
    this.#ports = ports;
  }

  putCoupon(coupon: Coupon): void {
    this.#ports.state.putCoupon(coupon);
  }

  settle(outcomes: readonly GrantOutcome[]): void {
    const nowMs = this.#ports.clock.nowMs();
    this.#ports.state.settle(outcomes, { askedAtMs: nowMs, nowMs });
  }

  usage(): { readonly used: number } {
    return { used: this.#ports.state.used };
  }

  /** Decides at this moment. Before a coupon is said to be used up, the shards are asked once what came of its uses. */
  async redeem(command: RedeemCommand): Promise<CouponVerdict> {
    const { state, asker, clock } = this.#ports;
    if (state.coupon === null) {
      const found = await this.#ports.findCoupon(command);
      // A code that nobody made leaves nothing behind: whoever guesses does not fill a disk.
      if (found === null) return { grant: null, refusal: COUPON_INVALID };
      state.putCoupon(found);
    }
    for (let isAsked = false; ; isAsked = true) {
      const nowMs = clock.nowMs();
      const { coupon } = state;
      if (coupon === null) return { grant: null, refusal: COUPON_INVALID };
      const known = state.latestOf(command.callId);
      const again = this.#meetAgain(known, nowMs);
      if (again !== null) return { grant: grantOf(coupon, again), refusal: null };
      const asked = { ...command, nowMs };
      const refusal = couponRefusal(coupon, asked, state.standingOf(command.customerId));
      if (refusal === null) {
        const made = this.#reserve(command, known, nowMs);
        return { grant: grantOf(coupon, made), refusal: null };
      }
      if (refusal.code !== 'coupon_exhausted' || isAsked) return { grant: null, refusal };
      await asker.askAll();
    }
  }

  /** Asks about what nobody reported, and forgets what is over. */
  async look(): Promise<void> {
    await this.#ports.asker.askDue();
    this.#ports.state.tidy(this.#ports.clock.nowMs());
  }

  /** A repeat of a call that has its use gets the same, whatever became of the coupon since. */
  #meetAgain(known: Redemption | null, nowMs: EpochMs): Redemption | null {
    if (known === null || known.state === 'returned' || !isKeyKnown(known, nowMs)) return null;
    const renewed = renew(known, nowMs);
    if (renewed !== known) this.#ports.state.save([renewed]);
    return renewed;
  }

  /** Synchronous: the decision it follows was made in this turn. */
  #reserve(command: RedeemCommand, known: Redemption | null, nowMs: EpochMs): Redemption {
    const { callId, customerId, shardKey } = command;
    const made = { id: this.#nameGrant(callId, nowMs), callId, customerId, ask: { shardKey } };
    const before = known !== null && isKeyKnown(known, nowMs) ? known : null;
    const redemption = redemptionFor(made, before, nowMs);
    this.#ports.state.save([redemption]);
    return redemption;
  }

  /** A name that no grant had before, of this or of a member's object: shards remember grants for longer. */
  #nameGrant(callId: string, nowMs: EpochMs): string {
    const name = `cpn.${callId}.${nowMs.toString(36)}`;
    let id = name;
    for (let next = 2; this.#ports.state.isGrant(id); next += 1) id = `${name}.${next}`;
    return id;
  }
}

function grantOf(coupon: Coupon, { id, validUntilMs }: Redemption): CouponGrant {
  const { id: couponId, code, discount, serviceIds } = coupon;
  return {
    id,
    promotion: promotionName(coupon),
    couponId,
    code,
    discount,
    serviceIds,
    validUntilMs,
  };
}
