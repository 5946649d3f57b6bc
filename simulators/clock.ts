/**
 * The simulators' two clocks. The start clock is real time plus the configured offset: it stamps
 * objects and signatures. The virtual clock runs ahead of it by what was advanced: lifetimes only.
 * Must never go backwards on the same state, and must never be used for signatures when virtual.
 */
import type { Store } from './store.ts';

const OFFSET_SETTING = 'clock_offset_s';
const ADVANCED_SETTING = 'clock_advanced_s';

/** Both clocks of one set of books. Units are in the names; instants are Unix time. */
export class Clock {
  readonly offsetSeconds: number;
  readonly #store: Store;
  #advancedSeconds: number;

  /** Errors: throws when `offsetSeconds` is smaller than the one recorded in the state. */
  constructor(store: Store, offsetSeconds: number) {
    const recorded = Number(store.setting(OFFSET_SETTING) ?? offsetSeconds);
    if (offsetSeconds < recorded) {
      throw new Error(
        `CLOCK_OFFSET_SECONDS=${String(offsetSeconds)} would turn the clock back: ` +
          `this state has already run with ${String(recorded)}.`,
      );
    }
    this.#store = store;
    this.offsetSeconds = offsetSeconds;
    this.#advancedSeconds = Number(store.setting(ADVANCED_SETTING) ?? '0');
    store.apply(() => {
      store.saveSetting(OFFSET_SETTING, String(offsetSeconds));
    });
  }

  /** Start clock in milliseconds. */
  nowMs(): number {
    return Date.now() + this.offsetSeconds * 1000;
  }

  /** Start clock in whole seconds, as Stripe's `created` and `t`. */
  nowSeconds(): number {
    return Math.floor(this.nowMs() / 1000);
  }

  /** Virtual clock in whole seconds: decides lifetimes. */
  virtualSeconds(): number {
    return this.nowSeconds() + this.#advancedSeconds;
  }

  /** How far the virtual clock runs ahead. */
  get advancedSeconds(): number {
    return this.#advancedSeconds;
  }

  /** Moves the virtual clock forward, inside the current call of the store. */
  advance(seconds: number): void {
    this.#advancedSeconds += seconds;
    this.#store.saveSetting(ADVANCED_SETTING, String(this.#advancedSeconds));
  }
}
