/** The tables that the code speaks of are those that the migrations make: every column, its type and whether it may be null. */
import { env } from 'cloudflare:workers';
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import * as audit from '../../src/storage/d1/schema/audit.ts';
import * as availability from '../../src/storage/d1/schema/availability.ts';
import * as bank from '../../src/storage/d1/schema/bank.ts';
import * as billing from '../../src/storage/d1/schema/billing.ts';
import * as catalogue from '../../src/storage/d1/schema/catalogue.ts';
import * as coupons from '../../src/storage/d1/schema/coupon.ts';
import * as feed from '../../src/storage/d1/schema/feed.ts';
import * as inbox from '../../src/storage/d1/schema/inbox.ts';
import * as job from '../../src/storage/d1/schema/job.ts';
import * as ledger from '../../src/storage/d1/schema/ledger.ts';
import * as paymentMethods from '../../src/storage/d1/schema/payment-method.ts';
import * as payout from '../../src/storage/d1/schema/payout.ts';
import * as people from '../../src/storage/d1/schema/people.ts';
import * as plan from '../../src/storage/d1/schema/plan.ts';
import * as provisioning from '../../src/storage/d1/schema/provisioning.ts';
import * as readModel from '../../src/storage/d1/schema/read-model.ts';

const TABLES: SQLiteTable[] = [
  audit,
  availability,
  bank,
  billing,
  catalogue,
  coupons,
  feed,
  inbox,
  job,
  ledger,
  paymentMethods,
  payout,
  people,
  plan,
  provisioning,
  readModel,
].flatMap((group) => Object.values(group));

/** Tables that are spoken to in SQL alone. */
const WITHOUT_SCHEMA = ['call', 'service_search', 'service_text'];

/** Tables of the database that are none of the product's. */
const FOREIGN = /^(sqlite_|_cf_|d1_migrations)/;

/** Tables that an index of text keeps for itself. */
const INDEX_OWN = /^service_search_/;

describe('each table', () => {
  for (const table of TABLES) {
    const { name, columns } = getTableConfig(table);
    it(name, async () => {
      const { results } = await env.DB.prepare(
        'SELECT name, type, "notnull", pk FROM pragma_table_info(?1)',
      )
        .bind(name)
        .all<{ name: string; type: string; notnull: number; pk: number }>();
      const declared = columns.map((column) => ({
        name: column.name,
        type: column.getSQLType().toUpperCase(),
        isRequired: column.notNull || column.primary,
      }));
      const made = results.map((column) => ({
        name: column.name,
        type: column.type,
        isRequired: column.notnull === 1 || column.pk > 0,
      }));
      expect(made).toEqual(declared);
    });
  }

  it('is known, and the same in both databases', async () => {
    const list = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name";
    const [here, there] = await Promise.all(
      [env.DB, env.DB_EU].map(async (database) => {
        const { results } = await database.prepare(list).all<{ name: string; sql: string }>();
        return results.filter(({ name }) => !FOREIGN.test(name) && !INDEX_OWN.test(name));
      }),
    );
    expect(there).toEqual(here);
    const known = TABLES.map((table) => getTableConfig(table).name);
    expect(here?.map(({ name }) => name)).toEqual([...known, ...WITHOUT_SCHEMA].toSorted());
  });
});
