/** All SQL of plans. Callers: the plan list, the push of entitlements, the seed. */
import { asc, eq, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { PlanRecord, PlanStore } from '../../application/billing-ports.ts';
import { plan } from './schema/billing.ts';

/** Plans on sale at once; more than a page that a person would read. */
const PUBLISHED_MAX = 500;

/** Plans of one database. */
export class PlanRepository implements PlanStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(record: PlanRecord): Promise<void> {
    await this.#orm.insert(plan).values(record).onConflictDoNothing({ target: plan.id });
  }

  async byId(id: string): Promise<PlanRecord | null> {
    const [row] = await this.#orm.select().from(plan).where(eq(plan.id, id));
    return row ?? null;
  }

  published(): Promise<PlanRecord[]> {
    return this.#orm
      .select()
      .from(plan)
      .where(eq(plan.status, 'published'))
      .orderBy(asc(plan.createdAtMs), asc(plan.id))
      .limit(PUBLISHED_MAX);
  }

  namesOf(ids: readonly string[]): Promise<{ id: string; name: string }[]> {
    return this.#orm
      .select({ id: plan.id, name: plan.name })
      .from(plan)
      .where(sql`${plan.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`)
      .orderBy(asc(plan.id));
  }
}
