/**
 * What a promotion's object has in memory: its coupon, its uses and their counts; each change is written before it is
 * remembered. Called by the desk of this folder.
 */
import type { GrantOutcome } from '../../contracts/membership-rpc.ts';
import { isUnsettled } from '../../domain/grant/grant-life.ts';
import { COUNTING_STATES } from '../../domain/membership/reservation-machine.ts';
import type { Coupon, CouponStanding } from '../../domain/promotion/coupon.ts';
import {
  isForgettable,
  settledRedemption,
  type Redemption,
} from '../../domain/promotion/redemption.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { GivenGrants } from '../grant/outcome-asker.ts';
import type { PromotionStore } from './promotion-store.ts';

export class PromotionState implements GivenGrants {
  readonly #store: PromotionStore;
  readonly #saved: () => void;
  readonly #redemptions = new Map<string, Redemption>();
  /** The newest use of each call. */
  readonly #latest = new Map<string, string>();
  readonly #unsettled = new Set<string>();
  readonly #usedBy = new Map<string, number>();
  #used = 0;
  #coupon: Coupon | null;

  /** `saved` runs in the same turn as every write of uses, so that an alarm joins its commit. */
  constructor(store: PromotionStore, saved: () => void) {
    this.#store = store;
    this.#saved = saved;
    this.#coupon = store.coupon();
    for (const redemption of store.redemptions()) this.#remember(redemption);
  }

  get coupon(): Coupon | null {
    return this.#coupon;
  }

  get used(): number {
    return this.#used;
  }

  /** The newest version stands. */
  putCoupon(coupon: Coupon): void {
    if (this.#coupon !== null && this.#coupon.version >= coupon.version) return;
    this.#store.saveCoupon(coupon);
    this.#coupon = coupon;
  }

  standingOf(customerId: string): CouponStanding {
    return { used: this.#used, usedByCustomer: this.#usedBy.get(customerId) ?? 0 };
  }

  latestOf(callId: string): Redemption | null {
    return this.#redemptions.get(this.#latest.get(callId) ?? '') ?? null;
  }

  isGrant(id: string): boolean {
    return this.#redemptions.has(id);
  }

  *unsettled(): Iterable<Redemption> {
    for (const id of this.#unsettled) {
      const redemption = this.#redemptions.get(id);
      if (redemption !== undefined) yield redemption;
    }
  }

  save(changed: readonly Redemption[]): void {
    if (changed.length === 0) return;
    this.#store.saveRedemptions(changed);
    for (const redemption of changed) this.#remember(redemption);
    this.#saved();
  }

  settle(
    outcomes: readonly GrantOutcome[],
    times: { readonly askedAtMs: EpochMs; readonly nowMs: EpochMs },
  ): void {
    const changed = outcomes.flatMap(({ grantId, state }) => {
      const known = this.#redemptions.get(grantId) ?? null;
      const after = known === null ? null : settledRedemption(known, state, times);
      return after === null || after === known ? [] : [after];
    });
    this.save(changed);
  }

  /** Forgets what nothing depends on any more. */
  tidy(nowMs: EpochMs): void {
    const over = [...this.#redemptions.values()].filter((one) => isForgettable(one, nowMs));
    if (over.length === 0) return;
    this.#store.forgetRedemptions(over.map(({ id }) => id));
    for (const { id, callId } of over) {
      this.#redemptions.delete(id);
      if (this.#latest.get(callId) === id) this.#latest.delete(callId);
    }
  }

  #remember(redemption: Redemption): void {
    const { id, callId } = redemption;
    const before = this.#redemptions.get(id);
    if (before === undefined) this.#latest.set(callId, id);
    else this.#count(before, -1);
    this.#count(redemption, 1);
    this.#redemptions.set(id, redemption);
    if (isUnsettled(redemption)) this.#unsettled.add(id);
    else this.#unsettled.delete(id);
  }

  #count({ state, customerId }: Redemption, by: 1 | -1): void {
    if (!COUNTING_STATES.has(state)) return;
    this.#used += by;
    const used = (this.#usedBy.get(customerId) ?? 0) + by;
    if (used === 0) this.#usedBy.delete(customerId);
    else this.#usedBy.set(customerId, used);
  }
}
