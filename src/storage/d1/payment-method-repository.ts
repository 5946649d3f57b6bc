/**
 * All SQL of saved methods. A write is one transaction with the links of the method's chain; the triggers of
 * migrations/0016_create_payment_method.sql refuse the writer who read an older version, one method too many, and the
 * removal of one that a subscription lives on.
 * Callers: the use cases of saved methods, the sweep.
 */
import { and, asc, eq, gt, lte, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type {
  MethodChange,
  PaymentMethodStore,
} from '../../application/payment-methods/method-ports.ts';
import { invariant } from '../../domain/assert.ts';
import type { Processor } from '../../domain/payment/processor-reply.ts';
import type { SavedMethod } from '../../domain/payment/saved-method.ts';
import type { EpochMs } from '../../domain/time.ts';
import { auditStatements } from './audit-repository.ts';
import { bindRows, insertRowsSql, rowValues, updateRowSql } from './row-statements.ts';
import { billingCustomer } from './schema/billing.ts';
import { paymentMethod } from './schema/payment-method.ts';

/** Said by the database, and what it means. */
const REFUSALS = {
  payment_method_version_conflict: 'conflict',
  payment_method_in_use: 'in_use',
  payment_method_limit: 'limit',
  'UNIQUE constraint failed: payment_method.': 'exists',
} as const;

const INSERT = insertRowsSql(paymentMethod);
const UPDATE = updateRowSql(paymentMethod, []);

/** The first customer of a member stays: what was saved belongs to it. */
const KEEP_CUSTOMER = `
  INSERT INTO billing_customer (user_id, processor, ref) VALUES (?1, ?2, ?3)
  ON CONFLICT (user_id, processor) DO NOTHING`;

// Written out, because a partial index serves only a query that says its condition in the same words.
const IS_LIVE = sql`${paymentMethod.state} IN ('pending', 'active')`;
const IS_DUE = sql`${paymentMethod.dueAtMs} IS NOT NULL`;

/** Saved methods of one database. */
export class PaymentMethodRepository implements PaymentMethodStore {
  readonly #database: D1Database;
  readonly #orm: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#database = database;
    this.#orm = drizzle(database);
  }

  async byId(id: string): Promise<SavedMethod | null> {
    const [row] = await this.#orm.select().from(paymentMethod).where(eq(paymentMethod.id, id));
    return row ?? null;
  }

  liveOf(userId: string): Promise<SavedMethod[]> {
    return this.#orm
      .select()
      .from(paymentMethod)
      .where(and(eq(paymentMethod.userId, userId), IS_LIVE))
      .orderBy(asc(paymentMethod.createdAtMs), asc(paymentMethod.id));
  }

  async insert(change: MethodChange): Promise<'done' | 'exists' | 'limit'> {
    const rows = bindRows(this.#database.prepare(INSERT), paymentMethod, [change.method]);
    const said = await this.#write(change, rows);
    invariant(said !== 'conflict' && said !== 'in_use', 'an insert meets no older version');
    return said;
  }

  async save(change: MethodChange): Promise<'done' | 'conflict' | 'in_use'> {
    const row = JSON.stringify(rowValues(paymentMethod, change.method));
    const said = await this.#write(change, [this.#database.prepare(UPDATE).bind(row)]);
    invariant(said !== 'exists' && said !== 'limit', 'an update adds no method');
    return said;
  }

  async due(query: {
    readonly dueUntilMs: EpochMs | null;
    readonly afterId: string;
    readonly limit: number;
  }): Promise<SavedMethod[]> {
    const { dueUntilMs, afterId, limit } = query;
    return this.#orm
      .select()
      .from(paymentMethod)
      .where(
        and(
          IS_DUE,
          dueUntilMs === null ? undefined : lte(paymentMethod.dueAtMs, dueUntilMs),
          gt(paymentMethod.id, afterId),
        ),
      )
      .orderBy(asc(sql`+${paymentMethod.id}`))
      .limit(limit);
  }

  async customerOf(userId: string, processor: Processor): Promise<string | null> {
    const [row] = await this.#orm
      .select({ ref: billingCustomer.ref })
      .from(billingCustomer)
      .where(and(eq(billingCustomer.userId, userId), eq(billingCustomer.processor, processor)));
    return row?.ref ?? null;
  }

  async keepCustomer(userId: string, customer: { processor: Processor; ref: string }) {
    const { processor, ref } = customer;
    await this.#database.prepare(KEEP_CUSTOMER).bind(userId, processor, ref).run();
    return (await this.customerOf(userId, processor)) ?? ref;
  }

  async #write(
    { method, events }: MethodChange,
    rows: readonly D1PreparedStatement[],
  ): Promise<'done' | (typeof REFUSALS)[keyof typeof REFUSALS]> {
    const links = auditStatements(this.#database, { stream: method.id, events });
    try {
      await this.#database.batch([...rows, ...links]);
      return 'done';
    } catch (error) {
      const words = error instanceof Error ? error.message : '';
      for (const [said, meaning] of Object.entries(REFUSALS)) {
        if (words.includes(said)) return meaning;
      }
      throw error;
    }
  }
}
