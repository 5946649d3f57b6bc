/** Plans that an earlier deployment wrote are still plans after its tables were replaced, under the same ids. */
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MIGRATIONS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'migrations');

function apply(database: DatabaseSync, name: string): void {
  database.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
}

it('carries plans over with their versions, prices and what they grant', () => {
  const database = new DatabaseSync(':memory:');
  apply(database, '0006_create_billing.sql');
  const insert = database.prepare(
    `INSERT INTO plan VALUES (?, ?, ?, ?, 'usd', 'month', 1, ?, ?, ?, ?)`,
  );
  insert.run('pln_a', 'club', 'Club', 1_900, '{"access.members":true}', 1, 'retired', 10);
  insert.run('pln_b', 'club', 'Club plus', 2_900, '{"holds.concurrent":null}', 2, 'published', 20);
  insert.run('pln_c', 'day', 'Day', 500, '{}', 1, 'draft', 30);
  apply(database, '0008_plan_versions.sql');

  const plans = database.prepare('SELECT id, code, group_name FROM plan ORDER BY id').all();
  expect(plans.map((row) => Object.values(row))).toEqual([
    ['pln_a', 'club', 'membership'],
    ['pln_c', 'day', 'membership'],
  ]);
  const versions = database
    .prepare(
      `SELECT plan_id, version, status, name, price_minor, entitlements, grace_days, cancel_after_days, created_at_ms
       FROM plan_version ORDER BY plan_id, version`,
    )
    .all();
  expect(versions.map((row) => Object.values(row))).toEqual([
    ['pln_a', 1, 'retired', 'Club', 1_900, '{"access.members":true}', 7, 28, 10],
    ['pln_a', 2, 'published', 'Club plus', 2_900, '{"holds.concurrent":null}', 7, 28, 20],
    ['pln_c', 1, 'draft', 'Day', 500, '{}', 7, 28, 30],
  ]);
});
