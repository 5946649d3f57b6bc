/**
 * Brings a database up to the migrations of the project, keeping wrangler's own record of what was applied:
 * a database that was migrated here can be taken on by `wrangler d1 migrations apply` and the other way round.
 */
import type { D1Database } from '@cloudflare/workers-types';

export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

const RECORD = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** Applies what is missing, each migration with its record in one transaction. */
export async function migrate(
  database: D1Database,
  migrations: readonly Migration[],
): Promise<void> {
  await database.prepare(RECORD).run();
  const { results } = await database
    .prepare('SELECT name FROM d1_migrations')
    .all<{ name: string }>();
  const applied = new Set(results.map((row) => row.name));
  for (const { name, statements } of migrations.filter((each) => !applied.has(each.name))) {
    const record = database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name);
    await database.batch([...statements.map((sql) => database.prepare(sql)), record]);
  }
}
