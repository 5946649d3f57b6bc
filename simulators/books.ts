/**
 * The simulators' own books: every movement of money, in order of effect. Outsiders check the
 * platform's money here, so it must never learn anything from the platform but payments' metadata.
 * Owns the `book` table; called by the processors' folders and the control routes.
 */
import { isJsonObject, type Json } from './json.ts';
import type { Clock } from './clock.ts';
import type { Store } from './store.ts';

/** What kind of movement a row is. */
export type BookKind =
  | 'authorization'
  | 'capture'
  | 'refund'
  | 'void'
  | 'dispute'
  /** To a provider's account, or with a negative amount back from it. */
  | 'transfer'
  /** From a provider's account to their bank. */
  | 'payout';

/** Where the movement stands; a dispute that took the money for good is `succeeded`. */
export type BookStatus = 'pending' | 'succeeded' | 'failed';

/** A movement to write down. `amountMinor` is in the currency's minor unit; `of` is its parent. */
export interface BookEntry {
  readonly processor: string;
  readonly id: string;
  readonly kind: BookKind;
  readonly amountMinor: number;
  readonly currency: string;
  readonly status: BookStatus;
  readonly of: string | null;
  readonly paymentId: string;
}

/** Appends and re-states movements inside the store's current call. */
export class Books {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Appends one movement. */
  write(entry: BookEntry): void {
    this.#store
      .statement(
        `INSERT INTO book (processor, id, kind, amount_minor, currency, status, of_id, payment_id,
           created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        entry.processor,
        entry.id,
        entry.kind,
        entry.amountMinor,
        entry.currency,
        entry.status,
        entry.of,
        entry.paymentId,
        this.#clock.nowMs(),
      );
  }

  /** Moves a movement on, for instance a refund from pending to succeeded. */
  settle(id: string, kind: BookKind, status: BookStatus): void {
    this.#store
      .statement('UPDATE book SET status = ? WHERE id = ? AND kind = ?')
      .run(status, id, kind);
  }

  /** Every row in order of effect, with the metadata its payment has now. */
  rows(): Json[] {
    return this.#store
      .statement(
        `SELECT book.*, json_extract(object.body, '$.metadata') AS metadata
         FROM book LEFT JOIN object ON object.id = book.payment_id ORDER BY book.seq`,
      )
      .all()
      .map((row) => ({
        processor: String(row['processor']),
        id: String(row['id']),
        kind: String(row['kind']),
        amount: Number(row['amount_minor']),
        currency: String(row['currency']),
        status: String(row['status']),
        of: row['of_id'] === null ? null : String(row['of_id']),
        metadata: readMetadata(row['metadata']),
        createdAt: new Date(Number(row['created_at_ms'])).toISOString(),
      }));
  }
}

function readMetadata(text: unknown): Json {
  if (typeof text !== 'string') return {};
  const value: unknown = JSON.parse(text);
  return isJsonObject(value) ? value : {};
}
