/**
 * Turns: every call to the shard, to a processor or to the inbox waits for one, and the simulation gives them out in
 * the order that its seed says. A caller that never gets its turn is a process that died.
 */
import { setImmediate } from 'node:timers/promises';
import type { Chance } from '../support/fake-clock.ts';

export class Turns {
  #waiting: { readonly name: string; readonly go: () => void }[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  /** Waits until the simulation lets this caller go on. */
  take(name: string): Promise<void> {
    return new Promise((go) => {
      this.#waiting.push({ name, go });
    });
  }

  /** Lets one of those who wait go on, to where it waits next. Returns who it was. */
  async giveOne(chance: Chance): Promise<string> {
    const [next] = this.#waiting.splice(chance.below(this.#waiting.length), 1);
    next?.go();
    await settled();
    return next?.name ?? 'nobody';
  }

  /** All who wait are gone for good. */
  abandon(): number {
    const gone = this.#waiting.length;
    this.#waiting = [];
    return gone;
  }

  /** The same object, each of whose methods waits for a turn first. */
  guard<T extends object>(name: string, target: T): T {
    return new Proxy(target, {
      get: (_, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        return async (...values: unknown[]): Promise<unknown> => {
          await this.take(`${name}.${String(property)}`);
          return Reflect.apply(member, target, values) as unknown;
        };
      },
    });
  }
}

/** Lets everything run that needs no turn. */
export async function settled(): Promise<void> {
  await setImmediate();
}
