/**
 * The first executed answer to each idempotency key of one processor, durable with its effect, and the keys that are being
 * served. Owns the `idempotency` table; must never decide how long an answer counts or what a reuse means, which each
 * processor's own rules do.
 */
import type { Store } from './store.ts';

/** An answer as it was sent; `body` may be empty. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
}

/** What an answer is kept with. */
export interface AnsweredRequest {
  readonly key: string;
  readonly path: string;
  /** Tells other parameters under the same key; empty where they are not compared. */
  readonly fingerprint: string;
  readonly atMs: number;
}

/** One processor's answers. */
export class StoredAnswers {
  readonly #store: Store;
  readonly #processor: string;
  readonly #inFlight = new Set<string>();

  constructor(store: Store, processor: string) {
    this.#store = store;
    this.#processor = processor;
  }

  /** Whether a call with this key is being served. */
  isInFlight(key: string): boolean {
    return this.#inFlight.has(key);
  }

  /**
   * Marks a key as being served until the returned function is called. Calling it twice is harmless, so that it never
   * ends the turn of a later call. A call without a key (null) has nothing to mark.
   */
  enter(key: string | null): () => void {
    if (key === null) return () => undefined;
    this.#inFlight.add(key);
    let isInside = true;
    return () => {
      if (isInside) this.#inFlight.delete(key);
      isInside = false;
    };
  }

  /** What was answered under the key, or null. */
  find(key: string): (AnsweredRequest & StoredAnswer) | null {
    const row = this.#store
      .statement('SELECT * FROM idempotency WHERE processor = ? AND key = ?')
      .get(this.#processor, key);
    if (!row) return null;
    return {
      key,
      path: String(row['path']),
      fingerprint: String(row['fingerprint']),
      atMs: Number(row['created_at_ms']),
      status: Number(row['status']),
      body: String(row['body']),
    };
  }

  /** Keeps an executed answer inside the transaction of its effect; an older one under the key is replaced. */
  keep(request: AnsweredRequest, answer: StoredAnswer): void {
    this.#store
      .statement(
        `INSERT OR REPLACE INTO idempotency
           (processor, key, path, fingerprint, status, body, created_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        this.#processor,
        request.key,
        request.path,
        request.fingerprint,
        answer.status,
        answer.body,
        request.atMs,
      );
  }
}
