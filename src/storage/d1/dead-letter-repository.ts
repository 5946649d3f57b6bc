/** All SQL of dead letters. Callers: the consumer of the dead-letter queue, the operators' routes. */
import { desc, eq, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { DeadLetter, DeadLetterStore, ReceivedQuery } from '../../application/inbox-ports.ts';
import type { EpochMs } from '../../domain/time.ts';
import { jsonChunks } from './json-rows.ts';
import { deadLetter } from './schema/inbox.ts';

// `WHERE true` keeps the parser from taking ON CONFLICT for a join constraint.
const INSERT_LETTERS = `
  INSERT INTO dead_letter (id, queue, body, error, received_at_ms)
  SELECT value ->> 'id', value ->> 'queue', value ->> 'body', value ->> 'error', value ->> 'receivedAtMs'
  FROM json_each(?1)
  WHERE true
  ON CONFLICT (id) DO NOTHING`;

/** Dead letters of one database. */
export class DeadLetterRepository implements DeadLetterStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async insert(letters: readonly Omit<DeadLetter, 'replayedAtMs'>[]): Promise<void> {
    if (letters.length === 0) return;
    const insert = this.#database.prepare(INSERT_LETTERS);
    await this.#database.batch(jsonChunks(letters).map((chunk) => insert.bind(chunk)));
  }

  async byId(id: string): Promise<DeadLetter | null> {
    const [row] = await this.#orm.select().from(deadLetter).where(eq(deadLetter.id, id));
    return row ?? null;
  }

  async markReplayed(id: string, nowMs: EpochMs): Promise<void> {
    await this.#orm.update(deadLetter).set({ replayedAtMs: nowMs }).where(eq(deadLetter.id, id));
  }

  list({ after, limit }: ReceivedQuery): Promise<DeadLetter[]> {
    // A condition even on the first page, so that the walk begins at a place of the index.
    const from = after ?? { receivedAtMs: Number.MAX_SAFE_INTEGER, id: '' };
    return this.#orm
      .select()
      .from(deadLetter)
      .where(
        sql`(${deadLetter.receivedAtMs}, ${deadLetter.id}) < (${from.receivedAtMs}, ${from.id})`,
      )
      .orderBy(desc(deadLetter.receivedAtMs), desc(deadLetter.id))
      .limit(limit);
  }
}
