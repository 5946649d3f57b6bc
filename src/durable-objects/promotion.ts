/**
 * Promotion: the single writer of how often one coupon is used. Identity: provider and code name the object. Storage: coupon,
 * redemption; nothing is written for a code that nobody made. Alarm: the last resort for uses that no shard reported. After
 * eviction everything is loaded from storage. It asks D1 for its coupon once, before its first use, because every later
 * change is pushed to it; it decides from memory, and asks shards what became of uses.
 */
import { OutcomeAsker } from '../application/grant/outcome-asker.ts';
import { PromotionDesk } from '../application/promotion/promotion-desk.ts';
import { PromotionState } from '../application/promotion/promotion-state.ts';
import type { GrantOutcome } from '../contracts/membership-rpc.ts';
import type { CouponVerdict, PromotionRpc, RedeemCommand } from '../contracts/promotion-rpc.ts';
import { regionOfId } from '../domain/ids.ts';
import type { Coupon } from '../domain/promotion/coupon.ts';
import { CouponRepository } from '../storage/d1/coupon-repository.ts';
import { createPromotionStore } from '../storage/durable/promotion-store.ts';
import { AskingObject } from './asking-object.ts';

export class Promotion extends AskingObject implements PromotionRpc {
  readonly #asker: OutcomeAsker;
  readonly #desk: PromotionDesk;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const ports = {
      clock: this.clock,
      log: this.log,
      state: new PromotionState(createPromotionStore(ctx.storage), () => this.arm()),
      shard: (shardKey: string) => this.askable(shardKey),
      findCoupon: (named: { providerId: string; code: string }) =>
        new CouponRepository(regionOfId(named.providerId) === 'eu' ? env.DB_EU : env.DB).byCode(
          named,
        ),
    };
    this.#asker = new OutcomeAsker(ports);
    this.#desk = new PromotionDesk({ ...ports, asker: this.#asker });
    this.arm();
  }

  redeem(command: RedeemCommand): Promise<CouponVerdict> {
    return this.#desk.redeem(command);
  }

  async putCoupon(coupon: Coupon): Promise<void> {
    this.#desk.putCoupon(coupon);
  }

  async settle(outcomes: readonly GrantOutcome[]): Promise<void> {
    this.#desk.settle(outcomes);
  }

  async usage(): Promise<{ readonly used: number }> {
    return this.#desk.usage();
  }

  protected look(): Promise<void> {
    return this.#desk.look();
  }

  protected nextDueMs(): number | null {
    return this.#asker.nextDueMs();
  }
}
