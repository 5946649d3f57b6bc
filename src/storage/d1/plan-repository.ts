/**
 * All SQL of plans and their versions. Terms are written once: nothing here changes or removes them, and triggers refuse
 * it. Callers: the plan list, the operators' plan routes, billing.
 */
import { and, asc, desc, eq, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { PlanRecord } from '../../application/billing-ports.ts';
import type { PlanCatalogue, PlanPlace } from '../../application/billing/plan-catalogue.ts';
import { plan, planVersion } from './schema/plan.ts';

/** Plans on sale at once; more than a page that a person would read. */
const PUBLISHED_MAX = 500;

/** Versions of one plan that are shown; older ones stay readable by their number. */
const VERSIONS_MAX = 500;

// `NOT EXISTS` instead of ON CONFLICT: a trigger refuses every insert over a row that is there.
const INSERT_PLAN = `
  INSERT INTO plan (id, code, group_name, migration_target, created_at_ms)
  SELECT ?1, ?2, ?3, NULL, ?4
  WHERE NOT EXISTS (SELECT 1 FROM plan WHERE id = ?1) AND NOT EXISTS (SELECT 1 FROM plan WHERE code = ?2)`;

const INSERT_VERSION = `
  INSERT INTO plan_version (plan_id, version, status, name, price_minor, currency, interval_unit, interval_count,
    trial_days, trial_needs_method, trial_end, grace_days, dunning_days, cancel_after_days, upgrade_at, downgrade_at,
    trial_change_at, cancel_refund, tax_rate_bps, tax_inclusive, entitlements, call_digest, created_at_ms)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23
  WHERE EXISTS (SELECT 1 FROM plan WHERE id = ?1 AND code = ?24)
    AND NOT EXISTS (SELECT 1 FROM plan_version WHERE plan_id = ?1 AND version = ?2)
    AND NOT EXISTS (SELECT 1 FROM plan_version WHERE call_digest = ?22)`;

const SET_MIGRATION_TARGET = `
  UPDATE plan SET migration_target = ?2
  WHERE id = ?1 AND EXISTS (SELECT 1 FROM plan_version WHERE plan_id = ?1 AND version = ?2)`;

// A version that does not exist takes nothing off sale.
const TAKE_OFF_SALE = `
  UPDATE plan_version SET status = 'retired'
  WHERE plan_id = ?1 AND status = 'published' AND version <> ?2
    AND EXISTS (SELECT 1 FROM plan_version AS next WHERE next.plan_id = ?1 AND next.version = ?2)`;

const PUT_ON_SALE = `UPDATE plan_version SET status = 'published' WHERE plan_id = ?1 AND version = ?2`;

const RETIRE = `UPDATE plan_version SET status = 'retired' WHERE plan_id = ?1 AND status = 'published'`;

interface Row {
  readonly plan: typeof plan.$inferSelect;
  readonly version: typeof planVersion.$inferSelect;
}

/** Plans of one database. */
export class PlanRepository implements PlanCatalogue {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async insert(record: PlanRecord): Promise<'done' | 'taken'> {
    const { id, code, terms, createdAtMs } = record;
    await this.#database.batch([
      this.#database.prepare(INSERT_PLAN).bind(id, code, terms.group, createdAtMs),
      this.#insertVersion(record, null),
    ]);
    const [owner] = await this.#orm.select({ id: plan.id }).from(plan).where(eq(plan.code, code));
    return owner?.id === id ? 'done' : 'taken';
  }

  async insertVersion(
    record: PlanRecord,
    callDigest: string | null = null,
  ): Promise<'done' | 'taken'> {
    const { meta } = await this.#insertVersion(record, callDigest).run();
    return meta.changes > 0 ? 'done' : 'taken';
  }

  async newest(planId: string): Promise<PlanRecord | null> {
    const [row] = await this.#select()
      .where(eq(planVersion.planId, planId))
      .orderBy(desc(planVersion.version))
      .limit(1);
    return row === undefined ? null : toRecord(row);
  }

  async version(planId: string, version: number): Promise<PlanRecord | null> {
    const [row] = await this.#select().where(
      and(eq(planVersion.planId, planId), eq(planVersion.version, version)),
    );
    return row === undefined ? null : toRecord(row);
  }

  async versionOfCall(callDigest: string): Promise<PlanRecord | null> {
    const [row] = await this.#select().where(eq(planVersion.callDigest, callDigest));
    return row === undefined ? null : toRecord(row);
  }

  async onSale(planId: string): Promise<PlanRecord | null> {
    const [row] = await this.#select().where(
      and(eq(planVersion.planId, planId), eq(planVersion.status, 'published')),
    );
    return row === undefined ? null : toRecord(row);
  }

  async versionsOf(planId: string): Promise<PlanRecord[]> {
    const rows = await this.#select()
      .where(eq(planVersion.planId, planId))
      .orderBy(desc(planVersion.version))
      .limit(VERSIONS_MAX);
    return rows.map(toRecord);
  }

  async publish(planId: string, version: number): Promise<void> {
    await this.#database.batch([
      this.#database.prepare(TAKE_OFF_SALE).bind(planId, version),
      this.#database.prepare(PUT_ON_SALE).bind(planId, version),
    ]);
  }

  async retire(planId: string): Promise<void> {
    await this.#database.prepare(RETIRE).bind(planId).run();
  }

  async published(): Promise<PlanRecord[]> {
    const rows = await this.#select()
      .where(eq(planVersion.status, 'published'))
      .orderBy(asc(plan.createdAtMs), asc(plan.id))
      .limit(PUBLISHED_MAX);
    return rows.map(toRecord);
  }

  async list(query: {
    readonly after: PlanPlace | null;
    readonly limit: number;
  }): Promise<PlanRecord[]> {
    // A condition even on the first page, so that the walk begins at a place of the index.
    const from = query.after ?? { createdAtMs: Number.MAX_SAFE_INTEGER, id: '', version: 0 };
    const { createdAtMs, planId, version } = planVersion;
    const rows = await this.#select()
      .where(
        sql`(${createdAtMs}, ${planId}, ${version}) < (${from.createdAtMs}, ${from.id}, ${from.version})`,
      )
      .orderBy(desc(createdAtMs), desc(planId), desc(version))
      .limit(query.limit);
    return rows.map(toRecord);
  }

  async migrationTarget(planId: string): Promise<number | null> {
    const [row] = await this.#orm
      .select({ target: plan.migrationTarget })
      .from(plan)
      .where(eq(plan.id, planId));
    return row?.target ?? null;
  }

  async setMigrationTarget(planId: string, version: number): Promise<void> {
    await this.#database.prepare(SET_MIGRATION_TARGET).bind(planId, version).run();
  }

  #select() {
    return this.#orm
      .select({ plan, version: planVersion })
      .from(planVersion)
      .innerJoin(plan, eq(plan.id, planVersion.planId))
      .$dynamic();
  }

  #insertVersion(record: PlanRecord, callDigest: string | null): D1PreparedStatement {
    const { id, code, terms, status, createdAtMs } = record;
    const { interval, changePolicy, tax } = terms;
    return this.#database
      .prepare(INSERT_VERSION)
      .bind(
        id,
        terms.version,
        status,
        terms.name,
        terms.priceMinor,
        terms.currency,
        interval.unit,
        interval.count,
        terms.trialDays,
        Number(terms.trialNeedsMethod),
        terms.trialEnd,
        terms.graceDays,
        JSON.stringify(terms.dunningDays),
        terms.cancelAfterDays,
        changePolicy.upgrade,
        changePolicy.downgrade,
        changePolicy.trial,
        terms.cancelRefund,
        tax.rateBps,
        Number(tax.inclusive),
        JSON.stringify(terms.entitlements),
        callDigest,
        createdAtMs,
        code,
      );
  }
}

function toRecord({ plan: head, version: row }: Row): PlanRecord {
  return {
    id: head.id,
    code: head.code,
    status: row.status,
    createdAtMs: row.createdAtMs,
    terms: {
      planId: head.id,
      version: row.version,
      group: head.groupName,
      name: row.name,
      priceMinor: row.priceMinor,
      currency: row.currency,
      interval: { unit: row.intervalUnit, count: row.intervalCount },
      trialDays: row.trialDays,
      trialNeedsMethod: row.trialNeedsMethod,
      trialEnd: row.trialEnd,
      graceDays: row.graceDays,
      dunningDays: row.dunningDays,
      cancelAfterDays: row.cancelAfterDays,
      changePolicy: {
        upgrade: row.upgradeAt,
        downgrade: row.downgradeAt,
        trial: row.trialChangeAt,
      },
      cancelRefund: row.cancelRefund,
      tax: { rateBps: row.taxRateBps, inclusive: row.taxInclusive },
      entitlements: row.entitlements,
    },
  };
}
