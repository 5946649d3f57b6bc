/** Rows of the seed that no call of the API makes: roles, the demo plan, the demo subscription. All safe to repeat. */
import { randomBytes } from 'node:crypto';
import type { D1Database } from '@cloudflare/workers-types';
import type { IdCodec } from '../src/application/ports.ts';
import { createIdCodec } from '../src/platform/id-codec.ts';

const DAY_MS = 86_400_000;
/** The demo subscription began some days ago, so that it looks lived in, and never lapses while somebody tries it. */
const PERIOD_BEGAN_MS = 3 * DAY_MS;
const PERIOD_MS = 3_650 * DAY_MS;

/** What the demo plan grants: members' services, at most four live holds, three weeks ahead. */
const ENTITLEMENTS = {
  'access.members': true,
  'holds.concurrent': 4,
  'window.days': 21,
} as const;

export interface RowContext {
  readonly idSecret: string;
  readonly nowMs: number;
}

/** Adds a role to an account; it shows at the next login. */
export async function grantRole(
  database: D1Database,
  grant: { userId: string; role: string },
): Promise<string> {
  await database
    .prepare(
      `UPDATE user SET roles = (
         SELECT json_group_array(value) FROM (SELECT value FROM json_each(user.roles) UNION SELECT ?2)
       ) WHERE id = ?1`,
    )
    .bind(grant.userId, grant.role)
    .run();
  return grant.role;
}

/** One published monthly plan; answers its id. */
export async function insertPlan(database: D1Database, context: RowContext): Promise<string> {
  const id = codecOf(context).deriveInRegion('pln', 'global', 'seed');
  await database
    .prepare(
      `INSERT INTO plan (id, code, name, price_minor, currency, interval_unit, interval_count, entitlements,
         version, status, created_at_ms)
       VALUES (?1, 'member-monthly', 'Member', 1900, 'usd', 'month', 1, ?2, 1, 'published', ?3)
       ON CONFLICT DO NOTHING`,
    )
    .bind(id, JSON.stringify(ENTITLEMENTS), context.nowMs)
    .run();
  return id;
}

/** An active subscription whose entitlements still have to be pushed; answers its id. */
export async function insertSubscription(
  database: D1Database,
  row: RowContext & { planId: string; userId: string },
): Promise<string> {
  const id = codecOf(row).deriveInRegion('sub', 'global', 'seed');
  const beganAtMs = row.nowMs - PERIOD_BEGAN_MS;
  await database
    .prepare(
      `INSERT INTO subscription (id, user_id, plan_id, status, current_period_start_ms, current_period_end_ms,
         entitlement_version, pushed_version, created_at_ms)
       VALUES (?1, ?2, ?3, 'active', ?4, ?5, 1, 0, ?4)
       ON CONFLICT DO NOTHING`,
    )
    .bind(id, row.userId, row.planId, beganAtMs, beganAtMs + PERIOD_MS)
    .run();
  return id;
}

function codecOf(context: RowContext): IdCodec {
  return createIdCodec(context.idSecret, { bytes: (length) => randomBytes(length) });
}
