/**
 * Stripe's idempotency keys: the first executed answer, failures included, again for 24 hours.
 * Owns the `idempotency` table and the keys in flight; must never execute anything.
 * Source: Stripe API reference, "Idempotent requests".
 */
import { createHash } from 'node:crypto';
import type { World } from '../world.ts';
import { invalidRequest, keyInUse, keyReused } from './errors.ts';
import type { FormMap, FormValue } from './form-encoding.ts';

/** Stripe may forget a key once it is this old; the simulator always does. */
const KEPT_MS = 24 * 3_600_000;
const KEY_LENGTH_MAX = 255;

/** A stored answer. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: string;
}

/** A request as keys see it. */
export interface KeyedRequest {
  readonly key: string;
  readonly path: string;
  readonly parameters: FormMap;
}

/** Remembers answers by key, durable with the effect they belong to. */
export class IdempotencyKeys {
  readonly #world: World;
  readonly #inFlight = new Set<string>();

  constructor(world: World) {
    this.#world = world;
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
    if (this.#inFlight.has(key)) throw keyInUse(key);
    const row = this.#world.store
      .statement('SELECT * FROM idempotency WHERE processor = ? AND key = ?')
      .get('stripe', key);
    if (!row || Number(row['created_at_ms']) < this.#world.clock.nowMs() - KEPT_MS) return null;
    const firstPath = String(row['path']);
    if (firstPath !== request.path) {
      throw keyReused(
        'Keys for idempotent requests can only be used for the same endpoint they were first ' +
          `used for ('${request.path}' vs '${firstPath}'). Try using a key other than '${key}' if ` +
          'you meant to execute a different request.',
      );
    }
    if (String(row['fingerprint']) !== fingerprint(request.parameters)) {
      throw keyReused(
        'Keys for idempotent requests can only be used with the same parameters they were first ' +
          `used with. Try using a key other than '${key}' if you meant to execute a different ` +
          'request.',
      );
    }
    return { status: Number(row['status']), body: String(row['body']) };
  }

  /** Stores an executed answer inside the transaction of its effect. */
  store(request: KeyedRequest, answer: StoredAnswer): void {
    this.#world.store
      .statement(
        `INSERT OR REPLACE INTO idempotency
           (processor, key, path, fingerprint, status, body, created_at_ms)
         VALUES ('stripe', ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        request.key,
        request.path,
        fingerprint(request.parameters),
        answer.status,
        answer.body,
        this.#world.clock.nowMs(),
      );
  }

  /**
   * Marks a key as executing: another call with it is refused until the returned function is
   * called. Calling it twice is harmless, so that it never ends the turn of a later call.
   */
  enter(key: string): () => void {
    this.#inFlight.add(key);
    let isInside = true;
    return () => {
      if (isInside) this.#inFlight.delete(key);
      isInside = false;
    };
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
