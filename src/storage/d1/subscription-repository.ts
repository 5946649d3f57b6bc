/** All SQL of subscriptions. Callers: the push of entitlements, the seed. */
import { and, asc, eq, gt, notInArray, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { SubscriptionRecord, SubscriptionStore } from '../../application/billing-ports.ts';
import { subscription } from './schema/billing.ts';

/** Subscriptions of one database. */
export class SubscriptionRepository implements SubscriptionStore {
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#orm = drizzle(database);
  }

  async insert(record: SubscriptionRecord): Promise<void> {
    await this.#orm
      .insert(subscription)
      .values(record)
      .onConflictDoNothing({ target: subscription.id });
  }

  async byId(id: string): Promise<SubscriptionRecord | null> {
    const [row] = await this.#orm.select().from(subscription).where(eq(subscription.id, id));
    return row ?? null;
  }

  async liveOf(userId: string): Promise<SubscriptionRecord | null> {
    const [row] = await this.#orm
      .select()
      .from(subscription)
      .where(
        and(
          eq(subscription.userId, userId),
          notInArray(subscription.status, ['cancelled', 'expired']),
        ),
      );
    return row ?? null;
  }

  async markPushed(id: string, version: number): Promise<void> {
    await this.#orm
      .update(subscription)
      .set({ pushedVersion: sql`max(${subscription.pushedVersion}, ${version})` })
      .where(eq(subscription.id, id));
  }

  async unpushed(afterId: string, limit: number): Promise<string[]> {
    const rows = await this.#orm
      .select({ id: subscription.id })
      .from(subscription)
      .where(
        and(
          sql`${subscription.pushedVersion} < ${subscription.entitlementVersion}`,
          gt(subscription.id, afterId),
        ),
      )
      .orderBy(asc(subscription.id))
      .limit(limit);
    return rows.map((row) => row.id);
  }
}
