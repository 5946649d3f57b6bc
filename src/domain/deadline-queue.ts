/**
 * Things that become due, earliest first. Entries are never removed when a deadline moves:
 * whoever takes one looks at the present truth, and a stale entry then means nothing.
 */
import type { EpochMs } from './time.ts';

interface Entry {
  readonly atMs: EpochMs;
  readonly id: string;
}

/** A binary heap of (instant, id). */
export class DeadlineQueue {
  readonly #heap: Entry[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest instant, or null when there is none. */
  get earliestMs(): EpochMs | null {
    return this.#heap[0]?.atMs ?? null;
  }

  push(atMs: EpochMs, id: string): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push({ atMs, id });
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if ((heap[parent] as Entry).atMs <= atMs) break;
      heap[index] = heap[parent] as Entry;
      index = parent;
    }
    heap[index] = { atMs, id };
  }

  /** Takes the earliest entry if it is due at `nowMs`; null otherwise. */
  takeDue(nowMs: EpochMs): string | null {
    const first = this.#heap[0];
    if (first === undefined || first.atMs > nowMs) return null;
    const last = this.#heap.pop() as Entry;
    if (this.#heap.length > 0) this.#sink(last);
    return first.id;
  }

  #sink(entry: Entry): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.atMs < (heap[child] as Entry).atMs) child += 1;
      if ((heap[child] as Entry).atMs >= entry.atMs) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = entry;
  }
}
