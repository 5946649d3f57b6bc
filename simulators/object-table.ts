/**
 * Objects by identifier: the wire shape as JSON, and beside it what the wire never shows.
 * Owns the `object` table; must never interpret a body. Called by the processors' folders.
 */
import { isJsonObject, type JsonObject } from './json.ts';
import type { Store } from './store.ts';

/** What is needed to file an object away. */
export interface ObjectRow {
  readonly id: string;
  readonly processor: string;
  readonly kind: string;
  readonly createdSeconds: number;
  readonly customerId: string | null;
  readonly parentId: string | null;
  readonly body: object;
  readonly secrets: object;
}

/** A page of a list, newest first. Cursors are identifiers; ranges are on `createdSeconds`. */
export interface ListQuery {
  readonly processor: string;
  readonly kind: string;
  readonly limit: number;
  readonly startingAfter?: string | undefined;
  readonly endingBefore?: string | undefined;
  readonly createdFrom?: number | undefined;
  readonly createdTo?: number | undefined;
  readonly customerId?: string | undefined;
  readonly parentId?: string | undefined;
}

/** Reads and writes objects inside the store's current call. */
export class ObjectTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Adds a new object. Errors: throws when the identifier exists. */
  insert(row: ObjectRow): void {
    this.#store
      .statement(
        `INSERT INTO object (id, processor, kind, created_s, customer_id, parent_id, body, private)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        row.id,
        row.processor,
        row.kind,
        row.createdSeconds,
        row.customerId,
        row.parentId,
        JSON.stringify(row.body),
        JSON.stringify(row.secrets),
      );
  }

  /** Replaces the wire shape of an object. */
  update(id: string, body: object): void {
    this.#store.statement('UPDATE object SET body = ? WHERE id = ?').run(JSON.stringify(body), id);
  }

  /** Replaces what the wire never shows. */
  updateSecrets(id: string, secrets: object): void {
    this.#store
      .statement('UPDATE object SET private = ? WHERE id = ?')
      .run(JSON.stringify(secrets), id);
  }

  /** Files an object under a customer, or takes it away with null. */
  assignCustomer(id: string, customerId: string | null): void {
    this.#store.statement('UPDATE object SET customer_id = ? WHERE id = ?').run(customerId, id);
  }

  /** The object of that kind, or null. */
  find(kind: string, id: string): JsonObject | null {
    const row = this.#store
      .statement('SELECT body FROM object WHERE id = ? AND kind = ?')
      .get(id, kind);
    return row ? parse(row['body']) : null;
  }

  /** The object of any kind, or null. Used to expand references. */
  findAny(id: string): JsonObject | null {
    const row = this.#store.statement('SELECT body FROM object WHERE id = ?').get(id);
    return row ? parse(row['body']) : null;
  }

  /** What the wire never shows of an object. */
  secrets(id: string): JsonObject {
    const row = this.#store.statement('SELECT private FROM object WHERE id = ?').get(id);
    return row ? parse(row['private']) : {};
  }

  /** One page, newest first, with one row more than `limit` when there is a next page. */
  list(query: ListQuery): JsonObject[] {
    const wheres = ['processor = ?', 'kind = ?'];
    const values: (string | number)[] = [query.processor, query.kind];
    const add = (where: string, value: string | number | undefined): void => {
      if (value === undefined) return;
      wheres.push(where);
      values.push(value);
    };
    add('customer_id = ?', query.customerId);
    add('parent_id = ?', query.parentId);
    add('created_s >= ?', query.createdFrom);
    add('created_s <= ?', query.createdTo);
    add('seq < (SELECT seq FROM object WHERE id = ?)', query.startingAfter);
    add('seq > (SELECT seq FROM object WHERE id = ?)', query.endingBefore);
    const isBackward = query.endingBefore !== undefined;
    const rows = this.#store
      .statement(
        `SELECT body FROM object WHERE ${wheres.join(' AND ')}
         ORDER BY seq ${isBackward ? 'ASC' : 'DESC'} LIMIT ?`,
      )
      .all(...values, query.limit + 1);
    return rows.map((row) => parse(row['body']));
  }
}

function parse(text: unknown): JsonObject {
  const value: unknown = JSON.parse(String(text));
  if (!isJsonObject(value)) throw new Error('The state file holds a body that is not an object.');
  return value;
}
