/**
 * PayPal's request ids: the first executed answer to a path again, for as long as the API keeps it.
 * Owns PayPal's rows of the `idempotency` table and the ids in flight; must never execute anything.
 * Source: PayPal developer documentation, "Idempotency".
 */
import type { World } from '../world.ts';
import { PROCESSOR } from './context.ts';
import { inProgress, invalidRequest } from './errors.ts';

const HOUR_MS = 3_600_000;

/** How long each API keeps an answer, on the virtual clock. */
const KEPT_MS = { orders: 6 * HOUR_MS, payments: 45 * 24 * HOUR_MS, vault: 3 * HOUR_MS } as const;
/** Orders take shorter ids than the other APIs. */
const LENGTH_MAX = { orders: 108, payments: 10_000, vault: 10_000 } as const;

/** An API with its own memory of request ids. */
export type KeyedApi = keyof typeof KEPT_MS;

/** A stored answer; `body` is empty for 204. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
}

/** A request as ids see it: the same id on another path is another request. */
export interface KeyedRequest {
  readonly api: KeyedApi;
  readonly path: string;
  readonly key: string;
}

/** Remembers answers by request id, durable with the effect they belong to. */
export class RequestIds {
  readonly #world: World;
  readonly #inFlight = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * The stored answer for a request, or null when it is the first. The parameters are not compared.
   * Errors: too long (400), in flight (422 for orders, 409 otherwise).
   */
  lookUp(request: KeyedRequest): StoredAnswer | null {
    if (request.key.length > LENGTH_MAX[request.api]) {
      const field = 'PayPal-Request-Id';
      throw invalidRequest('INVALID_STRING_LENGTH', { field, location: 'header' });
    }
    if (this.#inFlight.has(fileKey(request))) throw inProgress(request.api === 'orders');
    const row = this.#world.store
      .statement('SELECT * FROM idempotency WHERE processor = ? AND key = ?')
      .get(PROCESSOR, fileKey(request));
    if (!row || Number(row['created_at_ms']) < this.#virtualMs() - KEPT_MS[request.api])
      return null;
    return { status: Number(row['status']), body: String(row['body']) };
  }

  /** Stores an executed answer inside the transaction of its effect. */
  store(request: KeyedRequest, answer: StoredAnswer): void {
    this.#world.store
      .statement(
        `INSERT OR REPLACE INTO idempotency
           (processor, key, path, fingerprint, status, body, created_at_ms)
         VALUES (?, ?, ?, '', ?, ?, ?)`,
      )
      .run(
        PROCESSOR,
        fileKey(request),
        request.path,
        answer.status,
        answer.body,
        this.#virtualMs(),
      );
  }

  /** Marks a request as executing until the returned function is called; twice is harmless. */
  enter(request: KeyedRequest): () => void {
    const key = fileKey(request);
    this.#inFlight.add(key);
    let isInside = true;
    return () => {
      if (isInside) this.#inFlight.delete(key);
      isInside = false;
    };
  }

  #virtualMs(): number {
    return this.#world.clock.virtualSeconds() * 1000;
  }
}

function fileKey(request: KeyedRequest): string {
  return `${request.path} ${request.key}`;
}
