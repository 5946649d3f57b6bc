/**
 * Brings a Durable Object's schema up to date: applies the steps that are missing, in order, in one transaction.
 * A history that differs from the code's is a broken invariant: the object must not run on it.
 */
import { invariant } from '../../domain/assert.ts';
import type { ShardMigration } from './shard-migrations.ts';

/** True when the object has a schema; an object that nobody provisioned has none and writes none. */
export function hasSchema(sql: SqlStorage): boolean {
  return (
    sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'").toArray()
      .length > 0
  );
}

/** Applies what is missing. Synchronous; call inside the object's constructor or before its first write. */
export function migrateShard(
  storage: DurableObjectStorage,
  steps: readonly ShardMigration[],
): void {
  storage.transactionSync(() => {
    const { sql } = storage;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS migration (position INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT',
    );
    const applied = sql
      .exec<{ id: string }>('SELECT id FROM migration ORDER BY position')
      .toArray()
      .map(({ id }) => id);
    invariant(
      applied.every((id, index) => steps[index]?.id === id),
      'the schema of this object was made by other steps than the code knows',
    );
    for (const [index, step] of steps.entries()) {
      if (index < applied.length) continue;
      sql.exec(step.sql);
      sql.exec('INSERT INTO migration (position, id) VALUES (?, ?)', index, step.id);
    }
  });
}
