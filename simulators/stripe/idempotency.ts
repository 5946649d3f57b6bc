/**
 * Stripe's idempotency keys: the first executed answer, failures included, again for 24 hours.
 * Owns what a key means at Stripe; must never execute anything.
 * Source: Stripe API reference, "Idempotent requests".
 */
import { createHash } from 'node:crypto';
import { StoredAnswers, type StoredAnswer } from '../stored-answers.ts';
import type { World } from '../world.ts';
import { invalidRequest, keyInUse, keyReused } from './errors.ts';
import type { FormMap, FormValue } from './form-encoding.ts';

/** Stripe may forget a key once it is this old; the simulator always does. */
const KEPT_MS = 24 * 3_600_000;
const KEY_LENGTH_MAX = 255;

/** A request as keys see it. */
export interface KeyedRequest {
  readonly key: string;
  readonly path: string;
  readonly parameters: FormMap;
}

/** Remembers answers by key, durable with the effect they belong to. */
export class IdempotencyKeys {
  readonly #world: World;
  readonly #answers: StoredAnswers;

  constructor(world: World) {
    this.#world = world;
    this.#answers = new StoredAnswers(world.store, 'stripe');
  }

  /**
   * The stored answer for a request, or null when it is the first.
   * Errors: key too long (400), in flight (409), other request (400 idempotency_error).
   */
  lookUp(request: KeyedRequest): StoredAnswer | null {
    const { key } = request;
    if (key.length > KEY_LENGTH_MAX) {
      throw invalidRequest('Idempotency keys can be at most 255 characters long.');
    }
    if (this.#answers.isInFlight(key)) throw keyInUse(key);
    const stored = this.#answers.find(key);
    if (stored === null || stored.atMs < this.#world.clock.nowMs() - KEPT_MS) return null;
    const { path: firstPath } = stored;
    if (firstPath !== request.path) {
      throw keyReused(
        'Keys for idempotent requests can only be used for the same endpoint they were first ' +
          `used for ('${request.path}' vs '${firstPath}'). Try using a key other than '${key}' if ` +
          'you meant to execute a different request.',
      );
    }
    if (stored.fingerprint !== fingerprint(request.parameters)) {
      throw keyReused(
        'Keys for idempotent requests can only be used with the same parameters they were first ' +
          `used with. Try using a key other than '${key}' if you meant to execute a different ` +
          'request.',
      );
    }
    return { status: stored.status, body: stored.body };
  }

  /** Stores an executed answer inside the transaction of its effect. */
  store({ key, path, parameters }: KeyedRequest, answer: StoredAnswer): void {
    const atMs = this.#world.clock.nowMs();
    this.#answers.keep({ key, path, fingerprint: fingerprint(parameters), atMs }, answer);
  }

  /** Refuses other calls with this key until the returned function is called. */
  enter(key: string | null): () => void {
    return this.#answers.enter(key);
  }
}

function fingerprint(parameters: FormMap): string {
  return createHash('sha256').update(canonical(parameters)).digest('base64');
}

/** The same text for the same parameters in any order. */
function canonical(value: FormValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
