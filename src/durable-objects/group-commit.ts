/**
 * Group commit: calls that arrive together are decided one after the other inside one synchronous transaction,
 * and answered when it stands. The commit is the price of a write, so many calls share one.
 * If the transaction throws, nobody is told success and the object is thrown away with its memory.
 */

/** Calls decided in one transaction at most: a longer batch would make the first wait for the last. */
const BATCH_MAX = 256;

/** What a group commit runs on. */
export interface GroupCommitPorts {
  /** Runs the work inside one transaction; all or nothing. */
  transaction(work: () => void): void;
  /** Runs first in each transaction. */
  begin(): void;
  /** Runs last in each transaction. */
  end(): void;
  /** Runs after the transaction, in the same turn, so that what it writes joins the same commit. */
  settled(): void;
  /** The transaction threw: memory may differ from storage, so the object must not go on. */
  broken(error: unknown): void;
}

interface Waiting {
  readonly decide: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #ports: GroupCommitPorts;
  #waiting: Waiting[] = [];
  #isScheduled = false;

  constructor(ports: GroupCommitPorts) {
    this.#ports = ports;
  }

  /** Calls that wait for the next transaction. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Decides in the next transaction. `decide` is synchronous: nobody may come between deciding and writing. */
  run<T>(decide: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let decided: { readonly value: T } | null = null;
      this.#waiting.push({
        decide: () => {
          decided = { value: decide() };
        },
        resolve: () => {
          if (decided !== null) resolve(decided.value);
        },
        reject,
      });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // A timer of 0 ms lets everything that has already arrived join, and does not keep the object from hibernating.
    setTimeout(() => this.#flush(), 0);
  }

  #flush(): void {
    this.#isScheduled = false;
    const batch = this.#waiting.slice(0, BATCH_MAX);
    this.#waiting = this.#waiting.slice(BATCH_MAX);
    try {
      this.#ports.transaction(() => {
        this.#ports.begin();
        for (const { decide } of batch) decide();
        this.#ports.end();
      });
      this.#ports.settled();
    } catch (error) {
      for (const { reject } of [...batch, ...this.#waiting]) reject(error);
      this.#waiting = [];
      this.#ports.broken(error);
      return;
    }
    for (const { resolve } of batch) resolve();
    if (this.#waiting.length > 0) this.#schedule();
  }
}
