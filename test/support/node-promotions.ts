/**
 * Coupons' objects in Node: the shipping desk over the shipping storage, with the clock of the test. Memory is thrown away
 * when the test says so, and calls fail when it says so.
 */
import { OutcomeAsker } from '../../src/application/grant/outcome-asker.ts';
import type { Logger } from '../../src/application/ports.ts';
import { PromotionDesk } from '../../src/application/promotion/promotion-desk.ts';
import { PromotionState } from '../../src/application/promotion/promotion-state.ts';
import type { InventoryShardRpc } from '../../src/contracts/durable-rpc.ts';
import type { GrantOutcome } from '../../src/contracts/membership-rpc.ts';
import type {
  CouponVerdict,
  PromotionRpc,
  RedeemCommand,
} from '../../src/contracts/promotion-rpc.ts';
import type { Coupon } from '../../src/domain/promotion/coupon.ts';
import type { Redemption } from '../../src/domain/promotion/redemption.ts';
import { createPromotionStore } from '../../src/storage/durable/promotion-store.ts';
import type { FakeClock } from './fake-clock.ts';
import { openNodeSql } from './node-sql.ts';

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A coupon of the test's provider, without limits. */
export function makeCoupon(overrides: Partial<Coupon> = {}): Coupon {
  return {
    id: 'cpn_a',
    providerId: 'prv_club',
    code: 'SPRING',
    isActive: true,
    discount: { percent: 10 },
    maxUses: null,
    maxUsesPerCustomer: null,
    validFromMs: null,
    validUntilMs: null,
    serviceIds: null,
    customerIds: null,
    segment: null,
    createdAtMs: 0,
    version: 1,
    ...overrides,
  };
}

export class NodePromotion implements PromotionRpc {
  /** While false every call fails on its way. */
  isReachable = true;
  /** What its provider wrote; null for a code that nobody made. */
  written: Coupon | null = null;
  readonly #clock: FakeClock;
  readonly #storage = openNodeSql().storage;
  readonly #shard: () => Pick<InventoryShardRpc, 'grantOutcomes'>;
  #desk: PromotionDesk;

  constructor(clock: FakeClock, shard: () => Pick<InventoryShardRpc, 'grantOutcomes'>) {
    this.#clock = clock;
    this.#shard = shard;
    this.#desk = this.#load();
  }

  /** The process died: memory is gone, storage stays. */
  crash(): void {
    this.#desk = this.#load();
  }

  async redeem(command: RedeemCommand): Promise<CouponVerdict> {
    return this.#reach().redeem(command);
  }

  async putCoupon(coupon: Coupon): Promise<void> {
    this.#reach().putCoupon(coupon);
  }

  async settle(outcomes: readonly GrantOutcome[]): Promise<void> {
    this.#reach().settle(outcomes);
  }

  async usage(): Promise<{ readonly used: number }> {
    return this.#reach().usage();
  }

  /** The object's alarm: asks the shard what became of uses that are past their time. */
  async wake(): Promise<void> {
    await this.#desk.look();
  }

  /** How often it counts as used now. */
  used(): number {
    return this.#desk.usage().used;
  }

  /** Every use that is known, oldest first. */
  redemptions(): Redemption[] {
    return createPromotionStore(this.#storage).redemptions();
  }

  #load(): PromotionDesk {
    const ports = {
      clock: this.#clock,
      log: SILENT,
      state: new PromotionState(createPromotionStore(this.#storage), () => undefined),
      shard: () => this.#shard(),
      findCoupon: async () => this.written,
    };
    return new PromotionDesk({ ...ports, asker: new OutcomeAsker(ports) });
  }

  #reach(): PromotionDesk {
    if (!this.isReachable) throw new Error('the promotion cannot be reached');
    return this.#desk;
  }
}
