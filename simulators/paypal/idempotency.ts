/**
 * PayPal's request ids: the first executed answer to a path again, for as long as the API keeps it.
 * Owns what a request id means at PayPal; must never execute anything.
 * Source: PayPal developer documentation, "Idempotency".
 */
import { StoredAnswers, type StoredAnswer } from '../stored-answers.ts';
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

/** A request as ids see it: the same id on another path is another request. */
export interface KeyedRequest {
  readonly api: KeyedApi;
  readonly path: string;
  readonly key: string;
}

/** Remembers answers by request id, durable with the effect they belong to. */
export class RequestIds {
  readonly #world: World;
  readonly #answers: StoredAnswers;

  constructor(world: World) {
    this.#world = world;
    this.#answers = new StoredAnswers(world.store, PROCESSOR);
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
    if (this.#answers.isInFlight(fileKey(request))) throw inProgress(request.api === 'orders');
    const stored = this.#answers.find(fileKey(request));
    if (stored === null || stored.atMs < this.#virtualMs() - KEPT_MS[request.api]) return null;
    return { status: stored.status, body: stored.body };
  }

  /** Stores an executed answer inside the transaction of its effect. */
  store(request: KeyedRequest, answer: StoredAnswer): void {
    const { path } = request;
    const atMs = this.#virtualMs();
    this.#answers.keep({ key: fileKey(request), path, fingerprint: '', atMs }, answer);
  }

  /** Refuses other calls with this id until the returned function is called. */
  enter(request: KeyedRequest | null): () => void {
    return this.#answers.enter(request === null ? null : fileKey(request));
  }

  #virtualMs(): number {
    return this.#world.clock.virtualSeconds() * 1000;
  }
}

function fileKey(request: KeyedRequest): string {
  return `${request.path} ${request.key}`;
}
