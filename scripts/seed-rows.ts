/** Rows of the seed that no call of the API makes: roles, the demo plan, the demo subscription. All safe to repeat. */
import { randomBytes } from 'node:crypto';
import type { D1Database } from '@cloudflare/workers-types';
import type { IdCodec } from '../src/application/ports.ts';
import { GENESIS_HASH } from '../src/domain/chain.ts';
import { platformCalendar } from '../src/platform/calendar.ts';
import { createIdCodec } from '../src/platform/id-codec.ts';
import { MEMBER_PLAN } from './demo/plans.ts';

const DAY_MS = 86_400_000;
/** The demo subscription began some days ago, so that it looks lived in. */
const PERIOD_BEGAN_MS = 3 * DAY_MS;
const ZONE = 'UTC';

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

/** One monthly plan on sale; answers its id. What is not said here is as in a plan that an operator writes. */
export async function insertPlan(database: D1Database, context: RowContext): Promise<string> {
  const id = codecOf(context).deriveInRegion('pln', 'global', 'seed');
  const plan = MEMBER_PLAN;
  await database.batch([
    database
      .prepare(
        `INSERT INTO plan (id, code, group_name, migration_target, created_at_ms)
         SELECT ?1, ?2, 'membership', NULL, ?3 WHERE NOT EXISTS (SELECT 1 FROM plan WHERE id = ?1)`,
      )
      .bind(id, plan.code, context.nowMs),
    database
      .prepare(
        `INSERT INTO plan_version (plan_id, version, status, name, price_minor, currency, interval_unit,
           interval_count, trial_days, trial_needs_method, trial_end, grace_days, dunning_days, cancel_after_days,
           upgrade_at, downgrade_at, trial_change_at, cancel_refund, tax_rate_bps, tax_inclusive, entitlements,
           call_digest, created_at_ms)
         SELECT ?1, 1, 'published', ?2, ?3, ?4, ?5, ?6, 0, 1, 'cancel', 7, '[1,3,5,7,10,14]', 28, 'now',
           'period_end', 'now', 'none', 0, 1, ?7, NULL, ?8
         WHERE NOT EXISTS (SELECT 1 FROM plan_version WHERE plan_id = ?1)`,
      )
      .bind(
        id,
        plan.name,
        plan.priceMinor,
        plan.currency,
        plan.intervalUnit,
        plan.intervalCount,
        JSON.stringify(plan.entitlements),
        context.nowMs,
      ),
  ]);
  return id;
}

/**
 * An active subscription in its first month, whose entitlements still have to be pushed; answers its id. It has no payment
 * method, so that at the end of the month billing asks its member for one.
 */
export async function insertSubscription(
  database: D1Database,
  row: RowContext & { planId: string; userId: string },
): Promise<string> {
  const id = codecOf(row).deriveInRegion('sub', 'global', 'seed');
  const beganAtMs = row.nowMs - PERIOD_BEGAN_MS;
  const { intervalUnit: unit, intervalCount: count, currency } = MEMBER_PLAN;
  const endsAtMs = platformCalendar.advance({ atMs: beganAtMs, timeZone: ZONE }, { unit, count });
  await database
    .prepare(
      `INSERT INTO subscription (id, user_id, plan_id, plan_version, plan_group, state, time_zone, anchor_at_ms,
         period_index, current_period_start_ms, current_period_end_ms, cancel_at_period_end, credit_minor, currency,
         overrides, removals, entitlement_version, pushed_version, due_at_ms, lease_until_ms, created_at_ms,
         chain_seq, chain_hash, version)
       VALUES (?1, ?2, ?3, 1, 'membership', 'active', ?4, ?5, 0, ?5, ?6, 0, 0, ?7, '{}', '[]', 1, 0, ?6, 0, ?5, 0, ?8, 1)
       ON CONFLICT DO NOTHING`,
    )
    .bind(id, row.userId, row.planId, ZONE, beganAtMs, endsAtMs, currency, GENESIS_HASH)
    .run();
  return id;
}

function codecOf(context: RowContext): IdCodec {
  return createIdCodec(context.idSecret, { bytes: (length) => randomBytes(length) });
}
