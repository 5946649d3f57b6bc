/** Time and chance that a test holds in its hands. */
import type { Clock, Entropy } from '../../src/application/ports.ts';

/** An instant that every test may call now. */
export const NOON_MS = Date.parse('2026-11-21T12:00:00Z');

/** A clock that stands until it is moved; it may be moved back. */
export class FakeClock implements Clock {
  #nowMs: number;

  constructor(nowMs: number = NOON_MS) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  advance(byMs: number): void {
    this.#nowMs += byMs;
  }
}

/** Seeded chance: the same seed gives the same run. Source: mulberry32. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From zero up to, and without, one. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number below the limit. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** True with the probability. */
  happens(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new Error('nothing to pick from');
    return choice;
  }
}

/** Bytes from seeded chance. */
export function seededEntropy(seed: number): Entropy {
  const chance = new Chance(seed);
  return { bytes: (length) => Uint8Array.from({ length }, () => chance.below(256)) };
}
