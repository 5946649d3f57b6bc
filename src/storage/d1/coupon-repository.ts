/** All SQL of coupons. Callers: the coupons' use cases, and a coupon's object before its first use. */
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { CouponStore } from '../../application/promotion/coupon-ports.ts';
import type { Coupon } from '../../domain/promotion/coupon.ts';
import { bindRows, insertRowsSql } from './row-statements.ts';
import { coupon } from './schema/coupon.ts';

const INSERT_COUPONS = `${insertRowsSql(coupon)} ON CONFLICT DO NOTHING`;

/** Coupons of one database. */
export class CouponRepository implements CouponStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async insert(coupons: readonly Coupon[]): Promise<Coupon[]> {
    const rows = coupons.map((one) => ({
      ...one,
      serviceIds: one.serviceIds === null ? null : [...one.serviceIds],
      customerIds: one.customerIds === null ? null : [...one.customerIds],
    }));
    await this.#database.batch(bindRows(this.#database.prepare(INSERT_COUPONS), coupon, rows));
    const ids = sql`(SELECT value FROM json_each(${JSON.stringify(coupons.map(({ id }) => id))}))`;
    return this.#orm.select().from(coupon).where(inArray(coupon.id, ids)).orderBy(asc(coupon.id));
  }

  async byId(id: string): Promise<Coupon | null> {
    const [row] = await this.#orm.select().from(coupon).where(eq(coupon.id, id));
    return row ?? null;
  }

  async byCode(named: { providerId: string; code: string }): Promise<Coupon | null> {
    const [row] = await this.#orm
      .select()
      .from(coupon)
      .where(and(eq(coupon.providerId, named.providerId), eq(coupon.code, named.code)));
    return row ?? null;
  }

  list(query: { providerId: string; afterId: string; limit: number }): Promise<Coupon[]> {
    return this.#orm
      .select()
      .from(coupon)
      .where(and(eq(coupon.providerId, query.providerId), gt(coupon.id, query.afterId)))
      .orderBy(asc(coupon.id))
      .limit(query.limit);
  }

  async change(id: string, patch: Parameters<CouponStore['change']>[1]): Promise<Coupon | null> {
    const { serviceIds, customerIds, ...rest } = patch;
    const [row] = await this.#orm
      .update(coupon)
      .set({
        ...rest,
        ...(serviceIds === undefined ? {} : { serviceIds: listOf(serviceIds) }),
        ...(customerIds === undefined ? {} : { customerIds: listOf(customerIds) }),
        // Counted by the database, so that of two changes at once the later one has the higher number.
        version: sql`${coupon.version} + 1`,
      })
      .where(eq(coupon.id, id))
      .returning();
    return row ?? null;
  }
}

function listOf(ids: readonly string[] | null): string[] | null {
  return ids === null ? null : [...ids];
}
