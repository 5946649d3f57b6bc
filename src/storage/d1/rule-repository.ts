/**
 * All SQL of availability rules and of how far they were carried out. A service's rules and their version are read in one
 * batch, so that they belong together. Callers: the rules' use cases and the job that fills windows.
 */
import { and, asc, eq, gt, lte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  FilledWindow,
  RuleRecord,
  RuleStore,
  ServiceRules,
} from '../../application/availability/rule-ports.ts';
import { required } from '../../domain/assert.ts';
import type { EpochMs, Interval } from '../../domain/time.ts';
import { availabilityRule, serviceSchedule } from './schema/availability.ts';

const WINDOW = {
  serviceId: serviceSchedule.serviceId,
  filledBasis: serviceSchedule.filledBasis,
  filledUntilMs: serviceSchedule.filledUntilMs,
};

type RuleRow = typeof availabilityRule.$inferSelect;

/** Rules of one database. */
export class RuleRepository implements RuleStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(rule: RuleRecord): Promise<RuleRecord> {
    const [, stored] = await this.#orm.batch([
      this.#orm.insert(availabilityRule).values(toRow(rule)).onConflictDoNothing(),
      this.#orm.select().from(availabilityRule).where(eq(availabilityRule.id, rule.id)),
    ]);
    return toRecord(required(stored[0], 'a rule just written is there'));
  }

  async byId(id: string): Promise<RuleRecord | null> {
    const [row] = await this.#orm
      .select()
      .from(availabilityRule)
      .where(eq(availabilityRule.id, id));
    return row === undefined ? null : toRecord(row);
  }

  async replace(rule: RuleRecord): Promise<boolean> {
    const { active, version, terms } = toRow(rule);
    const changed = await this.#orm
      .update(availabilityRule)
      .set({ active, version, terms })
      .where(and(eq(availabilityRule.id, rule.id), eq(availabilityRule.version, version - 1)))
      .returning({ id: availabilityRule.id });
    return changed.length > 0;
  }

  async ofService(serviceId: string): Promise<ServiceRules> {
    const [[schedule], rules] = await this.#orm.batch([
      this.#orm.select().from(serviceSchedule).where(eq(serviceSchedule.serviceId, serviceId)),
      this.#orm
        .select()
        .from(availabilityRule)
        // Written out, so that the index on active rules is the one that is used.
        .where(and(eq(availabilityRule.serviceId, serviceId), sql`active = 1`))
        .orderBy(asc(availabilityRule.createdAtMs), asc(availabilityRule.id)),
    ]);
    const from = schedule?.generatedFromMs ?? null;
    const until = schedule?.generatedUntilMs ?? null;
    return {
      version: schedule?.version ?? 0,
      rules: rules.map(toRecord),
      generated: from === null || until === null ? null : { startAtMs: from, endAtMs: until },
    };
  }

  async widenGenerated(serviceId: string, { startAtMs, endAtMs }: Interval): Promise<void> {
    const { generatedFromMs, generatedUntilMs } = serviceSchedule;
    await this.#orm
      .update(serviceSchedule)
      .set({
        generatedFromMs: sql`min(coalesce(${generatedFromMs}, ${startAtMs}), ${startAtMs})`,
        generatedUntilMs: sql`max(coalesce(${generatedUntilMs}, ${endAtMs}), ${endAtMs})`,
      })
      .where(eq(serviceSchedule.serviceId, serviceId));
  }

  dueWindows(nowMs: EpochMs, limit: number): Promise<FilledWindow[]> {
    return this.#orm
      .select(WINDOW)
      .from(serviceSchedule)
      .where(lte(serviceSchedule.nextFillAtMs, nowMs))
      .orderBy(asc(serviceSchedule.nextFillAtMs))
      .limit(limit);
  }

  windows(afterServiceId: string, limit: number): Promise<FilledWindow[]> {
    return this.#orm
      .select(WINDOW)
      .from(serviceSchedule)
      .where(gt(serviceSchedule.serviceId, afterServiceId))
      .orderBy(asc(serviceSchedule.serviceId))
      .limit(limit);
  }

  async saveFilled(filled: Parameters<RuleStore['saveFilled']>[0]): Promise<void> {
    const { serviceId, version, basis, untilMs, nextFillAtMs } = filled;
    await this.#orm
      .update(serviceSchedule)
      .set({ filledBasis: basis, filledUntilMs: untilMs, nextFillAtMs })
      .where(and(eq(serviceSchedule.serviceId, serviceId), eq(serviceSchedule.version, version)));
  }

  async postpone(serviceId: string, nextFillAtMs: EpochMs): Promise<void> {
    await this.#orm
      .update(serviceSchedule)
      .set({ nextFillAtMs })
      .where(eq(serviceSchedule.serviceId, serviceId));
  }
}

function toRow(rule: RuleRecord): RuleRow {
  const { id, serviceId, active, version, createdAtMs, ...terms } = rule;
  return { id, serviceId, active, version, createdAtMs, terms };
}

function toRecord({ terms, ...row }: RuleRow): RuleRecord {
  return { ...terms, ...row };
}
