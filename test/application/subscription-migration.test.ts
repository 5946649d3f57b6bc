/** Subscriptions that were written before they had money move over to the tables that have it, and are looked at again. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MIGRATIONS = join(dirname(fileURLToPath(import.meta.url)), '../../migrations');

/** Applies the migrations whose number is in the range, both ends included. */
function migrate(database: DatabaseSync, from: number, to: number): void {
  const names = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'));
  for (const name of names.toSorted()) {
    const number = Number(name.slice(0, 4));
    if (number < from || number > to) continue;
    database.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
  }
}

it('carries subscriptions over: what is not over is due when its period ends', () => {
  const database = new DatabaseSync(':memory:');
  migrate(database, 1, 7);
  database.exec(`
    INSERT INTO plan VALUES ('pln_1', 'club', 'Club', 1900, 'eur', 'month', 1, '{}', 1, 'published', 5);
    INSERT INTO subscription VALUES
      ('sub_live', 'usr_1', 'pln_1', 'active', 10, 20, 7, 6, 9),
      ('sub_paused', 'usr_2', 'pln_1', 'paused', 10, 20, 7, 7, 9),
      ('sub_over', 'usr_1', 'pln_gone', 'cancelled', 10, 20, 7, 0, 9)`);
  migrate(database, 8, 9);
  const rows = database
    .prepare(
      `SELECT id, user_id, plan_id, plan_version, plan_group, state, time_zone, anchor_at_ms, period_index,
         current_period_start_ms, current_period_end_ms, method_processor, currency, entitlement_version,
         pushed_version, due_at_ms, created_at_ms, ended_at_ms, chain_seq, version
       FROM subscription ORDER BY id`,
    )
    .all();
  const live = {
    id: 'sub_live',
    user_id: 'usr_1',
    plan_id: 'pln_1',
    plan_version: 1,
    plan_group: 'membership',
    state: 'active',
    time_zone: 'UTC',
    anchor_at_ms: 10,
    period_index: 0,
    current_period_start_ms: 10,
    current_period_end_ms: 20,
    method_processor: null,
    currency: 'eur',
    entitlement_version: 7,
    pushed_version: 6,
    due_at_ms: 20,
    created_at_ms: 9,
    ended_at_ms: null,
    chain_seq: 0,
    version: 1,
  };
  const paused = { user_id: 'usr_2', state: 'paused', pushed_version: 7, due_at_ms: null };
  const over = { plan_id: 'pln_gone', state: 'cancelled', pushed_version: 0, due_at_ms: null };
  expect(rows.map((row) => ({ ...row }))).toEqual([
    live,
    { ...live, ...over, id: 'sub_over', currency: 'usd', ended_at_ms: 20 },
    { ...live, ...paused, id: 'sub_paused' },
  ]);
  database.close();
});
