/**
 * How much of a resource is taken at each moment, as a step function over time.
 * Intervals are compared, not slots: whatever overlaps counts, buffers included.
 * Cost: a look at an interval is O(log n + steps inside it), whatever else the shard has sold.
 */
import { invariant } from '../assert.ts';
import type { EpochMs, Interval } from '../time.ts';

/** A step function from time to a non-negative count; zero before the first step and after the last. */
export class Occupancy {
  /** Ascending instants at which the level changes. */
  readonly #at: EpochMs[] = [];
  /** The level from #at[i] until #at[i + 1]. */
  readonly #level: number[] = [];

  /** The highest level at any moment of the interval. */
  peak(span: Interval): number {
    let highest = this.#levelBefore(this.#firstAfter(span.startAtMs));
    for (let i = this.#firstAfter(span.startAtMs); i < this.#at.length; i++) {
      if ((this.#at[i] as number) >= span.endAtMs) break;
      highest = Math.max(highest, this.#level[i] as number);
    }
    return highest;
  }

  /** Adds a quantity over the interval; a negative one gives back. Going below zero is a broken invariant. */
  add(span: Interval, quantity: number): void {
    const first = this.#splitAt(span.startAtMs);
    const last = this.#splitAt(span.endAtMs);
    for (let i = first; i < last; i++) {
      const level = (this.#level[i] as number) + quantity;
      invariant(level >= 0, 'occupancy cannot fall below zero');
      this.#level[i] = level;
    }
    this.#mergeAt(last);
    this.#mergeAt(first);
  }

  /** Number of steps held in memory. */
  get size(): number {
    return this.#at.length;
  }

  /** Index of the first step strictly after the instant. */
  #firstAfter(atMs: EpochMs): number {
    let low = 0;
    let high = this.#at.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#at[middle] as number) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #levelBefore(index: number): number {
    return index === 0 ? 0 : (this.#level[index - 1] as number);
  }

  /** Makes sure that a step begins at the instant, and returns its index. */
  #splitAt(atMs: EpochMs): number {
    const after = this.#firstAfter(atMs);
    if (after > 0 && this.#at[after - 1] === atMs) return after - 1;
    this.#at.splice(after, 0, atMs);
    this.#level.splice(after, 0, this.#levelBefore(after));
    return after;
  }

  /** Drops a step that changes nothing, so that memory follows what is live and not what once was. */
  #mergeAt(index: number): void {
    if (this.#level[index] !== this.#levelBefore(index)) return;
    this.#at.splice(index, 1);
    this.#level.splice(index, 1);
  }
}

/** One thing that can be claimed: a resource, or one named unit of it. */
export class Lane {
  readonly capacity: number;
  /** All live claims. */
  readonly #taken = new Occupancy();
  /** Those of them that are holds, not yet bookings. */
  readonly #held = new Occupancy();
  /** Where nobody may claim, whatever is taken there. */
  readonly #blocked = new Occupancy();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** How many more fit at every moment of the interval; never negative. */
  free(span: Interval): number {
    if (this.isBlocked(span)) return 0;
    return Math.max(0, this.capacity - this.#taken.peak(span));
  }

  /** True when some moment of the interval is kept from sale. */
  isBlocked(span: Interval): boolean {
    return this.#blocked.peak(span) > 0;
  }

  /** Keeps the interval from sale; what is taken there stays taken. */
  block(span: Interval): void {
    this.#blocked.add(span, 1);
  }

  /** Ends one block of exactly this interval. */
  unblock(span: Interval): void {
    this.#blocked.add(span, -1);
  }

  /** True when some claim that overlaps the interval is a hold. */
  hasHold(span: Interval): boolean {
    return this.#held.peak(span) > 0;
  }

  claim(span: Interval, claim: { quantity: number; isHold: boolean }): void {
    this.#taken.add(span, claim.quantity);
    if (claim.isHold) this.#held.add(span, claim.quantity);
  }

  /** A hold became a booking: the claim stays, without a deadline. */
  commit(span: Interval, quantity: number): void {
    this.#held.add(span, -quantity);
  }

  release(span: Interval, claim: { quantity: number; isHold: boolean }): void {
    this.#taken.add(span, -claim.quantity);
    if (claim.isHold) this.#held.add(span, -claim.quantity);
  }
}
